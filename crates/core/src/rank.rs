//! player-rank: one batch of messages → ranks in `players`, inside the points budget.
//!
//! Every message has its own outcome: a message that fails is returned alone, one that can never succeed is finished.
//! When no key can pay, the consumer slows down ([`crate::pause`]) and the whole batch goes back to the queue.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Context;
use chrono::TimeDelta;
use serde::Serialize;

use crate::budget::{self, Choice};
use crate::pause;
use crate::player::PlayerUpdate;
use crate::ports::{
    ApiError, Clock, ConsumerSwitch, Error, KeyPoints, KeyPool, Players, RankOutcome, RankSource, Wanted,
};
use crate::scrap::{Discovered, RaidsToScrap};
use crate::{PlayerId, Timestamp};

/// Settings of player-rank.
#[derive(Debug, Clone)]
pub struct RankConfig {
    /// `WCL_CALL_BUDGET`: points for one player in one raid in one difficulty.
    pub call_budget: f64,
    /// Whether a batch that a whole hour's points cannot pay is worked in parts, and a message that they cannot pay is
    /// set aside. Else it goes back whole as `NoBudget`, as often as it comes.
    pub works_in_parts: bool,
}

/// A message as the queue delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The queue's name for this message.
    pub message_id: String,
    /// The body, not yet looked at.
    pub body: String,
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RankSummary {
    /// Messages whose ranks are stored.
    pub done: u32,
    /// Messages that can never succeed, finished without ranks, and why.
    pub finished: Vec<String>,
    /// Messages that go back to the queue, and why.
    pub failed: Vec<FailedMessage>,
    /// Players that hide their ranks.
    pub hidden: u32,
    /// Who paid.
    pub key: Option<String>,
    /// Points spent, as far as known.
    pub points_spent: f64,
    /// What every key had before the batch.
    pub points_left: BTreeMap<String, f64>,
    /// Why the batch ended early; messages that it did not reach are among the failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Whether the API refused this program in the middle of the batch.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

/// A message that goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedMessage {
    /// The queue's name for it.
    pub message_id: String,
    /// What went wrong.
    pub reason: String,
}

/// Why the whole batch goes back to the queue.
#[derive(Debug, thiserror::Error)]
pub enum RankError {
    /// No key can pay. The consumer was slowed down or paused.
    #[error("no key has the {required} points this batch needs{}", match paused_until {
        Some(at) => format!("; paused until {at}"),
        None => format!("; concurrency limit is now {limit}"),
    })]
    NoBudget {
        /// Points the batch needs.
        required: f64,
        /// The consumer's limit now.
        limit: u32,
        /// When the reviver is woken, if the consumer was put to sleep.
        paused_until: Option<Timestamp>,
        /// What every key has left.
        points_left: BTreeMap<String, f64>,
    },
    /// The API refuses this program. The consumer was put to sleep.
    #[error("refused by the API: {0}")]
    Blocked(String),
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl RankError {
    /// The error type as Lambda reports it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoBudget { .. } => "NoBudget",
            Self::Blocked(_) => "Blocked",
            Self::Failed(_) => "Failed",
        }
    }
}

/// Most characters of a failure's reason.
const LONGEST_REASON: usize = 500;
/// How long a refusal puts the consumer to sleep: nothing is asked of the API meanwhile.
const REFUSAL_PAUSE: TimeDelta = TimeDelta::hours(1);

/// The four things player-rank works with.
#[derive(Debug)]
pub struct RankPorts<'a, S, A, W, C> {
    /// `players`.
    pub store: &'a S,
    /// Keys and ranks.
    pub api: &'a A,
    /// This function's own switch.
    pub switch: &'a W,
    /// Time.
    pub clock: &'a C,
}

/// Ranks one batch.
///
/// # Errors
/// [`RankError`] sends the whole batch back; it is returned only when nothing of the batch was done.
pub async fn rank_batch<S, A, W, C>(
    ports: &RankPorts<'_, S, A, W, C>,
    config: &RankConfig,
    deliveries: &[Delivery],
) -> Result<RankSummary, RankError>
where
    S: Players,
    A: KeyPool + RankSource,
    W: ConsumerSwitch,
    C: Clock,
{
    let mut batch = Batch::parse(deliveries);
    if batch.wanted.is_empty() {
        return Ok(batch.summary);
    }
    let keys = match ports.api.points().await {
        Ok(keys) => keys,
        Err(ApiError::PointsExhausted { .. }) => Vec::new(),
        Err(error) => return Err(give_up(ports, error).await),
    };
    batch.summary.points_left = keys.iter().map(|key| (key.key.clone(), key.remaining)).collect();
    if config.works_in_parts {
        batch.set_aside_unpayable(config.call_budget, &keys);
        batch.keep_what_an_hour_can_pay(config.call_budget, &keys);
        if batch.wanted.is_empty() {
            return Ok(batch.summary);
        }
    }
    let limit = ports.switch.concurrency_limit().await.context("reading the concurrency limit")?;
    let limit = limit.unwrap_or(pause::DEFAULT_CONCURRENCY);
    let pair_count = batch.wanted.iter().map(|player| player.raids_to_scrap.pair_count()).sum();
    let required = budget::required_points(config.call_budget, limit, pair_count);
    let key = match budget::choose_key(&keys, required) {
        Choice::Key(key) => key,
        Choice::NoBudget { earliest_reset } => {
            let steps = pause::plan(limit, earliest_reset, ports.clock.now());
            pause::apply(ports.switch, ports.clock, &steps).await?;
            return Err(no_budget(required, &steps, batch.summary.points_left));
        }
    };
    let wanted: Vec<Wanted> =
        batch.wanted.iter().map(|discovered| Wanted { discovered: discovered.clone(), class_id: None }).collect();
    let ranked = ports.api.rank(&key, &wanted).await;
    batch.summary.key = Some(key);
    batch.summary.points_spent = ranked.points_spent;
    if ranked.outcomes.is_empty() {
        match ranked.stopped {
            Some(ApiError::PointsExhausted { resets_at }) => {
                let steps = pause::plan(limit, Some(resets_at), ports.clock.now());
                pause::apply(ports.switch, ports.clock, &steps).await?;
                return Err(no_budget(required, &steps, batch.summary.points_left));
            }
            Some(error) => return Err(give_up(ports, error).await),
            None => {}
        }
    } else if let Some(stopped) = ranked.stopped {
        batch.summary.stopped = Some(stopped.to_string());
        batch.summary.refused = matches!(stopped, ApiError::Refused(_));
    }
    // First what was paid for, then the pause, which may fail.
    let outcomes = save(ports.store, ranked.outcomes).await?;
    batch.conclude(&outcomes);
    if batch.summary.refused {
        sleep_after_refusal(ports).await?;
    }
    Ok(batch.summary)
}

fn no_budget(required: f64, steps: &[pause::Step], points_left: BTreeMap<String, f64>) -> RankError {
    let mut limit = 0;
    let mut paused_until = None;
    for step in steps {
        match *step {
            pause::Step::SetLimit(lower) => limit = lower,
            pause::Step::ScheduleRevival(at) => paused_until = Some(at),
            pause::Step::DisableMapping => {}
        }
    }
    RankError::NoBudget { required, limit, paused_until, points_left }
}

async fn give_up<S, A, W: ConsumerSwitch, C: Clock>(ports: &RankPorts<'_, S, A, W, C>, error: ApiError) -> RankError {
    if let ApiError::Refused(reason) = error {
        match sleep_after_refusal(ports).await {
            Ok(()) => RankError::Blocked(reason),
            Err(error) => RankError::Failed(error.context(format!("pausing after a refusal: {reason}"))),
        }
    } else {
        RankError::Failed(error.into())
    }
}

async fn sleep_after_refusal<S, A, W: ConsumerSwitch, C: Clock>(
    ports: &RankPorts<'_, S, A, W, C>,
) -> Result<(), Error> {
    let now = ports.clock.now();
    pause::apply(ports.switch, ports.clock, &pause::plan(1, Some(now + REFUSAL_PAUSE), now)).await
}

/// What became of a player, from the messages' point of view.
enum Outcome {
    Done { hidden: bool },
    Never(&'static str),
    Failed(String),
}

async fn save<S: Players>(
    store: &S,
    outcomes: Vec<(PlayerId, RankOutcome)>,
) -> Result<HashMap<PlayerId, Outcome>, Error> {
    let mut by_player = HashMap::with_capacity(outcomes.len());
    let mut updates = Vec::with_capacity(outcomes.len());
    for (player, outcome) in outcomes {
        match outcome {
            RankOutcome::Update(update) => updates.push(update),
            RankOutcome::Never(reason) => {
                by_player.insert(player, Outcome::Never(reason));
            }
            RankOutcome::Failed(reason) => {
                by_player.insert(player, Outcome::Failed(reason));
            }
        }
    }
    let saved = store.save(&updates).await.context("writing to players")?;
    for (update, saved) in updates.iter().zip(saved) {
        let outcome = match saved {
            Ok(()) if matches!(update, PlayerUpdate::Gone { .. }) => Outcome::Never("no such character"),
            Ok(()) => Outcome::Done { hidden: matches!(update, PlayerUpdate::Hidden { .. }) },
            Err(reason) => Outcome::Failed(format!("not stored: {reason}")),
        };
        by_player.insert(update.id(), outcome);
    }
    Ok(by_player)
}

/// A batch on its way.
struct Batch {
    /// Messages by player; one player may be asked for by several messages.
    messages: Vec<(String, PlayerId)>,
    /// What to ask, each player once.
    wanted: Vec<Discovered>,
    summary: RankSummary,
}

impl Batch {
    fn parse(deliveries: &[Delivery]) -> Self {
        let mut batch = Self { messages: Vec::new(), wanted: Vec::new(), summary: RankSummary::default() };
        let mut wanted: BTreeMap<PlayerId, RaidsToScrap> = BTreeMap::new();
        for delivery in deliveries {
            match Discovered::parse(&delivery.body) {
                Ok(message) => {
                    wanted.entry(message.id).or_default().merge(&message.raids_to_scrap);
                    batch.messages.push((delivery.message_id.clone(), message.id));
                }
                Err(error) => batch.fail(delivery.message_id.clone(), error.to_string()),
            }
        }
        batch.wanted = wanted.into_iter().map(|(id, raids_to_scrap)| Discovered { id, raids_to_scrap }).collect();
        batch
    }

    fn fail(&mut self, message_id: String, reason: String) {
        // It may quote a hostile body, and goes into a log line.
        let reason: String = reason.chars().take(LONGEST_REASON).collect();
        tracing::warn!(message = %message_id, %reason, "message goes back to the queue");
        self.summary.failed.push(FailedMessage { message_id, reason });
    }

    fn set_aside_unpayable(&mut self, call_budget: f64, keys: &[KeyPoints]) {
        let beyond: HashSet<PlayerId> =
            budget::beyond_any_hour(call_budget, keys, &self.wanted).iter().map(|message| message.id).collect();
        if beyond.is_empty() {
            return;
        }
        self.wanted.retain(|message| !beyond.contains(&message.id));
        let (aside, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.messages).into_iter().partition(|(_, player)| beyond.contains(player));
        self.messages = rest;
        for (message_id, player) in aside {
            self.fail(message_id, format!("player {player} needs more points than any key has in an hour"));
        }
    }

    /// A batch whose messages are payable one by one may still ask for more than any key ever has. Its head is worked,
    /// the rest comes again.
    fn keep_what_an_hour_can_pay(&mut self, call_budget: f64, keys: &[KeyPoints]) {
        let Some(most) = budget::most_in_an_hour(keys) else { return };
        let mut pairs = 0;
        let payable = self.wanted.iter().take_while(|message| {
            pairs += message.raids_to_scrap.pair_count();
            budget::required_points(call_budget, 1, pairs) <= most
        });
        let payable = payable.count();
        if payable < self.wanted.len() {
            self.wanted.truncate(payable);
            self.summary.stopped = Some("the batch needs more points than any key has in an hour".to_owned());
        }
    }

    fn conclude(&mut self, outcomes: &HashMap<PlayerId, Outcome>) {
        for (message_id, player) in std::mem::take(&mut self.messages) {
            match outcomes.get(&player) {
                Some(Outcome::Done { hidden }) => {
                    self.summary.done += 1;
                    self.summary.hidden += u32::from(*hidden);
                }
                Some(Outcome::Never(reason)) => self.summary.finished.push(format!("player {player}: {reason}")),
                Some(Outcome::Failed(reason)) => self.fail(message_id, format!("player {player}: {reason}")),
                None => self.fail(message_id, format!("player {player}: not reached")),
            }
        }
    }
}

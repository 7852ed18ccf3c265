//! player-rank: one batch of messages → ranks in `players`, inside the points budget.
//!
//! Every message has its own outcome: a message that fails is returned alone, one that can never succeed is finished.
//! When no key can pay, the whole batch goes back and the error says what it needs and when points are there again; how
//! to wait for that is the caller's business.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;
use serde::Serialize;

use crate::budget::{self, Choice};
use crate::player::PlayerUpdate;
use crate::ports::{ApiError, Error, KeyPool, Players, RankOutcome, RankSource};
use crate::scrap::{Discovered, RaidsToScrap};
use crate::{PlayerId, Timestamp};

/// Settings of player-rank.
#[derive(Debug, Clone)]
pub struct RankConfig {
    /// `WCL_CALL_BUDGET`: points for one player in one raid in one difficulty.
    pub call_budget: f64,
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
    /// Whether the API refused this program in the middle of the batch: nothing more is to be asked for a while.
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
    /// No key can pay now.
    #[error("no key has the {required} points this batch needs")]
    NoBudget {
        /// Points the batch needs.
        required: f64,
        /// The most points that one key has in an hour, if known: a batch that needs more is never paid whole.
        most_in_an_hour: Option<f64>,
        /// When the first key has all its points again, if known.
        earliest_reset: Option<Timestamp>,
        /// What every key has left.
        points_left: BTreeMap<String, f64>,
    },
    /// The API refuses this program.
    #[error("refused by the API: {0}")]
    Refused(String),
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<ApiError> for RankError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Refused(reason) => Self::Refused(reason),
            other => Self::Failed(other.into()),
        }
    }
}

/// Most characters of a failure's reason.
const LONGEST_REASON: usize = 500;

/// Ranks one batch, of which up to `concurrency` run at the same time.
///
/// # Errors
/// [`RankError`] sends the whole batch back; it is returned only when nothing of the batch was done.
pub async fn rank_batch<S, A>(
    store: &S,
    api: &A,
    config: &RankConfig,
    concurrency: u32,
    deliveries: &[Delivery],
) -> Result<RankSummary, RankError>
where
    S: Players,
    A: KeyPool + RankSource,
{
    let mut batch = Batch::parse(deliveries);
    if batch.wanted.is_empty() {
        return Ok(batch.summary);
    }
    let keys = match api.points().await {
        Ok(keys) => keys,
        Err(ApiError::PointsExhausted { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let points_left: BTreeMap<_, _> = keys.iter().map(|key| (key.key.clone(), key.remaining)).collect();
    let pair_count = batch.wanted.iter().map(|player| player.raids_to_scrap.pair_count()).sum();
    let required = budget::required_points(config.call_budget, concurrency, pair_count);
    let no_budget = |earliest_reset| RankError::NoBudget {
        required,
        most_in_an_hour: budget::most_in_an_hour(&keys),
        earliest_reset,
        points_left: points_left.clone(),
    };
    let key = match budget::choose_key(&keys, required) {
        Choice::Key(key) => key,
        Choice::NoBudget { earliest_reset } => return Err(no_budget(earliest_reset)),
    };
    let ranked = api.rank(&key, &batch.wanted).await;
    match ranked.stopped {
        Some(ApiError::PointsExhausted { resets_at }) if ranked.outcomes.is_empty() => {
            return Err(no_budget(Some(resets_at)));
        }
        Some(error) if ranked.outcomes.is_empty() => return Err(error.into()),
        Some(error) => {
            batch.summary.refused = matches!(error, ApiError::Refused(_));
            batch.summary.stopped = Some(error.to_string());
        }
        None => {}
    }
    let outcomes = save(store, ranked.outcomes).await?;
    batch.settle(&outcomes);
    Ok(RankSummary { key: Some(key), points_spent: ranked.points_spent, points_left, ..batch.summary })
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

    fn settle(&mut self, outcomes: &HashMap<PlayerId, Outcome>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::{DifficultyRanks, RankedPart};
    use crate::testing::{Memory, TestApi, found, identity, key, noon};

    const CONFIG: RankConfig = RankConfig { call_budget: 6.0 };

    fn message(id: &str, player: PlayerId) -> Delivery {
        Delivery { message_id: id.to_owned(), body: serde_json::to_string(&found(player)).unwrap() }
    }

    fn ranked(id: PlayerId) -> RankOutcome {
        let part = RankedPart { raid: 31, difficulty: 4, ranks: DifficultyRanks::new() };
        RankOutcome::Update(PlayerUpdate::Ranked { id, identity: identity(id), parts: vec![part] })
    }

    fn api(keys: &[(&str, f64)], outcomes: impl IntoIterator<Item = (PlayerId, RankOutcome)>) -> TestApi {
        TestApi {
            keys: keys.iter().map(|(name, points)| key(name, *points)).collect(),
            outcomes: outcomes.into_iter().collect(),
            ..TestApi::default()
        }
    }

    #[tokio::test]
    async fn the_first_key_that_can_pay_for_all_at_once_pays() {
        let api = api(&[("a", 35.0), ("b", 36.0)], [(1, ranked(1)), (2, ranked(2))]);
        let store = Memory::default();
        let summary = rank_batch(&store, &api, &CONFIG, 3, &[message("x", 1), message("y", 2)]).await.unwrap();
        assert_eq!((summary.done, summary.key.as_deref(), summary.points_spent), (2, Some("b"), 12.0));
        assert_eq!(api.asked.into_inner(), [("b".to_owned(), vec![1, 2])]);
        assert_eq!(store.players.into_inner().into_keys().collect::<Vec<_>>(), [1, 2]);
    }

    #[tokio::test]
    async fn without_points_nothing_is_asked_and_the_reset_is_told() {
        let api = api(&[("a", 35.9)], [(1, ranked(1))]);
        let error = rank_batch(&Memory::default(), &api, &CONFIG, 6, &[message("x", 1)]).await.unwrap_err();
        let RankError::NoBudget { required, most_in_an_hour, earliest_reset, points_left } = error else {
            panic!("{error}")
        };
        assert_eq!((required, most_in_an_hour), (36.0, Some(3600.0)));
        assert_eq!((earliest_reset, points_left["a"]), (Some(noon() + chrono::TimeDelta::minutes(30)), 35.9));
        assert!(api.asked.into_inner().is_empty());
    }

    #[tokio::test]
    async fn points_that_run_out_before_anything_was_done_send_the_batch_back() {
        let api = api(&[("a", 3600.0)], []);
        let resets_at = noon();
        *api.stops.borrow_mut() = Some(ApiError::PointsExhausted { resets_at });
        let error = rank_batch(&Memory::default(), &api, &CONFIG, 1, &[message("x", 1)]).await.unwrap_err();
        assert!(matches!(error, RankError::NoBudget { earliest_reset: Some(at), .. } if at == resets_at), "{error}");
    }

    #[tokio::test]
    async fn each_message_has_its_own_outcome() {
        let outcomes = [
            (1, ranked(1)),
            (2, RankOutcome::Never("no class set")),
            (3, RankOutcome::Failed("HTTP 500".to_owned())),
            (4, RankOutcome::Update(PlayerUpdate::Hidden { id: 4 })),
            (5, ranked(5)),
        ];
        let store = Memory::default();
        store.rejects.borrow_mut().push(5);
        let mut batch: Vec<_> = (1..=6).map(|player| message(&format!("m{player}"), player)).collect();
        batch.push(message("twin", 1));
        batch.push(Delivery { message_id: "bad".to_owned(), body: "nonsense".to_owned() });
        let api = api(&[("a", 3600.0)], outcomes);
        let summary = rank_batch(&store, &api, &CONFIG, 1, &batch).await.unwrap();
        assert_eq!((summary.done, summary.hidden), (3, 1), "1, its twin, and 4");
        assert_eq!(summary.finished, ["player 2: no class set"]);
        let failed: Vec<_> = summary.failed.iter().map(|failed| failed.message_id.as_str()).collect();
        assert_eq!(failed, ["bad", "m3", "m5", "m6"]);
        assert_eq!(api.asked.into_inner()[0].1, [1, 2, 3, 4, 5, 6], "each player once");
    }

    #[tokio::test]
    async fn what_was_paid_for_is_stored_although_the_api_refuses_in_the_middle() {
        let store = Memory::default();
        let api = api(&[("a", 3600.0)], [(1, ranked(1))]);
        *api.stops.borrow_mut() = Some(ApiError::Refused("403".to_owned()));
        let summary = rank_batch(&store, &api, &CONFIG, 1, &[message("x", 1), message("y", 2)]).await.unwrap();
        assert!(summary.refused && store.players.borrow().contains_key(&1));
        assert_eq!(summary.failed[0].reason, "player 2: not reached");
    }

    #[tokio::test]
    async fn a_refusal_before_anything_was_asked_is_told_apart() {
        let api = TestApi::default();
        *api.points_error.borrow_mut() = Some(ApiError::Refused("human check".to_owned()));
        let error = rank_batch(&Memory::default(), &api, &CONFIG, 1, &[message("x", 1)]).await.unwrap_err();
        assert!(matches!(error, RankError::Refused(_)), "{error}");
    }
}

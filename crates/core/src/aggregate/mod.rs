//! aggregator: turns `discovers` and due reports into queue messages, and forgets exactly what the queue confirmed.
//!
//! At least once: what the queue confirmed is written down as waiting there, then removed from `discovers`. A crash before
//! it is written down sends at most a hundred messages again, which only costs points; after that, the next run drops them.
//! Pairs found meanwhile stay: only what was sent is removed.
//!
//! One key pays for a bounded number of players a day, and messages expire. So the queue is never filled beyond a limit:
//! who was never ranked goes first, then who waits longest for a first full reading, then who was ranked longest ago; the
//! rest waits in `discovers`. `choice` decides who, `room` how many.
//!
//! A queue is worked in order, and a report should be read within a day. So where rules read ranks from reports, what can
//! wait does so in the store: players, and reports that were read in part for want of points. Of these the queue is filled
//! up to a few hours' worth, and with one player at least for every nine reports. Where even the other reports are more than
//! a key can read in a day, the newest are sent, and the older ones wait in the store until there is room again.

mod choice;
mod room;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::ready;
use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;
use futures::{StreamExt, join, stream};
use serde::Serialize;

use self::choice::{Choice, LongestAgo, choose};
use self::room::{REPORTS_OF_TEN, Room};
use crate::ports::{
    Clock, DiscoveredPage, Discoveries, Error, InQueue, Malformed, MessageQueue, Players, ReportBacklog, Result, Rules,
    Waiting, is_store_away,
};
use crate::report_state::StoredReport;
use crate::rule::schedule::{self, delta};
use crate::rule::{RanksKind, Rule, RuleId};
use crate::scrap::{Discovered, Message, ReportMessage};
use crate::{Difficulty, PlayerId, RaidId, Timestamp};

/// Settings of aggregator.
#[derive(Debug, Clone)]
pub struct AggregateConfig {
    /// `DELAY_DISCOVERY_IN_HOURS`: every enabled rule must have run within this.
    pub delay: Duration,
    /// `RERANK_AFTER_HOURS`: who was ranked more recently is not sent.
    pub rerank_after: Duration,
    /// `QUEUE_LIMIT`: most messages that may wait.
    pub queue_limit: u64,
    /// Players read from the store at a time: bounds the memory.
    pub page_size: usize,
}

/// Why aggregator stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StopReason {
    /// Everything that waited was looked at.
    Complete,
    /// A rule did not run lately, so players would be ranked on half of the boards.
    NotFresh,
    /// The queue holds as much as it may; the rest waits.
    QueueFull,
    /// Time was up; the next run goes on.
    Deadline,
}

/// What aggregator did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AggregateSummary {
    /// Messages that the queue confirmed, those of reports among them.
    pub sent: u64,
    /// Messages of reports.
    pub reports: u64,
    /// Raids and difficulties of players that were ranked lately and so dropped.
    pub fresh: u64,
    /// Messages the queue did not take; they stay where they were.
    pub failed: u64,
    /// Documents that cannot be read; they stay in `discovers`.
    pub skipped: u64,
    /// Players that still wait.
    pub left: u64,
    /// Why it stopped.
    pub stopped: StopReason,
    /// Which rules the gate waits for, or the first failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Rules that the gate waits for no longer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<WithoutRule>,
}

impl AggregateSummary {
    /// This run and the one after it as one.
    pub fn and(self, after: Self) -> Self {
        Self {
            sent: self.sent + after.sent,
            reports: self.reports + after.reports,
            fresh: self.fresh + after.fresh,
            failed: self.failed + after.failed,
            skipped: self.skipped.max(after.skipped),
            reason: self.reason.or(after.reason),
            without: self.without,
            left: after.left,
            stopped: after.stopped,
        }
    }
}

/// A rule that has failed or was refused for so long that the others go on without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WithoutRule {
    /// The rule.
    pub rule: RuleId,
    /// Its raid.
    pub raid: RaidId,
    /// Its difficulty.
    pub difficulty: Difficulty,
    /// Why it fails.
    pub reason: String,
}

/// Everything that aggregator reads and writes.
pub trait AggregateStore: Rules + Discoveries + Players + Waiting + ReportBacklog {}
impl<S: Rules + Discoveries + Players + Waiting + ReportBacklog> AggregateStore for S {}

/// Batches on their way to the queue at the same time.
const SENT_AT_ONCE: usize = 4;
/// What the queue confirmed is written down by one command for so many batches, where as many are ready.
const WRITTEN_TOGETHER: usize = 3;
/// Such commands at the same time. What is sent and not yet written down is sent again after a crash: at most
/// (4 + 2 × 3) × 10 = 100 messages.
const WRITTEN_AT_ONCE: usize = 2;
/// What was written down is removed by one command for so many of the former: a thousand messages at most.
const REMOVED_TOGETHER: usize = 33;
/// Such commands at the same time.
const REMOVED_AT_ONCE: usize = 2;
/// Where no report is due within this, players need not leave room for any.
const REPORTS_COMING: TimeDelta = TimeDelta::days(7);
/// A report that was sent is not sent again within this, nor while the queue is so long that its message waits there.
const REPORT_AGAIN_AFTER: TimeDelta = TimeDelta::hours(24);

/// Sends one message per report that is due, and one per waiting player.
///
/// # Errors
/// When the store or the queue fails as a whole. What was confirmed before is removed, the rest waits.
pub async fn aggregate<S: AggregateStore, Q: MessageQueue, C: Clock>(
    store: &S,
    queue: &Q,
    clock: &C,
    config: &AggregateConfig,
    force: bool,
    deadline: Option<Timestamp>,
) -> Result<AggregateSummary> {
    let now = clock.now();
    let waiting = store.waiting(now).await.context("reading who waits in the queue")?;
    let length = match queue.length().await {
        Ok(length) => length,
        Err(error) => {
            tracing::warn!(
                error = format!("{error:#}"),
                "the queue does not tell its length: who is known to wait counts"
            );
            waiting.len() as u64
        }
    };
    let (rules, malformed) = store.rules().await.context("reading discovery_schedules")?;
    for rule in &malformed {
        tracing::error!(document = %rule.document, reason = %rule.reason, "rule skipped");
    }
    let rules = schedule::with_refusals(rules, &store.refusals().await.context("reading what refused before")?);
    let (gate, without) = if force { (None, Vec::new()) } else { gate(&rules, now, config.delay) };
    let summary = AggregateSummary {
        sent: 0,
        reports: 0,
        fresh: 0,
        failed: 0,
        skipped: 0,
        left: 0,
        stopped: StopReason::Complete,
        reason: None,
        without,
    };
    let is_out_of_time = || deadline.is_some_and(|deadline| clock.now() >= deadline);
    let players_wait = gate.is_none() && store.discovered_count().await? > 0;
    let room = Room::of(config.queue_limit, length, waiting.len() as u64, players_wait);
    let (reports, are_reports_left) = due_reports(store, &room, now).await?;
    let left = room.left;
    let mut run = Run { store, queue, config, now, room: left, most_players: None, is_out_of_time, reports, summary };
    if rules.iter().any(|rule| rule.enabled && rule.target.ranks == RanksKind::Reports) {
        run.share(&room).await?;
    }
    let mut stopped = StopReason::Complete;
    match gate {
        Some(reason) => {
            stopped = StopReason::NotFresh;
            run.summary.reason = Some(reason);
        }
        None if players_wait => stopped = run.send_players(waiting).await?,
        None => {}
    }
    if stopped != StopReason::Deadline && !run.send_reports(u64::MAX).await? {
        stopped = StopReason::Deadline;
    }
    if stopped == StopReason::Complete && are_reports_left {
        stopped = StopReason::QueueFull;
    }
    let summary = run.summary;
    Ok(AggregateSummary { left: store.discovered_count().await?, stopped, ..summary })
}

/// A report that was sent before this is sent again: its message must have ended.
fn sent_before(room: &Room, now: Timestamp) -> Timestamp {
    if room.is_short() { now - REPORT_AGAIN_AFTER } else { Timestamp::UNIX_EPOCH }
}

/// Reports that are due, as many as there is room for, and whether some are left.
async fn due_reports<S: AggregateStore>(
    store: &S,
    room: &Room,
    now: Timestamp,
) -> Result<(VecDeque<StoredReport>, bool)> {
    // One more, to tell whether some are left.
    let most = usize::try_from(room.for_reports)?;
    let mut due: VecDeque<_> =
        store.due_reports(now, sent_before(room, now), false, most + 1).await.context("reading reports")?.into();
    let are_left = due.len() > most;
    due.truncate(most);
    Ok((due, are_left))
}

/// Why players wait, if a rule is not fresh, and the rules that the others go on without.
fn gate(rules: &[Rule], now: Timestamp, delay: Duration) -> (Option<String>, Vec<WithoutRule>) {
    let mut without = Vec::new();
    let mut stale = Vec::new();
    for rule in schedule::stale(rules, now, delay) {
        let (id, raid, difficulty) = (&rule.id, rule.target.raid, rule.target.difficulty);
        match schedule::given_up(rules, rule, now, delay) {
            Some(reason) => without.push(WithoutRule { rule: id.clone(), raid, difficulty, reason }),
            None => stale.push(format!("{id} (raid {raid}, difficulty {difficulty})")),
        }
    }
    ((!stale.is_empty()).then(|| format!("not run within the delay: {}", stale.join(", "))), without)
}

/// One run.
struct Run<'a, S, Q, T> {
    store: &'a S,
    queue: &'a Q,
    config: &'a AggregateConfig,
    now: Timestamp,
    /// Messages that the queue may still take.
    room: u64,
    /// Most players that are sent, where reports are ranked, too.
    most_players: Option<u64>,
    is_out_of_time: T,
    /// Reports that are due, the next one first.
    reports: VecDeque<StoredReport>,
    summary: AggregateSummary,
}

impl<S: AggregateStore, Q: MessageQueue, T: Fn() -> bool> Run<'_, S, Q, T> {
    /// Where reports come, players leave room for them; reports that were read in part are sent beside.
    async fn share(&mut self, room: &Room) -> Result<()> {
        let later = self.now + REPORTS_COMING;
        let are_coming = async |in_part| {
            let coming = self.store.due_reports(later, later, in_part, 1).await.context("reading reports")?;
            anyhow::Ok(!coming.is_empty())
        };
        if !are_coming(false).await? && !are_coming(true).await? {
            return Ok(());
        }
        let due = self.reports.len() as u64;
        let most = usize::try_from(room.for_parts(due))?;
        let in_part = self
            .store
            .due_reports(self.now, sent_before(room, self.now), true, most)
            .await
            .context("reading reports")?;
        self.most_players = Some(room.for_players(due, in_part.len() as u64));
        self.reports.extend(in_part);
        Ok(())
    }

    /// Sends who was never ranked, page by page, then who waits longest for a first full reading, then who was ranked longest
    /// ago; reports in between.
    async fn send_players(&mut self, waiting: BTreeMap<PlayerId, InQueue>) -> Result<StopReason> {
        let fresh_since = self.now - delta(self.config.rerank_after);
        let (store, page_size, now) = (self.store, self.config.page_size, self.now);
        let reader = Reader { store, page_size, waiting, fresh_since, now };
        let (mut met, mut ranked) = (LongestAgo::default(), LongestAgo::default());
        let mut read = Some(reader.page(None).await?);
        while let Some(page) = read {
            if (self.is_out_of_time)() {
                return Ok(StopReason::Deadline);
            }
            for document in &page.malformed {
                tracing::error!(document = %document.document, reason = %document.reason, "document skipped");
                self.summary.skipped += 1;
                self.summary.reason.get_or_insert_with(|| document.to_string());
            }
            self.summary.fresh += page.chosen.fresh_pairs();
            let room = self.room_for_players();
            page.chosen.met.iter().for_each(|(player, met_at)| met.push(player, *met_at, room));
            page.chosen.ranked_before.iter().for_each(|(player, read_at)| ranked.push(player, *read_at, room));
            let next = async {
                let Some(next) = page.next else { return Ok(None) };
                reader.page(Some(next)).await.map(Some)
            };
            let (in_time, next) = join!(self.hand_over_players(page.chosen.never_ranked), next);
            read = next?;
            if !in_time? {
                return Ok(StopReason::Deadline);
            }
        }
        for players in [met, ranked] {
            if !self.send_longest_ago(&reader, players).await? {
                return Ok(StopReason::Deadline);
            }
        }
        Ok(if self.room_for_players() == 0 { StopReason::QueueFull } else { StopReason::Complete })
    }

    /// Sends players in their order, as far as there is room; `false` when time ran out.
    async fn send_longest_ago(&mut self, reader: &Reader<'_, S>, players: LongestAgo) -> Result<bool> {
        for players in players.into_players().chunks(self.config.page_size.max(1)) {
            if self.room_for_players() == 0 {
                break;
            }
            let discovered = self.store.discovered(players).await.context("reading discovers")?;
            let chosen = reader.choose(discovered, Vec::new()).await?;
            self.summary.fresh += chosen.fresh_pairs();
            let aged = chosen.met.into_iter().chain(chosen.ranked_before).map(|(player, _)| player);
            let mut by_id: BTreeMap<PlayerId, Discovered> =
                aged.chain(chosen.never_ranked).map(|player| (player.id, player)).collect();
            let in_order = players.iter().filter_map(|player| by_id.remove(player)).collect();
            if !self.hand_over_players(in_order).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How many players may still be sent.
    fn room_for_players(&self) -> u64 {
        self.most_players.unwrap_or(u64::MAX).min(self.room)
    }

    /// Sends players, as far as there is room, with the reports that are due before them; `false` when time ran out.
    async fn hand_over_players(&mut self, mut players: Vec<Discovered>) -> Result<bool> {
        players.truncate(usize::try_from(self.room_for_players()).unwrap_or(usize::MAX));
        // A share of the room was kept for players when the reports were chosen.
        if !self.send_reports(players.len() as u64 * REPORTS_OF_TEN).await? {
            return Ok(false);
        }
        players.truncate(usize::try_from(self.room_for_players()).unwrap_or(usize::MAX));
        self.most_players = self.most_players.map(|most| most.saturating_sub(players.len() as u64));
        let messages: Vec<Message> = players.into_iter().map(Message::Player).collect();
        self.hand_over(&messages).await
    }

    /// Sends up to `most` of the reports that are due; `false` when time ran out.
    async fn send_reports(&mut self, most: u64) -> Result<bool> {
        let count = most.min(self.room).min(self.reports.len() as u64);
        let reports = self.reports.drain(..usize::try_from(count)?);
        let message =
            |report: StoredReport| Message::Report(ReportMessage { report: report.code, raid: Some(report.raid) });
        let messages: Vec<Message> = reports.map(message).collect();
        self.hand_over(&messages).await
    }

    /// Sends messages in batches, writes down what the queue confirmed, and removes it from `discovers`; `false` when time ran
    /// out before their end.
    ///
    /// A batch that fails ends the sending; one under way at that moment is still brought to its end.
    async fn hand_over(&mut self, messages: &[Message]) -> Result<bool> {
        let (is_late, trouble) = (Cell::new(false), Trouble::default());
        let goes_on = |_: &&[Message]| {
            is_late.set(is_late.get() || (self.is_out_of_time)());
            ready(!is_late.get() && trouble.failure.borrow().is_none())
        };
        let mut handed_over = stream::iter(messages.chunks(Q::BATCH))
            .take_while(goes_on)
            .map(|batch| send(self.queue, batch, &trouble))
            .buffer_unordered(SENT_AT_ONCE)
            .ready_chunks(WRITTEN_TOGETHER)
            .map(|batches| write_down(self.store, HandedOver::of(batches), self.now, &trouble))
            .buffer_unordered(WRITTEN_AT_ONCE)
            .chunks(REMOVED_TOGETHER)
            .map(|written| remove(self.store, HandedOver::of(written), &trouble))
            .buffer_unordered(REMOVED_AT_ONCE);
        while let Some(batches) = handed_over.next().await {
            let sent = (batches.players.len() + batches.reports.len()) as u64;
            self.summary.sent += sent;
            self.summary.reports += batches.reports.len() as u64;
            self.room = self.room.saturating_sub(sent);
            self.summary.failed += batches.rejected.len() as u64;
            self.summary.reason = self.summary.reason.take().or(batches.rejected.into_iter().next());
        }
        drop(handed_over);
        trouble.failure.into_inner().map_or(Ok(!is_late.get()), Err)
    }
}

/// Reads players and tells them apart.
struct Reader<'a, S> {
    store: &'a S,
    page_size: usize,
    waiting: BTreeMap<PlayerId, InQueue>,
    fresh_since: Timestamp,
    now: Timestamp,
}

/// A stretch of `discovers`, told apart.
struct Page {
    chosen: Choice,
    malformed: Vec<Malformed>,
    next: Option<PlayerId>,
}

impl<S: AggregateStore> Reader<'_, S> {
    async fn page(&self, after: Option<PlayerId>) -> Result<Page> {
        let DiscoveredPage { discovered, empty, malformed, next } =
            self.store.discovered_after(after, self.page_size).await.context("reading discovers")?;
        Ok(Page { chosen: self.choose(discovered, empty).await?, malformed, next })
    }

    /// Tells apart who is to be sent. Pairs that were ranked lately or wait already are dropped, also what a run that died
    /// had sent and not removed; so are documents that hold nothing.
    async fn choose(&self, discovered: Vec<Discovered>, empty: Vec<Discovered>) -> Result<Choice> {
        let ids: Vec<PlayerId> = discovered.iter().map(|player| player.id).collect();
        let known = self.store.known_without_ends(&ids).await.context("reading players")?;
        let chosen = choose(discovered, &known, &self.waiting, self.fresh_since, self.now);
        let dropped = [empty.as_slice(), &chosen.waiting, &chosen.fresh].concat();
        if !dropped.is_empty() {
            self.store
                .remove(&dropped)
                .await
                .context("dropping who was ranked lately or waits in the queue already")?;
        }
        Ok(chosen)
    }
}

/// What became of one or more batches.
#[derive(Default)]
struct HandedOver {
    /// Players that the queue confirmed.
    players: Vec<Discovered>,
    /// Reports that the queue confirmed.
    reports: Vec<String>,
    /// Why the queue did not take a message, one by one.
    rejected: Vec<String>,
}

impl HandedOver {
    /// Several as one.
    fn of(batches: Vec<Self>) -> Self {
        let mut all = Self::default();
        for Self { players, reports, rejected } in batches {
            all.players.extend(players);
            all.reports.extend(reports);
            all.rejected.extend(rejected);
        }
        all
    }
}

/// What went wrong in a hand-over.
#[derive(Default)]
struct Trouble {
    /// The first failure.
    failure: RefCell<Option<Error>>,
    /// Whether the store does not answer: then nothing more is asked of it.
    is_away: Cell<bool>,
}

impl Trouble {
    fn note(&self, outcome: Result<()>) {
        if let Err(error) = outcome {
            self.is_away.set(self.is_away.get() || is_store_away(&error));
            self.failure.borrow_mut().get_or_insert(error);
        }
    }
}

/// Sends a batch.
async fn send<Q: MessageQueue>(queue: &Q, batch: &[Message], trouble: &Trouble) -> HandedOver {
    let mut sent = HandedOver::default();
    let outcomes = match queue.send(batch).await.context("sending to the queue") {
        Ok(outcomes) => outcomes,
        Err(error) => {
            trouble.note(Err(error));
            return sent;
        }
    };
    for (message, outcome) in batch.iter().zip(outcomes) {
        match (outcome, message) {
            (Ok(()), Message::Player(player)) => sent.players.push(player.clone()),
            (Ok(()), Message::Report(report)) => sent.reports.push(report.report.clone()),
            (Err(reason), message) => {
                tracing::warn!(?message, %reason, "the queue did not take a message");
                sent.rejected.push(reason);
            }
        }
    }
    sent
}

/// Writes down what the queue confirmed as waiting there.
async fn write_down<S: AggregateStore>(store: &S, sent: HandedOver, now: Timestamp, trouble: &Trouble) -> HandedOver {
    if !sent.players.is_empty() && !trouble.is_away.get() {
        let written = store.mark_waiting(&sent.players, now).await;
        trouble.note(written.context("writing down who waits in the queue"));
    }
    if !sent.reports.is_empty() && !trouble.is_away.get() {
        let written = store.mark_sent(&sent.reports, now).await;
        trouble.note(written.context("writing down which reports were sent"));
    }
    sent
}

/// Removes from `discovers` what was sent.
async fn remove<S: AggregateStore>(store: &S, sent: HandedOver, trouble: &Trouble) -> HandedOver {
    if !sent.players.is_empty() && !trouble.is_away.get() {
        trouble.note(store.remove(&sent.players).await.context("removing what was sent from discovers"));
    }
    sent
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;
    use crate::left_out::LeftOut;
    use crate::player::{MetricRanks, Player};
    use crate::report_state::ReportState;
    use crate::rule::tests::rule;
    use crate::rule::{Block, SourceKind, Wait};
    use crate::scrap::RaidsToScrap;
    use crate::testing::{Memory, QueueAnswer, TestClock, TestQueue, found, identity, noon};

    const CONFIG: AggregateConfig = AggregateConfig {
        delay: Duration::from_secs(24 * 3600),
        rerank_after: Duration::from_secs(20 * 3600),
        queue_limit: 80_000,
        page_size: 50,
    };

    async fn run<Q: MessageQueue>(store: &Memory, queue: &Q, force: bool) -> Result<AggregateSummary> {
        aggregate(store, queue, &TestClock::at(noon()), &CONFIG, force, None).await
    }

    async fn run_limited<Q: MessageQueue>(store: &Memory, queue: &Q, queue_limit: u64) -> AggregateSummary {
        let config = AggregateConfig { queue_limit, ..CONFIG };
        aggregate(store, queue, &TestClock::at(noon()), &config, false, None).await.unwrap()
    }

    #[tokio::test]
    async fn every_player_is_sent_once_and_removed() {
        let store = Memory::with_discovered(1234);
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        let summary = run(&store, &queue, false).await.unwrap();
        assert_eq!((summary.sent, summary.failed, summary.left, summary.stopped), (1234, 0, 0, StopReason::Complete));
        assert!(queue.times().values().all(|times| *times == 1));
    }

    #[tokio::test]
    async fn what_the_queue_does_not_take_stays() {
        let store = Memory::with_discovered(100);
        let summary = run(&store, &TestQueue::new(async |_| QueueAnswer::RefuseHalf), false).await.unwrap();
        assert_eq!((summary.sent, summary.failed, summary.left), (50, 50, 50));
        assert_eq!(summary.reason.as_deref(), Some("throttled"));
        let again = run(&store, &TestQueue::new(async |_| QueueAnswer::Confirm), false).await.unwrap();
        assert_eq!((again.sent, again.left), (50, 0));
    }

    #[tokio::test]
    async fn a_death_at_any_batch_loses_nobody_and_sends_few_twice() {
        for death in 1..=13 {
            let store = Memory::with_discovered(125);
            let dying = async |call| if call == death { QueueAnswer::TakeAndDie } else { QueueAnswer::Confirm };
            let first = TestQueue::new(dying);
            run(&store, &first, false).await.unwrap_err();
            let second = TestQueue::new(async |_| QueueAnswer::Confirm);
            run(&store, &second, false).await.unwrap();
            let (mut times, again) = (first.times(), second.times());
            again.iter().for_each(|(id, more)| *times.entry(*id).or_default() += more);
            assert_eq!(times.len(), 125, "death at batch {death}");
            assert!(times.values().filter(|times| **times > 1).count() <= 10, "death at batch {death}");
            assert_eq!(store.discovered_count().await.unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn little_is_sent_while_nothing_is_removed_and_nobody_twice() {
        let store = Memory::with_discovered(500);
        store.removes_nothing.set(true);
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        let error = run(&store, &queue, false).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "removing what was sent from discovers: not authorised");
        assert!(queue.players().len() <= 2 * CONFIG.page_size, "{} players", queue.players().len());
        store.removes_nothing.set(false);
        run(&store, &queue, false).await.unwrap();
        let times = queue.times();
        assert!(times.len() == 500 && times.values().all(|times| *times == 1));
    }

    #[tokio::test]
    async fn at_most_a_hundred_messages_are_sent_that_are_not_written_down() {
        let store = Memory::with_discovered(500);
        store.marks_nothing.set(true);
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        let config = AggregateConfig { page_size: 500, ..CONFIG };
        let failed = aggregate(&store, &queue, &TestClock::at(noon()), &config, false, None).await.unwrap_err();
        assert_eq!(format!("{failed:#}"), "writing down who waits in the queue: not authorised");
        assert!(queue.players().len() <= 100, "{} players", queue.players().len());
    }

    #[tokio::test]
    async fn of_a_store_that_is_away_nothing_more_is_asked() {
        for reports in [0, 200] {
            let store = Memory::with_discovered(500);
            with_reports(&store, (0..reports).map(|code| report(code, 1, None)));
            let queue = TestQueue::new(async |_| {
                store.is_away.set(store.is_away.get().or(Some(0)));
                QueueAnswer::Confirm
            });
            let config = AggregateConfig { page_size: 500, ..CONFIG };
            let failed = aggregate(&store, &queue, &TestClock::at(noon()), &config, false, None).await.unwrap_err();
            assert!(is_store_away(&failed), "{failed:#}");
            assert_eq!(store.is_away.get(), Some(1), "what else was under way is neither written down nor removed");
            assert_eq!(store.discovers.borrow().len(), 500);
        }
    }

    #[tokio::test]
    async fn what_discover_adds_meanwhile_is_not_forgotten() {
        let store = Memory::with_discovered(30);
        // While player 5's message is under way, discover finds it in another difficulty.
        let queue = TestQueue::new(async |call| {
            if call == 1 {
                let found = Discovered { id: 5, raids_to_scrap: RaidsToScrap::one(31, 5) };
                store.merge(&[found]).await.unwrap();
            }
            QueueAnswer::Confirm
        });
        let summary = run(&store, &queue, false).await.unwrap();
        assert_eq!((summary.sent, summary.left), (30, 1));
        assert_eq!(store.discovers.borrow()[&5], RaidsToScrap::one(31, 5));
    }

    #[test]
    fn two_runs_are_told_as_one() {
        let run = |number: u64, stopped| AggregateSummary {
            sent: number,
            reports: 10 * number,
            fresh: 100 * number,
            failed: 1_000 * number,
            skipped: 10_000 * number,
            left: number,
            stopped,
            reason: Some(number.to_string()),
            without: vec![],
        };
        let both = run(3, StopReason::QueueFull).and(run(2, StopReason::Complete));
        assert_eq!((both.sent, both.reports, both.fresh, both.failed), (5, 50, 500, 5_000));
        // What cannot be read stays, and is met again.
        assert_eq!((both.skipped, both.left, both.stopped), (30_000, 2, StopReason::Complete));
        assert_eq!(both.reason.as_deref(), Some("3"));
    }

    #[tokio::test]
    async fn a_document_that_cannot_be_read_is_skipped_and_counted() {
        let store = Memory::with_discovered(1);
        let malformed = Malformed { document: "discovers x".to_owned(), reason: "no number".to_owned() };
        store.malformed.borrow_mut().push(malformed);
        let summary = run(&store, &TestQueue::new(async |_| QueueAnswer::Confirm), false).await.unwrap();
        assert_eq!((summary.sent, summary.skipped, summary.reason.as_deref()), (1, 1, Some("discovers x: no number")));
        let told = serde_json::to_value(&summary).unwrap();
        assert_eq!((&told["skipped"], &told["stopped"]), (&json!(1), &json!("complete")));
        let again = run(&store, &TestQueue::new(async |_| QueueAnswer::Confirm), false).await.unwrap();
        assert_eq!(again.skipped, 0);
    }

    #[tokio::test]
    async fn time_that_is_up_leaves_the_rest_to_the_next_run() {
        let store = Memory::with_discovered(300);
        let clock = TestClock::at(noon());
        let queue = TestQueue::new(async |call| {
            if call == 3 {
                clock.advance(TimeDelta::minutes(1));
            }
            QueueAnswer::Confirm
        });
        let deadline = Some(noon() + TimeDelta::seconds(30));
        // All in one page: it is left in its middle.
        let config = AggregateConfig { page_size: 500, ..CONFIG };
        let summary = aggregate(&store, &queue, &clock, &config, true, deadline).await.unwrap();
        assert_eq!(summary.stopped, StopReason::Deadline);
        assert!((30..=120).contains(&summary.sent) && summary.sent + summary.left == 300, "{summary:?}");
    }

    #[tokio::test]
    async fn the_gate_waits_for_every_enabled_rule_unless_forced() {
        let store = Memory::with_discovered(10);
        store.rules.borrow_mut().push(rule("never", None));
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        let waiting = run(&store, &queue, false).await.unwrap();
        assert_eq!((waiting.sent, waiting.left, waiting.stopped), (0, 10, StopReason::NotFresh));
        assert!(waiting.reason.unwrap().contains("never"));
        let forced = run(&store, &queue, true).await.unwrap();
        assert_eq!((forced.sent, forced.stopped), (10, StopReason::Complete));
        assert_eq!(queue.taken.into_inner().first(), Some(&Message::Player(found(1))));
    }

    #[tokio::test]
    async fn a_rule_that_has_failed_or_was_refused_for_long_holds_nobody_up() {
        let store = Memory::with_discovered(10);
        let mut failing = rule("failing", Some(60));
        failing.state.wait =
            Some(Wait::after_failure(None, noon() - TimeDelta::hours(30), "WCL has no raid 31".into()));
        let mut refused = rule("refused", Some(60));
        refused.target.source = SourceKind::Reports;
        refused.state.block = Some(Block::after(None, noon() - TimeDelta::hours(26), "human check".into()));
        store.rules.borrow_mut().extend([failing, refused, rule("fresh", Some(2))]);
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        let summary = run(&store, &queue, false).await.unwrap();
        assert_eq!((summary.sent, summary.stopped), (10, StopReason::Complete));
        let without: Vec<_> = summary.without.iter().map(|rule| (rule.rule.0.as_str(), rule.reason.as_str())).collect();
        assert_eq!(without, [("failing", "WCL has no raid 31"), ("refused", "human check")]);
        // The same refusal, which a backfill met.
        let block = store.rules.borrow_mut()[1].state.block.take().unwrap();
        store.refusals.borrow_mut().insert(SourceKind::Reports, block);
        assert_eq!(run(&store, &queue, false).await.unwrap().without.len(), 2);
        store.rules.borrow_mut()[0].state.wait = Some(Wait::after_failure(None, noon(), "a first failure".into()));
        let held_up = run(&store, &queue, false).await.unwrap();
        assert_eq!(held_up.stopped, StopReason::NotFresh);
    }

    /// Player `id` was ranked wholly so many hours ago.
    fn ranked(store: &Memory, id: u32, hours_ago: i64) {
        let metric = MetricRanks { read_at: Some(noon() - TimeDelta::hours(hours_ago)), ..MetricRanks::default() };
        let ranks = BTreeMap::from([(31, BTreeMap::from([(4, BTreeMap::from([("dps".to_owned(), metric)]))]))]);
        store.players.borrow_mut().insert(id, Player { id, identity: identity(id), ranks });
    }

    #[tokio::test]
    async fn the_queue_is_filled_to_its_limit_with_who_needs_it_most() {
        let store = Memory::with_discovered(10);
        // 1 to 3 were ranked a while ago, 4 just now; 5 to 10 never.
        for (id, hours) in [(1, 30), (2, 50), (3, 40), (4, 5)] {
            ranked(&store, id, hours);
        }
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        queue.waits.set(92);
        let summary = run_limited(&store, &queue, 100).await;
        assert_eq!((summary.sent, summary.fresh, summary.left), (8, 1, 1));
        assert_eq!(summary.stopped, StopReason::QueueFull);
        let mut sent = queue.players();
        sent[..6].sort_unstable();
        assert_eq!(sent, [5, 6, 7, 8, 9, 10, 2, 3]);
        let full = run_limited(&store, &queue, 100).await;
        assert_eq!((full.sent, full.left), (0, 1));
    }

    /// Player `id` stands in reports since so many hours ago, and never was ranked wholly.
    fn met(store: &Memory, id: u32, hours_ago: i64) {
        let ends = BTreeMap::from([(7, vec![noon() - TimeDelta::hours(hours_ago), noon()])]);
        let metric = MetricRanks { ends, ..MetricRanks::default() };
        let ranks = BTreeMap::from([(31, BTreeMap::from([(4, BTreeMap::from([("dps".to_owned(), metric)]))]))]);
        store.players.borrow_mut().insert(id, Player { id, identity: identity(id), ranks });
    }

    #[tokio::test]
    async fn of_first_full_readings_the_oldest_go_first() {
        let store = Memory::with_discovered(6);
        [(1, 20), (2, 90), (3, 50), (4, 70)].into_iter().for_each(|(id, hours)| met(&store, id, hours));
        ranked(&store, 5, 200);
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        let summary = run_limited(&store, &queue, 4).await;
        assert_eq!((queue.players(), summary.left), (vec![6, 2, 4, 3], 2), "of 6 nothing is known");
        run_limited(&store, &queue, 100).await;
        assert_eq!(queue.players()[4..], [1, 5]);
    }

    #[tokio::test]
    async fn who_is_ranked_while_others_are_sent_is_not_sent() {
        let store = Memory::with_discovered(10);
        ranked(&store, 1, 30);
        let queue = TestQueue::new(async |_| {
            ranked(&store, 1, 0);
            QueueAnswer::Confirm
        });
        let summary = run(&store, &queue, false).await.unwrap();
        assert_eq!((summary.sent, summary.fresh, summary.left), (9, 1, 0));
    }

    #[tokio::test]
    async fn nobody_waits_in_the_queue_twice() {
        let store = Memory::with_discovered(3);
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        run(&store, &queue, false).await.unwrap();
        store.merge(&[found(1), Discovered { id: 2, raids_to_scrap: RaidsToScrap::one(31, 5) }]).await.unwrap();
        let again = run(&store, &queue, false).await.unwrap();
        assert_eq!((again.sent, again.left), (1, 0), "2 in another difficulty; 1 waits already");
        store.forget_waiting(&[found(1)]).await.unwrap();
        store.merge(&[found(1)]).await.unwrap();
        assert_eq!(run(&store, &queue, false).await.unwrap().sent, 1);
    }

    fn report(code: u32, due_hours_ago: i64, sent_hours_ago: Option<i64>) -> StoredReport {
        let ago = |hours| noon() - TimeDelta::hours(hours);
        StoredReport {
            code: format!("r{code:03}"),
            raid: 31,
            region: "EU".to_owned(),
            start: ago(due_hours_ago + 30),
            end: ago(due_hours_ago + 26),
            revision: 1,
            state: ReportState::New,
            due_at: ago(due_hours_ago),
            sent_at: sent_hours_ago.map(ago),
            found_at: Some(noon()),
            tries: 0,
            difficulties: BTreeSet::new(),
            left_out: LeftOut::NOTHING,
        }
    }

    #[tokio::test]
    async fn where_reports_are_ranked_what_can_wait_fills_a_few_hours_of_the_queue() {
        let store = Memory::with_discovered(400);
        let mut by_reports = rule("by reports", Some(1));
        by_reports.target.source = SourceKind::Reports;
        by_reports.target.ranks = RanksKind::Reports;
        store.rules.borrow_mut().push(by_reports);
        let in_part = |code| StoredReport { left_out: LeftOut::of_number(2), ..report(code, 1, None) };
        with_reports(&store, (0..9).map(|code| report(code, 1, None)).chain((100..160).map(in_part)));
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        // A week's worth is 5,600 messages, three hours' worth 100.
        let first = run_limited(&store, &queue, 5600).await;
        assert_eq!(
            (first.reports, first.sent, first.left),
            (9 + 45, 100, 400 - 46),
            "half of the room is the players'"
        );
        assert_eq!(first.stopped, StopReason::QueueFull);
        with_reports(&store, (200..230).map(in_part));
        let second = run_limited(&store, &queue, 5600).await;
        assert_eq!((second.sent, second.left), (0, 354), "enough waits in the queue");
        with_reports(&store, (20..38).map(|code| report(code, 1, None)));
        let third = run_limited(&store, &queue, 5600).await;
        assert_eq!((third.reports, third.sent), (18, 20), "one player for every nine reports that are due");
    }

    #[tokio::test]
    async fn without_a_report_in_sight_or_in_a_small_queue_players_fill_it_to_its_limit() {
        let mut by_reports = rule("by reports", Some(1));
        by_reports.target.source = SourceKind::Reports;
        by_reports.target.ranks = RanksKind::Reports;
        for (limit, due_in_hours, sent) in [(5600, None, 400), (5600, Some(24), 100), (300, Some(24), 300)] {
            let store = Memory::with_discovered(400);
            store.rules.borrow_mut().push(by_reports.clone());
            with_reports(&store, due_in_hours.map(|hours: i64| report(1, -hours, None)));
            let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
            let summary = run_limited(&store, &queue, limit).await;
            assert_eq!((summary.sent, summary.left), (sent, 400 - sent), "{limit} {due_in_hours:?}");
        }
    }

    #[tokio::test]
    async fn reports_go_first_also_where_there_is_little_room() {
        for (room, reports) in [(1, 1), (5, 4), (9, 8), (25, 22)] {
            let store = Memory::with_discovered(100);
            with_reports(&store, (0..30).map(|code| report(code, 1, None)));
            let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
            let summary = run_limited(&store, &queue, room).await;
            assert_eq!((summary.sent, summary.reports), (room, reports), "{room}");
        }
    }

    #[tokio::test]
    async fn a_report_whose_message_may_still_wait_is_not_sent_again() {
        let store = Memory::default();
        with_reports(&store, [report(1, 30, Some(25))]);
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        queue.waits.set(101);
        assert_eq!(run_limited(&store, &queue, 5600).await.sent, 0, "more than three hours' worth waits");
        queue.waits.set(100);
        assert_eq!(run_limited(&store, &queue, 5600).await.sent, 1, "it was lost");
    }

    fn with_reports(store: &Memory, reports: impl IntoIterator<Item = StoredReport>) {
        store.reports.borrow_mut().extend(reports.into_iter().map(|report| (report.code.clone(), report)));
    }

    #[tokio::test]
    async fn due_reports_are_sent_newest_first_whatever_the_gate_says() {
        let store = Memory::with_discovered(5);
        store.rules.borrow_mut().push(rule("stale", None));
        with_reports(&store, [report(1, 9, None), report(2, -1, None), report(3, 1, None), report(4, 1, Some(2))]);
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        let summary = run(&store, &queue, false).await.unwrap();
        assert_eq!((summary.sent, summary.reports, summary.left), (2, 2, 5));
        let bodies: Vec<_> =
            queue.taken.borrow().iter().map(|message| serde_json::to_string(message).unwrap()).collect();
        assert_eq!(bodies, [r#"{"report":"r003","raid":31}"#, r#"{"report":"r001","raid":31}"#]);
        assert_eq!(run(&store, &queue, false).await.unwrap().sent, 0, "not again within a day");
        with_reports(&store, [report(5, 1, None), report(6, 1, None)]);
        queue.taken.borrow_mut().clear();
        assert_eq!(
            run_limited(&store, &queue, 2).await.reports,
            2,
            "nothing is kept free for players that have to wait"
        );
    }

    #[tokio::test]
    async fn reports_go_first_and_a_tenth_is_kept_for_players() {
        let store = Memory::with_discovered(200);
        with_reports(&store, (0..200).map(|code| report(code, 1, None)));
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        let summary = run_limited(&store, &queue, 100).await;
        assert_eq!((summary.sent, summary.reports), (100, 90));
        assert_eq!(summary.stopped, StopReason::QueueFull);
    }

    #[tokio::test]
    async fn reports_fill_the_queue_where_no_player_waits() {
        let store = Memory::default();
        with_reports(&store, (0..200).map(|code| report(code, 1, None)));
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        let first = run_limited(&store, &queue, 100).await;
        assert_eq!((first.sent, first.reports, first.stopped), (100, 100, StopReason::QueueFull));
        let second = run_limited(&store, &queue, 100).await;
        assert_eq!((second.sent, second.stopped), (0, StopReason::QueueFull));
        queue.taken.borrow_mut().clear();
        let third = run_limited(&store, &queue, 100).await;
        assert_eq!((third.sent, third.stopped), (100, StopReason::Complete), "exactly as many as are left");
        let nothing = run_limited(&store, &queue, 100).await;
        assert_eq!(
            (nothing.sent, nothing.stopped),
            (0, StopReason::Complete),
            "a full queue, and nobody who waits for it"
        );
    }

    #[tokio::test]
    async fn where_reports_are_more_than_a_key_reads_in_a_day_the_newest_are_sent() {
        let store = Memory::default();
        with_reports(&store, (0..990).map(|code| report(code, 40, None)));
        with_reports(&store, (1000..1500).map(|code| report(code, 1, None)));
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        queue.waits.set(200);
        // A week's worth is 8,400 messages, 20 hours' worth 1,000.
        let summary = run_limited(&store, &queue, 8400).await;
        assert_eq!((summary.reports, summary.stopped), (800, StopReason::QueueFull));
        let sent = |due_hours_ago| {
            let due_at = noon() - TimeDelta::hours(due_hours_ago);
            let is_sent = |report: &&StoredReport| report.due_at == due_at && report.sent_at.is_some();
            store.reports.borrow().values().filter(is_sent).count()
        };
        assert_eq!((sent(1), sent(40)), (500, 300));
        let players: Vec<_> = (1..=300).map(found).collect();
        store.mark_waiting(&players, noon()).await.unwrap();
        queue.waits.set(500);
        assert_eq!(run_limited(&store, &queue, 8400).await.reports, 0, "players that wait are no reports");
        queue.waits.set(400);
        assert_eq!(run_limited(&store, &queue, 8400).await.reports, 100);
        assert_eq!(run_limited(&store, &queue, 8400).await.sent, 0);
    }

    #[tokio::test]
    async fn rules_that_rank_no_reports_leave_the_queue_to_the_players() {
        let store = Memory::with_discovered(400);
        let mut paused = rule("paused", Some(1));
        paused.enabled = false;
        paused.target.source = SourceKind::Reports;
        paused.target.ranks = RanksKind::Reports;
        store.rules.borrow_mut().extend([rule("by board", Some(1)), paused]);
        with_reports(&store, [report(1, -24, None)]);
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        assert_eq!(run_limited(&store, &queue, 5600).await.sent, 400);
    }
}

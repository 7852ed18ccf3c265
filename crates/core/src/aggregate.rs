//! aggregator: turns `discovers` into one queue message per player, and forgets exactly what the queue confirmed.
//!
//! At least once: a batch is removed from `discovers` only after the queue confirmed it. A crash in between sends at
//! most [`BATCHES_AT_ONCE`] batches again, which only costs points. Pairs found meanwhile stay: only what was sent is
//! removed.

use std::cell::Cell;
use std::future::ready;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::time::Duration;

use anyhow::Context;
use futures::{StreamExt, stream};
use serde::Serialize;

use crate::Timestamp;
use crate::ports::{Clock, Discoveries, PlayerQueue, Result, Rules};
use crate::rule;
use crate::scrap::Discovered;

/// Settings of aggregator.
#[derive(Debug, Clone)]
pub struct AggregateConfig {
    /// `DELAY_DISCOVERY_IN_HOURS`: every enabled rule must have run within this.
    pub delay: Duration,
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
    /// Time was up; the next run goes on.
    Deadline,
}

/// What aggregator did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AggregateSummary {
    /// Messages that the queue confirmed.
    pub sent: u64,
    /// Messages the queue did not take and documents that cannot be read; both stay in `discovers`.
    pub failed: u64,
    /// Players that still wait.
    pub left: u64,
    /// Why it stopped.
    pub stopped: StopReason,
    /// Which rules the gate waits for, or the first failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Batches on their way at the same time: sent, or being removed.
const BATCHES_AT_ONCE: usize = 4;

/// Sends one message per waiting player.
///
/// # Errors
/// When the store or the queue fails as a whole. What was confirmed before is removed, the rest waits.
pub async fn aggregate<S, Q, C>(
    store: &S,
    queue: &Q,
    clock: &C,
    config: &AggregateConfig,
    force: bool,
    deadline: Option<Timestamp>,
) -> Result<AggregateSummary>
where
    S: Rules + Discoveries,
    Q: PlayerQueue,
    C: Clock,
{
    let mut summary = AggregateSummary { sent: 0, failed: 0, left: 0, stopped: StopReason::Complete, reason: None };
    if !force && let Some(reason) = gate(store, clock, config).await? {
        summary.left = store.discovered_count().await?;
        summary.stopped = StopReason::NotFresh;
        summary.reason = Some(reason);
        return Ok(summary);
    }
    let mut page = store.discovered_after(None, config.page_size).await.context("reading discovers")?;
    loop {
        for document in &page.malformed {
            tracing::error!(document = %document.document, reason = %document.reason, "document skipped");
            summary.failed += 1;
            summary.reason.get_or_insert_with(|| document.to_string());
        }
        // The next page is read while this one is sent: reading never adds to the time.
        let ahead = async {
            match page.next {
                Some(next) => store.discovered_after(Some(next), config.page_size).await.map(Some),
                None => Ok(None),
            }
        };
        let is_out_of_time = || deadline.is_some_and(|deadline| clock.now() >= deadline);
        let sending = send_page(store, queue, page.discovered, &mut summary, is_out_of_time);
        let (sent, ahead) = futures::join!(sending, ahead);
        if !sent? {
            summary.stopped = StopReason::Deadline;
            break;
        }
        match ahead.context("reading discovers")? {
            Some(next) => page = next,
            None => break,
        }
    }
    summary.left = store.discovered_count().await?;
    Ok(summary)
}

async fn gate<S: Rules, C: Clock>(store: &S, clock: &C, config: &AggregateConfig) -> Result<Option<String>> {
    let (rules, malformed) = store.rules().await.context("reading discovery_schedules")?;
    for rule in &malformed {
        tracing::error!(document = %rule.document, reason = %rule.reason, "rule skipped");
    }
    let stale = rule::stale(&rules, clock.now(), config.delay);
    let names: Vec<_> = stale
        .iter()
        .map(|rule| format!("{} (raid {}, difficulty {})", rule.id, rule.target.raid, rule.target.difficulty))
        .collect();
    Ok((!names.is_empty()).then(|| format!("not run within the delay: {}", names.join(", "))))
}

/// Sends one page in batches and removes what was confirmed; `false` when time ran out before its end.
///
/// A batch that fails ends the sending; those under way at that moment are still brought to their end.
async fn send_page<S: Discoveries, Q: PlayerQueue>(
    store: &S,
    queue: &Q,
    mut discovered: Vec<Discovered>,
    summary: &mut AggregateSummary,
    is_out_of_time: impl Fn() -> bool,
) -> Result<bool> {
    // Players with the same content go together: a store removes such a batch with one statement.
    let contents = BuildHasherDefault::<DefaultHasher>::default();
    discovered.sort_by_cached_key(|player| (contents.hash_one(&player.raids_to_scrap), player.id));
    let (is_late, has_failed) = (Cell::new(false), Cell::new(false));
    let goes_on = |_: &&[Discovered]| {
        is_late.set(is_late.get() || is_out_of_time());
        ready(!is_late.get() && !has_failed.get())
    };
    let mut handed_over = stream::iter(discovered.chunks(Q::BATCH))
        .take_while(goes_on)
        .map(|batch| hand_over(store, queue, batch))
        .buffer_unordered(BATCHES_AT_ONCE);
    let mut failure = Ok(());
    while let Some(outcome) = handed_over.next().await {
        match outcome {
            Ok(handed_over) => handed_over.count_in(summary),
            Err(error) => {
                has_failed.set(true);
                failure = failure.and(Err(error));
            }
        }
    }
    failure.map(|()| !is_late.get())
}

/// What became of one batch.
struct HandedOver {
    sent: u64,
    rejected: Vec<String>,
}

impl HandedOver {
    fn count_in(self, summary: &mut AggregateSummary) {
        summary.sent += self.sent;
        summary.failed += self.rejected.len() as u64;
        if summary.reason.is_none() {
            summary.reason = self.rejected.into_iter().next();
        }
    }
}

/// Sends one batch, then removes what the queue confirmed of it.
async fn hand_over<S: Discoveries, Q: PlayerQueue>(store: &S, queue: &Q, batch: &[Discovered]) -> Result<HandedOver> {
    let outcomes = queue.send(batch).await.context("sending to the queue")?;
    let mut confirmed = Vec::with_capacity(batch.len());
    let mut rejected = Vec::new();
    for (message, outcome) in batch.iter().zip(outcomes) {
        match outcome {
            Ok(()) => confirmed.push(message.clone()),
            Err(reason) => {
                tracing::warn!(player = message.id, %reason, "the queue did not take a message");
                rejected.push(reason);
            }
        }
    }
    store.remove(&confirmed).await.context("removing what was sent from discovers")?;
    Ok(HandedOver { sent: confirmed.len() as u64, rejected })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::ports::Malformed;
    use crate::rule::{Rule, RuleId};
    use crate::scrap::RaidsToScrap;
    use crate::testing::{Memory, QueueAnswer, TestClock, TestQueue, found, noon};

    async fn run<Q: PlayerQueue>(store: &Memory, queue: &Q, force: bool) -> Result<AggregateSummary> {
        let config = AggregateConfig { delay: Duration::from_secs(24 * 3600), page_size: 50 };
        aggregate(store, queue, &TestClock::at(noon()), &config, force, None).await
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
    async fn little_is_sent_while_nothing_is_removed() {
        let store = Memory::with_discovered(500);
        store.removes_nothing.set(true);
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        let error = run(&store, &queue, false).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "removing what was sent from discovers: not authorised");
        assert!(queue.calls.get() <= BATCHES_AT_ONCE, "{} batches", queue.calls.get());
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

    #[tokio::test]
    async fn a_document_that_cannot_be_read_is_skipped_and_counted() {
        let store = Memory::with_discovered(1);
        let malformed = Malformed { document: "discovers x".to_owned(), reason: "no number".to_owned() };
        store.malformed.borrow_mut().push(malformed);
        let summary = run(&store, &TestQueue::new(async |_| QueueAnswer::Confirm), false).await.unwrap();
        assert_eq!((summary.sent, summary.failed, summary.reason.as_deref()), (1, 1, Some("discovers x: no number")));
    }

    #[tokio::test]
    async fn time_that_is_up_leaves_the_rest_to_the_next_run() {
        let store = Memory::with_discovered(100);
        let clock = TestClock::at(noon());
        let queue = TestQueue::new(async |call| {
            if call == 3 {
                clock.advance(TimeDelta::minutes(1));
            }
            QueueAnswer::Confirm
        });
        let config = AggregateConfig { delay: Duration::from_secs(3600), page_size: 50 };
        let deadline = Some(noon() + TimeDelta::seconds(30));
        let summary = aggregate(&store, &queue, &clock, &config, true, deadline).await.unwrap();
        assert_eq!(summary.stopped, StopReason::Deadline);
        assert!(summary.sent < 100 && summary.sent + summary.left == 100, "{summary:?}");
    }

    #[tokio::test]
    async fn the_gate_waits_for_every_enabled_rule_unless_forced() {
        let store = Memory::with_discovered(10);
        let target = serde_json::from_str(r#"{"raid": 31, "difficulty": 4}"#).unwrap();
        let rule =
            Rule { id: RuleId("never".to_owned()), target, last_run: None, enabled: true, state: Default::default() };
        store.rules.borrow_mut().push(rule);
        let queue = TestQueue::new(async |_| QueueAnswer::Confirm);
        let waiting = run(&store, &queue, false).await.unwrap();
        assert_eq!((waiting.sent, waiting.left, waiting.stopped), (0, 10, StopReason::NotFresh));
        assert!(waiting.reason.unwrap().contains("never"));
        let forced = run(&store, &queue, true).await.unwrap();
        assert_eq!((forced.sent, forced.stopped), (10, StopReason::Complete));
        assert_eq!(queue.taken.into_inner().first(), Some(&found(1)));
    }
}

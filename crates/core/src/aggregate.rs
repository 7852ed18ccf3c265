//! aggregator: turns `discovers` into one queue message per player, and forgets exactly what the queue confirmed.
//!
//! The hand-over is safe at any instruction: a batch is removed only after the queue confirmed it, and the next batch
//! is sent only after that removal is with the store, which carries it out whatever becomes of this process. A crash in
//! between sends at most one batch of ten again; a discovery that arrives meanwhile stays, because only the pairs that
//! were sent are taken out. Of the batches just before, only these may be sent again, too: players whose documents hold
//! more than was sent of them, which costs the store a further step, and what a store that itself went away at that
//! moment had not carried out.
//!
//! While a batch is under way, the next one is made ready, so that it only has to leave.

mod prepared;

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::time::Duration;

use anyhow::Context;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use serde::Serialize;

use self::prepared::Prepared;
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
            tracing::error!(document = %document.document, reason = %document.reason, "document set aside");
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
        let out_of_time = || deadline.is_some_and(|deadline| clock.now() >= deadline);
        let (sent, ahead) = futures::join!(send_page(store, queue, page.discovered, &mut summary, &out_of_time), ahead);
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
        tracing::error!(document = %rule.document, reason = %rule.reason, "rule set aside");
    }
    let stale = rule::stale(&rules, clock.now(), config.delay);
    let names: Vec<_> = stale
        .iter()
        .map(|rule| format!("{} (raid {}, difficulty {})", rule.id, rule.target.raid, rule.target.difficulty))
        .collect();
    Ok((!names.is_empty()).then(|| format!("not run within the delay: {}", names.join(", "))))
}

/// Sends one page in batches; `false` when time ran out before its end. All that it sent is removed when it answers.
async fn send_page<S: Discoveries, Q: PlayerQueue>(
    store: &S,
    queue: &Q,
    mut discovered: Vec<Discovered>,
    summary: &mut AggregateSummary,
    out_of_time: &impl Fn() -> bool,
) -> Result<bool> {
    // Players with the same content go together: a store takes such a batch out with one statement.
    let contents = BuildHasherDefault::<DefaultHasher>::default();
    discovered.sort_by_cached_key(|player| (contents.hash_one(&player.raids_to_scrap), player.id));
    let mut removals = FuturesUnordered::new();
    let mut sending = async || {
        let prepare = |batch| Prepared::new(batch, |go| queue.send(batch, go));
        let mut batches = discovered.chunks(Q::BATCH);
        let mut next = batches.next().map(prepare);
        while let Some(mut this) = next.take() {
            if out_of_time() {
                return Ok(false);
            }
            if this.has_ended() {
                // It failed before it was let go: nothing has left.
                this = prepare(this.batch);
            }
            next = batches.next().map(prepare);
            let batch = this.batch;
            let outcomes = this.go(next.as_mut()).await.context("sending to the queue")?;
            let confirmed = confirmed(batch, outcomes, summary);
            let mut removed = Ok(());
            while let Some(ended) = match removals.len() {
                REMOVALS.. => removals.next().await,
                _ => removals.next().now_or_never().flatten(),
            } {
                removed = removed.and(ended);
            }
            removals.push(store.remove(confirmed).await.context(REMOVING)?);
            // One that failed ends the sending as soon as it is known.
            Result::context(removed, REMOVING)?;
        }
        Ok(true)
    };
    let sent = sending().await;
    let removed: Vec<Result<()>> = removals.collect().await;
    removed.into_iter().collect::<Result<()>>().context(REMOVING).and(sent)
}

/// Most removals under way while the next batches are sent. One takes the store longer than the queue takes a batch.
const REMOVALS: usize = 4;
const REMOVING: &str = "removing what was sent from discovers";

/// Those of a batch that the queue confirmed.
fn confirmed(
    batch: &[Discovered],
    outcomes: Vec<std::result::Result<(), String>>,
    summary: &mut AggregateSummary,
) -> Vec<Discovered> {
    let mut confirmed = Vec::with_capacity(batch.len());
    for (message, outcome) in batch.iter().zip(outcomes) {
        match outcome {
            Ok(()) => confirmed.push(message.clone()),
            Err(reason) => {
                tracing::warn!(player = message.id, %reason, "the queue did not take a message");
                summary.failed += 1;
                summary.reason.get_or_insert(reason);
            }
        }
    }
    summary.sent += confirmed.len() as u64;
    confirmed
}

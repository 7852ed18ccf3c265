//! The queue's consumer on one machine: batches to player-rank, a few at a time. When no key can pay, it sleeps until
//! the earliest reset.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use parsebook_adapters::embedded::Received;
use parsebook_core::Timestamp;
use parsebook_core::budget::{COOLDOWN, wake_at};
use parsebook_core::ports::Clock;
use parsebook_core::rank::{Delivery, FailedMessage, Fault, RankConfig, RankError, RankSummary, rank_batch};
use serde::Serialize;

use super::Machine;
use crate::output::grouped;
use crate::progress::Progress;

/// Messages of one batch, as on AWS.
const BATCH: usize = 5;
/// Batches at a time: enough to hide the API's latency, few enough to be polite.
const CONCURRENCY: u32 = 4;
/// Batches that may fail as a whole, one after the other, before the run gives up.
const FAILURES_IN_A_ROW: u32 = 5;

/// What working the queue to its end came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RankTotals {
    /// Messages whose ranks are stored.
    pub done: u64,
    /// Of these, reports.
    pub reports: u64,
    /// Players whose ranks came from these reports, as often as they stand in one.
    pub players_of_reports: u64,
    /// Of the messages, players that hide their ranks.
    pub hidden: u64,
    /// Messages that can never succeed.
    pub finished: u64,
    /// Messages that failed several times and are dead letters; `status` shows why.
    pub dead_lettered: u64,
    /// Points spent, by key.
    pub points: BTreeMap<String, f64>,
    /// How often the pipeline waited for points.
    pub pauses: u32,
}

impl RankTotals {
    /// Adds what came after.
    pub fn add(&mut self, more: Self) {
        self.done += more.done;
        self.reports += more.reports;
        self.players_of_reports += more.players_of_reports;
        self.hidden += more.hidden;
        self.finished += more.finished;
        self.dead_lettered += more.dead_lettered;
        self.pauses += more.pauses;
        for (key, points) in more.points {
            *self.points.entry(key).or_default() += points;
        }
    }
}

/// How the loop goes on after a batch.
enum Next {
    /// As before.
    GoOn,
    /// No key could pay for a batch that ran beside others: one at a time from now on.
    OneAtATime,
    /// No key can pay for a message alone.
    Sleep(Timestamp),
    /// No key can pay for a batch alone, but perhaps for a message.
    Split,
    /// The batch failed as a whole; waiting may help.
    Failed(anyhow::Error),
}

/// How many batches are under way.
fn at_once<F>(running: &FuturesUnordered<F>) -> u32 {
    u32::try_from(running.len()).unwrap_or(u32::MAX)
}

impl<C: Clock + Clone> Machine<C> {
    /// Works the queue until it is empty, sleeping whenever no key has points.
    ///
    /// # Errors
    /// When the API refuses this program or the store fails; what is not done waits in the queue.
    pub async fn rank_all(&self) -> anyhow::Result<RankTotals> {
        let mut totals = RankTotals::default();
        // A run that ended by an error left batches under way.
        self.store.put_back_all()?;
        let length = self.store.queue_length()?;
        if length == 0 {
            return Ok(totals);
        }
        let progress = Progress::start("rank players", "players", Some(length));
        if let Some(until) = self.cooldown().filter(|until| *until > self.clock.now()) {
            progress.note(&format!("refused by the API, paused until {}", until.format("%H:%M:%S UTC")));
            self.sleep_until(until).await;
        }
        let mut running = FuturesUnordered::new();
        let mut failures = 0;
        let (mut width, mut batch) = (CONCURRENCY, BATCH);
        loop {
            while at_once(&running) < width {
                let received = self.store.receive(batch, self.clock.now())?;
                if received.is_empty() {
                    break;
                }
                let at_once = at_once(&running) + 1;
                running.push(async move { (at_once, self.rank(&received, at_once).await, received) });
            }
            let Some((at_once, result, received)) = running.next().await else {
                let Some(visible_at) = self.store.next_visible_at()? else { return Ok(totals) };
                self.sleep_until(visible_at).await;
                continue;
            };
            let next = self.settle(&received, at_once, result, &mut totals, &progress)?;
            if !matches!(next, Next::Failed(_)) {
                failures = 0;
            }
            match next {
                Next::GoOn => {}
                Next::OneAtATime => width = 1,
                Next::Split => batch = 1,
                Next::Sleep(until) => {
                    progress.note(&format!("no points left, paused until {}", until.format("%H:%M:%S UTC")));
                    totals.pauses += 1;
                    self.sleep_until(until).await;
                    (width, batch) = (CONCURRENCY, BATCH);
                }
                Next::Failed(error) if failures + 1 < FAILURES_IN_A_ROW => {
                    failures += 1;
                    progress.note(&format!("{error:#}; trying again"));
                    self.clock.sleep(Duration::from_secs(1 << failures)).await;
                }
                Next::Failed(error) => return Err(error).context("ranking players"),
            }
        }
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.clock.sleep((at - self.clock.now()).to_std().unwrap_or_default()).await;
    }

    async fn rank(&self, received: &[Received], at_once: u32) -> Result<RankSummary, RankError> {
        let deliveries: Vec<_> = received
            .iter()
            .map(|message| Delivery { message_id: message.id.to_string(), body: message.body.clone() })
            .collect();
        let config = RankConfig {
            call_budget: self.settings.call_budget,
            report_budget: self.settings.report_call_budget,
            rerank_after: self.settings.queue.rerank_after,
            stamp: self.settings.stamp,
        };
        let ranking = rank_batch(&self.store, &self.api, &self.clock, &config, at_once, &deliveries);
        self.journaled("player-rank", ranking).await
    }

    /// Deletes what is done, puts back what is not.
    fn settle(
        &self,
        received: &[Received],
        at_once: u32,
        result: Result<RankSummary, RankError>,
        totals: &mut RankTotals,
        progress: &Progress,
    ) -> anyhow::Result<Next> {
        let ids: Vec<i64> = received.iter().map(|message| message.id).collect();
        let summary = match result {
            Ok(summary) => summary,
            Err(RankError::NoBudget { required, most_in_an_hour, earliest_reset, .. }) => {
                let is_never_paid = most_in_an_hour.is_some_and(|most| required > most);
                if let (1, true, [only]) = (at_once, is_never_paid, ids.as_slice()) {
                    let reason = format!("needs {required} points, more than any key has in an hour");
                    self.store.dead_letter(*only, &reason, self.clock.now())?;
                    progress.note(&format!("message dead-lettered: {reason}"));
                    totals.dead_lettered += 1;
                    return Ok(Next::GoOn);
                }
                self.store.put_back(&ids)?;
                let now = self.clock.now();
                return Ok(match (at_once, ids.len()) {
                    (1, 1) => Next::Sleep(wake_at(earliest_reset, now)),
                    (1, _) => Next::Split,
                    _ => Next::OneAtATime,
                });
            }
            Err(RankError::Refused(reason)) => {
                self.store.put_back(&ids)?;
                return self.refused(&format!("refused by the API: {reason}"));
            }
            Err(RankError::Failed(error)) => {
                self.store.put_back(&ids)?;
                return Ok(Next::Failed(error));
            }
        };
        let failed: BTreeMap<i64, &FailedMessage> =
            summary.failed.iter().filter_map(|failed| Some((failed.message_id.parse().ok()?, failed))).collect();
        let done: Vec<i64> = ids.iter().copied().filter(|id| !failed.contains_key(id)).collect();
        self.store.done(&done)?;
        for (&id, failed) in &failed {
            let reason = &failed.reason;
            let is_dead = match failed.fault {
                Fault::NotReached => {
                    self.store.put_back(&[id])?;
                    false
                }
                Fault::Malformed => {
                    self.store.dead_letter(id, reason, self.clock.now())?;
                    true
                }
                Fault::Own => self.store.fail(id, reason, self.clock.now())?,
            };
            if is_dead {
                progress.note(&format!("message dead-lettered: {reason}"));
                totals.dead_lettered += 1;
            }
        }
        totals.done += u64::from(summary.done);
        totals.reports += u64::from(summary.reports);
        totals.players_of_reports += u64::from(summary.players_of_reports);
        totals.hidden += u64::from(summary.hidden);
        totals.finished += summary.finished.len() as u64;
        if let Some(key) = summary.key {
            *totals.points.entry(key).or_default() += summary.points_spent;
        }
        progress.add(done.len() as u64);
        if summary.refused {
            return self.refused(summary.stopped.as_deref().unwrap_or("refused by the API"));
        }
        Ok(Next::GoOn)
    }

    /// This call ends; the next one waits until the cooldown is over.
    fn refused<T>(&self, reason: &str) -> anyhow::Result<T> {
        self.set_cooldown(self.clock.now() + COOLDOWN);
        bail!("{reason}; {} players wait in the queue", grouped(self.store.queue_length()?))
    }
}

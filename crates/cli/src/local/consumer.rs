//! The queue's consumer on one machine: batches to player-rank, as many at a time as the switch allows; sleeps and
//! wakes by the same rules as on AWS.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use parsebook_adapters::embedded::Received;
use parsebook_core::ports::Clock;
use parsebook_core::rank::{Delivery, RankConfig, RankError, RankPorts, RankSummary, rank_batch};
use parsebook_core::revive::revive;
use serde::Serialize;

use super::Machine;
use crate::output::grouped;
use crate::progress::Progress;

/// Messages of one batch, as on AWS.
const BATCH: usize = 5;
/// Batches at a time: enough to hide the API's latency, few enough to be polite.
pub(super) const CONCURRENCY: u32 = 4;

/// Batches that may fail as a whole, one after the other, before the run gives up.
const FAILURES_IN_A_ROW: u32 = 5;

/// What working the queue to its end came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RankTotals {
    /// Messages whose ranks are stored.
    pub done: u64,
    /// Of these, players that hide their ranks.
    pub hidden: u64,
    /// Messages that can never succeed.
    pub finished: u64,
    /// Messages set aside after several failures; `status` shows why.
    pub set_aside: u64,
    /// Points spent, by key.
    pub points: BTreeMap<String, f64>,
    /// How often the pipeline waited for points.
    pub pauses: u32,
}

impl<C: Clock + Clone> Machine<C> {
    /// Works the queue until it is empty, pausing whenever no key has points.
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
        let switch = &self.switch;
        let mut running = FuturesUnordered::new();
        let mut failures = 0;
        loop {
            let state = switch.state();
            if state.is_enabled {
                while running.len() < state.limit as usize {
                    let received = self.store.receive(BATCH, self.clock.now())?;
                    if received.is_empty() {
                        break;
                    }
                    running.push(self.rank(received));
                }
            }
            if let Some((received, result)) = running.next().await {
                match self.settle(&received, result, &mut totals, &progress)? {
                    None => failures = 0,
                    Some(error) if failures + 1 < FAILURES_IN_A_ROW => {
                        failures += 1;
                        progress.note(&format!("{error:#}; trying again"));
                        self.clock.sleep(Duration::from_secs(1 << failures)).await;
                    }
                    Some(error) => return Err(error).context("ranking players"),
                }
            } else if !state.is_enabled {
                let now = self.clock.now();
                let revive_at = state.revive_at.unwrap_or(now);
                let reason = if state.is_refused { "refused by the API" } else { "no points left" };
                progress.note(&format!("{reason}, paused until {}", revive_at.format("%H:%M:%S UTC")));
                totals.pauses += u32::from(!state.is_refused);
                self.clock.sleep((revive_at - now).to_std().unwrap_or_default()).await;
                revive(switch, CONCURRENCY).await?;
                switch.set_refused(false);
            } else if let Some(visible_at) = self.store.next_visible_at()? {
                let wait = (visible_at - self.clock.now()).to_std().unwrap_or_default();
                self.clock.sleep(wait).await;
            } else {
                return Ok(totals);
            }
        }
    }

    async fn rank(&self, received: Vec<Received>) -> (Vec<Received>, Result<RankSummary, RankError>) {
        let deliveries: Vec<_> = received
            .iter()
            .map(|message| Delivery { message_id: message.id.to_string(), body: message.body.clone() })
            .collect();
        let ports = RankPorts { store: &self.store, api: &self.api, switch: &self.switch, clock: &self.clock };
        let config = RankConfig { call_budget: self.settings.call_budget, works_in_parts: true };
        let result = rank_batch(&ports, &config, &deliveries).await;
        (received, result)
    }

    /// Deletes what is done, puts back what is not. Answers why the batch failed as a whole, if waiting may help.
    fn settle(
        &self,
        received: &[Received],
        result: Result<RankSummary, RankError>,
        totals: &mut RankTotals,
        progress: &Progress,
    ) -> anyhow::Result<Option<anyhow::Error>> {
        let ids: Vec<i64> = received.iter().map(|message| message.id).collect();
        let summary = match result {
            Ok(summary) => summary,
            Err(RankError::NoBudget { .. }) => {
                self.store.put_back(&ids)?;
                return Ok(None);
            }
            Err(error @ RankError::Blocked(_)) => {
                self.store.put_back(&ids)?;
                return self.refused(&error.to_string());
            }
            Err(RankError::Failed(error)) => {
                self.store.put_back(&ids)?;
                return Ok(Some(error));
            }
        };
        let failed: BTreeMap<i64, &str> = summary
            .failed
            .iter()
            .filter_map(|failed| Some((failed.message_id.parse().ok()?, failed.reason.as_str())))
            .collect();
        let done: Vec<i64> = ids.iter().copied().filter(|id| !failed.contains_key(id)).collect();
        self.store.done(&done)?;
        for (&id, reason) in &failed {
            // A batch that was stopped says nothing about the messages it did not reach.
            if summary.stopped.is_some() {
                self.store.put_back(&[id])?;
            } else if self.store.fail(id, reason, self.clock.now())? {
                progress.note(&format!("message set aside: {reason}"));
                totals.set_aside += 1;
            }
        }
        totals.done += u64::from(summary.done);
        totals.hidden += u64::from(summary.hidden);
        totals.finished += summary.finished.len() as u64;
        if let Some(key) = summary.key {
            *totals.points.entry(key).or_default() += summary.points_spent;
        }
        progress.add(done.len() as u64);
        if summary.refused {
            return self.refused(summary.stopped.as_deref().unwrap_or("refused by the API"));
        }
        Ok(None)
    }

    /// The stage has put the switch to sleep; this call ends, and the next one waits until the pause is over.
    fn refused<T>(&self, reason: &str) -> anyhow::Result<T> {
        self.switch.set_refused(true);
        bail!("{reason}; {} players wait in the queue", grouped(self.store.queue_length()?))
    }
}

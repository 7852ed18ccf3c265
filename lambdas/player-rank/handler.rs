//! Between player-rank's event and its stage.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;
use parsebook_adapters::aws::queue::SqsQueue;
use parsebook_adapters::aws::throttle::{Slowed, Throttle};
use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::events;
use parsebook_adapters::mongo::MongoStore;
use parsebook_adapters::wcl_api::WclApi;
use parsebook_core::Timestamp;
use parsebook_core::budget::COOLDOWN;
use parsebook_core::ports::{Waiting, is_store_away};
use parsebook_core::rank::{Delivery, FailedMessage, Fault, RankConfig, RankError, RankSummary, rank_batch};
use parsebook_core::scrap::{MOST_FAILURES, Message};
use parsebook_lambda::connect::STORE_PATIENCE;
use parsebook_lambda::{Answer, Failure, Invocation, Metrics, STORE_AWAY, sqs};

/// Left at the end for telling that time is up: the batch goes back whole and is asked again.
const MARGIN: Duration = Duration::from_secs(2);

/// How long a store is waited for that was away at the last time: the queue goes on calling meanwhile.
const SHORT_PATIENCE: Duration = Duration::from_secs(2);
/// After so many times in a row that the store was away, the consumer sleeps.
const MOST_AWAY: u32 = 3;
/// Falling asleep while the store is away takes no longer.
const ASLEEP_WITHIN: Duration = Duration::from_secs(15);
/// For how long.
const STORE_COOLDOWN: TimeDelta = TimeDelta::minutes(15);

/// What lives as long as the environment.
#[derive(Debug)]
pub struct PlayerRank {
    pub store: MongoStore,
    pub api: WclApi<SystemClock>,
    pub throttle: Throttle<SystemClock>,
    /// Where messages go that never succeed.
    pub dead_letters: Option<SqsQueue>,
    pub config: RankConfig,
    /// How often in a row the store was away.
    pub store_away: AtomicU32,
}

impl PlayerRank {
    pub async fn handle(&self, invocation: Invocation) -> Result<Answer, Failure> {
        let queued = events::deliveries(&invocation.event)?;
        let is_queued = queued.is_some();
        let deliveries = match queued {
            Some(deliveries) => deliveries,
            None => events::by_hand(&invocation.event)?,
        };
        let time_left = (invocation.deadline - invocation.now).to_std().unwrap_or_default().saturating_sub(MARGIN);
        let ranking = self.rank(&deliveries, invocation.now);
        let ranked = tokio::time::timeout(time_left, ranking).await.map_err(|_| Failure::out_of_time())?;
        self.sleep_while_the_store_is_away(ranked.as_ref().err(), invocation.now).await;
        let summary = ranked?;
        let mut answer = Answer::of(&summary, metrics(&summary))?;
        if is_queued {
            answer.response = sqs::batch_response(&self.returned(&deliveries, summary.failed).await);
        }
        Ok(answer)
    }

    /// A store that was away several times in a row puts the consumer to sleep: the queue would call it in vain.
    /// Where it cannot be put to sleep in time, the next invocation tries again.
    async fn sleep_while_the_store_is_away(&self, failure: Option<&Failure>, now: Timestamp) {
        if failure.is_none_or(|failure| failure.name != STORE_AWAY) {
            self.store_away.store(0, Ordering::Relaxed);
            return;
        }
        if self.store_away.fetch_add(1, Ordering::Relaxed) + 1 < MOST_AWAY {
            return;
        }
        let asleep = tokio::time::timeout(ASLEEP_WITHIN, self.throttle.put_to_sleep(now + STORE_COOLDOWN)).await;
        if let Err(error) = asleep.unwrap_or_else(|_| Err(anyhow::anyhow!("AWS does not answer"))) {
            tracing::error!(error = format!("{error:#}"), "the consumer is not put to sleep while the store is away");
        }
    }

    /// Finishes what can never succeed as a dead letter; answers what goes back to the queue. What cannot be finished now
    /// goes back alone: the rest of the batch is paid for and stored.
    async fn returned(&self, deliveries: &[Delivery], failed: Vec<FailedMessage>) -> Vec<FailedMessage> {
        let (mut returned, mut is_away) = (Vec::new(), false);
        for failed in failed {
            if is_away {
                returned.push(failed);
                continue;
            }
            let body = deliveries.iter().find(|delivery| delivery.message_id == failed.message_id);
            let Some(body) = body.map(|delivery| delivery.body.as_str()) else { continue };
            match self.is_finished(body, &failed).await {
                Ok(true) => {}
                Ok(false) => returned.push(failed),
                Err(error) => {
                    is_away = is_store_away(&error);
                    let error = format!("{error:#}");
                    tracing::warn!(message = %failed.message_id, error, "message goes back in place of the dead letters");
                    returned.push(failed);
                }
            }
        }
        returned
    }

    /// Makes a dead letter of a message that can never succeed; answers whether it was one. Without a queue for dead
    /// letters one that is malformed ends in the log, and one that fails goes to the dead letters of the queue itself.
    async fn is_finished(&self, body: &str, failed: &FailedMessage) -> anyhow::Result<bool> {
        let is_dead = match (failed.fault, &self.dead_letters) {
            (Fault::Malformed, _) => true,
            (Fault::Own, Some(_)) => self.store.count_failure(&failed.message_id).await? >= MOST_FAILURES,
            (Fault::Own, None) | (Fault::NotReached, _) => false,
        };
        if !is_dead {
            return Ok(false);
        }
        // SQS takes no empty message back.
        match self.dead_letters.as_ref().filter(|_| !body.is_empty()) {
            Some(dead_letters) => dead_letters.send_dead_letter(body, &failed.reason).await?,
            None => tracing::error!(message = %failed.message_id, reason = %failed.reason, "message finished"),
        }
        if let Ok(Message::Player(player)) = Message::parse(body) {
            self.store.forget_waiting(&[player]).await?;
        }
        Ok(true)
    }

    /// Ranks the batch; without points the consumer is slowed down, after a refusal it sleeps.
    async fn rank(&self, deliveries: &[Delivery], now: Timestamp) -> Result<RankSummary, Failure> {
        let was_away = self.store_away.load(Ordering::Relaxed) > 0;
        self.store.answers(if was_away { SHORT_PATIENCE } else { STORE_PATIENCE }).await?;
        self.store.ensure_indexes().await?;
        let limit = self.throttle.limit().await;
        let ranked = rank_batch(&self.store, &self.api, &SystemClock, &self.config, limit, deliveries).await;
        match ranked {
            Ok(summary) => {
                if summary.refused {
                    self.throttle.put_to_sleep(now + COOLDOWN).await?;
                }
                Ok(summary)
            }
            Err(RankError::NoBudget { required, earliest_reset, points_left, .. }) => {
                let slowed = self.throttle.slow_down(&self.store, earliest_reset).await;
                Err(no_budget(required, slowed, &points_left))
            }
            Err(RankError::Refused(reason)) => {
                let asleep = self.throttle.put_to_sleep(now + COOLDOWN).await;
                asleep.with_context(|| format!("pausing after a refusal: {reason}"))?;
                Err(Failure::new("Blocked", format!("refused by the API: {reason}")).count("pauses", 1))
            }
            Err(RankError::Failed(error)) => Err(Failure::from(error).count("pauses", 0)),
        }
    }
}

/// The batch goes back to the queue, however slowing down went.
fn no_budget(required: f64, slowed: anyhow::Result<Slowed>, points_left: &BTreeMap<String, f64>) -> Failure {
    let (what, pauses) = match slowed {
        Ok(Slowed::To(limit)) => (format!("concurrency limit is now {limit}"), 0),
        Ok(Slowed::Asleep(until)) => (format!("asleep until {until}"), 1),
        Err(error) => (format!("not slowed down: {error:#}"), 0),
    };
    let mut failure = Failure::new("NoBudget", format!("no key has the {required} points this batch needs; {what}"));
    failure.metrics = of_keys(failure.metrics, points_left);
    failure.count("pauses", pauses)
}

fn metrics(summary: &RankSummary) -> Metrics {
    let metrics = Metrics::default()
        .count("messagesDone", u64::from(summary.done))
        .count("pauses", u64::from(summary.refused))
        .count("refusals", u64::from(summary.refused));
    of_keys(metrics, &summary.points_left)
}

fn of_keys(metrics: Metrics, points_left: &BTreeMap<String, f64>) -> Metrics {
    points_left.iter().fold(metrics, |metrics, (key, points)| metrics.of_key(key, "pointsLeft", *points))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_without_points_goes_back_whatever_slowing_down_came_to() {
        let points_left = BTreeMap::from([("main".to_owned(), 4.0)]);
        let failed = no_budget(5.0, Ok(Slowed::To(3)), &points_left);
        assert_eq!(failed.name, "NoBudget");
        assert_eq!(failed.metrics, Metrics::default().of_key("main", "pointsLeft", 4.0).count("pauses", 0));
        let refused = no_budget(5.0, Err(anyhow::anyhow!("AWS says no")), &points_left);
        assert_eq!(refused.name, "NoBudget");
        assert!(refused.message.contains("AWS says no"), "{}", refused.message);
    }
}

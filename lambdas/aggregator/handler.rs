//! Between aggregator's event and its stage.

use std::time::Duration;

use parsebook_adapters::aws::queue::SqsQueue;
use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::events;
use parsebook_adapters::mongo::MongoStore;
use parsebook_core::aggregate::{AggregateConfig, aggregate};
use parsebook_core::ports::Discoveries;
use parsebook_lambda::{Answer, Failure, Held, Invocation, Metrics, under_lease};
use serde_json::json;

/// The last batches, their removal and the summary must still fit. Of a short time, a quarter.
const MARGIN: Duration = Duration::from_secs(15);
/// Two at once would read the same players and send each of them twice.
const LEASE: &str = "aggregator";

/// What lives as long as the environment.
#[derive(Debug)]
pub struct Aggregator {
    pub store: MongoStore,
    pub queue: SqsQueue,
    pub config: AggregateConfig,
}

impl Aggregator {
    pub async fn handle(&self, invocation: Invocation) -> Result<Answer, Failure> {
        let force = events::force(&invocation.event)?;
        let time_left = (invocation.deadline - invocation.now).to_std().unwrap_or_default();
        let margin = MARGIN.min(time_left / 4);
        let deadline = Some(invocation.deadline - margin);
        let work = aggregate(&self.store, &self.queue, &SystemClock, &self.config, force, deadline);
        match under_lease(&self.store, &SystemClock, LEASE, &invocation.owner, work).await? {
            Held::Done(summary) => Answer::of(&summary?, Metrics::default()),
            Held::Others { owner, until } => {
                tracing::info!(%owner, %until, "another aggregator is at work: nothing is done here");
                let reason = format!("{owner} is at work, until {until} unless it goes on");
                let left = self.store.discovered_count().await?;
                let summary = json!({
                    "sent": 0, "reports": 0, "fresh": 0, "failed": 0, "left": left, "stopped": "anotherRuns",
                    "reason": reason,
                });
                Answer::of(&summary, Metrics::default())
            }
            // What was sent and not yet removed is dropped by the next run: it waits in the queue already.
            Held::Lost(why) => Err(Failure::new("LeaseLost", format!("broken off, for the lease was lost: {why}"))),
        }
    }
}

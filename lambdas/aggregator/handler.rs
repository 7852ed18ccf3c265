//! Between aggregator's event and its stage.

use std::time::Duration;

use parsebook_adapters::aws::queue::SqsQueue;
use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::mongo::MongoStore;
use parsebook_core::aggregate::{AggregateConfig, aggregate};
use parsebook_lambda::{Answer, Failure, Invocation, Metrics};
use serde_json::Value;

/// The last batch, its removal and the summary must still fit. Of a short time, a quarter.
const MARGIN: Duration = Duration::from_secs(15);

/// What lives as long as the environment.
#[derive(Debug)]
pub struct Aggregator {
    pub store: MongoStore,
    pub queue: SqsQueue,
    pub config: AggregateConfig,
}

impl Aggregator {
    pub async fn handle(&self, invocation: Invocation) -> Result<Answer, Failure> {
        let force = match invocation.event.get("force") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(force)) => *force,
            Some(other) => return Err(Failure::invalid_event(format!("force: {other} is neither true nor false"))),
        };
        let time_left = (invocation.deadline - invocation.now).to_std().unwrap_or_default();
        let margin = MARGIN.min(time_left / 4);
        let deadline = Some(invocation.deadline - margin);
        let summary = aggregate(&self.store, &self.queue, &SystemClock, &self.config, force, deadline).await?;
        let metrics = Metrics::default()
            .count("messagesSent", summary.sent)
            .count("reportsSent", summary.reports)
            .count("messagesFailed", summary.failed)
            .count("playersLeft", summary.left);
        Answer::of(&summary, metrics)
    }
}

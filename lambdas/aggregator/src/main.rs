//! aggregator on AWS: every few hours, what was discovered becomes messages of the queue.

#![recursion_limit = "256"]

mod config;
mod handler;

use std::process::ExitCode;

use parsebook_adapters::aws::queue::SqsQueue;
use parsebook_adapters::aws::{sdk_config, secrets::Secrets};
use parsebook_lambda::{connect, run, start};

use crate::config::Config;
use crate::handler::Aggregator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start(async |environment| {
        let config = Config::read(&environment)?;
        let aggregator = Aggregator {
            store: connect::store(config.store, &Secrets::default(), "aggregator").await?,
            queue: SqsQueue::new(&sdk_config().await, config.queue_url),
            config: config.aggregate,
        };
        run("aggregator", &aggregator.store, async |invocation| aggregator.handle(invocation).await).await
    })
    .await
}

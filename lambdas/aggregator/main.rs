//! aggregator on AWS: every few hours, what was discovered becomes messages of the queue.

#![recursion_limit = "256"]

mod handler;

use std::process::ExitCode;

use parsebook_adapters::aws::queue::SqsQueue;
use parsebook_adapters::aws::{sdk_config, secrets::Secrets};
use parsebook_adapters::settings::AggregatorSettings;
use parsebook_core::aggregate::AggregateConfig;
use parsebook_lambda::{connect, run, start};

use crate::handler::Aggregator;

/// Players read from the store at a time. Two pages are in memory, one being read and one being sent: a few megabytes.
const PAGE_SIZE: usize = 5000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start(async |environment| {
        let settings = AggregatorSettings::read(&environment)?;
        let aggregator = Aggregator {
            store: connect::store(settings.store, &Secrets::default(), "aggregator").await?,
            queue: SqsQueue::new(&sdk_config().await?, settings.queue_url),
            config: AggregateConfig {
                delay: settings.delay,
                rerank_after: settings.queue.rerank_after,
                queue_limit: settings.queue.limit,
                page_size: PAGE_SIZE,
            },
        };
        run("aggregator", &aggregator.store, async |invocation| aggregator.handle(invocation).await).await
    })
    .await
}

//! AWS: the queue, the consumer's throttle, and secrets. Endpoint, region and credentials are the SDK's own settings.

mod http;
pub mod queue;
pub mod secrets;
pub mod stack;
pub mod throttle;

use std::time::Duration;

use anyhow::Context;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::types::EventSourceMappingConfiguration;

/// A service of AWS that cannot be reached within this is away.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// The configuration that every client here is made of: read from the environment, with time-outs that leave a Lambda
/// time to tell what went wrong.
///
/// # Errors
/// When this system trusts no certificate authority.
pub async fn sdk_config() -> anyhow::Result<SdkConfig> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_WITHIN)
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(40))
        .build();
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http::client(CONNECT_WITHIN).context("setting up the HTTP client for AWS")?)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .load();
    Ok(config.await)
}

/// All that stands in an error of the SDK, with its causes, for the log.
fn described(error: impl std::error::Error) -> anyhow::Error {
    anyhow::anyhow!("{}", DisplayErrorContext(&error))
}

/// Whether it is a queue that the mapping reads.
fn is_of_queue(mapping: &EventSourceMappingConfiguration) -> bool {
    mapping.event_source_arn().is_some_and(|arn| arn.split(':').nth(2) == Some("sqs"))
}

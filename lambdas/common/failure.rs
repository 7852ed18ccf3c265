//! Failures as Lambda reports them: a type to branch on and to count, and a message with the whole chain.

use lambda_runtime::Diagnostic;
use parsebook_adapters::events::InvalidEvent;
use parsebook_core::ports::is_store_away;

use crate::Metrics;

/// The type of a failure whose store did not answer.
pub const STORE_AWAY: &str = "StoreAway";

/// Why an invocation failed.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {message}")]
pub struct Failure {
    /// Lambda's `errorType`, such as `NoBudget`.
    pub name: &'static str,
    /// One line, with causes.
    pub message: String,
    /// What else CloudWatch is told.
    pub metrics: Metrics,
}

impl Failure {
    /// A failure of type `name`.
    pub fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: message.into(), metrics: Metrics::default() }
    }

    /// The same with a metric that counts.
    #[must_use]
    pub fn count(mut self, name: &'static str, value: u64) -> Self {
        self.metrics = self.metrics.count(name, value);
        self
    }

    /// The invocation ran out of time; everything under way goes back to where it came from.
    pub fn out_of_time() -> Self {
        Self::new("OutOfTime", "the invocation's time is up before its work")
    }
}

/// An event that is not what the function takes.
impl From<InvalidEvent> for Failure {
    fn from(error: InvalidEvent) -> Self {
        Self::new("InvalidEvent", error.0)
    }
}

/// A failure nobody branches on.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(if is_store_away(&error) { STORE_AWAY } else { "Failed" }, format!("{error:#}"))
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.name.to_owned(), error_message: failure.message }
    }
}

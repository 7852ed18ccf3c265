//! Tries a command again while the server is away.

use std::time::Duration;

use anyhow::anyhow;
use backon::{ExponentialBuilder, Retryable};
use mongodb::error::{Error, ErrorKind, WriteFailure};

/// Server codes that say "not now": shutting down, no primary, stepping down, host or network trouble.
/// Source: MongoDB's retryable writes specification.
const AWAY: [i32; 14] = [6, 7, 89, 91, 112, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436, 50915];

/// Whether the same command may succeed in a moment.
pub fn is_away(error: &Error) -> bool {
    match error.kind.as_ref() {
        ErrorKind::Io(_) | ErrorKind::ServerSelection { .. } | ErrorKind::ConnectionPoolCleared { .. } => true,
        ErrorKind::Command(command) => AWAY.contains(&command.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(concern)) => AWAY.contains(&concern.code),
        _ => false,
    }
}

/// Runs `work`, which must be idempotent, until it succeeds or fails for another reason than a server that is away;
/// gives up after five more tries within about half a minute (each may wait for a server itself).
pub async fn while_away<T, F, Fut>(what: &str, work: F) -> anyhow::Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = mongodb::error::Result<T>>,
{
    let waits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(4))
        .with_max_times(5)
        .with_jitter();
    work.retry(waits)
        .when(is_away)
        .notify(|error, wait| {
            tracing::warn!(what, %error, wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX), "trying again");
        })
        .await
        .map_err(|error| anyhow!(error).context(what.to_owned()))
}

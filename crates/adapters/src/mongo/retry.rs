//! Tries a command again while the server is away.

use std::time::Duration;

use anyhow::anyhow;
use backon::{ExponentialBuilder, Retryable};
use mongodb::error::{Error, ErrorKind, WriteFailure};
use parsebook_core::ports::StoreAway;
use tokio::time::timeout;

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

/// Longest wait for one answer. A server whose process is stopped keeps its connections open and says nothing.
const CALL_WITHIN: Duration = Duration::from_secs(10);
/// All tries together end within this: longer than electing a primary takes, and no longer than must be billed while a server
/// is away.
const GIVE_UP_AFTER: Duration = Duration::from_secs(15);

/// Runs `work`, which must be idempotent, until it succeeds or fails for another reason than a server that is away.
///
/// # Errors
/// [`StoreAway`] when the server does not answer within 15 s, whatever was tried.
pub async fn while_away<T, F, Fut>(what: &str, mut work: F) -> anyhow::Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = mongodb::error::Result<T>>,
{
    let waits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(4))
        .with_max_times(5)
        .with_jitter();
    let call = || {
        let answer = work();
        async move { timeout(CALL_WITHIN, answer).await.unwrap_or_else(|_| Err(ErrorKind::Io(silent().into()).into())) }
    };
    let tries = call.retry(waits).when(is_away).notify(|error, wait| {
        tracing::warn!(what, %error, wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX), "trying again");
    });
    let error = match timeout(GIVE_UP_AFTER, tries).await {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) if is_away(&error) => anyhow!(StoreAway(error.to_string())),
        Ok(Err(error)) => anyhow!(error),
        Err(_) => anyhow!(StoreAway(format!("no answer within {} s", GIVE_UP_AFTER.as_secs()))),
    };
    Err(error.context(what.to_owned()))
}

fn silent() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::TimedOut, format!("no answer within {} s", CALL_WITHIN.as_secs()))
}

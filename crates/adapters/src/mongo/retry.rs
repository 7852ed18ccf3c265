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

/// The server's code for an `_id` that is there already. Two upserts of one new document met: the loser's succeeds when
/// it is sent again.
pub const DUPLICATE_KEY: i32 = 11_000;

/// Whether an upsert met another's of the same new document.
pub fn is_duplicate(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Error>().is_some_and(|error| match error.kind.as_ref() {
        ErrorKind::Command(command) => command.code == DUPLICATE_KEY,
        ErrorKind::Write(WriteFailure::WriteError(error)) => error.code == DUPLICATE_KEY,
        _ => false,
    })
}

/// Longest wait for one answer. A server whose process is stopped keeps its connections open and says nothing.
pub const CALL_WITHIN: Duration = Duration::from_secs(10);
/// All tries together end within this: longer than electing a primary takes, and no longer than must be billed while a server
/// is away.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(12);

/// Runs `work`, which must be idempotent, until it succeeds or fails for another reason than a server that is away.
///
/// # Errors
/// [`StoreAway`] when the server does not answer within 12 s, whatever was tried.
pub async fn while_away<T, Fut: Future<Output = mongodb::error::Result<T>>>(
    what: &str,
    mut work: impl FnMut() -> Fut,
) -> anyhow::Result<T> {
    let waits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(4))
        .with_max_times(5)
        .with_jitter();
    let call = || within(CALL_WITHIN, work());
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

/// One call, for no longer than `time`.
pub async fn within<T>(
    time: Duration,
    call: impl Future<Output = mongodb::error::Result<T>>,
) -> mongodb::error::Result<T> {
    let silent = || std::io::Error::new(std::io::ErrorKind::TimedOut, format!("no answer within {} s", time.as_secs()));
    timeout(time, call).await.unwrap_or_else(|_| Err(ErrorKind::Io(silent().into()).into()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use parsebook_core::ports::is_store_away;

    use super::*;

    fn away() -> Error {
        ErrorKind::Io(std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into()).into()
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_comes_back_is_asked_again() {
        let asked = Cell::new(0);
        let answer = while_away("reading", || {
            asked.set(asked.get() + 1);
            std::future::ready(if asked.get() < 3 { Err(away()) } else { Ok(asked.get()) })
        });
        assert_eq!(answer.await.unwrap(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_stays_away_or_is_silent_is_given_up_in_time() {
        let begun = tokio::time::Instant::now();
        let refused = while_away("reading", || std::future::ready(Err::<(), _>(away()))).await.unwrap_err();
        assert!(is_store_away(&refused), "{refused:#}");
        assert!(begun.elapsed() <= GIVE_UP_AFTER);
        let begun = tokio::time::Instant::now();
        let silent = while_away("reading", std::future::pending::<mongodb::error::Result<()>>).await.unwrap_err();
        assert!(is_store_away(&silent), "{silent:#}");
        assert_eq!((format!("{silent}"), begun.elapsed()), ("reading".to_owned(), GIVE_UP_AFTER));
    }

    #[tokio::test(start_paused = true)]
    async fn another_error_is_told_at_once() {
        let asked = Cell::new(0);
        let answer = while_away("reading", || {
            asked.set(asked.get() + 1);
            std::future::ready(Err::<(), _>(Error::custom("not authorised")))
        });
        let error = answer.await.unwrap_err();
        assert!(!is_store_away(&error), "{error:#}");
        assert_eq!(asked.get(), 1);
    }
}

//! Reads numbered pages with several readers at once under one rate, and stops them all together.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::ports::{Clock, Result, SourceError, SourcePage};
use crate::rule::PageRange;
use crate::{PlayerId, Timestamp};

/// How pages are cut up and how fast they are asked for.
#[derive(Debug, Clone)]
pub struct PagesConfig {
    /// `PAGES_PER_THREAD`: pages of one chunk, read one after the other.
    pub pages_per_thread: u32,
    /// `MAX_THREADS`: chunks read at a time.
    pub max_threads: usize,
    /// `PAGES_PER_SECOND`: over all readers together.
    pub pace: Pace,
}

/// A bound on requests per second, evenly spaced: no burst to begin with. Clones share it, so that one rule after the
/// other keeps the same pace.
#[derive(Clone)]
pub struct Pace(Arc<DefaultDirectRateLimiter>);

impl Pace {
    /// At most so many requests per second; less than one is fine.
    pub fn per_second(requests: f64) -> Self {
        let period = Duration::from_secs_f64(1.0 / requests.clamp(0.001, 1e6));
        let quota = Quota::with_period(period).unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN));
        Self(Arc::new(RateLimiter::direct(quota)))
    }

    async fn wait(&self) {
        self.0.until_ready().await;
    }
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pace")
    }
}

/// Why reading ended.
#[derive(Debug)]
pub enum Stopped {
    /// Every page of every range was read.
    Complete,
    /// The board ended first.
    EndOfBoard,
    /// Time was up.
    Deadline,
    /// The source refused or broke.
    Source(SourceError),
    /// What was read could not be stored.
    Store(anyhow::Error),
}

/// Cuts ranges into chunks of at most `pages_per_thread` pages.
pub fn cut(ranges: &[PageRange], pages_per_thread: u32) -> Vec<PageRange> {
    let step = pages_per_thread.max(1);
    let mut chunks = Vec::new();
    for range in ranges {
        let mut next = range.next;
        while next <= range.end {
            let end = range.end.min(next.saturating_add(step - 1));
            chunks.push(PageRange { next, end });
            next = end + 1;
        }
    }
    chunks
}

/// What the readers tell each other.
struct Shared {
    chunks: VecDeque<PageRange>,
    /// The first page known to lie behind the end of the board.
    board_ends_at: u32,
    stopped: Option<Stopped>,
}

/// Waits before a page that could not be read is asked for again. A refusal is not asked again at all.
const RETRY_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// Reads `chunks` with `fetch` and hands each page's players to `store`, page by page.
///
/// No page is begun after `last_start`, after a refusal, or behind the end of the board; pages under way when a
/// reader stops are still stored. `store` runs for one page at a time.
pub async fn read_pages<C, Fetch, Store>(
    config: &PagesConfig,
    clock: &C,
    last_start: Option<Timestamp>,
    chunks: Vec<PageRange>,
    fetch: Fetch,
    mut store: Store,
) -> Stopped
where
    C: Clock,
    Fetch: AsyncFn(u32) -> std::result::Result<SourcePage, SourceError>,
    Store: AsyncFnMut(u32, Vec<PlayerId>) -> Result<()>,
{
    let shared = Mutex::new(Shared { chunks: chunks.into(), board_ends_at: u32::MAX, stopped: None });
    let with = |f: &mut dyn FnMut(&mut Shared)| f(&mut shared.lock().unwrap_or_else(PoisonError::into_inner));
    let is_stopped = || {
        let mut stopped = false;
        with(&mut |shared| stopped = shared.stopped.is_some());
        stopped
    };
    let stop = |reason: Stopped| {
        let mut reason = Some(reason);
        with(&mut |shared| {
            if shared.stopped.is_none() {
                shared.stopped = reason.take();
            }
        });
    };
    let board_end = |page: Option<u32>| {
        let mut end = u32::MAX;
        with(&mut |shared| {
            if let Some(page) = page {
                shared.board_ends_at = shared.board_ends_at.min(page);
            }
            end = shared.board_ends_at;
        });
        end
    };

    let (found, mut to_store) = mpsc::channel::<(u32, Vec<PlayerId>)>(config.max_threads.max(1));
    let reader = async |mut found: mpsc::Sender<(u32, Vec<PlayerId>)>| {
        loop {
            let mut chunk = None;
            with(&mut |shared| chunk = shared.chunks.pop_front());
            let Some(chunk) = chunk else { return };
            for page in chunk.next..=chunk.end {
                if page >= board_end(None) {
                    break;
                }
                let mut waits = RETRY_AFTER.iter();
                let read = loop {
                    config.pace.wait().await;
                    if is_stopped() {
                        return;
                    }
                    if last_start.is_some_and(|last_start| clock.now() >= last_start) {
                        stop(Stopped::Deadline);
                        return;
                    }
                    match (fetch(page).await, waits.next()) {
                        (Err(SourceError::Failed(error)), Some(&wait)) => {
                            tracing::warn!(page, error = format!("{error:#}"), "asking for the page again");
                            clock.sleep(wait).await;
                        }
                        (read, _) => break read,
                    }
                };
                match read {
                    Ok(read) => {
                        let is_end = read.is_last;
                        // An empty last page lies behind the board; a filled one is its last.
                        let ends_at = if read.players.is_empty() { page } else { page + 1 };
                        if found.send((page, read.players)).await.is_err() {
                            return;
                        }
                        if is_end {
                            board_end(Some(ends_at));
                            break;
                        }
                    }
                    Err(error) => {
                        stop(Stopped::Source(error));
                        return;
                    }
                }
            }
        }
    };
    let readers = futures::future::join_all((0..config.max_threads.max(1)).map(|_| reader(found.clone())));
    drop(found);
    // The writer owns the receiver: when it ends by an error, readers that wait for room are told.
    let writer = async move {
        while let Some((page, players)) = to_store.next().await {
            if let Err(error) = store(page, players).await {
                stop(Stopped::Store(error));
                return;
            }
        }
    };
    futures::join!(readers, writer);

    let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    match shared.stopped {
        Some(reason) => reason,
        None if shared.board_ends_at < u32::MAX => Stopped::EndOfBoard,
        None => Stopped::Complete,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct StandingClock;

    impl Clock for StandingClock {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        async fn sleep(&self, _: Duration) {}
    }

    #[tokio::test]
    async fn a_store_that_fails_late_stops_every_reader() {
        let config = PagesConfig { pages_per_thread: 10, max_threads: 4, pace: Pace::per_second(1e6) };
        let chunks = cut(&[PageRange { next: 1, end: 400 }], 10);
        let fetch = async |page| Ok(SourcePage { players: vec![page], is_last: false });
        let store = async |page: u32, _| {
            // Long enough for the readers to fill the way to the store.
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            if page > 3 { Err(anyhow::anyhow!("the disk is full")) } else { Ok(()) }
        };
        let stopped = read_pages(&config, &StandingClock, None, chunks, fetch, store).await;
        assert!(matches!(stopped, Stopped::Store(_)), "{stopped:?}");
    }

    proptest! {
        #[test]
        fn chunks_cover_each_page_once(start in 1..500_u32, length in 1..500_u32, step in 0..60_u32) {
            let chunks = cut(&[PageRange { next: start, end: start + length - 1 }], step);
            let pages: Vec<u32> = chunks.iter().flat_map(|chunk| chunk.next..=chunk.end).collect();
            prop_assert_eq!(pages, (start..start + length).collect::<Vec<_>>());
            prop_assert!(chunks.iter().all(|chunk| chunk.end - chunk.next < step.max(1)));
        }
    }
}

//! Reads numbered pages with several readers at once under one rate, and stops them all together.

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
    /// `PAGES_PER_THREAD`: pages of one chunk, asked for in their order.
    pub pages_per_thread: u32,
    /// `MAX_THREADS`: readers, each with a chunk of its own while there are enough.
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
    /// Every page of every range was read or set aside.
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

/// How reading ended.
#[derive(Debug)]
pub struct Ended {
    /// Why.
    pub stopped: Stopped,
    /// Pages that failed, also those that could be read in the end.
    pub failed: Vec<u32>,
    /// Pages that failed when they were asked for again at the end, and why.
    pub set_aside: Vec<(u32, anyhow::Error)>,
}

impl From<Stopped> for Ended {
    fn from(stopped: Stopped) -> Self {
        Self { stopped, failed: Vec::new(), set_aside: Vec::new() }
    }
}

/// Whether so many pages failed that it is the source that is broken, where `filled` others held players.
pub fn are_too_many(failed: usize, filled: usize) -> bool {
    failed > 3 + filled / 20
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

/// What is read, and what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    /// Pages of a board: they cost nothing, and the next run reads them all again. So a reader that finds every chunk in
    /// another's hands helps with the longest one, and the pace is kept to the last page; behind an end that was not known
    /// each helper may ask for one page too many. A page that stays broken is set aside.
    Board,
    /// Pages of what is new since the last run: each costs points, and none may be missed.
    News,
}

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToRead {
    /// What the pages are of.
    pub kind: PageKind,
    /// Pages of a chunk are asked for in their order.
    pub chunks: Vec<PageRange>,
    /// Pages that failed in an earlier run: they are left to the end.
    pub failed: Vec<u32>,
}

/// Pages that are asked for in their order.
struct Chunk {
    /// The pages that nobody has taken yet.
    left: PageRange,
    is_begun: bool,
}

/// What the readers tell each other.
struct Shared {
    chunks: Vec<Chunk>,
    /// The first page known to lie behind the end of the board.
    board_ends_at: u32,
    /// Pages with players.
    filled: usize,
    /// How many pages failed that had not failed before.
    failures: usize,
    /// Pages that failed: they are asked for again when all others are done.
    failed: Vec<u32>,
    /// How many of them somebody has taken again.
    taken_again: usize,
    /// Pages that failed then, too.
    set_aside: Vec<(u32, anyhow::Error)>,
    stopped: Option<Stopped>,
}

/// A page to ask for.
#[derive(Clone, Copy)]
struct Taken {
    page: u32,
    /// Whether it failed before.
    is_again: bool,
}

impl Shared {
    /// The next page of the reader's own chunk, of one that nobody has begun, or of another's; then what failed.
    fn take(&mut self, own: &mut Option<usize>, kind: PageKind) -> Option<Taken> {
        let ends_at = self.board_ends_at;
        let left = |chunk: &Chunk| (chunk.left.end + 1).min(ends_at).saturating_sub(chunk.left.next);
        let longest = |is_begun: bool| {
            let open = |&index: &usize| self.chunks[index].is_begun == is_begun && left(&self.chunks[index]) > 0;
            // Of equals the first: what lies further behind may lie behind the end.
            (0..self.chunks.len()).rev().filter(open).max_by_key(|&index| left(&self.chunks[index]))
        };
        let chunk = own
            .filter(|&own| left(&self.chunks[own]) > 0)
            .or_else(|| longest(false))
            .or_else(|| longest(true).filter(|_| kind == PageKind::Board));
        let Some(chunk) = chunk else {
            let page = *self.failed.get(self.taken_again)?;
            self.taken_again += 1;
            return Some(Taken { page, is_again: true });
        };
        *own = Some(chunk);
        let chunk = &mut self.chunks[chunk];
        chunk.is_begun = true;
        chunk.left.next += 1;
        Some(Taken { page: chunk.left.next - 1, is_again: false })
    }

    /// The first reason to stop counts.
    fn stop(&mut self, reason: Stopped) {
        self.stopped.get_or_insert(reason);
    }

    fn end_at(&mut self, page: u32) {
        self.board_ends_at = self.board_ends_at.min(page);
    }

    /// Keeps a page that failed for later, or sets it aside.
    fn fail(&mut self, taken: Taken, error: anyhow::Error) {
        if taken.is_again {
            self.set_aside.push((taken.page, error));
            return;
        }
        self.failed.push(taken.page);
        self.failures += 1;
        if are_too_many(self.failures, self.filled) {
            self.stop(Stopped::Source(SourceError::Failed(error)));
        }
    }
}

/// Waits before a page that could not be read is asked for again. A refusal is not asked again at all.
const RETRY_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// Reads pages with `fetch` and hands each page's players to `store`, page by page.
///
/// No page is begun after `last_start`, after a refusal, or behind the end of the board; pages under way when a
/// reader stops are still stored. `store` runs for one page at a time; pages of one chunk may come out of order.
pub async fn read_pages<C, Fetch, Store>(
    config: &PagesConfig,
    clock: &C,
    last_start: Option<Timestamp>,
    ToRead { kind, chunks, failed }: ToRead,
    fetch: Fetch,
    mut store: Store,
) -> Ended
where
    C: Clock,
    Fetch: AsyncFn(u32) -> std::result::Result<SourcePage, SourceError>,
    Store: AsyncFnMut(u32, Vec<PlayerId>) -> Result<()>,
{
    let chunks = chunks.into_iter().map(|left| Chunk { left, is_begun: false }).collect();
    let shared = Mutex::new(Shared {
        chunks,
        board_ends_at: u32::MAX,
        filled: 0,
        failures: 0,
        failed,
        taken_again: 0,
        set_aside: Vec::new(),
        stopped: None,
    });
    // Never held over an await: each use is one statement.
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);

    let (found, mut to_store) = mpsc::channel::<(u32, Vec<PlayerId>)>(config.max_threads.max(1));
    let reader = async |mut found: mpsc::Sender<(u32, Vec<PlayerId>)>| {
        let mut own = None;
        // A page behind the end leaves the reader's turn for another page.
        let mut has_turn = false;
        loop {
            let taken = lock().take(&mut own, kind);
            let Some(taken) = taken else { return };
            let page = taken.page;
            let mut waits = RETRY_AFTER.iter();
            let read = loop {
                if !has_turn {
                    config.pace.wait().await;
                    has_turn = true;
                }
                if lock().stopped.is_some() {
                    return;
                }
                if page >= lock().board_ends_at {
                    break None;
                }
                if last_start.is_some_and(|last_start| clock.now() >= last_start) {
                    lock().stop(Stopped::Deadline);
                    return;
                }
                has_turn = false;
                match (fetch(page).await, waits.next()) {
                    (Err(SourceError::Failed(error)), Some(&wait)) => {
                        tracing::warn!(page, error = format!("{error:#}"), "asking for the page again");
                        clock.sleep(wait).await;
                    }
                    (read, _) => break Some(read),
                }
            };
            match read {
                None => {}
                Some(Ok(read)) => {
                    let is_end = read.is_last;
                    lock().filled += usize::from(!read.players.is_empty());
                    // An empty last page lies behind the board; a filled one is its last.
                    let ends_at = if read.players.is_empty() { page } else { page + 1 };
                    if found.send((page, read.players)).await.is_err() {
                        return;
                    }
                    if is_end {
                        lock().end_at(ends_at);
                    }
                }
                Some(Err(SourceError::Failed(error))) if kind == PageKind::Board => {
                    lock().fail(taken, error);
                }
                Some(Err(error)) => {
                    lock().stop(Stopped::Source(error));
                    return;
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
                lock().stop(Stopped::Store(error));
                return;
            }
        }
    };
    futures::join!(readers, writer);

    let mut shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    let board_ends_at = shared.board_ends_at;
    shared.set_aside.retain(|(page, _)| *page < board_ends_at);
    let stopped = match shared.stopped {
        Some(reason) => reason,
        None if shared.board_ends_at < u32::MAX => Stopped::EndOfBoard,
        None => Stopped::Complete,
    };
    Ended { stopped, failed: shared.failed, set_aside: shared.set_aside }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;

    struct StandingClock;

    impl Clock for StandingClock {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        async fn sleep(&self, _: Duration) {}
    }

    fn all(kind: PageKind, chunks: Vec<PageRange>) -> ToRead {
        ToRead { kind, chunks, failed: Vec::new() }
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
        let stopped = read_pages(&config, &StandingClock, None, all(PageKind::Board, chunks), fetch, store).await;
        assert!(matches!(stopped.stopped, Stopped::Store(_)), "{stopped:?}");
    }

    /// Reads 40 pages that are one chunk with four readers: the pages asked for, how many at once, those stored, in order.
    async fn one_chunk(last_of_board: u32, kind: PageKind) -> (Vec<u32>, usize, Vec<u32>, Stopped) {
        let config = PagesConfig { pages_per_thread: 40, max_threads: 4, pace: Pace::per_second(1e6) };
        let chunks = cut(&[PageRange { next: 1, end: 40 }], 40);
        let asked = Mutex::new((Vec::new(), 0, 0));
        let fetch = async |page: u32| {
            {
                let (pages, at_once, most) = &mut *asked.lock().unwrap();
                pages.push(page);
                *at_once += 1;
                *most = (*most).max(*at_once);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            asked.lock().unwrap().1 -= 1;
            let players = if page <= last_of_board { vec![page] } else { vec![] };
            Ok(SourcePage { players, is_last: page >= last_of_board })
        };
        let mut stored = Vec::new();
        let store = async |page: u32, players: Vec<PlayerId>| {
            assert!(players.is_empty() || players == [page]);
            stored.extend(players);
            Ok(())
        };
        let Ended { stopped, .. } = read_pages(&config, &StandingClock, None, all(kind, chunks), fetch, store).await;
        stored.sort_unstable();
        let (mut pages, _, most) = asked.into_inner().unwrap();
        pages.sort_unstable();
        (pages, most, stored, stopped)
    }

    #[tokio::test]
    async fn readers_without_a_chunk_help_with_the_last_one() {
        let all: Vec<u32> = (1..=40).collect();
        let (asked, most, stored, stopped) = one_chunk(100, PageKind::Board).await;
        assert_eq!((&asked, most, &stored), (&all, 4, &all));
        assert!(matches!(stopped, Stopped::Complete), "{stopped:?}");
        let (asked, most, stored, _) = one_chunk(100, PageKind::News).await;
        assert_eq!((&asked, most, &stored), (&all, 1, &all));
    }

    #[tokio::test]
    async fn helpers_ask_for_few_pages_behind_the_board_and_none_where_pages_cost_points() {
        let board: Vec<u32> = (1..=23).collect();
        let (asked, _, stored, stopped) = one_chunk(23, PageKind::Board).await;
        assert_eq!(stored, board);
        assert!(asked.len() < 23 + 4 && asked.starts_with(&board), "{asked:?}");
        assert!(matches!(stopped, Stopped::EndOfBoard), "{stopped:?}");
        assert_eq!(one_chunk(23, PageKind::News).await.0, board);
    }

    /// Reads ten pages of which those stay broken; answers how often pages were asked for, too.
    async fn with_broken(broken: &[u32], kind: PageKind) -> (Ended, Vec<u32>, usize) {
        let config = PagesConfig { pages_per_thread: 4, max_threads: 2, pace: Pace::per_second(1e6) };
        let asked = AtomicUsize::new(0);
        let fetch = async |page: u32| {
            asked.fetch_add(1, Ordering::Relaxed);
            match broken.contains(&page) {
                true => Err(SourceError::Failed(anyhow::anyhow!("page {page} is garbled"))),
                false => Ok(SourcePage { players: vec![page], is_last: false }),
            }
        };
        let mut stored = Vec::new();
        let store = async |page: u32, _| {
            stored.push(page);
            Ok(())
        };
        let chunks = cut(&[PageRange { next: 1, end: 10 }], 4);
        let ended = read_pages(&config, &StandingClock, None, all(kind, chunks), fetch, store).await;
        stored.sort_unstable();
        (ended, stored, asked.into_inner())
    }

    #[tokio::test]
    async fn a_page_that_stays_broken_is_set_aside_and_a_source_that_is_broken_is_not() {
        let (ended, stored, asked) = with_broken(&[3], PageKind::Board).await;
        assert!(matches!(ended.stopped, Stopped::Complete), "{ended:?}");
        assert_eq!(ended.set_aside[0].0, 3);
        assert_eq!((stored, asked), (vec![1, 2, 4, 5, 6, 7, 8, 9, 10], 9 + 2 * 3), "three times, and three at the end");

        let (ended, ..) = with_broken(&[1, 3, 5, 7, 9], PageKind::Board).await;
        assert!(matches!(ended.stopped, Stopped::Source(SourceError::Failed(_))), "{ended:?}");
        assert_eq!(ended.failed.len(), 4, "they are left to the end of the next run");

        let (ended, stored, _) = with_broken(&[3], PageKind::News).await;
        assert!(matches!(ended.stopped, Stopped::Source(SourceError::Failed(_))), "{ended:?}");
        assert!(ended.set_aside.is_empty() && !stored.contains(&4), "{stored:?}");
    }

    #[test]
    fn a_few_pages_of_a_large_board_may_fail() {
        let most = |filled: usize| (0..).take_while(|&failed| !are_too_many(failed, filled)).last().unwrap();
        assert_eq!([0, 19, 20, 600].map(most), [3, 3, 4, 33]);
    }

    #[tokio::test]
    async fn a_page_that_is_read_at_the_end_is_not_set_aside() {
        let config = PagesConfig { pages_per_thread: 4, max_threads: 2, pace: Pace::per_second(1e6) };
        let asked = Mutex::new(Vec::new());
        let fetch = async |page: u32| {
            let mut asked = asked.lock().unwrap();
            asked.push(page);
            match page == 2 && asked.iter().filter(|asked| **asked == 2).count() <= 3 {
                true => Err(SourceError::Failed(anyhow::anyhow!("HTTP 500"))),
                false => Ok(SourcePage { players: vec![page], is_last: false }),
            }
        };
        let store = async |_, _| Ok(());
        let chunks = cut(&[PageRange { next: 1, end: 10 }], 4);
        let ended = read_pages(&config, &StandingClock, None, all(PageKind::Board, chunks), fetch, store).await;
        assert!(matches!(ended.stopped, Stopped::Complete) && ended.set_aside.is_empty(), "{ended:?}");
        let asked = asked.into_inner().unwrap();
        assert_eq!(asked.len(), 10 + 3);
        // The other reader may still have one page to ask for.
        assert!(asked[11..].contains(&2), "{asked:?}");
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

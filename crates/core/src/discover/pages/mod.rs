//! Reads the numbered pages of a board with several readers at once under one rate, and stops them all together.

mod ended;
mod plan;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};

pub use self::ended::{Ended, Stopped};
use self::plan::{Plan, Taken};
pub use self::plan::{source_is_broken, split_into_chunks};
use crate::Timestamp;
use crate::ports::{Clock, Result, SourceError, SourcePage};
use crate::rule::PageRange;

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
#[derive(Debug, Clone)]
pub struct Pace {
    interval: TimeDelta,
    /// When the next request may leave.
    next: Arc<Mutex<Timestamp>>,
}

impl Pace {
    /// At most so many requests per second; less than one is fine.
    pub fn per_second(requests: f64) -> Self {
        let interval = Duration::from_secs_f64(1.0 / requests.clamp(0.001, 1e6));
        let interval = TimeDelta::from_std(interval).unwrap_or(TimeDelta::MAX);
        Self { interval, next: Arc::new(Mutex::new(Timestamp::UNIX_EPOCH)) }
    }

    async fn wait<C: Clock>(&self, clock: &C) {
        let now = clock.now();
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            // A clock that was set back must not make everyone wait for the old time.
            let turn = if *next - now > self.interval * 1000 { now } else { (*next).max(now) };
            *next = turn + self.interval;
            turn
        };
        if let Ok(wait) = (turn - now).to_std()
            && !wait.is_zero()
        {
            clock.sleep(wait).await;
        }
    }
}

/// Waits before a page that could not be read is asked for again. A refusal is not asked again at all.
const RETRY_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// Readers of one board.
#[derive(Debug)]
pub struct Readers<'a, C> {
    /// How many, and how fast.
    pub config: &'a PagesConfig,
    /// Time.
    pub clock: &'a C,
    /// No page is begun after this.
    pub last_start: Option<Timestamp>,
}

impl<C: Clock> Readers<'_, C> {
    /// Reads `chunks`, then `failed`, with `fetch` and hands each page's players to `store`, page by page.
    ///
    /// No page is begun after `last_start`, after a refusal, or behind the end of the board; pages under way when a
    /// reader stops are still stored. `store` runs for one page at a time; pages of one chunk may come out of order.
    pub async fn read<Fetch, Store>(
        &self,
        chunks: Vec<PageRange>,
        failed: Vec<u32>,
        fetch: Fetch,
        mut store: Store,
    ) -> Ended
    where
        Fetch: AsyncFn(u32) -> std::result::Result<SourcePage, SourceError>,
        Store: AsyncFnMut(u32, SourcePage) -> Result<()>,
    {
        let plan = Mutex::new(Plan::new(chunks, failed));
        let readers = self.config.max_threads.max(1);
        let (found, mut to_store) = mpsc::channel::<(u32, SourcePage)>(readers);
        let reading = futures::future::join_all((0..readers).map(|_| self.reader(&plan, &fetch, found.clone())));
        drop(found);
        // When it ends by an error, readers that wait for room are told.
        let writing = async {
            while let Some((page, read)) = to_store.next().await {
                if let Err(error) = store(page, read).await {
                    lock(&plan).stop(Stopped::Store(error));
                    to_store.close();
                    return;
                }
            }
        };
        futures::join!(reading, writing);
        plan.into_inner().unwrap_or_else(PoisonError::into_inner).into_ended()
    }

    /// One reader: page after page until nothing is left or something stops all.
    async fn reader<Fetch>(&self, plan: &Mutex<Plan>, fetch: &Fetch, mut found: mpsc::Sender<(u32, SourcePage)>)
    where
        Fetch: AsyncFn(u32) -> std::result::Result<SourcePage, SourceError>,
    {
        let mut own = None;
        loop {
            let Some(taken) = lock(plan).take(&mut own) else { return };
            match self.read_one(plan, taken, fetch).await {
                None => {}
                Some(Ok(read)) => {
                    let is_filled = !read.players.is_empty();
                    lock(plan).read(taken.page, is_filled, read.is_last);
                    if found.send((taken.page, read)).await.is_err() {
                        return;
                    }
                }
                Some(Err(SourceError::Failed(error))) => lock(plan).fail(taken, error),
                Some(Err(error)) => lock(plan).stop(Stopped::Source(error)),
            }
        }
    }

    /// Reads one page, trying again what fails; `None` where it is not to be asked for any more.
    async fn read_one<Fetch>(
        &self,
        plan: &Mutex<Plan>,
        taken: Taken,
        fetch: &Fetch,
    ) -> Option<std::result::Result<SourcePage, SourceError>>
    where
        Fetch: AsyncFn(u32) -> std::result::Result<SourcePage, SourceError>,
    {
        let page = taken.page;
        let mut waits = RETRY_AFTER.iter();
        loop {
            if lock(plan).is_over_for(page) {
                return None;
            }
            self.config.pace.wait(self.clock).await;
            if lock(plan).is_over_for(page) {
                return None;
            }
            if self.last_start.is_some_and(|last_start| self.clock.now() >= last_start) {
                lock(plan).stop(Stopped::Deadline);
                return None;
            }
            match (fetch(page).await, waits.next()) {
                (Err(SourceError::Failed(error)), Some(&wait)) => {
                    tracing::warn!(page, error = format!("{error:#}"), "asking for the page again");
                    self.clock.sleep(wait).await;
                }
                (read, _) => return Some(read),
            }
        }
    }
}

/// Never held over an await: each use is one statement.
fn lock(plan: &Mutex<Plan>) -> MutexGuard<'_, Plan> {
    plan.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::testing::{TestClock, noon};

    async fn read<Fetch, Store>(config: &PagesConfig, pages: u32, fetch: Fetch, store: Store) -> Ended
    where
        Fetch: AsyncFn(u32) -> std::result::Result<SourcePage, SourceError>,
        Store: AsyncFnMut(u32, SourcePage) -> Result<()>,
    {
        let chunks = split_into_chunks(&[PageRange { next: 1, end: pages }], config.pages_per_thread);
        let readers = Readers { config, clock: &TestClock::at(noon()), last_start: None };
        readers.read(chunks, Vec::new(), fetch, store).await
    }

    #[tokio::test]
    async fn requests_are_evenly_spaced_over_all_readers() {
        let clock = TestClock::at(noon());
        let pace = Pace::per_second(2.0);
        let mut left = Vec::new();
        for _ in 0..4 {
            pace.clone().wait(&clock).await;
            left.push((clock.now() - noon()).num_milliseconds());
        }
        assert_eq!(left, [0, 500, 1000, 1500]);
        clock.advance(TimeDelta::hours(-2));
        pace.wait(&clock).await;
        assert_eq!((clock.now() - noon()).num_minutes(), -119, "a clock that was set back makes nobody wait for hours");
        let next = clock.now() + TimeDelta::milliseconds(500);
        clock.advance(TimeDelta::milliseconds(500) - TimeDelta::seconds(500));
        pace.wait(&clock).await;
        assert_eq!(clock.now(), next, "a step of a few minutes back is waited out");
    }

    #[tokio::test]
    async fn a_store_that_fails_late_stops_every_reader() {
        let config = PagesConfig { pages_per_thread: 10, max_threads: 4, pace: Pace::per_second(1e6) };
        let fetch = async |page| Ok(SourcePage { players: vec![page], is_last: false, ..SourcePage::default() });
        let store = async |page: u32, _| {
            // Long enough for the readers to fill the way to the store.
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            if page > 3 { Err(anyhow::anyhow!("the disk is full")) } else { Ok(()) }
        };
        let stopped = read(&config, 400, fetch, store).await;
        assert!(matches!(stopped.stopped, Stopped::Store(_)), "{stopped:?}");
    }

    /// Reads 40 pages that are one chunk with four readers: the pages asked for, how many at once, those stored, in order.
    async fn one_chunk(last_of_board: u32) -> (Vec<u32>, usize, Vec<u32>, Stopped) {
        let config = PagesConfig { pages_per_thread: 40, max_threads: 4, pace: Pace::per_second(1e6) };
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
            Ok(SourcePage { players, is_last: page >= last_of_board, ..SourcePage::default() })
        };
        let mut stored = Vec::new();
        let store = async |page: u32, SourcePage { players, .. }: SourcePage| {
            assert!(players.is_empty() || players == [page]);
            stored.extend(players);
            Ok(())
        };
        let Ended { stopped, .. } = read(&config, 40, fetch, store).await;
        stored.sort_unstable();
        let (mut pages, _, most) = asked.into_inner().unwrap();
        pages.sort_unstable();
        (pages, most, stored, stopped)
    }

    #[tokio::test]
    async fn idle_readers_steal_from_the_last_chunk() {
        let all: Vec<u32> = (1..=40).collect();
        let (asked, most, stored, stopped) = one_chunk(100).await;
        assert_eq!((&asked, most, &stored), (&all, 4, &all));
        assert!(matches!(stopped, Stopped::Complete), "{stopped:?}");
    }

    #[tokio::test]
    async fn few_pages_are_asked_for_behind_the_board() {
        let board: Vec<u32> = (1..=23).collect();
        let (asked, _, stored, stopped) = one_chunk(23).await;
        assert_eq!(stored, board);
        assert!(asked.len() < 23 + 4 && asked.starts_with(&board), "{asked:?}");
        assert!(matches!(stopped, Stopped::EndOfBoard), "{stopped:?}");
    }

    /// Reads ten pages of which those stay broken; answers how often pages were asked for, too.
    async fn with_broken(broken: &[u32]) -> (Ended, Vec<u32>, usize) {
        let config = PagesConfig { pages_per_thread: 4, max_threads: 2, pace: Pace::per_second(1e6) };
        let asked = AtomicUsize::new(0);
        let fetch = async |page: u32| {
            asked.fetch_add(1, Ordering::Relaxed);
            match broken.contains(&page) {
                true => Err(SourceError::Failed(anyhow::anyhow!("page {page} is garbled"))),
                false => Ok(SourcePage { players: vec![page], is_last: false, ..SourcePage::default() }),
            }
        };
        let mut stored = Vec::new();
        let store = async |page: u32, _| {
            stored.push(page);
            Ok(())
        };
        let ended = read(&config, 10, fetch, store).await;
        stored.sort_unstable();
        (ended, stored, asked.into_inner())
    }

    #[tokio::test]
    async fn a_page_that_stays_broken_is_skipped_and_a_source_that_is_broken_is_not() {
        let (ended, stored, asked) = with_broken(&[3]).await;
        assert!(matches!(ended.stopped, Stopped::Complete), "{ended:?}");
        assert_eq!(ended.skipped[0].0, 3);
        assert_eq!((stored, asked), (vec![1, 2, 4, 5, 6, 7, 8, 9, 10], 9 + 2 * 3), "three times, and three at the end");

        let (ended, ..) = with_broken(&[1, 3, 5, 7, 9]).await;
        assert!(matches!(ended.stopped, Stopped::Source(SourceError::Failed(_))), "{ended:?}");
        assert_eq!(ended.failed.len(), 4, "they are left to the end of the next run");
    }

    #[tokio::test]
    async fn of_a_large_board_more_pages_may_be_broken() {
        let config = PagesConfig { pages_per_thread: 200, max_threads: 1, pace: Pace::per_second(1e6) };
        let fetch = async |page: u32| match [60, 70, 80, 90].contains(&page) {
            true => Err(SourceError::Failed(anyhow::anyhow!("HTTP 500"))),
            false => Ok(SourcePage { players: vec![page], is_last: page == 99, ..SourcePage::default() }),
        };
        let ended = read(&config, 200, fetch, async |_, _| Ok(())).await;
        assert!(matches!(ended.stopped, Stopped::EndOfBoard) && ended.skipped.len() == 4, "{ended:?}");
    }

    #[tokio::test]
    async fn a_page_that_is_read_at_the_end_is_not_skipped() {
        let config = PagesConfig { pages_per_thread: 4, max_threads: 2, pace: Pace::per_second(1e6) };
        let asked = Mutex::new(Vec::new());
        let fetch = async |page: u32| {
            let mut asked = asked.lock().unwrap();
            asked.push(page);
            match page == 2 && asked.iter().filter(|asked| **asked == 2).count() <= 3 {
                true => Err(SourceError::Failed(anyhow::anyhow!("HTTP 500"))),
                false => Ok(SourcePage { players: vec![page], is_last: false, ..SourcePage::default() }),
            }
        };
        let store = async |_, _| Ok(());
        let ended = read(&config, 10, fetch, store).await;
        assert!(matches!(ended.stopped, Stopped::Complete) && ended.skipped.is_empty(), "{ended:?}");
        let asked = asked.into_inner().unwrap();
        assert_eq!(asked.len(), 10 + 3);
        // The other reader may still have one page to ask for.
        assert!(asked[11..].contains(&2), "{asked:?}");
    }
}

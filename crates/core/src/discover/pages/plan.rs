//! Which page is asked for next, and what is known of the board so far. Pure.

use super::ended::{Ended, Stopped};
use crate::ports::SourceError;
use crate::rule::PageRange;

/// Pages that are asked for in their order.
struct Chunk {
    /// The pages that nobody has taken yet.
    left: PageRange,
    is_begun: bool,
}

/// What the readers tell each other.
pub struct Plan {
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
    skipped: Vec<(u32, anyhow::Error)>,
    stopped: Option<Stopped>,
}

/// A page to ask for.
#[derive(Clone, Copy)]
pub struct Taken {
    /// Its number.
    pub page: u32,
    /// Whether it failed before.
    is_again: bool,
}

impl Plan {
    /// Pages of a chunk are asked for in their order; pages that failed in an earlier run are left to the end.
    pub fn new(chunks: Vec<PageRange>, failed: Vec<u32>) -> Self {
        Self {
            chunks: chunks.into_iter().map(|left| Chunk { left, is_begun: false }).collect(),
            board_ends_at: u32::MAX,
            filled: 0,
            failures: 0,
            failed,
            taken_again: 0,
            skipped: Vec::new(),
            stopped: None,
        }
    }

    /// The next page of the reader's own chunk, of one that nobody has begun, or of another's; then what failed. An idle
    /// reader steals from the longest chunk, which can ask for one page too many behind an end that was not known.
    pub fn take(&mut self, own: &mut Option<usize>) -> Option<Taken> {
        if self.stopped.is_some() {
            return None;
        }
        let ends_at = self.board_ends_at;
        let left = |chunk: &Chunk| (chunk.left.end + 1).min(ends_at).saturating_sub(chunk.left.next);
        let longest = |is_begun: bool| {
            let open = |&index: &usize| self.chunks[index].is_begun == is_begun && left(&self.chunks[index]) > 0;
            // Of equals the first: what lies further behind may lie behind the end.
            (0..self.chunks.len()).rev().filter(open).max_by_key(|&index| left(&self.chunks[index]))
        };
        let chunk = own.filter(|&own| left(&self.chunks[own]) > 0).or_else(|| longest(false)).or_else(|| longest(true));
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
    pub fn stop(&mut self, reason: Stopped) {
        self.stopped.get_or_insert(reason);
    }

    /// Whether the page is not to be asked for any more: all reading was stopped, or it lies behind the end.
    pub fn is_over_for(&self, page: u32) -> bool {
        self.stopped.is_some() || page >= self.board_ends_at
    }

    /// A page was read: whether it held players, and whether it is the last.
    pub fn read(&mut self, page: u32, is_filled: bool, is_last: bool) {
        self.filled += usize::from(is_filled);
        if is_last {
            // An empty last page lies behind the board; a filled one is its last.
            self.board_ends_at = self.board_ends_at.min(if is_filled { page + 1 } else { page });
        }
    }

    /// Keeps a page that failed for later, or skips it.
    pub fn fail(&mut self, taken: Taken, error: anyhow::Error) {
        if taken.is_again {
            self.skipped.push((taken.page, error));
        } else {
            self.failed.push(taken.page);
            self.failures += 1;
            if source_is_broken(self.failures, self.filled) {
                self.stop(Stopped::Source(SourceError::Failed(error)));
            }
        }
    }

    /// How reading ended.
    pub fn into_ended(mut self) -> Ended {
        let ends_at = self.board_ends_at;
        self.skipped.retain(|(page, _)| *page < ends_at);
        let at_the_end = if ends_at < u32::MAX { Stopped::EndOfBoard } else { Stopped::Complete };
        Ended { stopped: self.stopped.unwrap_or(at_the_end), failed: self.failed, skipped: self.skipped }
    }
}

/// Whether so many pages failed that it is the source that is broken, where `filled` others held players.
pub fn source_is_broken(failed: usize, filled: usize) -> bool {
    failed > 3 + filled / 20
}

/// Splits ranges into chunks of at most `pages_per_thread` pages.
pub fn split_into_chunks(ranges: &[PageRange], pages_per_thread: u32) -> Vec<PageRange> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_few_pages_of_a_large_board_may_fail() {
        let most = |filled: usize| (0..).take_while(|&failed| !source_is_broken(failed, filled)).last().unwrap();
        assert_eq!([0, 19, 20, 600].map(most), [3, 3, 4, 33]);
    }

    #[test]
    fn an_idle_reader_steals_from_the_longest_chunk() {
        let chunks = vec![PageRange { next: 1, end: 2 }, PageRange { next: 3, end: 9 }];
        let mut plan = Plan::new(chunks, Vec::new());
        let (mut first, mut second, mut third) = (None, None, None);
        assert_eq!(plan.take(&mut first).unwrap().page, 3, "the longest one is begun first");
        assert_eq!(plan.take(&mut second).unwrap().page, 1);
        assert_eq!(plan.take(&mut third).unwrap().page, 4, "nothing else is left to begin");
        assert_eq!(plan.take(&mut second).unwrap().page, 2);
        assert_eq!(plan.take(&mut second).unwrap().page, 5);
    }

    proptest! {
        #[test]
        fn chunks_cover_each_page_once(start in 1..500_u32, length in 1..500_u32, step in 0..60_u32) {
            let chunks = split_into_chunks(&[PageRange { next: start, end: start + length - 1 }], step);
            let pages: Vec<u32> = chunks.iter().flat_map(|chunk| chunk.next..=chunk.end).collect();
            prop_assert_eq!(pages, (start..start + length).collect::<Vec<_>>());
            prop_assert!(chunks.iter().all(|chunk| chunk.end - chunk.next < step.max(1)));
        }
    }

    #[test]
    fn pages_behind_the_end_are_over_and_not_skipped() {
        let mut plan = Plan::new(vec![PageRange { next: 1, end: 9 }], Vec::new());
        let mut own = None;
        let taken: Vec<_> = (0..5).map(|_| plan.take(&mut own).unwrap()).collect();
        plan.fail(taken[1], anyhow::anyhow!("page 2 is garbled"));
        plan.fail(taken[3], anyhow::anyhow!("page 4 is garbled"));
        plan.read(1, true, false);
        plan.read(5, false, true);
        assert!(!plan.is_over_for(4) && plan.is_over_for(5), "an empty last page lies behind the board");
        plan.read(3, true, true);
        assert!(!plan.is_over_for(3) && plan.is_over_for(4), "a filled one is its last");
        for page in [2, 4] {
            let again = plan.take(&mut own).unwrap();
            assert_eq!(again.page, page);
            plan.fail(again, anyhow::anyhow!("still garbled"));
        }
        assert!(plan.take(&mut own).is_none());
        let ended = plan.into_ended();
        assert!(matches!(ended.stopped, Stopped::EndOfBoard), "{ended:?}");
        assert_eq!(ended.skipped.iter().map(|(page, _)| *page).collect::<Vec<_>>(), [2]);
        assert_eq!(ended.failed, [2, 4]);
    }

    #[test]
    fn the_more_pages_were_read_the_more_may_fail() {
        let taken = |filled: usize, failed: usize| {
            let mut plan = Plan::new(vec![PageRange { next: 1, end: 100 }], Vec::new());
            let mut own = None;
            for _ in 0..filled {
                let page = plan.take(&mut own).unwrap().page;
                plan.read(page, true, false);
            }
            for _ in 0..failed {
                let taken = plan.take(&mut own).unwrap();
                plan.fail(taken, anyhow::anyhow!("garbled"));
            }
            plan.take(&mut own).is_some()
        };
        assert!(taken(0, 3) && !taken(0, 4));
        assert!(taken(20, 4) && !taken(20, 5));
    }

    #[test]
    fn the_first_reason_to_stop_counts() {
        let mut plan = Plan::new(vec![PageRange { next: 1, end: 9 }], vec![3]);
        plan.stop(Stopped::Deadline);
        plan.stop(Stopped::Complete);
        assert!(plan.is_over_for(1) && plan.take(&mut None).is_none());
        assert!(matches!(plan.into_ended().stopped, Stopped::Deadline));
    }
}

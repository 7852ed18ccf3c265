//! What a rule's unfinished run has done and has left.

use serde::{Deserialize, Serialize};

use super::{Rule, RuleId, Target};
use crate::{Timestamp, moment};

/// How far a run came. Only what is stored counts as done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// What the run works on; a rule that was edited since starts anew.
    pub target: Target,
    /// When the run began; reports newer than this belong to the next run.
    pub started_at: Timestamp,
    /// Pages of a board that are still to be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remaining: Vec<PageRange>,
    /// Windows of reports that are still to be read, the next one last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowLeft>,
    /// Whom this reading of reports serves: the rule that began it, and others of its raid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<Share>,
    /// Those of `remaining` that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<u32>,
    /// Pages read so far.
    pub pages: u32,
    /// Pages with players among them, or lists that were read.
    #[serde(default)]
    pub filled: u32,
    /// Players found so far, counting a player once per page.
    pub players: u64,
    /// Reports, rows and lists that were skipped so far.
    #[serde(default)]
    pub skipped: u64,
}

impl Progress {
    /// Nothing of `target` was read yet, and nothing is known to be left.
    pub fn of(target: Target, started_at: Timestamp) -> Self {
        Self {
            target,
            started_at,
            remaining: Vec::new(),
            windows: Vec::new(),
            shares: Vec::new(),
            failed: Vec::new(),
            pages: 0,
            filled: 0,
            players: 0,
            skipped: 0,
        }
    }

    /// Whether this is how far a run of `target` came: a document may hold anything.
    pub fn is_of(&self, target: &Target) -> bool {
        let is_inside = |range: &PageRange| {
            target.start_page <= range.next && range.next <= range.end && range.end <= target.end_page
        };
        let is_moment = |at: Timestamp| moment::checked(at).is_ok();
        self.target == *target
            && is_moment(self.started_at)
            && self.shares.iter().all(|share| is_moment(share.from))
            && self.remaining.iter().all(is_inside)
            && self.windows.iter().all(|window| is_moment(window.from) && is_moment(window.to))
    }

    /// A page was read and its players are stored.
    pub fn count(&mut self, page: u32, players: u64) {
        self.pages += 1;
        self.filled += u32::from(players > 0);
        self.players += players;
        take_out(&mut self.remaining, page);
    }

    /// Keeps in mind which pages failed, beside those that are known to.
    pub fn fail(&mut self, pages: &[u32]) {
        self.failed.extend(pages);
        self.failed.sort_unstable();
        self.failed.dedup();
    }

    /// What remains: pages that have not failed, and those that have.
    pub fn left(&self) -> (Vec<PageRange>, Vec<u32>) {
        let mut unfailed = self.remaining.clone();
        let failed = self.failed.iter().copied().filter(|&page| take_out(&mut unfailed, page)).collect();
        (unfailed, failed)
    }
}

/// Takes a page out of the range that holds it; `false` if none does. Several readers of one range leave gaps in it.
fn take_out(ranges: &mut Vec<PageRange>, page: u32) -> bool {
    let Some(index) = ranges.iter().position(|range| (range.next..=range.end).contains(&page)) else { return false };
    let PageRange { next, end } = ranges[index];
    let around = [PageRange { next, end: page - 1 }, PageRange { next: page + 1, end }];
    ranges.splice(index..=index, around.into_iter().filter(|range| range.next <= range.end));
    true
}

/// A window of time whose reports are listed from page `next_page` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowLeft {
    /// Reports that began at or after this.
    pub from: Timestamp,
    /// Reports that began before this.
    pub to: Timestamp,
    /// The next page of the list.
    pub next_page: u32,
    /// Whether that page failed: it is asked for again when all other windows are read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub set_aside: bool,
}

impl WindowLeft {
    /// A window of which nothing was read yet.
    pub fn unread(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to, next_page: 1, set_aside: false }
    }
}

/// What one rule takes of a reading of reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// The rule; none for a backfill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
    /// What the rule asks for: its difficulty, how players are ranked, and which pages count.
    pub target: Target,
    /// Reports that began before this are not for it.
    pub from: Timestamp,
    /// What its last page left unread, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_behind: Option<String>,
}

impl Share {
    /// Whether it is what `rule` asks for, as the rule stands now.
    pub fn serves(&self, rule: &Rule) -> bool {
        self.rule.as_ref() == Some(&rule.id) && self.target == rule.target
    }
}

/// Pages `next..=end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRange {
    /// The next page to read.
    pub next: u32,
    /// The last page, included.
    pub end: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::tests::rule;
    use crate::testing::noon;

    #[test]
    fn pages_read_in_any_order_leave_exactly_the_others() {
        let range = |next, end| PageRange { next, end };
        let target = rule("any", None).target;
        let remaining = vec![range(1, 5), range(9, 9)];
        let mut progress = Progress { remaining, failed: vec![9, 2], ..Progress::of(target, noon()) };
        progress.fail(&[7, 9]);
        assert_eq!(progress.left(), (vec![range(1, 1), range(3, 5)], vec![2, 9]));
        let lefts = [
            (3, vec![range(1, 2), range(4, 5), range(9, 9)]),
            (1, vec![range(2, 2), range(4, 5), range(9, 9)]),
            (5, vec![range(2, 2), range(4, 4), range(9, 9)]),
            (9, vec![range(2, 2), range(4, 4)]),
            (7, vec![range(2, 2), range(4, 4)]),
        ];
        for (page, left) in lefts {
            progress.count(page, 10);
            assert_eq!(progress.remaining, left, "after page {page}");
        }
        assert_eq!((progress.pages, progress.filled, progress.players), (5, 5, 50));
    }

    #[test]
    fn a_page_without_players_is_read_and_not_filled() {
        let mut progress = Progress::of(rule("any", None).target, noon());
        progress.count(1, 0);
        progress.count(2, 7);
        assert_eq!((progress.pages, progress.filled, progress.players), (2, 1, 7));
    }

    #[test]
    fn progress_with_a_moment_outside_of_the_calendar_is_not_gone_on_with() {
        let target = rule("any", None).target;
        let of = |started_at, share_from, from, to| {
            let share = Share { rule: None, target: target.clone(), from: share_from, left_behind: None };
            let windows = vec![WindowLeft::unread(from, to)];
            let progress = Progress { shares: vec![share], windows, ..Progress::of(target.clone(), started_at) };
            progress.is_of(&target)
        };
        let (now, odd) = (noon(), Timestamp::UNIX_EPOCH);
        assert!(of(now, now, now, now));
        assert!(
            !of(odd, now, now, now) && !of(now, odd, now, now) && !of(now, now, odd, now) && !of(now, now, now, odd)
        );
    }

    #[test]
    fn progress_of_another_target_or_of_pages_outside_it_is_not_gone_on_with() {
        let target = Target { start_page: 3, end_page: 9, ..rule("any", None).target };
        let is_of = |ranges: &[(u32, u32)]| {
            let remaining = ranges.iter().map(|&(next, end)| PageRange { next, end }).collect();
            Progress { remaining, ..Progress::of(target.clone(), noon()) }.is_of(&target)
        };
        assert!(is_of(&[]) && is_of(&[(3, 9)]) && is_of(&[(3, 4), (6, 6), (8, 9)]));
        assert!(!is_of(&[(2, 9)]) && !is_of(&[(3, 10)]) && !is_of(&[(6, 5)]) && !is_of(&[(3, 4), (8, 10)]));
        let longer = Target { end_page: 10, ..target.clone() };
        assert!(!Progress::of(target, noon()).is_of(&longer));
    }
}

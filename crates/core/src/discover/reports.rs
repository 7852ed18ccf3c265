//! Reading a raid's public reports: lists window by window, then the details of those that are not known yet.
//!
//! The API gives no page beyond [`LAST_LIST_PAGE`] of one list and its lists are in no order of time. So the time is cut
//! into windows, and a window that has more is halved. A list page of 100 reports costs 1 point; details cost 3 points a
//! report.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, anyhow};
use chrono::TimeDelta;

use super::pages::{self, Ended, Stopped};
use super::run::{DiscoverStore, Run};
use crate::moment;
use crate::player::{PlayerUpdate, Raid};
use crate::ports::{ApiError, Clock, RankingSite, ReportLists, SeenReport, SourceError, Zones};
use crate::report::{
    DetailOutcome, LAST_LIST_PAGE, ListPage, ListedReport, REPORTS_PER_REQUEST, ReportDetails, Window,
};
use crate::report_ranks::REMEMBERED;
use crate::report_state::{Listing, StoredReport, listing};
use crate::rule::schedule::delta;
use crate::rule::{Progress, RanksKind, Rule, Share, Target, WindowLeft};
use crate::scrap::{Discovered, RaidsToScrap};
use crate::{Difficulty, PlayerId, RaidId, Timestamp};

/// How far a first reading goes back where the rule does not say.
const FIRST_READING: TimeDelta = TimeDelta::days(14);
/// A window is begun with at most this: a day of a season's late weeks fits into one list.
const LONGEST_WINDOW: TimeDelta = TimeDelta::days(1);
/// So many pages of a list leave room for a night with four times as many reports.
const ROOMY_PAGES: i32 = 6;
/// A window is not halved below this.
const SHORTEST_WINDOW: TimeDelta = TimeDelta::seconds(10);
/// Waits before a list or details that failed are asked for again. A refusal is not asked again at all.
const RETRY_AFTER: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(15)];
/// What was read is remembered for this long beyond the oldest moment that a window can reach.
const REMEMBERED_BEYOND: TimeDelta = TimeDelta::days(2);

/// What this invocation counts besides its progress.
#[derive(Debug, Default)]
pub struct Counts {
    /// Reports listed for their ranks.
    pub listed: u64,
    /// Players found for each of the progress' shares.
    pub players: Vec<u64>,
    /// Reports whose details were read, now or before.
    readable: u64,
    /// Reports whose details could not be read.
    failed: u64,
    /// The first of them, and why; and the window that it stood in.
    first_failed: Option<(String, WindowLeft)>,
}

/// What a rule takes of a reading that begins at `to`: from `lookback` before its last run, or as far back as a first run
/// goes.
pub fn share(rule: Option<&Rule>, target: &Target, lookback: Duration, to: Timestamp) -> Share {
    let from = match rule.and_then(Rule::read_until) {
        // A last run in the future is a clock that jumped.
        Some(read_until) if moment::checked(read_until).is_ok() => read_until.min(to) - delta(lookback),
        _ => target.since.unwrap_or(to - FIRST_READING),
    };
    Share { rule: rule.map(|rule| rule.id.clone()), target: target.clone(), from, left_behind: None }
}

/// All windows of a run that begins now and serves `shares`.
pub fn all_windows(progress: Progress, shares: Vec<Share>) -> Progress {
    let mut windows = Vec::new();
    let mut until = progress.started_at;
    let from = shares.iter().map(|share| share.from).min().unwrap_or(until);
    while until > from {
        let begin = (until - LONGEST_WINDOW).max(from);
        windows.push(WindowLeft::unread(begin, until));
        until = begin;
    }
    // The next one stands last: the newest reports first.
    windows.reverse();
    Progress { windows, shares, ..progress }
}

/// Whether a page, counted over all windows, is one of those that count for the rule.
fn is_wanted(share: &Share, page: u32) -> bool {
    (share.target.start_page..=share.target.end_page).contains(&page)
}

/// Whether nothing that is left of the windows is for the rule.
pub fn is_served(share: &Share, progress: &Progress) -> bool {
    progress.pages >= share.target.end_page || progress.windows.iter().all(|window| window.to <= share.from)
}

/// Drops windows that are for nobody, and tells each rule whose last page was read what it leaves unread.
fn drop_served(progress: &mut Progress) {
    let open = progress.shares.iter().filter(|share| progress.pages < share.target.end_page);
    let reached = open.map(|share| share.from).min();
    let newest = progress.windows.iter().map(|window| window.to).max();
    let oldest = progress.windows.iter().map(|window| window.from).min();
    progress.windows.retain(|window| reached.is_some_and(|from| window.to > from));
    let (Some(oldest), Some(to)) = (oldest, newest) else { return };
    for share in &mut progress.shares {
        let (last_page, from) = (share.target.end_page, oldest.max(share.from));
        if progress.pages >= last_page && share.left_behind.is_none() && from < to {
            share.left_behind =
                Some(format!("page {last_page} was the rule's last; not every report of {from} to {to} was looked at"));
        }
    }
}

/// What is left after a page of the last window was read; a window that cannot be cut smaller is answered as too full.
fn after_page(mut windows: Vec<WindowLeft>, has_more: bool) -> (Vec<WindowLeft>, Option<WindowLeft>) {
    let Some(window) = windows.pop() else { return (windows, None) };
    if !has_more {
        return (joined(windows, window), None);
    }
    if window.next_page < LAST_LIST_PAGE {
        windows.push(WindowLeft { next_page: window.next_page + 1, set_aside: false, ..window });
        return (windows, None);
    }
    let length = window.to - window.from;
    if length <= SHORTEST_WINDOW {
        return (windows, Some(window));
    }
    let middle = window.from + length / 2;
    windows.push(WindowLeft::unread(window.from, middle));
    windows.push(WindowLeft::unread(middle, window.to));
    (windows, None)
}

/// Makes one window of the next ones where what `read` held says that a few pages will hold them all: each window costs
/// a question at least.
fn joined(mut windows: Vec<WindowLeft>, read: WindowLeft) -> Vec<WindowLeft> {
    let pages = i32::try_from(read.next_page).unwrap_or(i32::MAX);
    let longest = (read.to - read.from) * ROOMY_PAGES / pages.max(1);
    while let [.., older, next] = windows.as_slice() {
        let are_unread = [older, next].iter().all(|window| window.next_page == 1 && !window.set_aside);
        let both = WindowLeft::unread(older.from, next.to);
        if !are_unread || older.to != next.from || both.to - both.from > longest {
            break;
        }
        windows.truncate(windows.len() - 2);
        windows.push(both);
    }
    windows
}

impl<S: DiscoverStore, A: Zones + ReportLists, W: RankingSite, C: Clock> Run<'_, S, A, W, C> {
    /// Reads what is left of the windows.
    pub(super) async fn read_reports(&self, target: &Target, progress: &mut Progress, counts: &mut Counts) -> Ended {
        counts.players = vec![0; progress.shares.len()];
        let ended = match self.raid(target.raid).await {
            Ok(raid) => self.read_windows(&raid, progress, counts).await,
            Err(error) => Err(Stopped::Source(error)),
        };
        ended.unwrap_or_else(Ended::from)
    }

    async fn raid(&self, raid: RaidId) -> std::result::Result<Raid, SourceError> {
        match self.ports.store.raid(raid).await? {
            Some(raid) => Ok(raid),
            None => Ok(self.zone(raid).await?.raid),
        }
    }

    async fn read_windows(
        &self,
        raid: &Raid,
        progress: &mut Progress,
        counts: &mut Counts,
    ) -> std::result::Result<Ended, Stopped> {
        let (mut failures, mut skipped) = (0, Vec::new());
        // What failed twice stands first, and stays: a run that fails as a whole begins with it another time.
        let mut given_up: Vec<WindowLeft> = Vec::new();
        let mut behind_skipped = None;
        drop_served(progress);
        while let Some(&window) = progress.windows.last().filter(|window| !given_up.contains(window)) {
            if self.is_out_of_time() {
                return Ok(Stopped::Deadline.into());
            }
            let asked = Window { raid: raid.id, from: window.from, to: window.to };
            let list = async || self.ports.api.list(&asked, window.next_page).await;
            match self.with_retries("listing reports", list).await {
                Ok(page) => self.take_list(raid, page, progress, counts).await?,
                Err(ApiError::Failed(error)) => {
                    let error = error.context(format!("reports of {} to {}", window.from, window.to));
                    failures += usize::from(!window.set_aside);
                    if pages::source_is_broken(failures, progress.filled as usize) {
                        return Err(Stopped::Source(SourceError::Failed(error)));
                    }
                    progress.windows.pop();
                    let failed = WindowLeft { set_aside: true, ..window };
                    if !window.set_aside {
                        tracing::warn!(page = window.next_page, error = format!("{error:#}"), "list set aside");
                        progress.windows.insert(given_up.len().min(progress.windows.len()), failed);
                    } else if behind_skipped == Some(window) {
                        given_up.push(failed);
                        progress.windows.insert(0, failed);
                    } else {
                        skipped.push((window.next_page, error));
                        // What stands on one page may break it: the one behind it is read.
                        let behind = WindowLeft { next_page: window.next_page + 1, ..failed };
                        progress.windows.extend((window.next_page < LAST_LIST_PAGE).then_some(behind));
                        behind_skipped = Some(behind);
                    }
                }
                Err(error) => return Err(Stopped::Source(error.into())),
            }
            drop_served(progress);
            self.save_progress(progress).await.map_err(Stopped::Store)?;
        }
        if counts.readable == 0
            && progress.players == 0
            && let Some((reason, window)) = counts.first_failed.take()
        {
            // Nothing but reports that cannot be read is no reading; the page is asked for again.
            (progress.pages, progress.filled) = (progress.pages.saturating_sub(1), progress.filled.saturating_sub(1));
            progress.windows.push(window);
            let error = anyhow!("none of {} reports could be read; {reason}", counts.failed);
            return Err(Stopped::Source(SourceError::Failed(error)));
        }
        Ok(Ended { skipped, ..Stopped::Complete.into() })
    }

    fn is_out_of_time(&self) -> bool {
        self.last_start.is_some_and(|last_start| self.ports.clock.now() >= last_start)
    }

    /// Takes a page of the last window, and that window's next page or halves in its place.
    async fn take_list(
        &self,
        raid: &Raid,
        page: ListPage,
        progress: &mut Progress,
        counts: &mut Counts,
    ) -> std::result::Result<(), Stopped> {
        let before = (progress.pages, progress.filled, progress.skipped);
        progress.pages += 1;
        progress.filled += 1;
        // An empty page is the end, whatever it says of more.
        let has_more = page.has_more && !(page.reports.is_empty() && page.skipped.is_empty());
        if progress.shares.iter().any(|share| is_wanted(share, progress.pages)) {
            let taken = self.take_page(raid, page, progress, counts).await;
            if taken.is_err() {
                // It is asked for again, and what is known of it by then costs nothing.
                (progress.pages, progress.filled, progress.skipped) = before;
            }
            taken?;
        }
        let too_full;
        (progress.windows, too_full) = after_page(std::mem::take(&mut progress.windows), has_more);
        if let Some(window) = too_full {
            tracing::error!(raid = raid.id, from = %window.from, to = %window.to, "reports of a window cannot all be listed");
            progress.skipped += 1;
        }
        Ok(())
    }

    /// Asks again what fails, after a while; a refusal is not asked again at all.
    async fn with_retries<T>(
        &self,
        what: &'static str,
        ask: impl AsyncFn() -> std::result::Result<T, ApiError>,
    ) -> std::result::Result<T, ApiError> {
        let mut waits = RETRY_AFTER.iter();
        loop {
            match (ask().await, waits.next()) {
                (Err(ApiError::Failed(error)), Some(&wait)) => {
                    tracing::warn!(error = format!("{error:#}"), "{what}: trying again");
                    self.ports.clock.sleep(wait).await;
                }
                (Err(ApiError::Failed(error)), None) => return Err(error.context(what).into()),
                (answer, _) => return answer,
            }
        }
    }

    async fn take_page(
        &self,
        raid: &Raid,
        mut page: ListPage,
        progress: &mut Progress,
        counts: &mut Counts,
    ) -> std::result::Result<(), Stopped> {
        for line in &page.skipped {
            tracing::warn!(raid = raid.id, %line, "report skipped");
        }
        progress.skipped += page.skipped.len() as u64;
        let regions = &self.config.regions;
        let is_of_regions = |region: &String| regions.is_empty() || regions.contains(region);
        let mut codes = BTreeSet::new();
        page.reports.retain(|report| codes.insert(report.code.clone()));
        page.reports.retain(|report| report.region.as_ref().is_none_or(is_of_regions));
        let listed = wanted_reports(&page.reports, progress, RanksKind::Reports);
        counts.listed += self.list_for_ranks(raid.id, &listed, progress).await.map_err(Stopped::Store)?;
        let wanted = wanted_reports(&page.reports, progress, RanksKind::Players);
        let all = wanted.len() as u64;
        let unread = self.unread(raid.id, wanted, progress).await.map_err(Stopped::Store)?;
        counts.readable += all - unread.len() as u64;
        let (readable, failed) = (counts.readable, counts.failed);
        for (place, reports) in unread.chunks(REPORTS_PER_REQUEST).enumerate() {
            if place > 0 && self.is_out_of_time() {
                return Err(Stopped::Deadline);
            }
            let codes: Vec<String> = reports.iter().map(|(report, _)| report.code.clone()).collect();
            let ask = async || self.ports.api.details(&codes).await;
            let details = match self.with_retries("asking for reports", ask).await {
                Ok(details) => details.into_iter().collect(),
                // A gateway that keeps failing: these are left to the next run.
                Err(ApiError::Failed(error)) => {
                    let failed = DetailOutcome::Failed(format!("{error:#}"));
                    codes.into_iter().map(|code| (code, failed.clone())).collect()
                }
                Err(error) => return Err(Stopped::Source(error.into())),
            };
            let taken = self.take_details(raid, reports, details, progress, counts).await;
            taken.map_err(Stopped::Store)?;
        }
        // Reports that stay broken are left over on a page of which the others are read: they fail nothing.
        match &counts.first_failed {
            Some((reason, _)) if unread.len() as u64 == all && counts.readable == readable && all > 1 => {
                let failed = counts.failed - failed;
                Err(Stopped::Store(anyhow!("none of {failed} reports could be read; {reason}")))
            }
            _ => Ok(()),
        }
    }

    /// Puts reports into `reports`, where player-rank finds them when their day has come; answers how many are new.
    async fn list_for_ranks(
        &self,
        raid: RaidId,
        reports: &[Wanted<'_>],
        progress: &mut Progress,
    ) -> anyhow::Result<u64> {
        if reports.is_empty() {
            return Ok(0);
        }
        let codes: Vec<_> = reports.iter().map(|(report, _)| report.code.clone()).collect();
        let stored = self.ports.store.reports(&codes).await.context("reading reports")?;
        let now = self.ports.clock.now();
        let mut raised: Vec<StoredReport> = Vec::new();
        for (report, wanted) in reports {
            match listing(stored.get(&report.code), report, raid, wanted, delta(self.config.report_delay), now) {
                Listing::Raise(report) => raised.push(report),
                Listing::Known => {}
                Listing::Backwards { stored } => skip_older(report, stored, progress),
            }
        }
        self.ports.store.raise_reports(&raised).await.context("writing to reports")?;
        Ok(raised.len() as u64)
    }

    /// Those whose details are not known at their revision for every difficulty that is wanted.
    async fn unread<'r>(
        &self,
        raid: RaidId,
        reports: Vec<Wanted<'r>>,
        progress: &mut Progress,
    ) -> anyhow::Result<Vec<Wanted<'r>>> {
        let codes: Vec<_> = reports.iter().map(|(report, _)| report.code.clone()).collect();
        let seen = self.ports.store.seen_reports(raid, &codes).await.context("reading which reports are known")?;
        let mut unread = Vec::new();
        for (report, wanted) in reports {
            match seen.get(&report.code) {
                Some(seen) if seen.revision > report.revision => skip_older(report, seen.revision, progress),
                Some(seen) if seen.revision == report.revision && seen.difficulties.is_superset(&wanted) => {}
                _ => unread.push((report, wanted)),
            }
        }
        Ok(unread)
    }

    /// Stores what details tell: players to rank, players that hide or are gone, and what is known now.
    async fn take_details(
        &self,
        raid: &Raid,
        reports: &[Wanted<'_>],
        mut details: BTreeMap<String, DetailOutcome>,
        progress: &mut Progress,
        counts: &mut Counts,
    ) -> anyhow::Result<()> {
        let mut found: BTreeMap<PlayerId, RaidsToScrap> = BTreeMap::new();
        let mut removed: BTreeMap<PlayerId, PlayerUpdate> = BTreeMap::new();
        let mut seen = Vec::new();
        let mut failed = Vec::new();
        for (report, wanted) in reports {
            let code = &report.code;
            match details.remove(code) {
                Some(DetailOutcome::Read(details)) => {
                    for line in &details.skipped {
                        tracing::warn!(%code, %line, "part of a report skipped");
                    }
                    progress.skipped += details.skipped.len() as u64;
                    take_characters(raid, wanted, &details, &mut found, &mut removed);
                }
                Some(DetailOutcome::Gone(how)) => tracing::info!(%code, how, "a report is no longer to be read"),
                Some(DetailOutcome::Failed(reason)) => failed.push((code, reason)),
                None => failed.push((code, "left out of the answer".to_owned())),
            }
            if failed.last().is_none_or(|(last, _)| *last != code) {
                let (code, difficulties) = (code.clone(), wanted.clone());
                seen.push(SeenReport { code, revision: report.revision, difficulties, end: report.end });
            }
        }
        for (code, reason) in &failed {
            tracing::warn!(%code, %reason, "report skipped; it is asked for again by the next run");
        }
        progress.skipped += failed.len() as u64;
        counts.readable += seen.len() as u64;
        counts.failed += failed.len() as u64;
        if let (None, Some((code, reason)), Some(window)) =
            (&counts.first_failed, failed.first(), progress.windows.last())
        {
            counts.first_failed = Some((format!("{code}: {reason}"), *window));
        }
        let store = self.ports.store;
        let removed: Vec<_> = removed.into_values().collect();
        if !removed.is_empty() {
            store.save(&removed).await.context("removing ranks of hidden players")?;
        }
        let found: Vec<_> = found.into_iter().map(|(id, raids_to_scrap)| Discovered { id, raids_to_scrap }).collect();
        store.merge(&found).await.context("writing to discovers")?;
        store.mark_seen(raid.id, &seen).await.context("writing down which reports are known")?;
        progress.players += found.len() as u64;
        for (share, players) in progress.shares.iter().zip(&mut counts.players) {
            if share.target.ranks == RanksKind::Players && is_wanted(share, progress.pages) {
                let is_of_share = |player: &&Discovered| {
                    player.raids_to_scrap.pairs().any(|(_, difficulty)| difficulty == share.target.difficulty)
                };
                *players += found.iter().filter(is_of_share).count() as u64;
            }
        }
        Ok(())
    }

    /// Forgets which reports were read where no window reaches them any more; answers how many were never read whole.
    pub(super) async fn forget_old_reports(&self, now: Timestamp) -> anyhow::Result<u64> {
        let Some(leader) = &self.leader else { return Ok(0) };
        let reached = now - delta(self.config.lookback) - delta(self.config.delay) * 2 - REMEMBERED_BEYOND;
        let (raid, oldest) = (leader.target.raid, reached.min(now - FIRST_READING));
        self.ports.store.forget_seen(raid, oldest).await.context("forgetting which reports are known")?;
        // Read again, a report whose kills are still remembered would change nothing; an older one could count twice.
        let given_up = self.ports.store.forget_reports(raid, oldest.min(now - REMEMBERED)).await;
        given_up.context("forgetting reports that were ranked")
    }
}

fn skip_older(report: &ListedReport, stored: u32, progress: &mut Progress) {
    progress.skipped += 1;
    let (code, revision) = (&report.code, report.revision);
    tracing::warn!(%code, revision, stored, "report skipped: its revision went back");
}

/// A report, and the difficulties in which rules want it.
type Wanted<'r> = (&'r ListedReport, BTreeSet<Difficulty>);

/// The reports of the page that was read last which rules of this kind want.
fn wanted_reports<'r>(reports: &'r [ListedReport], progress: &Progress, ranks: RanksKind) -> Vec<Wanted<'r>> {
    let of_page = |share: &&Share| share.target.ranks == ranks && is_wanted(share, progress.pages);
    let shares: Vec<&Share> = progress.shares.iter().filter(of_page).collect();
    let wanted = |report: &'r ListedReport| {
        let of_report = shares.iter().filter(|share| share.from <= report.start);
        (report, of_report.map(|share| share.target.difficulty).collect::<BTreeSet<_>>())
    };
    reports.iter().map(wanted).filter(|(_, difficulties)| !difficulties.is_empty()).collect()
}

/// Every ranked character of a report with a kill in a difficulty is a player to rank there. One that hides its ranks, or
/// goes by another number now, loses what is stored of it.
fn take_characters(
    raid: &Raid,
    wanted: &BTreeSet<Difficulty>,
    details: &ReportDetails,
    found: &mut BTreeMap<PlayerId, RaidsToScrap>,
    removed: &mut BTreeMap<PlayerId, PlayerUpdate>,
) {
    // A report's raid is not always the right one: its kills say what it is about.
    let is_of_raid = |encounter| raid.encounters.is_empty() || raid.encounters.iter().any(|boss| boss.id == encounter);
    let kills = details.kills.iter().filter(|kill| is_of_raid(kill.encounter));
    let difficulties: BTreeSet<Difficulty> =
        kills.map(|kill| kill.difficulty).filter(|difficulty| wanted.contains(difficulty)).collect();
    for character in &details.characters {
        if let Some(id) = character.note_removals(removed) {
            let pairs = found.entry(id).or_default();
            difficulties.iter().for_each(|&difficulty| pairs.insert(raid.id, difficulty));
        }
    }
    found.retain(|id, pairs| !pairs.is_empty() && !removed.contains_key(id));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::{Kill, RankedCharacter};
    use crate::rule::tests::rule;
    use crate::testing::noon;

    const THREE_DAYS: Duration = Duration::from_secs(72 * 3600);

    fn windows(last_run: Option<Timestamp>, since: Option<Timestamp>) -> Vec<WindowLeft> {
        let target = Target { since, ..rule("any", None).target };
        let rule = Rule { last_run, ..rule("any", None) };
        let share = share(Some(&rule), &target, THREE_DAYS, noon());
        all_windows(Progress::of(target, noon()), vec![share]).windows
    }

    #[test]
    fn windows_reach_back_before_the_last_run_and_the_newest_comes_first() {
        let left = windows(Some(noon() - TimeDelta::hours(24)), None);
        assert_eq!(left.len(), 4);
        assert_eq!((left[0].from, left[3].to), (noon() - TimeDelta::hours(96), noon()));
        assert!(left.windows(2).all(|pair| pair[0].to == pair[1].from), "without a gap");
        assert_eq!(windows(None, None)[0].from, noon() - TimeDelta::days(14));
        assert_eq!(windows(None, Some(noon() - TimeDelta::hours(30)))[0].from, noon() - TimeDelta::hours(30));
        let jumped = windows(Some(noon() + TimeDelta::days(300)), None);
        assert_eq!(jumped[0].from, noon() - TimeDelta::hours(72), "a last run in the future reads the lookback");
        let ancient = windows(Some(Timestamp::UNIX_EPOCH), None);
        assert_eq!(ancient[0].from, noon() - TimeDelta::days(14), "and one of another age is none");
    }

    proptest! {
        /// Whatever the density, every moment is covered by pages that the API gives.
        #[test]
        fn no_page_beyond_the_last_is_asked_for_and_no_moment_left_out(reports in 1..40_000_u32) {
            let whole = WindowLeft::unread(noon() - TimeDelta::days(1), noon());
            let per_day = f64::from(reports);
            let mut left = vec![whole];
            let mut covered = TimeDelta::zero();
            let mut asked = 0;
            while let Some(&window) = left.last() {
                prop_assert!(window.next_page <= LAST_LIST_PAGE);
                let share = (window.to - window.from).as_seconds_f64() / 86_400.0;
                let has_more = per_day * share > f64::from(window.next_page * 100);
                if !has_more {
                    covered += window.to - window.from;
                }
                let (rest, too_full) = after_page(left, has_more);
                prop_assert!(too_full.is_none());
                left = rest;
                asked += 1;
            }
            prop_assert_eq!(covered, TimeDelta::days(1));
            prop_assert!(f64::from(asked) < 30.0 + per_day / 100.0 * 6.0);
        }
    }

    #[test]
    fn a_window_is_read_page_by_page_and_halved_behind_the_last_page() {
        let window = |from_minutes_ago, to_minutes_ago, next_page| WindowLeft {
            from: noon() - TimeDelta::minutes(from_minutes_ago),
            to: noon() - TimeDelta::minutes(to_minutes_ago),
            next_page,
            set_aside: false,
        };
        let older = window(120, 60, 1);
        let after = |page, has_more| after_page(vec![older, window(60, 0, page)], has_more).0;
        assert_eq!(after(1, true), [older, window(60, 0, 2)]);
        assert_eq!(after(24, true), [older, window(60, 0, 25)]);
        assert_eq!(after(25, true), [older, window(60, 30, 1), window(30, 0, 1)]);
        assert_eq!(after(2, false), [older]);
    }

    #[test]
    fn quiet_days_are_read_by_few_questions() {
        let days = |pages_a_day: f64| {
            let mut left = windows(None, None);
            let (mut asked, mut covered) = (0, TimeDelta::zero());
            while let Some(&window) = left.last() {
                let pages = pages_a_day * (window.to - window.from).as_seconds_f64() / 86_400.0;
                let has_more = pages > f64::from(window.next_page);
                if !has_more {
                    covered += window.to - window.from;
                }
                left = after_page(left, has_more).0;
                asked += 1;
            }
            assert_eq!(covered, TimeDelta::days(14));
            asked
        };
        assert_eq!(days(0.1), 3, "a day, six days, and the other seven");
        assert_eq!(days(0.5), 1 + 3 + 4, "of six days three pages, of seven days four");
        assert_eq!(days(20.0), 14 * 20, "full days stay by themselves");
    }

    #[test]
    fn windows_with_a_gap_or_begun_are_not_joined() {
        let window = |from, to, next_page| WindowLeft {
            from: noon() - TimeDelta::hours(from),
            to: noon() - TimeDelta::hours(to),
            next_page,
            set_aside: false,
        };
        let read = window(2, 0, 1);
        for left in [
            vec![window(5, 4, 1), window(3, 2, 1)],
            vec![window(4, 3, 2), window(3, 2, 1)],
            vec![window(4, 3, 1), window(3, 2, 2)],
        ] {
            assert_eq!(joined(left.clone(), read), left);
        }
        let set_aside = WindowLeft { set_aside: true, ..window(9, 4, 1) };
        assert_eq!(joined(vec![set_aside, window(4, 2, 1)], read), [set_aside, window(4, 2, 1)]);
        assert_eq!(joined(vec![window(9, 4, 1), window(4, 2, 1)], read), [window(9, 2, 1)]);
        assert_eq!(joined(vec![window(20, 4, 1), window(4, 2, 1)], read), [window(20, 4, 1), window(4, 2, 1)]);
    }

    #[test]
    fn a_window_that_cannot_be_cut_is_told() {
        let window = WindowLeft { next_page: LAST_LIST_PAGE, ..WindowLeft::unread(noon() - SHORTEST_WINDOW, noon()) };
        assert_eq!(after_page(vec![window], true), (vec![], Some(window)));
        assert_eq!(after_page(vec![window], false), (vec![], None));
    }

    #[test]
    fn who_hides_or_goes_by_another_number_loses_its_ranks() {
        let raid = Raid {
            id: 44,
            name: "Undermine".to_owned(),
            encounters: vec![crate::player::Encounter { id: 1, name: String::new() }],
        };
        let kill = |encounter, difficulty| Kill { fight: 1, encounter, difficulty, ended_at: noon() };
        let character = |id, canonical_id, hidden| RankedCharacter { id, canonical_id, hidden };
        let details = ReportDetails {
            characters: vec![
                character(1, Some(1), false),
                character(2, None, true),
                character(3, Some(30), false),
                character(4, Some(40), true),
                character(50, None, false),
                character(5, Some(50), true),
            ],
            kills: vec![kill(1, 4), kill(1, 3), kill(9, 5)],
            skipped: vec![],
        };
        let (mut found, mut removed) = (BTreeMap::new(), BTreeMap::new());
        take_characters(&raid, &BTreeSet::from([4, 5]), &details, &mut found, &mut removed);
        let heroic = RaidsToScrap::one(44, 4);
        assert_eq!(found, BTreeMap::from([(1, heroic.clone()), (30, heroic)]), "boss 9 is of another raid");
        let gone = |id| PlayerUpdate::Gone { id };
        let hidden = |id| PlayerUpdate::Hidden { id };
        assert_eq!(
            removed.into_values().collect::<Vec<_>>(),
            [hidden(2), gone(3), gone(4), gone(5), hidden(40), hidden(50)]
        );
    }
}

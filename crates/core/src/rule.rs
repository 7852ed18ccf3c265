//! Rules: which board to discover, when, and how far the last run came. Choosing is pure; claiming is the store's.

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{Difficulty, RaidId, Timestamp};

/// A rule's `_id`: the 24 hexadecimal digits of an ObjectId.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(pub String);

impl std::fmt::Display for RuleId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where players are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// The ranking pages of the site.
    #[default]
    Site,
    /// Public reports, through the API.
    Reports,
}

impl std::fmt::Display for SourceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Site => "site",
            Self::Reports => "reports",
        })
    }
}

impl std::str::FromStr for SourceKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "site" => Ok(Self::Site),
            "reports" => Ok(Self::Reports),
            other => Err(format!("unknown source {other:?}: site or reports")),
        }
    }
}

/// What to discover: a rule without its history, or the event of a backfill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The raid.
    pub raid: RaidId,
    /// The difficulty.
    pub difficulty: Difficulty,
    /// First page, from 1.
    #[serde(default = "first_page")]
    pub start_page: u32,
    /// Last page, included.
    #[serde(default = "last_page")]
    pub end_page: u32,
    /// Where players are found.
    #[serde(default)]
    pub source: SourceKind,
    /// WCL's partition; the raid's current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
}

/// First page of a rule that names none.
pub fn first_page() -> u32 {
    1
}

/// Last page of a rule that names none: further than any board the predecessor met (600 pages in 2022).
pub fn last_page() -> u32 {
    600
}

/// No board is longer: a rule's saved progress must fit into its document.
const LAST_PAGE: u32 = 100_000;

/// What is wrong with a rule or a backfill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// Not a raid number.
    #[error("raid {0} is not a Warcraft Logs zone id")]
    Raid(RaidId),
    /// Not a raid difficulty.
    #[error("difficulty {0} is none of 1 (LFR), 3 (Normal), 4 (Heroic), 5 (Mythic)")]
    Difficulty(Difficulty),
    /// Pages run backwards, start before 1, or end behind any board.
    #[error("pages {0} to {1} are no range (pages count from 1 to {LAST_PAGE})")]
    Pages(u32, u32),
}

impl Target {
    /// The same, ending where every board has ended: stored rules may say "to the end" by a large number.
    #[must_use]
    pub fn within_any_board(self) -> Self {
        Self { end_page: self.end_page.min(LAST_PAGE), ..self }
    }

    /// The target, if it can be asked for.
    pub fn checked(self) -> Result<Self, InvalidTarget> {
        if self.raid == 0 || self.raid > crate::scrap::MAX_ID {
            return Err(InvalidTarget::Raid(self.raid));
        }
        if !matches!(self.difficulty, 1 | 3 | 4 | 5) {
            return Err(InvalidTarget::Difficulty(self.difficulty));
        }
        if self.start_page == 0 || self.end_page < self.start_page || self.end_page > LAST_PAGE {
            return Err(InvalidTarget::Pages(self.start_page, self.end_page));
        }
        Ok(self)
    }
}

/// A document of `discovery_schedules`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Its `_id`.
    pub id: RuleId,
    /// What to discover.
    #[serde(flatten)]
    pub target: Target,
    /// When it was last finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<Timestamp>,
    /// Whether it is worked at all.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// What the program keeps for itself.
    #[serde(default)]
    pub state: RuleState,
}

fn enabled() -> bool {
    true
}

/// The sub-document `state` of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleState {
    /// Who works the rule now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// How far the unfinished run came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// The last refusal, until a run succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Block>,
    /// Why this rule alone waits: it failed, or no key had points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// Reports up to this moment were seen by the last finished run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports_seen_until: Option<Timestamp>,
}

/// The right to work a rule, for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lease {
    /// Names the invocation.
    pub owner: String,
    /// From then on anyone may take the rule.
    pub expires_at: Timestamp,
}

/// How far a run came. Only what is stored counts as done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// What the run works on; a rule that was edited since starts anew.
    pub target: Target,
    /// When the run began; reports newer than this belong to the next run.
    pub started_at: Timestamp,
    /// Pages still to read.
    pub remaining: Vec<PageRange>,
    /// Those of them that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<u32>,
    /// Pages read so far.
    pub pages: u32,
    /// Pages with players among them.
    #[serde(default)]
    pub filled: u32,
    /// Players found so far, counting a player once per page.
    pub players: u64,
}

impl Progress {
    /// Whether this is how far a run of `target` came: a document may hold anything.
    pub fn is_of(&self, target: &Target) -> bool {
        let is_inside = |range: &PageRange| {
            target.start_page <= range.next && range.next <= range.end && range.end <= target.end_page
        };
        self.target == *target && self.remaining.iter().all(is_inside)
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

/// Pages `next..=end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRange {
    /// The next page to read.
    pub next: u32,
    /// The last page, included.
    pub end: u32,
}

/// A refusal by the site or the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// When it was met.
    pub at: Timestamp,
    /// Nothing is asked of this source before then.
    pub until: Timestamp,
    /// How many refusals in a row: the pause grows with it.
    pub refusals: u32,
    /// What was met, in words.
    pub reason: String,
}

/// First pause after a refusal; doubled with each further one.
const FIRST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// Longest pause after a refusal.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(24);

impl Block {
    /// The block after a refusal at `now`, given the one before, if no run succeeded since.
    pub fn after(previous: Option<&Self>, now: Timestamp, reason: String) -> Self {
        let refusals = previous.map_or(0, |block| block.refusals).saturating_add(1);
        Self { at: now, until: now + growing_pause(refusals), refusals, reason }
    }
}

/// Why one rule waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// The rule is not due before then.
    pub until: Timestamp,
    /// How often in a row it failed: the wait grows with it. 0 when only points were missing.
    pub failures: u32,
    /// What happened, in words.
    pub reason: String,
}

impl Wait {
    /// No key had points.
    pub fn for_points(resets_at: Timestamp) -> Self {
        Self { until: resets_at, failures: 0, reason: format!("no points left until {resets_at}") }
    }

    /// The rule failed. Without a growing wait, it would stay the most overdue one and starve all others.
    pub fn after_failure(previous: Option<&Self>, now: Timestamp, reason: String) -> Self {
        let failures = previous.map_or(0, |wait| wait.failures).saturating_add(1);
        Self { until: now + growing_pause(failures), failures, reason }
    }
}

fn growing_pause(times: u32) -> TimeDelta {
    let doublings = i32::try_from(times.clamp(1, 6)).unwrap_or(6) - 1;
    (FIRST_PAUSE * (1 << doublings)).min(LONGEST_PAUSE)
}

/// What discover may do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due<'a> {
    /// Work these, the first that can be claimed; most overdue first.
    Rules(Vec<&'a Rule>),
    /// Rules are due, but no key had points for them.
    NoPoints(&'a Wait),
    /// Rules are due, but their sources refused and the pause is not over.
    Blocked(&'a Block),
    /// No rule is due.
    Nothing,
}

/// Enabled rules whose last run is at least `delay` old, most overdue first.
///
/// A refusal holds for all rules of its source: the site refuses a program, not a raid.
pub fn due(rules: &[Rule], now: Timestamp, delay: Duration) -> Due<'_> {
    let mut overdue: Vec<&Rule> = rules.iter().filter(|rule| rule.enabled && is_overdue(rule, now, delay)).collect();
    overdue.sort_by(|a, b| a.last_run.cmp(&b.last_run).then_with(|| a.id.cmp(&b.id)));
    let blocked = |rule: &&Rule| active_block(rules, rule.target.source, now);
    let waiting = |rule: &&Rule| rule.state.wait.as_ref().filter(|wait| wait.until > now).is_some();
    let open: Vec<&Rule> = overdue
        .iter()
        .copied()
        .filter(|rule| blocked(rule).is_none() && !waiting(rule) && !is_leased(rule, now))
        .collect();
    if !open.is_empty() {
        return Due::Rules(open);
    }
    let unblocked = overdue.iter().filter(|rule| blocked(rule).is_none());
    let for_points = unblocked.filter_map(|rule| rule.state.wait.as_ref()).filter(|wait| wait.until > now);
    match for_points.filter(|wait| wait.failures == 0).min_by_key(|wait| wait.until) {
        Some(wait) => Due::NoPoints(wait),
        None => overdue.iter().find_map(blocked).map_or(Due::Nothing, Due::Blocked),
    }
}

/// The refusal of `source` whose pause lasts longest, if one is not over.
pub fn active_block(rules: &[Rule], source: SourceKind, now: Timestamp) -> Option<&Block> {
    rules
        .iter()
        .filter(|rule| rule.target.source == source)
        .filter_map(|rule| rule.state.block.as_ref())
        .filter(|block| block.until > now)
        .max_by_key(|block| block.until)
}

/// The newest refusal of `source`, over or not, unless a rule of that source was finished since: what the next pause
/// grows from.
pub fn last_block(rules: &[Rule], source: SourceKind) -> Option<&Block> {
    let of_source = || rules.iter().filter(|rule| rule.target.source == source);
    let last_success = of_source().filter_map(|rule| rule.last_run).max();
    of_source()
        .filter_map(|rule| rule.state.block.as_ref())
        .filter(|block| last_success.is_none_or(|success| success < block.at))
        .max_by_key(|block| block.at)
}

/// The enabled rules that did not run within `delay`: aggregator's freshness gate waits for them.
pub fn stale(rules: &[Rule], now: Timestamp, delay: Duration) -> Vec<&Rule> {
    rules
        .iter()
        .filter(|rule| rule.enabled)
        .filter(|rule| rule.last_run.is_none_or(|last_run| now.signed_duration_since(last_run) > delta(delay)))
        .collect()
}

fn is_overdue(rule: &Rule, now: Timestamp, delay: Duration) -> bool {
    rule.last_run.is_none_or(|last_run| now.signed_duration_since(last_run) >= delta(delay))
}

fn is_leased(rule: &Rule, now: Timestamp) -> bool {
    rule.state.lease.as_ref().is_some_and(|lease| lease.expires_at > now)
}

/// A standard duration as chrono's; as good as endless where it does not fit.
pub fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn now() -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::days(20_000)
    }

    fn rule(id: &str, hours_ago: Option<i64>) -> Rule {
        Rule {
            id: RuleId(id.to_owned()),
            target: Target {
                raid: 31,
                difficulty: 4,
                start_page: 1,
                end_page: 600,
                source: SourceKind::Site,
                partition: None,
            },
            last_run: hours_ago.map(|hours| now() - TimeDelta::hours(hours)),
            enabled: true,
            state: RuleState::default(),
        }
    }

    fn ids(due: Due<'_>) -> Vec<&str> {
        match due {
            Due::Rules(rules) => rules.into_iter().map(|rule| rule.id.0.as_str()).collect(),
            Due::NoPoints(_) | Due::Blocked(_) | Due::Nothing => Vec::new(),
        }
    }

    #[test]
    fn pages_read_in_any_order_leave_exactly_the_others() {
        let range = |next, end| PageRange { next, end };
        let target = rule("any", None).target;
        let remaining = vec![range(1, 5), range(9, 9)];
        let mut progress =
            Progress { target, started_at: now(), remaining, failed: vec![9, 2], pages: 0, filled: 0, players: 0 };
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
    fn the_most_overdue_rule_comes_first() {
        let mut disabled = rule("disabled", None);
        disabled.enabled = false;
        let rules =
            [rule("fresh", Some(23)), rule("old", Some(30)), rule("just", Some(24)), rule("never", None), disabled];
        assert_eq!(ids(due(&rules, now(), DAY)), ["never", "old", "just"]);
        assert_eq!(due(&rules[..1], now(), DAY), Due::Nothing);
    }

    #[test]
    fn a_leased_rule_is_passed_over_until_the_lease_expires() {
        let mut leased = rule("leased", None);
        leased.state.lease = Some(Lease { owner: "other".into(), expires_at: now() + TimeDelta::minutes(1) });
        let rules = [leased, rule("free", Some(48))];
        assert_eq!(ids(due(&rules, now(), DAY)), ["free"]);
        assert_eq!(ids(due(&rules, now() + TimeDelta::minutes(1), DAY)), ["leased", "free"]);
    }

    #[test]
    fn a_refusal_holds_for_every_rule_of_the_source() {
        let mut blocked = rule("blocked", Some(1));
        blocked.state.block = Some(Block::after(None, now(), "human check".into()));
        let mut reports = rule("reports", None);
        reports.target.source = SourceKind::Reports;
        let rules = [blocked, rule("site", None), reports];
        assert_eq!(ids(due(&rules, now(), DAY)), ["reports"]);
        assert!(matches!(due(&rules[..2], now(), DAY), Due::Blocked(block) if block.reason == "human check"));
        assert_eq!(ids(due(&rules[..2], now() + TimeDelta::hours(1), DAY)), ["site"]);
    }

    #[test]
    fn the_pause_after_refusals_grows_to_a_day() {
        let mut hours = Vec::new();
        let mut block = None;
        for _ in 0..8 {
            let next = Block::after(block.as_ref(), now(), String::new());
            hours.push((next.until - next.at).num_hours());
            block = Some(next);
        }
        assert_eq!(hours, [1, 2, 4, 8, 16, 24, 24, 24]);
    }

    #[test]
    fn a_rule_that_fails_lets_the_others_go_first() {
        let mut failing = rule("failing", None);
        failing.state.wait = Some(Wait::after_failure(None, now(), "no such raid".into()));
        let rules = [failing, rule("other", Some(48))];
        assert_eq!(ids(due(&rules, now(), DAY)), ["other"]);
        assert_eq!(due(&rules[..1], now(), DAY), Due::Nothing);
        assert_eq!(ids(due(&rules, now() + TimeDelta::hours(1), DAY)), ["failing", "other"]);
    }

    #[test]
    fn waiting_for_points_is_told_apart_from_a_refusal() {
        let mut refused = rule("refused", None);
        refused.state.block = Some(Block::after(None, now(), "human check".into()));
        let mut poor = rule("poor", None);
        poor.target.source = SourceKind::Reports;
        poor.state.wait = Some(Wait::for_points(now() + TimeDelta::minutes(20)));
        assert!(matches!(due(&[refused, poor], now(), DAY), Due::NoPoints(wait) if wait.failures == 0));
    }

    #[test]
    fn the_gate_waits_for_enabled_rules_only() {
        let mut disabled = rule("disabled", None);
        disabled.enabled = false;
        let rules = [rule("fresh", Some(24)), disabled, rule("stale", Some(25)), rule("never", None)];
        let stale: Vec<_> = stale(&rules, now(), DAY).into_iter().map(|rule| rule.id.0.as_str()).collect();
        assert_eq!(stale, ["stale", "never"]);
    }

    #[test]
    fn bad_targets_are_named() {
        let target = |raid, difficulty, start_page, end_page| {
            Target { raid, difficulty, start_page, end_page, ..rule("x", None).target }.checked().map(|_| ())
        };
        assert_eq!(target(31, 4, 1, 1), Ok(()));
        assert_eq!(target(0, 4, 1, 1), Err(InvalidTarget::Raid(0)));
        assert_eq!(target(31, 2, 1, 1), Err(InvalidTarget::Difficulty(2)));
        assert_eq!(target(31, 4, 0, 1), Err(InvalidTarget::Pages(0, 1)));
        assert_eq!(target(31, 4, 3, 2), Err(InvalidTarget::Pages(3, 2)));
    }
}

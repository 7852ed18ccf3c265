//! When a rule is due: its last run, refusals of its source, its own failures, and who works it now. Choosing is pure;
//! claiming is the store's.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Progress, Rule, SourceKind};
use crate::Timestamp;
use crate::moment::{is_ahead, minute};

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
    /// Up to when the last reading of reports read: when that began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_until: Option<Timestamp>,
}

impl RuleState {
    /// Whether the rule is to wait at `now` for a reason of its own.
    pub fn waits(&self, now: Timestamp) -> bool {
        self.wait.as_ref().is_some_and(|wait| lasts(wait.until, now))
    }
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

/// A refusal by the site or the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    /// When it was met.
    pub at: Timestamp,
    /// Nothing is asked of this source before then.
    pub until: Timestamp,
    /// When the first of the refusals in a row was met.
    #[serde(default)]
    pub since: Timestamp,
    /// How many refusals in a row: the cooldown grows with it.
    pub refusals: u32,
    /// What was met, in words.
    pub reason: String,
}

/// Refusals that a backfill met while no rule of its source could keep them.
pub type Refusals = BTreeMap<SourceKind, Block>;

/// First pause after a refusal; doubled with each further one.
const FIRST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// Longest pause after a refusal.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(24);

impl Block {
    /// The block after a refusal at `now`, given the one before, if no run succeeded since.
    pub fn after(previous: Option<&Self>, now: Timestamp, reason: String) -> Self {
        let refusals = previous.map_or(0, |block| block.refusals).saturating_add(1);
        let since = previous.map_or(now, |block| block.since);
        Self { at: now, until: now + growing_pause(refusals), since, refusals, reason }
    }
}

/// Why one rule waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// The rule is not due before then.
    pub until: Timestamp,
    /// When the first of the failures in a row happened.
    #[serde(default)]
    pub since: Timestamp,
    /// How often in a row it failed: the wait grows with it. 0 when only points were missing.
    pub failures: u32,
    /// What happened, in words.
    pub reason: String,
}

impl Wait {
    /// No key had points.
    pub fn for_points(resets_at: Timestamp) -> Self {
        Self {
            until: resets_at,
            since: resets_at,
            failures: 0,
            reason: format!("no points left until {}", minute(resets_at)),
        }
    }

    /// The rule failed. Without a growing wait, it would stay the most overdue one and starve all others.
    pub fn after_failure(previous: Option<&Self>, now: Timestamp, reason: String) -> Self {
        let failures = previous.map_or(0, |wait| wait.failures).saturating_add(1);
        let since = previous.filter(|wait| wait.failures > 0).map_or(now, |wait| wait.since);
        Self { until: now + growing_pause(failures), since, failures, reason }
    }
}

fn growing_pause(times: u32) -> TimeDelta {
    let doublings = i32::try_from(times.clamp(1, 6)).unwrap_or(6) - 1;
    (FIRST_PAUSE * (1 << doublings)).min(LONGEST_PAUSE)
}

/// Whether a pause until `until` is not over at `now`. One that is longer than any was written by a clock that was wrong.
pub fn lasts(until: Timestamp, now: Timestamp) -> bool {
    until > now && !is_ahead(until, now)
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
/// A refusal holds for all rules of its source: the site refuses a program, not a raid. Only rules that `is_open` are
/// answered.
pub fn due(rules: &[Rule], now: Timestamp, delay: Duration, is_open: impl Fn(&Rule) -> bool) -> Due<'_> {
    let is_candidate = |rule: &&Rule| rule.enabled && is_open(rule) && is_overdue(rule, now, delay);
    let mut overdue: Vec<&Rule> = rules.iter().filter(is_candidate).collect();
    // Of equals the one that has begun.
    let begun = |rule: &Rule| rule.state.progress.is_none();
    overdue.sort_by(|a, b| (a.last_run, begun(a), &a.id).cmp(&(b.last_run, begun(b), &b.id)));
    let blocked = |rule: &&Rule| active_block(rules, rule.target.source, now);
    let open: Vec<&Rule> = overdue
        .iter()
        .copied()
        .filter(|rule| blocked(rule).is_none() && !rule.state.waits(now) && !is_leased(rule, now))
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

/// The rules, with the refusals that are kept with none of them.
pub fn with_refusals(mut rules: Vec<Rule>, kept: &Refusals) -> Vec<Rule> {
    let of_source = |source: &SourceKind| kept_block(&rules, kept, *source).cloned();
    let kept: Refusals = kept.keys().filter_map(|source| Some((*source, of_source(source)?))).collect();
    for rule in &mut rules {
        let blocks = [rule.state.block.take(), kept.get(&rule.target.source).cloned()];
        rule.state.block = blocks.into_iter().flatten().max_by_key(|block| block.at);
    }
    rules
}

/// The refusal of `source` that is kept with no rule, unless a rule of that source was finished since.
pub fn kept_block<'k>(rules: &[Rule], kept: &'k Refusals, source: SourceKind) -> Option<&'k Block> {
    let of_source = rules.iter().filter(|rule| rule.target.source == source);
    let last_success = of_source.filter_map(|rule| rule.last_run).max();
    kept.get(&source).filter(|block| last_success.is_none_or(|success| success < block.at))
}

/// The refusal of `source` whose pause lasts longest, if one is not over.
pub fn active_block(rules: &[Rule], source: SourceKind, now: Timestamp) -> Option<&Block> {
    rules
        .iter()
        .filter(|rule| rule.target.source == source)
        .filter_map(|rule| rule.state.block.as_ref())
        .filter(|block| lasts(block.until, now))
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
        .filter(|rule| rule.last_run_at(now).is_none_or(|last_run| now.signed_duration_since(last_run) > delta(delay)))
        .collect()
}

/// Why aggregator goes on without a rule that is not fresh: it has failed, or its source has refused, for longer than
/// `delay`.
pub fn given_up(rules: &[Rule], rule: &Rule, now: Timestamp, delay: Duration) -> Option<String> {
    let is_long_ago = |since: Timestamp| now - since > delta(delay);
    let wait = rule.state.wait.as_ref().filter(|wait| wait.failures > 0 && is_long_ago(wait.since));
    let of_source = || rules.iter().filter(|other| other.target.source == rule.target.source);
    let last_success = of_source().filter_map(|rule| rule.last_run).max();
    let blocks = of_source().filter_map(|rule| rule.state.block.as_ref());
    let block = blocks
        .filter(|block| last_success.is_none_or(|success| success < block.at))
        .min_by_key(|block| block.since)
        .filter(|block| is_long_ago(block.since));
    wait.map(|wait| wait.reason.clone()).or_else(|| block.map(|block| block.reason.clone()))
}

/// Whether the rule's last run is at least `delay` old.
pub fn is_overdue(rule: &Rule, now: Timestamp, delay: Duration) -> bool {
    rule.last_run_at(now).is_none_or(|last_run| now.signed_duration_since(last_run) >= delta(delay))
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
    use crate::rule::tests::rule;
    use crate::testing::noon as now;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn ids(due: Due<'_>) -> Vec<&str> {
        match due {
            Due::Rules(rules) => rules.into_iter().map(|rule| rule.id.0.as_str()).collect(),
            Due::NoPoints(_) | Due::Blocked(_) | Due::Nothing => Vec::new(),
        }
    }

    #[test]
    fn the_most_overdue_rule_comes_first() {
        let mut disabled = rule("disabled", None);
        disabled.enabled = false;
        let rules =
            [rule("fresh", Some(23)), rule("old", Some(30)), rule("just", Some(24)), rule("never", None), disabled];
        assert_eq!(ids(due(&rules, now(), DAY, |_| true)), ["never", "old", "just"]);
        assert_eq!(due(&rules[..1], now(), DAY, |_| true), Due::Nothing);
    }

    #[test]
    fn what_a_wrong_clock_wrote_holds_no_rule_up() {
        let years = TimeDelta::days(3 * 365);
        let ahead = Rule { last_run: Some(now() + years), ..rule("ahead", None) };
        let mut waits = rule("waits", Some(30));
        waits.state.wait = Some(Wait::for_points(now() + years));
        let mut blocked = rule("blocked", Some(30));
        blocked.state.block = Some(Block::after(None, now() + years, "403".to_owned()));
        let rules = [ahead, waits, blocked];
        assert_eq!(ids(due(&rules, now(), DAY, |_| true)), ["blocked", "waits", "ahead"]);
        assert_eq!(stale(&rules, now(), DAY).len(), 3);
        let today = Rule { last_run: Some(now() + TimeDelta::hours(20)), ..rule("today", None) };
        assert_eq!(due(&[today], now(), DAY, |_| true), Due::Nothing, "clocks differ by hours");
    }

    #[test]
    fn a_leased_rule_is_passed_over_until_the_lease_expires() {
        let mut leased = rule("leased", None);
        leased.state.lease = Some(Lease { owner: "other".into(), expires_at: now() + TimeDelta::minutes(1) });
        let rules = [leased, rule("free", Some(48))];
        assert_eq!(ids(due(&rules, now(), DAY, |_| true)), ["free"]);
        assert_eq!(ids(due(&rules, now() + TimeDelta::minutes(1), DAY, |_| true)), ["leased", "free"]);
    }

    #[test]
    fn a_refusal_holds_for_every_rule_of_the_source() {
        let mut blocked = rule("blocked", Some(1));
        blocked.state.block = Some(Block::after(None, now(), "human check".into()));
        let mut reports = rule("reports", None);
        reports.target.source = SourceKind::Reports;
        let rules = [blocked, rule("site", None), reports];
        assert_eq!(ids(due(&rules, now(), DAY, |_| true)), ["reports"]);
        assert!(matches!(due(&rules[..2], now(), DAY, |_| true), Due::Blocked(block) if block.reason == "human check"));
        assert_eq!(ids(due(&rules[..2], now() + TimeDelta::hours(1), DAY, |_| true)), ["site"]);
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
        assert_eq!(ids(due(&rules, now(), DAY, |_| true)), ["other"]);
        assert_eq!(due(&rules[..1], now(), DAY, |_| true), Due::Nothing);
        assert_eq!(ids(due(&rules, now() + TimeDelta::hours(1), DAY, |_| true)), ["failing", "other"]);
    }

    #[test]
    fn waiting_for_points_is_told_apart_from_a_refusal() {
        let mut refused = rule("refused", None);
        refused.state.block = Some(Block::after(None, now(), "human check".into()));
        let mut poor = rule("poor", None);
        poor.target.source = SourceKind::Reports;
        poor.state.wait = Some(Wait::for_points(now() + TimeDelta::minutes(20)));
        assert!(matches!(due(&[refused, poor], now(), DAY, |_| true), Due::NoPoints(wait) if wait.failures == 0));
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
    fn a_rule_waits_until_the_moment_that_it_names() {
        let waiting = RuleState { wait: Some(Wait::for_points(now())), ..RuleState::default() };
        assert!(waiting.waits(now() - TimeDelta::seconds(1)) && !waiting.waits(now()));
        let mut poor = rule("poor", None);
        poor.state = waiting;
        assert_eq!(ids(due(&[poor], now(), DAY, |_| true)), ["poor"]);
    }

    #[test]
    fn a_wait_that_is_over_and_a_failure_are_not_taken_for_missing_points() {
        let mut over = rule("over", None);
        over.state.wait = Some(Wait::for_points(now()));
        // Another invocation works it by now.
        over.state.lease = Some(Lease { owner: "other".into(), expires_at: now() + TimeDelta::minutes(1) });
        let mut failing = rule("failing", None);
        failing.state.wait = Some(Wait::after_failure(None, now(), "no such raid".into()));
        assert_eq!(due(&[over, failing], now(), DAY, |_| true), Due::Nothing);
    }

    #[test]
    fn the_first_failure_after_missing_points_begins_a_row_of_its_own() {
        let hours = |hours| now() + TimeDelta::hours(hours);
        let poor = Wait::for_points(hours(-9));
        let first = Wait::after_failure(Some(&poor), hours(0), String::new());
        let second = Wait::after_failure(Some(&first), hours(1), String::new());
        let told = |wait: &Wait| (wait.failures, wait.since, wait.until);
        assert_eq!([told(&first), told(&second)], [(1, hours(0), hours(1)), (2, hours(0), hours(3))]);
    }

    #[test]
    fn of_refusals_the_longest_pause_holds_and_the_newest_grows() {
        let with_block = |id, source, at: i64, refusals| {
            let mut rule = rule(id, None);
            rule.target.source = source;
            let before = Block { refusals, ..Block::after(None, now(), String::new()) };
            rule.state.block = Some(Block::after(Some(&before), now() + TimeDelta::minutes(at), id.into()));
            rule
        };
        let mut rules = vec![
            with_block("long", SourceKind::Site, 0, 4),
            with_block("newest", SourceKind::Site, 5, 0),
            with_block("other", SourceKind::Reports, 9, 5),
        ];
        let reason = |block: Option<&Block>| block.map(|block| block.reason.clone());
        assert_eq!(reason(active_block(&rules, SourceKind::Site, now())).as_deref(), Some("long"));
        assert_eq!(reason(active_block(&rules, SourceKind::Site, now() + TimeDelta::hours(16))), None, "it is over");
        assert_eq!(reason(last_block(&rules, SourceKind::Site)).as_deref(), Some("newest"));
        let mut finished = rule("finished", None);
        for (minutes, newest) in [(4, Some("newest")), (5, None), (6, None)] {
            finished.last_run = Some(now() + TimeDelta::minutes(minutes));
            rules.push(finished.clone());
            assert_eq!(reason(last_block(&rules, SourceKind::Site)).as_deref(), newest, "finished at {minutes}");
            assert_eq!(reason(last_block(&rules, SourceKind::Reports)).as_deref(), Some("other"));
            rules.pop();
        }
    }

    #[test]
    fn a_rule_is_given_up_once_it_failed_or_was_refused_for_longer_than_the_delay() {
        let day_ago = now() - TimeDelta::hours(24);
        let mut failing = rule("failing", None);
        let given_up = |rules: &[Rule], at| given_up(rules, &rules[0], at, DAY);
        let later = now() + TimeDelta::seconds(1);
        failing.state.wait = Some(Wait::after_failure(None, day_ago, "no such raid".into()));
        assert_eq!(given_up(std::slice::from_ref(&failing), now()), None);
        assert_eq!(given_up(std::slice::from_ref(&failing), later).as_deref(), Some("no such raid"));
        failing.state.wait = Some(Wait::for_points(day_ago - TimeDelta::hours(9)));
        assert_eq!(given_up(std::slice::from_ref(&failing), later), None, "points come again");

        let mut refused = rule("refused", None);
        refused.state.block = Some(Block::after(None, day_ago, "human check".into()));
        let mut others = [rule("stale", None), refused, rule("finished", None)];
        assert_eq!(given_up(&others, now()), None);
        assert_eq!(given_up(&others, later).as_deref(), Some("human check"));
        others[2].last_run = Some(day_ago - TimeDelta::seconds(1));
        assert_eq!(given_up(&others, later).as_deref(), Some("human check"));
        others[2].last_run = Some(day_ago);
        assert_eq!(given_up(&others, later), None, "a rule of that source was finished since");
        others[2].target.source = SourceKind::Reports;
        assert_eq!(given_up(&others, later).as_deref(), Some("human check"));
        others[0].target.source = SourceKind::Reports;
        assert_eq!(given_up(&others, later), None, "reports did not refuse");
    }
}

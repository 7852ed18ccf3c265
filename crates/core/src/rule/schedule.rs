//! When a rule is due: its last run, refusals of its source, its own failures, and who works it now. Choosing is pure;
//! claiming is the store's.

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Progress, Rule, SourceKind};
use crate::Timestamp;

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
}

impl RuleState {
    /// Whether the rule is to wait at `now` for a reason of its own.
    pub fn waits(&self, now: Timestamp) -> bool {
        self.wait.as_ref().is_some_and(|wait| wait.until > now)
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
        Self { until: resets_at, since: resets_at, failures: 0, reason: format!("no points left until {resets_at}") }
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
    overdue.sort_by(|a, b| a.last_run.cmp(&b.last_run).then_with(|| a.id.cmp(&b.id)));
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
}

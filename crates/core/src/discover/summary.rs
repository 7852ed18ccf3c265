//! What discover did, by rule: the summary that is logged and kept.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::pages::Ended;
use crate::Timestamp;
use crate::rule::{Block, Due, Progress, RanksKind, Rule, RuleId, Share, Target, Wait};

/// Why discover stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StopReason {
    /// Every page was read or skipped.
    Complete,
    /// The board ended before the last page.
    EndOfBoard,
    /// Time was up; the next run goes on.
    Deadline,
    /// The source refused, or has no points, or its pause is not over.
    Blocked,
    /// No rule is due.
    NothingDue,
}

impl StopReason {
    /// Whether the rule was worked to its end.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Complete | Self::EndOfBoard)
    }
}

/// What became of one rule, or of a backfill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleSummary {
    /// The rule, unless it was a backfill or nothing was due.
    pub rule: Option<RuleId>,
    /// What was worked on.
    #[serde(flatten)]
    pub target: Option<Target>,
    /// Pages read by this invocation; rules that share a reading count them once.
    pub pages: u32,
    /// Players on them, a player counting once per page.
    pub players: u64,
    /// Reports listed for their ranks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reports: Option<u64>,
    /// Pages, reports and rows that were skipped.
    pub skipped: u64,
    /// Pages that stay broken. A finished rule leaves them to the day when it is due again, else they are asked for next
    /// time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped_pages: Vec<u32>,
    /// Why it stopped.
    pub stopped: StopReason,
    /// The refusal or the failure in words, or what is left behind the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the source is asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_until: Option<Timestamp>,
    /// Whether the source refused, rather than having no points left.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

impl RuleSummary {
    /// Nothing was read.
    pub(super) fn new(rule: Option<RuleId>, target: Option<Target>, stopped: StopReason) -> Self {
        Self {
            rule,
            target,
            pages: 0,
            players: 0,
            reports: None,
            skipped: 0,
            skipped_pages: Vec::new(),
            stopped,
            reason: None,
            blocked_until: None,
            refused: false,
        }
    }

    /// No rule was worked, for this reason.
    pub(super) fn idle(why: &Due<'_>) -> Self {
        match why {
            Due::Rules(_) | Due::Nothing => Self::new(None, None, StopReason::NothingDue),
            Due::NoPoints(wait) => Self::new(None, None, StopReason::Blocked).without_points(wait),
            Due::Blocked(block) => Self::new(None, None, StopReason::Blocked).blocked_by(block),
        }
    }

    /// The source refuses.
    pub(super) fn blocked_by(self, block: &Block) -> Self {
        let (reason, blocked_until) = (Some(block.reason.clone()), Some(block.until));
        Self { stopped: StopReason::Blocked, reason, blocked_until, refused: true, ..self }
    }

    /// No key has points.
    pub(super) fn without_points(self, wait: &Wait) -> Self {
        let (reason, blocked_until) = (Some(wait.reason.clone()), Some(wait.until));
        Self { stopped: StopReason::Blocked, reason, blocked_until, ..self }
    }

    /// Tells what the rule took of a reading of reports, how many players it found, and which list was skipped.
    pub(super) fn take_share(&mut self, taken: &Taken) {
        let Some((share, players)) = taken.by(self.rule.as_ref()) else { return };
        self.players = *players;
        self.reports = (share.target.ranks == RanksKind::Reports).then_some(0);
        let reasons: Vec<&str> =
            [taken.skipped.as_deref(), share.left_behind.as_deref()].into_iter().flatten().collect();
        self.reason = (!reasons.is_empty()).then(|| reasons.join("; "));
    }

    /// Tells of reports that are too old to be read any more.
    pub(super) fn give_up(&mut self, reports: u64) {
        if reports > 0 {
            let told = format!("{reports} reports were never read whole: points did not suffice");
            tracing::warn!("{told}");
            self.skipped += reports;
            self.reason = Some(self.reason.take().map_or(told.clone(), |reason| format!("{reason}; {told}")));
        }
    }

    /// The summary of a rule that shared this one's reading, to its end where the rule `is_served`.
    pub(super) fn of_sibling(&self, sibling: &Rule, is_served: bool, taken: &Taken) -> Self {
        let (rule, target) = (Some(sibling.id.clone()), Some(sibling.target.clone()));
        let mut summary = Self::new(rule, target, if is_served { StopReason::Complete } else { self.stopped });
        summary.take_share(taken);
        if summary.stopped == StopReason::Blocked {
            summary.reason = self.reason.clone();
            (summary.blocked_until, summary.refused) = (self.blocked_until, self.refused);
        }
        summary
    }
}

/// What rules took of a reading of reports.
pub(super) struct Taken {
    /// Each one's share, and how many players were found for it.
    shares: Vec<(Share, u64)>,
    /// The first list that was skipped, in words.
    skipped: Option<String>,
}

impl Taken {
    /// What was taken of `progress`, where so many players were found for each share.
    pub fn of(progress: &Progress, players: Vec<u64>, ended: &Ended) -> Self {
        let skipped = ended.skipped.first().map(|(page, error)| format!("page {page} skipped: {error:#}"));
        Self { shares: progress.shares.iter().cloned().zip(players).collect(), skipped }
    }

    /// What the rule took, or a backfill.
    pub fn by(&self, rule: Option<&RuleId>) -> Option<&(Share, u64)> {
        self.shares.iter().find(|(share, _)| share.rule.as_ref() == rule)
    }
}

/// What discover did. Of several rules the JSON form has the list `rules`, the sums, and why the first that did not end
/// stopped; of one it is the rule's own summary.
#[derive(Debug, Default)]
pub struct DiscoverSummary {
    /// Each rule that was worked, or the one reason why none was.
    pub rules: Vec<RuleSummary>,
    /// Rules that failed. The others were worked all the same.
    pub failures: Vec<Error>,
}

/// A rule that failed.
#[derive(Debug, thiserror::Error)]
#[error("{target}")]
pub struct Error {
    /// The rule in words.
    pub target: String,
    /// Why.
    #[source]
    pub cause: anyhow::Error,
}

impl Error {
    /// The rule and all causes as one error.
    pub fn into_anyhow(self) -> anyhow::Error {
        self.cause.context(self.target)
    }
}

impl DiscoverSummary {
    /// Why the first rule that did not end stopped; `Complete` or `EndOfBoard` where all ended.
    pub fn stopped(&self) -> StopReason {
        let unended = self.rules.iter().find(|rule| !rule.stopped.is_end());
        unended.or(self.rules.first()).map_or(StopReason::NothingDue, |rule| rule.stopped)
    }

    /// A figure over all rules.
    pub fn sum(&self, of: impl Fn(&RuleSummary) -> u64) -> u64 {
        self.rules.iter().map(of).sum()
    }
}

impl Serialize for DiscoverSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if let [only] = self.rules.as_slice() {
            return only.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rules", &self.rules)?;
        map.serialize_entry("pages", &self.sum(|rule| rule.pages.into()))?;
        map.serialize_entry("players", &self.sum(|rule| rule.players))?;
        if self.rules.iter().any(|rule| rule.reports.is_some()) {
            map.serialize_entry("reports", &self.sum(|rule| rule.reports.unwrap_or_default()))?;
        }
        map.serialize_entry("skipped", &self.sum(|rule| rule.skipped))?;
        map.serialize_entry("stopped", &self.stopped())?;
        map.end()
    }
}

/// Rules that list reports for their ranks list the same ones: the first of them tells how many.
pub fn tell_listed(summaries: &mut [RuleSummary], listed: u64) {
    if let Some(reports) = summaries.iter_mut().find_map(|summary| summary.reports.as_mut()) {
        *reports = listed;
    }
}

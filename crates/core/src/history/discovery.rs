//! What discovery did, by rule.

use serde_json::Value;

use super::History;
use super::fields::{count, number, text};
use crate::Timestamp;
use crate::journal::{Fate, Run};

/// What is discovered together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleKey {
    /// The raid.
    pub raid: u32,
    /// The difficulty.
    pub difficulty: u8,
    /// `site` or `reports`.
    pub source: String,
}

/// What became of it in the time that the journal covers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleHistory {
    /// Times it was worked on.
    pub runs: u64,
    /// Pages read.
    pub pages: u64,
    /// Players met, once per page.
    pub players: u64,
    /// Reports listed.
    pub reports: u64,
    /// Pages, reports and rows that were skipped.
    pub skipped: u64,
    /// Times that the source refused.
    pub refused: u64,
    /// When it was last worked on.
    pub last: Option<Timestamp>,
    /// Why it last stopped before its end.
    pub last_reason: Option<String>,
}

impl History {
    pub(super) fn add_discover(&mut self, run: &Run, fate: Fate) {
        let summary = &run.summary;
        self.spend(run.ended_at, number(summary, "pointsSpent"));
        self.day(run.ended_at).discovered += count(summary, "players");
        // An invocation that worked several rules lists them; else the summary is the one rule's own.
        match summary.get("rules").and_then(Value::as_array) {
            Some(rules) => rules.iter().for_each(|rule| self.add_rule(rule, run, fate)),
            None => self.add_rule(summary, run, fate),
        }
    }

    fn add_rule(&mut self, summary: &Value, run: &Run, fate: Fate) {
        let raid = summary.get("raid").and_then(Value::as_u64).and_then(|raid| raid.try_into().ok());
        let difficulty = summary.get("difficulty").and_then(Value::as_u64).and_then(|number| number.try_into().ok());
        let (Some(raid), Some(difficulty)) = (raid, difficulty) else { return };
        let source = text(summary, "source").unwrap_or("site").to_owned();
        let rule = self.discovery.entry(RuleKey { raid, difficulty, source }).or_default();
        rule.runs += 1;
        rule.pages += count(summary, "pages");
        rule.players += count(summary, "players");
        rule.reports += count(summary, "reports");
        rule.skipped += count(summary, "skipped");
        let is_refused = summary.get("refused") == Some(&Value::Bool(true));
        rule.refused += u64::from(is_refused);
        rule.last = Some(run.ended_at);
        let stopped = text(summary, "stopped");
        rule.last_reason = match (fate, stopped) {
            (Fate::Ok, Some("blocked" | "deadline")) => {
                Some(text(summary, "reason").or(stopped).unwrap_or("").to_owned())
            }
            (Fate::Ok, _) => None,
            (_, _) => Some(text(summary, "errorMessage").unwrap_or(fate.name()).to_owned()),
        };
    }
}

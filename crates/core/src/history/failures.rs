//! Runs that did not end well, and messages that failed, by kind.

use serde_json::Value;

use super::History;
use super::fields::text;
use crate::Timestamp;
use crate::journal::{Fate, Run};

/// Kinds of failures that are told apart; what comes later counts as "other reasons".
const MOST_KINDS: usize = 100;
/// Runs that are listed one by one.
const MOST_INCIDENTS: usize = 30;
/// How a batch fails for which no key has points: it comes again after the reset, and nobody need look at it.
const WITHOUT_POINTS: &str = "NoBudget";
/// Most characters of a reason.
const LONGEST_REASON: usize = 160;

/// A kind of failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// How often it was met.
    pub count: u64,
    /// When it was met last.
    pub last: Timestamp,
}

/// A run that did not end well, or has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its stage.
    pub stage: String,
    /// What became of it.
    pub fate: Fate,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, or was last seen alive.
    pub ended_at: Timestamp,
    /// Why, in one line.
    pub reason: String,
}

impl History {
    pub(super) fn note_failure(&mut self, run: &Run, fate: Fate) {
        if fate != Fate::Ok {
            let reason = match fate {
                Fate::Killed => "killed: no word from it after its last sign of life".to_owned(),
                Fate::Hung => "hung: ran until its time limit".to_owned(),
                Fate::Running => "at work".to_owned(),
                Fate::Failed | Fate::Ok => reason(&run.summary),
            };
            if fate != Fate::Running {
                self.count_failure(&run.stage, &reason, run.ended_at);
            }
            if text(&run.summary, "errorType") != Some(WITHOUT_POINTS) {
                let (stage, started_at, ended_at) = (run.stage.clone(), run.started_at, run.ended_at);
                self.incidents.insert(0, Incident { stage, fate, started_at, ended_at, reason });
                self.incidents.truncate(MOST_INCIDENTS);
            }
        }
        // Messages that failed alone, in a run that was fine.
        let failed = run.summary.get("failed").and_then(Value::as_array);
        for message in failed.into_iter().flatten() {
            let reason = text(message, "reason").or_else(|| message.as_str());
            self.count_failure(&run.stage, reason.unwrap_or("no reason given"), run.ended_at);
        }
    }

    fn count_failure(&mut self, stage: &str, reason: &str, at: Timestamp) {
        let mut key = (stage.to_owned(), kind(reason));
        if self.failures.len() >= MOST_KINDS && !self.failures.contains_key(&key) {
            key.1 = "other reasons".to_owned();
        }
        let failure = self.failures.entry(key).or_default();
        failure.count += 1;
        failure.last = failure.last.max(at);
    }
}

fn reason(summary: &Value) -> String {
    match (text(summary, "errorType"), text(summary, "errorMessage")) {
        (Some(name), Some(message)) if name != "Failed" => format!("{name}: {message}"),
        (_, Some(message)) => message.to_owned(),
        (Some(name), None) => name.to_owned(),
        (None, None) => text(summary, "reason").unwrap_or("no reason given").to_owned(),
    }
}

/// The kind of a failure: its reason without the numbers and times that make each one different.
fn kind(reason: &str) -> String {
    let mut kind = String::new();
    for c in reason.chars().take(LONGEST_REASON) {
        match c {
            '0'..='9' if kind.ends_with('#') => {}
            '0'..='9' => kind.push('#'),
            c if c.is_control() => kind.push(' '),
            c => kind.push(c),
        }
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_that_differ_in_numbers_only_are_one_kind() {
        assert_eq!(kind("player 17: server error 502"), kind("player 4711: server error 503"));
        assert_eq!(kind("two\nlines"), "two lines");
        assert!(kind(&"x".repeat(10_000)).len() <= LONGEST_REASON);
    }
}

//! The one summary line of an invocation, which is also its CloudWatch metrics (embedded metric format).
//!
//! Format: CloudWatch user guide, "Embedded metric format specification". CloudWatch reads the metrics from the log;
//! people read the summary from the same line.
//!
//! CloudWatch bills a metric by the hours in which it comes. So a counter of 0 is logged and not sent: the template's alarms
//! take missing data for 0. What neither an alarm nor the dashboard shows is only logged.

use std::io::Write;

use parsebook_core::Timestamp;
use serde_json::{Map, Value, json};

/// The namespace of every metric.
pub const NAMESPACE: &str = "parsebook";

/// A metric's unit, as CloudWatch names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Pieces.
    Count,
    /// Bytes.
    Bytes,
    /// Neither: hours, for example.
    None,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Bytes => "Bytes",
            Self::None => "None",
        }
    }
}

/// Metrics of one invocation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    values: Vec<(&'static str, Unit, f64)>,
    logged: Vec<(&'static str, f64)>,
    of_keys: Vec<(String, &'static str, f64)>,
}

impl Metrics {
    /// Adds a number of pieces; 0 is only logged.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
    pub fn count(self, name: &'static str, value: u64) -> Self {
        if value == 0 { self.logged(name, 0.0) } else { self.with(name, Unit::Count, value as f64) }
    }

    /// Adds a value that stands in the log, and is no metric.
    #[must_use]
    pub fn logged(mut self, name: &'static str, value: f64) -> Self {
        self.logged.push((name, value));
        self
    }

    /// Adds a value.
    #[must_use]
    pub fn with(mut self, name: &'static str, unit: Unit, value: f64) -> Self {
        self.values.push((name, unit, value));
        self
    }

    /// Adds a value that belongs to one API key, by the key's name.
    #[must_use]
    pub fn of_key(mut self, key: &str, name: &'static str, value: f64) -> Self {
        self.of_keys.push((key.to_owned(), name, value));
        self
    }

    /// The lines to log: one for the invocation, one per key.
    pub fn lines(&self, function: &str, at: Timestamp, properties: Map<String, Value>) -> Vec<Value> {
        let mut main = properties;
        main.insert("function".to_owned(), json!(function));
        let metrics = self.values.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit.name() })).collect();
        if !self.values.is_empty() {
            main.insert("_aws".to_owned(), directive(at, &["function"], metrics));
        }
        let sent = self.values.iter().map(|(name, _, value)| (name, value));
        for (name, value) in sent.chain(self.logged.iter().map(|(name, value)| (name, value))) {
            main.insert((*name).to_owned(), json!(value));
        }
        let mut lines = vec![Value::Object(main)];
        for (key, name, value) in &self.of_keys {
            lines.push(json!({
                "_aws": directive(at, &["function", "key"], vec![json!({ "Name": name, "Unit": "Count" })]),
                "function": function,
                "key": key,
                *name: value,
            }));
        }
        lines
    }
}

fn directive(at: Timestamp, dimensions: &[&str], metrics: Vec<Value>) -> Value {
    json!({
        "Timestamp": at.timestamp_millis(),
        "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics }],
    })
}

/// Writes lines to standard output, each in one piece.
pub fn write(lines: &[Value]) {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.to_string());
        text.push('\n');
    }
    // Nowhere to complain to if standard output is gone.
    drop(std::io::stdout().lock().write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_summary_and_metrics_in_one() {
        let metrics = Metrics::default().count("pages", 3).with("databaseBytes", Unit::Bytes, 7.0).of_key(
            "main",
            "pointsLeft",
            5.5,
        );
        let properties = Map::from_iter([("summary".to_owned(), json!({ "stopped": "complete" }))]);
        let lines = metrics.lines("discover", Timestamp::UNIX_EPOCH, properties);
        assert_eq!(
            lines[0],
            json!({
                "_aws": { "Timestamp": 0, "CloudWatchMetrics": [{
                    "Namespace": "parsebook", "Dimensions": [["function"]],
                    "Metrics": [{ "Name": "pages", "Unit": "Count" }, { "Name": "databaseBytes", "Unit": "Bytes" }],
                }] },
                "function": "discover", "pages": 3.0, "databaseBytes": 7.0, "summary": { "stopped": "complete" },
            })
        );
        let quiet = Metrics::default().count("pages", 0).logged("durationMs", 2.5);
        let quiet = quiet.lines("discover", Timestamp::UNIX_EPOCH, Map::new());
        assert_eq!(quiet, [json!({ "function": "discover", "pages": 0.0, "durationMs": 2.5 })], "nothing to bill");
        assert_eq!(
            lines[1],
            json!({
                "_aws": { "Timestamp": 0, "CloudWatchMetrics": [{
                    "Namespace": "parsebook", "Dimensions": [["function", "key"]],
                    "Metrics": [{ "Name": "pointsLeft", "Unit": "Count" }],
                }] },
                "function": "discover", "key": "main", "pointsLeft": 5.5,
            })
        );
    }
}

//! The one summary line of an invocation, which is also its CloudWatch metrics (embedded metric format).
//!
//! Format: CloudWatch user guide, "Embedded metric format specification". CloudWatch reads the metrics from the log;
//! people read the summary from the same line.

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
    /// Milliseconds.
    Milliseconds,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Bytes => "Bytes",
            Self::Milliseconds => "Milliseconds",
        }
    }
}

/// Metrics of one invocation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    values: Vec<(&'static str, Unit, f64)>,
    of_keys: Vec<(String, &'static str, f64)>,
}

impl Metrics {
    /// Adds a number of pieces.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
    pub fn count(self, name: &'static str, value: u64) -> Self {
        self.with(name, Unit::Count, value as f64)
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
        main.insert("_aws".to_owned(), directive(at, &["function"], metrics));
        for (name, _, value) in &self.values {
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

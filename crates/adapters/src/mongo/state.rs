//! JSON's shape with BSON dates, so that people and queries can read it: the sub-document `state` of a rule, and the
//! `summary` of a run.

use anyhow::bail;
use mongodb::bson::{Bson, Document};
use parsebook_core::rule::RuleState;
use serde_json::{Map, Value};

use super::read;
use crate::stored::Stored;

/// For storing.
pub fn to_bson(state: &impl serde::Serialize) -> anyhow::Result<Bson> {
    bson(&serde_json::to_value(state)?)
}

/// What is stored, or the default where nothing is.
pub fn from_bson(stored: Option<&Bson>) -> anyhow::Result<RuleState> {
    match stored {
        None | Some(Bson::Null) => Ok(RuleState::default()),
        Some(stored) => {
            // A list would be one of fields without names.
            read::document(stored, "state")?;
            Ok(serde_json::from_value(json(stored)?)?)
        }
    }
}

/// A text that is a moment becomes a date.
fn bson(value: &Value) -> anyhow::Result<Bson> {
    Ok(match value {
        Value::Null => Bson::Null,
        Value::Bool(value) => Bson::Boolean(*value),
        Value::Number(value) => match (value.as_i64(), value.as_f64()) {
            (Some(value), _) => i32::try_from(value).map_or(Bson::Int64(value), Bson::Int32),
            (None, Some(value)) => Bson::Double(value),
            (None, None) => bail!("{value} is no number that MongoDB has"),
        },
        Value::String(text) => match chrono::DateTime::parse_from_rfc3339(text) {
            Ok(time) => Bson::of_time(time.to_utc()),
            Err(_) => Bson::String(text.clone()),
        },
        Value::Array(values) => Bson::Array(values.iter().map(bson).collect::<anyhow::Result<_>>()?),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| Ok((name.clone(), bson(value)?)));
            Bson::Document(fields.collect::<anyhow::Result<Document>>()?)
        }
    })
}

/// A stored value as JSON.
pub fn json(value: &Bson) -> anyhow::Result<Value> {
    Ok(match value {
        Bson::Null => Value::Null,
        Bson::Boolean(value) => Value::Bool(*value),
        Bson::String(text) => Value::String(text.clone()),
        Bson::DateTime(_) => Value::of_time(value.time()?),
        Bson::Array(values) => Value::Array(values.iter().map(json).collect::<anyhow::Result<_>>()?),
        Bson::Document(fields) => {
            let fields = fields.iter().map(|(name, value)| Ok((name.clone(), json(value)?)));
            Value::Object(fields.collect::<anyhow::Result<Map<_, _>>>()?)
        }
        other => match (other.integer(), other.number()) {
            (Some(value), _) => Value::from(value),
            (None, Some(value)) => Value::from(value),
            (None, None) => bail!("{} has no form as JSON", other.excerpt()),
        },
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use parsebook_core::Timestamp;
    use parsebook_core::rule::{Block, Lease, Progress, SourceKind, Target, Wait};
    use serde_json::json;

    use super::*;

    fn later(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(hours)
    }

    /// Every text of the JSON that is a moment, and what it became.
    fn moments(value: &Value, stored: &Bson, found: &mut Vec<Bson>) {
        match (value, stored) {
            (Value::Object(fields), Bson::Document(document)) => {
                fields.iter().for_each(|(name, value)| moments(value, &document[name], found));
            }
            (Value::Array(values), Bson::Array(stored)) => {
                values.iter().zip(stored).for_each(|(value, stored)| moments(value, stored, found));
            }
            (Value::String(text), stored) if chrono::DateTime::parse_from_rfc3339(text).is_ok() => {
                found.push(stored.clone());
            }
            _ => {}
        }
    }

    #[test]
    fn every_moment_of_a_rules_state_is_a_date() {
        let target = Target { since: Some(later(1)), ..Target::new(31, 4, SourceKind::Reports) };
        let mut progress = serde_json::to_value(Progress::of(target, later(2))).unwrap();
        progress["windows"] = json!([{ "from": later(3), "to": later(4), "nextPage": 1 }]);
        let state = RuleState {
            lease: Some(Lease { owner: "me".to_owned(), expires_at: later(5) }),
            progress: serde_json::from_value(progress).unwrap(),
            block: Some(Block { at: later(6), until: later(7), since: later(8), refusals: 1, reason: String::new() }),
            wait: Some(Wait { until: later(9), since: later(10), failures: 1, reason: String::new() }),
            read_until: Some(later(11)),
        };
        let (value, stored) = (serde_json::to_value(&state).unwrap(), to_bson(&state).unwrap());
        let mut found = Vec::new();
        moments(&value, &stored, &mut found);
        assert_eq!(found.len(), 11, "{value:#}");
        assert!(found.iter().all(|moment| matches!(moment, Bson::DateTime(_))), "{found:#?}");
        assert_eq!(from_bson(Some(&stored)).unwrap(), state);
    }

    #[test]
    fn a_text_that_is_no_moment_is_a_text() {
        let stored = to_bson(&json!({ "at": "page 7", "to": "2026-09-01T00:00:00Z" })).unwrap();
        let document = stored.as_document().unwrap();
        assert_eq!(document.get_str("at").unwrap(), "page 7");
        assert!(document.get_datetime("to").is_ok());
        assert_eq!(json(&stored).unwrap(), json!({ "at": "page 7", "to": "2026-09-01T00:00:00Z" }));
    }
}

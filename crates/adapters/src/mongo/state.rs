//! JSON's shape with BSON dates, so that people and queries can read it: the sub-document `state` of a rule, and the
//! `summary` of a run.

use anyhow::{Context, bail};
use mongodb::bson::{Bson, DateTime, Document};
use parsebook_core::rule::RuleState;
use serde_json::{Map, Value};

use super::read;

/// The fields of `state` that hold a moment.
const MOMENTS: [&str; 7] = ["expiresAt", "startedAt", "at", "until", "since", "from", "to"];

/// For storing.
pub fn to_bson(state: &impl serde::Serialize) -> anyhow::Result<Bson> {
    bson("", &serde_json::to_value(state)?)
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

fn bson(name: &str, value: &Value) -> anyhow::Result<Bson> {
    Ok(match value {
        Value::Null => Bson::Null,
        Value::Bool(value) => Bson::Boolean(*value),
        Value::Number(value) => match (value.as_i64(), value.as_f64()) {
            (Some(value), _) => i32::try_from(value).map_or(Bson::Int64(value), Bson::Int32),
            (None, Some(value)) => Bson::Double(value),
            (None, None) => bail!("{name}: {value} is no number that MongoDB has"),
        },
        Value::String(text) if MOMENTS.contains(&name) => {
            let time = chrono::DateTime::parse_from_rfc3339(text).with_context(|| name.to_owned())?;
            Bson::DateTime(DateTime::from_millis(time.timestamp_millis()))
        }
        Value::String(text) => Bson::String(text.clone()),
        Value::Array(values) => Bson::Array(values.iter().map(|value| bson("", value)).collect::<anyhow::Result<_>>()?),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| Ok((name.clone(), bson(name, value)?)));
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
        Bson::DateTime(_) => Value::String(read::time(value)?.to_rfc3339()),
        Bson::Array(values) => Value::Array(values.iter().map(json).collect::<anyhow::Result<_>>()?),
        Bson::Document(fields) => {
            let fields = fields.iter().map(|(name, value)| Ok((name.clone(), json(value)?)));
            Value::Object(fields.collect::<anyhow::Result<Map<_, _>>>()?)
        }
        other => match (read::integer(other), read::number(other)) {
            (Some(value), _) => Value::from(value),
            (None, Some(value)) => Value::from(value),
            (None, None) => bail!("{} has no form as JSON", read::told(other)),
        },
    })
}

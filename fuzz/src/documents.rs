//! What stands in the stores, where anybody may have written it: documents of MongoDB, and the JSON of the embedded store.

use std::collections::BTreeMap;

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, Document, RawDocumentBuf};
use parsebook_adapters::mongo::read_documents;
use parsebook_adapters::stored::ranks;
use parsebook_core::rule::RuleState;
use serde_json::Value;

/// A document, written as extended JSON: the search then changes fields rather than their lengths.
pub fn document(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    if let Bson::Document(document) = bson(value) {
        drop(read_documents(&document));
    }
}

/// BSON's own types in the words of MongoDB's extended JSON; a number is the smallest type that holds it.
fn bson(value: Value) -> Bson {
    match value {
        Value::Null => Bson::Null,
        Value::Bool(value) => Bson::Boolean(value),
        Value::String(text) => Bson::String(text),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => i32::try_from(whole).map_or(Bson::Int64(whole), Bson::Int32),
            None => Bson::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::Array(values) => Bson::Array(values.into_iter().map(bson).collect()),
        Value::Object(fields) => {
            let typed = fields.iter().next().and_then(|(name, value)| typed(name, value));
            typed.unwrap_or_else(|| {
                fields.into_iter().map(|(name, value)| (name, bson(value))).collect::<Document>().into()
            })
        }
    }
}

fn typed(name: &str, value: &Value) -> Option<Bson> {
    Some(match (name, value) {
        ("$date", Value::Number(millis)) => DateTime::from_millis(millis.as_i64()?).into(),
        ("$oid", Value::String(id)) => ObjectId::parse_str(id).ok()?.into(),
        ("$numberLong", Value::Number(number)) => number.as_i64()?.into(),
        ("$numberDouble", Value::String(number)) => number.parse::<f64>().ok()?.into(),
        ("$numberDecimal", Value::String(number)) => Bson::Decimal128(number.parse().ok()?),
        _ => return None,
    })
}

/// A document as it comes over the wire.
pub fn bytes(bytes: &[u8]) {
    let Ok(raw) = RawDocumentBuf::from_bytes(bytes.to_vec()) else { return };
    let Ok(document) = Document::try_from(&raw) else { return };
    drop(read_documents(&document));
}

/// Columns of the embedded store that hold JSON: what is read can be written and read again.
pub fn json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    for ranks in ranks::readable(&value).unwrap_or_default().values().flat_map(BTreeMap::values) {
        let written: Value = ranks::of_difficulty(ranks);
        assert_eq!(ranks::strict(&written).ok().as_ref(), Some(ranks), "{written}");
    }
    if let Ok(state) = serde_json::from_value::<RuleState>(value) {
        let written = serde_json::to_string(&state).unwrap_or_default();
        assert_eq!(serde_json::from_str::<RuleState>(&written).ok().as_ref(), Some(&state), "{written}");
    }
}

//! Odd answers in good JSON, each behind its fault: other things in place of rankings, other types in place of numbers.

use serde::Serialize;
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::faults::{Faults, Occasion};

/// Something else in place of `zoneRankings`.
const INSTEAD: [Fault; 7] = [
    Fault::RankingsError,
    Fault::RankingsRefused,
    Fault::RankingsFalse,
    Fault::RankingsEmptyText,
    Fault::RankingsEmptyList,
    Fault::RankingsEmptyObject,
    Fault::RankingsNoRows,
];

/// Something odd inside `zoneRankings`.
const CHANGED: [Fault; 4] = [Fault::RankingsOddRow, Fault::RankingsDash, Fault::RankingsText, Fault::RankingsString];

/// A `zoneRankings` answer, changed or replaced where a fault says so.
pub(crate) fn zone_rankings(faults: &Faults, occasion: Occasion, answer: &impl Serialize) -> String {
    if !faults.has_any(&INSTEAD) && !faults.has_any(&CHANGED) {
        return serde_json::to_string(answer).unwrap_or_default();
    }
    changed(faults, occasion, serde_json::to_value(answer).unwrap_or_default()).to_string()
}

fn changed(faults: &Faults, occasion: Occasion, mut answer: Value) -> Value {
    match faults.first(&INSTEAD, occasion) {
        Some(Fault::RankingsError) => return json!({"error": "Internal server error"}),
        Some(Fault::RankingsRefused) => return json!({"error": "Invalid difficulty/size specified."}),
        Some(Fault::RankingsFalse) => return json!(false),
        Some(Fault::RankingsEmptyText) => return json!(""),
        Some(Fault::RankingsEmptyList) => return json!([]),
        Some(Fault::RankingsEmptyObject) => return json!({}),
        Some(_) => return json!({"rankings": null}),
        None => {}
    }
    // The first boss that was killed, or the first one at all.
    let rows = answer["rankings"].as_array().map_or(&[][..], Vec::as_slice);
    let at = rows.iter().position(|row| row["totalKills"] != 0).unwrap_or(0);
    if faults.strikes(Fault::RankingsOddRow, occasion) {
        answer["rankings"][at]["encounter"] = Value::Null;
    }
    if faults.strikes(Fault::RankingsDash, occasion) {
        answer["rankings"][at]["rankPercent"] = json!("-");
    }
    if faults.strikes(Fault::RankingsText, occasion) {
        numbers_to_text(&mut answer);
    }
    if faults.strikes(Fault::RankingsString, occasion) { Value::String(answer.to_string()) } else { answer }
}

/// Changes one row.
type Change = fn(&mut Value);

/// A report's rankings, changed or replaced where a fault says so.
pub(crate) fn report_rankings(faults: &Faults, text: String) -> String {
    let strikes = |fault| faults.strikes(fault, Occasion::default());
    if strikes(Fault::ReportRankingsNull) {
        return "null".to_owned();
    }
    let changes: [(Fault, Change); 4] = [
        (Fault::ReportRankingsFresh, |row| row["rankPercent"] = Value::Null),
        (Fault::ReportRankingsText, numbers_to_text),
        (Fault::ReportRankingsHugeId, |row| row["id"] = json!(1_u64 << 31)),
        (Fault::ReportRankingsOddRow, |row| row["server"] = Value::Null),
    ];
    let wanted: Vec<Change> = changes.into_iter().filter(|(fault, _)| strikes(*fault)).map(|(_, how)| how).collect();
    let is_huge = strikes(Fault::ReportRankingsHuge);
    if wanted.is_empty() && !is_huge {
        return text;
    }
    let mut answer: Value = serde_json::from_str(&text).unwrap_or_default();
    for fight in answer["data"].as_array_mut().into_iter().flatten() {
        for role in ["tanks", "healers", "dps"] {
            let Some(rows) = fight["roles"][role]["characters"].as_array_mut() else { continue };
            rows.iter_mut().for_each(|row| wanted.iter().for_each(|change| change(row)));
            if is_huge && !rows.is_empty() {
                *rows = rows.iter().cycle().take(10_000).cloned().collect();
            }
        }
    }
    answer.to_string()
}

/// Ten thousand ranked characters in place of a few, where a fault says so.
pub(crate) fn crowd<T: Clone>(faults: &Faults, characters: Vec<T>) -> Vec<T> {
    if characters.is_empty() || !faults.strikes(Fault::ReportCrowded, Occasion::default()) {
        return characters;
    }
    characters.iter().cycle().take(10_000).cloned().collect()
}

/// Writes every number of a value as text.
fn numbers_to_text(value: &mut Value) {
    match value {
        Value::Number(number) => *value = Value::String(number.to_string()),
        Value::Array(items) => items.iter_mut().for_each(numbers_to_text),
        Value::Object(fields) => fields.values_mut().for_each(numbers_to_text),
        _ => {}
    }
}

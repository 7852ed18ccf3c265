//! Finds a report in an answer, and what all questions about a report read of it.

use std::collections::HashSet;

use parsebook_core::Timestamp;
use parsebook_core::report::{Kill, RankedCharacter, is_code};
use serde_json::Value;

use super::super::json;
use super::super::reply::Body;
use super::Skipped;
use crate::text::excerpt;

/// Fields that every question about a report asks for.
pub const FIELDS: &str = "startTime rankedCharacters { id canonicalID hidden } fights(killType: Kills) { id encounterID difficulty endTime }";

/// Codes that can be asked for, each once; and the others, with the reason.
pub fn well_formed(codes: &[String]) -> (Vec<String>, Vec<(String, String)>) {
    let mut seen = HashSet::new();
    let once: Vec<String> = codes.iter().filter(|code| seen.insert(code.as_str())).cloned().collect();
    let (good, bad): (Vec<_>, Vec<_>) = once.into_iter().partition(|code| is_code(code));
    let reason = |code: String| {
        let why = format!("{:?} is no code of a report", excerpt(&code));
        (code, why)
    };
    (good, bad.into_iter().map(reason).collect())
}

/// The alias of a report.
pub fn alias(code: &str) -> String {
    format!("r{code}")
}

/// What an answer says of a report as a whole.
#[derive(Debug, PartialEq)]
pub enum Said<'b> {
    Report(&'b Value),
    Gone(&'static str),
    Failed(String),
    /// Only a question for this report alone tells.
    AskAlone,
}

/// Finds the report in an answer to a question for several, unless it `is_alone`. An error of one of `parts` is not the
/// report's.
pub fn find<'b>(body: &'b Body, code: &str, parts: &[String], is_alone: bool) -> Said<'b> {
    let alias = alias(code);
    if let Some(error) = body.error_in_but(&[&alias], parts) {
        return no_report(&error);
    }
    match body.part("reportData", &alias) {
        Some(report) if report.is_object() => Said::Report(report),
        // An error that names nobody may be the reason.
        _ => match body.error_of_nobody() {
            Some(error) if is_alone => no_report(&error),
            Some(_) => Said::AskAlone,
            None => Said::Failed("left out of the answer".to_owned()),
        },
    }
}

fn no_report(error: &str) -> Said<'static> {
    why_gone(error).map_or_else(|| Said::Failed(excerpt(error)), Said::Gone)
}

/// Why there is no use in asking again, if an error says that.
pub fn why_gone(error: &str) -> Option<&'static str> {
    match error {
        error if error.contains("does not exist") => Some("deleted"),
        error if error.contains("permission") => Some("private"),
        error if error.contains("archived") => Some("archived"),
        _ => None,
    }
}

/// The list called `field`; null is an empty one, where `other` is empty, too.
fn list<'v>(report: &'v Value, field: &str, other: &str) -> Result<&'v [Value], String> {
    let has_other = || report.get(other).and_then(Value::as_array).is_some_and(|other| !other.is_empty());
    match report.get(field) {
        Some(Value::Array(list)) => Ok(list),
        Some(Value::Null) if !has_other() => Ok(&[]),
        _ => Err(format!("{field} {}", json::told_field(report, &format!("/{field}")))),
    }
}

/// Every character with ranks. An error when there are some and none can be understood.
pub fn characters(report: &Value, skipped: &mut Skipped) -> Result<Vec<RankedCharacter>, String> {
    let mut odd = Skipped::default();
    let mut characters = Vec::new();
    for character in list(report, "rankedCharacters", "fights")? {
        let Some(id) = character.get("id").and_then(json::id) else {
            odd.push(format!("character {}", json::told_field(character, "/id")));
            continue;
        };
        let canonical_id = character.get("canonicalID").and_then(json::id);
        let hidden = character.get("hidden").and_then(Value::as_bool).unwrap_or(false);
        characters.push(RankedCharacter { id, canonical_id, hidden });
    }
    if let Some(reason) = odd.nothing_understood(characters.len()) {
        return Err(reason);
    }
    skipped.append(odd);
    Ok(characters)
}

/// Every boss kill. The times of a report's fights count from its own start.
pub fn kills(report: &Value, skipped: &mut Skipped) -> Result<Vec<Kill>, String> {
    let start = report.get("startTime").and_then(json::number);
    let start = start.ok_or_else(|| format!("startTime {}", json::told_field(report, "/startTime")))?;
    let mut odd = Skipped::default();
    let mut kills = Vec::new();
    let fights = list(report, "fights", "rankedCharacters")?;
    for fight in fights {
        match kill(fight, start) {
            Ok(kill) => kills.push(kill),
            Err(reason) => odd.push(reason),
        }
    }
    if let Some(reason) = odd.nothing_understood(kills.len()) {
        return Err(reason);
    }
    skipped.append(odd);
    Ok(kills.into_iter().flatten().collect())
}

/// One fight; `None` for one without a boss or a difficulty.
fn kill(fight: &Value, start: f64) -> Result<Option<Kill>, String> {
    let number = fight.get("id").and_then(json::whole);
    let number: u32 = number.ok_or_else(|| format!("fight {}", json::told_field(fight, "/id")))?;
    let odd = |field: &str| format!("fight {number}: {field} {}", json::told_field(fight, &format!("/{field}")));
    let encounter: u32 = fight.get("encounterID").and_then(json::whole).ok_or_else(|| odd("encounterID"))?;
    let difficulty = fight.get("difficulty").filter(|difficulty| !difficulty.is_null());
    let (Some(difficulty), 1..) = (difficulty, encounter) else { return Ok(None) };
    let end = fight.get("endTime").and_then(json::number).ok_or_else(|| odd("endTime"))?;
    Ok(Some(Kill {
        fight: number,
        encounter,
        difficulty: json::whole(difficulty).ok_or_else(|| odd("difficulty"))?,
        ended_at: json::time(start + end).ok_or_else(|| odd("endTime"))?,
    }))
}

/// Whether WCL is still working on a part of the report.
pub fn is_exporting(report: &Value) -> bool {
    let segments = |field: &str| report.get(field).and_then(json::number);
    segments("exportedSegments").zip(segments("segments")).is_some_and(|(exported, all)| exported < all)
}

/// A moment of the report.
pub fn time(report: &Value, field: &str) -> Result<Timestamp, String> {
    let millis = report.get(field).and_then(json::number);
    millis.and_then(json::time).ok_or_else(|| format!("{field} {}", json::told_field(report, &format!("/{field}"))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_code_never_breaks_out_of_a_query() {
        let codes = ["aBcD1234", "a\"b", "", "a:b", "aBcD1234", "é"].map(str::to_owned);
        let (good, bad) = well_formed(&codes);
        assert_eq!(good, ["aBcD1234"]);
        assert_eq!(bad.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>(), ["a\"b", "", "a:b", "é"]);
        assert!(bad[0].1.contains("no code of a report"), "{}", bad[0].1);
    }

    #[test]
    fn the_sentences_about_a_report_are_told_apart() {
        let body = |message: &str, path: Value| Body {
            data: json!({"reportData": {"ra": null, "rb": {"startTime": 0}}}),
            errors: vec![json!({"message": message, "path": path})],
            ..Body::default()
        };
        let at = json!(["reportData", "ra"]);
        let private = body("You do not have permission to view this report.", at.clone());
        assert_eq!(find(&private, "a", &[], false), Said::Gone("private"));
        assert!(matches!(find(&private, "b", &[], false), Said::Report(_)));
        let missing = body("This report does not exist.", Value::Null);
        assert_eq!(find(&missing, "a", &[], false), Said::AskAlone);
        assert_eq!(find(&missing, "a", &[], true), Said::Gone("deleted"));
        assert_eq!(
            find(&body("Internal server error", at), "a", &[], true),
            Said::Failed("Internal server error".to_owned())
        );
        assert_eq!(find(&Body::default(), "a", &[], true), Said::Failed("left out of the answer".to_owned()));
    }

    #[test]
    fn kills_end_at_a_moment_and_odd_ones_are_named() {
        let report = json!({
            "startTime": 1_790_000_000_000_u64,
            "fights": [
                {"id": 3, "encounterID": 3009, "difficulty": 4, "endTime": 5_000},
                {"id": 4, "encounterID": 0, "difficulty": null, "endTime": 6_000},
                {"id": 5, "encounterID": 3010, "difficulty": 4, "endTime": "soon"},
                {"id": 6, "encounterID": 3010, "difficulty": 4, "endTime": 8e15},
                null,
            ],
        });
        let mut skipped = Skipped::default();
        let kills = kills(&report, &mut skipped).unwrap();
        assert_eq!(kills.len(), 1);
        assert_eq!((kills[0].fight, kills[0].ended_at.timestamp_millis()), (3, 1_790_000_005_000));
        assert_eq!(
            skipped.into_lines(),
            ["fight 5: endTime \"soon\"", "fight 6: endTime 8000000000000000.0", "fight missing"]
        );
    }

    #[test]
    fn characters_that_cannot_be_are_named_and_nothing_but_those_is_an_error() {
        let report = |list: Value| json!({"rankedCharacters": list});
        let mut skipped = Skipped::default();
        let mixed = report(json!([{"id": 7, "canonicalID": 9, "hidden": true}, {"id": 2_147_483_648_u32}, {"id": 8}]));
        let read = characters(&mixed, &mut skipped).unwrap();
        assert_eq!(read[0], RankedCharacter { id: 7, canonical_id: Some(9), hidden: true });
        assert_eq!(read[1], RankedCharacter { id: 8, canonical_id: None, hidden: false });
        assert_eq!(skipped.into_lines(), ["character 2147483648"]);
        assert!(characters(&report(json!([{"guid": 1}])), &mut Skipped::default()).is_err());
        assert!(characters(&json!({}), &mut Skipped::default()).is_err());
        assert!(characters(&report(Value::Null), &mut Skipped::default()).unwrap().is_empty());
        let lost = json!({"startTime": 0, "rankedCharacters": null, "fights": [{"id": 1}]});
        assert!(characters(&lost, &mut Skipped::default()).is_err(), "there are kills, so there is somebody");
        let lost = json!({"startTime": 0, "rankedCharacters": [{"id": 1}], "fights": null});
        assert!(kills(&lost, &mut Skipped::default()).is_err());
    }

    #[test]
    fn millions_of_oddities_are_counted() {
        let many: Vec<_> = (0..1000).map(|_| json!({"id": 0})).chain([json!({"id": 5})]).collect();
        let mut skipped = Skipped::default();
        characters(&json!({"rankedCharacters": many}), &mut skipped).unwrap();
        let lines = skipped.into_lines();
        assert_eq!((lines.len(), lines.last().unwrap().as_str()), (201, "and 800 more"));
    }
}

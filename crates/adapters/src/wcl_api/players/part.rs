//! Reads one `zoneRankings` answer: a raid + difficulty of a player in one metric.

use std::collections::BTreeMap;

use parsebook_core::Timestamp;
use parsebook_core::player::{EncounterRank, MetricRanks};
use parsebook_core::report::Metric;
use parsebook_core::report_ranks::most_common;
use serde_json::Value;

use super::super::json;
use super::super::reply::NO_CLASS;
use crate::text::excerpt;

/// What a `zoneRankings` answer comes to, apart from ranks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoPart {
    /// The player hides its ranks.
    Hidden,
    /// The player has no class set.
    NoClass,
    /// WCL says why it does not answer.
    Refused(String),
    /// Nothing at all, as WCL may answer where it has nothing; says how.
    Nothing(String),
    /// Nothing that can be understood.
    Odd(String),
}

/// When an answer was read, and the date that its ranks get.
#[derive(Debug, Clone, Copy)]
pub struct Dates {
    pub read_at: Timestamp,
    pub ranked_at: Timestamp,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub metric: Metric,
    pub class_id: u8,
    pub dates: Dates,
}

/// The ranks in an answer, without a boss where nothing counts under the metric; and a line for each row left out. A boss
/// counts under the metric of the spec that its row names.
pub fn metric_ranks(answer: &Value, asked: Asked) -> Result<(MetricRanks, Vec<String>), NoPart> {
    let answer = json::scalar(answer);
    if let Some(error) = answer.get("error").and_then(Value::as_str) {
        return Err(match error {
            error if error.contains("permission") => NoPart::Hidden,
            error if error.contains(NO_CLASS) => NoPart::NoClass,
            error => NoPart::Refused(excerpt(error)),
        });
    }
    let Some(rows) = answer.get("rankings").and_then(Value::as_array) else {
        let what = if answer.is_object() {
            "rankings are ".to_owned() + &json::told_field(&answer, "/rankings")
        } else {
            json::told(&answer)
        };
        let is_nothing = json::is_nothing(&answer) || answer.get("rankings").is_some_and(json::is_nothing);
        let no_part = if is_nothing { NoPart::Nothing } else { NoPart::Odd };
        return Err(no_part(format!("not a zoneRankings answer: {what}")));
    };
    if let Some(metric) = answer.get("metric").and_then(Value::as_str)
        && metric != asked.metric.to_string()
    {
        return Err(NoPart::Odd(format!("ranks by {:?} where {} was asked", excerpt(metric), asked.metric)));
    }
    let partition = match answer.get("partition") {
        None | Some(Value::Null) => Some(0),
        Some(partition) => json::whole(partition),
    };
    let partition =
        partition.ok_or_else(|| NoPart::Odd(format!("partition {}", json::told_field(&answer, "/partition"))))?;
    let mut encounters = BTreeMap::new();
    let mut specs = BTreeMap::new();
    let mut skipped = Vec::new();
    let mut is_any_understood = rows.is_empty();
    for row in rows {
        match read_row(row) {
            Ok(read) => {
                is_any_understood = true;
                let Some(read) = read.filter(|read| counts(read, asked)) else { continue };
                encounters.insert(read.encounter, read.rank);
                specs.insert(read.encounter, read.spec.unwrap_or_default());
            }
            Err(reason) => {
                is_any_understood |= is_unranked(row);
                skipped.push(reason);
            }
        }
    }
    if !is_any_understood {
        return Err(NoPart::Odd(skipped.swap_remove(0)));
    }
    let spec = most_common(specs.values());
    let Dates { read_at, ranked_at } = asked.dates;
    let read_at = Some(read_at);
    let ranks = MetricRanks { partition, ranked_at, read_at, spec, encounters, ends: BTreeMap::new(), specs };
    Ok((ranks, skipped))
}

struct Row {
    encounter: u32,
    rank: EncounterRank,
    spec: Option<String>,
}

/// A row that names no spec counts under the metric that was asked.
fn counts(row: &Row, asked: Asked) -> bool {
    row.spec.as_deref().is_none_or(|spec| Metric::counts(asked.class_id, spec) == asked.metric)
}

/// A boss that was killed, or `None` for one that was not: its percentages are null.
fn read_row(row: &Value) -> Result<Option<Row>, String> {
    if !row.is_object() {
        return Err(format!("a row is {}", json::told(row)));
    }
    let kills = match row.get("totalKills") {
        None | Some(Value::Null) if row.get("rankPercent").is_none_or(Value::is_null) => 0.0,
        kills => kills.and_then(json::number).unwrap_or(f64::NAN),
    };
    if kills < 1.0 {
        return Ok(None);
    }
    let encounter = row.pointer("/encounter/id").and_then(json::id);
    let encounter = encounter.ok_or_else(|| format!("encounter {}", json::told_field(row, "/encounter/id")))?;
    let odd = |field: &str| format!("encounter {encounter}: {field} {}", json::told_field(row, &format!("/{field}")));
    if kills.is_nan() {
        return Err(odd("totalKills"));
    }
    let rank_percent = row.get("rankPercent").and_then(json::percent).ok_or_else(|| odd("rankPercent"))?;
    let spec = row.get("spec").and_then(json::slug).or_else(|| row.get("bestSpec").and_then(json::slug));
    Ok(Some(Row { encounter, rank: EncounterRank::clamped(rank_percent, kills), spec }))
}

/// Whether WCL says of a boss that it gives it no rank.
fn is_unranked(row: &Value) -> bool {
    row.get("rankPercent").and_then(Value::as_str).is_some_and(|dash| dash.trim() == "-")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PALADIN: u8 = 6;

    fn read(metric: Metric, answer: &Value) -> Result<(MetricRanks, Vec<String>), NoPart> {
        let dates = Dates { read_at: Timestamp::MAX_UTC, ranked_at: Timestamp::UNIX_EPOCH };
        metric_ranks(answer, Asked { metric, class_id: PALADIN, dates })
    }

    fn row(boss: u32, percent: Value, kills: Value, spec: &str) -> Value {
        json!({"encounter": {"id": boss, "name": "B"}, "rankPercent": percent, "totalKills": kills, "spec": spec,
            "lockedIn": false, "allStars": {"rank": "-", "regionRank": "-", "rankPercent": "-", "total": 0}})
    }

    fn answer(metric: &str, rows: Vec<Value>) -> Value {
        json!({"metric": metric, "partition": 2, "difficulty": 4, "zone": 44, "rankings": rows})
    }

    #[test]
    fn each_row_counts_by_its_spec() {
        let rows = vec![
            row(1, json!(50), json!(2), "Holy"),
            row(2, json!(60.5), json!(1), "Retribution"),
            row(3, json!(70), json!(1), "Protection"),
            row(4, json!(80), json!(1), "Retribution"),
            json!({"encounter": {"id": 5, "name": "B"}, "rankPercent": null, "totalKills": 0, "spec": null}),
        ];
        let (dps, skipped) = read(Metric::Dps, &answer("dps", rows.clone())).unwrap();
        assert_eq!(dps.encounters.keys().copied().collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!((dps.partition, dps.spec.as_deref()), (2, Some("Retribution")));
        assert_eq!((dps.read_at, dps.ranked_at), (Some(Timestamp::MAX_UTC), Timestamp::UNIX_EPOCH));
        assert!(skipped.is_empty(), "{skipped:?}");
        let (hps, _) = read(Metric::Hps, &answer("hps", rows)).unwrap();
        assert_eq!((hps.encounters.len(), hps.spec.as_deref()), (1, Some("Holy")));
        let (none, _) = read(Metric::Hps, &answer("hps", vec![row(2, json!(99.8), json!(1), "Retribution")])).unwrap();
        assert!(none.encounters.is_empty(), "a healer's percentile is not that of another spec");
    }

    #[test]
    fn numbers_come_as_text_and_are_brought_into_range() {
        let rows = vec![
            row(1, json!("91.3"), json!("3"), "Retribution"),
            row(2, json!(250), json!(1e18), "Retribution"),
            row(3, json!(-1), json!(1.0), "Retribution"),
        ];
        let (ranks, _) = read(Metric::Dps, &Value::from(answer("dps", rows).to_string())).unwrap();
        let rank = |boss| (ranks.encounters[&boss].rank_percent, ranks.encounters[&boss].kills);
        assert_eq!((rank(1), rank(2), rank(3)), ((91.3, 3), (100.0, u32::MAX), (0.0, 1)));
    }

    #[test]
    fn an_odd_row_is_left_out_by_name() {
        let rows = vec![
            row(1, json!("-"), json!(1), "Retribution"),
            json!({"encounter": null, "rankPercent": 5, "totalKills": 1}),
            json!(false),
            row(4, json!(5), json!({}), "Retribution"),
            row(2_147_483_648, json!(5), json!(1), "Retribution"),
            row(6, json!(44), json!(1), "Retribution"),
        ];
        let (ranks, skipped) = read(Metric::Dps, &answer("dps", rows)).unwrap();
        assert_eq!(ranks.encounters.keys().copied().collect::<Vec<_>>(), [6]);
        let named = [
            "encounter 1: rankPercent \"-\"",
            "encounter missing",
            "a row is false",
            "encounter 4: totalKills an object",
            "encounter 2147483648",
        ];
        assert_eq!(skipped, named);
    }

    #[test]
    fn a_part_of_which_nothing_is_understood_is_odd() {
        for nothing in [json!(null), json!(false), json!(""), json!([]), json!({}), json!({"rankings": null})] {
            assert!(matches!(read(Metric::Dps, &nothing), Err(NoPart::Nothing(_))), "{nothing}");
        }
        for odd in [
            json!("{\"cut"),
            answer("dps", vec![row(1, json!([]), json!(1), "Retribution")]),
            answer("bossdps", vec![row(1, json!(1), json!(1), "Retribution")]),
            json!({"partition": "new", "rankings": []}),
        ] {
            assert!(matches!(read(Metric::Dps, &odd), Err(NoPart::Odd(_))), "{odd}");
        }
        let refused = read(Metric::Dps, &json!({"error": "Invalid difficulty/size specified."}));
        assert_eq!(refused, Err(NoPart::Refused("Invalid difficulty/size specified.".to_owned())));
        let hidden = json!({"error": "You do not have permission to see this character's rankings."});
        assert_eq!(read(Metric::Dps, &hidden), Err(NoPart::Hidden));
        let (nothing, skipped) = read(Metric::Dps, &json!({"rankings": []})).unwrap();
        assert!(nothing.encounters.is_empty() && nothing.read_at.is_some() && skipped.is_empty());
    }
}

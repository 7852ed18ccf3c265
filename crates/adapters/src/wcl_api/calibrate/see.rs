//! What a calibration looks for in the answers.

use std::collections::{BTreeMap, BTreeSet};

use parsebook_core::PlayerId;
use parsebook_core::calibrate::{ListSeen, RanksSeen, Shown, Timeframe};
use parsebook_core::report::Metric;
use serde_json::Value;

use super::super::classes::class_id;
use super::super::json;

/// Percentiles closer than this are the same.
const SAME: f64 = 0.01;

/// A report of a list: its code and how long it lasts.
pub fn listed(list: &Value) -> Vec<(String, f64)> {
    let reports = list.get("data").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let read = |report: &Value| {
        let time = |field: &str| report.get(field).and_then(json::number);
        Some((report.get("code")?.as_str()?.to_owned(), time("endTime")? - time("startTime")?))
    };
    reports.iter().filter_map(read).collect()
}

pub fn list(list: &Value) -> ListSeen {
    let reports = list.get("data").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let starts: Vec<f64> = reports.iter().filter_map(|report| report.get("startTime").and_then(json::number)).collect();
    let is_sorted = starts.is_sorted() || starts.iter().rev().is_sorted();
    ListSeen { reports: reports.len(), total: list.get("total").and_then(json::number), is_sorted }
}

fn rows(answer: &Value) -> impl Iterator<Item = &Value> {
    let fights = answer.get("data").and_then(Value::as_array).into_iter().flatten();
    let roles = fights.filter_map(|fight| fight.get("roles")?.as_object()).flat_map(|roles| roles.values());
    roles.filter_map(|role| role.get("characters")?.as_array()).flatten()
}

fn is_healing(row: &Value) -> Option<bool> {
    let class = row.get("class").and_then(json::slug)?;
    let spec = row.get("spec").and_then(json::slug)?;
    Some(Metric::counts(class_id(&class)?, &spec) == Metric::Hps)
}

/// Counts of an answer of `report.rankings`.
pub fn ranks(answer: &Value, hidden: &BTreeSet<PlayerId>) -> RanksSeen {
    let answer = &*json::scalar(answer);
    let count = |is: &dyn Fn(&Value) -> bool| rows(answer).filter(|row| is(row)).count();
    RanksSeen {
        kills: answer.get("data").and_then(Value::as_array).map_or(0, Vec::len),
        rows: count(&|_| true),
        without_percent: count(&|row| row.get("rankPercent").is_none_or(Value::is_null)),
        with_best: count(&|row| row.get("best").and_then(Value::as_str).is_some_and(|best| best != "-")),
        healing: count(&|row| is_healing(row) == Some(true)),
        hidden: count(&|row| row.get("id").and_then(json::id).is_some_and(|id| hidden.contains(&id))),
    }
}

/// Somebody in an answer of `report.rankings` who heals, or who does not.
pub fn somebody(answer: &Value, heals: bool) -> Option<PlayerId> {
    let answer = &*json::scalar(answer);
    rows(answer).find(|row| is_healing(row) == Some(heals))?.get("id").and_then(json::id)
}

/// What tells one way of ranking a kill from another: each row's place among how many.
pub fn places(answer: &Value) -> BTreeMap<PlayerId, String> {
    let answer = &*json::scalar(answer);
    let place = |row: &Value| {
        let field = |name: &str| row.get(name).unwrap_or(&Value::Null).to_string();
        Some((
            json::id(row.get("id")?)?,
            format!("{} {} {}", field("rank"), field("totalParses"), field("rankPercent")),
        ))
    };
    rows(answer).filter_map(place).collect()
}

/// A kill as `encounterRankings` tells it.
struct Kill {
    amount: f64,
    historical: f64,
    today: f64,
}

fn kills(answer: &Value) -> Vec<Kill> {
    let answer = json::scalar(answer);
    let ranks = answer.get("ranks").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let kill = |rank: &Value| {
        let field = |name: &str| rank.get(name).and_then(json::number);
        Some(Kill { amount: field("amount")?, historical: field("historicalPercent")?, today: field("todayPercent")? })
    };
    ranks.iter().filter_map(kill).collect()
}

/// The percentile that `zoneRankings` shows of a boss.
fn shown_percent(answer: &Value, encounter: u32) -> Option<f64> {
    let answer = json::scalar(answer);
    let rows = answer.get("rankings")?.as_array()?;
    let row = rows.iter().find(|row| row.pointer("/encounter/id").and_then(json::id) == Some(encounter))?;
    row.get("rankPercent").and_then(json::number)
}

/// Compares `zoneRankings`, and the same of today, with the kills of a boss: the time it means, and the kill it shows,
/// as far as the boss tells.
pub fn compare(zone: &Value, today: &Value, encounter: u32, ranks: &Value) -> (Option<Timeframe>, Option<Shown>) {
    let kills = kills(ranks);
    let most = |value: &dyn Fn(&Kill) -> f64| kills.iter().max_by(|a, b| value(a).total_cmp(&value(b)));
    let (Some(shown), Some(shown_today)) = (shown_percent(zone, encounter), shown_percent(today, encounter)) else {
        return (None, None);
    };
    let (Some(by_amount), Some(by_percent), Some(by_today)) =
        (most(&|kill| kill.amount), most(&|kill| kill.historical), most(&|kill| kill.today))
    else {
        return (None, None);
    };
    let are_same = |a: f64, b: f64| (a - b).abs() < SAME;
    let timeframe = match () {
        () if !are_same(shown, shown_today) => Some(Timeframe::Historical),
        () if !are_same(by_percent.historical, by_today.today) => Some(Timeframe::Today),
        () => None,
    };
    let (best, of_amount) = match timeframe {
        Some(Timeframe::Today) => (by_today.today, by_amount.today),
        _ => (by_percent.historical, by_amount.historical),
    };
    let kill = match () {
        () if are_same(best, of_amount) => None,
        () if are_same(shown, best) => Some(Shown::BestPercent),
        () if are_same(shown, of_amount) => Some(Shown::BestAmount),
        () => None,
    };
    (timeframe, kill)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_kill_and_the_time_are_told_where_kills_differ() {
        let zone = |percent: f64| json!({"rankings": [{"encounter": {"id": 7}, "rankPercent": percent}]});
        let ranks = json!({"ranks": [
            {"amount": 100.0, "historicalPercent": 80.0, "todayPercent": 70.0},
            {"amount": 90.0, "historicalPercent": 85.0, "todayPercent": 60.0},
        ]});
        let of = |shown, today| compare(&zone(shown), &zone(today), 7, &ranks);
        assert_eq!(of(85.0, 70.0), (Some(Timeframe::Historical), Some(Shown::BestPercent)));
        assert_eq!(of(80.0, 70.0), (Some(Timeframe::Historical), Some(Shown::BestAmount)));
        assert_eq!(of(70.0, 70.0), (Some(Timeframe::Today), None));
        assert_eq!(compare(&zone(85.0), &zone(70.0), 8, &ranks), (None, None));
        assert_eq!(compare(&zone(85.0), &zone(70.0), 7, &json!({"error": "x"})), (None, None));
    }

    #[test]
    fn rows_are_counted_by_what_stands_in_them() {
        let row = |id: u32, spec: &str, best: &str, percent: Value| json!({"id": id, "class": "Paladin", "spec": spec, "best": best, "rank": "~1", "totalParses": 9, "rankPercent": percent});
        let rows = [row(1, "Holy", "~3", json!(5)), row(2, "Retribution", "-", Value::Null)];
        let answer = json!({"data": [{"roles": {"healers": {"characters": rows}}}, {"roles": {}}]});
        let seen = ranks(&Value::from(answer.to_string()), &BTreeSet::from([2]));
        let expected = RanksSeen { kills: 2, rows: 2, without_percent: 1, with_best: 1, healing: 1, hidden: 1 };
        assert_eq!(seen, expected);
        assert_eq!((somebody(&answer, true), somebody(&answer, false)), (Some(1), Some(2)));
        assert_eq!(places(&answer)[&1], "\"~1\" 9 5");
    }

    #[test]
    fn the_order_of_a_list_is_seen() {
        let of = |starts: &[i64]| {
            let data: Vec<_> =
                starts.iter().map(|start| json!({"code": "a", "startTime": start, "endTime": 9})).collect();
            list(&json!({"total": -1, "data": data}))
        };
        assert!(of(&[3, 2, 1]).is_sorted && of(&[1, 2]).is_sorted && !of(&[2, 3, 1]).is_sorted);
        assert_eq!(of(&[1]).total, Some(-1.0));
    }
}

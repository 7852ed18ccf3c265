//! The API's client against a small server whose answers a test makes up.

mod players;
mod reports;
mod server;
mod transport;

use parsebook_core::ports::Wanted;
use parsebook_core::report::{Metric, RankPart, ReportQuestion};
use parsebook_core::scrap::{Discovered, RaidsToScrap};
use serde_json::{Value, json};

use self::server::{Answer, Server};

/// Players to rank in raid 44 Heroic.
fn wanted(ids: impl IntoIterator<Item = u32>, class_id: Option<u8>) -> Vec<Wanted> {
    let wanted = |id| Wanted { discovered: Discovered { id, raids_to_scrap: RaidsToScrap::one(44, 4) }, class_id };
    ids.into_iter().map(wanted).collect()
}

/// Every rank of these reports.
fn whole(codes: &[&str]) -> Vec<ReportQuestion> {
    let parts = Metric::ALL.map(|metric| RankPart { metric, difficulty: None });
    codes.iter().map(|code| ReportQuestion { code: (*code).to_owned(), parts: parts.to_vec() }).collect()
}

/// A reading of points.
fn points(spent: f64) -> Value {
    json!({"limitPerHour": 3600, "pointsSpentThisHour": spent, "pointsResetIn": 1800})
}

/// `zoneRankings` with one boss killed in a spec.
fn rankings(metric: &str, spec: &str) -> Value {
    json!({"metric": metric, "partition": 1, "rankings": [
        {"encounter": {"id": 3129, "name": "B"}, "rankPercent": 91.3, "totalKills": 3, "spec": spec, "lockedIn": true},
    ]})
}

/// A character of a class, with the answers to what was asked of it.
fn character(class_id: u8, answers: &[(&str, Value)]) -> Value {
    let mut character = json!({
        "name": "Chôgun", "classID": class_id, "hidden": false,
        "server": {"name": "Temple noir", "normalizedName": "Templenoir", "region": {"compactName": "EU"}},
    });
    for (alias, answer) in answers {
        character[*alias] = answer.clone();
    }
    character
}

/// The answer to a question for characters.
fn characters(query: &str, character: impl Fn(u32) -> Value) -> Answer {
    let ids = aliases(query, "p").map(|alias| alias.parse().unwrap());
    let characters: serde_json::Map<_, _> = ids.map(|id: u32| (format!("p{id}"), character(id))).collect();
    Answer::json(&json!({"data": {"rateLimitData": points(10.0), "characterData": characters}}))
}

/// What stands behind a prefix in the aliases of a question's things.
fn aliases<'q>(query: &'q str, prefix: &'q str) -> impl Iterator<Item = &'q str> {
    let calls = ["character(", "report("];
    query.split_whitespace().zip(query.split_whitespace().skip(1)).filter_map(move |(alias, call)| {
        calls.iter().any(|name| call.starts_with(name)).then(|| alias.strip_prefix(prefix)?.strip_suffix(':')).flatten()
    })
}

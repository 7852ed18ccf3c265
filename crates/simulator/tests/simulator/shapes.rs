//! Our answers against recorded ones: every field has a type that the recorded ones have there, and none is missing. The
//! recorded answers are third-party material and not part of the repository; `PARSEBOOK_WCL_SAMPLES` names a folder of
//! them. A made-up answer of the same shape is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use parsebook_simulator::World;
use serde_json::Value;

use crate::common::{Site, test_clock};

/// The types at each path. Items of a list share a path, and so do the roles.
type Shape = BTreeMap<String, BTreeSet<&'static str>>;

fn add(shape: &mut Shape, path: &str, value: &Value) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "text",
        Value::Array(items) => {
            items.iter().for_each(|item| add(shape, &format!("{path}[]"), item));
            "list"
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                // The three roles have the same shape, and so have speed and execution.
                let name = match name.as_str() {
                    "tanks" | "healers" | "dps" => "role",
                    "speed" | "execution" => "standing",
                    other => other,
                };
                add(shape, &format!("{path}.{name}"), field);
            }
            "object"
        }
    };
    shape.entry(path.to_owned()).or_default().insert(kind);
}

/// What ours has and theirs has not. A percentage may be missing in ours: it is in fresh reports.
fn differences(ours: &Shape, theirs: &Shape) -> Vec<String> {
    let known = |path: &str, kind: &str| {
        let is_fresh = kind == "null" && path.ends_with("[].rankPercent");
        is_fresh || theirs.get(path).is_some_and(|kinds| kinds.contains(kind))
    };
    ours.iter()
        .flat_map(|(path, kinds)| kinds.iter().map(move |kind| (path, kind)))
        .filter(|(path, kind)| !known(path, kind))
        .map(|(path, kind)| format!("{path} is {kind}"))
        .collect()
}

/// Rankings of many reports, asked in every way that changes their shape.
async fn report_rankings() -> Shape {
    let mut shape = Shape::new();
    for unranked in [Vec::new(), vec![61, 62]] {
        let site = Site::of(World::generate(2_000, 9), |config| {
            config.clock = test_clock().clock();
            config.behaviour.unranked_raids = unranked;
        })
        .await;
        for code in site.handle.reports().codes() {
            let query = format!(
                "{{ reportData {{ report(code: \"{code}\") {{ all: rankings one: rankings(fightIDs: [2]) }} }} }}"
            );
            let report = site.ask(&query).await["data"]["reportData"]["report"].clone();
            for field in ["all", "one"] {
                add(&mut shape, "", &report[field]);
            }
        }
    }
    shape
}

fn sample(path: &str) -> Option<String> {
    let Ok(folder) = std::env::var("PARSEBOOK_WCL_SAMPLES") else {
        eprintln!("skipped: PARSEBOOK_WCL_SAMPLES names no folder of recorded answers");
        return None;
    };
    let file = PathBuf::from(folder).join(path);
    Some(fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
}

#[tokio::test]
async fn report_rankings_have_the_recorded_shape() {
    let ours = report_rankings().await;
    let mut made_up = Shape::new();
    let fixture: Value = serde_json::from_str(include_str!("../fixtures/report-rankings.json")).unwrap();
    add(&mut made_up, "", &fixture);
    let without_whole = |path: &str| path.ends_with("bracketData");
    let missing: Vec<String> = differences(&ours, &made_up)
        .into_iter()
        .filter(|line| !without_whole(line.split(' ').next().unwrap()))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
    assert_eq!(differences(&made_up, &ours), Vec::<String>::new());
    let Some(text) = sample("report-rankings/retail-report-rankings-139-reports.jsonl") else { return };
    let mut theirs = Shape::new();
    for line in text.lines() {
        add(&mut theirs, "", &serde_json::from_str::<Value>(line).unwrap()["rankings"]);
    }
    assert_eq!(differences(&ours, &theirs), Vec::<String>::new());
    assert_eq!(differences(&theirs, &ours), Vec::<String>::new());
}

#[tokio::test]
async fn zone_rankings_have_the_recorded_shape() {
    let site = Site::start(|_| {}).await;
    let mut ours = Shape::new();
    for player in site.world().players().filter(|player| player.is_rankable()).take(200) {
        for fault in ["rankings-not-locked=next:0", "rankings-not-locked=next:1"] {
            site.handle.faults().set_text(fault).unwrap();
            let answer = site.rankings(player.id(), "zoneID: 62, difficulty: 3").await;
            add(&mut ours, "", &answer);
        }
    }
    for (path, kind) in
        [(".rankings[].lockedIn", "bool"), (".rankings[].allStars.rank", "text"), (".allStars[].rank", "int")]
    {
        assert!(ours[path].contains(kind), "{path}");
    }
    let mut theirs = Shape::new();
    for (path, field) in [
        ("json/quoted-2026-09-character-zoneRankings-encounterRankings-excerpt.json", Some("zoneRankings")),
        ("json/retail-zone24-character-zoneRankings-partition-all.json", Some("zoneRankings")),
        ("report-rankings/zoneRankings-lockedIn-false-fragment.json", None),
    ] {
        let Some(text) = sample(path) else { return };
        let answer: Value = serde_json::from_str(&text).unwrap();
        add(&mut theirs, "", field.map_or(&answer, |field| &answer[field]));
    }
    theirs.remove("._source");
    // Null where nobody has killed the boss, and whole numbers, are known from other answers than these.
    let known = |line: &String| line.ends_with("is null") || line.ends_with("is int") || line.ends_with("is float");
    let unexplained = |lines: Vec<String>| lines.into_iter().filter(|line| !known(line)).collect::<Vec<_>>();
    assert_eq!(unexplained(differences(&ours, &theirs)), Vec::<String>::new());
    assert_eq!(unexplained(differences(&theirs, &ours)), Vec::<String>::new());
}

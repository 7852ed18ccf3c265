//! Answers of the live API, where they lie on this machine: `PARSEBOOK_WCL_SAMPLES` names their folder. They are not
//! ours to give away, so they are not in the repository.

use std::path::PathBuf;

use parsebook_core::report::{Percent, RankRow};
use serde_json::Value;

use super::{Skipped, rows};

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("PARSEBOOK_WCL_SAMPLES").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: PARSEBOOK_WCL_SAMPLES names no folder with answers of the live API");
    }
    Some(folder?.join("report-rankings"))
}

/// Reads an answer of which nothing may be lost.
fn whole(answer: &Value) -> rows::Rows {
    let mut skipped = Skipped::default();
    let read = rows::read(answer, &mut skipped).unwrap();
    assert_eq!(skipped.into_lines(), [""; 0]);
    read
}

/// Characters in an answer, counted without reading them.
fn characters(answer: &Value) -> usize {
    let fights = answer["data"].as_array().unwrap().iter();
    let roles = fights.flat_map(|fight| fight["roles"].as_object().unwrap().values());
    roles.map(|role| role["characters"].as_array().unwrap().len()).sum()
}

#[test]
fn every_recorded_report_is_read_without_a_loss() {
    let Some(folder) = folder() else { return };
    let lines = std::fs::read_to_string(folder.join("retail-report-rankings-139-reports.jsonl")).unwrap();
    let answers: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut fights = 0;
    let mut rows: Vec<(i64, RankRow)> = Vec::new();
    for answer in &answers {
        let zone = answer["rankings"]["data"][0]["zone"].as_i64().unwrap_or_default();
        let read = whole(&answer["rankings"]);
        fights += read.fights;
        rows.extend(read.rows.into_iter().map(|row| (zone, row)));
    }
    assert_eq!((answers.len(), fights, rows.len()), (139, 466, 9_214));
    let count = |is: &dyn Fn(&RankRow) -> bool| rows.iter().filter(|(_, row)| is(row)).count();
    assert_eq!(count(&|row| row.percent == Percent::NotYet), 0);
    assert_eq!(count(&|row| row.banned), 7);
    assert_eq!(count(&|row| row.percent == Percent::Unranked), 83);
    assert!(rows.iter().all(|(zone, row)| (row.percent == Percent::Unranked) == (*zone == 40)));
    assert_eq!(count(&|row| row.spec.is_none()), 0);
}

#[test]
fn answers_about_classic_are_read_without_a_loss() {
    let Some(folder) = folder() else { return };
    for code in ["BxZPrhXYDfL1VKm8", "pkHqfrBbhQK9GP1a"] {
        let text = std::fs::read_to_string(folder.join(format!("classic-tbc-report-rankings-{code}.json"))).unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        let read = whole(&answer);
        assert!(read.fights > 0, "{code}");
        assert_eq!(read.rows.len(), characters(&answer), "{code}");
    }
}

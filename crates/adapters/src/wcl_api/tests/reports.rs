//! Lists, details and ranks of reports.

use parsebook_core::Timestamp;
use parsebook_core::ports::{ReportLists, ReportRanks};
use parsebook_core::report::{DetailOutcome, LAST_LIST_PAGE, Metric, Percent, ReportOutcome, Window};

use super::*;

const PRIVATE: &str = "You do not have permission to view this report.";

fn codes(codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

fn row(id: u32, class: &str, spec: &str, percent: Value) -> Value {
    json!({"id": id, "name": "Chôgun", "server": {"id": 1, "name": "Temple noir", "region": "EU"}, "class": class,
        "spec": spec, "rankPercent": percent})
}

/// `rankings` of one kill: a Holy paladin, a rogue without a percentile, a banned mage.
fn rankings() -> Value {
    let mut banned = row(3, "Mage", "Frost", json!(99));
    banned["banned"] = json!(true);
    json!({"data": [{
        "fightID": 7, "partition": 2, "zone": 44, "encounter": {"id": 3129, "name": "B"}, "difficulty": 4,
        "roles": {
            "tanks": {"characters": []},
            "healers": {"characters": [row(1, "Paladin", "Holy", json!(91))]},
            "dps": {"characters": [row(2, "Rogue", "Outlaw", Value::Null), banned]},
        },
    }]})
}

fn report() -> Value {
    json!({
        "startTime": 1_790_000_000_000_u64, "endTime": 1_790_009_000_000_u64, "revision": 4, "segments": 3, "exportedSegments": 2,
        "rankedCharacters": [{"id": 1, "canonicalID": 1, "hidden": false}, {"id": 2, "canonicalID": 22, "hidden": true}],
        "fights": [{"id": 7, "encounterID": 3129, "difficulty": 4, "startTime": 0, "endTime": 500}],
        "dps": rankings(), "hps": rankings(),
    })
}

/// The answer to a question for reports; `None` is a private one.
fn reports(query: &str, report: impl Fn(&str) -> Option<Value>) -> Answer {
    let mut data = serde_json::Map::new();
    let mut errors = Vec::new();
    for code in aliases(query, "r") {
        let alias = format!("r{code}");
        match report(code) {
            Some(report) => {
                data.insert(alias, report);
            }
            None => {
                errors.push(json!({"message": PRIVATE, "path": ["reportData", alias]}));
                data.insert(alias, Value::Null);
            }
        }
    }
    Answer::json(&json!({"data": {"rateLimitData": points(10.0), "reportData": data}, "errors": errors}))
}

fn just_points() -> Answer {
    Answer::json(&json!({"data": {"rateLimitData": points(10.0)}}))
}

#[tokio::test]
async fn a_batch_of_reports_is_ranked_by_one_question() {
    let server = Server::start(|query, _| reports(query, |code| (code != "secret").then(report))).await;
    let ranked = server.api().rank_reports("main", &whole(&["aB1", "secret", "not a code"])).await;
    assert!(ranked.stopped.is_none(), "{:?}", ranked.stopped);
    let outcome = |code: &str| &ranked.outcomes.iter().find(|(of, _)| of == code).unwrap().1;
    assert_eq!(outcome("secret"), &ReportOutcome::Gone("private"));
    assert!(matches!(outcome("not a code"), ReportOutcome::Failed(_)));
    let ReportOutcome::Read(reading) = outcome("aB1") else { panic!("{ranked:?}") };
    assert_eq!((reading.revision, reading.is_partial), (4, true));
    assert_eq!(reading.end, Timestamp::from_timestamp_millis(1_790_009_000_000).unwrap());
    assert_eq!(reading.characters[1].canonical_id, Some(22));
    assert!(reading.characters[1].hidden);
    assert_eq!(reading.kills[0].ended_at, Timestamp::from_timestamp_millis(1_790_000_000_500).unwrap());
    let rows: Vec<_> = reading.rows.iter().map(|row| (row.player, row.metric, row.percent, row.banned)).collect();
    let expected = [
        (2, Metric::Dps, Percent::NotYet, false),
        (3, Metric::Dps, Percent::Known(99.0), true),
        (1, Metric::Hps, Percent::Known(91.0), false),
    ];
    assert_eq!(rows, expected);
    let [asked] = <[String; 1]>::try_from(server.asked()).unwrap();
    for metric in ["dps", "hps"] {
        let rankings = format!("{metric}: rankings(compare: Rankings, timeframe: Historical, playerMetric: {metric})");
        assert_eq!(asked.matches(&rankings).count(), 2, "{asked}");
    }
    assert!(!asked.contains("not a code"), "{asked}");
    assert_eq!(ranked.points_spent, 8.0, "two reports, one kill by two metrics");
}

#[tokio::test]
async fn a_report_too_large_to_read_is_alone_with_it() {
    let server = Server::start(|query, _| {
        let has_it = aliases(query, "r").any(|code| code == "huge");
        let mut answer = reports(query, |_| Some(report()));
        if has_it {
            answer.body.push_str(&" ".repeat(10_000_000));
        }
        answer
    })
    .await;
    let ranked = server.api().rank_reports("main", &whole(&["a", "b", "huge", "c", "d"])).await;
    assert!(ranked.stopped.is_none(), "{:?}", ranked.stopped);
    let failed: Vec<_> =
        ranked.outcomes.iter().filter(|(_, outcome)| !matches!(outcome, ReportOutcome::Read(_))).collect();
    assert_eq!(failed, [&("huge".to_owned(), ReportOutcome::Failed("too large".to_owned()))]);
    assert_eq!(ranked.outcomes.len(), 5);
}

#[tokio::test]
async fn a_report_or_metric_that_cannot_be_understood_is_alone_with_it() {
    for odd in [json!(null), json!([]), json!({"error": "Internal server error"}), json!({"data": [{"fightID": "x"}]})]
    {
        let told = odd.to_string();
        let server = Server::start(move |query, _| {
            reports(query, |code| {
                let mut report = report();
                report["exportedSegments"] = json!(3);
                if code != "b" {
                    report["hps"] = odd.clone();
                }
                if code == "odd" {
                    report["dps"] = odd.clone();
                }
                Some(report)
            })
        })
        .await;
        let ranked = server.api().rank_reports("main", &whole(&["odd", "half", "b"])).await;
        let read = |code: &str| match &ranked.outcomes.iter().find(|(of, _)| of == code).unwrap().1 {
            ReportOutcome::Read(reading) => Some((reading.rows.len(), reading.is_partial, reading.skipped.len())),
            _ => None,
        };
        assert_eq!((read("odd"), read("b")), (None, Some((3, false, 0))), "{told}");
        assert_eq!(read("half"), Some((2, true, 1)), "{told}: what it says by the other metric is not lost");
    }
}

#[tokio::test]
async fn an_error_of_one_metric_is_not_the_reports() {
    let server = Server::start(|query, _| {
        let errors: Vec<Value> = [("half", "hps"), ("old", "dps"), ("old", "hps")]
            .iter()
            .filter(|(code, _)| query.contains(&format!("r{code}: ")))
            .map(|(code, metric)| {
                let message = if *code == "old" { "This report has been archived." } else { "Internal server error" };
                json!({"message": message, "path": ["reportData", format!("r{code}"), metric]})
            })
            .collect();
        let data: serde_json::Map<_, _> = aliases(query, "r")
            .map(|code| {
                let mut report = report();
                report["exportedSegments"] = json!(3);
                report["hps"] = Value::Null;
                (format!("r{code}"), report)
            })
            .collect();
        Answer::json(&json!({"data": {"rateLimitData": points(10.0), "reportData": data}, "errors": errors}))
    })
    .await;
    let ranked = server.api().rank_reports("main", &whole(&["half", "old"])).await;
    let outcome = |code: &str| &ranked.outcomes.iter().find(|(of, _)| of == code).unwrap().1;
    let ReportOutcome::Read(half) = outcome("half") else { panic!("{ranked:?}") };
    assert_eq!((half.rows.len(), half.is_partial), (2, true));
    assert_eq!(half.skipped, ["ranks by hps: Internal server error"]);
    assert_eq!(outcome("old"), &ReportOutcome::Gone("archived"));
}

#[tokio::test]
async fn reports_that_nobody_understands_are_no_reports_fault() {
    let server = Server::start(|query, _| reports(query, |_| Some(json!({"v3": true})))).await;
    let ranked = server.api().rank_reports("main", &whole(&["a", "b"])).await;
    assert!(ranked.outcomes.is_empty(), "{ranked:?}");
    assert!(ranked.stopped.unwrap().to_string().contains("none of 2 reports can be understood"));
    let server = Server::start(|query, _| match query.contains("report(") {
        true => reports(query, |_| Some(json!({"v3": true}))),
        false => just_points(),
    })
    .await;
    // Of these, discover knows whether they are a whole page.
    let details = server.api().details(&codes(&["a", "b"])).await.unwrap();
    let failed = details.iter().filter(|(_, outcome)| matches!(outcome, DetailOutcome::Failed(_)));
    assert_eq!((details.len(), failed.count()), (2, 2));
}

#[tokio::test]
async fn details_of_many_reports_take_few_requests() {
    let server = Server::start(|query, _| match query.contains("report(") {
        true => reports(query, |code| (code != "r3").then(report)),
        false => just_points(),
    })
    .await;
    let asked: Vec<String> = (0..41).map(|number| format!("r{number}")).collect();
    let details = server.api().details(&asked).await.unwrap();
    assert_eq!(details.len(), 41);
    assert!(details.contains(&("r3".to_owned(), DetailOutcome::Gone("private"))));
    let read = details.iter().filter(|(_, outcome)| matches!(outcome, DetailOutcome::Read(_))).count();
    assert_eq!(read, 40);
    let questions = server.asked().iter().filter(|query| query.contains("report(")).count();
    assert_eq!(questions, 3);
}

#[tokio::test]
async fn an_error_that_names_no_report_is_found_by_asking_alone() {
    let server = Server::start(|query, _| {
        if !query.contains("report(") {
            return just_points();
        }
        let mut data = serde_json::Map::new();
        let mut errors = vec![];
        for code in aliases(query, "r") {
            let is_gone = code == "lost";
            data.insert(format!("r{code}"), if is_gone { Value::Null } else { report() });
            errors.extend(is_gone.then(|| json!({"message": "This report does not exist."})));
        }
        Answer::json(&json!({"data": {"reportData": data}, "errors": errors}))
    })
    .await;
    let details = server.api().details(&codes(&["a", "lost", "b"])).await.unwrap();
    assert!(details.contains(&("lost".to_owned(), DetailOutcome::Gone("deleted"))), "{details:?}");
    assert_eq!(details.iter().filter(|(_, outcome)| matches!(outcome, DetailOutcome::Read(_))).count(), 2);
}

#[tokio::test]
async fn a_page_beyond_the_last_is_never_asked_for() {
    let server = Server::start(|_, _| just_points()).await;
    let window = Window { raid: 44, from: Timestamp::UNIX_EPOCH, to: Timestamp::UNIX_EPOCH };
    let api = server.api();
    for page in [0, LAST_LIST_PAGE + 1] {
        let error = api.list(&window, page).await.unwrap_err().to_string();
        assert!(error.contains(&format!("page {page}")), "{error}");
    }
    assert!(server.asked().is_empty());
    let error = api.list(&window, 1).await.unwrap_err().to_string();
    assert!(error.contains("raid 44, page 1"), "{error}");
}

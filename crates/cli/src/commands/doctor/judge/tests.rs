use parsebook_core::rule::{Block, RuleId, RuleState, Wait};

use super::*;

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn rule(state: RuleState) -> Rule {
    Rule {
        id: RuleId("a".into()),
        target: serde_json::from_value(serde_json::json!({ "raid": 31, "difficulty": 4 })).unwrap(),
        last_run: None,
        enabled: true,
        state,
    }
}

fn points(limit_per_hour: f64) -> KeyPoints {
    KeyPoints { key: "main".into(), limit_per_hour, remaining: 120.0, resets_at: now() + TimeDelta::minutes(30) }
}

/// The checks of a store with these rules.
fn with_rules(rules: Vec<Rule>, malformed: Vec<Malformed>) -> Vec<Check> {
    store("./data", Ok(&(rules, malformed)), " --store mongodb", now())
}

#[test]
fn what_is_well_passes() {
    let checks = [
        vec![settings(Ok(())), api("https://www.warcraftlogs.com", Ok(())), clock(now(), Some(now()))],
        with_rules(vec![rule(RuleState::default())], vec![]),
        vec![key("main", Ok(&points(3600.0)), 6.0, now()), repository("./addon", Ok(()))],
    ]
    .concat();
    assert!(checks.iter().all(Check::is_ok), "{checks:#?}");
    let lines: Vec<_> = checks.iter().map(Check::line).collect();
    assert!(lines.iter().any(|line| line.contains("live: https://www.warcraftlogs.com")));
    assert!(
        lines.iter().any(|line| line.contains("120 of 3600 points left") && line.contains("about 600 players")),
        "{lines:?}"
    );
}

#[test]
fn each_fault_is_named_with_its_fix() {
    let error = |text: &'static str| anyhow::anyhow!(text);
    let until = now() + TimeDelta::hours(1);
    let block = Block { at: now(), since: now(), until, refusals: 1, reason: "a human check".into() };
    let wait = Wait { since: now(), until, failures: 3, reason: "WCL has no raid 999".into() };
    let bad_key = ApiError::BadKey { key: "main".into(), reason: "HTTP 401".into() };
    let malformed =
        Malformed { document: "discovery_schedules 7".into(), reason: "raid: \"x\" is no whole number".into() };
    let paused = Rule { enabled: false, ..rule(RuleState::default()) };
    let of_store = |text| store("", Err(&error(text)), "", now());
    let key_error = |error: &ApiError| vec![key("main", Err(error), 6.0, now())];
    let faults: Vec<(Vec<Check>, &str, &str)> = vec![
        (vec![settings(Err(("WCL_API_KEYS", "is not set")))], "WCL_API_KEYS is not set", "set WCL_API_KEYS"),
        (vec![settings(Err(("MAX_THREADS", "0 is not at least 1")))], "MAX_THREADS", "set MAX_THREADS"),
        (of_store("no store in ./data"), "no store", "rules add"),
        (of_store("MONGODB_URI: the server does not answer"), "does not answer", "MONGODB_URI"),
        (store("MongoDB", Err(&error("it does not answer")), "", now()), "does not answer", "MONGODB_URI"),
        (of_store("opening ./data: permission denied"), "permission", "permissions"),
        (with_rules(vec![], vec![]), "there are none", "rules add"),
        (with_rules(vec![paused], vec![]), "all are paused", "rules resume"),
        (with_rules(vec![rule(RuleState::default())], vec![malformed]), "no whole number", "correct the document"),
        (
            with_rules(vec![rule(RuleState { block: Some(block), ..Default::default() })], vec![]),
            "human check",
            "refuses",
        ),
        (
            with_rules(vec![rule(RuleState { wait: Some(wait), ..Default::default() })], vec![]),
            "no raid 999",
            "rules remove a --store mongodb",
        ),
        (vec![key("main", Ok(&points(0.0)), 6.0, now())], "no points in any hour", "another client"),
        (vec![key("main", Ok(&points(5.0)), 6.0, now())], "may cost 6", "WCL_CALL_BUDGET"),
        (key_error(&bad_key), "not accepted", "clientSecret"),
        (key_error(&ApiError::Refused("HTTP 403".into())), "refused", "do not try to get round it"),
        (key_error(&ApiError::Failed(error("connection refused"))), "connection refused", "WCL_URL"),
        (vec![api("http://127.0.0.1:1", Err("connection refused"))], "connection refused", "WCL_URL"),
        (vec![clock(now(), Some(now() - TimeDelta::minutes(5)))], "300 s ahead", "NTP"),
        (vec![clock(now(), Some(now() + TimeDelta::hours(2)))], "7,200 s behind", "NTP"),
        (
            vec![repository("https://git.example/a.git", Err(&PublishError::PushRejected("HTTP 403".into())))],
            "HTTP 403",
            "GIT_TOKEN",
        ),
        (
            vec![repository("https://git.example/a.git", Err(&PublishError::Failed(error("no such host"))))],
            "no such host",
            "GIT_REPOSITORY_URL",
        ),
        (vec![repository("./addon", Err(&PublishError::Failed(error("read-only"))))], "read-only", "--out"),
    ];
    assert!(faults.len() >= 20);
    for (checks, what, fix) in faults {
        let failed: Vec<_> = checks.iter().filter(|check| !check.is_ok()).collect();
        assert_eq!(failed.len(), 1, "{what}: {checks:#?}");
        let line = failed[0].line();
        let (told, mended) = line.split_once("; fix: ").unwrap_or_default();
        assert!(told.contains(what) && mended.contains(fix), "{line}");
    }
}

#[test]
fn a_key_that_waits_for_its_points_is_a_valid_key() {
    let exhausted = ApiError::PointsExhausted { resets_at: now() + TimeDelta::minutes(12) };
    let check = key("main", Err(&exhausted), 6.0, now());
    assert!(check.is_ok() && check.line().contains("12 min"), "{}", check.line());
}

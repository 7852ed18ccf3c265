use serde_json::json;

use super::*;

fn now() -> Timestamp {
    // A Monday, half past ten.
    Timestamp::UNIX_EPOCH + TimeDelta::days(20_001) + TimeDelta::minutes(630)
}

fn ago(minutes: i64) -> Timestamp {
    now() - TimeDelta::minutes(minutes)
}

fn run(stage: &str, minutes_ago: i64, summary: Value) -> Run {
    let begun = Run::begin(format!("{stage} {minutes_ago}"), stage, ago(minutes_ago) - TimeDelta::seconds(30), None);
    begun.ended(ago(minutes_ago), summary)
}

fn history(runs: &[Run]) -> History {
    let mut history = History::new(now());
    runs.iter().for_each(|run| history.add(run));
    history
}

#[test]
fn points_and_players_are_counted_where_they_belong() {
    let summary = json!({ "done": 5, "reports": 1, "playersOfReports": 9, "pointsSpent": 40.0, "key": "main",
                          "pointsLeft": { "main": 3500.0 } });
    let players_alone = json!({ "done": 4, "pointsSpent": 30.0 });
    let history = history(&[
        run("player-rank", 24 * 60, summary.clone()),
        run("player-rank", 90, summary.clone()),
        run("player-rank", 6, players_alone),
        run("player-rank", 5, summary),
        run("discover", 4, json!({ "raid": 44, "difficulty": 5, "pages": 2, "players": 30, "pointsSpent": 20.0 })),
    ]);
    assert_eq!(history.points_this_hour(), 90.0);
    assert_eq!(history.hours[&full_hour(ago(90))].points, 40.0);
    let days: Vec<_> =
        history.days.values().map(|day| (day.players, day.reports, day.points, day.discovered)).collect();
    assert_eq!(days, [(4, 1, 40.0, 0), (12, 2, 130.0, 30)]);
    assert_eq!(history.points_a_player(), Some(7.5));
    assert_eq!(history.points_an_hour(), Some(3500.0));
    let a_day = history.players_a_day().unwrap();
    assert!((15.9..16.0).contains(&a_day), "16 players in a day and half a minute: {a_day}");
    assert_eq!(History::new(now()).players_a_day(), None);
}

#[test]
fn the_queue_is_followed_backwards_from_what_it_holds_now() {
    let history = history(&[
        run("aggregator", 150, json!({ "sent": 100, "left": 7 })),
        run("player-rank", 80, json!({ "done": 40 })),
        run("player-rank", 10, json!({ "done": 20, "finished": ["player 3: no such character"] })),
    ]);
    let depths = |queued| history.queue_by_hour(queued).into_iter().map(|(_, depth)| depth).collect::<Vec<_>>();
    // Nothing at 7, then 100 sent, 40 taken, 21 taken.
    assert_eq!(depths(Some(39)), [0, 100, 60, 39]);
    assert_eq!(depths(None), [0, 100, 60, 39], "a queue that cannot be asked was empty at its lowest");
    assert_eq!(history.left, [(ago(150), 7)]);
}

#[test]
fn every_rule_of_an_invocation_counts_for_itself() {
    let refused = json!({ "raid": 31, "difficulty": 5, "source": "site", "pages": 1, "players": 9, "stopped": "blocked",
                          "refused": true, "reason": "a human check", "skipped": 2 });
    let fine = json!({ "raid": 44, "difficulty": 4, "source": "reports", "pages": 3, "players": 8, "reports": 70,
                       "stopped": "complete", "skipped": 6 });
    let history = history(&[run("discover", 9, json!({ "players": 17, "rules": [refused, fine] }))]);
    let key = RuleKey { raid: 31, difficulty: 5, source: "site".into() };
    let refused = &history.discovery[&key];
    assert_eq!((refused.skipped, refused.refused), (2, 1));
    assert_eq!(refused.last_reason.as_deref(), Some("a human check"));
    let fine = &history.discovery[&RuleKey { raid: 44, difficulty: 4, source: "reports".into() }];
    assert_eq!((fine.pages, fine.reports, fine.skipped, &fine.last_reason), (3, 70, 6, &None));
}

#[test]
fn what_did_not_end_well_is_listed_for_what_it_was() {
    let begun = |stage: &str, minutes| Run::begin(stage.into(), stage, ago(minutes), Some(ago(minutes - 15)));
    let runs = [
        begun("killed", 60),
        begun("hung", 50).alive(ago(35) - TimeDelta::seconds(15)),
        begun("failed", 40).failed(ago(39), "StoreAway", "no answer from 10.0.0.1", Default::default()),
        begun("paused", 30).failed(ago(29), "NoBudget", "no key has the 450 points", Default::default()),
        begun("running", 1).alive(ago(0)),
        run("player-rank", 1, json!({ "failed": [{ "reason": "player 12: 502" }, { "reason": "player 7: 500" }] })),
    ];
    let history = history(&runs);
    let fates: Vec<_> = history.incidents.iter().map(|incident| (incident.stage.as_str(), incident.fate)).collect();
    assert_eq!(
        fates,
        [("running", Fate::Running), ("failed", Fate::Failed), ("hung", Fate::Hung), ("killed", Fate::Killed)]
    );
    assert_eq!(history.incidents[1].reason, "StoreAway: no answer from 10.0.0.1");
    let kinds: Vec<_> = history
        .failures
        .iter()
        .map(|((stage, kind), failure)| (stage.as_str(), kind.as_str(), failure.count))
        .collect();
    assert_eq!(kinds.len(), 5, "{kinds:?}");
    assert!(kinds.contains(&("player-rank", "player #: #", 2)), "{kinds:?}");
}

#[test]
fn databases_are_followed_and_a_dry_run_is_none() {
    let regions = json!([{ "region": "EU", "characters": 10, "realms": 3, "bytes": 900, "generatedAt": ago(2001) },
                         { "bytes": 3 }, "nonsense"]);
    let history = history(&[
        run("db-generator", 2000, json!({ "stopped": "published", "regions": regions })),
        run("db-generator", 60, json!({ "stopped": "dryRun", "regions": regions })),
    ]);
    let published = Database { at: ago(2000), characters: 10, realms: 3, bytes: 900, generated_at: Some(ago(2001)) };
    assert_eq!(history.databases["EU"], [published]);
    assert_eq!(history.databases.len(), 1);
}

#[test]
fn a_database_that_is_published_every_minute_is_kept_once_an_hour() {
    let at = |minutes, characters| {
        run("db-generator", minutes, json!({ "regions": [{ "region": "EU", "characters": characters }] }))
    };
    // Half past ten it is now.
    let history = history(&[at(90, 1), at(29, 2), at(28, 3), at(1, 4)]);
    let kept: Vec<_> = history.databases["EU"].iter().map(|database| database.characters).collect();
    assert_eq!(kept, [1, 4]);
}

#[test]
fn a_summary_of_any_form_is_taken() {
    for summary in
        [json!(null), json!([1]), json!("text"), json!({ "done": "many", "pointsSpent": null, "left": -3.5 })]
    {
        for stage in ["discover", "aggregator", "player-rank", "reviver", "db-generator", "other"] {
            assert_eq!(history(&[run(stage, 3, summary.clone())]).runs, 1);
        }
    }
}

#[test]
fn every_stage_tells_how_its_runs_went() {
    let begun = Run::begin("failed".into(), "discover", ago(40), None);
    let history = history(&[
        run("discover", 60, json!({})),
        run("discover", 50, json!({})),
        begun.failed(ago(39), "Failed", "HTTP 500", Default::default()),
        run("reviver", 9, json!({})),
        Run::begin("running".into(), "discover", ago(1), None).alive(ago(0)),
    ]);
    assert_eq!((history.runs, history.first), (5, Some(ago(60) - TimeDelta::seconds(30))));
    let discover = &history.stages["discover"];
    assert_eq!(discover.fates, BTreeMap::from([(Fate::Ok, 2), (Fate::Failed, 1), (Fate::Running, 1)]));
    assert_eq!((discover.last_ok, discover.seconds), (Some(ago(50)), 120.0), "two of half a minute, one of a minute");
    assert_eq!(history.stages["reviver"].last_ok, Some(ago(9)));
    assert_eq!(history.now(), now());
}

#[test]
fn an_hour_adds_up_what_was_sent_and_what_left_the_queue() {
    let history = history(&[
        run("aggregator", 25, json!({ "sent": 30, "reports": 4 })),
        run("aggregator", 24, json!({ "sent": 5, "reports": 0, "left": 2 })),
        run("player-rank", 20, json!({ "done": 3, "finished": ["a", "b"], "deadLettered": ["c"] })),
        run("player-rank", 19, json!({ "done": 2, "finished": ["a"], "deadLetteredCount": 9, "deadLettered": ["x"] })),
        Run::begin("1".into(), "player-rank", ago(9), None).failed(ago(8), "NoBudget", "", Default::default()),
        Run::begin("2".into(), "player-rank", ago(7), None).failed(ago(6), "NoBudget", "", Default::default()),
        Run::begin("3".into(), "player-rank", ago(5), None).failed(ago(4), "StoreAway", "", Default::default()),
    ]);
    let hour = &history.hours[&full_hour(now())];
    assert_eq!((hour.sent, hour.taken, hour.without_points), (35, 6 + 12, 2));
    assert_eq!(full_hour(now()), now() - TimeDelta::minutes(30));
    assert_eq!(history.left, [(ago(24), 2)]);
}

#[test]
fn a_day_tells_players_that_were_asked_for_from_those_of_reports() {
    let history = history(&[
        run("player-rank", 30, json!({ "done": 4, "reports": 1, "playersOfReports": 20, "pointsSpent": 50.0 })),
        run("player-rank", 20, json!({ "done": 5, "reports": 2, "playersOfReports": 30, "pointsSpent": 70.0 })),
        run("player-rank", 10, json!({ "done": 2, "pointsSpent": 13.0 })),
        run("player-rank", 9, json!({ "done": 3, "pointsSpent": 17.0 })),
    ]);
    let day = Day {
        players: 11,
        reports: 3,
        players_alone: 5,
        points_alone: 30.0,
        players_of_reports: 50,
        points: 150.0,
        discovered: 0,
    };
    assert_eq!(history.days.values().collect::<Vec<_>>(), [&day]);
    assert_eq!(history.points_a_player(), Some(6.0));
}

#[test]
fn the_last_week_is_what_is_averaged_over() {
    let day = 24 * 60;
    let done = |players| json!({ "done": players, "pointsSpent": 12.0 });
    // It is half past ten: the week began seven days ago at midnight.
    let observed = 7.0 + 10.5 / 24.0;
    let history = history(&[
        run("player-rank", 8 * day, done(1000)),
        run("player-rank", 7 * day, json!({ "done": 30, "reports": 10, "pointsSpent": 400.0 })),
        run("player-rank", 5, done(4)),
        run("player-rank", -3 * day, done(500)),
    ]);
    assert_eq!(history.days_covered(), observed);
    assert_eq!(history.players_a_day(), Some(24.0 / observed));
    assert_eq!(history.messages_a_day(), Some(34.0 / observed));
    assert_eq!(history.points_a_player(), Some(3.0));
}

#[test]
fn nothing_is_averaged_before_there_is_something() {
    let empty = History::new(now());
    assert_eq!((empty.points_an_hour(), empty.points_this_hour()), (None, 0.0));
    let history = history(&[run("player-rank", 5, json!({ "done": 0, "pointsSpent": 9.0 }))]);
    assert_eq!((history.players_a_day(), history.messages_a_day(), history.points_a_player()), (None, None, None));
    assert_eq!(history.days_covered(), 1.0 / 24.0, "at least an hour");
    let later = History { first: Some(ago(36 * 60)), ..history };
    assert_eq!(later.days_covered(), 1.5);
}

#[test]
fn keys_are_known_by_what_they_had_left_and_by_their_limit() {
    let history = history(&[
        run("player-rank", 9, json!({ "pointsLeft": { "a": 3000.0, "b": 10.0 }, "pointsLimit": { "b": 18000.0 } })),
        run("player-rank", 5, json!({ "pointsLeft": { "a": 2500.5, "c": "many" } })),
    ]);
    assert_eq!(history.key_limits, BTreeMap::from([("a".into(), 3000.0), ("b".into(), 18000.0)]));
    assert_eq!(history.points_an_hour(), Some(21_000.0));
    assert_eq!(history.key_points["a"], KeySeen { at: ago(5), left: 2500.5 });
}

#[test]
fn the_queue_is_followed_for_a_week_at_most() {
    let history = history(&[run("aggregator", 30 * 24 * 60, json!({ "sent": 5 }))]);
    let depths = history.queue_by_hour(Some(7));
    assert_eq!(depths.len(), 7 * 24);
    assert_eq!(depths.last(), Some(&(full_hour(now()), 7)));
    assert_eq!(depths[0].0, full_hour(now()) - TimeDelta::hours(167));
    assert_eq!(History::new(now()).queue_by_hour(None), [(full_hour(now()), 0)]);
}

#[test]
fn a_rules_invocations_add_up() {
    let summary = |stopped: &str, refused: bool| {
        json!({ "raid": 44, "difficulty": 4, "pages": 3, "players": 8, "reports": 70, "skipped": 6, "stopped": stopped,
                "refused": refused })
    };
    let begun = Run::begin("killed".into(), "discover", ago(30), None);
    let killed = Run { summary: json!({ "unfinished": true, "raid": 44, "difficulty": 4 }), ..begun };
    let mut history = history(&[
        run("discover", 50, summary("blocked", true)),
        run("discover", 40, summary("deadline", true)),
        run("discover", 39, json!({ "raid": 44 })),
    ]);
    let key = RuleKey { raid: 44, difficulty: 4, source: "site".into() };
    let rule = RuleHistory {
        runs: 2,
        pages: 6,
        players: 16,
        reports: 140,
        skipped: 12,
        refused: 2,
        last: Some(ago(40)),
        last_reason: Some("deadline".into()),
    };
    assert_eq!(history.discovery, BTreeMap::from([(key.clone(), rule)]));
    history.add(&killed);
    assert_eq!(history.discovery[&key].last_reason.as_deref(), Some("killed"));
    let message = json!({ "raid": 44, "difficulty": 4 }).as_object().cloned().unwrap();
    history.add(&Run::begin("f".into(), "discover", ago(9), None).failed(ago(8), "Failed", "HTTP 500", message));
    assert_eq!(history.discovery[&key].last_reason.as_deref(), Some("HTTP 500"));
    history.add(&run("discover", 5, summary("complete", false)));
    let rule = &history.discovery[&key];
    assert_eq!((rule.last_reason.as_deref(), rule.refused, rule.runs), (None, 2, 5));
}

#[test]
fn why_a_run_failed_is_told_in_one_line() {
    let failed = |summary: Value| {
        let run = Run { summary, ..Run::begin("a".into(), "discover", ago(9), None) };
        history(&[run]).incidents[0].reason.clone()
    };
    let told = |name: &str| failed(json!({ "errorType": name, "errorMessage": "HTTP 500" }));
    assert_eq!((told("StoreAway").as_str(), told("Failed").as_str()), ("StoreAway: HTTP 500", "HTTP 500"));
    assert_eq!(failed(json!({ "errorMessage": "HTTP 500" })), "HTTP 500");
    assert_eq!(failed(json!({ "errorType": "StoreAway" })), "StoreAway");
    assert_eq!(failed(json!({ "reason": "a human check" })), "a human check");
    assert_eq!(failed(json!({})), "no reason given");
}

#[test]
fn a_run_that_is_at_work_has_not_failed() {
    let running = Run::begin("a".into(), "discover", ago(1), None).alive(ago(0));
    let history = history(&[running, run("player-rank", 1, json!({ "failed": ["HTTP 500", {}] }))]);
    let kinds: Vec<_> = history.failures.keys().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(kinds, ["HTTP #", "no reason given"]);
    assert_eq!(history.incidents[0].reason, "at work");
}

#[test]
fn many_kinds_of_failures_need_no_more_room_than_a_hundred() {
    // Kinds differ in words, not in numbers.
    let kind = |index: usize| "abcdefghijklmnopqrstuvwxyz"[index % 26..].repeat(1 + index / 26);
    let failed = |index: usize| json!({ "reason": kind(index) });
    let failing = |minutes, messages: Vec<Value>| Run {
        summary: json!({ "failed": messages }),
        ..run("player-rank", minutes, json!({}))
    };
    let history = history(&[failing(9, (0..150).map(failed).collect()), failing(5, vec![failed(3), failed(140)])]);
    let of = |kind: String| history.failures.get(&("player-rank".to_owned(), kind));
    assert_eq!(of(kind(3)).unwrap(), &Failure { count: 2, last: ago(5) });
    assert_eq!(of(kind(4)).unwrap(), &Failure { count: 1, last: ago(9) });
    assert_eq!(of(kind(99)).unwrap().count, 1);
    assert!(of(kind(100)).is_none());
    assert_eq!(of("other reasons".into()).unwrap(), &Failure { count: 51, last: ago(5) });
}

#[test]
fn the_newest_thirty_incidents_are_listed() {
    let failed = |minutes| {
        Run::begin("a".into(), "reviver", ago(minutes), None).failed(ago(minutes), "Failed", "x", Default::default())
    };
    let history = history(&(0..40).map(|index| failed(100 - index)).collect::<Vec<_>>());
    assert_eq!(history.incidents.len(), 30);
    assert_eq!((history.incidents[0].started_at, history.incidents[29].started_at), (ago(61), ago(90)));
}

#[test]
fn counts_are_read_from_numbers_and_lists_of_any_age() {
    let summary = json!({ "whole": 3, "double": 4.0, "negative": -2, "list": [1, 2], "cut": [1], "cutCount": 70,
                          "text": "9", "infinite": 1e308 });
    let counts = ["whole", "double", "negative", "list", "cut", "text", "absent"].map(|name| count(&summary, name));
    assert_eq!(counts, [3, 4, 0, 2, 70, 0, 0]);
    assert_eq!(["double", "negative", "text"].map(|name| number(&summary, name)), [4.0, -2.0, 0.0]);
}

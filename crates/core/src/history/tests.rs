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
                          "refused": true, "reason": "a human check", "setAside": [4, 5] });
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

//! Each binary, as built, through the Runtime API: settings, events, answers, and the whole chain.

use parsebook_core::ports::{Discoveries, Rules};
use parsebook_simulator::World;
use parsebook_test_support::lambda::Function;
use parsebook_test_support::oracle::verify_boards;
use parsebook_test_support::pipeline::{LAMBDAS, Pipeline, answered, binary, discover_all, sqs_event};
use serde_json::{Value, json};

#[tokio::test]
async fn a_missing_or_contradictory_setting_stops_the_start_by_name() {
    let Some(pipeline) = Pipeline::start(World::generate(10, 1), |_| {}).await.unwrap() else { return };
    let variables = pipeline.variables();
    let cases = [
        ("discover", "MONGODB_URI", None),
        ("discover", "WCL_USER_AGENT", Some("")),
        ("discover", "MONGODB_URI_PARAMETER", Some("/uri")),
        ("discover", "WCL_API_KEYS", Some(r#"[{"name":"a","clientSecret":"hush"}]"#)),
        ("aggregator", "QUEUE_URL", None),
        ("aggregator", "MONGODB_URI", Some("mongodb://keeper:hush?word@127.0.0.1:1/wcl")),
        ("player-rank", "WCL_CALL_BUDGET", None),
        ("player-rank", "REVIVER_SCHEDULE_NAME", None),
        ("reviver", "LAMBDA_TO_REVIVE", None),
        ("reviver", "CONCURRENCY_LIMIT", Some("many")),
        ("db-generator", "GIT_REPOSITORY_URL", None),
        ("db-generator", "GIT_TOKEN_PARAMETER", Some("/absent")),
    ];
    for (name, variable, value) in cases {
        let mut changed = variables.clone();
        changed.retain(|(name, _)| name != variable);
        changed.extend(value.map(|value| (variable.to_owned(), value.to_owned())));
        let ended = Function::try_start(&binary(name).unwrap(), &changed).await.unwrap().unwrap_err();
        let named = variable.trim_end_matches("_PARAMETER");
        assert_eq!(ended.status, Some(1), "{name} {variable}");
        assert!(ended.log.contains(named) && !ended.log.contains("hush"), "{name} {variable}: {}", ended.log);
    }
}

#[tokio::test]
async fn the_five_binaries_bring_a_world_into_the_addon() {
    let Some(pipeline) = Pipeline::start(World::generate(600, 5), |_| {}).await.unwrap() else { return };
    let asked = pipeline.add_rules().await.unwrap();

    let discover = pipeline.function("discover").await.unwrap();
    assert!(discover_all(&discover).await.unwrap() > 0);
    let waiting = pipeline.store.discovered_count().await.unwrap();

    let aggregator = pipeline.function("aggregator").await.unwrap();
    let summary = answered(aggregator.invoke(json!({})).await.unwrap()).unwrap();
    assert_eq!(
        (&summary["sent"], &summary["left"], &summary["stopped"]),
        (&json!(waiting), &json!(0), &json!("complete"))
    );
    let messages = pipeline.aws.account().messages.clone();
    assert_eq!(messages.len() as u64, waiting);

    let player_rank = pipeline.function("player-rank").await.unwrap();
    for batch in messages.chunks(5) {
        let answer = answered(player_rank.invoke(sqs_event(batch)).await.unwrap()).unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
    }
    let report = player_rank.last_report().unwrap();
    assert!(report["messagesDone"].as_f64().is_some_and(|done| done > 0.0), "{report}");
    let of_key = player_rank.log().iter().filter_map(|line| serde_json::from_str::<Value>(line).ok()).any(|line| {
        line["key"] == "main" && line["pointsLeft"].is_number() && line["_aws"]["CloudWatchMetrics"].is_array()
    });
    assert!(of_key, "points per key are told");

    let db_generator = pipeline.function("db-generator").await.unwrap();
    let dry = answered(db_generator.invoke(json!({ "dryRun": true, "regions": ["EU"] })).await.unwrap()).unwrap();
    assert_eq!(dry["stopped"], "dryRun");
    let first = answered(db_generator.invoke(json!({})).await.unwrap()).unwrap();
    assert_eq!(first["stopped"], "published", "{first}");
    let again = answered(db_generator.invoke(json!({})).await.unwrap()).unwrap();
    assert_eq!(again["stopped"], "unchanged", "the same data is the same bytes");
    let folder = pipeline.checked_out().unwrap();
    assert!(verify_boards(folder.path(), pipeline.simulator.world(), &asked).unwrap() > 100);
    let report = db_generator.last_report().unwrap();
    assert_eq!(report["publications"], 1.0);
}

#[tokio::test]
async fn a_backfill_touches_no_rule_and_an_event_that_is_none_is_named() {
    let Some(pipeline) = Pipeline::start(World::generate(300, 2), |_| {}).await.unwrap() else { return };
    let (raid, difficulty) = *pipeline.add_rules().await.unwrap().last().unwrap();
    let (before, _) = pipeline.store.rules().await.unwrap();
    let discover = pipeline.function("discover").await.unwrap();
    let event = json!({ "raid": raid, "difficulty": difficulty, "startPage": 1, "endPage": 1 });
    let summary = answered(discover.invoke(event).await.unwrap()).unwrap();
    assert_eq!((&summary["pages"], &summary["rule"]), (&json!(1), &Value::Null), "{summary}");
    assert_eq!(pipeline.store.rules().await.unwrap().0, before);
    assert!(pipeline.store.discovered_count().await.unwrap() > 0);
    for name in LAMBDAS.into_iter().filter(|name| *name != "reviver") {
        let function = pipeline.function(name).await.unwrap();
        let event = match name {
            "discover" => json!({ "raid": "x" }),
            "aggregator" => json!({ "force": "yes" }),
            "player-rank" => json!({ "neither": 1 }),
            _ => json!({ "regions": ["../x"] }),
        };
        let error = function.invoke(event).await.unwrap().unwrap_err();
        assert_eq!(error["errorType"], "InvalidEvent", "{name}: {error}");
    }
}

#[tokio::test]
async fn a_malformed_body_costs_the_others_nothing() {
    let Some(pipeline) = Pipeline::start(World::generate(100, 3), |_| {}).await.unwrap() else { return };
    let player =
        pipeline.simulator.world().players().find(|player| player.is_rankable() && player.ranks().next().is_some());
    let player = player.unwrap();
    let (raid, difficulty) = player.pairs().next().unwrap();
    let good = json!({ "id": player.id(), "raidsToScrap": { raid.to_string(): [difficulty] } }).to_string();
    let unknown = json!({ "id": 2_000_000_000, "raidsToScrap": { raid.to_string(): [difficulty] } }).to_string();
    let player_rank = pipeline.function("player-rank").await.unwrap();
    let bodies = ["{\"id\":", good.as_str(), "", unknown.as_str(), "{\"id\":1,\"raidsToScrap\":{}}"];
    let answer = answered(player_rank.invoke(sqs_event(&bodies)).await.unwrap()).unwrap();
    assert_eq!(answer, json!({ "batchItemFailures": [] }), "what can never succeed is finished");
    let by_hand = json!({ "players": [serde_json::from_str::<Value>(&good).unwrap()] });
    let summary = answered(player_rank.invoke(by_hand).await.unwrap()).unwrap();
    assert_eq!(summary["done"], 1, "{summary}");
}

#[tokio::test]
async fn what_never_succeeds_becomes_a_dead_letter_and_costs_the_others_nothing() {
    let Some(mut pipeline) = Pipeline::start(World::generate(100, 3), |_| {}).await.unwrap() else { return };
    pipeline.changed.push(("DEAD_LETTER_QUEUE_URL".to_owned(), pipeline.aws.queue_url()));
    let message = |id: i32| json!({ "id": id, "raidsToScrap": { "31": [4] } }).to_string();
    let ids: Vec<i32> = pipeline.simulator.world().players().map(|player| player.id()).take(2).collect();
    let players = pipeline.store.database().await.unwrap().collection::<mongodb::bson::Document>("players");
    players.insert_one(mongodb::bson::doc! { "_id": ids[0], "ranks": [] }).await.unwrap();
    let bodies = ["{\"id\":", &message(ids[0]), &message(ids[1])];
    let player_rank = pipeline.function("player-rank").await.unwrap();
    let returned = async || {
        let answer = answered(player_rank.invoke(sqs_event(&bodies)).await.unwrap()).unwrap();
        let items = answer["batchItemFailures"].as_array().unwrap().clone();
        items.iter().map(|item| item["itemIdentifier"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    pipeline.aws.account().refuse_dead_letters = true;
    assert_eq!(returned().await, ["m0", "m1"], "a letter that is not taken goes back alone");
    pipeline.aws.account().refuse_dead_letters = false;
    for failures in 2..5 {
        assert_eq!(returned().await, ["m1"], "failed {failures} times");
    }
    assert_eq!(returned().await, [""; 0], "failed five times");
    let account = pipeline.aws.account();
    let letter = |of: &str| account.dead_letters.iter().find(|letter| letter["MessageBody"] == of).cloned().unwrap();
    for (body, reason) in [(bodies[0], "not a message"), (bodies[1], "ranks")] {
        let letter = letter(body);
        assert!(letter["MessageAttributes"].to_string().contains(reason), "{letter}");
    }
}

#[tokio::test]
async fn without_points_the_consumer_slows_down_then_sleeps_and_is_woken() {
    let Some(pipeline) =
        Pipeline::start(World::generate(100, 4), |config| config.points_per_hour = Some(20)).await.unwrap()
    else {
        return;
    };
    let ids: Vec<_> =
        pipeline.simulator.world().players().filter(|player| player.is_rankable()).map(|p| p.id()).collect();
    let raid = pipeline.simulator.world().raids()[0].id;
    let bodies: Vec<_> = ids[..3]
        .iter()
        .map(|id| json!({ "id": id, "raidsToScrap": { raid.to_string(): [3, 4] } }).to_string())
        .collect();
    pipeline.aws.account().concurrency = Some(2);
    let player_rank = pipeline.function("player-rank").await.unwrap();
    for (limit, asleep) in [(1, false), (0, true)] {
        let error = player_rank.invoke(sqs_event(&bodies)).await.unwrap().unwrap_err();
        assert_eq!(error["errorType"], "NoBudget", "{error}");
        assert_eq!(pipeline.aws.account().concurrency, Some(limit));
        assert_eq!(pipeline.aws.account().mapping_enabled, !asleep);
    }
    {
        let account = pipeline.aws.account();
        let changes: Vec<_> =
            account.calls.iter().filter(|call| !call.starts_with("Get") && !call.starts_with("List")).collect();
        assert_eq!(changes, ["PutConcurrency 1", "CreateSchedule", "PutConcurrency 0", "UpdateMapping false"]);
        let schedule = &account.schedules["wake"];
        assert_eq!(schedule["ActionAfterCompletion"], "DELETE");
        let at = schedule["ScheduleExpression"].as_str().unwrap();
        assert!(at.starts_with("at(20") && at.ends_with(')'), "{at}");
        assert_eq!(schedule["Target"]["RoleArn"], "arn:aws:iam::000000000000:role/scheduler");
    }
    // A second invocation that decides the same moves the schedule and changes nothing else.
    player_rank.invoke(sqs_event(&bodies)).await.unwrap().unwrap_err();
    assert_eq!(pipeline.aws.account().schedules.len(), 1);
    assert!(pipeline.aws.account().calls.contains(&"UpdateSchedule".to_owned()));

    let reviver = pipeline.function("reviver").await.unwrap();
    for _ in 0..2 {
        let summary = answered(reviver.invoke(json!({ "any": "event" })).await.unwrap()).unwrap();
        assert_eq!(summary["concurrencyLimit"], 50);
    }
    assert_eq!(pipeline.aws.consumer(), (Some(50), true));

    // An account that cannot reserve took the 0 of the pause, and takes nothing else: it must go, or the consumer with it.
    {
        let mut account = pipeline.aws.account();
        (account.concurrency, account.mapping_enabled, account.cannot_reserve) = (Some(0), false, true);
    }
    let summary = answered(reviver.invoke(json!({})).await.unwrap()).unwrap();
    assert!(
        summary["limitNotSet"].as_str().is_some_and(|why| why.contains("UnreservedConcurrentExecution")),
        "{summary}"
    );
    assert_eq!(pipeline.aws.consumer(), (None, true));

    // Where the limit can be neither set nor removed the mapping is enabled all the same, and the failure is told.
    {
        let mut account = pipeline.aws.account();
        (account.concurrency, account.mapping_enabled) = (Some(0), false);
        account.failing.insert("DeleteConcurrency", 100);
    }
    let error = reviver.invoke(json!({})).await.unwrap().unwrap_err();
    assert!(error["errorMessage"].as_str().unwrap().contains("removing the concurrency limit"), "{error}");
    assert_eq!(pipeline.aws.consumer(), (Some(0), true));
}

//! Everything that breaks in the middle, and nothing lost by it.
#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use parsebook_core::ports::{Discoveries, Rules, Waiting};
use parsebook_core::scrap::{Discovered, RaidsToScrap};
use parsebook_simulator::World;
use parsebook_test_support::mongod::Mongod;
use parsebook_test_support::pipeline::{Pipeline, answered, discover_all, sqs_event};
use parsebook_test_support::switch::{Line, Switch};
use serde_json::{Value, json};

fn found(ids: std::ops::RangeInclusive<u32>) -> Vec<Discovered> {
    ids.map(|id| Discovered { id, raids_to_scrap: RaidsToScrap::one(31, 4) }).collect()
}

/// How often each player was sent.
fn sent(messages: &[String]) -> BTreeMap<u64, usize> {
    let mut sent = BTreeMap::new();
    for message in messages {
        let message: Value = serde_json::from_str(message).unwrap();
        *sent.entry(message["id"].as_u64().unwrap()).or_default() += 1;
    }
    sent
}

/// A killed aggregator's lease would hold for a minute.
async fn free_the_lease(pipeline: &Pipeline) {
    let leases = pipeline.store.database().await.unwrap().collection::<mongodb::bson::Document>("leases");
    leases.delete_many(mongodb::bson::doc! {}).await.unwrap();
}

#[tokio::test]
async fn two_aggregators_at_once_never_both_send() {
    const PLAYERS: u32 = 20_000;
    let Some(pipeline) = Pipeline::start(World::generate(10, 1), |_| {}).await.unwrap() else { return };
    pipeline.store.merge(&found(1..=PLAYERS)).await.unwrap();
    let (a, b) = tokio::join!(pipeline.function("aggregator"), pipeline.function("aggregator"));
    let (mut a, b) = (a.unwrap(), b.unwrap());
    let force = || json!({ "force": true });
    let (one, other) = tokio::join!(a.invoke(force()), b.invoke(force()));
    let mut summaries = [answered(one.unwrap()).unwrap(), answered(other.unwrap()).unwrap()];
    summaries.sort_by_key(|summary| summary["sent"].as_u64());
    assert_eq!((&summaries[0]["sent"], &summaries[0]["stopped"]), (&json!(0), &json!("anotherRuns")), "{summaries:?}");
    assert_eq!(
        (&summaries[1]["sent"], &summaries[1]["stopped"]),
        (&json!(PLAYERS), &json!("complete")),
        "{summaries:?}"
    );
    let sent_once = |messages: &[String]| sent(messages).values().all(|times| *times == 1);
    assert!(sent_once(&pipeline.aws.account().messages));
    let told =
        [&a, &b].into_iter().flat_map(|function| function.log()).filter(|line| line.contains("another aggregator"));
    let told: Vec<_> = told.collect();
    assert!(told.len() == 1 && told[0].contains(r#""level":"INFO""#), "{told:?}");

    // One that dies leaves its lease to expire: until then nobody sends, afterwards the other does.
    pipeline.store.merge(&found(PLAYERS + 1..=2 * PLAYERS)).await.unwrap();
    let cut_short = tokio::time::timeout(Duration::from_millis(150), a.invoke(force())).await;
    assert!(cut_short.is_err(), "killed in the middle");
    a.kill().unwrap();
    let waits = answered(b.invoke(force()).await.unwrap()).unwrap();
    assert_eq!(waits["stopped"], "anotherRuns");
    let leases = pipeline.store.database().await.unwrap().collection::<mongodb::bson::Document>("leases");
    let expired = mongodb::bson::doc! { "$set": { "expiresAt": mongodb::bson::DateTime::now() } };
    leases.update_many(mongodb::bson::doc! {}, expired).await.unwrap();
    let taken_over = answered(b.invoke(force()).await.unwrap()).unwrap();
    assert_eq!((&taken_over["stopped"], &taken_over["left"]), (&json!("complete"), &json!(0)), "{taken_over}");
    let messages = sent(&pipeline.aws.account().messages);
    assert_eq!(messages.len() as u32, 2 * PLAYERS, "no player lost");
    assert_eq!(leases.count_documents(mongodb::bson::doc! {}).await.unwrap(), 0, "given back");
}

#[tokio::test]
async fn an_aggregator_that_is_killed_sends_few_messages_twice_and_loses_none() {
    const PLAYERS: u32 = 20_000;
    let Some(pipeline) = Pipeline::start(World::generate(10, 1), |_| {}).await.unwrap() else { return };
    pipeline.store.merge(&found(1..=PLAYERS)).await.unwrap();
    let mut kills = 0;
    for wait_ms in (20..260).step_by(17) {
        let mut aggregator = pipeline.function("aggregator").await.unwrap();
        let invoked = aggregator.invoke(json!({ "force": true }));
        if tokio::time::timeout(Duration::from_millis(wait_ms), invoked).await.is_err() {
            kills += 1;
        }
        aggregator.kill().unwrap();
        free_the_lease(&pipeline).await;
        // What the killed one had handed over is carried out without it. Who is known to wait in the queue is dropped.
        let mut twice = Vec::new();
        for _ in 0..50 {
            let left = pipeline.store.discovered_after(None, PLAYERS as usize).await.unwrap().discovered;
            let waiting = pipeline.store.waiting(chrono::Utc::now()).await.unwrap();
            let sent = sent(&pipeline.aws.account().messages);
            let is_sent_again = |id: &u32| sent.contains_key(&u64::from(*id)) && !waiting.contains_key(id);
            twice = left.iter().map(|player| player.id).filter(is_sent_again).collect();
            if twice.len() <= 100 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(twice.len() <= 100, "after {wait_ms} ms {} players will be sent twice: {twice:?}", twice.len());
    }
    assert!(kills > 3, "{kills} kills");
    let aggregator = pipeline.function("aggregator").await.unwrap();
    answered(aggregator.invoke(json!({ "force": true })).await.unwrap()).unwrap();
    let sent = sent(&pipeline.aws.account().messages);
    assert_eq!(sent.len(), PLAYERS as usize, "no player lost");
    let repeated: usize = sent.values().map(|times| times - 1).sum();
    assert!(repeated <= 100 * kills, "{repeated} messages sent again after {kills} kills");
    assert_eq!(pipeline.store.discovered_count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_discover_that_is_killed_goes_on_where_it_stopped() {
    let adapt = |config: &mut parsebook_simulator::Config| config.latency = Duration::from_millis(60);
    let Some(mut pipeline) = Pipeline::start(World::generate(3000, 8), adapt).await.unwrap() else { return };
    pipeline.set("MAX_THREADS", "2");
    pipeline.set("PAGES_PER_THREAD", "3");
    let asked = pipeline.add_rules().await.unwrap();
    for (wait_ms, is_waited_for) in [(150, false), (250, false), (120, true)] {
        let mut discover = pipeline.function("discover").await.unwrap();
        let _ = tokio::time::timeout(Duration::from_millis(wait_ms), discover.invoke(json!({}))).await;
        discover.kill().unwrap();
        // The dead one's lease holds for a minute: waited for once, below.
        if is_waited_for {
            let (rules, _) = pipeline.store.rules().await.unwrap();
            assert!(rules.iter().any(|rule| rule.state.lease.is_some()), "killed in the middle");
            break;
        }
        let rules =
            pipeline.store.database().await.unwrap().collection::<mongodb::bson::Document>("discovery_schedules");
        let (empty, unset) = (mongodb::bson::doc! {}, mongodb::bson::doc! { "$unset": { "state.lease": "" } });
        rules.update_many(empty, unset).await.unwrap();
    }
    let discover = pipeline.function("discover").await.unwrap();
    let begun = std::time::Instant::now();
    loop {
        discover_all(&discover).await.unwrap();
        let (rules, _) = pipeline.store.rules().await.unwrap();
        if rules.iter().all(|rule| rule.last_run.is_some()) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "the dead one's rule is not free");
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let page = pipeline.store.discovered_after(None, 100_000).await.unwrap();
    let given: BTreeMap<u32, BTreeSet<(u32, u8)>> =
        page.discovered.into_iter().map(|player| (player.id, player.raids_to_scrap.pairs().collect())).collect();
    let mut expected: BTreeMap<u32, BTreeSet<(u32, u8)>> = BTreeMap::new();
    for player in pipeline.simulator.world().players().filter(|player| !player.is_hidden() && player.class_id() != 0) {
        for (raid, difficulty) in player.pairs().filter(|pair| asked.contains(pair)) {
            expected.entry(player.id() as u32).or_default().insert((raid as u32, difficulty));
        }
    }
    let lost: Vec<_> = expected.iter().filter(|(id, pairs)| given.get(id) != Some(pairs)).collect();
    assert!(lost.is_empty(), "{} players lost: {:?}", lost.len(), &lost[..lost.len().min(3)]);
}

#[tokio::test]
async fn a_player_rank_that_is_killed_loses_no_player() {
    let adapt = |config: &mut parsebook_simulator::Config| config.latency = Duration::from_millis(30);
    let Some(pipeline) = Pipeline::start(World::generate(300, 6), adapt).await.unwrap() else { return };
    let world = pipeline.simulator.world().clone();
    let messages: Vec<String> = world
        .players()
        .filter(|player| player.is_rankable() && player.pairs().next().is_some())
        .map(|player| {
            let (raid, difficulty) = player.pairs().next().unwrap();
            json!({ "id": player.id(), "raidsToScrap": { raid.to_string(): [difficulty] } }).to_string()
        })
        .take(40)
        .collect();
    for (batch, wait_ms) in messages.chunks(5).zip([10, 30, 50, 70, 90, 110, 130, 150]) {
        let mut player_rank = pipeline.function("player-rank").await.unwrap();
        let invoked = tokio::time::timeout(Duration::from_millis(wait_ms), player_rank.invoke(sqs_event(batch))).await;
        player_rank.kill().unwrap();
        if !matches!(invoked, Ok(Ok(Ok(_)))) {
            // No answer: SQS delivers the batch again.
            let again = pipeline.function("player-rank").await.unwrap();
            let answer = answered(again.invoke(sqs_event(batch)).await.unwrap()).unwrap();
            assert_eq!(answer, json!({ "batchItemFailures": [] }));
        }
    }
    let players = pipeline.store.database().await.unwrap().collection::<mongodb::bson::Document>("players");
    assert_eq!(players.count_documents(mongodb::bson::doc! {}).await.unwrap(), messages.len() as u64);
}

#[tokio::test]
async fn a_queue_that_refuses_every_tenth_entry_gets_every_player_once() {
    let Some(pipeline) = Pipeline::start(World::generate(10, 1), |_| {}).await.unwrap() else { return };
    pipeline.store.merge(&found(1..=300)).await.unwrap();
    pipeline.aws.account().refuse_every = 10;
    let aggregator = pipeline.function("aggregator").await.unwrap();
    let summary = answered(aggregator.invoke(json!({ "force": true })).await.unwrap()).unwrap();
    assert_eq!((&summary["sent"], &summary["failed"], &summary["left"]), (&json!(300), &json!(0), &json!(0)));
    assert!(sent(&pipeline.aws.account().messages).values().all(|times| *times == 1));

    // Entries that the queue calls our fault are not sent again by this run, and stay.
    pipeline.store.merge(&found(1001..=1100)).await.unwrap();
    pipeline.aws.account().refuse_for_good = true;
    let summary = answered(aggregator.invoke(json!({ "force": true })).await.unwrap()).unwrap();
    let failed = summary["failed"].as_u64().unwrap();
    assert!(failed >= 9, "{summary}");
    assert_eq!(summary["left"], failed);
    pipeline.aws.account().refuse_every = 0;
    answered(aggregator.invoke(json!({ "force": true })).await.unwrap()).unwrap();
    let sent = sent(&pipeline.aws.account().messages);
    assert!(sent.len() == 400 && sent.values().all(|times| *times == 1));
}

#[tokio::test]
async fn a_mongodb_that_restarts_is_waited_for() {
    let Some(mut server) = Mongod::start().unwrap() else { return };
    let adapt = |config: &mut parsebook_simulator::Config| config.latency = Duration::from_millis(20);
    let pipeline = Pipeline::on(server.uri(), "restart".into(), World::generate(2000, 9), adapt).await.unwrap();
    pipeline.add_rules().await.unwrap();
    pipeline.store.merge(&found(1_000_000..=1_003_000)).await.unwrap();
    let discover = pipeline.function("discover").await.unwrap();
    let aggregator = pipeline.function("aggregator").await.unwrap();
    let restart = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        tokio::task::spawn_blocking(move || {
            server.kill().unwrap();
            server.restart().unwrap();
            server
        })
        .await
        .unwrap()
    };
    let (discovered, aggregated, server) =
        tokio::join!(discover_all(&discover), aggregator.invoke(json!({ "force": true })), restart);
    assert!(discovered.unwrap() > 0);
    answered(aggregated.unwrap()).unwrap();
    answered(aggregator.invoke(json!({ "force": true })).await.unwrap()).unwrap();
    let sent = sent(&pipeline.aws.account().messages);
    assert!((1_000_000..=1_003_000).all(|id| sent.contains_key(&id)), "no player lost");
    drop(server);
}

/// A key of 20 points an hour, and a batch of players that together need more; alone, none of them does.
async fn more_than_an_hours_points(players: usize) -> Option<(Pipeline, serde_json::Value)> {
    let pipeline =
        Pipeline::start(World::generate(100, 4), |config| config.points_per_hour = Some(20)).await.unwrap()?;
    let raid = pipeline.simulator.world().raids()[0].id;
    let world = pipeline.simulator.world().clone();
    let ids = world.players().filter(|player| player.is_rankable()).map(|player| player.id()).take(players);
    let body = |id| json!({ "id": id, "raidsToScrap": { raid.to_string(): [3, 4] } }).to_string();
    Some((pipeline, sqs_event(&ids.map(body).collect::<Vec<_>>())))
}

#[tokio::test]
async fn a_pause_that_breaks_off_never_leaves_the_pipeline_asleep() {
    let Some((pipeline, event)) = more_than_an_hours_points(2).await else { return };
    let player_rank = pipeline.function("player-rank").await.unwrap();
    for failing in ["PutConcurrency", "ListMappings", "UpdateMapping"] {
        {
            let mut account = pipeline.aws.account();
            account.concurrency = Some(1);
            account.mapping_enabled = true;
            account.schedules.clear();
            account.failing.insert(failing, 100);
        }
        let error = player_rank.invoke(event.clone()).await.unwrap().unwrap_err();
        assert_eq!(error["errorType"], "NoBudget", "{error}");
        // Where the limit cannot be set, the mapping alone puts the consumer to sleep.
        let is_awake = failing != "PutConcurrency";
        assert_eq!(pipeline.aws.account().mapping_enabled, is_awake, "{failing}");
        assert!(pipeline.aws.account().schedules.contains_key("wake"), "{failing}: and a wake-up is there in any case");
        // The next attempt takes all the steps.
        pipeline.aws.account().failing.clear();
        let error = player_rank.invoke(event.clone()).await.unwrap().unwrap_err();
        assert_eq!(error["errorType"], "NoBudget", "{error}");
        let account = pipeline.aws.account();
        assert_eq!((account.concurrency, account.mapping_enabled), (Some(0), false));
    }
    // A schedule that has fired takes a new time, and vanishes with it.
    {
        let mut account = pipeline.aws.account();
        (account.concurrency, account.mapping_enabled, account.schedule_vanishes) = (Some(1), true, true);
        assert!(account.schedules.contains_key("wake"));
    }
    player_rank.invoke(event.clone()).await.unwrap().unwrap_err();
    assert_eq!(pipeline.aws.consumer(), (Some(0), false));
    assert!(pipeline.aws.account().schedules.contains_key("wake"), "it is made anew");
    // Without a wake-up nothing is put to sleep.
    {
        let mut account = pipeline.aws.account();
        (account.concurrency, account.mapping_enabled) = (Some(1), true);
        account.schedules.clear();
        account.failing.insert("CreateSchedule", 100);
    }
    player_rank.invoke(event).await.unwrap().unwrap_err();
    assert_eq!(pipeline.aws.consumer(), (Some(1), true));
}

#[tokio::test]
async fn two_discovers_started_at_once_never_work_the_same_rule() {
    let adapt = |config: &mut parsebook_simulator::Config| config.latency = Duration::from_millis(50);
    let Some(pipeline) = Pipeline::start(World::generate(500, 7), adapt).await.unwrap() else { return };
    let rules = pipeline.add_rules().await.unwrap().len();
    let (a, b) = tokio::join!(pipeline.function("discover"), pipeline.function("discover"));
    let (a, b) = (a.unwrap(), b.unwrap());
    let mut worked = Vec::new();
    loop {
        let (one, other) = tokio::join!(a.invoke(json!({})), b.invoke(json!({})));
        let rules = |outcome| {
            let summary = answered(outcome).unwrap();
            let several = summary["rules"].as_array().cloned().unwrap_or_else(|| vec![summary.clone()]);
            several.iter().filter_map(|rule| rule["rule"].as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        let of_round: Vec<_> = [rules(one.unwrap()), rules(other.unwrap())].concat();
        if of_round.is_empty() {
            break;
        }
        worked.extend(of_round);
    }
    assert_eq!(worked.len(), rules);
    assert_eq!(worked.iter().collect::<BTreeSet<_>>().len(), rules, "each rule by one of them");
    let (stored, _) = pipeline.store.rules().await.unwrap();
    assert!(stored.iter().all(|rule| rule.last_run.is_some()));
}

#[tokio::test]
async fn a_store_that_is_away_three_times_puts_the_consumer_to_sleep_before_anything_is_paid() {
    let Some(mut pipeline) = Pipeline::start(World::generate(10, 1), |_| {}).await.unwrap() else { return };
    // Not there; and there, but with another password.
    let wrong = pipeline.uri.replace("mongodb://", "mongodb://keeper:hush@");
    for uri in ["mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100", &wrong] {
        pipeline.set("MONGODB_URI", uri);
        falls_asleep_at_the_third_time(&pipeline).await;
    }
}

async fn falls_asleep_at_the_third_time(pipeline: &Pipeline) {
    {
        let mut account = pipeline.aws.account();
        (account.concurrency, account.mapping_enabled) = (Some(3), true);
        account.schedules.clear();
    }
    let player_rank = pipeline.function("player-rank").await.unwrap();
    let event = sqs_event(&[r#"{"id":1,"raidsToScrap":{"61":[4]}}"#]);
    for time in 1..=3 {
        assert!(pipeline.aws.account().mapping_enabled, "awake before time {time}");
        let error = player_rank.invoke(event.clone()).await.unwrap().unwrap_err();
        assert_eq!(error["errorType"], "StoreAway", "{error}");
        assert!(!error.to_string().contains("hush"), "{error}");
    }
    let account = pipeline.aws.account();
    assert_eq!((account.concurrency, account.mapping_enabled), (Some(0), false));
    assert!(account.schedules.contains_key("wake"));
    assert_eq!(pipeline.simulator.stats().api_requests, 0);
}

/// What the consumer's limit was set to, in order.
fn limits_set(calls: &[String]) -> Vec<u32> {
    calls.iter().filter_map(|call| call.strip_prefix("PutConcurrency ")?.parse().ok()).collect()
}

#[tokio::test]
async fn twelve_at_once_without_points_only_lower_the_limit_and_end_in_a_complete_pause() {
    let Some((pipeline, event)) = more_than_an_hours_points(3).await else { return };
    // As many as the limit; more than it; an account that cannot reserve; one whose control plane fails for a while.
    for (limit, cannot_reserve, failing) in [(12, false, 0), (3, false, 0), (12, true, 0), (12, false, 6)] {
        {
            let mut account = pipeline.aws.account();
            (account.concurrency, account.mapping_enabled, account.cannot_reserve) =
                (Some(limit), true, cannot_reserve);
            account.schedules.clear();
            account.calls.clear();
            account.failing.insert("PutConcurrency", failing);
        }
        let turns = pipeline.store.database().await.unwrap().collection::<mongodb::bson::Document>("throttle");
        turns.delete_many(mongodb::bson::doc! {}).await.unwrap();
        let functions = futures::future::join_all((0..12).map(|_| pipeline.function("player-rank"))).await;
        let functions: Vec<_> = functions.into_iter().map(Result::unwrap).collect();
        let outcomes = futures::future::join_all(functions.iter().map(|one| one.invoke(event.clone()))).await;
        for outcome in outcomes {
            let error = outcome.unwrap().unwrap_err();
            assert_eq!(error["errorType"], "NoBudget", "limit {limit}: {error}");
        }
        let account = pipeline.aws.account();
        let set = limits_set(&account.calls);
        assert!(set.is_sorted_by(|earlier, later| later <= earlier), "limit {limit}: it was lifted: {set:?}");
        if (limit, cannot_reserve, failing) == (12, false, 0) {
            assert_eq!(set, (0..12).rev().collect::<Vec<_>>());
        }
        assert_eq!(
            (account.concurrency, account.mapping_enabled),
            (Some(0), false),
            "limit {limit}: {:?}",
            account.calls
        );
        let at = |call: &str| account.calls.iter().position(|made| made == call);
        assert!(at("CreateSchedule") < at("PutConcurrency 0"), "never asleep without a wake-up: {:?}", account.calls);
        assert!(account.schedules.contains_key("wake"));
    }
}

/// A pipeline whose MongoDB can be made to fall silent; Warcraft Logs answers after so long.
async fn behind_a_switch(world: World, latency_ms: u64) -> Option<(Mongod, Switch, Pipeline)> {
    let server = Mongod::start().unwrap()?;
    let switch = Switch::before(server.port()).unwrap();
    let uri = format!("mongodb://127.0.0.1:{}/?directConnection=true", switch.port());
    let adapt = |config: &mut parsebook_simulator::Config| config.latency = Duration::from_millis(latency_ms);
    let pipeline = Pipeline::on(uri, "switched".into(), world, adapt).await.unwrap();
    Some((server, switch, pipeline))
}

#[tokio::test]
async fn a_store_that_is_silent_or_gone_ends_a_warm_invocation_in_time_and_unpaid() {
    let Some((_server, switch, pipeline)) = behind_a_switch(World::generate(100, 4), 1500).await else { return };
    let world = pipeline.simulator.world().clone();
    let player = world.players().find(|player| player.is_rankable() && player.pairs().next().is_some()).unwrap();
    let (raid, difficulty) = player.pairs().next().unwrap();
    let body = json!({ "id": player.id(), "raidsToScrap": { raid.to_string(): [difficulty] } }).to_string();
    let event = sqs_event(&[body]);
    let player_rank = pipeline.function("player-rank").await.unwrap();
    let done = json!({ "batchItemFailures": [] });
    assert_eq!(answered(player_rank.invoke(event.clone()).await.unwrap()).unwrap(), done);
    // The margin of two seconds off, whoever is longer than 25 s is out of time instead.
    let time = Duration::from_secs(27);
    for line in [Line::Silent, Line::Cut] {
        let asked = pipeline.simulator.stats().api_requests;
        switch.turn(line);
        let error = player_rank.invoke_for(event.clone(), time).await.unwrap().unwrap_err();
        assert_eq!(error["errorType"], "StoreAway", "{line:?}: {error}");
        assert_eq!(pipeline.simulator.stats().api_requests, asked, "{line:?}: nothing is paid");
        switch.turn(Line::Open);
        assert_eq!(answered(player_rank.invoke(event.clone()).await.unwrap()).unwrap(), done, "after {line:?}");
    }
    // While the API answers: what was paid for comes back to the queue, in time.
    let breaks = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        switch.turn(Line::Silent);
    };
    let (outcome, ()) = tokio::join!(player_rank.invoke_for(event.clone(), time), breaks);
    assert_eq!(outcome.unwrap().unwrap_err()["errorType"], "StoreAway");
    // The others.
    let (discover, aggregator) = tokio::join!(pipeline.function("discover"), pipeline.function("aggregator"));
    let (discover, aggregator) = (discover.unwrap(), aggregator.unwrap());
    let (one, other) =
        tokio::join!(discover.invoke_for(json!({}), time), aggregator.invoke_for(json!({ "force": true }), time));
    for outcome in [one, other] {
        assert_eq!(outcome.unwrap().unwrap_err()["errorType"], "StoreAway");
    }
    assert!(pipeline.aws.account().mapping_enabled, "never three in a row");
    switch.turn(Line::Open);
    assert_eq!(answered(player_rank.invoke(event).await.unwrap()).unwrap(), done);
}

#[tokio::test]
async fn a_store_that_falls_silent_in_the_middle_ends_each_function_in_time() {
    let Some((_server, switch, pipeline)) = behind_a_switch(World::generate(3000, 8), 100).await else { return };
    pipeline.add_rules().await.unwrap();
    pipeline.store.merge(&found(1..=20_000)).await.unwrap();
    // Long enough for the work, were it not for the store; whoever is still at it after 25 s is cut off by this test.
    let (invocation, most) = (Duration::from_secs(300), Duration::from_secs(25));
    for (name, event, works_for_ms) in
        [("discover", json!({}), 700), ("aggregator", json!({ "force": true }), 60), ("db-generator", json!({}), 0)]
    {
        let function = pipeline.function(name).await.unwrap();
        // Nobody is ranked here, so db-generator would be done at once. The middle of its reading is tested with the store.
        if works_for_ms == 0 {
            switch.turn(Line::Silent);
        }
        let breaks = async {
            tokio::time::sleep(Duration::from_millis(works_for_ms)).await;
            switch.turn(Line::Silent);
        };
        let work = tokio::time::timeout(most, function.invoke_for(event, invocation));
        let (outcome, ()) = tokio::join!(work, breaks);
        let error = outcome.unwrap_or_else(|_| panic!("{name} is still at it")).unwrap().unwrap_err();
        assert_eq!(error["errorType"], "StoreAway", "{name}: {error}");
        switch.turn(Line::Open);
    }
}

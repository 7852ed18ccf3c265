//! The deployed chain where AWS is as strict as a real account, and where MongoDB goes away: with the template's own values.
//!
//! Schedules of hours are played by the tests, which invoke what they would; everything else runs by itself.
#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{NaiveDateTime, Utc};
use mongodb::bson::doc;
use parsebook_core::ports::Discoveries;
use parsebook_core::rule::Target;
use parsebook_simulator::Config;
use parsebook_test_support::deployed::{Account, DEAD_LETTERS, Deployed, QUEUE, script, told_by, world_of};
use parsebook_test_support::mongod::Mongod;
use parsebook_test_support::oracle::verify_boards;
use parsebook_test_support::pipeline::{LAMBDAS, Pipeline};
use parsebook_test_support::strict::Strictness;
use parsebook_test_support::switch::{Line, Switch};
use serde_json::{Value, json};

/// In place of the values that other tests hurry by.
const AS_SHIPPED: [&str; 5] = [
    "ConcurrencyLimit=5",
    "PagesPerSecond=2",
    "DiscoverSchedule=cron(7/30 * * * ? *)",
    "AggregatorSchedule=cron(17 0/3 * * ? *)",
    "DbGeneratorSchedule=cron(43 4 * * ? *)",
];
/// Points of one key an hour, and how long an hour is here.
const POINTS: u32 = 3600;
const HOUR: Duration = Duration::from_secs(75);
/// The template's visibility time-out, as much shorter as the hour.
const VISIBILITY: Duration = Duration::from_secs(1080 * HOUR.as_secs() / 3600);

/// What became of a function's invocations.
#[derive(Debug, Default)]
struct Invocations {
    all: usize,
    failed: BTreeMap<String, usize>,
    gb_seconds: f64,
}

/// Reads a function's log: the lines of AWS itself, and of the function.
async fn invocations(account: &Account, function: &str) -> Result<Invocations> {
    let mut told = Invocations::default();
    let mut next = Value::Null;
    loop {
        let mut body = json!({ "logGroupName": format!("/aws/lambda/{function}") });
        if !next.is_null() {
            body["nextToken"] = next;
        }
        let answer = account.json("logs", "Logs_20140328.FilterLogEvents", body).await?;
        for line in answer["events"].as_array().into_iter().flatten().filter_map(|event| event["message"].as_str()) {
            if let Some(report) = line.strip_prefix("REPORT RequestId: ") {
                let number = |name: &str| {
                    let rest = report.split(name).nth(1).context("a field is missing")?;
                    anyhow::Ok(rest.trim_start().split(' ').next().context("no number")?.parse::<f64>()?)
                };
                told.all += 1;
                told.gb_seconds += number("Billed Duration:")? / 1000.0 * number("Memory Size:")? / 1024.0;
            } else if let Ok(line) = serde_json::from_str::<Value>(line)
                && let (Some(_), Some(error)) = (line.get("requestId"), line["errorType"].as_str())
            {
                *told.failed.entry(error.to_owned()).or_default() += 1;
            }
        }
        next = answer["nextToken"].clone();
        if next.is_null() {
            return Ok(told);
        }
    }
}

async fn answered(account: &Account, function: &str, event: Value) -> Result<Value> {
    let told = account.invoke(function, &event).await?;
    serde_json::from_str(&told).with_context(|| format!("{function}: {told}"))
}

/// The newest raid of a world, in two difficulties: the boards that are asked for.
async fn add_rules(pipeline: &Pipeline) -> Result<BTreeSet<(i32, u8)>> {
    let raid = pipeline.simulator.world().raids().iter().max_by_key(|raid| raid.id).unwrap().id;
    let asked = BTreeSet::from([(raid, 3), (raid, 4)]);
    for (raid, difficulty) in &asked {
        let target = json!({ "raid": raid, "difficulty": difficulty, "startPage": 1, "endPage": 600 });
        pipeline.store.add_rule(&serde_json::from_value::<Target>(target)?).await?;
    }
    Ok(asked)
}

/// What the schedules of discover and aggregator start; answers how many messages were sent.
async fn fill_the_queue(account: &Account) -> Result<u64> {
    loop {
        let summary = answered(account, "discover", json!({})).await?;
        match summary["stopped"].as_str() {
            Some("nothingDue") => break,
            Some("complete" | "endOfBoard") => {}
            _ => anyhow::bail!("discover: {summary}"),
        }
    }
    let summary = answered(account, "aggregator", json!({})).await?;
    anyhow::ensure!(summary["stopped"] == "complete", "aggregator: {summary}");
    summary["sent"].as_u64().context("nothing sent")
}

async fn publish_and_compare(deployed: &Deployed, boards: &BTreeSet<(i32, u8)>) -> Result<usize> {
    let summary = answered(&deployed.account, "db-generator", json!({})).await?;
    anyhow::ensure!(summary["stopped"] == "published", "db-generator: {summary}");
    verify_boards(deployed.pipeline.checked_out()?.path(), deployed.pipeline.simulator.world(), boards)
}

/// The chain to its end behind the proxy.
async fn runs_to_its_end(strictness: Strictness, more: &[&str]) -> Result<()> {
    let adapt = |config: &mut Config| {
        config.points_per_hour = Some(POINTS);
        config.hour = HOUR;
    };
    let Some(pipeline) = Pipeline::start(world_of(900)?, adapt).await? else { return Ok(()) };
    let boards = add_rules(&pipeline).await?;
    let parameters: Vec<&str> = AS_SHIPPED.into_iter().chain(more.iter().copied()).collect();
    let Some(deployed) = Deployed::start_behind(strictness, pipeline, &parameters).await? else { return Ok(()) };
    let (account, strict) = (&deployed.account, deployed.strict.as_ref().unwrap());
    account.set_queue(QUEUE, json!({ "VisibilityTimeout": VISIBILITY.as_secs().to_string() })).await?;
    let asked_before = strict.seen().control_plane_calls();

    let begun = Instant::now();
    let sent = fill_the_queue(account).await?;
    assert!(sent > 300, "{sent}");
    let (mut pauses, mut was_asleep) = (0, false);
    while account.messages(QUEUE).await? > 0 {
        assert!(begun.elapsed() < Duration::from_secs(1200), "not drained\n{}", deployed.emulator.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
        let is_asleep = matches!(account.mapping().await?["State"].as_str(), Some("Disabled" | "Disabling"));
        pauses += usize::from(was_asleep && !is_asleep);
        was_asleep = is_asleep;
    }
    let hours = begun.elapsed().as_secs_f64() / HOUR.as_secs_f64();
    assert!(pauses > 0, "one hour's points are not enough");
    assert!(publish_and_compare(&deployed, &boards).await? > 300);
    assert_eq!(account.messages(DEAD_LETTERS).await?, 0);

    let seen = strict.seen();
    let calls = (seen.control_plane_calls() - asked_before) as f64 / hours.max(1.0);
    let ranking = invocations(account, "player-rank").await?;
    let without_points = ranking.failed.get("NoBudget").copied().unwrap_or_default();
    eprintln!("{hours:.1} hours, {pauses} pauses, {calls:.0} control-plane calls an hour, {ranking:?}, {seen:?}");
    assert!(calls < 200.0, "{calls} calls an hour: {seen:?}");
    assert!(ranking.all > 60 && without_points > 0, "{ranking:?}");
    assert!(without_points * 10 <= ranking.all, "{ranking:?}");
    for function in LAMBDAS {
        let failed = invocations(account, function).await?.failed;
        assert!(failed.keys().all(|error| error == "NoBudget"), "{function}: {failed:?}");
    }
    assert!(seen.repeated_messages > 0, "{seen:?}");
    // The account was strict: what the chain never asked for at once is refused.
    let behind = Account::at(strict.url());
    futures::future::join_all((0..60).map(|_| behind.concurrency())).await;
    let refused = strict.seen().refused;
    assert!(refused.contains_key("TooManyRequestsException"), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn the_shipped_template_runs_in_a_strict_account() -> Result<()> {
    runs_to_its_end(Strictness::default(), &[]).await
}

#[tokio::test]
async fn it_runs_in_a_new_account_that_cannot_reserve() -> Result<()> {
    runs_to_its_end(Strictness::new_account(), &["ReserveConcurrency=false"]).await
}

/// Waits until the consumer sleeps; answers for how long from now.
async fn until_asleep(account: &Account) -> Result<chrono::TimeDelta> {
    let begun = Instant::now();
    while account.mapping().await?["State"] != "Disabled" {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(120), "it does not go to sleep");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let schedule = account.get("scheduler", "/schedules/parsebook-wake-reviver").await?;
    let at = schedule["ScheduleExpression"].as_str().and_then(|at| at.strip_prefix("at(")?.strip_suffix(')'));
    let at = NaiveDateTime::parse_from_str(at.context("no time")?, "%Y-%m-%dT%H:%M:%S")?.and_utc();
    Ok(at - Utc::now())
}

/// GB-seconds of the template in a day, as `scripts/cost` computes them.
fn gb_seconds_a_day() -> Result<f64> {
    let told = told_by(script("cost", "http://127.0.0.1:1").arg("--json"))?;
    let told: Value = serde_json::from_str(told.get(told.find('{').context("no JSON")?..).unwrap_or_default())?;
    let used = told["used"]["gb_seconds"].as_object().context("no GB-seconds")?;
    Ok(used.values().filter_map(Value::as_f64).sum::<f64>() * 12.0 / 365.0)
}

/// What each function has burnt so far.
async fn gb_seconds(account: &Account) -> Result<BTreeMap<&'static str, f64>> {
    let mut burnt = BTreeMap::new();
    for function in LAMBDAS {
        burnt.insert(function, invocations(account, function).await?.gb_seconds);
    }
    Ok(burnt)
}

#[tokio::test]
async fn an_hour_without_mongodb_costs_little_and_loses_nothing() -> Result<()> {
    let Some(server) = Mongod::start()? else { return Ok(()) };
    let switch = Switch::before(server.port())?;
    let uri = format!("mongodb://127.0.0.1:{}/?directConnection=true", switch.port());
    // Slow enough that the hour comes in the middle.
    let adapt = |config: &mut Config| config.latency = Duration::from_millis(500);
    let pipeline = Pipeline::on(uri, "away".into(), world_of(900)?, adapt).await?;
    let boards = add_rules(&pipeline).await?;
    let Some(deployed) = Deployed::start_behind(Strictness::off(), pipeline, &AS_SHIPPED).await? else { return Ok(()) };
    let account = &deployed.account;
    account.set_queue(QUEUE, json!({ "VisibilityTimeout": VISIBILITY.as_secs().to_string() })).await?;
    fill_the_queue(account).await?;
    let players = deployed.pipeline.store.database().await.unwrap().collection::<mongodb::bson::Document>("players");
    while players.count_documents(doc! {}).await? < 50 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let before = gb_seconds(account).await?;
    let asked_before = deployed.pipeline.simulator.stats().api_requests;

    // Four quarters of an hour, of which the waiting is left out: what would happen in them is started here.
    for (quarter, line) in [Line::Cut, Line::Silent, Line::Cut, Line::Silent].into_iter().enumerate() {
        switch.turn(line);
        if quarter % 2 == 0 {
            assert!(account.invoke("discover", &json!({})).await?.contains("StoreAway"));
        }
        if quarter == 1 {
            assert!(account.invoke("aggregator", &json!({})).await?.contains("StoreAway"));
        }
        let sleeps_for = until_asleep(account).await?;
        assert!((10..=16).contains(&sleeps_for.num_minutes()), "{sleeps_for}");
        if quarter < 3 {
            answered(account, "reviver", json!({})).await?;
        }
    }
    let mut by_function = gb_seconds(account).await?;
    by_function.iter_mut().for_each(|(function, burnt)| *burnt -= before[function]);
    let burnt: f64 = by_function.values().sum();
    let day = gb_seconds_a_day()?;
    let failed = invocations(account, "player-rank").await?.failed;
    eprintln!("{burnt:.1} GB-seconds of {day:.0} a day ({:.2} %): {by_function:.1?}; {failed:?}", burnt / day * 100.0);
    assert!(account.messages(QUEUE).await? > 0, "the hour came in the middle");
    assert!(burnt < day * 0.02, "{burnt} of {day}");
    let asked = deployed.pipeline.simulator.stats().api_requests - asked_before;
    assert!(asked <= 5, "{asked} questions were paid for while nothing could be stored");

    switch.turn(Line::Open);
    answered(account, "reviver", json!({})).await?;
    let begun = Instant::now();
    while account.messages(QUEUE).await? > 0 {
        assert!(begun.elapsed() < Duration::from_secs(600), "it does not go on\n{}", deployed.emulator.log());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(account.messages(DEAD_LETTERS).await?, 0);
    assert_eq!(deployed.pipeline.store.discovered_count().await?, 0);
    assert!(publish_and_compare(&deployed, &boards).await? > 300);
    Ok(())
}

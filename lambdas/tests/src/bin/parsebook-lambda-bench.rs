//! Measures the Lambda binaries: start, memory, the aggregator's rate beside a bare loop, and what player-rank adds to
//! the waiting for others. `PARSEBOOK_LAMBDA_BINARIES` names the folder of release builds; `PARSEBOOK_MONGOD` a mongod.
//!
//! One JSON line per measurement on standard output.
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use parsebook_core::ports::Discoveries;
use parsebook_core::scrap::{Discovered, RaidsToScrap};
use parsebook_lambda_tests::pipeline::{Pipeline, answered, sqs_event};
use parsebook_lambda_tests::{LAMBDAS, binary};
use parsebook_simulator::World;
use parsebook_test_support::aws::Aws;
use parsebook_test_support::lambda::Function;
use parsebook_test_support::mongod::Mongod;
use parsebook_test_support::process::resident_kb;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<()> {
    let players: u32 = match std::env::args().nth(1) {
        Some(text) => text.parse().context("usage: parsebook-lambda-bench [PLAYERS]")?,
        None => 1_000_000,
    };
    let server = Mongod::start()?.context("PARSEBOOK_MONGOD is not set")?;
    starts(&server).await?;
    ranking(&server).await?;
    sending(&server, players).await
}

/// From the start of the process to its first poll, the middle of nine, and the memory it then takes.
async fn starts(server: &Mongod) -> Result<()> {
    let pipeline = Pipeline::on(server.uri(), "starts".into(), World::generate(10, 1), |_| {}).await?;
    for name in LAMBDAS {
        let mut times = Vec::new();
        let mut resident = 0;
        for _ in 0..9 {
            let function = pipeline.function(name).await?;
            times.push(function.started_in);
            resident = resident_kb(function.id())?.0;
        }
        times.sort();
        let bytes = std::fs::metadata(binary(name)?)?.len();
        println!(
            "{}",
            json!({ "measure": "start", "function": name, "medianMs": millis(times[4]), "worstMs": millis(times[8]),
                    "residentKb": resident, "binaryBytes": bytes })
        );
    }
    Ok(())
}

/// Of a warm batch of five, how much is not waiting for Warcraft Logs (latency 200 ms) or MongoDB.
async fn ranking(server: &Mongod) -> Result<()> {
    let latency = Duration::from_millis(200);
    let adapt = |config: &mut parsebook_simulator::Config| config.latency = latency;
    let pipeline = Pipeline::on(server.uri(), "ranking".into(), World::generate(500, 3), adapt).await?;
    let player_rank = pipeline.function("player-rank").await?;
    let world = pipeline.simulator.world().clone();
    let messages: Vec<String> = world
        .players()
        .filter(|player| player.is_rankable())
        .filter_map(|player| Some((player.id(), player.pairs().next()?)))
        .map(|(id, (raid, difficulty))| {
            json!({ "id": id, "raidsToScrap": { raid.to_string(): [difficulty] } }).to_string()
        })
        .take(105)
        .collect();
    let mut batches = messages.chunks(5);
    answered(player_rank.invoke(sqs_event(batches.next().context("no players")?)).await?)?;
    let requests_before = pipeline.simulator.stats();
    let begun = Instant::now();
    let mut count = 0_u32;
    for batch in batches {
        answered(player_rank.invoke(sqs_event(batch)).await?)?;
        count += 1;
    }
    let whole = begun.elapsed() / count;
    let stats = pipeline.simulator.stats();
    let requests =
        stats.api_requests + stats.token_requests - requests_before.api_requests - requests_before.token_requests;
    let busy = stats.api_busy.saturating_sub(requests_before.api_busy);
    // What MongoDB takes for the same write, asked directly and as durably.
    let collection = pipeline.store.database().collection::<mongodb::bson::Document>("like_players");
    let begun = Instant::now();
    for round in 0..20_i32 {
        let updates: Vec<_> = (0..5_i32)
            .map(|id| mongodb::bson::doc! { "q": { "_id": id }, "u": { "$set": { "round": round } }, "upsert": true })
            .collect();
        let command = mongodb::bson::doc! {
            "update": collection.name(), "updates": updates, "writeConcern": { "w": "majority", "j": true },
        };
        pipeline.store.database().run_command(command).await?;
    }
    let mongodb = begun.elapsed() / 20;
    let wcl = (latency * u32::try_from(requests)? + busy) / count;
    let ours = whole.saturating_sub(wcl + mongodb);
    println!(
        "{}",
        json!({ "measure": "ranking", "batchMs": millis(whole), "wclMs": millis(wcl), "mongodbMs": millis(mongodb),
                "oursMs": millis(ours), "oursShare": ours.as_secs_f64() / whole.as_secs_f64(),
                "requestsPerBatch": requests as f64 / f64::from(count) })
    );
    Ok(())
}

/// The aggregator over a real MongoDB, and a bare loop that sends the same batches with the same SDK to the same sink.
async fn sending(server: &Mongod, players: u32) -> Result<()> {
    let mut pipeline = Pipeline::on(server.uri(), "sending".into(), World::generate(10, 1), |_| {}).await?;
    pipeline.set("AWS_EC2_METADATA_DISABLED", "true");
    let all = |from: u32, to: u32| {
        (from..=to)
            .map(|id| Discovered { id, raids_to_scrap: RaidsToScrap::one(31, 3 + (id % 3) as u8) })
            .collect::<Vec<_>>()
    };
    for from in (1..=players).step_by(20_000) {
        pipeline.store.merge(&all(from, players.min(from + 19_999))).await?;
    }
    pipeline.aws.account().counts_only = true;
    let bare_first = bare_loop(&pipeline.aws, players / 10).await?;
    let already = pipeline.aws.account().confirmed;
    let aggregator = pipeline.function("aggregator").await?;
    let begun = Instant::now();
    let summary = run_aggregator(&aggregator).await?;
    let aggregated = f64::from(players) / begun.elapsed().as_secs_f64();
    let bare_after = bare_loop(&pipeline.aws, players / 10).await?;
    ensure!(pipeline.aws.account().confirmed >= already + u64::from(players), "players were lost: {summary}");
    let bare = f64::midpoint(bare_first, bare_after);
    println!(
        "{}",
        json!({ "measure": "sending", "players": players, "aggregatorPerSecond": aggregated, "barePerSecond": bare,
                "ratio": aggregated / bare, "peakResidentKb": resident_kb(aggregator.id())?.1 })
    );
    Ok(())
}

async fn run_aggregator(aggregator: &Function) -> Result<serde_json::Value> {
    loop {
        let summary = answered(aggregator.invoke(json!({ "force": true })).await?)?;
        if summary["left"] == 0 {
            return Ok(summary);
        }
        ensure!(summary["stopped"] == "deadline", "the aggregator stopped: {summary}");
    }
}

/// Messages per second of the SDK alone, batch after batch.
async fn bare_loop(aws: &Aws, players: u32) -> Result<f64> {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "bench"))
        .endpoint_url(aws.url())
        .build();
    let client = aws_sdk_sqs::Client::from_conf(config);
    let begun = Instant::now();
    for first in (1..=players).step_by(10) {
        let entries = (first..first + 10).map(|id| {
            let message = Discovered { id, raids_to_scrap: RaidsToScrap::one(31, 3 + (id % 3) as u8) };
            let body = serde_json::to_string(&message)?;
            Ok(SendMessageBatchRequestEntry::builder().id((id - first).to_string()).message_body(body).build()?)
        });
        let entries = entries.collect::<Result<Vec<_>>>()?;
        client.send_message_batch().queue_url(aws.queue_url()).set_entries(Some(entries)).send().await?;
    }
    Ok(f64::from(players) / begun.elapsed().as_secs_f64())
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

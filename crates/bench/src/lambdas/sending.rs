//! aggregator over a real MongoDB, and a bare loop that sends the same batches by the same SDK client to the same sink.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use parsebook_adapters::aws::sdk_config;
use parsebook_core::ports::Discoveries;
use parsebook_core::scrap::{Discovered, RaidsToScrap};
use parsebook_simulator::World;
use parsebook_test_support::mongod::Mongod;
use parsebook_test_support::pipeline::{Pipeline, answered};
use parsebook_test_support::process::{processor_time, resident_kb};
use serde_json::json;

use crate::figure;

/// Time of one invocation of the aggregator between two bare loops; it ends a quarter earlier.
const TURN: Duration = Duration::from_secs(12);
const MOST_TURNS: usize = 100;
/// Messages of one bare loop.
const SAMPLE: u32 = 100_000;

/// One of the seven ways to stand on the boards of a raid's three difficulties.
fn player(id: u32) -> Discovered {
    let mut raids_to_scrap = RaidsToScrap::default();
    let way = 1 + id.wrapping_mul(2_654_435_761) % 7;
    for difficulty in 3..=5 {
        if way & (1 << (difficulty - 3)) != 0 {
            raids_to_scrap.insert(31, difficulty);
        }
    }
    Discovered { id, raids_to_scrap }
}

pub async fn measure(server: &Mongod, players: u32) -> Result<()> {
    let mut pipeline = Pipeline::on(server.uri(), "sending".into(), World::generate(10, 1), |_| {}).await?;
    // Nobody receives here: the queue takes all.
    pipeline.set("QUEUE_LIMIT", "1000000000");
    for from in (1..=players).step_by(20_000) {
        let found: Vec<_> = (from..=players.min(from + 19_999)).map(player).collect();
        pipeline.store.merge(&found).await?;
    }
    pipeline.aws.account().counts_only = true;
    let aggregator = pipeline.function("aggregator").await?;
    let already = pipeline.aws.account().confirmed;
    let (mut spent, mut bare_rates) = (Duration::ZERO, Vec::new());
    // In turns, so that both meet the machine's better and worse moments.
    for _ in 0..MOST_TURNS {
        rest(server).await?;
        // What player-rank would have worked meanwhile waits no more.
        pipeline.store.database().await?.collection::<mongodb::bson::Document>("queued").drop().await?;
        bare_rates.push(bare_rate(&pipeline, SAMPLE).await?);
        let begun = Instant::now();
        let summary = answered(aggregator.invoke_for(json!({ "force": true }), TURN).await?)?;
        spent += begun.elapsed();
        if summary["left"] == 0 {
            break;
        }
        ensure!(summary["stopped"] == "deadline", "the aggregator stopped: {summary}");
    }
    rest(server).await?;
    bare_rates.push(bare_rate(&pipeline, SAMPLE).await?);
    let sent = pipeline.aws.account().confirmed - already - u64::from(SAMPLE) * bare_rates.len() as u64;
    ensure!(sent == u64::from(players), "{sent} messages of {players} players");
    let rate = f64::from(players) / spent.as_secs_f64();
    let bare = bare_rates.iter().sum::<f64>() / bare_rates.len() as f64;
    let on = format!("{players} players in MongoDB, a sink on loopback, in {} turns", bare_rates.len() - 1);
    let (slowest, fastest) =
        bare_rates.iter().fold((f64::MAX, 0.0_f64), |(low, high), &rate| (low.min(rate), high.max(rate)));
    let ratio = format!("{:.2} of a bare loop's {bare:.0} ({slowest:.0} to {fastest:.0}); at least 0.70", rate / bare);
    figure("aggregator: messages a second", &format!("{rate:.0}"), &on, &ratio);
    let megabytes = resident_kb(aggregator.id())?.1 as f64 / 1024.0;
    figure("aggregator: peak resident memory", &format!("{megabytes:.0} MB"), &on, "at most 128 MB");
    Ok(())
}

/// Returns when the server has done what writing left it to do: the bare loop has the machine for itself.
async fn rest(server: &Mongod) -> Result<()> {
    for _ in 0..120 {
        let before = processor_time(server.id())?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        if processor_time(server.id())? - before <= 3 {
            return Ok(());
        }
    }
    bail!("the server does not come to rest")
}

/// Messages a second of [`bare_loop`] in a process of its own, as the aggregator has one.
async fn bare_rate(pipeline: &Pipeline, players: u32) -> Result<f64> {
    let this = std::env::current_exe()?;
    let output = tokio::process::Command::new(this)
        .args(["bare-loop", "--queue-url", &pipeline.aws.queue_url(), "--players", &players.to_string()])
        .env("AWS_ENDPOINT_URL", pipeline.aws.url())
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .stderr(Stdio::inherit())
        .output()
        .await?;
    ensure!(output.status.success(), "the bare loop failed");
    String::from_utf8(output.stdout)?.trim().parse().context("the bare loop tells no rate")
}

/// Sends batch after batch; prints messages a second.
#[expect(clippy::print_stdout, reason = "how it answers the process that started it")]
pub async fn bare_loop(queue_url: &str, players: u32) -> Result<()> {
    let client = aws_sdk_sqs::Client::new(&sdk_config().await?);
    let begun = Instant::now();
    for first in (1..=players).step_by(10) {
        let entries = (first..first + 10).map(|id| {
            let body = serde_json::to_string(&player(id))?;
            Ok(SendMessageBatchRequestEntry::builder().id((id - first).to_string()).message_body(body).build()?)
        });
        let entries = entries.collect::<Result<Vec<_>>>()?;
        let answer = client.send_message_batch().queue_url(queue_url).set_entries(Some(entries)).send().await?;
        ensure!(answer.failed.is_empty(), "the sink refused a message");
    }
    println!("{}", f64::from(players) / begun.elapsed().as_secs_f64());
    Ok(())
}

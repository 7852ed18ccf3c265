//! Of a warm batch of five, how much is not waiting for Warcraft Logs or MongoDB.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use mongodb::bson::doc;
use parsebook_core::rule::{RanksKind, SourceKind, Target};
use parsebook_simulator::{RaidSize, World};
use parsebook_test_support::lambda::Function;
use parsebook_test_support::mongod::Mongod;
use parsebook_test_support::pipeline::{Pipeline, answered, sqs_event};
use parsebook_test_support::process::processor_time;
use serde_json::json;

use crate::process::peak_kilobytes;
use crate::{boards, figure};

const LATENCY: Duration = Duration::from_millis(200);
const BATCHES: u32 = 20;
/// One batch more than is measured: the first one warms up.
const MESSAGES: usize = (BATCHES as usize + 1) * 5;
/// Raids that are larger than any of today's.
const LARGE: RaidSize = RaidSize { players: 40, kills: 14 };
/// In which Linux counts processor time.
const TICK: Duration = Duration::from_millis(10);

pub async fn measure(server: &Mongod) -> Result<()> {
    let adapt = |config: &mut parsebook_simulator::Config| config.latency = LATENCY;
    let pipeline = Pipeline::on(server.uri(), "ranking".into(), World::generate(3000, 3), adapt).await?;
    let player_rank = pipeline.function("player-rank").await?;
    players(&pipeline, &player_rank).await?;
    reports(&pipeline, &player_rank).await?;
    let adapt = |config: &mut parsebook_simulator::Config| {
        config.latency = LATENCY;
        config.raid_size = Some(LARGE);
    };
    let pipeline = Pipeline::on(server.uri(), "large_raids".into(), large_raids()?, adapt).await?;
    let player_rank = pipeline.function("player-rank").await?;
    reports(&pipeline, &player_rank).await
}

/// A world in which everybody killed each of so many bosses once: each report is of a full night.
fn large_raids() -> Result<World> {
    let encounters: Vec<_> = (1..=LARGE.kills).map(|id| json!({ "id": id, "name": format!("Boss {id}") })).collect();
    let raid = json!({ "zones": [{ "id": 71, "name": "The Long Hall", "partition": 1, "encounters": encounters }] });
    let realm = json!({ "id": 1, "name": "Realm", "normalizedName": "Realm", "slug": "realm" });
    let player = |id: usize| {
        let ranks: Vec<_> = (1..=LARGE.kills).map(|boss| json!([71, 4, boss, "dps", id % 100, 1])).collect();
        let name = format!(
            "Player{}",
            id.to_string().bytes().map(|digit| char::from(digit + b'a' - b'0')).collect::<String>()
        );
        json!({ "id": id, "name": name, "region": "EU", "server": realm, "classId": 1 + id % 13, "ranks": ranks })
    };
    let players = MESSAGES * usize::from(LARGE.players);
    let lines: Vec<String> =
        std::iter::once(raid).chain((1..=players).map(player)).map(|line| line.to_string()).collect();
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(lines.join("\n").as_bytes())?;
    Ok(World::load(&[file.path()])?.world)
}

async fn players(pipeline: &Pipeline, player_rank: &Function) -> Result<()> {
    let world = pipeline.simulator.world().clone();
    let messages: Vec<String> = world
        .players()
        .filter(|player| player.is_rankable())
        .filter_map(|player| Some((player.id(), player.pairs().next()?)))
        .map(|(id, (raid, difficulty))| {
            json!({ "id": id, "raidsToScrap": { raid.to_string(): [difficulty] } }).to_string()
        })
        .take(MESSAGES)
        .collect();
    batches(pipeline, player_rank, &messages, "players").await
}

/// The reports with the most kills.
async fn reports(pipeline: &Pipeline, player_rank: &Function) -> Result<()> {
    for (raid, difficulty) in boards(pipeline.simulator.world()) {
        let target = Target::new(raid, difficulty, SourceKind::Reports);
        pipeline.store.add_rule(&Target { ranks: RanksKind::Reports, ..target }).await?;
    }
    let reports = pipeline.simulator.reports();
    let mut codes: Vec<(usize, String)> =
        reports.codes().filter_map(|code| Some((reports.upload(&code)?.kills.values().sum(), code))).collect();
    codes.sort_unstable_by(|a, b| b.cmp(a));
    codes.truncate(MESSAGES);
    let kills = codes.iter().map(|(kills, _)| kills).sum::<usize>() as f64 / codes.len() as f64;
    let messages: Vec<String> = codes.into_iter().map(|(_, code)| json!({ "report": code }).to_string()).collect();
    let what = format!("reports of {kills:.1} kills");
    batches(pipeline, player_rank, &messages, &what).await?;
    let megabytes = f64::from(peak_kilobytes(player_rank.id())?) / 1024.0;
    figure("player-rank: peak memory", &format!("{megabytes:.0} MB"), &what, "at most 128 MB");
    Ok(())
}

async fn batches(pipeline: &Pipeline, player_rank: &Function, messages: &[String], what: &str) -> Result<()> {
    let mut batches = messages.chunks(5);
    answered(player_rank.invoke(sqs_event(batches.next().context("no messages")?)).await?)?;
    let before = pipeline.simulator.stats();
    let (mongodb_before, processor_before) = (mongodb_busy(pipeline).await?, processor_time(player_rank.id())?);
    let begun = Instant::now();
    for batch in batches {
        answered(player_rank.invoke(sqs_event(batch)).await?)?;
    }
    let of_a_batch = |duration: Duration| duration / BATCHES;
    let whole = of_a_batch(begun.elapsed());
    let mongodb = of_a_batch(mongodb_busy(pipeline).await? - mongodb_before);
    let after = pipeline.simulator.stats();
    let requests = after.api_requests + after.token_requests - before.api_requests - before.token_requests;
    let busy = after.api_busy.saturating_sub(before.api_busy);
    let wcl = of_a_batch(LATENCY * u32::try_from(requests)? + busy);
    let processor = of_a_batch(TICK * u32::try_from(processor_time(player_rank.id())? - processor_before)?);
    let ours = whole.saturating_sub(wcl + mongodb);
    let millis = |duration: Duration| format!("{:.1} ms", duration.as_secs_f64() * 1000.0);
    let on = format!("batches of five {what}, warm, WCL answers after {} ms", LATENCY.as_millis());
    figure("player-rank: a batch", &millis(whole), &on, &format!("WCL {}, MongoDB {}", millis(wcl), millis(mongodb)));
    let share = format!("{:.1} %", 100.0 * ours.as_secs_f64() / whole.as_secs_f64());
    figure("player-rank: of it ours", &share, &on, &format!("at most 15 %; our processor time {}", millis(processor)));
    Ok(())
}

/// How long the server has worked on commands, by its own account: what a command waits in the driver or on the way does
/// not count, and so counts as ours.
async fn mongodb_busy(pipeline: &Pipeline) -> Result<Duration> {
    let status = pipeline.store.database().await?.run_command(doc! { "serverStatus": 1 }).await?;
    let latencies = status.get_document("opLatencies")?;
    let mut microseconds = 0;
    for kind in ["reads", "writes", "commands"] {
        microseconds += latencies.get_document(kind)?.get_i64("latency")?;
    }
    Ok(Duration::from_micros(u64::try_from(microseconds)?))
}

//! Of a warm batch of five, how much is not waiting for Warcraft Logs or MongoDB.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{TimeDelta, Utc};
use mongodb::bson::{Document, doc};
use parsebook_core::player::{Identity, PlayerUpdate};
use parsebook_core::ports::Players;
use parsebook_core::report::Metric;
use parsebook_core::report_ranks::RankedKill;
use parsebook_core::rule::{RanksKind, SourceKind, Target};
use parsebook_simulator::World;
use parsebook_test_support::lambda::Function;
use parsebook_test_support::mongod::Mongod;
use parsebook_test_support::pipeline::{Pipeline, answered, sqs_event};
use serde_json::json;

use crate::process::peak_kilobytes;
use crate::{boards, figure};

const LATENCY: Duration = Duration::from_millis(200);
const BATCHES: usize = 20;

pub async fn measure(server: &Mongod) -> Result<()> {
    let adapt = |config: &mut parsebook_simulator::Config| config.latency = LATENCY;
    let pipeline = Pipeline::on(server.uri(), "ranking".into(), World::generate(3000, 3), adapt).await?;
    let player_rank = pipeline.function("player-rank").await?;
    players(&pipeline, &player_rank).await?;
    reports(&pipeline, &player_rank).await
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
        .take((BATCHES + 1) * 5)
        .collect();
    batches(pipeline, player_rank, &messages, saving(pipeline).await?, "players").await
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
    codes.truncate((BATCHES + 1) * 5);
    let kills = codes.iter().map(|(kills, _)| kills).sum::<usize>() as f64 / codes.len() as f64;
    let messages: Vec<String> = codes.into_iter().map(|(_, code)| json!({ "report": code }).to_string()).collect();
    let what = format!("reports of {kills:.1} kills");
    batches(pipeline, player_rank, &messages, folding(pipeline).await?, &what).await?;
    let megabytes = f64::from(peak_kilobytes(player_rank.id())?) / 1024.0;
    figure("player-rank: peak memory", &format!("{megabytes:.0} MB"), &what, "at most 128 MB");
    Ok(())
}

async fn batches(
    pipeline: &Pipeline,
    player_rank: &Function,
    messages: &[String],
    mongodb: Duration,
    what: &str,
) -> Result<()> {
    let mut batches = messages.chunks(5);
    answered(player_rank.invoke(sqs_event(batches.next().context("no messages")?)).await?)?;
    let before = pipeline.simulator.stats();
    let begun = Instant::now();
    for batch in batches {
        answered(player_rank.invoke(sqs_event(batch)).await?)?;
    }
    let whole = begun.elapsed() / u32::try_from(BATCHES)?;
    let after = pipeline.simulator.stats();
    let requests = after.api_requests + after.token_requests - before.api_requests - before.token_requests;
    let busy = after.api_busy.saturating_sub(before.api_busy);
    let wcl = (LATENCY * u32::try_from(requests)? + busy) / u32::try_from(BATCHES)?;
    let ours = whole.saturating_sub(wcl + mongodb);
    let millis = |duration: Duration| format!("{:.1} ms", duration.as_secs_f64() * 1000.0);
    let on = format!("batches of five {what}, warm, WCL answers after {} ms", LATENCY.as_millis());
    figure("player-rank: a batch", &millis(whole), &on, &format!("WCL {}, MongoDB {}", millis(wcl), millis(mongodb)));
    let share = 100.0 * ours.as_secs_f64() / whole.as_secs_f64();
    figure("player-rank: of it ours", &format!("{share:.1} %"), &on, "at most 15 %");
    Ok(())
}

/// What MongoDB takes for such a write, asked directly and as durably.
async fn saving(pipeline: &Pipeline) -> Result<Duration> {
    let database = pipeline.store.database();
    let rounds = 20_i32;
    let begun = Instant::now();
    for round in 0..rounds {
        let update = |id: i32| doc! { "q": { "_id": id }, "u": { "$set": { "round": round } }, "upsert": true };
        let updates: Vec<Document> = (0..5).map(update).collect();
        let durably = doc! { "w": "majority", "j": true };
        database.run_command(doc! { "update": "like_players", "updates": updates, "writeConcern": durably }).await?;
    }
    Ok(begun.elapsed() / rounds.unsigned_abs())
}

/// What MongoDB takes to fold a batch of five reports: each is written by itself, twenty players with five kills.
async fn folding(pipeline: &Pipeline) -> Result<Duration> {
    let now = Utc::now();
    let kill = |encounter: u32| RankedKill {
        raid: 1,
        difficulty: 4,
        metric: Metric::Dps,
        encounter,
        partition: 1,
        percent: Some(50.0),
        spec: Some("Frost".to_owned()),
        ended_at: now - TimeDelta::hours(encounter.into()),
    };
    let update = |id: u32| PlayerUpdate::Folded {
        id: 2_000_000_000 + id,
        identity: Identity {
            name: "A".to_owned(),
            region: "none".to_owned(),
            server: "B".to_owned(),
            normalized_server: "B".to_owned(),
            class_id: 8,
        },
        seen_at: now,
        kills: (1..6).map(kill).collect(),
        now,
        ranked_at: now,
    };
    let (rounds, reports) = (10, 5);
    let begun = Instant::now();
    for _ in 0..rounds {
        for report in 0..reports {
            let updates: Vec<_> = (0..20).map(|player| update(report * 20 + player)).collect();
            pipeline.store.save(&updates).await?;
        }
    }
    Ok(begun.elapsed() / rounds)
}

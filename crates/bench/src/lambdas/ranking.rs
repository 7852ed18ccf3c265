//! Of a warm batch of five, how much is not waiting for Warcraft Logs or MongoDB.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use mongodb::bson::{Document, doc};
use parsebook_simulator::World;
use parsebook_test_support::mongod::Mongod;
use parsebook_test_support::pipeline::{Pipeline, answered, sqs_event};
use serde_json::json;

use crate::figure;

const LATENCY: Duration = Duration::from_millis(200);
const BATCHES: usize = 20;

pub async fn measure(server: &Mongod) -> Result<()> {
    let adapt = |config: &mut parsebook_simulator::Config| config.latency = LATENCY;
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
        .take((BATCHES + 1) * 5)
        .collect();
    let mut batches = messages.chunks(5);
    answered(player_rank.invoke(sqs_event(batches.next().context("no players")?)).await?)?;
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
    let mongodb = saving(&pipeline).await?;
    let ours = whole.saturating_sub(wcl + mongodb);
    let millis = |duration: Duration| format!("{:.1} ms", duration.as_secs_f64() * 1000.0);
    let on = format!("batches of five, warm, WCL answers after {} ms", LATENCY.as_millis());
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

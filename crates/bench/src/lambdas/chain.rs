//! The whole chain, deployed by `scripts/deploy`, driven by schedules and the queue alone.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use parsebook_core::rule::Target;
use parsebook_simulator::World;
use parsebook_test_support::deployed::{DEAD_LETTERS, Deployed};
use parsebook_test_support::mongod::Mongod;
use parsebook_test_support::oracle;
use parsebook_test_support::pipeline::Pipeline;
use serde_json::json;

use crate::figure;

/// An hour of the simulated API: longer than two thirds of a world take in an emulator, so that its points run out.
const HOUR: Duration = Duration::from_secs(900);
const LIMIT: Duration = Duration::from_secs(3600);

pub async fn measure(server: &Mongod, files: &[PathBuf]) -> Result<()> {
    let world = if files.is_empty() { World::generate(20_000, 1) } else { World::load(files)?.world };
    let least = oracle::least_points(&world);
    let adapt = |config: &mut parsebook_simulator::Config| {
        // Enough for some two thirds of the world: it runs dry in the middle.
        config.points_per_hour = Some((least * 0.65) as u32);
        config.hour = HOUR;
    };
    let pipeline = Pipeline::on(server.uri(), "chain".into(), world, adapt).await?;
    let boards: BTreeSet<_> =
        pipeline.simulator.world().players().flat_map(|player| player.pairs().collect::<Vec<_>>()).collect();
    for (raid, difficulty) in &boards {
        let target = json!({ "raid": raid, "difficulty": difficulty, "startPage": 1, "endPage": 100_000 });
        pipeline.store.add_rule(&serde_json::from_value::<Target>(target)?).await?;
    }
    let deployed = Deployed::start(pipeline).await?.context("PARSEBOOK_MINISTACK is not set")?;
    deployed.hurry().await?;
    let begun = Instant::now();
    let course = deployed.until_published(&boards, LIMIT).await?;
    let elapsed = begun.elapsed();
    let dead = deployed.account.messages(DEAD_LETTERS).await?;
    ensure!(dead == 0, "{dead} messages in the dead-letter queue");
    let on =
        format!("{} players, deployed, an hour of {} s", deployed.pipeline.simulator.world().len(), HOUR.as_secs());
    figure("players looked up exactly", &course.found.to_string(), &on, "all, under Lua 5.1");
    figure("chain: from deployment to addon", &format!("{:.0} s", elapsed.as_secs_f64()), &on, "");
    figure("chain: pauses without points", &course.pauses.to_string(), &on, "at least 1, each woken by its schedule");
    figure("chain: dead letters", &dead.to_string(), &on, "0");
    Ok(())
}

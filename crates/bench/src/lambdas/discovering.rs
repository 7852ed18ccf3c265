//! What discover is billed for: memory of the template times duration.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use parsebook_core::ports::Discoveries;
use parsebook_simulator::World;
use parsebook_test_support::mongod::Mongod;
use parsebook_test_support::pipeline::{Pipeline, answered};
use parsebook_test_support::process::resident_kb;
use serde_json::json;

use crate::figure;

/// `MemorySize` of discover in `infra/template.yaml`.
const GIGABYTES: f64 = 0.125;
/// What the predecessor took for so many pages, in GB-seconds.
const PREDECESSOR: (f64, f64) = (5_600.0, 1_316.0);
const PLAYERS_OF_A_PAGE: u64 = 100;
/// `Timeout` of the template.
const TIMEOUT: Duration = Duration::from_secs(900);

pub async fn measure(server: &Mongod, pages: u64) -> Result<()> {
    let adapt = |config: &mut parsebook_simulator::Config| config.latency = Duration::from_secs(1);
    let world = World::generate(120_000, 6);
    let mut pipeline = Pipeline::on(server.uri(), "discovering".into(), world, adapt).await?;
    pipeline.set("PAGES_PER_SECOND", "2");
    let world = pipeline.simulator.world().clone();
    let mut boards: Vec<_> = world.players().flat_map(|player| player.pairs().collect::<Vec<_>>()).collect();
    boards.sort_unstable();
    boards.dedup();
    let discover = pipeline.function("discover").await?;
    let (mut done, mut asked, mut billed) = (0, 0, Duration::ZERO);
    for (raid, difficulty) in boards.iter().cycle() {
        let last = (pages - done).min(600);
        let event = json!({ "raid": raid, "difficulty": difficulty, "startPage": 1, "endPage": last });
        let begun = Instant::now();
        let summary = answered(discover.invoke_for(event, TIMEOUT).await?)?;
        billed += begun.elapsed();
        ensure!(matches!(summary["stopped"].as_str(), Some("complete" | "endOfBoard")), "discover stopped: {summary}");
        // Pages behind the end of a board cost as much, and count for nothing.
        done += summary["players"].as_u64().unwrap_or_default().div_ceil(PLAYERS_OF_A_PAGE);
        asked += summary["pages"].as_u64().unwrap_or_default();
        if done >= pages {
            break;
        }
    }
    ensure!(pipeline.store.discovered_count().await? > 0, "nobody was discovered");
    let seconds = billed.as_secs_f64();
    let on = format!("{done} pages of 1 s, {} more behind the ends, PAGES_PER_SECOND 2", asked - done);
    let gb_seconds = seconds * GIGABYTES * PREDECESSOR.0 / done as f64;
    figure("discover: duration", &format!("{seconds:.0} s"), &on, &format!("{:.3} s a page", seconds / done as f64));
    let share = format!("{:.3} of the predecessor's {}; at most 0.28", gb_seconds / PREDECESSOR.1, PREDECESSOR.1);
    figure("discover: GB-seconds, 5,600 pages", &format!("{gb_seconds:.0}"), &on, &share);
    let megabytes = resident_kb(discover.id())?.1 as f64 / 1024.0;
    figure("discover: peak resident memory", &format!("{megabytes:.0} MB"), &on, "128 MB are billed");
    Ok(())
}

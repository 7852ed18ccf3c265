//! Which memory size is the cheapest. Lambda gives a function as much of a processor as it has memory, and bills memory
//! times duration: so each runs the same work under each size's share, and its peak tells which sizes there is room in.
//!
//! The share is a quota of the control group `cpu` (version 1 or 2), which takes root on Linux.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use chrono::Utc;
use parsebook_core::ports::{Discoveries, Players};
use parsebook_core::scrap::{Discovered, RaidsToScrap};
use parsebook_simulator::World;
use parsebook_test_support::lambda::Function;
use parsebook_test_support::mongod::Mongod;
use parsebook_test_support::pipeline::{Pipeline, answered, sqs_event};
use parsebook_test_support::process::resident_kb;
use serde_json::{Value, json};

use super::made_up::ranked;
use crate::figure;

/// Sizes that are tried, in MB.
const SIZES: [u32; 4] = [128, 256, 512, 1024];
/// A whole processor has so many (docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
const WHOLE_PROCESSOR_MB: f64 = 1769.0;
const PERIOD_US: u32 = 20_000;

/// A control group of its own, gone when dropped.
struct Quota(PathBuf);

impl Quota {
    fn of(megabytes: u32, process: u32) -> Result<Self> {
        let share = f64::from(megabytes) / WHOLE_PROCESSOR_MB;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "microseconds of a period")]
        let quota_us = (share * f64::from(PERIOD_US)) as u32;
        let first = Path::new("/sys/fs/cgroup/cpu");
        let is_first = first.is_dir();
        let root = if is_first { first } else { Path::new("/sys/fs/cgroup") };
        let folder = root.join(format!("parsebook-bench-{process}"));
        fs::create_dir(&folder).with_context(|| format!("{} cannot be made: root is needed", folder.display()))?;
        let group = Self(folder);
        if is_first {
            fs::write(group.0.join("cpu.cfs_period_us"), PERIOD_US.to_string())?;
            fs::write(group.0.join("cpu.cfs_quota_us"), quota_us.to_string())?;
        } else {
            fs::write(group.0.join("cpu.max"), format!("{quota_us} {PERIOD_US}"))?;
        }
        fs::write(group.0.join("cgroup.procs"), process.to_string())?;
        Ok(group)
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // It goes when its process has gone.
        drop(fs::remove_dir(&self.0));
    }
}

/// Processor seconds that a process has used.
fn processor_seconds(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).context("no such field");
    // Linux tells hundredths of a second.
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

/// Invokes `function` once for each event under the share of `megabytes`; seconds of wall, of a processor, and MB at the peak.
async fn run(function: &Function, megabytes: u32, events: &[Value]) -> Result<(f64, f64, f64)> {
    let _quota = Quota::of(megabytes, function.id())?;
    let used_before = processor_seconds(function.id())?;
    let begun = Instant::now();
    for event in events {
        answered(function.invoke(event.clone()).await?)?;
    }
    let wall = begun.elapsed().as_secs_f64();
    let used = processor_seconds(function.id())? - used_before;
    Ok((wall, used, resident_kb(function.id())?.1 as f64 / 1024.0))
}

pub async fn measure(server: &Mongod) -> Result<()> {
    for megabytes in SIZES {
        for (name, work) in [
            ("discover", "60 pages of 1 s, two a second"),
            ("aggregator", "20,000 players"),
            ("player-rank", "twenty batches of five, WCL answers after 200 ms"),
            ("reviver", "once"),
            ("db-generator", "50,000 players"),
        ] {
            let database = format!("sizes-{megabytes}-{name}");
            let (wall, used, peak) = one(server, database, name, megabytes).await?;
            let gb_seconds = wall * f64::from(megabytes) / 1024.0;
            let on = format!("{work}; {wall:.2} s, of a processor {used:.2} s, peak {peak:.0} MB");
            figure(&format!("{name} with {megabytes} MB"), &format!("{gb_seconds:.3} GB-s"), &on, "");
        }
    }
    Ok(())
}

async fn one(server: &Mongod, database: String, name: &str, megabytes: u32) -> Result<(f64, f64, f64)> {
    let latency = if name == "discover" { 1000 } else { 200 };
    let adapt = |config: &mut parsebook_simulator::Config| config.latency = std::time::Duration::from_millis(latency);
    let mut pipeline = Pipeline::on(server.uri(), database, World::generate(20_000, 6), adapt).await?;
    pipeline.set("PAGES_PER_SECOND", "2");
    let world = pipeline.simulator.world().clone();
    let pair = world.players().find_map(|player| player.pairs().next()).context("nobody has ranks")?;
    let events = match name {
        "discover" => vec![json!({ "raid": pair.0, "difficulty": pair.1, "startPage": 1, "endPage": 60 })],
        "aggregator" => {
            let found = (1..=20_000).map(|id| Discovered { id, raids_to_scrap: RaidsToScrap::one(31, 4) });
            pipeline.store.merge(&found.collect::<Vec<_>>()).await?;
            vec![json!({ "force": true })]
        }
        "player-rank" => {
            let of = |player: parsebook_simulator::Player<'_>| {
                let (raid, difficulty) = player.pairs().next()?;
                Some(json!({ "id": player.id(), "raidsToScrap": { raid.to_string(): [difficulty] } }).to_string())
            };
            let bodies: Vec<_> =
                world.players().filter(|player| player.is_rankable()).filter_map(of).take(100).collect();
            bodies.chunks(5).map(sqs_event).collect()
        }
        "db-generator" => {
            let players: Vec<_> = (1..=50_000).map(|id| ranked(id, Utc::now())).collect();
            for some in players.chunks(1000) {
                pipeline.store.save(some).await?;
            }
            vec![json!({ "regions": ["EU"] })]
        }
        _ => vec![json!({})],
    };
    ensure!(!events.is_empty(), "nothing to do");
    let function = pipeline.function(name).await?;
    run(&function, megabytes, &events).await
}

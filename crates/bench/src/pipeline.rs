//! A whole run of the program against the simulator.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use parsebook_simulator::{Config, Handle, Simulator, World};
use parsebook_test_support::oracle;

use crate::figure;

pub async fn measure(parsebook: &Path, files: &[impl AsRef<Path>], players: usize, source: &str) -> anyhow::Result<()> {
    let world = if files.is_empty() { World::generate(players, 1) } else { World::load(files)?.world };
    let simulator = Simulator::start(Config::new(world)).await?;
    let world = simulator.world().clone();
    let folder = tempfile::tempdir()?;
    let mut boards: Vec<_> = world.players().flat_map(|player| player.pairs().collect::<Vec<_>>()).collect();
    boards.sort_unstable();
    boards.dedup();
    for (raid, difficulty) in &boards {
        let added = program(parsebook, folder.path(), &simulator)
            .args(["rules", "add", "--raid", &raid.to_string(), "--difficulty", &difficulty.to_string()])
            .args(["--pages", "1-100000", "--source", source])
            .stdout(Stdio::null())
            .status()?;
        ensure!(added.success(), "rules add failed");
    }
    let started = Instant::now();
    let mut child = program(parsebook, folder.path(), &simulator)
        .args(["run", "--once"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut most_kilobytes = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        most_kilobytes = most_kilobytes.max(peak_kilobytes(child.id()).unwrap_or(0));
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let elapsed = started.elapsed();
    ensure!(status.success(), "run --once failed");
    let stats = simulator.stats();
    let cores = std::thread::available_parallelism()?;
    let on = format!("{} players by {source}, {cores} cores", world.len());
    let addon = folder.path().join("addon");
    let found = match source {
        "reports" => oracle::verify_standing(&addon, &world, &simulator.reports().standing(&world))?,
        _ => oracle::verify(&addon, &world)?,
    };
    figure("players looked up exactly", &found.to_string(), &on, "all, under Lua 5.1");
    figure("run --once", &format!("{:.1} s", elapsed.as_secs_f64()), &on, "at most 60 s (EU world)");
    let megabytes = f64::from(most_kilobytes) / 1024.0;
    figure("peak memory of parsebook run", &format!("{megabytes:.0} MB"), &on, "below 200 MB");
    let spent: f64 = stats.points_spent.iter().sum();
    if source == "site" {
        let least = oracle::least_points(&world);
        let ratio = format!("{:.3} of the minimum {least:.0}; at most 1.05", spent / least);
        figure("points spent", &format!("{spent:.0}"), &on, &ratio);
    }
    simulator.shutdown().await;
    Ok(())
}

fn program(parsebook: &Path, folder: &Path, simulator: &Handle) -> Command {
    let (id, secret) = Config::DEFAULT_CLIENT;
    let keys = serde_json::json!([{"name": "bench", "clientId": id, "clientSecret": secret}]).to_string();
    let mut command = Command::new(parsebook);
    command
        .arg("--data")
        .arg(folder.join("data"))
        .arg("--out")
        .arg(folder.join("addon"))
        .args(["--wcl-url", &simulator.url()])
        .env("WCL_API_KEYS", keys)
        .env("PAGES_PER_SECOND", "100000");
    command
}

/// The most memory the process ever held, in kB, as Linux counts it.
pub fn peak_kilobytes(process: u32) -> anyhow::Result<u32> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("no VmHWM")?;
    Ok(line.split_whitespace().nth(1).context("no figure")?.parse()?)
}

//! A whole run of the program against the simulator.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::ensure;
use parsebook_core::report::Metric;
use parsebook_simulator::{Config, Handle, Simulator, World};
use parsebook_test_support::oracle;

use crate::process::measured;
use crate::{boards, figure};

pub async fn measure(parsebook: &Path, files: &[impl AsRef<Path>], players: usize, source: &str) -> anyhow::Result<()> {
    let world = if files.is_empty() { World::generate(players, 1) } else { World::load(files)?.world };
    let simulator = Simulator::start(Config::new(world)).await?;
    let world = simulator.world().clone();
    let folder = tempfile::tempdir()?;
    for (raid, difficulty) in boards(&world) {
        let added = program(parsebook, folder.path(), &simulator)
            .args(["rules", "add", "--raid", &raid.to_string(), "--difficulty", &difficulty.to_string()])
            .args(["--pages", "1-100000", "--source", source])
            .stdout(Stdio::null())
            .status()?;
        ensure!(added.success(), "rules add failed");
    }
    let mut run = program(parsebook, folder.path(), &simulator);
    run.args(["run", "--once"]).stdout(Stdio::null()).stderr(Stdio::null());
    let (status, elapsed, most_kilobytes) = measured(&mut run).await?;
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
    let (least, bound) = match source {
        "reports" => (least_by_reports(&simulator), 1.10),
        _ => (oracle::least_points(&world), 1.05),
    };
    let ratio = format!("{:.3} of the minimum {least:.0}; at most {bound}", spent / least);
    figure("points spent", &format!("{spent:.0}"), &on, &ratio);
    simulator.shutdown().await;
    Ok(())
}

/// A point for a hundred reports on a list and three for the details of each, then a question for everybody who stands in
/// one of them, by both metrics where the class can heal.
fn least_by_reports(simulator: &Handle) -> f64 {
    let (world, reports) = (simulator.world(), simulator.reports());
    let mut pairs: BTreeMap<i32, BTreeSet<(i32, u8)>> = BTreeMap::new();
    for standing in reports.standing_by_report(world) {
        pairs.entry(standing.player).or_default().insert((standing.raid, standing.difficulty));
    }
    let question = |(player, pairs): (&i32, &BTreeSet<_>)| {
        let player = world.player(*player).filter(|player| !player.is_hidden())?;
        let times = if Metric::can_heal(player.class_id()) { 2.0 } else { 1.0 };
        Some(times * (1.0 + 5.0 * pairs.len() as f64))
    };
    let listed = reports.len() as f64;
    listed / 100.0 + listed * 3.0 + pairs.iter().filter_map(question).sum::<f64>()
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

//! The report of a store with a long journal: time, memory, size.

mod made_up;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::ensure;
use parsebook_adapters::embedded::EmbeddedStore;
use parsebook_core::Timestamp;
use parsebook_core::journal::Journal;
use parsebook_core::ports::{Players, Raids};

use crate::figure;
use crate::process::measured;

/// Players saved at a time.
const BATCH: u32 = 500;

pub async fn measure(parsebook: &Path, runs: u32, players: u32, out: Option<&Path>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    fill(&EmbeddedStore::open(&data)?, runs, players).await?;
    let file = out.map_or_else(|| folder.path().join("report.html"), Path::to_owned);
    let mut report = Command::new(parsebook);
    report.args(["report", "--data"]).arg(&data).arg("--out").arg(&file).stdout(Stdio::null());
    let (status, elapsed, most_kilobytes) = measured(&mut report).await?;
    ensure!(status.success(), "parsebook report failed");
    let on = format!("{runs} runs, {players} players, SQLite");
    figure("parsebook report", &format!("{:.2} s", elapsed.as_secs_f64()), &on, "at most 2 s");
    figure("its peak memory", &format!("{:.0} MB", f64::from(most_kilobytes) / 1024.0), &on, "at most 150 MB");
    let bytes = std::fs::metadata(&file)?.len();
    figure("its file", &format!("{} kB", bytes / 1000), &on, "at most 1 MB");
    Ok(())
}

async fn fill(store: &EmbeddedStore, runs: u32, players: u32) -> anyhow::Result<()> {
    let now = Timestamp::from(SystemTime::now());
    for first in (1..=players).step_by(BATCH as usize) {
        let batch = made_up::players(first..(first + BATCH).min(players + 1), now);
        let refused = store.save(&batch).await?.into_iter().find_map(Result::err);
        ensure!(refused.is_none(), "{refused:?}");
    }
    for raid in made_up::raids() {
        store.save_raid(&raid).await?;
    }
    for run in made_up::runs(runs, now) {
        store.record(&run).await?;
    }
    Ok(())
}

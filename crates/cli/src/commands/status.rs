//! `parsebook status`.

use anyhow::bail;
use parsebook_adapters::embedded::{EmbeddedStore, FILE};
use parsebook_addon_db::reader::{Addon, Info};
use parsebook_core::ports::{Discoveries, Rules};
use serde::Serialize;

use crate::args::{Common, StatusArgs};
use crate::output::{grouped, say, say_json};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    store: String,
    rules: usize,
    discovered: u64,
    queued: u64,
    set_aside: u64,
    players: u64,
    database: Vec<RegionStatus>,
}

#[derive(Debug, Serialize)]
struct RegionStatus {
    region: String,
    #[serde(flatten)]
    info: Info,
}

/// Messages set aside that are shown.
const SHOWN: usize = 5;

pub async fn status(common: &Common, args: &StatusArgs) -> anyhow::Result<()> {
    if !common.data.join(FILE).exists() {
        bail!("no store in {}: run `parsebook rules add` or `parsebook run` first", common.data.display());
    }
    let store = EmbeddedStore::open(&common.data)?;
    let status = Status {
        store: store.path().display().to_string(),
        rules: store.rules().await?.0.len(),
        discovered: store.discovered_count().await?,
        queued: store.queue_length()?,
        set_aside: store.dead_letter_count()?,
        players: store.player_count()?,
        database: database(common)?,
    };
    if args.json {
        return say_json(&status);
    }
    say(&format!("store       {}", status.store));
    say(&format!("rules       {}", status.rules));
    say(&format!("discovered  {} players wait to be queued", grouped(status.discovered)));
    say(&format!("queue       {} players wait to be ranked", grouped(status.queued)));
    say(&format!("players     {} with ranks", grouped(status.players)));
    for RegionStatus { region, info } in &status.database {
        say(&format!(
            "database    {region}: {} characters on {} realms, ranks up to {}",
            grouped(info.characters),
            grouped(info.realms),
            time(info.generated_at)
        ));
    }
    if status.set_aside > 0 {
        say(&format!("set aside   {} messages; the newest:", grouped(status.set_aside)));
        for letter in store.dead_letters(SHOWN)? {
            say(&format!("            {}  {}", letter.body, letter.reason));
        }
    }
    Ok(())
}

fn database(common: &Common) -> anyhow::Result<Vec<RegionStatus>> {
    if !common.out.join("Parsebook").exists() {
        return Ok(Vec::new());
    }
    let mut addon = Addon::open(&common.out)?;
    let regions = addon.regions();
    regions
        .into_iter()
        .map(|region| {
            let info = addon.info(&region)?;
            Ok(RegionStatus { region, info })
        })
        .collect()
}

fn time(seconds: i64) -> String {
    let time = chrono::DateTime::from_timestamp(seconds, 0);
    time.map_or_else(|| seconds.to_string(), |time| time.format("%Y-%m-%d %H:%M UTC").to_string())
}

//! `parsebook demo`: the whole pipeline against a made-up world, in one process.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::embedded::FILE;
use parsebook_adapters::settings::{Environment, REGIONS};
use parsebook_addon_db::reader::{Addon, Found};
use parsebook_core::rule::{SourceKind, Target};
use parsebook_simulator::{Config, Player, Simulator, World};

use super::lookup;
use super::run::conclude;
use crate::args::{Common, DemoArgs, StoreKind};
use crate::local::Machine;
use crate::output::{grouped, say};
use crate::settings::Settings;
use crate::store::Store;

pub async fn demo(common: &Common, args: &DemoArgs) -> anyhow::Result<()> {
    let started = Instant::now();
    let simulator = Simulator::start(Config::new(World::generate(args.players, args.seed))).await?;
    let world = simulator.world().clone();
    say(&format!(
        "A simulated Warcraft Logs with {} made-up players answers at {}.\n",
        grouped(world.len() as u64),
        simulator.url()
    ));
    let common = Common {
        data: common.data.join("demo"),
        out: common.out.join("demo"),
        wcl_url: None,
        store: StoreKind::Sqlite,
    };
    // Both are looked at before either is touched.
    for (folder, sign_of_ours) in [(&common.data, FILE), (&common.out, "Parsebook/Parsebook.toc")] {
        ensure_ours(folder, sign_of_ours)?;
    }
    for folder in [&common.data, &common.out] {
        if folder.exists() {
            std::fs::remove_dir_all(folder).with_context(|| format!("clearing {}", folder.display()))?;
        }
    }
    let machine = Machine::open(&common.data, &common.out, &simulator.url(), settings()?, SystemClock)?;
    let mut boards: Vec<(i32, u8)> = world.players().flat_map(|player| player.pairs().collect::<Vec<_>>()).collect();
    boards.sort_unstable();
    boards.dedup();
    for (raid, difficulty) in boards {
        let raid = u32::try_from(raid)?;
        machine
            .store()
            .add_rule(&Target { ranks: args.ranks, ..Target::new(raid, difficulty, SourceKind::Reports) })?;
    }
    let summary = machine.run_once(&REGIONS.map(str::to_owned)).await?;
    conclude(&common, &summary, false)?;

    let mut addon = Addon::open(&common.out)?;
    say("\nThree players, looked up the way the addon does:\n");
    let examples = examples(&world, &mut addon)?;
    ensure!(!examples.is_empty(), "nobody of the made-up world is in the database: take more players");
    for (player, found) in examples {
        let (name, realm, region) = (player.name(), &player.realm().name, player.realm().region.compact_name());
        let info = addon.info(region)?;
        say(&format!(
            "$ parsebook lookup {} {} --region {region} --out {}",
            quoted(name),
            quoted(realm),
            common.out.display()
        ));
        lookup::describe(&found, &info).iter().for_each(|line| say(line));
        say("");
    }
    let report = common.out.join("report.html");
    super::report::write(&Store::Sqlite(machine.store().clone()), &report).await?;
    say(&format!("The addon lies in   {}", common.out.display()));
    say(&format!("The report lies in  {}", report.display()));
    say(&format!("The store lies in   {}  (SQLite)", machine.store().path().display()));
    say(&format!("Done in {:.1} s.", started.elapsed().as_secs_f64()));
    simulator.shutdown().await;
    Ok(())
}

/// Only what an earlier demo left may be cleared.
fn ensure_ours(folder: &Path, sign_of_ours: &str) -> anyhow::Result<()> {
    let is_empty = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    let is_ours = is_empty || folder.join(sign_of_ours).exists();
    ensure!(is_ours, "{} is not empty and not of a demo: name another", folder.display());
    Ok(())
}

/// Nothing has to be spared on this machine: no pace, and the simulator's own key. Nor has a report to wait for its day:
/// the simulated Warcraft Logs has ranked it at once.
fn settings() -> anyhow::Result<Settings> {
    let (id, secret) = Config::DEFAULT_CLIENT;
    let keys = serde_json::json!([{"name": "demo", "clientId": id, "clientSecret": secret}]).to_string();
    let variables = [("WCL_API_KEYS", keys.as_str()), ("PAGES_PER_SECOND", "1000"), ("REPORT_DELAY_HOURS", "0")];
    Ok(Settings::read(&Environment::from_iter(variables))?)
}

/// Three players of the database, in different regions and scripts where the world has them.
fn examples<'w>(world: &'w World, addon: &mut Addon) -> anyhow::Result<Vec<(Player<'w>, Found)>> {
    let mut chosen: Vec<(Player<'w>, Found)> = Vec::new();
    for wanted in [|name: &str| name.is_ascii(), |name: &str| !name.is_ascii(), |_: &str| true] {
        let is_new = |player: &Player<'_>| {
            player.is_rankable()
                && wanted(player.name())
                && chosen.iter().all(|(other, _)| other.realm().region != player.realm().region)
        };
        // Who stands in no public report is not found.
        for player in world.players().filter(is_new) {
            let (realm, region) = (&player.realm().name, player.realm().region.compact_name());
            if let Some(found) = lookup::find(addon, player.name(), realm, Some(region))? {
                chosen.push((player, found));
                break;
            }
        }
    }
    Ok(chosen)
}

fn quoted(word: &str) -> String {
    if word.chars().all(char::is_alphanumeric) { word.to_owned() } else { format!("\"{word}\"") }
}

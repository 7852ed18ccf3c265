//! `parsebook lookup`: the database through the addon's own Lua.

use anyhow::bail;
use parsebook_addon_db::reader::{Addon, Found, Info};

use crate::args::{Common, LookupArgs};
use crate::output::{difficulty, say, say_json};

pub fn lookup(common: &Common, args: &LookupArgs) -> anyhow::Result<()> {
    if !common.out.join("Parsebook").is_dir() {
        let of_demo = common.out.join("demo");
        if of_demo.join("Parsebook").is_dir() {
            bail!("no addon in {}; the demo's: add --out {}", common.out.display(), of_demo.display());
        }
        bail!("no addon in {}: run `parsebook demo` or `parsebook run` first", common.out.display());
    }
    let mut addon = Addon::open(&common.out)?;
    let found = find(&mut addon, &args.name, &args.realm, args.region.as_deref())?;
    if args.json {
        say_json(&found)?;
    }
    let Some(found) = found else {
        let region = args.region.as_deref().map(|region| format!(" in {region}")).unwrap_or_default();
        bail!("no {} on {}{region} in the database", args.name, args.realm);
    };
    if !args.json {
        let info = addon.info(&found.region)?;
        describe(&found, &info).iter().for_each(|line| say(line));
    }
    Ok(())
}

/// Finds a player in one region, or in the only region that knows it.
pub fn find(addon: &mut Addon, name: &str, realm: &str, region: Option<&str>) -> anyhow::Result<Option<Found>> {
    let regions = match region {
        Some(region) => vec![region.to_uppercase()],
        None => addon.regions(),
    };
    let mut found: Vec<Found> = Vec::new();
    for region in &regions {
        found.extend(addon.lookup(name, realm, region)?);
    }
    if found.len() > 1 {
        let regions: Vec<_> = found.iter().map(|found| found.region.as_str()).collect();
        bail!("{name} on {realm} is in {}: name one with --region", regions.join(" and "));
    }
    Ok(found.pop())
}

/// A player's ranks for people.
pub fn describe(found: &Found, info: &Info) -> Vec<String> {
    let mut lines = vec![format!("{}-{} ({})", found.name, found.realm, found.region)];
    for ranks in &found.ranks {
        let raid = info.raids.iter().find(|raid| raid.id == ranks.raid);
        let raid_name = raid.map_or_else(|| format!("raid {}", ranks.raid), |raid| raid.name.clone());
        let mean =
            ranks.encounters.iter().map(|rank| f64::from(rank.rank)).sum::<f64>() / ranks.encounters.len() as f64;
        let killed = ranks.encounters.len();
        let of = raid.map(|raid| format!("/{}", raid.encounters.len())).unwrap_or_default();
        lines.push(format!(
            "  {raid_name} {} {}: {killed}{of} bosses, average {mean:.0}",
            difficulty(ranks.difficulty),
            ranks.metric
        ));
        for rank in &ranks.encounters {
            let boss = raid.and_then(|raid| raid.encounters.iter().find(|boss| boss.id == rank.id));
            let boss = boss.map_or_else(|| format!("encounter {}", rank.id), |boss| boss.name.clone());
            let kills = if rank.kills == 1 { "kill" } else { "kills" };
            lines.push(format!("    {:>3}  {boss} ({} {kills})", rank.rank, rank.kills));
        }
    }
    lines
}

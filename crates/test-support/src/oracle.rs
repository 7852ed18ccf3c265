//! Compares a generated addon with the world it was made from, player by player, through the addon's own Lua.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use parsebook_addon_db::reader::{Addon, Found};
use parsebook_core::report::Metric;
use parsebook_simulator::{Player, Standing, World};

/// (raid, difficulty, metric, encounter) → (rank, kills).
type Ranks = BTreeMap<(u32, u8, String, u32), (u8, u8)>;

/// Looks up every player of the world and compares all it returns. Answers how many players were found.
///
/// # Errors
/// Names the first player that differs.
pub fn verify(addon: &Path, world: &World) -> anyhow::Result<usize> {
    verify_where(addon, world, |_, _, _| true)
}

/// The same for a world discovered through reports: whoever stands in one must be there with every rank of that raid
/// and difficulty; whatever else is there must be right too.
///
/// # Errors
/// Names the first player that differs.
pub fn verify_standing(addon: &Path, world: &World, standing: &BTreeSet<Standing>) -> anyhow::Result<usize> {
    verify_where(addon, world, |player, raid, difficulty| {
        standing.contains(&Standing { player: player.id(), raid, difficulty })
    })
}

/// The same for a world of which only some raids and difficulties were asked for.
///
/// # Errors
/// Names the first player that differs.
pub fn verify_boards(addon: &Path, world: &World, boards: &BTreeSet<(i32, u8)>) -> anyhow::Result<usize> {
    verify_where(addon, world, |_, raid, difficulty| boards.contains(&(raid, difficulty)))
}

/// What ranking a world costs at least: 1 point for each character with ranks that does not hide them, and 5 for each of
/// its raids and difficulties.
pub fn least_points(world: &World) -> f64 {
    let players = world.players().filter(|player| !player.is_hidden() && player.pairs().next().is_some());
    let question = |player: &Player<'_>| 1.0 + 5.0 * player.pairs().count() as f64;
    // Whose class can heal is asked a second time: the class is known only from the first answer.
    let times = |player: &Player<'_>| if Metric::can_heal(player.class_id()) { 2.0 } else { 1.0 };
    players.map(|player| question(&player) * times(&player)).sum()
}

fn verify_where(
    addon: &Path,
    world: &World,
    must_have: impl Fn(&Player<'_>, i32, u8) -> bool,
) -> anyhow::Result<usize> {
    let mut addon = Addon::open(addon).context("opening the addon")?;
    let mut count = 0;
    for player in world.players() {
        let realm = player.realm();
        let region = realm.region.compact_name();
        let who = || format!("{}-{} ({region}, {})", player.name(), realm.name, player.id());
        let found = addon.lookup(player.name(), &realm.name, region)?;
        let by_normalized = addon.lookup(player.name(), &realm.normalized_name, region)?;
        ensure!(found == by_normalized, "{}: display and normalized realm differ", who());
        let all = world_ranks(&player, |_, _| player.is_rankable())?;
        let least =
            world_ranks(&player, |raid, difficulty| player.is_rankable() && must_have(&player, raid, difficulty))?;
        let Some(found) = found else {
            ensure!(least.is_empty(), "{}: not in the addon", who());
            continue;
        };
        ensure!(found.class_id == player.class_id(), "{}: class {}", who(), found.class_id);
        ensure!(found.region == region && found.realm == realm.name, "{}: found as {}", who(), found.realm);
        compare(&all, &least, &found).with_context(who)?;
        count += 1;
    }
    Ok(count)
}

fn world_ranks(player: &Player<'_>, wanted: impl Fn(i32, u8) -> bool) -> anyhow::Result<Ranks> {
    player
        .ranks()
        .filter(|rank| wanted(rank.raid, rank.difficulty))
        .map(|rank| {
            let key = (
                u32::try_from(rank.raid)?,
                rank.difficulty,
                rank.metric.name().to_owned(),
                u32::try_from(rank.encounter)?,
            );
            Ok((key, (rank.rank, u8::try_from(rank.kills.min(255))?)))
        })
        .collect()
}

fn compare(all: &Ranks, least: &Ranks, found: &Found) -> anyhow::Result<()> {
    let mut seen = BTreeSet::new();
    for ranks in &found.ranks {
        for rank in &ranks.encounters {
            let key = (ranks.raid, ranks.difficulty, ranks.metric.clone(), rank.id);
            match all.get(&key) {
                Some(&expected) if expected == (rank.rank, rank.kills) => seen.insert(key),
                Some(expected) => bail!("{key:?}: {} and {} in place of {expected:?}", rank.rank, rank.kills),
                None => bail!("{key:?} is not in the world"),
            };
        }
    }
    match least.keys().find(|key| !seen.contains(*key)) {
        Some(missing) => bail!("{missing:?} is missing"),
        None => Ok(()),
    }
}

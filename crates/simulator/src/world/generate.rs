//! A made-up world of any size. The same number of players and seed give the same world, byte for byte.

use std::collections::HashSet;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::builder::Builder;
use super::names::{self, Script};
use super::{Encounter, Kill, Metric, Raid, Realm, Region, World};
use crate::classes::can_heal;
use crate::rng::{hash, hash_text};

/// Id, name, partition, and bosses in raid order (which is not the order of their ids).
type MadeRaid = (i32, &'static str, i32, &'static [(i32, &'static str)]);

const RAIDS: [MadeRaid; 2] = [
    (
        61,
        "The Drowned Archive",
        1,
        &[
            (6104, "Warden Ossuin"),
            (6101, "The Inkbound Choir"),
            (6102, "Mirelle, Keeper of Tides"),
            (6108, "Gnashing Depths"),
            (6103, "Brothers Korr and Vael"),
            (6107, "Sal'thuun"),
            (6105, "Archivist Pell \"the Last\""),
            (6106, "Queen Abysseia"),
        ],
    ),
    (
        62,
        "Citadel of the Ninth Ember",
        2,
        &[
            (6203, "Cinderhound"),
            (6201, "Forgemother Ilka"),
            (6202, "The Ash Tribunal"),
            (6209, "Pyrelord Tassik"),
            (6204, "Ember-Twins"),
            (6206, "Vharaxis"),
            (6205, "Molten Regent"),
            (6208, "Étienne l'Embrasé"),
            (6207, "The Ninth Ember"),
        ],
    ),
];

/// Share of all players, in percent.
const REGIONS: [(Region, usize); 5] =
    [(Region::Us, 33), (Region::Eu, 37), (Region::Kr, 9), (Region::Tw, 8), (Region::Cn, 13)];

struct MadeRealm {
    index: u16,
    script: Script,
}

struct MadeRegion {
    realms: Vec<MadeRealm>,
    /// Running sum of the realms' weights.
    weights: Vec<f64>,
}

impl World {
    /// Makes up a world: two raids, all five regions, realms of very different size, and players with names in Latin,
    /// accented, Cyrillic, Hangul and Chinese letters. One player in 250 is hidden, one in 330 has no class.
    pub fn generate(players: usize, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut builder = Builder::default();
        for (id, name, partition, bosses) in RAIDS {
            let encounters = bosses.iter().map(|&(id, name)| Encounter { id, name: name.to_owned() }).collect();
            builder.add_raid(Raid { id, name: name.to_owned(), partition, frozen: false, encounters });
        }
        let regions: Vec<MadeRegion> = REGIONS
            .iter()
            .map(|&(region, share)| make_region(&mut builder, &mut rng, region, players * share / 100))
            .collect();
        let mut taken = HashSet::with_capacity(players);
        let mut id = 10_000;
        // A player can only be refused for a name or a number of ranks that is never made here.
        for number in 0..players {
            id += 1 + rng.random_range(0..60) as u32;
            let region = region_for(&mut rng);
            let realm = pick_realm(&mut rng, &regions[region]);
            let name = free_name(&mut rng, realm, &mut taken);
            let class_id = if number % 331 == 11 { 0 } else { 1 + rng.random_range(0..13) as u8 };
            let kills = make_kills(&mut rng, class_id);
            let _ = builder.add_player(id, &name, realm.index, class_id, number % 250 == 7, kills);
        }
        builder.finish().0
    }
}

fn make_region(builder: &mut Builder, rng: &mut ChaCha8Rng, region: Region, players: usize) -> MadeRegion {
    let count = (players / 250).clamp(9, 120);
    let mut made = MadeRegion { realms: Vec::new(), weights: Vec::new() };
    let mut slugs = HashSet::new();
    let mut sum = 0.0;
    while made.realms.len() < count {
        let number = made.realms.len();
        let script = match region {
            Region::Us => Script::Latin,
            Region::Eu => {
                [Script::Latin, Script::Accented, Script::Latin, Script::Accented, Script::Cyrillic][number / 2 % 5]
            }
            Region::Kr => Script::Hangul,
            Region::Tw | Region::Cn => Script::Chinese,
        };
        let name = names::realm(rng, region, script, number);
        let slug = names::slug(&name);
        if !slugs.insert(slug.clone()) {
            continue;
        }
        let normalized_name = names::normalized(&name);
        let id = region.id() * 1000 + number as i32 + 1;
        // At most 600 realms are made, so there is always room.
        let Ok(index) = builder.add_realm(Realm { id, name, normalized_name, slug, region }) else {
            break;
        };
        sum += 1.0 / (number as f64 + 1.5).powf(0.9);
        made.realms.push(MadeRealm { index, script });
        made.weights.push(sum);
    }
    made
}

fn region_for(rng: &mut ChaCha8Rng) -> usize {
    let mut dice = rng.random_range(0..100);
    for (at, (_, share)) in REGIONS.iter().enumerate() {
        if dice < *share {
            return at;
        }
        dice -= share;
    }
    0
}

fn pick_realm<'r>(rng: &mut ChaCha8Rng, region: &'r MadeRegion) -> &'r MadeRealm {
    let dice = rng.random::<f64>() * region.weights.last().copied().unwrap_or(0.0);
    let at = region.weights.partition_point(|&weight| weight < dice);
    &region.realms[at.min(region.realms.len() - 1)]
}

/// A name nobody else on the realm has, as in the game.
fn free_name(rng: &mut ChaCha8Rng, realm: &MadeRealm, taken: &mut HashSet<u64>) -> String {
    let script = match realm.script {
        Script::Latin if rng.random_bool(0.12) => Script::Accented,
        Script::Hangul | Script::Chinese if rng.random_bool(0.15) => Script::Latin,
        script => script,
    };
    let mut name = names::player(rng, script);
    while !taken.insert(hash(&[realm.index.into(), hash_text(&name.to_lowercase())])) {
        // Crowded realm: longer names until one is free.
        let more = names::player(rng, script).to_lowercase();
        let room: usize = if name.chars().count() >= 10 { 0 } else { 12 - name.chars().count() };
        name = if room == 0 {
            names::player(rng, script)
        } else {
            name.chars().chain(more.chars().take(room.min(3))).collect()
        };
    }
    name
}

fn make_kills(rng: &mut ChaCha8Rng, class_id: u8) -> Vec<Kill> {
    let skill = bell(rng);
    let heals = can_heal(class_id) && rng.random_bool(0.4);
    let both = rng.random_bool(0.35);
    let newest = (RAIDS.len() - 1) as u8;
    let raids: &[u8] = if both {
        &[0, 1]
    } else if rng.random_bool(0.8) {
        &[1]
    } else {
        &[0]
    };
    let mut kills = Vec::new();
    for &raid in raids {
        let bosses = RAIDS[usize::from(raid)].3.len();
        let eager = skill + if raid == newest { 0.1 } else { 0.0 };
        let plan: [(u8, bool); 4] = [
            (1, rng.random_bool(0.06)),
            (3, rng.random_bool(0.7)),
            (4, eager > 0.4 && rng.random_bool(0.7)),
            (5, eager > 0.62),
        ];
        let nothing = plan.iter().all(|(_, plays)| !plays);
        for (difficulty, plays) in plan {
            let fallback = nothing && difficulty == 3;
            if !plays && !fallback {
                continue;
            }
            // Harder raids are cleared less far.
            let reach = match difficulty {
                1 | 3 => 0.5 + skill,
                4 => skill * 1.4,
                _ => skill * 1.1 - 0.2,
            };
            let cleared = ((reach * bosses as f64) as usize).clamp(1, bosses);
            // Now and then somebody fills in on the other role in one difficulty.
            let metric = if heals != rng.random_bool(0.05) && can_heal(class_id) { Metric::Hps } else { Metric::Dps };
            for boss in 0..cleared {
                if boss > 0 && rng.random_bool(0.08) {
                    continue;
                }
                let noise = (rng.random::<f64>() - 0.5) * 44.0;
                let rank = if rng.random_bool(0.001) { 100.0 } else { (skill * 100.0 + noise).clamp(0.0, 99.0) };
                let times =
                    if rng.random_bool(0.0008) { 250 + rng.random_range(0..200) } else { weeks(rng, difficulty) };
                kills.push(Kill {
                    raid,
                    difficulty,
                    encounter: boss as u8,
                    metric,
                    rank: rank as u8,
                    kills: times as u16,
                });
            }
        }
    }
    kills
}

/// Three draws averaged: a soft bell around 0.5.
fn bell(rng: &mut ChaCha8Rng) -> f64 {
    (0..3).map(|_| rng.random::<f64>()).sum::<f64>() / 3.0
}

/// How many weeks somebody came back for the same boss: mostly once or twice, rarely thirty times.
fn weeks(rng: &mut ChaCha8Rng, difficulty: u8) -> usize {
    let stay = if difficulty == 5 { 0.75 } else { 0.55 };
    let mut times = 1;
    while times < 40 && rng.random_bool(stay) {
        times += 1;
    }
    times
}

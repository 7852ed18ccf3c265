//! Data made from other data: more characters under varied names, ranks for names that have none.

use std::collections::HashSet;

use parsebook_addon_db::{Character, EncounterRank, Raid, Ranks};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::world;

/// Numbers that are the same each time.
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// Those of a seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0.random_range(0..limit)
    }
}

/// A realm's characters `times` over: copies have one or two letters exchanged for others of their own name pool.
pub fn multiplied(realm: &[Character], times: usize) -> Vec<Character> {
    let mut dice = Dice::new(realm.len() as u64);
    let letters: Vec<char> = realm.iter().flat_map(|c| c.name.chars().skip(1)).collect();
    let mut taken: HashSet<String> = realm.iter().map(|c| c.name.clone()).collect();
    let mut all = realm.to_vec();
    for copy in 1..times {
        for c in realm {
            let mut name: Vec<char> = c.name.chars().collect();
            loop {
                for _ in 0..1 + copy % 2 {
                    let place = 1 + dice.below(name.len() as u64) as usize;
                    let letter = letters.get(dice.below(letters.len().max(1) as u64) as usize).copied().unwrap_or('a');
                    match name.get_mut(place) {
                        Some(old) => *old = letter,
                        None => name.push(letter),
                    }
                }
                if taken.insert(name.iter().collect()) {
                    break;
                }
            }
            all.push(Character { name: name.into_iter().collect(), ..c.clone() });
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// Ranks for a character: some difficulties, most bosses, ranks around a level of its own.
pub fn ranks(class_id: u8, raids: &[Raid], dice: &mut Dice) -> Vec<Ranks> {
    let level = dice.below(80);
    let pick = dice.below(100);
    let mut all = Vec::new();
    for raid in raids {
        for difficulty in 3..6_u8 {
            if dice.below(u64::from(difficulty)) > 1 {
                continue;
            }
            let rank = |id: u32, dice: &mut Dice| EncounterRank {
                id,
                rank: (level + dice.below(21)).min(100) as u8,
                kills: 1 + dice.below(9) as u32,
            };
            let mut encounters: Vec<EncounterRank> = raid.encounters.iter().map(|e| rank(e.id, dice)).collect();
            encounters.retain(|_| dice.below(8) > 0);
            let metric = if dice.below(8) == 0 { "hps" } else { "dps" };
            let spec = world::spec(class_id, metric, pick);
            all.push(Ranks { raid: raid.id, difficulty, metric: metric.into(), spec, encounters });
        }
    }
    all.retain(|r| !r.encounters.is_empty());
    all
}

/// Realm `number` of a made-up region: `size` characters in name order.
pub fn realm(number: u32, size: u32, raids: &[Raid]) -> Vec<Character> {
    const SYLLABLES: [&str; 24] = [
        "ka", "lo", "ri", "sha", "ven", "dor", "mi", "tha", "el", "gor", "ni", "zu", "ra", "fe", "bal", "ty", "o",
        "xi", "quen", "ar", "li", "so", "du", "wy",
    ];
    let mut dice = Dice::new(number.into());
    let mut names = HashSet::new();
    while names.len() < size as usize {
        let mut name: String = (0..2 + dice.below(3)).map(|_| SYLLABLES[dice.below(24) as usize]).collect();
        name[..1].make_ascii_uppercase();
        name.extend((0..dice.below(3)).map(|_| char::from(b'a' + dice.below(26) as u8)));
        names.insert(name);
    }
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort();
    let realm = format!("Realm{number:03}");
    let one = |name| {
        let class_id = 1 + dice.below(13) as u8;
        Character {
            name,
            realm: realm.clone(),
            normalized_realm: realm.clone(),
            class_id,
            ranked_at: 1_700_000_000 + dice.below(1_000_000) as i64,
            ranks: ranks(class_id, raids, &mut dice),
            ..Character::default()
        }
    };
    names.into_iter().map(one).collect()
}

//! Reads data for the tools: worlds of the simulator and lists of names.
#![expect(clippy::unwrap_used, reason = "a tool for maintainers: stopping is the right answer")]

use std::borrow::Cow;

use parsebook_addon_db::{Character, Encounter, EncounterRank, Raid, Ranks};
use serde_json::Value;

/// A world file: its raids and its characters in the encoder's order.
pub struct World {
    pub raids: Vec<Raid>,
    pub characters: Vec<Character>,
}

/// Sorts by normalized realm, then name, bytewise.
pub fn sort(characters: &mut [Character]) {
    characters.sort_by(|a, b| (&a.normalized_realm, &a.name).cmp(&(&b.normalized_realm, &b.name)));
}

/// Reads a world: the first line holds the raids, each further line a character.
pub fn read(path: &str) -> World {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
    let raids = lines.next().unwrap()["zones"].as_array().unwrap().iter().map(raid).collect();
    let mut characters: Vec<Character> = lines.map(|v| character(&v)).collect();
    sort(&mut characters);
    World { raids, characters }
}

/// Every second character: the even ones (0) or the odd ones (1).
pub fn half(characters: &[Character], odd: usize) -> Vec<Character> {
    characters.iter().skip(odd).step_by(2).cloned().collect()
}

/// Reads a list of names: `# Realm`, then the names of its characters. One sorted vector for each realm.
pub fn read_names(path: &str) -> Vec<Vec<Character>> {
    let mut realms: Vec<Vec<Character>> = Vec::new();
    let mut realm = "";
    let text = std::fs::read_to_string(path).unwrap();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("# ") {
            realm = name;
            realms.push(Vec::new());
        } else if !line.is_empty() {
            realms.last_mut().unwrap().push(Character {
                name: line.to_owned(),
                realm: realm.to_owned(),
                normalized_realm: realm.to_owned(),
                class_id: 1,
                ..Character::default()
            });
        }
    }
    realms.iter_mut().for_each(|r| {
        sort(r);
        r.dedup_by(|a, b| a.name == b.name);
    });
    realms
}

fn number(v: &Value) -> u32 {
    v.as_u64().unwrap().try_into().unwrap()
}

fn text(v: &Value) -> String {
    v.as_str().unwrap().to_owned()
}

fn raid(v: &Value) -> Raid {
    let encounter = |e: &Value| Encounter { id: number(&e["id"]), name: text(&e["name"]) };
    let encounters = v["encounters"].as_array().unwrap().iter().map(encounter).collect();
    Raid { id: number(&v["id"]), name: text(&v["name"]), encounters }
}

/// Classes with their specialisations for damage and for healing, in the order of WCL's class ids. Worlds tell none,
/// so each player gets one that fits class and metric.
const SPECS: [(&[&str], &[&str]); 13] = [
    (&["Blood", "Frost", "Unholy"], &[]),
    (&["Balance", "Feral", "Guardian"], &["Restoration"]),
    (&["BeastMastery", "Marksmanship", "Survival"], &[]),
    (&["Arcane", "Fire", "Frost"], &[]),
    (&["Brewmaster", "Windwalker"], &["Mistweaver"]),
    (&["Protection", "Retribution"], &["Holy"]),
    (&["Shadow"], &["Discipline", "Holy"]),
    (&["Assassination", "Subtlety", "Outlaw"], &[]),
    (&["Elemental", "Enhancement"], &["Restoration"]),
    (&["Affliction", "Demonology", "Destruction"], &[]),
    (&["Arms", "Fury", "Protection"], &[]),
    (&["Havoc", "Vengeance"], &[]),
    (&["Devastation", "Augmentation"], &["Preservation"]),
];

/// A specialisation that a player of this class may have.
pub fn spec(class_id: u8, metric: &str, pick: u64) -> Option<Cow<'static, str>> {
    let (damage, healing) = SPECS.get(usize::from(class_id).checked_sub(1)?)?;
    let fitting = if metric == "hps" && !healing.is_empty() { healing } else { damage };
    Some(fitting[(pick % fitting.len() as u64) as usize].into())
}

fn character(v: &Value) -> Character {
    let (id, class_id) = (number(&v["id"]), number(&v["classId"]) as u8);
    let pick = u64::from(id.wrapping_mul(0x9E37_79B1) >> 8);
    let mut ranks: Vec<Ranks> = Vec::new();
    for row in v["ranks"].as_array().unwrap() {
        let (raid, difficulty) = (number(&row[0]), u8::try_from(number(&row[1])).unwrap());
        let metric = row[3].as_str().unwrap();
        let rank = EncounterRank { id: number(&row[2]), rank: number(&row[4]) as u8, kills: number(&row[5]) };
        match ranks.iter_mut().find(|r| r.raid == raid && r.difficulty == difficulty && r.metric == metric) {
            Some(r) => r.encounters.push(rank),
            None => {
                let spec = spec(class_id, metric, pick);
                let metric = match metric {
                    "dps" => "dps".into(),
                    "hps" => "hps".into(),
                    other => other.to_owned().into(),
                };
                ranks.push(Ranks { raid, difficulty, metric, spec, encounters: vec![rank] });
            }
        }
    }
    Character {
        name: text(&v["name"]),
        realm: text(&v["server"]["name"]),
        normalized_realm: text(&v["server"]["normalizedName"]),
        class_id,
        ranked_at: 1_671_580_800 - i64::from(id) % 864_000,
        ranks,
        ..Character::default()
    }
}

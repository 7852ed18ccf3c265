//! Reads data for the tools: worlds of the simulator and lists of names.
#![expect(clippy::unwrap_used, reason = "a tool for maintainers: stopping is the right answer")]

use parsebook_addon_db::{Character, Encounter, EncounterRank, Raid, Ranks};
use serde_json::Value;

/// A world file: its raids and its characters in the encoder's order.
pub struct World {
    pub raids: Vec<Raid>,
    pub characters: Vec<Character>,
}

/// Sorts as the encoder wants it: by normalized realm, then name, bytewise.
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
                ranked_at: 0,
                ranks: vec![],
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

fn character(v: &Value) -> Character {
    let mut ranks: Vec<Ranks> = Vec::new();
    for row in v["ranks"].as_array().unwrap() {
        let (raid, difficulty) = (number(&row[0]), u8::try_from(number(&row[1])).unwrap());
        let metric = row[3].as_str().unwrap();
        let rank = EncounterRank { id: number(&row[2]), rank: number(&row[4]) as u8, kills: number(&row[5]) };
        match ranks.iter_mut().find(|r| r.raid == raid && r.difficulty == difficulty && r.metric == metric) {
            Some(r) => r.encounters.push(rank),
            None => {
                let metric = match metric {
                    "dps" => "dps".into(),
                    "hps" => "hps".into(),
                    other => other.to_owned().into(),
                };
                ranks.push(Ranks { raid, difficulty, metric, encounters: vec![rank] });
            }
        }
    }
    let id = i64::from(number(&v["id"]));
    Character {
        name: text(&v["name"]),
        realm: text(&v["server"]["name"]),
        normalized_realm: text(&v["server"]["normalizedName"]),
        class_id: number(&v["classId"]) as u8,
        ranked_at: 1_671_580_800 - id % 864_000,
        ranks,
    }
}

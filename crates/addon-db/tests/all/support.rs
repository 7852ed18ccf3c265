//! What the tests share: building characters, writing a repository, saying what the addon must answer.

use std::collections::BTreeMap;

use parsebook_addon_db::reader::{Addon, Found, FoundEncounter, FoundRanks};
use parsebook_addon_db::{Character, Encounter, EncounterRank, File, Raid, Ranks, Summary, addon_files, encode};
use tempfile::TempDir;

pub fn raids() -> Vec<Raid> {
    let raid = |id, name: &str, encounters: &[u32]| Raid {
        id,
        name: name.to_owned(),
        encounters: encounters.iter().map(|&id| Encounter { id, name: format!("Boss {id}") }).collect(),
    };
    vec![
        raid(26, "Castle", &[2398, 2418, 2383, 2402]),
        raid(31, "Vault", &[2587, 2639, 2590, 2592, 2635, 2605, 2614, 2607]),
        raid(33, "Crucible \"quoted\" \\ ]=]", &[2688]),
    ]
}

pub fn character(realm: &str, name: &str, ranks: Vec<Ranks>) -> Character {
    Character {
        name: name.to_owned(),
        realm: realm.to_owned(),
        normalized_realm: realm.replace([' ', '-'], ""),
        class_id: 3,
        ranked_at: 1_700_000_000,
        ranks,
        ..Character::default()
    }
}

pub fn ranks(raid: u32, difficulty: u8, metric: &'static str, encounters: &[(u32, u8, u32)]) -> Ranks {
    let encounters = encounters.iter().map(|&(id, rank, kills)| EncounterRank { id, rank, kills }).collect();
    Ranks { raid, difficulty, metric: metric.into(), spec: None, encounters }
}

/// A repository on disk with the addon and the given files.
pub fn repository(files: &[File]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files.iter().chain(&addon_files()) {
        write(&dir, &file.path, &file.bytes);
    }
    dir
}

pub fn write(dir: &TempDir, path: &str, bytes: &[u8]) {
    let path = dir.path().join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

pub fn open(region: &str, raids: &[Raid], characters: &[Character]) -> (Addon, Summary, TempDir) {
    let (files, summary) = encode(region, raids, characters).unwrap();
    check_files(&files);
    let dir = repository(&files);
    (Addon::open(dir.path()).unwrap(), summary, dir)
}

/// The limits of every file: printable ASCII, line feeds, valid UTF-8 without control characters, at most 8 MB.
pub fn check_files(files: &[File]) {
    for file in files {
        assert!(file.bytes.len() <= 8_000_000, "{} has {} bytes", file.path, file.bytes.len());
        let text = std::str::from_utf8(&file.bytes).unwrap();
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{}", file.path);
    }
}

/// What the addon must answer, worked out without any of the encoder's code.
pub fn expected(region: &str, raids: &[Raid], c: &Character) -> Found {
    type Key = (std::cmp::Reverse<u32>, std::cmp::Reverse<u8>, String);
    let mut groups: BTreeMap<Key, (Option<String>, Vec<FoundEncounter>)> = BTreeMap::new();
    for r in &c.ranks {
        let raid = raids.iter().find(|x| x.id == r.raid);
        let mut list: Vec<FoundEncounter> = Vec::new();
        for e in &r.encounters {
            if list.iter().all(|x| x.id != e.id) {
                list.push(FoundEncounter { id: e.id, rank: e.rank.min(100), kills: e.kills.min(255) as u8 });
            }
        }
        list.sort_by_key(|e| {
            let place = raid.and_then(|x| x.encounters.iter().position(|y| y.id == e.id));
            (place.unwrap_or(usize::MAX), e.id)
        });
        let key = (std::cmp::Reverse(r.raid), std::cmp::Reverse(r.difficulty), r.metric.to_string());
        if !list.is_empty() {
            groups.entry(key).or_insert((r.spec.as_ref().map(ToString::to_string), list));
        }
    }
    let ranks = groups
        .into_iter()
        .map(|((raid, difficulty, metric), (spec, encounters))| FoundRanks {
            raid: raid.0,
            difficulty: difficulty.0,
            metric,
            spec,
            encounters,
        })
        .collect();
    Found { name: c.name.clone(), realm: c.realm.clone(), region: region.to_owned(), class_id: c.class_id, ranks }
}

/// Looks every character up and compares the whole answer.
pub fn assert_round_trip(region: &str, raids: &[Raid], characters: &[Character]) {
    let (mut addon, _, _dir) = open(region, raids, characters);
    for c in characters {
        let found = addon.lookup(&c.name, &c.normalized_realm, region).unwrap();
        assert_eq!(found.as_ref(), Some(&expected(region, raids, c)), "{c:?}");
    }
}

//! Worlds: reading, writing, merging, and what a made-up one contains.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use parsebook_simulator::{Metric, Player, Region, World, WorldError};
use tempfile::TempDir;

const HEADER: &str = r#"{"zones":[{"id":70,"name":"Hall","partition":1,"encounters":[{"id":701,"name":"One"},{"id":702,"name":"Two"}]}]}"#;

fn line(id: i32, ranks: &str) -> String {
    format!(
        r#"{{"id":{id},"name":"Nobody","region":"EU","server":{{"id":9,"name":"No Where","normalizedName":"NoWhere","slug":"no-where"}},"classId":4,"ranks":[{ranks}]}}"#
    )
}

fn file(dir: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

fn written(world: &World) -> Vec<u8> {
    let mut bytes = Vec::new();
    world.write_jsonl(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_written_world_is_read_back_the_same() {
    let world = World::generate(1_500, 11);
    let dir = TempDir::new().unwrap();
    let path = file(&dir, "world.jsonl", written(&world));
    let loaded = World::load(&[path]).unwrap();
    assert_eq!((loaded.skipped, loaded.repeated), (0, 0));
    assert_eq!(written(&loaded.world), written(&world));
    assert_eq!(loaded.world.raids(), world.raids());
}

#[test]
fn generation_follows_the_seed() {
    let bytes = |players, seed| written(&World::generate(players, seed));
    assert_eq!(bytes(300, 1), bytes(300, 1));
    assert_ne!(bytes(300, 1), bytes(300, 2));
    assert_eq!(World::generate(0, 1).len(), 0);
    assert_eq!(World::generate(1, 1).len(), 1);
}

#[test]
fn malformed_lines_are_skipped_with_their_cause() {
    let dir = TempDir::new().unwrap();
    let ok = "[70,3,701,\"dps\",50,2]";
    let long = format!("{{\"id\":1,\"name\":\"{}\"", "x".repeat(1 << 20));
    let lines = [
        HEADER.to_owned(),
        line(1, ok),
        "not json".to_owned(),
        line(2, "[70,3,999,\"dps\",50,2]"),
        line(3, "[70,3,701,\"dps\",101,2]"),
        line(4, "[70,3,701,\"dps\",50,0]"),
        line(5, "[70,3,701,\"speed\",50,1]"),
        line(6, "[70,2,701,\"dps\",50,1]"),
        line(7, &format!("{ok},{ok}")),
        line(-8, ok),
        line(9, ok).replace("\"EU\"", "\"XX\""),
        line(10, ok).replace("Nobody", ""),
        line(11, ok).replace("\"classId\":4", "\"classId\":99"),
        long,
        String::new(),
        line(1, ok),
        line(12, ok),
    ];
    let path = file(&dir, "w.jsonl", lines.join("\n"));
    let loaded = World::load(&[&path]).unwrap();
    let ids: Vec<i32> = loaded.world.players().map(|player| player.id()).collect();
    assert_eq!((ids, loaded.skipped, loaded.repeated), (vec![1, 12], 12, 1));
    let texts: Vec<String> = loaded.causes.iter().map(ToString::to_string).collect();
    for (number, part) in [
        (3, "expected"),
        (4, "unknown boss 999 of raid 70"),
        (5, "rank 101"),
        (6, "0 kills"),
        (7, "unknown metric \"speed\""),
        (8, "unknown difficulty 2"),
        (9, "same rank twice"),
        (10, "id is not positive"),
        (11, "unknown region \"XX\""),
        (12, "name is empty"),
        (13, "unknown class 99"),
        (14, "longer than 1 MiB"),
    ] {
        let start = format!("{}:{number}: ", path.display());
        let text = texts.iter().find(|text| text.starts_with(&start)).unwrap_or_else(|| panic!("{number}: {texts:?}"));
        assert!(text.contains(part) && !text.contains('\n'), "{text}");
    }
}

#[test]
fn unusable_files_are_named() {
    let dir = TempDir::new().unwrap();
    let missing = dir.path().join("missing.jsonl");
    assert!(matches!(World::load(&[&missing]), Err(WorldError::Read { file, .. }) if file == missing));
    for (content, part) in [
        (Vec::new(), "empty"),
        (line(1, "").into_bytes(), "not a world header"),
        (vec![0xFF; 50], "not a world header"),
        (HEADER.replace("\"partition\":1", "\"partition\":2000000000").into_bytes(), "zone 70"),
    ] {
        let path = file(&dir, "bad.jsonl", content);
        let error = World::load(&[&path]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}:1: ", path.display())) && error.contains(part), "{error}");
    }
}

#[test]
fn what_a_class_cannot_heal_is_damage() {
    let dir = TempDir::new().unwrap();
    let ranks = "[70,3,701,\"hps\",50,2],[70,3,702,\"hps\",50,2]";
    let rogue = line(1, ranks).replace("\"classId\":4", "\"classId\":8");
    let priest = line(2, ranks).replace("\"classId\":4", "\"classId\":7");
    let loaded = World::load(&[file(&dir, "w.jsonl", [HEADER, &rogue, &priest].join("\n"))]).unwrap();
    let metrics = |id| loaded.world.player(id).unwrap().ranks().map(|rank| rank.metric).collect::<Vec<_>>();
    assert_eq!((metrics(1), metrics(2)), (vec![Metric::Dps; 2], vec![Metric::Hps; 2]));
}

#[test]
fn worlds_are_merged() {
    let dir = TempDir::new().unwrap();
    let a = file(&dir, "a.jsonl", [HEADER, &line(5, "[70,3,701,\"dps\",50,2]")].join("\n"));
    let header = HEADER.replace("{\"id\":701,\"name\":\"One\"},", "").replace("702", "703");
    let more = "[70,3,703,\"hps\",9,1]";
    let b = file(&dir, "b.jsonl", [&header, &line(4, more), &line(5, more)].map(String::as_str).join("\n"));
    let loaded = World::load(&[a, b]).unwrap();
    let bosses: Vec<i32> = loaded.world.raid(70).unwrap().encounters.iter().map(|boss| boss.id).collect();
    assert_eq!(bosses, [701, 702, 703]);
    assert_eq!((loaded.world.len(), loaded.repeated, loaded.world.realms().len()), (2, 1, 1));
    let rank = loaded.world.player(4).unwrap().ranks().next().unwrap();
    assert_eq!((rank.encounter, rank.metric, rank.rank), (703, Metric::Dps, 9));
    assert_eq!(loaded.world.player(5).unwrap().ranks().next().unwrap().encounter, 701);
}

#[test]
fn a_made_up_world_has_everything_that_is_hard() {
    let world = World::generate(20_000, 1);
    assert_eq!(world.len(), 20_000);
    let has_name = |within: std::ops::RangeInclusive<char>| {
        world.players().any(|player| player.name().chars().any(|c| within.contains(&c)))
    };
    for (script, letters) in
        [("accented", 'à'..='ÿ'), ("Cyrillic", 'а'..='я'), ("Hangul", '가'..='힣'), ("Chinese", '一'..='鿿')]
    {
        assert!(has_name(letters), "{script}");
    }
    for mark in [' ', '-', '\'', '\u{2019}', '('] {
        let realms: Vec<_> = world.realms().iter().filter(|realm| realm.name.contains(mark)).collect();
        assert!(!realms.is_empty(), "{mark:?}");
        let dropped = mark == ' ' || mark == '-';
        assert!(realms.iter().all(|realm| realm.normalized_name.contains(mark) != dropped), "{mark:?}");
    }
    let mut by_realm: BTreeMap<(Region, i32), usize> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for player in world.players() {
        let realm = player.realm();
        *by_realm.entry((realm.region, realm.id)).or_default() += 1;
        assert!(taken.insert((realm.region, realm.id, player.name().to_lowercase())), "{}", player.name());
        assert!((2..=12).contains(&player.name().chars().count()), "{}", player.name());
    }
    let regions: BTreeSet<Region> = by_realm.keys().map(|key| key.0).collect();
    assert_eq!(regions.len(), 5);
    let (largest, smallest) = (by_realm.values().max().unwrap(), by_realm.values().min().unwrap());
    assert!(largest > &(smallest * 10), "realm sizes are skewed: {smallest}..{largest}");

    assert!(world.raids().iter().all(|raid| (8..=9).contains(&raid.encounters.len())));
    assert!(world.raids().iter().any(|raid| raid.partition > 1), "a fixed partition 1 must not do");
    assert!(world.raids().iter().any(|raid| !raid.encounters.is_sorted_by_key(|boss| boss.id)));
    let pairs: BTreeSet<(i32, u8)> = world.players().flat_map(|player| player.pairs()).collect();
    assert_eq!(pairs.len(), 8, "two raids, four difficulties");
    assert!(world.players().any(|player| player.is_hidden()) && world.players().any(|player| player.class_id() == 0));
    let ranks = || world.players().flat_map(|player| player.ranks());
    assert!(
        ranks().any(|rank| rank.kills > 255)
            && ranks().any(|rank| rank.rank == 100)
            && ranks().any(|rank| rank.rank == 0)
    );
    assert!(ranks().any(|rank| rank.metric == Metric::Hps));
    assert!(ranks().all(|rank| rank.rank_percent.floor() == f64::from(rank.rank) && rank.rank_percent <= 100.0));
    assert!(world.players().all(|player| one_metric_each(&player)));
}

/// Each player has one metric in each raid and difficulty.
fn one_metric_each(player: &Player<'_>) -> bool {
    player.pairs().all(|pair| {
        let metrics: BTreeSet<Metric> =
            player.ranks().filter(|rank| (rank.raid, rank.difficulty) == pair).map(|rank| rank.metric).collect();
        metrics.len() == 1
    })
}

//! A region as a whole: order, duplicates, what is set aside, stability of the files, refusals.

use std::collections::BTreeMap;

use parsebook_addon_db::reader::{Addon, ReadError};
use parsebook_addon_db::{Character, EncodeError, FORMAT_VERSION, File, RegionEncoder, SetAside, encode};

use crate::support::*;

/// 3,000 characters in 12 realms.
fn many() -> Vec<Character> {
    let one = |i: u32| {
        let name = format!("N{}{}", char::from(b'a' + (i * 7 % 26) as u8), char::from(b'a' + (i / 26 % 26) as u8));
        let name = format!("{name}{}", char::from(b'a' + (i / 676) as u8));
        let list = [(2587, (i * 31 % 101) as u8, 1 + i % 4), (2639, (i * 17 % 101) as u8, 1 + i % 3)];
        let ranked_at = 1_600_000_000 + i64::from(i);
        Character { ranked_at, ..character(&format!("Realm {}", i % 12), &name, vec![ranks(31, 4, "dps", &list)]) }
    };
    let by_name: BTreeMap<_, _> =
        (0..3_000).map(one).map(|c| ((c.normalized_realm.clone(), c.name.clone()), c)).collect();
    by_name.into_values().collect()
}

fn by_path(files: Vec<File>) -> BTreeMap<String, String> {
    files.into_iter().map(|f| (f.path, String::from_utf8(f.bytes).unwrap())).collect()
}

fn encoded(characters: &[Character]) -> BTreeMap<String, String> {
    by_path(encode("EU", &raids(), characters).unwrap().0)
}

/// Lines that stand in only one of two files of the same name, and the number of such files.
fn difference(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> (usize, usize) {
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    let changed: Vec<_> = a.iter().filter(|(path, text)| b[*path] != **text).collect();
    let lines = |(path, text): &(&String, &String)| {
        let old: std::collections::HashSet<&str> = text.lines().collect();
        b[*path].lines().filter(|l| !old.contains(l)).count()
    };
    (changed.len(), changed.iter().map(lines).sum())
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    let characters = many();
    let mut shuffled = characters.clone();
    shuffled.reverse();
    shuffled.rotate_left(1234);
    shuffled.iter_mut().for_each(|c| c.ranks[0].encounters.reverse());
    assert_eq!(encoded(&characters), encoded(&shuffled));
}

#[test]
fn one_changed_player_changes_one_line_and_perhaps_the_date() {
    let before = many();
    for i in (0..before.len()).step_by(501) {
        let mut after = before.clone();
        after[i].ranks[0].encounters[0].rank ^= 1;
        assert_eq!(difference(&encoded(&before), &encoded(&after)), (1, 1), "rank of {i}");
        after[i].ranked_at = 1_600_020_000;
        assert_eq!(difference(&encoded(&before), &encoded(&after)), (1, 2), "rank and moment of {i}");
        after[i].ranked_at = 1_900_000_000;
        assert_eq!(difference(&encoded(&before), &encoded(&after)), (1, 2), "rank and day of {i}");
    }
}

/// The line that differs, before and after.
fn changed_line<'a>(a: &'a BTreeMap<String, String>, b: &'a BTreeMap<String, String>) -> (&'a str, &'a str) {
    let lines = |files: &'a BTreeMap<String, String>| files.values().flat_map(|text| text.lines());
    lines(a).zip(lines(b)).find(|(a, b)| a != b).unwrap()
}

/// What a delta need not tell again: names come before ranks, and the two halves of a block know nothing of each other.
#[test]
fn a_changed_rank_leaves_names_and_the_other_half_as_they_were() {
    let (before, mut after) = (many(), many());
    let files = encoded(&before);
    for i in (0..before.len()).step_by(501) {
        after[i].ranks[0].encounters[0].rank ^= 1;
        let files_after = encoded(&after);
        let (old, new) = changed_line(&files, &files_after);
        let same = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
        let same_behind = old.bytes().rev().zip(new.bytes().rev()).take_while(|(a, b)| a == b).count();
        assert!(2 * (same + same_behind) > old.len(), "{old} {new}");
        after[i] = before[i].clone();
    }
}

#[test]
fn a_hundredth_of_all_players_on_another_day_is_another_version() {
    let before = many();
    let version = |characters: &[Character]| {
        let toc = encoded(characters).remove("Parsebook_DB_EU/Parsebook_DB_EU.toc").unwrap();
        toc.lines().find_map(|line| line.strip_prefix("## Version: ")).unwrap().to_owned()
    };
    assert_eq!(version(&before), "2020.09.13");
    let mut after = before.clone();
    let enough = before.len().div_ceil(100);
    after.iter_mut().take(enough - 1).for_each(|c| c.ranked_at = 1_900_000_000);
    assert_eq!(version(&after), "2020.09.13");
    after[enough].ranked_at = 1_800_000_000;
    assert_eq!(version(&after), "2027.01.15");
}

#[test]
fn one_new_or_removed_player_changes_its_neighbourhood_in_one_file() {
    let before = many();
    for i in (0..before.len()).step_by(501) {
        let mut after = before.clone();
        after.remove(i);
        let (files, lines) = difference(&encoded(&before), &encoded(&after));
        assert!(files == 1 && lines <= 40, "{files} files, {lines} lines after removing {i}");
        let (files, lines) = difference(&encoded(&after), &encoded(&before));
        assert!(files == 1 && lines <= 40, "{files} files, {lines} lines after adding {i}");
    }
}

#[test]
fn a_new_raid_or_metric_of_one_player_touches_one_file() {
    let before = many();
    let mut after = before.clone();
    after[77].ranks.push(ranks(99, 2, "never seen", &[(5, 5, 5)]));
    assert_eq!(difference(&encoded(&before), &encoded(&after)), (1, 1));
}

#[test]
fn info_adds_the_files_up() {
    let characters = many();
    let (mut addon, summary, _dir) = open("EU", &raids(), &characters);
    let info = addon.info("EU").unwrap();
    assert_eq!((info.format_version, info.generated_at), (FORMAT_VERSION, 1_600_002_999));
    assert_eq!((info.characters, info.realms), (characters.len() as u64, 12));
    assert_eq!(
        (summary.characters, summary.realms, summary.generated_at),
        (info.characters, info.realms, info.generated_at)
    );
    assert_eq!(info.raids, [raids()[1].clone()], "only the raids in which somebody has ranks");
}

/// Which class of two with one name is found, in whichever order they come.
fn kept(one: Character, two: Character) -> u8 {
    let classes = [[one.clone(), two.clone()], [two, one]].map(|order| {
        let (mut addon, summary, _dir) = open("EU", &raids(), &order);
        assert_eq!((summary.characters, summary.set_aside[&SetAside::Duplicate]), (1, 1));
        addon.lookup("Twin", "A", "EU").unwrap().unwrap().class_id
    });
    assert_eq!(classes[0], classes[1], "the order of arrival decides");
    classes[0]
}

#[test]
fn of_two_with_one_name_the_current_one_is_kept_else_that_with_the_newest_kill() {
    let one = Character { ranked_at: 5, class_id: 1, ..character("A", "Twin", vec![]) };
    let two = Character { ranked_at: 6, class_id: 2, ..one.clone() };
    assert_eq!(kept(one.clone(), two.clone()), 2, "ranked last");
    assert_eq!(kept(Character { newest_kill: Some(9), ..one.clone() }, two.clone()), 1, "killed last");
    let deleted = Character { id: Some(7), canonical_id: Some(8), newest_kill: Some(9), ..two };
    let current = Character { id: Some(8), canonical_id: Some(8), ..one };
    assert_eq!(kept(current, deleted), 1, "WCL calls it current");
}

#[test]
fn two_spellings_of_a_realm_are_one_realm() {
    let mut characters = Vec::new();
    for (realm, count) in [
        ("Ner’zhul", 5),
        ("Ner'zhul", 1),
        ("Azjol-Nerub", 5),
        ("AzjolNerub", 1),
        ("Temple noir", 2),
        ("Templenoir", 1),
        ("Aman'thul", 1),
        ("Aman'Thul", 2),
    ] {
        let list = [(2587, 50, 1)];
        for i in 0..count {
            let name = format!("{}{i}", char::from(b'A' + characters.len() as u8));
            let c = character(realm, &name, vec![ranks(31, 4, "dps", &list)]);
            characters.push(Character { normalized_realm: realm.to_owned(), ..c });
        }
    }
    let (mut addon, summary, _dir) = open("EU", &raids(), &characters);
    assert_eq!((summary.characters, summary.realms), (18, 4));
    assert_eq!(summary.set_aside, BTreeMap::new());
    for c in &characters {
        let key = |realm: &str| realm.to_lowercase().replace([' ', '-', '\'', '’'], "");
        for spelled in ["Ner’zhul", "Ner'zhul", "NERZHUL", "Azjol-Nerub", "azjolnerub", "temple NOIR", "Amanthul"] {
            let found = addon.lookup(&c.name, spelled, "EU").unwrap();
            assert_eq!(found.is_some(), key(spelled) == key(&c.realm), "{} of {} as {spelled}", c.name, c.realm);
        }
    }
    let shown = |addon: &mut Addon, name: &str, realm: &str| addon.lookup(name, realm, "EU").unwrap().unwrap().realm;
    assert_eq!(shown(&mut addon, "A0", "Nerzhul"), "Ner’zhul", "as most spell it");
    assert_eq!(shown(&mut addon, &characters[15].name.clone(), "Aman'thul"), "Aman'Thul");
}

#[test]
fn any_letter_case_finds_the_only_one_who_answers_to_it() {
    let of = |name: &str, class_id| Character { class_id, ..character("A", name, vec![]) };
    let characters = [
        of("Chôgun", 1),
        of("Spicca", 2),
        of("Εὐρώπη", 3),
        of("Полынья", 4),
        of("McTwin", 5),
        of("Mctwin", 6),
        of("mCodd", 7),
        of("Œuvreß", 8),
        of("가람", 9),
    ];
    let (mut addon, _summary, _dir) = open("EU", &raids(), &characters);
    let mut class = |name: &str| addon.lookup(name, "A", "EU").unwrap().map(|found| (found.class_id, found.name));
    for (asked, class_id, name) in [
        ("chôgun", 1, "Chôgun"),
        ("CHÔGUN", 1, "Chôgun"),
        ("sPICCA", 2, "Spicca"),
        ("ΕὐΡΏΠΗ", 3, "Εὐρώπη"),
        ("полыньЯ", 4, "Полынья"),
        ("McTwin", 5, "McTwin"),
        ("Mctwin", 6, "Mctwin"),
        ("mcODD", 7, "mCodd"),
        ("œUVREẞ", 8, "Œuvreß"),
        ("가람", 9, "가람"),
    ] {
        assert_eq!(class(asked), Some((class_id, name.to_owned())), "{asked}");
    }
    for nobody in ["MCTWIN", "chogun", "Chôgu", "Chôgunn", "", "\u{fffd}"] {
        assert_eq!(class(nobody), None, "{nobody}");
    }
}

#[test]
fn names_that_differ_in_letter_case_are_found_wherever_they_stand_in_a_block() {
    let of = |name: String, class_id| Character {
        class_id,
        ..character("A", &name, vec![ranks(31, 4, "dps", &[(2587, class_id, 2)])])
    };
    for before in 0..14 {
        let twins = ["SAME", "SaMe", "Same", "sAME", "samE"].map(str::to_owned);
        let others = (0..before).map(|i| format!("R{i:02}")).chain((0..14).map(|i| format!("T{i:02}")));
        let characters: Vec<_> = others.chain(twins).zip(1..).map(|(name, class_id)| of(name, class_id)).collect();
        assert_round_trip("EU", &raids(), &characters);
        let (mut addon, _summary, _dir) = open("EU", &raids(), &characters);
        assert_eq!(addon.lookup("same", "A", "EU").unwrap(), None, "several answer to it");
        assert_eq!(addon.lookup("t07", "A", "EU").unwrap().unwrap().name, "T07");
    }
}

#[test]
fn what_cannot_be_carried_is_set_aside_and_counted() {
    let long = "x".repeat(200);
    let metric =
        |name: &str| parsebook_addon_db::Ranks { metric: name.to_owned().into(), ..ranks(31, 4, "", &[(1, 1, 1)]) };
    let characters = vec![
        character("A", "", vec![]),
        character("A", &long, vec![]),
        character("A", "Good", vec![ranks(31, 4, "dps", &[(2587, 50, 1)])]),
        character("A", "Metric", vec![metric(&long), ranks(31, 4, "dps", &[(2587, 50, 1)])]),
        character("A", "Nometric", vec![metric("")]),
        character("A", "Much", vec![ranks(31, 4, "dps", &(0..300).map(|i| (i, 1, u32::MAX)).collect::<Vec<_>>())]),
        character("", "Homeless", vec![]),
        character(&long, "Faraway", vec![]),
    ];
    let (mut addon, summary, _dir) = open("EU", &raids(), &characters);
    assert_eq!(summary.characters, 4);
    let counts = [(SetAside::Name, 2), (SetAside::Realm, 2), (SetAside::Ranks, 2)];
    assert_eq!(summary.set_aside, BTreeMap::from(counts));
    let mut found = |name: &str| addon.lookup(name, "A", "EU").unwrap().unwrap().ranks;
    assert_eq!(found("Good"), found("Metric"));
    assert_eq!(found("Nometric"), []);
    let much = found("Much").remove(0).encounters;
    assert_eq!((much.len(), much[254].kills), (255, 255));
}

#[test]
fn a_regions_bytes_depend_on_its_own_raids_only() {
    let characters = many();
    let all = raids();
    let few = [all[1].clone()];
    let files = |raids: &[parsebook_addon_db::Raid]| encode("EU", raids, &characters).unwrap().0;
    assert_eq!(files(&all), files(&few));
}

#[test]
fn hostile_realms_stay_inside_their_strings() {
    let realms = ["\"]=] os.exit() --", "a\\", "line\nfeed\0nul", "]]\u{2028}\u{feff}", "\u{85}control"];
    let characters: Vec<_> = realms
        .iter()
        .map(|r| Character { normalized_realm: (*r).to_owned(), ..character(r, "Name", vec![]) })
        .collect();
    assert_round_trip("EU", &raids(), &characters);
}

#[test]
fn the_region_is_checked() {
    assert_eq!(RegionEncoder::new("../x", &[]).err(), Some(EncodeError::Region("../x".to_owned())));
    assert_eq!(RegionEncoder::new("E", &[]).err(), Some(EncodeError::Region("E".to_owned())));
}

#[test]
fn an_error_of_the_writer_ends_the_run() {
    #[derive(Debug)]
    struct Full;
    impl From<EncodeError> for Full {
        fn from(_: EncodeError) -> Self {
            Self
        }
    }
    let mut encoder = RegionEncoder::new("EU", &[]).unwrap();
    encoder.push(&character("B", "Name", vec![]));
    let mut written = 0;
    let result = encoder.finish(|_| {
        written += 1;
        if written == 2 { Err(Full) } else { Ok(()) }
    });
    assert!(matches!(result, Err(Full)));
    assert_eq!(written, 2);
}

#[test]
fn realms_are_found_as_display_and_normalized_names() {
    let characters = ["Temple noir", "Azjol-Nerub", "Aggra (Português)", "Ner’zhul", "Ясеневый лес", "불타는 군단"]
        .map(|realm| character(realm, "Name", vec![]));
    let (mut addon, _, _dir) = open("EU", &raids(), &characters);
    for c in &characters {
        for spelled in [&c.realm, &c.normalized_realm, &c.realm.replace('’', "'"), &c.realm.replace(' ', "\u{a0}")] {
            let found = addon.lookup("Name", spelled, "EU").unwrap();
            assert_eq!(found.map(|f| f.realm).as_ref(), Some(&c.realm), "{spelled}");
        }
    }
    // A display name of its own, unlike the normalized one.
    let odd = Character { normalized_realm: "Burning".to_owned(), ..character("The Burning One", "Name", vec![]) };
    let (mut addon, _, _dir) = open("EU", &raids(), &[odd]);
    assert!(addon.lookup("Name", "The Burning One", "EU").unwrap().is_some());
    assert!(addon.lookup("Name", "Burning", "EU").unwrap().is_some());
}

#[test]
fn what_is_no_text_answers_nil() {
    let (mut addon, _summary, _dir) = open("EU", &raids(), &[character("A", "Name", vec![])]);
    assert!(addon.lookup("Name", "A", "EU").unwrap().is_some());
    for arguments in [
        "",
        "nil, 'A'",
        "'Name', nil",
        "'Name', 5",
        "{}, 'A'",
        "'Name', 'A', {}",
        "'Name', 'A', false",
        "'', 'A'",
        "'Name', ''",
        "'Name\\255', 'A'",
        "'Name', 'A\\255'",
        "('x'):rep(1000), 'A'",
    ] {
        let answers: mlua::MultiValue =
            addon.lua().load(format!("return Parsebook.Lookup({arguments})")).eval().unwrap_or_else(|e| panic!("{e}"));
        assert!(answers.iter().all(mlua::Value::is_nil), "{arguments}");
    }
}

#[test]
fn several_regions_stay_apart() {
    let dir = repository(&[]);
    for (region, class_id) in [("EU", 1), ("KR", 2)] {
        let c = Character { class_id, ..character("A", "Name", vec![]) };
        encode(region, &raids(), &[c]).unwrap().0.iter().for_each(|f| write(&dir, &f.path, &f.bytes));
    }
    let mut addon = Addon::open(dir.path()).unwrap();
    assert_eq!(addon.regions(), ["EU", "KR"]);
    let class = |addon: &mut Addon, region| addon.lookup("Name", "A", region).unwrap().unwrap().class_id;
    assert_eq!(class(&mut addon, "EU"), 1);
    let ask =
        |addon: &Addon| -> mlua::Value { addon.lua().load("return Parsebook.Lookup('Name', 'A')").eval().unwrap() };
    assert!(!ask(&addon).is_nil(), "one region loaded: it may be left out");
    assert_eq!(class(&mut addon, "KR"), 2);
    assert!(ask(&addon).is_nil(), "two regions loaded: which one?");
    assert!(matches!(addon.lookup("Name", "A", "US"), Err(ReadError::NoRegion(r)) if r == "US"));
    assert!(matches!(addon.lookup("Name", "A", "../EU"), Err(ReadError::NoRegion(_))));
}

/// Opens a repository in which one file was altered.
fn tampered(path: &str, alter: impl Fn(&str) -> String) -> ReadError {
    let mut files = encoded(&many());
    let text = files.get_mut(path).unwrap();
    let altered = alter(text);
    assert_ne!(altered, *text);
    *text = altered;
    let dir = repository(&[]);
    files.iter().for_each(|(path, text)| write(&dir, path, text.as_bytes()));
    let mut addon = Addon::open(dir.path()).unwrap();
    let error = addon.lookup("Name", "Realm 1", "EU").unwrap_err();
    assert_eq!(addon.info("EU").unwrap_err().to_string(), error.to_string());
    error
}

#[test]
fn another_format_is_refused() {
    let newer = |text: &str| text.replacen("(2, \"EU\"", "(3, \"EU\"", 1);
    for path in ["Parsebook_DB_EU/Raids.lua", "Parsebook_DB_EU/Realms3.lua"] {
        let error = tampered(path, newer);
        assert!(
            matches!(&error, ReadError::Refused(m) if m.contains("has format 3, this addon reads format 2")),
            "{error}"
        );
    }
}

#[test]
fn todays_format_is_refused_under_the_old_number() {
    let dir = repository(&[]);
    for (path, text) in by_path(encode("EU", &raids(), &many()).unwrap().0) {
        let text = text.replacen("OpenPart(2,", "OpenPart(1,", 1).replacen("OpenRegion(2,", "OpenRegion(1,", 1);
        write(&dir, &path, text.as_bytes());
    }
    let error = Addon::open(dir.path()).unwrap().lookup("Name", "Realm 1", "EU").unwrap_err();
    assert!(matches!(&error, ReadError::Refused(m) if m.contains("do not belong together")), "{error}");
}

#[test]
fn files_of_different_reference_data_are_refused() {
    let mut other = raids();
    other[1].encounters.swap(0, 1);
    let other = by_path(encode("EU", &other, &many()).unwrap().0);
    let error = tampered("Parsebook_DB_EU/Realms2.lua", |_| other["Parsebook_DB_EU/Realms2.lua"].clone());
    assert!(matches!(&error, ReadError::Refused(m) if m.contains("do not belong together")), "{error}");
}

#[test]
fn damaged_files_are_told_in_place_of_a_lua_error() {
    let without_raids = |path: &str, text: &str| match path.strip_suffix("/Raids.lua") {
        Some(_) => {
            text.lines().take_while(|line| !line.starts_with("raid(")).map(|line| line.to_owned() + "\n").collect()
        }
        None => text.to_owned(),
    };
    let dir = repository(&[]);
    encoded(&many()).iter().for_each(|(path, text)| write(&dir, path, without_raids(path, text).as_bytes()));
    let mut addon = Addon::open(dir.path()).unwrap();
    let refusals: Vec<String> = many()
        .iter()
        .filter_map(|c| addon.lookup(&c.name, &c.normalized_realm, "EU").err().map(|error| error.to_string()))
        .collect();
    assert!(refusals.iter().all(|refusal| refusal.contains("EU are damaged")) && !refusals.is_empty(), "{refusals:?}");
    for instead in ["nil", "{}"] {
        let dir = repository(&[]);
        for (path, text) in encoded(&many()) {
            write(&dir, &path, text.replacen("\"EU\"", instead, 1).as_bytes());
        }
        let answer = Addon::open(dir.path()).unwrap().lookup("Name", "Realm 1", "EU");
        assert!(!matches!(answer, Err(ReadError::Lua(_)) | Ok(Some(_))), "{instead}: {answer:?}");
    }
}

/// What is answered then is anybody's guess, but the game goes on.
#[test]
fn lookups_in_damaged_blocks_end() {
    let (files, characters) = (encoded(&many()), many());
    for damage in 0..30_usize {
        let dir = repository(&[]);
        for (path, text) in &files {
            let mut at = damage;
            let mut damaged = |line: &str| {
                let is_block = !["realm(", "]]", "--", "local ", "if "].iter().any(|begin| line.starts_with(begin));
                let other = |c: char| {
                    at += 1;
                    if is_block && at.is_multiple_of(11 + damage) { char::from(b'^' + (at % 31) as u8) } else { c }
                };
                line.chars().map(other).collect::<String>() + "\n"
            };
            let is_data = path.contains("/Realms");
            let text = if is_data { text.lines().map(&mut damaged).collect() } else { text.clone() };
            write(&dir, path, text.as_bytes());
        }
        let mut addon = Addon::open(dir.path()).unwrap();
        let triggers = mlua::HookTriggers::new().every_nth_instruction(20_000_000);
        addon.lua().set_hook(triggers, |_, _| panic!("a lookup does not end")).unwrap();
        for c in characters.iter().skip(damage).step_by(50) {
            _ = addon.lookup(&c.name, &c.normalized_realm, "EU");
        }
    }
}

#[test]
fn data_without_the_addon_does_nothing() {
    let lua = mlua::Lua::new();
    for (path, text) in encoded(&many()).iter().filter(|(path, _)| path.ends_with(".lua")) {
        lua.load(text).set_name(path).call::<()>(("Parsebook_DB_EU", lua.create_table().unwrap())).unwrap();
    }
    assert!(lua.globals().get::<mlua::Value>("Parsebook").unwrap().is_nil());
}

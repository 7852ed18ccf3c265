//! The addon in a stand-in for the game client: `tests/lua/suite.lua`, and its data, which shows the format.
//!
//! `BLESS=1 cargo test` writes the data anew after a wanted change of the format.

use std::path::{Path, PathBuf};

use mlua::Lua;
use parsebook_addon_db::{Character, Encounter, File, Raid, addon_files, encode};

use crate::support::{character, check_files, ranks};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lua/fixture")
}

fn raids() -> Vec<Raid> {
    let encounter = |id, name: &str| Encounter { id, name: name.to_owned() };
    let encounters = vec![encounter(102, "First Boss"), encounter(101, "Middle Boss"), encounter(103, "Last Boss")];
    vec![Raid { id: 40, name: "Vault of Tests".to_owned(), encounters }]
}

fn files() -> Vec<File> {
    let some = || vec![ranks(40, 4, "dps", &[(102, 97, 2), (103, 99, 1)])];
    let chogun = vec![
        ranks(40, 3, "dps", &[(101, 10, 3), (103, 10, 3), (102, 12, 3)]),
        ranks(40, 4, "dps", &[(103, 60, 1), (102, 100, 300)]),
    ];
    let wander = vec![ranks(99, 3, "hps", &[(4321, 5, 1)]), ranks(40, 5, "dps", &[(9999, 75, 1), (103, 25, 2)])];
    let europe = vec![
        Character { class_id: 9, ..character("Temple noir", "Chôgun", chogun) },
        character("Azjol-Nerub", "Elune", some()),
        character("Ner’zhul", "Mirnok", some()),
        character("Aggra (Português)", "Luso", some()),
        character("Ясеневый лес", "Полынья", some()),
        character("Aegwynn", "Wander", wander),
    ];
    let korea = vec![
        character("아즈샤라", "가람나래", some()),
        character("아즈샤라", "가람", some()),
        character("불타는 군단", "天下第一", some()),
    ];
    let mut files = encode("EU", &raids(), &europe).unwrap().0;
    files.extend(encode("KR", &raids(), &korea).unwrap().0);
    files
}

#[test]
fn the_committed_data_is_what_the_encoder_writes() {
    let files = files();
    check_files(&files);
    for file in &files {
        let path = fixture().join(&file.path);
        if std::env::var_os("BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &file.bytes).unwrap();
        }
        let committed = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(committed, String::from_utf8(file.bytes.clone()).unwrap(), "{}", file.path);
    }
}

/// The README decodes this record by hand.
#[test]
fn the_record_in_the_readme_is_that_of_the_committed_data() {
    let file = files().into_iter().find(|f| f.path == "Parsebook_DB_EU/Realms4.lua").unwrap();
    let text = String::from_utf8(file.bytes).unwrap();
    let realm = &text[text.find("realm(\"Azjol-Nerub\"").unwrap()..];
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    assert!(readme.contains(realm.trim_end()), "{realm}");
}

fn files_of_region_toc() -> String {
    let toc = files().into_iter().find(|f| f.path == "Parsebook_DB_EU/Parsebook_DB_EU.toc").unwrap();
    String::from_utf8(toc.bytes).unwrap()
}

#[test]
fn hover_by_hover() {
    let dir = crate::support::repository(&files());
    let lua = Lua::new();
    lua.globals().set("REPOSITORY", dir.path().to_str().unwrap()).unwrap();
    lua.globals().set("GAME_STUB", fixture().with_file_name("game.lua").to_str().unwrap()).unwrap();
    let suite = std::fs::read(fixture().with_file_name("suite.lua")).unwrap();
    let passed: u32 = lua.load(suite).set_name("@suite.lua").call(()).unwrap_or_else(|e| panic!("{e}"));
    assert!(passed >= 20, "{passed} tests");
}

#[test]
fn every_file_of_the_addon_is_listed_and_within_the_limits() {
    let files = addon_files();
    check_files(&files);
    let toc = files.iter().find(|f| f.path == "Parsebook/Parsebook.toc").unwrap();
    let toc = String::from_utf8(toc.bytes.clone()).unwrap();
    let data_toc = files_of_region_toc();
    let interface = |toc: &str| toc.lines().find(|l| l.starts_with("## Interface: ")).map(str::to_owned);
    assert!(interface(&toc).is_some());
    assert_eq!(interface(&toc), interface(&data_toc), "addon and data are for the same clients");
    let listed: Vec<&str> = toc.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    let shipped: Vec<&str> =
        files.iter().filter_map(|f| f.path.strip_prefix("Parsebook/")).filter(|f| f.ends_with(".lua")).collect();
    assert_eq!(listed, shipped);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("addon/Parsebook");
    for entry in std::fs::read_dir(source).unwrap().flatten() {
        let path = format!("Parsebook/{}", entry.file_name().to_str().unwrap());
        assert!(files.iter().any(|f| f.path == path), "{path} is not shipped");
    }
}

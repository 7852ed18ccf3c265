//! Data of the format before: `tests/format1` was written by the release before this one.

use std::path::Path;

use parsebook_addon_db::reader::{Addon, ReadError};
use tempfile::TempDir;

use crate::support::{repository, write};

/// A repository with this addon and the old data, one file of it altered.
fn old_data(alter: impl Fn(&str, String) -> String) -> TempDir {
    let dir = repository(&[]);
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format1/Parsebook_DB_EU");
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_str().unwrap().to_owned();
        let text = alter(&name, std::fs::read_to_string(entry.path()).unwrap());
        write(&dir, &format!("Parsebook_DB_EU/{name}"), text.as_bytes());
    }
    dir
}

#[test]
fn it_is_read_and_says_so_once() {
    let dir = old_data(|_, text| text);
    let mut addon = Addon::open(dir.path()).unwrap();
    addon.lua().load("printed = {} function print(text) printed[#printed + 1] = text end").exec().unwrap();
    for (name, realm) in [
        ("Chôgun", "Temple noir"),
        ("Chôgun", "Templenoir"),
        ("CHÔGUN", "templenoir"),
        ("Elune", "Azjol-Nerub"),
        ("Mirnok", "Ner'zhul"),
        ("mirnok", "Nerzhul"),
        ("полынья", "Ясеневый Лес"),
    ] {
        let found = addon.lookup(name, realm, "EU").unwrap().unwrap_or_else(|| panic!("{name} of {realm}"));
        assert_eq!(found.name.to_lowercase(), name.to_lowercase());
        assert!(found.ranks.iter().all(|r| r.spec.is_none()));
    }
    let chogun = addon.lookup("Chôgun", "Temple noir", "EU").unwrap().unwrap();
    assert_eq!((chogun.class_id, chogun.ranks.len()), (9, 2));
    assert_eq!((chogun.ranks[0].encounters[0].rank, chogun.ranks[0].encounters[0].kills), (100, 255));
    assert_eq!(addon.lookup("Nobody", "Temple noir", "EU").unwrap(), None);
    assert_eq!(addon.info("EU").unwrap().format_version, 1);
    let printed: Vec<String> = addon.lua().globals().get("printed").unwrap();
    assert_eq!(printed.len(), 1, "{printed:?}");
    assert!(printed[0].contains("EU has the old format 1"), "{printed:?}");
}

#[test]
fn it_is_not_mixed_with_todays() {
    let dir =
        old_data(|name, text| if name == "Realms2.lua" { text.replace("OpenPart(1,", "OpenPart(2,") } else { text });
    let mut addon = Addon::open(dir.path()).unwrap();
    let error = addon.lookup("Chôgun", "Temple noir", "EU").unwrap_err();
    assert!(matches!(&error, ReadError::Refused(m) if m.contains("do not belong together")), "{error}");
}

#[test]
fn it_is_refused_under_todays_number() {
    let dir = old_data(|_, text| text.replace("OpenPart(1,", "OpenPart(2,").replace("OpenRegion(1,", "OpenRegion(2,"));
    let error = Addon::open(dir.path()).unwrap().lookup("Chôgun", "Temple noir", "EU").unwrap_err();
    assert!(matches!(&error, ReadError::Refused(m) if m.contains("do not belong together")), "{error}");
}

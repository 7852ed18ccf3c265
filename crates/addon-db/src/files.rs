//! The files of one region: what stands in them besides the blocks, and where they are.

use std::fmt::Write as _;

use crate::file::File;
use crate::hash::fnv1a;
use crate::meta::{INTERFACE, version_of};
use crate::record::Reference;

/// Number of the format. The addon refuses files with another one. Raise it with every change of blocks or tables.
pub const FORMAT_VERSION: u32 = 2;
/// Data files of a region. A realm's file depends on its name alone, so realms never move.
pub const PARTS: usize = 4;
/// A data file that would grow beyond this goes on in a second one.
const PART_BYTES: usize = 6_000_000;

/// One realm with its blocks.
pub struct Realm {
    /// The key under which the addon finds it, see [`realm_key`](crate::fold::realm_key).
    pub key: String,
    /// Display name.
    pub display: String,
    /// Further keys, for display names that are no spelling of the normalized name.
    pub aliases: Vec<String>,
    /// See [`Place::crowd`](crate::name::Place::crowd).
    pub crowd: usize,
    /// Blocks, one a line.
    pub text: Vec<u8>,
    /// Unix seconds of the newest rank.
    pub newest: i64,
    /// Number of characters.
    pub characters: u64,
}

/// The data file (0-based) to which a realm belongs.
pub fn part_of(key: &str) -> usize {
    fnv1a(key.as_bytes()) as usize % PARTS
}

/// Writes `text` as a Lua string that nothing can break out of.
fn lua_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                c.encode_utf8(&mut [0; 4]).bytes().for_each(|b| _ = write!(quoted, "\\{b:03}"));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// All files of a region, one after the other, so that each may be written and dropped. The day of `version_at` is the
/// data addon's version.
pub fn region_files(
    region: &str,
    reference: &Reference,
    realms: Vec<Realm>,
    version_at: i64,
) -> impl Iterator<Item = File> {
    let folder = format!("Parsebook_DB_{region}");
    let region = region.to_owned();
    let mut parts: Vec<Vec<Realm>> = (0..PARTS).map(|_| Vec::new()).collect();
    for realm in realms {
        parts[part_of(&realm.key)].push(realm);
    }
    let plan: Vec<(usize, usize, Vec<Realm>)> = parts
        .into_iter()
        .enumerate()
        .flat_map(|(i, p)| pack(p, PART_BYTES).into_iter().enumerate().map(move |(j, r)| (i, j, r)))
        .collect();
    let name = |i: usize, j: usize| match j {
        0 => format!("Realms{}.lua", i + 1),
        j => format!("Realms{}_{}.lua", i + 1, j + 1),
    };
    let listed: String = plan.iter().map(|(i, j, _)| name(*i, *j) + "\n").collect();
    let toc = File {
        path: format!("{folder}/{folder}.toc"),
        bytes: toc(&region, version_at, &listed, plan.len()).into_bytes(),
    };
    let raids = File { path: format!("{folder}/Raids.lua"), bytes: raids_file(&region, reference).into_bytes() };
    let checksum = reference.checksum();
    let data = plan.into_iter().map(move |(i, j, realms)| File {
        path: format!("{folder}/{}", name(i, j)),
        bytes: data_file(&region, checksum, &realms),
    });
    [toc, raids].into_iter().chain(data)
}

/// Cuts the realms of a part into as many files as needed; a giant realm is cut between blocks.
fn pack(realms: Vec<Realm>, most: usize) -> Vec<Vec<Realm>> {
    let mut files = Vec::new();
    let mut file = Vec::new();
    let mut room = most;
    for mut realm in realms {
        while realm.text.len() > room {
            // Only a realm that no file can hold is cut; others begin a new file.
            let giant = realm.text.len() > most;
            let cut = realm.text[..room].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
            if giant && cut > 0 {
                let rest = realm.text.split_off(cut);
                let (key, display, aliases) = (realm.key.clone(), realm.display.clone(), realm.aliases.clone());
                let text = std::mem::replace(&mut realm.text, rest);
                file.push(Realm { key, display, aliases, text, ..realm });
                realm.characters = 0;
            }
            files.push(std::mem::take(&mut file));
            room = most;
        }
        room -= realm.text.len();
        file.push(realm);
    }
    files.push(file);
    files
}

/// The data addon's `.toc`. `files` is the number of data files, by which the addon sees that all were loaded.
fn toc(region: &str, version_at: i64, listed: &str, files: usize) -> String {
    let version = version_of(version_at).unwrap_or_default();
    format!(
        "## Interface: {INTERFACE}\n\
         ## Title: Parsebook data: {region}\n\
         ## Notes: Ranks of the characters of region {region}, for Parsebook. Loaded by it when needed.\n\
         ## Author: parsebook\n\
         ## Version: {version}\n\
         ## LoadOnDemand: 1\n\
         ## Dependencies: Parsebook\n\
         ## X-Parsebook-Format: {FORMAT_VERSION}\n\
         ## X-Parsebook-Region: {region}\n\
         ## X-Parsebook-Files: {files}\n\
         \n\
         Raids.lua\n\
         {listed}"
    )
}

fn raids_file(region: &str, reference: &Reference) -> String {
    let checksum = reference.checksum();
    let mut text = format!(
        "-- Parsebook, region {region}: raids, newest first, with their encounters in order. Generated, do not edit.\n\
         local raid = Parsebook and Parsebook.OpenRegion and Parsebook.OpenRegion({FORMAT_VERSION}, \"{region}\", \"{checksum:08x}\")\n\
         if not raid then return end\n"
    );
    for raid in &reference.raids {
        _ = writeln!(text, "\nraid({}, {}, {{", raid.id, lua_string(&raid.name));
        for encounter in &raid.encounters {
            _ = writeln!(text, "  {}, {},", encounter.id, lua_string(&encounter.name));
        }
        text.push_str("})\n");
    }
    text
}

fn data_file(region: &str, checksum: u32, realms: &[Realm]) -> Vec<u8> {
    let newest = realms.iter().map(|r| r.newest).max().unwrap_or(0);
    let characters: u64 = realms.iter().map(|r| r.characters).sum();
    let mut bytes = Vec::with_capacity(1000 + realms.iter().map(|r| r.text.len() + 100).sum::<usize>());
    bytes.extend_from_slice(
        format!(
            "-- Parsebook, region {region}: characters by realm. Generated, do not edit; Parsebook/Decoder.lua reads it.\n\
             local realm = Parsebook and Parsebook.OpenPart and Parsebook.OpenPart({FORMAT_VERSION}, \"{region}\", \"{checksum:08x}\", {newest}, {characters})\n\
             if not realm then return end\n"
        )
        .as_bytes(),
    );
    for realm in realms {
        let equals = bracket(&realm.text);
        let begin = format!("realm({},{},[{equals}[\n", lua_string(&realm.display), realm.crowd);
        bytes.extend_from_slice(begin.as_bytes());
        bytes.extend_from_slice(&realm.text);
        bytes.extend_from_slice(format!("]{equals}]").as_bytes());
        // The key goes without saying where it is that of the display name.
        let key = Some(&realm.key).filter(|_| !realm.aliases.is_empty());
        for key in key.into_iter().chain(&realm.aliases) {
            bytes.extend_from_slice(format!(",{}", lua_string(key)).as_bytes());
        }
        bytes.extend_from_slice(b")\n");
    }
    bytes
}

/// The equals signs of a Lua long bracket that `text` cannot close. Without any, Lua 5.1 doesn't let it open one either.
fn bracket(text: &[u8]) -> String {
    let holds = |end: u8, equals: &str| {
        let is_bracket = |w: &[u8]| w[0] == end && w[w.len() - 1] == end && w[1..w.len() - 1] == *equals.as_bytes();
        text.windows(equals.len() + 2).any(is_bracket)
    };
    let mut equals = String::new();
    while holds(b']', &equals) || (equals.is_empty() && holds(b'[', &equals)) {
        equals.push('=');
    }
    equals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_never_closed_by_the_text() {
        assert_eq!(bracket(b"a]=]b\n"), "");
        assert_eq!(bracket(b"a[[b\n"), "=");
        assert_eq!(bracket(b"abc]]]==]"), "=");
        assert_eq!(bracket(b"]]=]]==]]===]"), "====");
    }

    #[test]
    fn files_are_cut_between_realms_and_giant_realms_between_blocks() {
        let realm = |key: &str, blocks: usize| Realm {
            key: key.to_owned(),
            display: key.to_owned(),
            aliases: Vec::new(),
            crowd: 0,
            text: b"nine-long\n".repeat(blocks),
            newest: 7,
            characters: blocks as u64,
        };
        let files = pack(vec![realm("a", 3), realm("b", 4), realm("giant", 25), realm("c", 1)], 100);
        let shape: Vec<Vec<(&str, usize)>> =
            files.iter().map(|f| f.iter().map(|r| (r.key.as_str(), r.text.len())).collect()).collect();
        let expected = [
            vec![("a", 30), ("b", 40), ("giant", 30)],
            vec![("giant", 100)],
            vec![("giant", 100)],
            vec![("giant", 20), ("c", 10)],
        ];
        assert_eq!(shape, expected);
        assert_eq!(files.iter().flatten().map(|r| r.characters).sum::<u64>(), 33);
        assert!(files.iter().flatten().all(|r| r.text.ends_with(b"\n")));
        let files = pack(vec![realm("a", 6), realm("b", 6)], 100);
        assert_eq!(files.len(), 2);
    }

    #[test]
    fn nothing_breaks_out_of_a_lua_string() {
        assert_eq!(lua_string("a\"\\\n\0]]--é가\u{85}"), "\"a\\\"\\\\\\010\\000]]--é가\\194\\133\"");
    }
}

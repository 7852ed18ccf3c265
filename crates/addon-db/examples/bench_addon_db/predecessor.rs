//! The predecessor's format, made from the same data: a table for each realm, a string for each character.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use parsebook_addon_db::Character;

/// The data file: `provider["realm"] = { ["name"] = "index:rank:kills/…" }`, one function a realm.
pub fn data_file(characters: &[Character]) -> String {
    let mut indices: BTreeMap<(u32, u8, &str), usize> = BTreeMap::new();
    let mut text = String::from("local provider = {}\nlocal F\n\n");
    for realm in characters.chunk_by(|a, b| a.normalized_realm == b.normalized_realm) {
        _ = write!(text, "F = function() provider[\"{}\"]={{", realm[0].realm);
        for c in realm {
            _ = write!(text, "[\"{}\"]=\"", c.name);
            let mut separator = "";
            for r in &c.ranks {
                for e in &r.encounters {
                    let next = indices.len();
                    let index = *indices.entry((e.id, r.difficulty, &r.metric)).or_insert(next);
                    _ = write!(text, "{separator}{index}:{}:{}", e.rank, e.kills);
                    separator = "/";
                }
            }
            text.push_str("\", ");
        }
        text.push_str("} end F()\n");
    }
    text.push_str("\nPredecessorData = provider\n");
    text
}

/// Bare columns: names, realm sizes, classes, then for each raid and difficulty a mask, ranks and kills.
pub fn columns(characters: &[Character]) -> Vec<u8> {
    let (mut names, mut realms, mut classes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut shapes, mut ranks, mut kills) = (Vec::new(), Vec::new(), Vec::new());
    let mut ids: Vec<u32> =
        characters.iter().flat_map(|c| &c.ranks).flat_map(|r| &r.encounters).map(|e| e.id).collect();
    ids.sort_unstable();
    ids.dedup();
    for realm in characters.chunk_by(|a, b| a.normalized_realm == b.normalized_realm) {
        realms.extend_from_slice(format!("{}\t{}\n", realm[0].realm, realm.len()).as_bytes());
        for c in realm {
            names.extend_from_slice(c.name.as_bytes());
            names.push(b'\n');
            classes.push(c.class_id);
            for r in &c.ranks {
                let mut mask = 0_u16;
                let mut sorted = r.encounters.clone();
                sorted.sort_by_key(|e| e.id);
                for e in &sorted {
                    mask |= ids.binary_search(&e.id).map_or(0, |i| 1 << (i % 16));
                    ranks.push(e.rank);
                    kills.push(e.kills.min(255) as u8);
                }
                shapes.extend_from_slice(&[r.difficulty << 1 | u8::from(r.metric == "hps")]);
                shapes.extend_from_slice(&mask.to_le_bytes());
            }
            shapes.push(0);
        }
    }
    [realms, names, classes, shapes, ranks, kills].concat()
}

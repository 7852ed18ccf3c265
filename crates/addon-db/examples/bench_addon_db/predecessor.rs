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

/// Bare columns: realms, names, classes, sets of difficulties and metrics, masks of encounters (low bytes, high bytes),
/// ranks, kills. One byte each, nothing between them; the masks know at most 16 encounters, which is all the worlds have.
pub fn columns(characters: &[Character]) -> Vec<u8> {
    let mut columns: [Vec<u8>; 8] = Default::default();
    let mut ids: Vec<u32> =
        characters.iter().flat_map(|c| &c.ranks).flat_map(|r| &r.encounters).map(|e| e.id).collect();
    ids.sort_unstable();
    ids.dedup();
    for realm in characters.chunk_by(|a, b| a.normalized_realm == b.normalized_realm) {
        let [realms, names, classes, sets, low, high, ranks, kills] = &mut columns;
        realms.extend_from_slice(format!("{}\t{}\n", realm[0].realm, realm.len()).as_bytes());
        for c in realm {
            names.extend_from_slice(c.name.as_bytes());
            names.push(b'\n');
            classes.push(c.class_id);
            sets.push(
                c.ranks.iter().map(|r| 1 << (r.difficulty % 8) | u8::from(r.metric == "hps")).fold(0, |a, b| a | b),
            );
            for r in &c.ranks {
                let mut sorted = r.encounters.clone();
                sorted.sort_by_key(|e| e.id);
                let bits = sorted.iter().filter_map(|e| ids.binary_search(&e.id).ok());
                let [mask_low, mask_high] = bits.fold(0_u16, |mask, i| mask | 1 << (i % 16)).to_le_bytes();
                low.push(mask_low);
                high.push(mask_high);
                ranks.extend(sorted.iter().map(|e| e.rank));
                kills.extend(sorted.iter().map(|e| u8::try_from(e.kills).unwrap_or(u8::MAX)));
            }
        }
    }
    columns.concat()
}

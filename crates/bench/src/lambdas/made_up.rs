//! Players for a store.

use std::collections::BTreeMap;

use parsebook_core::Timestamp;
use parsebook_core::player::{DifficultyRanks, EncounterRank, Identity, MetricRanks, PlayerUpdate, RankedPart};

/// A player of one raid with eight bosses.
pub fn ranked(id: u32, at: Timestamp) -> PlayerUpdate {
    let boss = |boss: u32| {
        let spread = id.wrapping_mul(2_654_435_761).wrapping_add(boss * 97);
        (3000 + boss, EncounterRank { rank_percent: f64::from(spread % 1000) / 10.0, kills: 1 + spread % 30 })
    };
    let ranks = MetricRanks {
        partition: 1,
        ranked_at: at,
        read_at: Some(at),
        spec: Some("Frost".to_owned()),
        encounters: (0..8).map(boss).collect(),
        ends: BTreeMap::new(),
        specs: BTreeMap::new(),
    };
    let letter = |at: u32| char::from(b'a' + u8::try_from(id / at % 26).unwrap_or_default());
    let realm = format!("Realm{}", id % 250);
    PlayerUpdate::Ranked {
        id,
        identity: Identity {
            name: format!("M{}{}{}{}{id}", letter(1), letter(26), letter(676), letter(17_576)),
            region: "EU".to_owned(),
            server: realm.clone(),
            normalized_server: realm,
            class_id: u8::try_from(1 + id % 12).unwrap_or(1),
        },
        parts: vec![RankedPart { raid: 44, difficulty: 4, ranks: DifficultyRanks::from([("dps".to_owned(), ranks)]) }],
    }
}

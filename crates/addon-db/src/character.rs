//! What goes into the database: raids (reference data) and characters with their ranks.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A raid of the reference data. Its encounters stand in the raid's own order, which is the order of every answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raid {
    /// Warcraft Logs zone id.
    pub id: u32,
    /// Name shown to the player.
    pub name: String,
    /// The bosses, first to last.
    pub encounters: Vec<Encounter>,
}

/// A boss of a raid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encounter {
    /// Warcraft Logs encounter id.
    pub id: u32,
    /// Name shown to the player.
    pub name: String,
}

/// One character with everything the database keeps about it.
///
/// Of several with one name and realm, one is kept: one that `canonical_id` does not call outdated, then the one with
/// the newest kill, then with the newest rank.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Character {
    /// Warcraft Logs id, if known; only compared with `canonical_id`.
    #[serde(default)]
    pub id: Option<u32>,
    /// The id that Warcraft Logs calls current for this character, if known. Another than `id`: outdated.
    #[serde(default)]
    pub canonical_id: Option<u32>,
    /// Unix seconds of the newest kill, if known; `ranked_at` stands in for it.
    #[serde(default)]
    pub newest_kill: Option<i64>,
    /// Name as the game shows it.
    pub name: String,
    /// Display name of the realm ("Temple noir").
    pub realm: String,
    /// Normalized name of the realm ("Templenoir"): no white space, no hyphens.
    pub normalized_realm: String,
    /// Warcraft Logs class id; any value is carried.
    pub class_id: u8,
    /// Unix seconds of the character's newest rank.
    pub ranked_at: i64,
    /// Ranks in any order; see [`Ranks`].
    pub ranks: Vec<Ranks>,
}

/// A character's ranks in one raid, difficulty and metric.
///
/// If two entries have the same raid, difficulty and metric, the first counts. Entries without encounters are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranks {
    /// Raid id; need not be in the reference data.
    pub raid: u32,
    /// 1 LFR, 3 Normal, 4 Heroic, 5 Mythic; any value is carried.
    pub difficulty: u8,
    /// "dps", "hps" or any other metric name of at most 63 bytes.
    pub metric: Cow<'static, str>,
    /// Warcraft Logs' slug of the specialisation, at most 63 bytes; `None` if unknown.
    #[serde(default)]
    pub spec: Option<Cow<'static, str>>,
    /// Killed encounters in any order.
    pub encounters: Vec<EncounterRank>,
}

/// A character's rank on one encounter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncounterRank {
    /// Encounter id; need not be in the reference data.
    pub id: u32,
    /// Rank percent, rounded down: 0..=100 (more counts as 100).
    pub rank: u8,
    /// Number of kills; stored exactly up to 255, as 255 above.
    pub kills: u32,
}

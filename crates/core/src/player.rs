//! A player and its ranks, as stored in `players`; raids as stored in `raids`.

use std::collections::BTreeMap;

/// A document of `raids` and its bosses, as the published database has them.
pub use parsebook_addon_db::{Encounter, Raid};

use crate::metric::Metric;
use crate::{Difficulty, EncounterId, PlayerId, RaidId, Timestamp};

/// Best rank and kills on one boss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EncounterRank {
    /// Percentile, 0.0 to 100.0.
    pub rank_percent: f64,
    /// Kills in this difficulty, at least one.
    pub kills: u32,
}

impl EncounterRank {
    /// The rank nearest to what is told.
    pub fn clamped(rank_percent: f64, kills: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let kills = kills as u32;
        Self { rank_percent: rank_percent.clamp(0.0, 100.0), kills }
    }
}

/// One metric's ranks of a player in one raid and difficulty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricRanks {
    /// WCL's partition (season part) of the ranks.
    pub partition: i32,
    /// When these ranks were last read, wholly or in part.
    pub ranked_at: Timestamp,
    /// When all kills were last read together; `None` for ranks put together from reports alone.
    pub read_at: Option<Timestamp>,
    /// The spec of most encounters as WCL writes it, such as `BeastMastery`, where known.
    pub spec: Option<String>,
    /// Only bosses with a kill.
    pub encounters: BTreeMap<EncounterId, EncounterRank>,
    /// By boss, when the kills ended that were folded in from reports: the last 35 days', in order. Those before `read_at`
    /// are among the kills that were read then.
    pub ends: BTreeMap<EncounterId, Vec<Timestamp>>,
    /// By boss, the spec of its rank as WCL writes it; empty where WCL says none.
    pub specs: BTreeMap<EncounterId, String>,
}

/// Metric (`dps`, `hps`, …) → its ranks: the part of a player that one raid + difficulty replaces.
pub type DifficultyRanks = BTreeMap<String, MetricRanks>;

/// Raid → difficulty → metric → encounter.
pub type RaidRanks = BTreeMap<RaidId, BTreeMap<Difficulty, DifficultyRanks>>;

/// Who a player is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Character name, such as `Chôgun`.
    pub name: String,
    /// WCL's compact name: US EU KR TW CN.
    pub region: String,
    /// WCL's display name of the realm, such as `Temple noir`.
    pub server: String,
    /// WCL's `normalizedName`, such as `Templenoir`: what the game client calls the realm.
    pub normalized_server: String,
    /// WCL's class number, 1 to 13.
    pub class_id: u8,
}

/// A document of `players`.
#[derive(Debug, Clone, PartialEq)]
pub struct Player {
    /// The player.
    pub id: PlayerId,
    /// Who it is.
    pub identity: Identity,
    /// Everything known of it; empty for a player who hid its ranks.
    pub ranks: RaidRanks,
}

/// One player's part in one kill, by the metric that counts for its spec.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedKill {
    /// The raid.
    pub raid: RaidId,
    /// The difficulty.
    pub difficulty: Difficulty,
    /// What was measured.
    pub metric: Metric,
    /// The boss.
    pub encounter: EncounterId,
    /// WCL's season part.
    pub partition: i32,
    /// The percentile, 0.0 to 100.0, where WCL has one by now.
    pub percent: Option<f64>,
    /// The spec as WCL writes it.
    pub spec: Option<String>,
    /// When the boss died.
    pub ended_at: Timestamp,
}

/// When a report's kills are folded into a player's ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Folding {
    /// When the report was found, where that is known: a full reading after it counts all of its kills.
    pub found_at: Option<Timestamp>,
    /// Now.
    pub now: Timestamp,
    /// The date that the parts get.
    pub ranked_at: Timestamp,
}

/// What ranking one player changes in the store.
#[derive(Debug, Clone, PartialEq)]
pub enum PlayerUpdate {
    /// Replaces the identity and just these raids + difficulties; an empty part takes the stored one away. Its
    /// `ends` are those that were stored, see [`crate::ports::Known::remember`].
    Ranked {
        /// The player.
        id: PlayerId,
        /// Who it is now.
        identity: Identity,
        /// One entry per raid + difficulty that was asked.
        parts: Vec<RankedPart>,
    },
    /// Folds kills into what is stored: see [`crate::report_ranks`].
    Folded {
        /// The player.
        id: PlayerId,
        /// Who it was at `seen_at`. It replaces what is stored of an earlier time.
        identity: Identity,
        /// When it was that: the end of its newest kill, or 1970 where that tells of another number.
        seen_at: Timestamp,
        /// The kills, each once per metric and upload.
        kills: Vec<RankedKill>,
        /// Of which report they are, and when they are folded in.
        folding: Folding,
    },
    /// The player hides its ranks: those stored before go.
    Hidden {
        /// The player.
        id: PlayerId,
    },
    /// WCL has no such character (any more): ranks stored before go.
    Gone {
        /// The player.
        id: PlayerId,
    },
}

impl PlayerUpdate {
    /// When the player was who the update says, as far as it tells a time.
    pub fn seen_at(&self) -> Option<Timestamp> {
        match self {
            Self::Ranked { parts, .. } => {
                parts.iter().flat_map(|part| part.ranks.values()).filter_map(|metric| metric.read_at).max()
            }
            Self::Folded { seen_at, .. } => Some(*seen_at),
            Self::Hidden { .. } | Self::Gone { .. } => None,
        }
    }

    /// The player that is changed.
    pub fn id(&self) -> PlayerId {
        match self {
            Self::Ranked { id, .. } | Self::Folded { id, .. } | Self::Hidden { id } | Self::Gone { id } => *id,
        }
    }
}

/// One raid + difficulty of a player.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedPart {
    /// The raid.
    pub raid: RaidId,
    /// The difficulty.
    pub difficulty: Difficulty,
    /// Metric → ranks; empty when the player has no kill there.
    pub ranks: DifficultyRanks,
}

/// The game's name for a realm: the display name without white space and hyphens.
/// Source: `docs/wcl.md`.
pub fn normalized_realm(display: &str) -> String {
    display.chars().filter(|c| !c.is_whitespace() && *c != '-').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn realms_are_normalized_as_the_game_does() {
        assert_eq!(normalized_realm("Temple noir"), "Templenoir");
        assert_eq!(normalized_realm("Azjol-Nerub"), "AzjolNerub");
        assert_eq!(normalized_realm("Aggra (Português)"), "Aggra(Português)");
    }

    #[test]
    fn an_update_says_when_the_player_was_who_it_says() {
        let at = |days| Timestamp::UNIX_EPOCH + chrono::TimeDelta::days(days);
        let metric = |read_at| MetricRanks { read_at, ..MetricRanks::default() };
        let identity = crate::testing::identity(1);
        let ranks = DifficultyRanks::from([("dps".into(), metric(Some(at(5)))), ("hps".into(), metric(Some(at(9))))]);
        let unread = DifficultyRanks::from([("dps".into(), metric(None))]);
        let part = |ranks| RankedPart { raid: 31, difficulty: 4, ranks };
        let ranked = |ranks| PlayerUpdate::Ranked { id: 1, identity: identity.clone(), parts: vec![part(ranks)] };
        assert_eq!(ranked(ranks).seen_at(), Some(at(9)));
        assert_eq!(ranked(unread).seen_at(), None);
        let (identity, seen_at) = (identity.clone(), at(3));
        let folding = Folding { found_at: None, now: at(4), ranked_at: at(4) };
        let folded = PlayerUpdate::Folded { id: 1, identity, seen_at, kills: vec![], folding };
        assert_eq!((folded.seen_at(), folded.id()), (Some(at(3)), 1));
        assert_eq!(PlayerUpdate::Hidden { id: 1 }.seen_at(), None);
    }
}

//! The one truth the simulator serves: raids, realms, players and what each player has killed how well. Holds no HTTP,
//! no points and no faults. Compact: a kill takes 8 bytes, a player 20, names lie in one string.

pub(crate) mod builder;
mod generate;
pub(crate) mod load;
mod names;
mod write;

use crate::classes::{Spec, spec_for};
use crate::rng;

/// A Warcraft Logs region, in the order of its numeric id (1 US, 2 EU as recorded; 3 KR, 4 TW, 5 CN as usually given).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Region {
    /// The Americas and Oceania.
    Us = 1,
    /// Europe.
    Eu = 2,
    /// Korea.
    Kr = 3,
    /// Taiwan.
    Tw = 4,
    /// China.
    Cn = 5,
}

impl Region {
    /// All five, in id order.
    pub const ALL: [Self; 5] = [Self::Us, Self::Eu, Self::Kr, Self::Tw, Self::Cn];

    /// WCL's numeric id.
    pub fn id(self) -> i32 {
        self as i32
    }

    /// The compact name in capitals: US EU KR TW CN.
    pub fn compact_name(self) -> &'static str {
        match self {
            Self::Us => "US",
            Self::Eu => "EU",
            Self::Kr => "KR",
            Self::Tw => "TW",
            Self::Cn => "CN",
        }
    }

    /// The slug: us eu kr tw cn.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Eu => "eu",
            Self::Kr => "kr",
            Self::Tw => "tw",
            Self::Cn => "cn",
        }
    }

    /// The long name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Us => "United States",
            Self::Eu => "Europe",
            Self::Kr => "Korea",
            Self::Tw => "Taiwan",
            Self::Cn => "China",
        }
    }

    /// Reads a compact name or a slug, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|region| region.slug().eq_ignore_ascii_case(text))
    }
}

/// What a rank measures. World files know these two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Metric {
    /// Damage per second.
    Dps,
    /// Healing per second.
    Hps,
}

impl Metric {
    /// The API's name: `dps` or `hps`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dps => "dps",
            Self::Hps => "hps",
        }
    }

    /// Reads the API's name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "dps" => Some(Self::Dps),
            "hps" => Some(Self::Hps),
            _ => None,
        }
    }
}

/// A boss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encounter {
    /// WCL's encounter id.
    pub id: i32,
    /// Display name.
    pub name: String,
}

/// A raid (a WCL zone) with its bosses in raid order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raid {
    /// WCL's zone id.
    pub id: i32,
    /// Display name.
    pub name: String,
    /// The current (default) partition; ranks exist in this one only.
    pub partition: i32,
    /// Whether WCL promises that the raid's data never changes again.
    pub frozen: bool,
    /// The bosses in raid order.
    pub encounters: Vec<Encounter>,
}

/// A realm (a WCL server).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realm {
    /// WCL's server id.
    pub id: i32,
    /// Display name, in the realm's own language.
    pub name: String,
    /// Display name without white space and hyphens.
    pub normalized_name: String,
    /// The name in addresses.
    pub slug: String,
    /// The region the realm belongs to.
    pub region: Region,
}

/// One boss killed by one player: what the API would tell about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kill {
    /// Index into the world's raids.
    pub raid: u8,
    pub difficulty: u8,
    /// Index into the raid's encounters.
    pub encounter: u8,
    pub metric: Metric,
    /// `rankPercent` rounded down, 0..=100.
    pub rank: u8,
    pub kills: u16,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct PlayerRecord {
    pub id: u32,
    name_at: u32,
    kills_at: u32,
    pub realm: u16,
    name_len: u8,
    kills_len: u8,
    pub class_id: u8,
    pub hidden: bool,
}

/// The simulated Warcraft Logs: immutable once built.
#[derive(Debug, Default)]
pub struct World {
    pub(crate) raids: Vec<Raid>,
    pub(crate) realms: Vec<Realm>,
    names: String,
    kills: Vec<Kill>,
    players: Vec<PlayerRecord>,
}

/// A player as the world knows it; cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Player<'w> {
    world: &'w World,
    pub(crate) record: &'w PlayerRecord,
}

/// One rank of a player, as an oracle for tests.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rank {
    /// Raid (zone) id.
    pub raid: i32,
    /// Difficulty: 1, 3, 4 or 5.
    pub difficulty: u8,
    /// Encounter id.
    pub encounter: i32,
    /// The metric the rank was made under.
    pub metric: Metric,
    /// `rankPercent` rounded down, 0..=100.
    pub rank: u8,
    /// How often the boss was killed.
    pub kills: u16,
    /// WCL's slug of the spec it was made in.
    pub spec: &'static str,
    /// `rankPercent` exactly as the API serves it.
    pub rank_percent: f64,
}

impl<'w> Player<'w> {
    /// WCL's character id.
    pub fn id(&self) -> i32 {
        self.record.id as i32
    }

    /// Character name.
    pub fn name(&self) -> &'w str {
        let start = self.record.name_at as usize;
        &self.world.names[start..start + usize::from(self.record.name_len)]
    }

    /// The player's realm.
    pub fn realm(&self) -> &'w Realm {
        &self.world.realms[usize::from(self.record.realm)]
    }

    /// WCL class id 1..=13; 0 when no class is set for the character.
    pub fn class_id(&self) -> u8 {
        self.record.class_id
    }

    /// Whether the player hides all rankings.
    pub fn is_hidden(&self) -> bool {
        self.record.hidden
    }

    /// Whether a lookup can ever yield the ranks: neither hidden nor without a class.
    pub fn is_rankable(&self) -> bool {
        !self.record.hidden && self.record.class_id != 0
    }

    /// Every rank, ordered by raid as in the world, difficulty, metric and boss.
    pub fn ranks(&self) -> impl Iterator<Item = Rank> + use<'w> {
        let (world, id, class_id) = (self.world, self.record.id, self.record.class_id);
        self.kills().iter().map(move |kill| {
            let raid = &world.raids[usize::from(kill.raid)];
            Rank {
                raid: raid.id,
                difficulty: kill.difficulty,
                encounter: raid.encounters[usize::from(kill.encounter)].id,
                metric: kill.metric,
                rank: kill.rank,
                kills: kill.kills,
                spec: spec_of(id, class_id, kill.metric).0,
                rank_percent: rank_percent(id, kill),
            }
        })
    }

    /// The raid ids and difficulties the player has killed something in, each once.
    pub fn pairs(&self) -> impl Iterator<Item = (i32, u8)> + use<'w> {
        let world = self.world;
        self.kills()
            .chunk_by(|a, b| (a.raid, a.difficulty) == (b.raid, b.difficulty))
            .map(move |kills| (world.raids[usize::from(kills[0].raid)].id, kills[0].difficulty))
    }

    /// The player's place among all.
    pub(crate) fn index(&self) -> u32 {
        // A record always lies in the world it was taken from.
        self.world.players.binary_search_by_key(&self.record.id, |record| record.id).unwrap_or_default() as u32
    }

    pub(crate) fn kills(&self) -> &'w [Kill] {
        let start = self.record.kills_at as usize;
        &self.world.kills[start..start + usize::from(self.record.kills_len)]
    }

    /// The kills in one raid and difficulty, both metrics.
    pub(crate) fn kills_in(&self, raid: u8, difficulty: u8) -> &'w [Kill] {
        let kills = self.kills();
        let start = kills.partition_point(|kill| (kill.raid, kill.difficulty) < (raid, difficulty));
        let end = kills.partition_point(|kill| (kill.raid, kill.difficulty) <= (raid, difficulty));
        &kills[start..end]
    }
}

/// Which of a player's kills of one boss the `round`th is, counting at most `most` under each metric, and its number under
/// that metric. Nothing when there are not so many.
pub(crate) fn played(kills: &[Kill], encounter: u8, mut round: u16, most: u16) -> Option<(&Kill, u16)> {
    for kill in kills.iter().filter(|kill| kill.encounter == encounter) {
        let count = kill.kills.min(most);
        if round < count {
            return Some((kill, round));
        }
        round -= count;
    }
    None
}

/// Ten-thousandths above the whole rank; 0 makes an integer. The API mixes integers and floats the same way
/// (recorded `zoneRankings` answers), and 100 is never exceeded.
pub(crate) fn rank_fraction(player: u32, kill: &Kill) -> u32 {
    if kill.rank >= 100 {
        return 0;
    }
    let key = u64::from(kill.raid) << 16 | u64::from(kill.difficulty) << 8 | u64::from(kill.encounter);
    let hash = rng::hash(&[u64::from(player), key]);
    if hash.is_multiple_of(8) { 0 } else { (hash >> 8) as u32 % 10_000 }
}

/// The specialisation in which a player makes all ranks of this metric.
pub(crate) fn spec_of(player: u32, class_id: u8, metric: Metric) -> Spec {
    spec_for(class_id, metric == Metric::Hps, rng::hash(&[u64::from(player)]))
}

fn rank_percent(player: u32, kill: &Kill) -> f64 {
    f64::from(u32::from(kill.rank) * 10_000 + rank_fraction(player, kill)) / 10_000.0
}

impl World {
    /// The raids, in the order of the world files.
    pub fn raids(&self) -> &[Raid] {
        &self.raids
    }

    /// All realms.
    pub fn realms(&self) -> &[Realm] {
        &self.realms
    }

    /// Number of players.
    pub fn len(&self) -> usize {
        self.players.len()
    }

    /// Whether the world has no player.
    pub fn is_empty(&self) -> bool {
        self.players.is_empty()
    }

    /// Every player in id order with exact ranks: the oracle for lookup tests.
    pub fn players(&self) -> impl Iterator<Item = Player<'_>> {
        self.players.iter().map(|record| Player { world: self, record })
    }

    /// The player with this id.
    pub fn player(&self, id: i32) -> Option<Player<'_>> {
        let id = u32::try_from(id).ok()?;
        let index = self.players.binary_search_by_key(&id, |record| record.id).ok()?;
        Some(self.at(index as u32))
    }

    /// The raid with this zone id.
    pub fn raid(&self, id: i32) -> Option<&Raid> {
        self.raids.iter().find(|raid| raid.id == id)
    }

    pub(crate) fn raid_index(&self, id: i32) -> Option<u8> {
        self.raids.iter().position(|raid| raid.id == id).map(|at| at as u8)
    }

    pub(crate) fn at(&self, index: u32) -> Player<'_> {
        Player { world: self, record: &self.players[index as usize] }
    }
}

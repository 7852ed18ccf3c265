//! What a store counts: players by age of their ranks, ranks by boss, what waits.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Serialize;

use crate::player::Player;
use crate::ports::ReportLag;
use crate::{Difficulty, EncounterId, RaidId, Timestamp};

/// Everything counted in one store.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Census {
    /// Players in `discovers`.
    pub discovered: u64,
    /// Messages that wait in the queue or are under way; `None` where the queue is elsewhere.
    pub queued: Option<u64>,
    /// Dead letters; `None` where they are elsewhere.
    pub dead_letters: Option<u64>,
    /// Each region that has ranked players, by name.
    pub regions: Vec<RegionCensus>,
    /// Ranks by boss, in order.
    pub bosses: Vec<BossRanks>,
    /// Reports.
    pub reports: ReportsCensus,
}

/// The ages, in days, that players are grouped by: each group holds those that are younger. The last group, behind
/// these, holds the rest.
pub const AGES: [u32; 6] = [1, 3, 7, 14, 30, 90];

/// Which group an age is in, from 0 to `AGES.len()`.
pub fn age_group(ranked_at: Timestamp, now: Timestamp) -> usize {
    let age = now - ranked_at;
    AGES.iter().position(|&days| age < TimeDelta::days(i64::from(days))).unwrap_or(AGES.len())
}

/// Players of one age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgeGroup {
    /// They were ranked less than so many days ago; absent in the last group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under_days: Option<u32>,
    /// How many.
    pub players: u64,
}

/// One region's players with ranks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionCensus {
    /// WCL's compact name.
    pub region: String,
    /// How many.
    pub players: u64,
    /// By the age of the newest rank of each.
    pub freshness: Vec<AgeGroup>,
    /// The player that was ranked longest ago.
    pub oldest: Option<Timestamp>,
    /// The player that was ranked last.
    pub newest: Option<Timestamp>,
}

impl RegionCensus {
    /// A region without players.
    pub fn new(region: String) -> Self {
        let under_days = AGES.iter().copied().map(Some).chain([None]);
        let freshness = under_days.map(|under_days| AgeGroup { under_days, players: 0 }).collect();
        Self { region, players: 0, freshness, oldest: None, newest: None }
    }

    /// Counts `players` of one age group, the first and last of which were ranked at these times.
    pub fn add(&mut self, group: usize, players: u64, oldest: Timestamp, newest: Timestamp) {
        self.players += players;
        self.freshness[group.min(AGES.len())].players += players;
        self.oldest = Some(self.oldest.map_or(oldest, |known| known.min(oldest)));
        self.newest = self.newest.max(Some(newest));
    }

    /// Players whose newest rank is younger than a week.
    pub fn ranked_within_a_week(&self) -> u64 {
        self.freshness
            .iter()
            .filter(|group| group.under_days.is_some_and(|days| days <= 7))
            .map(|group| group.players)
            .sum()
    }
}

/// A boss in one difficulty and metric.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Boss {
    /// The raid.
    pub raid: RaidId,
    /// The difficulty.
    pub difficulty: Difficulty,
    /// The metric.
    pub metric: String,
    /// The boss.
    pub encounter: EncounterId,
}

/// Ranks are counted in so many groups of equal width.
pub const RANK_GROUPS: usize = 20;

/// The ranks of all players on one boss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BossRanks {
    /// Which boss.
    #[serde(flatten)]
    pub boss: Boss,
    /// Players by rank: 0 to 5 percent, 5 to 10, …, 95 to 100.
    pub players: [u64; RANK_GROUPS],
}

/// Which group a rank is in, whatever stands there.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the groups")]
pub fn rank_group(rank_percent: f64) -> usize {
    let width = 100.0 / RANK_GROUPS as f64;
    ((rank_percent.clamp(0.0, 100.0) / width) as usize).min(RANK_GROUPS - 1)
}

/// Reports whose ranks are read (rules with `ranks: "reports"`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportsCensus {
    /// All that are known.
    pub total: u64,
    /// Those whose time has come.
    pub due: u64,
    /// When the longest waiting of these became due.
    pub oldest_due: Option<Timestamp>,
    /// Those that WCL has not ranked yet, or not fully.
    pub not_yet_ranked: u64,
    /// Those that were read in part because points did not suffice, by what was left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<&'static str, u64>,
}

impl From<ReportLag> for ReportsCensus {
    fn from(lag: ReportLag) -> Self {
        let left_out = lag.left_out.into_iter().map(|(left_out, count)| (left_out.name(), count)).collect();
        Self { total: lag.all, due: lag.due, oldest_due: lag.oldest_due, not_yet_ranked: lag.again, left_out }
    }
}

/// Counts players one by one, for stores that cannot count by themselves.
#[derive(Debug, Default)]
pub struct Counter {
    regions: BTreeMap<String, RegionCensus>,
    bosses: BTreeMap<Boss, [u64; RANK_GROUPS]>,
}

impl Counter {
    /// Counts one player, at `now`. A player without ranks counts nowhere.
    pub fn add(&mut self, player: &Player, now: Timestamp) {
        let parts = player.ranks.values().flat_map(|raid| raid.values()).flat_map(|metrics| metrics.values());
        let Some(ranked_at) = parts.map(|metric| metric.ranked_at).max() else { return };
        let region = self.regions.entry(player.identity.region.clone());
        let region = region.or_insert_with_key(|name| RegionCensus::new(name.clone()));
        region.add(age_group(ranked_at, now), 1, ranked_at, ranked_at);
        for (&raid, difficulties) in &player.ranks {
            for (&difficulty, metrics) in difficulties {
                for (metric, ranks) in metrics {
                    for (&encounter, rank) in &ranks.encounters {
                        let boss = Boss { raid, difficulty, metric: metric.clone(), encounter };
                        self.bosses.entry(boss).or_default()[rank_group(rank.rank_percent)] += 1;
                    }
                }
            }
        }
    }

    /// Regions and bosses, in order.
    pub fn finish(self) -> (Vec<RegionCensus>, Vec<BossRanks>) {
        let bosses = self.bosses.into_iter().map(|(boss, players)| BossRanks { boss, players });
        (self.regions.into_values().collect(), bosses.collect())
    }
}

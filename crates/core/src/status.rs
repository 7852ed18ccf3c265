//! How parsebook stands: what the store holds, what the journal says of the last week, and what follows from the two.
//!
//! A store tells its [`Census`] through [`StatusSource`]; [`Status::of`] makes the rest of it. Pure.
#![expect(async_fn_in_trait, reason = "awaited in place")]

pub mod census;

use std::cmp::Reverse;

use chrono::TimeDelta;
use serde::Serialize;

pub use self::census::{AGES, AgeGroup, BossRanks, Census, RegionCensus, ReportsCensus};
use crate::history::{Database, History};
use crate::moment::minute;
use crate::ports::{Malformed, Result};
use crate::rule::schedule::active_block;
use crate::rule::{Rule, SourceKind, Wait};
use crate::{Difficulty, RaidId, Timestamp};

/// A store that can be looked at as a whole.
pub trait StatusSource {
    /// Counts everything, at `now`.
    async fn census(&self, now: Timestamp) -> Result<Census>;
}

/// How parsebook stands. As JSON: `parsebook status --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// What the store is.
    pub store: String,
    /// When it was looked at.
    pub as_of: Timestamp,
    /// How many rules there are.
    pub rules: usize,
    /// Players that wait to be queued.
    pub discovered: u64,
    /// Messages in the queue; `None` where the store does not hold it.
    pub queued: Option<u64>,
    /// Dead letters; `None` where the store does not hold them.
    pub set_aside: Option<u64>,
    /// Players with ranks.
    pub players: u64,
    /// Players and messages that wait, together.
    pub due: u64,
    /// Points.
    pub points: Points,
    /// Players ranked a day, over the last week.
    pub players_a_day: Option<f64>,
    /// Days until all that waits is ranked, at the pace of the last week.
    pub days_until_all_ranked: Option<f64>,
    /// When that is.
    pub all_ranked_by: Option<Timestamp>,
    /// The rank that was read longest ago.
    pub oldest_rank: Option<Timestamp>,
    /// Each region with players.
    pub regions: Vec<RegionStatus>,
    /// Reports whose ranks are read, and how far that lags behind.
    pub reports: ReportsStatus,
    /// Each rule, and why it waits or fails.
    pub discovery: Vec<RuleStatus>,
    /// Documents that cannot be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub malformed: Vec<String>,
    /// The database as it was published last, by region.
    pub database: Vec<DatabaseStatus>,
}

/// Points of all keys together.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Points {
    /// What the keys have in an hour, as far as seen.
    pub an_hour: Option<f64>,
    /// Spent since the present hour began.
    pub used_this_hour: f64,
    /// What a player costs, measured over the last week.
    pub a_player: Option<f64>,
}

/// One region.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionStatus {
    /// What the store holds of it.
    #[serde(flatten)]
    pub census: RegionCensus,
    /// Its part of what is due, taken to be its part of the players.
    pub due: u64,
    /// Its part of the pace, taken to be its part of the players that were ranked within a week.
    pub players_a_day: Option<f64>,
    /// When all that is due is ranked at that pace.
    pub ranked_by: Option<Timestamp>,
}

/// The lag of reports.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportsStatus {
    /// What the store holds of them.
    #[serde(flatten)]
    pub census: ReportsCensus,
    /// The part of them that was read before WCL had ranked it, from 0 to 1; `None` where there are none.
    pub share_not_yet_ranked: Option<f64>,
}

impl ReportsStatus {
    fn of(census: &ReportsCensus) -> Self {
        let share = (census.total > 0).then(|| census.not_yet_ranked as f64 / census.total as f64);
        Self { census: census.clone(), share_not_yet_ranked: share }
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleStatus {
    /// Its id.
    pub id: String,
    /// The raid.
    pub raid: RaidId,
    /// The difficulty.
    pub difficulty: Difficulty,
    /// Where players are found.
    pub source: SourceKind,
    /// Whether it is worked at all.
    pub enabled: bool,
    /// When it was last finished.
    pub last_run: Option<Timestamp>,
    /// How it stands, in one line: why it waits or fails, or that all is well.
    pub state: String,
    /// Whether a person should look at it.
    pub is_failing: bool,
}

/// A region's published database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseStatus {
    /// The region.
    pub region: String,
    /// Its newest publication in the journal.
    #[serde(flatten)]
    pub newest: Database,
}

impl Status {
    /// Puts together what the store and the journal tell. `store` names the store for people.
    pub fn of(store: String, census: &Census, rules: &(Vec<Rule>, Vec<Malformed>), history: &History) -> Self {
        let now = history.now();
        let due = census.discovered + census.queued.unwrap_or_default();
        let pace = history.messages_a_day();
        let ranked: u64 = census.regions.iter().map(|region| region.players).sum();
        let fresh: u64 = census.regions.iter().map(RegionCensus::ranked_within_a_week).sum();
        let region = |region: &RegionCensus| {
            let share = region.players as f64 / ranked.max(1) as f64;
            let due = rounded(due as f64 * share);
            let part = region.ranked_within_a_week() as f64 / fresh.max(1) as f64;
            let players_a_day = pace.map(|pace| pace * part).filter(|pace| *pace > 0.0);
            let ranked_by = days_for(due, players_a_day).and_then(|days| after(now, days));
            RegionStatus { census: region.clone(), due, players_a_day, ranked_by }
        };
        let newest = |(region, versions): (&String, &Vec<Database>)| {
            Some(DatabaseStatus { region: region.clone(), newest: versions.last()?.clone() })
        };
        Self {
            store,
            as_of: now,
            rules: rules.0.len(),
            discovered: census.discovered,
            queued: census.queued,
            set_aside: census.dead_letters,
            players: ranked,
            due,
            points: Points {
                an_hour: history.points_an_hour(),
                used_this_hour: history.points_this_hour(),
                a_player: history.points_a_player(),
            },
            players_a_day: history.players_a_day(),
            days_until_all_ranked: days_for(due, pace),
            all_ranked_by: days_for(due, pace).and_then(|days| after(now, days)),
            oldest_rank: census.regions.iter().filter_map(|region| region.oldest).min(),
            regions: census.regions.iter().map(region).collect(),
            reports: ReportsStatus::of(&census.reports),
            discovery: discovery(&rules.0, now),
            malformed: rules.1.iter().map(ToString::to_string).collect(),
            database: history.databases.iter().filter_map(newest).collect(),
        }
    }
}

impl RuleStatus {
    /// How `rule`, one of `rules`, stands at `now`.
    pub fn of(rule: &Rule, rules: &[Rule], now: Timestamp) -> Self {
        let state = &rule.state;
        let source = rule.target.source;
        let waiting = state.wait.as_ref().filter(|_| state.waits(now));
        let failed = state.wait.as_ref().filter(|wait| wait.failures > 0);
        let (line, is_failing) = if !rule.enabled {
            ("paused by hand".to_owned(), false)
        } else if let Some(block) = active_block(rules, source, now) {
            (format!("refused: {}; asked again after {}", block.reason, minute(block.until)), true)
        } else if let Some(wait) = waiting {
            match wait.failures {
                0 => (format!("waits for points until {}", minute(wait.until)), false),
                _ => (format!("{}; tried again after {}", failure(wait), minute(wait.until)), true),
            }
        } else if state.lease.as_ref().is_some_and(|lease| lease.expires_at > now) {
            let pages = state.progress.as_ref().map_or(0, |progress| progress.pages);
            (format!("at work, {pages} pages read"), false)
        } else if let Some(wait) = failed {
            (format!("{}; tried again with the next run", failure(wait)), true)
        } else if let Some(block) = &state.block {
            (format!("was refused: {}; asked again with the next run", block.reason), true)
        } else if let Some(progress) = &state.progress {
            (format!("interrupted after {} pages, goes on from there", progress.pages), false)
        } else if rule.last_run.is_none() {
            ("waits for its first run".to_owned(), false)
        } else {
            ("done, waits until it is due again".to_owned(), false)
        };
        Self {
            id: rule.id.0.clone(),
            raid: rule.target.raid,
            difficulty: rule.target.difficulty,
            source,
            enabled: rule.enabled,
            last_run: rule.last_run,
            state: line,
            is_failing,
        }
    }
}

/// Every rule: those that fail first, then the newest raid and the hardest difficulty.
fn discovery(rules: &[Rule], now: Timestamp) -> Vec<RuleStatus> {
    let mut discovery: Vec<_> = rules.iter().map(|rule| RuleStatus::of(rule, rules, now)).collect();
    discovery.sort_by_key(|rule| (Reverse((rule.is_failing, rule.raid, rule.difficulty)), rule.id.clone()));
    discovery
}

fn failure(wait: &Wait) -> String {
    let times = if wait.failures == 1 { "once".to_owned() } else { format!("{} times", wait.failures) };
    format!("failed {times}: {}", wait.reason)
}

/// Days that `due` takes at `pace` a day; none where nothing moves.
fn days_for(due: u64, pace: Option<f64>) -> Option<f64> {
    if due == 0 {
        return Some(0.0);
    }
    pace.filter(|pace| *pace > 0.0).map(|pace| due as f64 / pace)
}

/// `days` after `now`, if that is within a century.
fn after(now: Timestamp, days: f64) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "at most a century of minutes")]
    (days < 36_500.0).then(|| now + TimeDelta::minutes((days * 1440.0).ceil() as i64))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
fn rounded(share: f64) -> u64 {
    share.round().max(0.0) as u64
}

#[cfg(test)]
mod tests;

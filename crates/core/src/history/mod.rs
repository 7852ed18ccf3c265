//! What the journal's runs add up to: folded one by one, so that a long journal needs no more memory than a short one.
//! Pure.
//!
//! Summaries are read leniently: other versions wrote other fields, and a field that is missing counts as 0.

mod discovery;
mod failures;
mod fields;

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use serde::Serialize;
use serde_json::Value;

pub use self::discovery::{RuleHistory, RuleKey};
pub use self::failures::{Failure, Incident};
use self::fields::{count, number};
use crate::Timestamp;
use crate::journal::{Fate, Run};

/// Hours that are shown one by one.
pub const HOURS_SHOWN: i64 = 7 * 24;
/// Days that are shown one by one.
pub const DAYS_SHOWN: i64 = 30;

/// A key that tells of so many points has no limit: only a simulated Warcraft Logs has such.
const UNLIMITED: f64 = 1e8;

/// Everything that status and report need from the journal.
#[derive(Debug, Clone)]
pub struct History {
    now: Timestamp,
    /// Runs that were added.
    pub runs: u64,
    /// When the oldest of them began.
    pub first: Option<Timestamp>,
    /// By full hour.
    pub hours: BTreeMap<Timestamp, Hour>,
    /// By day (UTC).
    pub days: BTreeMap<NaiveDate, Day>,
    /// What the aggregator left waiting, oldest first.
    pub left: Vec<(Timestamp, u64)>,
    /// Each region's database at each publication, oldest first.
    pub databases: BTreeMap<String, Vec<Database>>,
    /// What discovery did, by rule.
    pub discovery: BTreeMap<RuleKey, RuleHistory>,
    /// Failures by stage and kind.
    pub failures: BTreeMap<(String, String), Failure>,
    /// The newest runs that did not end well, newest first.
    pub incidents: Vec<Incident>,
    /// By stage.
    pub stages: BTreeMap<String, Stage>,
    /// The most points an hour that each key was seen to have.
    pub key_limits: BTreeMap<String, f64>,
    /// The points that each key had left when it was last asked.
    pub key_points: BTreeMap<String, KeySeen>,
}

/// One hour.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hour {
    /// Points spent.
    pub points: f64,
    /// Messages sent to the queue.
    pub sent: u64,
    /// Messages that left the queue for good.
    pub taken: u64,
    /// Times that ranking found no key with points.
    pub without_points: u64,
}

/// One day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Day {
    /// Players whose ranks were stored by asking for them.
    pub players: u64,
    /// Reports whose ranks were read.
    pub reports: u64,
    /// Of these players, those in batches without a report, where it is known what the players cost.
    pub players_alone: u64,
    /// Points spent on those batches.
    pub points_alone: f64,
    /// Players whose ranks came from reports.
    pub players_of_reports: u64,
    /// Points spent in all.
    pub points: f64,
    /// Players met by discovery, once per page or report.
    pub discovered: u64,
}

/// A region's database as it was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Database {
    /// When.
    pub at: Timestamp,
    /// Characters in it.
    pub characters: u64,
    /// Realms in it.
    pub realms: u64,
    /// Size of its files together.
    pub bytes: u64,
    /// When its newest rank was read: in JSON, seconds since 1970, as the addon's `GetInfo` tells it.
    #[serde(with = "chrono::serde::ts_seconds_option", skip_serializing_if = "Option::is_none")]
    pub generated_at: Option<Timestamp>,
}

/// How one stage did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stage {
    /// Runs by what became of them.
    pub fates: BTreeMap<Fate, u64>,
    /// When it last ended well.
    pub last_ok: Option<Timestamp>,
    /// Seconds that its runs took together, of those that ended.
    pub seconds: f64,
}

/// A key's points when it was last asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeySeen {
    /// When.
    pub at: Timestamp,
    /// Points left then.
    pub left: f64,
}

impl History {
    /// Nothing yet, looked at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            runs: 0,
            first: None,
            hours: BTreeMap::new(),
            days: BTreeMap::new(),
            left: Vec::new(),
            databases: BTreeMap::new(),
            discovery: BTreeMap::new(),
            failures: BTreeMap::new(),
            incidents: Vec::new(),
            stages: BTreeMap::new(),
            key_limits: BTreeMap::new(),
            key_points: BTreeMap::new(),
        }
    }

    /// The moment from which it is looked at.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Adds one run. Runs come oldest first.
    pub fn add(&mut self, run: &Run) {
        self.runs += 1;
        self.first.get_or_insert(run.started_at);
        let fate = run.fate(self.now);
        let stage = self.stages.entry(run.stage.clone()).or_default();
        *stage.fates.entry(fate).or_default() += 1;
        if fate == Fate::Ok {
            stage.last_ok = stage.last_ok.max(Some(run.ended_at));
        }
        if matches!(fate, Fate::Ok | Fate::Failed) {
            stage.seconds += seconds(run.ended_at - run.started_at);
        }
        self.note_failure(run, fate);
        match run.stage.as_str() {
            "discover" => self.add_discover(run, fate),
            "aggregator" => self.add_aggregator(run),
            "player-rank" => self.add_player_rank(run),
            "db-generator" => self.add_db_generator(run),
            _ => {}
        }
    }

    fn hour(&mut self, at: Timestamp) -> &mut Hour {
        self.hours.entry(full_hour(at)).or_default()
    }

    fn day(&mut self, at: Timestamp) -> &mut Day {
        self.days.entry(at.date_naive()).or_default()
    }

    fn spend(&mut self, at: Timestamp, points: f64) {
        self.hour(at).points += points;
        self.day(at).points += points;
    }

    fn add_aggregator(&mut self, run: &Run) {
        self.hour(run.ended_at).sent += count(&run.summary, "sent");
        if run.summary.get("left").is_some() {
            self.left.push((run.ended_at, count(&run.summary, "left")));
        }
    }

    fn add_player_rank(&mut self, run: &Run) {
        let summary = &run.summary;
        let at = run.ended_at;
        let points = number(summary, "pointsSpent");
        let reports = count(summary, "reports");
        let done = count(summary, "done");
        let players = done.saturating_sub(reports);
        let hour = self.hour(at);
        hour.taken += done + count(summary, "finished") + count(summary, "deadLettered");
        hour.without_points += u64::from(summary.get("errorType").and_then(Value::as_str) == Some("NoBudget"));
        self.spend(at, points);
        let day = self.day(at);
        day.players += players;
        day.reports += reports;
        day.players_of_reports += count(summary, "playersOfReports");
        if reports == 0 {
            day.players_alone += players;
            day.points_alone += points;
        }
        for (key, left) in fields::numbers(summary, "pointsLeft") {
            self.key_points.insert(key.to_owned(), KeySeen { at, left });
            self.see_limit(key, left);
        }
        for (key, limit) in fields::numbers(summary, "pointsLimit") {
            self.see_limit(key, limit);
        }
    }

    fn see_limit(&mut self, key: &str, points: f64) {
        if points >= UNLIMITED {
            return;
        }
        let most = self.key_limits.entry(key.to_owned()).or_default();
        *most = most.max(points);
    }

    fn add_db_generator(&mut self, run: &Run) {
        if run.summary.get("stopped").and_then(Value::as_str) == Some("dryRun") {
            return;
        }
        let regions = run.summary.get("regions").and_then(Value::as_array);
        for region in regions.into_iter().flatten() {
            let Some(name) = region.get("region").and_then(Value::as_str) else { continue };
            let published = Database {
                at: run.ended_at,
                characters: count(region, "characters"),
                realms: count(region, "realms"),
                bytes: count(region, "bytes"),
                generated_at: fields::text(region, "generatedAt").and_then(|at| at.parse().ok()),
            };
            let versions = self.databases.entry(name.to_owned()).or_default();
            // One machine publishes after every batch: the last of each hour stands for it.
            match versions.last_mut().filter(|last| full_hour(last.at) == full_hour(published.at)) {
                Some(last) => *last = published,
                None => versions.push(published),
            }
        }
    }

    /// Today and the seven days before: what is averaged over.
    fn last_week(&self) -> impl Iterator<Item = (&NaiveDate, &Day)> {
        let today = self.now.date_naive();
        self.days.range(today - TimeDelta::days(7)..).filter(move |(day, _)| **day <= today)
    }

    /// How many days of the last week the journal covers, at least an hour.
    fn days_covered(&self) -> f64 {
        let week_ago = (self.now.date_naive() - TimeDelta::days(7)).and_time(Default::default()).and_utc();
        let first = self.first.unwrap_or(self.now).max(week_ago);
        seconds(self.now - first).max(3600.0) / 86_400.0
    }

    /// Players ranked a day, over the last week; `None` before the first.
    pub fn players_a_day(&self) -> Option<f64> {
        let players: u64 = self.last_week().map(|(_, day)| day.players).sum();
        (players > 0).then(|| players as f64 / self.days_covered())
    }

    /// Messages that leave the queue a day, over the last week; `None` before the first.
    pub fn messages_a_day(&self) -> Option<f64> {
        let taken: u64 = self.last_week().map(|(_, day)| day.players + day.reports).sum();
        (taken > 0).then(|| taken as f64 / self.days_covered())
    }

    /// Points that a player costs, measured over the last week; `None` before the first.
    pub fn points_a_player(&self) -> Option<f64> {
        let (points, players) = self
            .last_week()
            .fold((0.0, 0), |(points, players), (_, day)| (points + day.points_alone, players + day.players_alone));
        (players > 0).then(|| points / players as f64)
    }

    /// Points spent since the present hour began.
    pub fn points_this_hour(&self) -> f64 {
        self.hours.get(&full_hour(self.now)).map_or(0.0, |hour| hour.points)
    }

    /// The points that all keys together have in an hour; `None` before one was asked.
    pub fn points_an_hour(&self) -> Option<f64> {
        (!self.key_limits.is_empty()).then(|| self.key_limits.values().sum())
    }

    /// How many messages waited in the queue at the end of each full hour, oldest first: from `queued` now, backwards
    /// through what was sent and taken. `None` stands for a queue that cannot be asked; then it is taken as empty when
    /// it was lowest.
    pub fn queue_by_hour(&self, queued: Option<u64>) -> Vec<(Timestamp, u64)> {
        let present = full_hour(self.now);
        let mut depth = i64::try_from(queued.unwrap_or_default()).unwrap_or(i64::MAX);
        let mut depths = Vec::new();
        for back in 0..HOURS_SHOWN {
            let hour = present - TimeDelta::hours(back);
            depths.push((hour, depth));
            let flow = self
                .hours
                .get(&hour)
                .map_or(0, |hour| i64::try_from(hour.sent).unwrap_or(0) - i64::try_from(hour.taken).unwrap_or(0));
            depth -= flow;
            if self.first.is_none_or(|first| hour <= first) {
                break;
            }
        }
        let lift = if queued.is_none() { depths.iter().map(|(_, depth)| -depth).max().unwrap_or(0) } else { 0 };
        depths.reverse();
        depths.into_iter().map(|(hour, depth)| (hour, u64::try_from(depth + lift).unwrap_or(0))).collect()
    }
}

fn seconds(delta: TimeDelta) -> f64 {
    delta.num_milliseconds() as f64 / 1000.0
}

/// The full hour that holds `at`.
pub fn full_hour(at: Timestamp) -> Timestamp {
    at - TimeDelta::nanoseconds(at.timestamp_nanos_opt().unwrap_or_default().rem_euclid(3_600_000_000_000))
}

#[cfg(test)]
mod tests;

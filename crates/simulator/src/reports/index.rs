//! All reports of a world, and what is known of them at a time.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use crate::season::Calendar;
use crate::world::{Kill, Player, Region, World};

use super::plan::Plan;
use super::report::{Kind, Report, Seen, id_of, whole};
use super::roster::{KillEvent, Part, Roster};

/// When a report appears, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// From when on it can be seen.
    pub uploaded_at: DateTime<Utc>,
    /// When its log ends.
    pub ended_at: DateTime<Utc>,
    /// Its kills by difficulty.
    pub kills: BTreeMap<u8, usize>,
}

/// All reports of a world.
#[derive(Debug)]
pub struct Reports {
    pub(super) calendar: Calendar,
    pub(super) rosters: Vec<Roster>,
    by_board: HashMap<(u8, u8, Region), usize>,
    pub(super) reports: Vec<Report>,
    kills: Vec<(u16, u32)>,
    by_start: Vec<u32>,
    by_id: Vec<(u64, u32)>,
    private: Vec<String>,
}

/// One of a player's kills of a boss as far as the API knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// Which of the player's kills under its metric it is.
    pub round: u16,
    /// Unix milliseconds of its end.
    pub ended_ms: i64,
    /// The first report that holds it; nothing when it is in none.
    pub report: Option<u32>,
}

impl Reports {
    pub(crate) fn new(world: &World, calendar: Calendar) -> Self {
        let Plan { rosters, reports, kills, private } = Plan::new(world, &calendar);
        let mut by_start: Vec<u32> = (0..reports.len() as u32).collect();
        by_start.sort_by_key(|&at| reports[at as usize].started_s);
        let mut by_id: Vec<(u64, u32)> =
            reports.iter().enumerate().map(|(at, report)| (report.id, at as u32)).collect();
        by_id.sort_unstable();
        let key = |roster: &Roster| (roster.raid, roster.difficulty, roster.region);
        let by_board = rosters.iter().enumerate().map(|(at, roster)| (key(roster), at)).collect();
        Self { calendar, rosters, by_board, reports, kills, by_start, by_id, private }
    }

    /// Number of public reports, those to come included.
    pub fn len(&self) -> usize {
        self.reports.len()
    }

    /// Number of kills in reports, those to come included, each once however often it was uploaded.
    pub fn kill_count(&self) -> usize {
        self.rosters.iter().map(Roster::kill_count).sum()
    }

    /// Whether there is no public report.
    pub fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// Codes that exist but answer with a permission error.
    pub fn private_codes(&self) -> &[String] {
        &self.private
    }

    /// Codes of the public reports, those to come included.
    pub fn codes(&self) -> impl Iterator<Item = String> {
        self.reports.iter().map(Report::code)
    }

    /// When a public report appears, and what is in it, to come or not.
    pub fn upload(&self, code: &str) -> Option<Upload> {
        let report = self.at(self.find(code)?);
        let time = |at_s| DateTime::from_timestamp_millis(self.unix_ms(at_s)).unwrap_or_default();
        let mut kills = BTreeMap::new();
        for (roster, _) in self.kills(report, whole(report)) {
            *kills.entry(roster.difficulty).or_default() += 1;
        }
        Some(Upload { uploaded_at: time(report.uploaded_s), ended_at: time(report.ended_s), kills })
    }

    pub(crate) fn at(&self, index: u32) -> &Report {
        &self.reports[index as usize]
    }

    pub(crate) fn find(&self, code: &str) -> Option<u32> {
        let id = id_of(code)?;
        let at = self.by_id.binary_search_by_key(&id, |&(id, _)| id).ok()?;
        Some(self.by_id[at].1)
    }

    /// Unix milliseconds of a time of a report.
    pub(crate) fn unix_ms(&self, at_s: i32) -> i64 {
        self.calendar.origin_ms + i64::from(at_s) * 1000
    }

    /// What can be seen of a report now.
    pub(crate) fn seen(&self, report: &Report, now: DateTime<Utc>) -> Option<Seen> {
        report.seen((now.timestamp_millis() - self.calendar.origin_ms).div_euclid(1000), self.calendar.is_season)
    }

    /// The public reports now that began within these Unix milliseconds, in an order that never changes and follows no
    /// time.
    pub(crate) fn list(&self, from_ms: f64, to_ms: f64, tag: Option<Option<u8>>, now: DateTime<Utc>) -> Vec<u32> {
        let begun_ms = |at: &u32| self.unix_ms(self.at(*at).started_s) as f64;
        let start = self.by_start.partition_point(|at| begun_ms(at) < from_ms);
        let end = self.by_start.partition_point(|at| begun_ms(at) <= to_ms).max(start);
        let fits = |report: &Report| tag.is_none_or(|tag| tag == Some(report.tag)) && self.seen(report, now).is_some();
        let mut found: Vec<u32> = self.by_start[start..end].iter().copied().filter(|&at| fits(self.at(at))).collect();
        found.sort_unstable_by_key(|&at| self.at(at).id);
        found
    }

    /// The kills of a report that were over at its end as seen, in order.
    pub(crate) fn kills<'r>(
        &'r self,
        report: &'r Report,
        seen: Seen,
    ) -> impl Iterator<Item = (&'r Roster, &'r KillEvent)> + use<'r> {
        let start = report.first_kill as usize;
        let mut kills: Vec<_> = self.kills[start..start + usize::from(report.kills)]
            .iter()
            .map(|&(roster, kill)| {
                let roster = &self.rosters[usize::from(roster)];
                (roster, roster.kill(kill))
            })
            .filter(|(_, kill)| kill.ended_s + report.shift_s <= seen.ended_s)
            .collect();
        kills.sort_by_key(|(_, kill)| kill.ended_s);
        kills.into_iter()
    }

    /// Indices of everyone ranked in the report, each once, in id order.
    pub(crate) fn ranked(&self, world: &World, report: &Report, seen: Seen) -> Vec<u32> {
        let everybody = self.kills(report, seen).flat_map(|(roster, kill)| everybody(roster, world, kill));
        let mut ranked: Vec<u32> = everybody.map(|part| part.player.index()).collect();
        ranked.sort_unstable();
        ranked.dedup();
        ranked
    }

    /// A player's kills of one boss that the API knows now. Outside a season these are all, though reports hold the first
    /// few alone.
    pub(crate) fn known(&self, player: Player<'_>, kill: &Kill, now: DateTime<Utc>) -> Vec<Known> {
        let key = (kill.raid, kill.difficulty, player.realm().region);
        let board = self.by_board.get(&key).copied();
        let in_reports = board.map(|board| self.rosters[board].kills_of(player, kill)).unwrap_or_default();
        let is_known = |event: &KillEvent| {
            let first = self.at(event.report);
            [Some(first), first.twin.map(|twin| self.at(twin))]
                .into_iter()
                .flatten()
                .any(|report| self.seen(report, now).is_some_and(|seen| event.ended_s + report.shift_s <= seen.ended_s))
        };
        let mut known: Vec<Known> = in_reports
            .into_iter()
            .filter_map(|(round, at)| {
                let board = board?;
                let event = self.rosters[board].kill(at);
                (!self.calendar.is_season || is_known(event)).then_some(Known {
                    round,
                    ended_ms: self.unix_ms(event.ended_s),
                    report: Some(event.report),
                })
            })
            .collect();
        if !self.calendar.is_season {
            let long_ago = |round| Known { round, ended_ms: self.calendar.origin_ms - 86_400_000, report: None };
            let reported: Vec<u16> = known.iter().map(|kill| kill.round).collect();
            known.extend((0..kill.kills).filter(|round| !reported.contains(round)).map(long_ago));
        }
        known
    }

    /// Whether kills become known with time.
    pub(crate) fn is_season(&self) -> bool {
        self.calendar.is_season
    }

    /// At most so many of a player's kills of a boss stand in reports.
    pub(crate) fn most_kills(&self) -> u16 {
        self.calendar.most_kills
    }
}

/// Everybody with a row in a kill, the one whose row does not count included.
pub(crate) fn everybody<'a>(
    roster: &'a Roster,
    world: &'a World,
    kill: &KillEvent,
) -> impl Iterator<Item = Part<'a>> + use<'a> {
    roster.parts(world, kill).chain(roster.banned(world, kill))
}

/// Whether a report's kills are those of the live raid.
pub(crate) fn is_live_raid(report: &Report) -> bool {
    report.kind != Kind::TestServer
}

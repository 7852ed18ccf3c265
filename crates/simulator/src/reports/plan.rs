//! Making the reports of a world by a calendar: kills are put together into nights, nights get their times, and each night
//! is uploaded once or, with another clock, twice. The same world and calendar give the same reports.
//!
//! Two kills of one boss that share a player end at least [`APART_S`] apart, so that they can be told from two uploads of
//! one kill.

use std::collections::BTreeMap;

use crate::rng::hash;
use crate::season::Calendar;
use crate::world::{Region, World};

use super::report::{Kind, Report, code};
use super::roster::Roster;

/// Least time between two kills of one boss by one player. Clocks of two uploads differ by at most [`MOST_SHIFT_S`].
const APART_S: i64 = 600;
const MOST_SHIFT_S: u64 = 110;
/// The length of a night, shared by the raid's bosses: ten minutes for each at most.
const NIGHT_S: i32 = 6_000;
/// A second difficulty joins a report when it is begun so soon after the first.
const BREAK_S: i32 = 3_600;

/// Everything that is made.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub rosters: Vec<Roster>,
    pub reports: Vec<Report>,
    /// Roster and kill.
    pub kills: Vec<(u16, u32)>,
    pub private: Vec<String>,
}

/// Kills in a row by one raid.
struct Night {
    roster: u16,
    round: u16,
    /// The last place of the roster that may join.
    until: u32,
    most_kills: usize,
    started_s: i32,
    kills: Vec<u32>,
}

impl Plan {
    pub(super) fn new(world: &World, calendar: &Calendar) -> Self {
        let mut plan = Self::default();
        let mut players: BTreeMap<(u8, Region, u8), Vec<u32>> = BTreeMap::new();
        for (index, player) in world.players().enumerate() {
            for kills in player.kills().chunk_by(|a, b| (a.raid, a.difficulty) == (b.raid, b.difficulty)) {
                let (raid, difficulty) = (kills[0].raid, kills[0].difficulty);
                let is_absent = hash(&[player.record.id.into(), raid.into(), difficulty.into()]).is_multiple_of(14);
                if calendar.is_season || !is_absent {
                    players.entry((raid, player.realm().region, difficulty)).or_default().push(index as u32);
                }
            }
        }
        let mut nights: Vec<Night> = Vec::new();
        let mut before = None;
        for ((raid, region, difficulty), players) in players {
            if before != Some((raid, region)) {
                plan.add_nights(world, calendar, std::mem::take(&mut nights));
            }
            before = Some((raid, region));
            let at = plan.rosters.len() as u16;
            let mut roster = Roster::new(world, (raid, difficulty, region), players, calendar);
            let mut made = nights_of(&roster, at, calendar);
            set_times(&mut made, calendar);
            let slot_s = slot_s(world, raid);
            for night in &made {
                for &kill in &night.kills {
                    let kill = &mut roster.kills_mut()[kill as usize];
                    kill.ended_s = night.started_s + slot_s * (i32::from(kill.encounter) + 1);
                }
            }
            plan.rosters.push(roster);
            nights.append(&mut made);
        }
        plan.add_nights(world, calendar, nights);
        plan.reports.shrink_to_fit();
        plan.kills.shrink_to_fit();
        plan
    }

    /// Reports of one raid and region. Now and then one report holds two difficulties.
    fn add_nights(&mut self, world: &World, calendar: &Calendar, mut nights: Vec<Night>) {
        nights.sort_by_key(|night| (night.started_s, night.roster));
        let mut nights = nights.into_iter().peekable();
        let mut number = 0;
        while let Some(night) = nights.next() {
            let roster = &self.rosters[usize::from(night.roster)];
            let slot_s = slot_s(world, roster.raid);
            let (raid, region, difficulty) = (roster.raid, roster.region, roster.difficulty);
            let ends = |night: &Night, rosters: &[Roster]| {
                let kills = night.kills.iter().map(|&kill| rosters[usize::from(night.roster)].kill(kill).ended_s);
                kills.max().unwrap_or(night.started_s)
            };
            let first_kill = self.kills.len() as u32;
            let mut ended_s = ends(&night, &self.rosters);
            self.kills.extend(night.kills.iter().map(|&kill| (night.roster, kill)));
            let joins = |next: &Night| {
                let gap_s = next.started_s - ended_s;
                next.roster != night.roster && (0..BREAK_S).contains(&gap_s) && number % 3 == 1
            };
            if let Some(next) = nights.next_if(joins) {
                ended_s = ends(&next, &self.rosters);
                self.kills.extend(next.kills.iter().map(|&kill| (next.roster, kill)));
            }
            let report = Report {
                id: hash(&[raid.into(), region as u64, number]),
                kind: Kind::First,
                started_s: night.started_s,
                ended_s: ended_s + slot_s / 4,
                uploaded_s: 0,
                is_live: false,
                shift_s: 0,
                twin: None,
                tag: raid,
                difficulty,
                region,
                first_kill,
                kills: (self.kills.len() - first_kill as usize) as u16,
            };
            self.add_report(world, calendar, report, number);
            number += 1;
        }
    }

    /// A night's first upload, and what there is beside it.
    fn add_report(&mut self, world: &World, calendar: &Calendar, first: Report, number: u64) {
        let at = self.reports.len() as u32;
        for &(roster, kill) in &self.kills[first.first_kill as usize..] {
            self.rosters[usize::from(roster)].kills_mut()[kill as usize].report = at;
        }
        let other = |more: u64, kind: Kind| Report { id: hash(&[first.id, more]), kind, ..first.clone() };
        let mut made = vec![first.clone()];
        if hash(&[first.id, 12]) % 100 < calendar.twins_percent.into() {
            let shift_s = (hash(&[first.id, 13]) % (2 * MOST_SHIFT_S + 1)) as i32 - MOST_SHIFT_S as i32;
            made[0].twin = Some(at + 1);
            made.push(Report { twin: Some(at), ..moved(other(1, Kind::Second), shift_s) });
        }
        let raids = world.raids().len();
        if number % 40 == 7 && raids > 1 {
            let tag = ((usize::from(first.tag) + 1) % raids) as u8;
            made.push(Report { tag, ..other(2, Kind::WrongTag) });
        }
        if number % 40 == 11 {
            made.push(other(3, Kind::TestServer));
        }
        if number % 7 == 3 {
            made.push(Report { kills: 0, ..other(4, Kind::Wipes) });
        }
        if number == 0 {
            made.push(moved(other(5, Kind::Old), -400 * 86_400));
        }
        if number.is_multiple_of(50) {
            self.private.push(code(hash(&[first.id, 6])));
        }
        made.iter_mut().for_each(|report| upload(report, calendar));
        self.reports.append(&mut made);
    }
}

fn moved(report: Report, by_s: i32) -> Report {
    Report { shift_s: by_s, started_s: report.started_s + by_s, ended_s: report.ended_s + by_s, ..report }
}

fn upload(report: &mut Report, calendar: &Calendar) {
    let (dice, share) = (hash(&[report.id, 14]), (hash(&[report.id, 15]) % 100) as u8);
    report.is_live = share < calendar.live_percent && report.kind != Kind::Old;
    report.uploaded_s = if report.is_live {
        report.started_s + 600
    } else if share >= 100 - calendar.late_percent.min(100) {
        report.ended_s + 3 * 3600 + (dice % (68 * 3600)) as i32
    } else {
        report.ended_s + 300 + (dice % 1_500) as i32
    };
}

fn slot_s(world: &World, raid: u8) -> i32 {
    (NIGHT_S / world.raids()[usize::from(raid)].encounters.len().max(1) as i32).min(600)
}

/// Puts kills of the same players together: two to eight bosses a night unless it is said, each once.
fn nights_of(roster: &Roster, at: u16, calendar: &Calendar) -> Vec<Night> {
    let spans: Vec<(u32, u32)> = roster.spans().collect();
    let mut order: Vec<u32> = (0..spans.len() as u32).collect();
    let round = |kill: u32| roster.kill(kill).round;
    order.sort_by_key(|&kill| (round(kill), spans[kill as usize].0));
    let mut nights: Vec<Night> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for kill in order {
        let (first, last) = spans[kill as usize];
        open.retain(|&night| {
            let night = &nights[night];
            night.round == round(kill) && night.until >= first && night.kills.len() < night.most_kills
        });
        let encounter = roster.kill(kill).encounter;
        let is_new = |night: &Night| night.kills.iter().all(|&other| roster.kill(other).encounter != encounter);
        if let Some(&night) = open.iter().find(|&&night| is_new(&nights[night])) {
            nights[night].kills.push(kill);
        } else {
            let dice = hash(&[roster.raid.into(), roster.difficulty.into(), roster.region as u64, nights.len() as u64]);
            open.push(nights.len());
            nights.push(Night {
                roster: at,
                round: round(kill),
                until: last,
                most_kills: calendar.raid_size.map_or(2 + (dice % 7) as usize, |size| size.kills.into()),
                started_s: 0,
                kills: vec![kill],
            });
        }
    }
    nights
}

/// Spreads a roster's nights over the calendar, round after round.
fn set_times(nights: &mut [Night], calendar: &Calendar) {
    let seed = |night: &Night| hash(&[night.roster.into(), night.kills[0].into()]);
    nights.sort_by_key(|night| (night.round, seed(night)));
    let count = nights.len() as f64;
    let (mut round, mut not_before_s, mut latest_s) = (0, 0, -APART_S);
    for (number, night) in nights.iter_mut().enumerate() {
        if night.round != round {
            (round, not_before_s) = (night.round, latest_s + APART_S);
        }
        let at_s = calendar.time_of((number as f64 + 0.5) / count).max(not_before_s);
        latest_s = latest_s.max(at_s);
        night.started_s = at_s as i32;
    }
}

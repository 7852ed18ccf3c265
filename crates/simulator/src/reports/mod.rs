//! Public reports made up from the world: raid groups of 20 to 25 players of one region who share a raid and difficulty,
//! with a fight for every boss somebody of the group has killed. The same world and start time give the same reports.
//!
//! Not every player stands in one. Some reports hold two difficulties. A few carry a zone tag that does not fit their
//! fights (facts B.7): a second log of a known night under another raid's tag, or fights of the test server (ids 50,000
//! above the live ones). A few are private. Some groups came a second time, with fewer players and worse ranks: a rank in
//! `report.rankings` belongs to that kill, and the best over all reports is the world's.

mod rankings;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use crate::board::Boards;
use crate::rng::hash;
use crate::world::{Kill, Region, World};

pub(crate) use rankings::{Filter, write as write_rankings};

/// How far test server encounter ids lie above the live ones (facts C).
const TEST_SERVER: i32 = 50_000;

/// All reports of a world, newest first.
#[derive(Debug, Default)]
pub struct Reports {
    reports: Vec<Report>,
    rosters: Vec<u32>,
    by_code: HashMap<String, u32>,
    private: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub code: String,
    /// Unix milliseconds.
    pub started_at_ms: i64,
    /// Unix milliseconds.
    pub ended_at_ms: i64,
    /// Index of the raid the report is tagged with.
    pub tag: u8,
    pub region: Region,
    groups: Vec<Group>,
}

/// The players of one raid and difficulty in one report.
#[derive(Debug, Clone, Copy)]
struct Group {
    raid: u8,
    difficulty: u8,
    roster_at: u32,
    roster_len: u16,
    test_server: bool,
    /// Not the best night of these players.
    again: bool,
}

impl Group {
    /// The rank a kill has in this group's night, rounded down; nothing when the player was not there for it.
    fn rank(self, player: u32, kill: &Kill) -> Option<u8> {
        match (self.again, kill.kills) {
            (false, _) => Some(kill.rank),
            (true, 1) => None,
            (true, _) => {
                let dice = hash(&[player.into(), kill.encounter.into(), kill.difficulty.into(), 5]);
                Some((dice % (u64::from(kill.rank) + 1)) as u8)
            }
        }
    }
}

/// One fight, as the API lists it.
#[derive(Debug, Clone)]
pub(crate) struct Fight {
    /// From 1.
    pub id: i32,
    /// 0 for trash.
    pub encounter_id: i32,
    pub name: String,
    pub difficulty: Option<u8>,
    pub kill: Option<bool>,
    /// Milliseconds since the start of the report.
    pub start_ms: i64,
    pub end_ms: i64,
    pub size: Option<i32>,
    group: usize,
    encounter: u8,
}

/// A player standing in a report, for oracles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Standing {
    /// Character id.
    pub player: i32,
    /// Raid (zone) id.
    pub raid: i32,
    /// Difficulty.
    pub difficulty: u8,
}

impl Reports {
    /// Makes the reports of a world: those of the `days` before `now`.
    pub(crate) fn new(world: &World, boards: &Boards, now: DateTime<Utc>, days: u32) -> Self {
        let mut made = Self::default();
        let span_ms = (TimeDelta::days(days.max(1).into()) - TimeDelta::hours(5)).num_milliseconds() as u64;
        for raid in 0..world.raids().len() as u8 {
            for region in Region::ALL {
                let nights = made.nights(world, boards, raid, region);
                for (number, groups) in nights.into_iter().enumerate() {
                    let seed = [raid.into(), region as u64, number as u64];
                    let started_at =
                        now - TimeDelta::hours(5) - TimeDelta::milliseconds((hash(&seed) % span_ms) as i64);
                    made.add(world, Night { raid, region, groups, started_at, number, seed: hash(&seed) });
                }
            }
        }
        made.reports.sort_by(|a, b| b.started_at_ms.cmp(&a.started_at_ms).then_with(|| a.code.cmp(&b.code)));
        let index = |(at, report): (usize, &Report)| (report.code.clone(), at as u32);
        made.by_code = made.reports.iter().enumerate().map(index).collect();
        made
    }

    /// Groups of one raid and region, put together into nights of one or two difficulties.
    fn nights(&mut self, world: &World, boards: &Boards, raid: u8, region: Region) -> Vec<Vec<Group>> {
        let mut nights: Vec<Vec<Group>> = Vec::new();
        let mut easier: usize = 0;
        for difficulty in boards.difficulties(raid) {
            let (first, mut count) = (nights.len(), 0);
            let mut players: Vec<u32> = boards
                .board(raid, difficulty)
                .iter()
                .copied()
                .filter(|&index| {
                    let player = world.at(index);
                    player.realm().region == region
                        && !hash(&[player.record.id.into(), raid.into(), difficulty.into()]).is_multiple_of(14)
                })
                .collect();
            players.sort_by_cached_key(|&index| (world.at(index).record.realm, hash(&[index.into()])));
            let mut rest = players.as_slice();
            while rest.len() >= 5 {
                let size = if difficulty == 5 { 20 } else { 20 + (hash(&[rest.len() as u64]) % 6) as usize };
                let (roster, others) = rest.split_at(size.min(rest.len()));
                rest = others;
                let group = Group {
                    raid,
                    difficulty,
                    roster_at: self.rosters.len() as u32,
                    roster_len: roster.len() as u16,
                    test_server: false,
                    again: false,
                };
                self.rosters.extend_from_slice(roster);
                let number = count;
                count += 1;
                match nights.get_mut(easier + number) {
                    Some(night) if number % 8 == 3 && easier + number < first => night.push(group),
                    _ => nights.push(vec![group]),
                }
            }
            easier = first;
        }
        nights
    }

    fn add(&mut self, world: &World, night: Night) {
        let report = Report {
            code: code(night.seed),
            started_at_ms: night.started_at.timestamp_millis(),
            ended_at_ms: night.started_at.timestamp_millis() + 9_000_000 + (night.seed % 5_400_000) as i64,
            tag: night.raid,
            region: night.region,
            groups: night.groups,
        };
        let raids = world.raids().len();
        if night.number % 40 == 7 && raids > 1 {
            // A second log of the same night under another raid's tag.
            let tag = ((usize::from(night.raid) + 1) % raids) as u8;
            let second = code(hash(&[night.seed, 1]));
            self.reports.push(Report {
                code: second,
                tag,
                started_at_ms: report.started_at_ms + 180_000,
                ..report.clone()
            });
        }
        if night.number % 40 == 11 {
            // A night on the test server, tagged as the live raid, in a difficulty of its own.
            let groups =
                report.groups.iter().map(|group| Group { difficulty: 5, test_server: true, ..*group }).collect();
            self.reports.push(Report { code: code(hash(&[night.seed, 2])), groups, ..report.clone() });
        }
        if night.number % 6 == 5 {
            self.add_second_night(world, &report, night.seed);
        }
        if night.number.is_multiple_of(50) {
            self.private.push(code(hash(&[night.seed, 3])));
        }
        self.reports.push(report);
    }

    /// The same players some days earlier, as far as they have killed anything twice.
    fn add_second_night(&mut self, world: &World, report: &Report, seed: u64) {
        let mut groups = Vec::new();
        for group in &report.groups {
            let twice = |index: &u32| {
                let kills = world.at(*index).kills_in(group.raid, group.difficulty);
                kills.iter().any(|kill| kill.kills > 1)
            };
            let roster: Vec<u32> = self.roster(*group).iter().copied().filter(twice).collect();
            if roster.len() >= 5 {
                let roster_at = self.rosters.len() as u32;
                groups.push(Group { roster_at, roster_len: roster.len() as u16, again: true, ..*group });
                self.rosters.extend(roster);
            }
        }
        if !groups.is_empty() {
            let earlier_ms = 86_400_000 + (seed % 86_400_000) as i64;
            self.reports.push(Report {
                code: code(hash(&[seed, 4])),
                started_at_ms: report.started_at_ms - earlier_ms,
                ended_at_ms: report.ended_at_ms - earlier_ms,
                groups,
                ..report.clone()
            });
        }
    }

    /// Number of public reports.
    pub fn len(&self) -> usize {
        self.reports.len()
    }

    /// Whether there is no public report.
    pub fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// Codes that exist but answer with a permission error.
    pub fn private_codes(&self) -> &[String] {
        &self.private
    }

    /// Codes of the public reports, newest first.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.reports.iter().map(|report| report.code.as_str())
    }

    /// The oracle for discovery by reports: who stands ranked in which raid and difficulty, found by asking for the
    /// reports tagged with the raid and reading each kill's own difficulty and players.
    pub fn standing(&self, world: &World) -> BTreeSet<Standing> {
        self.collect(world, |report, group| {
            self.roster(*group).iter().copied().map(move |index| (index, group, report))
        })
    }

    /// The same for a reader who asks only for `rankedCharacters` and the difficulties of a report's kills, and so
    /// takes everybody of a night of two difficulties for both. Contains [`Self::standing`].
    pub fn standing_by_report(&self, world: &World) -> BTreeSet<Standing> {
        self.collect(world, |report, group| self.ranked(report).into_iter().map(move |index| (index, group, report)))
    }

    fn collect<'r, I>(&'r self, world: &World, list: impl Fn(&'r Report, &'r Group) -> I) -> BTreeSet<Standing>
    where
        I: Iterator<Item = (u32, &'r Group, &'r Report)>,
    {
        self.reports
            .iter()
            .flat_map(|report| report.groups.iter().flat_map(|group| list(report, group)).collect::<Vec<_>>())
            .filter(|(_, group, report)| group.raid == report.tag && !group.test_server)
            .map(|(index, group, _)| Standing {
                player: world.at(index).id(),
                raid: world.raids()[usize::from(group.raid)].id,
                difficulty: group.difficulty,
            })
            .collect()
    }

    pub(crate) fn list(&self) -> &[Report] {
        &self.reports
    }

    pub(crate) fn find(&self, code: &str) -> Option<&Report> {
        self.by_code.get(code).map(|&at| &self.reports[at as usize])
    }

    fn roster(&self, group: Group) -> &[u32] {
        let start = group.roster_at as usize;
        &self.rosters[start..start + usize::from(group.roster_len)]
    }

    /// Indices of everyone ranked in the report, each once, in id order.
    pub(crate) fn ranked(&self, report: &Report) -> Vec<u32> {
        let mut ranked: Vec<u32> = report.groups.iter().flat_map(|group| self.roster(*group)).copied().collect();
        ranked.sort_unstable();
        ranked.dedup();
        ranked
    }

    /// The report's fights in order: trash, wipes, and one kill for each boss somebody of the group has killed.
    pub(crate) fn fights(&self, world: &World, report: &Report) -> Vec<Fight> {
        let mut fights: Vec<Fight> = Vec::new();
        let mut at_ms = 60_000;
        for (number, group) in report.groups.iter().enumerate() {
            let raid = &world.raids()[usize::from(group.raid)];
            let roster = self.roster(*group);
            let size = i32::from(group.roster_len);
            for (at, encounter) in raid.encounters.iter().enumerate() {
                let killed = group.test_server
                    || roster.iter().any(|&index| {
                        let player = world.at(index);
                        let kills = player.kills_in(group.raid, group.difficulty);
                        kills.iter().any(|kill| {
                            usize::from(kill.encounter) == at && group.rank(player.record.id, kill).is_some()
                        })
                    });
                if !killed {
                    continue;
                }
                let dice = hash(&[report.started_at_ms as u64, number as u64, at as u64]);
                let mut push = |encounter_id: i32, kill: Option<bool>, length_ms: i64| {
                    let id = fights.len() as i32 + 1;
                    fights.push(Fight {
                        id,
                        encounter_id,
                        name: if encounter_id == 0 { "Trash".to_owned() } else { encounter.name.clone() },
                        difficulty: (encounter_id != 0).then_some(group.difficulty),
                        kill,
                        start_ms: at_ms,
                        end_ms: at_ms + length_ms,
                        size: (encounter_id != 0).then_some(size),
                        group: number,
                        encounter: at as u8,
                    });
                    at_ms += length_ms + 45_000;
                };
                let id = encounter.id + if group.test_server { TEST_SERVER } else { 0 };
                push(0, None, 30_000);
                if dice.is_multiple_of(3) {
                    push(id, Some(false), 60_000 + (dice % 100_000) as i64);
                }
                push(id, Some(true), 120_000 + (dice % 300_000) as i64);
            }
        }
        fights
    }
}

struct Night {
    raid: u8,
    region: Region,
    groups: Vec<Group>,
    started_at: DateTime<Utc>,
    number: usize,
    seed: u64,
}

/// A report code: sixteen letters and digits.
fn code(seed: u64) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRTVWXYZabcdfghjkmnpqrtvwxyz12346789";
    (0..16).map(|at| char::from(LETTERS[(hash(&[seed, at]) % LETTERS.len() as u64) as usize])).collect()
}

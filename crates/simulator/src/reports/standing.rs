//! Who can be found in reports: the oracle of tests.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::world::World;

use super::index::{Reports, is_live_raid};
use super::report::{Kind, Report, whole};

/// A player standing in a report.
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
    /// Who stands ranked in which raid and difficulty, found by asking for the reports tagged with the raid and reading
    /// each kill's own difficulty and players. Reports to come are included.
    pub fn standing(&self, world: &World) -> BTreeSet<Standing> {
        self.collect(|report, raid, found| {
            for (roster, kill) in self.kills(report, whole(report)) {
                found.extend(roster.parts(world, kill).map(|part| Standing {
                    player: part.player.id(),
                    raid: world.raids()[usize::from(raid)].id,
                    difficulty: roster.difficulty,
                }));
            }
        })
    }

    /// The same for a reader who asks only for `rankedCharacters` and the difficulties of a report's kills, and so
    /// takes everybody of a night of two difficulties for both. Contains [`Self::standing`].
    pub fn standing_by_report(&self, world: &World) -> BTreeSet<Standing> {
        self.collect(|report, raid, found| {
            let difficulties: BTreeSet<u8> =
                self.kills(report, whole(report)).map(|(roster, _)| roster.difficulty).collect();
            let raid = world.raids()[usize::from(raid)].id;
            for index in self.ranked(world, report, whole(report)) {
                let player = world.at(index).id();
                found.extend(difficulties.iter().map(|&difficulty| Standing { player, raid, difficulty }));
            }
        })
    }

    /// The same as far as the reports of some regions can be seen now, those of the year before aside.
    pub fn standing_now(&self, world: &World, regions: &[&str], now: DateTime<Utc>) -> BTreeSet<Standing> {
        let mut found = BTreeSet::new();
        for report in self.reports.iter().filter(|report| is_live_raid(report) && report.kind != Kind::Old) {
            let Some(seen) = self.seen(report, now).filter(|_| regions.contains(&report.region.compact_name())) else {
                continue;
            };
            let kills: Vec<_> = self.kills(report, seen).map(|(roster, _)| (roster.raid, roster.difficulty)).collect();
            if kills.iter().any(|(raid, _)| *raid != report.tag) {
                continue;
            }
            let raid = world.raids()[usize::from(report.tag)].id;
            for index in self.ranked(world, report, seen) {
                let player = world.at(index);
                let stands = |&(_, difficulty)| Standing { player: player.id(), raid, difficulty };
                found.extend(kills.iter().map(stands).filter(|_| !player.is_hidden()));
            }
        }
        found
    }

    /// Over the reports whose tag fits their kills.
    fn collect(&self, add: impl Fn(&Report, u8, &mut BTreeSet<Standing>)) -> BTreeSet<Standing> {
        let mut found = BTreeSet::new();
        for report in self.reports.iter().filter(|report| is_live_raid(report)) {
            let fits = self.kills(report, whole(report)).all(|(roster, _)| roster.raid == report.tag);
            if fits {
                add(report, report.tag, &mut found);
            }
        }
        found
    }
}

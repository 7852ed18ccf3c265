//! The fights of a report in order: trash, wipes and kills.

use crate::rng::hash;
use crate::world::World;

use super::index::Reports;
use super::report::{Kind, Report, Seen};
use super::roster::{KillEvent, Roster};

/// How far test server encounter ids lie above the live ones.
const TEST_SERVER: i32 = 50_000;

/// One fight, as the API lists it.
#[derive(Debug, Clone)]
pub(crate) struct Fight<'r> {
    /// From 1.
    pub id: i32,
    /// 0 for trash.
    pub encounter_id: i32,
    pub name: &'r str,
    pub difficulty: Option<u8>,
    pub kill: Option<bool>,
    /// Milliseconds since the start of the report.
    pub start_ms: i64,
    pub end_ms: i64,
    pub size: Option<i32>,
    /// The kill it is.
    pub event: Option<(&'r Roster, &'r KillEvent)>,
}

impl Reports {
    /// Each kill, with trash and now and then a wipe before it; wipes alone in a report without kills.
    pub(crate) fn fights<'r>(&'r self, world: &'r World, report: &'r Report, seen: Seen) -> Vec<Fight<'r>> {
        let mut fights = Vec::new();
        let bosses = |raid: u8| &world.raids()[usize::from(raid)].encounters;
        let mut push = |encounter_id, name, difficulty, kill, ends: (i64, i64), size, event| {
            let id = fights.len() as i32 + 1;
            fights.push(Fight {
                id,
                encounter_id,
                name,
                difficulty,
                kill,
                start_ms: ends.0,
                end_ms: ends.1,
                size,
                event,
            });
        };
        if report.kind == Kind::Wipes
            && let Some(boss) = bosses(report.tag).first()
        {
            let length_ms = i64::from(seen.ended_s - report.started_s) * 1000;
            for wipe in 0..(length_ms / 240_000).min(13) {
                let ends = (wipe * 240_000 + 30_000, wipe * 240_000 + 200_000);
                push(boss.id, boss.name.as_str(), Some(report.difficulty), Some(false), ends, Some(20), None);
            }
        }
        for (number, (roster, kill)) in self.kills(report, seen).enumerate() {
            let is_test = report.kind == Kind::TestServer;
            let difficulty = Some(if is_test { 5 } else { roster.difficulty });
            let boss = &bosses(roster.raid)[usize::from(kill.encounter)];
            let id = boss.id + if is_test { TEST_SERVER } else { 0 };
            let dice = hash(&[kill.ended_s as u64, kill.encounter.into()]);
            let end_ms = i64::from(kill.ended_s + report.shift_s - report.started_s) * 1000 + report.jitter_ms(number);
            let start_ms = (end_ms - 80_000 - (dice % 220_000) as i64).max(0);
            let size = Some(kill.size.into());
            push(0, "Trash", None, None, (start_ms - 40_000, start_ms - 20_000), None, None);
            if dice.is_multiple_of(3) {
                push(
                    id,
                    boss.name.as_str(),
                    difficulty,
                    Some(false),
                    (start_ms - 18_000, start_ms - 3_000),
                    size,
                    None,
                );
            }
            let event = (!is_test).then_some((roster, kill));
            push(id, boss.name.as_str(), difficulty, Some(true), (start_ms, end_ms), size, event);
        }
        fights
    }
}

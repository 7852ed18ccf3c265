//! `report.rankings`: every player of the report's kills with the rank of that kill, in the shape of recorded answers of
//! retail raids.
//!
//! ```text
//! { data: [ { fightID, partition, zone, encounter: {id, name}, difficulty, size, kill, duration, bracketData, deaths,
//!             damageTakenExcludingTanks,
//!             roles: { tanks|healers|dps: { name, characters: [ { id, name, server: {id, name, region}, class, spec,
//!                      amount, bracketData, bracket, rank, best, totalParses, bracketPercent, rankPercent } ] } },
//!             bracket, guild?: {id, name, faction, server}, reportsBlacklistForCharacters,
//!             speed: { rank, best, totalParses, rankPercent }, execution: { the same } } ] }
//! ```
//! `rankPercent` is a whole number, rounded down; null before the kill has ranks; "-" in a raid without ranks. `rank` and
//! `best` are texts like "~5764". With several kills asked `best` is "-" but on the character's best kill; with one kill
//! asked it is the place that the character's best kill would have here.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Number, Value, json};

use crate::behaviour::{Behaviour, Best, HpsRows};
use crate::classes::{Role, class_slug};
use crate::edits::Edits;
use crate::ranks::{Lens, Line, amount_number, place};
use crate::rng::hash;
use crate::world::{Metric, Raid, World};

use super::fights::Fight;
use super::index::{Reports, everybody};
use super::report::{Kind, Report, Seen};
use super::roster::{KillEvent, Part, Roster};

/// Which fights and which metric are meant; nothing means all.
#[derive(Debug)]
pub(crate) struct Filter<'a> {
    pub difficulty: Option<i32>,
    pub encounter: Option<i32>,
    pub fights: Option<&'a [i32]>,
    /// Nothing for a metric of which nobody has ranks.
    pub metric: Option<Metric>,
    pub lens: Lens,
}

/// What the rows are made from.
pub(crate) struct Desk<'a> {
    pub world: &'a World,
    pub reports: &'a Reports,
    pub behaviour: &'a Behaviour,
    pub edits: &'a Edits,
    pub now: DateTime<Utc>,
}

#[derive(Serialize)]
struct Answer<'a> {
    data: Vec<FightRow<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FightRow<'a> {
    #[serde(rename = "fightID")]
    fight_id: i32,
    partition: i32,
    zone: i32,
    encounter: Named<'a>,
    difficulty: u8,
    size: u8,
    kill: u8,
    duration: i64,
    bracket_data: Number,
    deaths: u64,
    damage_taken_excluding_tanks: u64,
    roles: Roles<'a>,
    bracket: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    guild: Option<Value>,
    reports_blacklist_for_characters: [i32; 0],
    speed: Value,
    execution: Value,
}

#[derive(Serialize)]
struct Named<'a> {
    id: i32,
    name: &'a str,
}

#[derive(Serialize)]
struct Roles<'a> {
    tanks: RoleRows<'a>,
    healers: RoleRows<'a>,
    dps: RoleRows<'a>,
}

#[derive(Serialize)]
struct RoleRows<'a> {
    name: &'static str,
    characters: Vec<Row<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    id: i32,
    name: Cow<'a, str>,
    server: Server,
    class: &'static str,
    spec: &'static str,
    amount: Number,
    bracket_data: u64,
    bracket: u64,
    rank: String,
    best: String,
    total_parses: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    exploit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    banned: Option<bool>,
    bracket_percent: u64,
    rank_percent: Value,
    #[serde(skip)]
    role: Role,
}

#[derive(Serialize)]
struct Server {
    id: i32,
    name: String,
    region: &'static str,
}

/// The kills that a filter leaves.
pub(crate) fn kills<'r>(desk: &Desk<'r>, report: &'r Report, seen: Seen, filter: &Filter<'_>) -> Vec<Fight<'r>> {
    let wanted = |fight: &Fight<'_>| {
        fight.event.is_some()
            && (desk.behaviour.lfr_ranked || fight.difficulty != Some(1))
            && filter.difficulty.is_none_or(|wanted| fight.difficulty.is_some_and(|have| i32::from(have) == wanted))
            && filter.encounter.is_none_or(|wanted| fight.encounter_id == wanted)
            && filter.fights.is_none_or(|wanted| wanted.contains(&fight.id))
    };
    desk.reports.fights(desk.world, report, seen).into_iter().filter(wanted).collect()
}

/// Writes the answer for these kills.
pub(crate) fn write(desk: &Desk<'_>, report: &Report, kills: &[Fight<'_>], filter: &Filter<'_>) -> String {
    let is_one = filter.fights.is_some_and(|fights| fights.len() == 1);
    let rows = kills.iter().filter_map(|fight| {
        let (roster, kill) = fight.event?;
        Some(desk.fight(report, fight, roster, kill, filter, is_one))
    });
    serde_json::to_string(&Answer { data: rows.collect() }).unwrap_or_default()
}

impl Desk<'_> {
    fn fight<'f>(
        &'f self,
        report: &Report,
        fight: &Fight<'f>,
        roster: &'f Roster,
        kill: &KillEvent,
        filter: &Filter<'_>,
        is_one: bool,
    ) -> FightRow<'f> {
        let raid = &self.world.raids()[usize::from(roster.raid)];
        let dice = hash(&[report.id, fight.id as u64]);
        let mut rows: Vec<Row<'f>> = Vec::new();
        // One kill in fifty of a night with two uploads has lost all its rows in the first one, one in twenty a single row.
        let is_twice = report.twin.is_some() && report.kind == Kind::First;
        if !(is_twice && dice.is_multiple_of(50)) {
            let count = usize::from(kill.size);
            let shown = if is_twice && dice % 20 == 7 { count - 1 } else { usize::MAX };
            let parts = everybody(roster, self.world, kill).enumerate().take(shown);
            rows.extend(
                parts.filter_map(|(at, part)| self.row(report, raid, kill, part, filter, (is_one, at >= count))),
            );
        }
        let mut of_role = |role, name| {
            let (of_role, others) = std::mem::take(&mut rows).into_iter().partition(|row| row.role == role);
            rows = others;
            RoleRows { name, characters: of_role }
        };
        let (tanks, healers) = (of_role(Role::Tank, "Tanks"), of_role(Role::Healer, "Healers"));
        let dps = of_role(Role::Damage, "Damage Dealers");
        let total = 2_000 + hash(&[kill.encounter.into(), roster.difficulty.into()]) % 40_000;
        let is_unranked = self.behaviour.unranked_raids.contains(&raid.id);
        let standing = |salt: u64| {
            if is_unranked {
                return json!({"rank": "-", "best": "-", "totalParses": 0, "rankPercent": "-"});
            }
            let rank = 1 + hash(&[dice, salt]) % total;
            let percent = (total - rank + 1) * 100 / total;
            json!({"rank": format!("~{rank}"), "best": format!("~{rank}"), "totalParses": total, "rankPercent": percent})
        };
        FightRow {
            fight_id: fight.id,
            partition: raid.partition,
            zone: raid.id,
            encounter: Named { id: fight.encounter_id, name: fight.name },
            difficulty: roster.difficulty,
            size: kill.size,
            kill: 1,
            duration: fight.end_ms - fight.start_ms,
            bracket_data: amount_number((4_000 + dice % 400) as f64 / 10.0),
            deaths: dice % 9,
            damage_taken_excluding_tanks: dice % 900_000_000,
            roles: Roles { tanks, healers, dps },
            bracket: dice % 14 + 1,
            guild: (!dice.is_multiple_of(27)).then(|| self.guild(roster, kill)),
            reports_blacklist_for_characters: [],
            speed: standing(1),
            execution: standing(2),
        }
    }

    /// A made-up guild of the first player's realm.
    fn guild(&self, roster: &Roster, kill: &KillEvent) -> Value {
        let realm = roster.parts(self.world, kill).next().map(|part| part.player.realm());
        let server =
            realm.map(|realm| json!({"id": realm.id, "name": realm.name, "region": realm.region.compact_name()}));
        let id = hash(&[roster.raid.into(), roster.difficulty.into(), kill.report.into()]) % 700_000 + 1;
        json!({"id": id, "name": format!("Guild {id}"), "faction": id % 2, "server": server})
    }

    fn row<'f>(
        &'f self,
        report: &Report,
        raid: &Raid,
        kill: &KillEvent,
        part: Part<'f>,
        filter: &Filter<'_>,
        (is_one, is_banned): (bool, bool),
    ) -> Option<Row<'f>> {
        let player = part.player;
        let metric = filter.metric?;
        let line = Line { player, kill: part.kill, metric, most: self.reports.most_kills() };
        let edit = self.edits.character(player.id());
        let is_hidden = player.is_hidden() || edit.is_hidden;
        let is_left_out = player.class_id() == 0
            || edit.is_gone
            || (is_hidden && !self.behaviour.hidden_rows)
            || (metric == Metric::Hps && self.behaviour.hps_rows == HpsRows::Healers && !line.is_healer());
        if is_left_out {
            return None;
        }
        let (spec, _, role) = line.spec();
        let dice = hash(&[player.record.id.into(), kill.encounter.into(), kill.round.into(), report.id]);
        let total = 3_000 + hash(&[player.class_id().into(), kill.encounter.into(), metric as u64]) % 20_000;
        let percent = line.percent(part.round, filter.lens);
        let is_unranked = self.behaviour.unranked_raids.contains(&raid.id);
        let ended_ms = self.reports.unix_ms(kill.ended_s);
        let is_fresh = self.now.timestamp_millis() - ended_ms < self.behaviour.ranked_after.as_millis() as i64;
        let rank = place(percent, total);
        let best = if is_banned { None } else { self.best(report, &line, part.round, filter.lens, is_one) };
        let tilde = |rank: u64| if is_unranked { "-".to_owned() } else { format!("~{rank}") };
        let realm = edit.realm.as_ref().unwrap_or_else(|| player.realm());
        Some(Row {
            id: player.id(),
            name: edit.name.map_or(Cow::Borrowed(player.name()), Cow::Owned),
            server: Server { id: realm.id, name: realm.name.clone(), region: realm.region.compact_name() },
            class: class_slug(player.class_id()),
            spec,
            amount: amount_number(line.amount(part.round)),
            bracket_data: 400 + dice % 40,
            bracket: dice % 14 + 1,
            rank: tilde(rank),
            best: best.map_or_else(|| "-".to_owned(), |percent| tilde(place(percent, total))),
            total_parses: if is_unranked { 0 } else { total },
            exploit: is_banned.then_some(44),
            banned: is_banned.then_some(true),
            bracket_percent: dice % 100,
            rank_percent: match (is_unranked, is_fresh) {
                (true, _) => json!("-"),
                (_, true) => Value::Null,
                _ => json!(percent / 10_000),
            },
            role,
        })
    }

    /// The percentage behind `best`; nothing where it is "-". Only the first of two uploads carries it.
    fn best(&self, report: &Report, line: &Line<'_>, round: u16, lens: Lens, is_one: bool) -> Option<u64> {
        let known = self.reports.known(line.player, line.kill, self.now);
        let loudest = line.loudest(known.iter().map(|known| known.round)).unwrap_or(round);
        if is_one || self.behaviour.best == Best::Always {
            return Some(line.percent(loudest, lens));
        }
        let is_first = report.kind != Kind::Second;
        (loudest == round && is_first).then(|| line.percent(round, lens))
    }
}

//! `report.rankings`: every ranked player of the report's kills with the rank of that kill, shaped as parsers of the
//! live answer declare it: whole-numbered percentages, `rank` and `best` as strings like `"~5764"`, `kill` as 1.
//!
//! ```text
//! { data: [ { fightID, partition, zone, encounter: {id, name}, difficulty, size, kill, duration, bracketData, bracket,
//!             deaths, damageTakenExcludingTanks,
//!             speed: { rank, best, totalParses, rankPercent }, execution: { the same },
//!             roles: { tanks|healers|dps: { name, characters: [ { id, name, server: {id, name, region}, class, spec,
//!                      amount, bracketData, bracket, rank, best, totalParses, bracketPercent, rankPercent } ] } } } ] }
//! ```

use crate::classes::{Role, class_slug, spec_for};
use crate::json_text::{push, push_string, push_ten_thousandths};
use crate::rng::hash;
use crate::world::{Kill, Player, World};

use super::{Fight, Report, Reports};

/// Which fights and which metric are meant; nothing means all.
#[derive(Debug, Default)]
pub(crate) struct Filter<'a> {
    pub difficulty: Option<i32>,
    pub encounter: Option<i32>,
    pub fights: Option<&'a [i32]>,
    pub metric: Option<&'a str>,
}

/// Writes the answer. Hidden players and those without a class are left out. The rank is that of the
/// kill: the world's rank of the player for that boss, rounded down, or a worse one in a second night.
pub(crate) fn write(world: &World, reports: &Reports, report: &Report, filter: &Filter<'_>) -> String {
    let mut out = String::from("{\"data\":[");
    let mut first = true;
    for fight in reports.fights(world, report) {
        let wanted = fight.kill == Some(true)
            && filter.difficulty.is_none_or(|wanted| fight.difficulty.is_some_and(|have| i32::from(have) == wanted))
            && filter.encounter.is_none_or(|wanted| fight.encounter_id == wanted)
            && filter.fights.is_none_or(|wanted| wanted.contains(&fight.id));
        if !wanted || report.groups[fight.group].test_server {
            continue;
        }
        if !first {
            out.push(',');
        }
        first = false;
        write_fight(&mut out, world, reports, report, &fight, filter.metric);
    }
    out.push_str("]}");
    out
}

fn write_fight(
    out: &mut String,
    world: &World,
    reports: &Reports,
    report: &Report,
    fight: &Fight,
    metric: Option<&str>,
) {
    let group = report.groups[fight.group];
    let raid = &world.raids()[usize::from(group.raid)];
    let dice = hash(&[report.started_at_ms as u64, fight.id as u64]);
    push(
        out,
        format_args!(
            "{{\"fightID\":{},\"partition\":{},\"zone\":{},\"encounter\":{{\"id\":{},\"name\":",
            fight.id, raid.partition, raid.id, fight.encounter_id
        ),
    );
    push_string(out, &fight.name);
    push(
        out,
        format_args!(
            "}},\"difficulty\":{},\"size\":{},\"kill\":1,\"duration\":{},\"bracketData\":{}.5,\"bracket\":{},\
             \"deaths\":{},\"damageTakenExcludingTanks\":{}",
            group.difficulty,
            group.roster_len,
            fight.end_ms - fight.start_ms,
            400 + dice % 40,
            dice % 14 + 1,
            dice % 9,
            dice % 900_000_000,
        ),
    );
    for (at, name) in ["speed", "execution"].into_iter().enumerate() {
        let percent = hash(&[dice, at as u64]) % 100;
        let rank = (100 - percent) * 90 + 1;
        push(
            out,
            format_args!(
                ",\"{name}\":{{\"rank\":\"~{rank}\",\"best\":\"~{rank}\",\"totalParses\":9000,\"rankPercent\":{percent}}}"
            ),
        );
    }
    out.push_str(",\"roles\":{");
    let rows = rows(world, reports, report, fight, metric);
    for (at, (key, name, role)) in
        [("tanks", "Tanks", Role::Tank), ("healers", "Healers", Role::Healer), ("dps", "DPS", Role::Damage)]
            .into_iter()
            .enumerate()
    {
        push(out, format_args!("{}\"{key}\":{{\"name\":\"{name}\",\"characters\":[", if at > 0 { "," } else { "" }));
        let mut first = true;
        for (player, kill, spec, rank) in rows.iter().filter(|row| row.2.2 == role) {
            if !first {
                out.push(',');
            }
            first = false;
            write_character(out, *player, kill, spec.0, *rank);
        }
        out.push_str("]}");
    }
    out.push_str("}}");
}

type Row<'w> = (Player<'w>, &'w Kill, crate::classes::Spec, u8);

fn rows<'w>(world: &'w World, reports: &Reports, report: &Report, fight: &Fight, metric: Option<&str>) -> Vec<Row<'w>> {
    let group = report.groups[fight.group];
    let metric = metric.filter(|&metric| metric != "default");
    let row = |&index: &u32| {
        let player = world.at(index);
        let kill = player.kills_in(group.raid, group.difficulty).iter().find(|kill| {
            kill.encounter == fight.encounter && metric.is_none_or(|metric| metric == kill.metric.name())
        })?;
        let mut spec = spec_for(player.class_id(), kill.metric, hash(&[u64::from(player.record.id)]));
        if kill.metric == crate::world::Metric::Hps {
            // Worlds may have healing ranks on a class that cannot heal; the role follows the rank.
            spec.2 = Role::Healer;
        }
        let rank = group.rank(player.record.id, kill)?;
        player.is_rankable().then_some((player, kill, spec, rank))
    };
    reports.roster(group).iter().filter_map(row).collect()
}

fn write_character(out: &mut String, player: Player<'_>, kill: &Kill, spec: &str, percent: u8) {
    let realm = player.realm();
    let dice = hash(&[u64::from(player.record.id), u64::from(kill.encounter), u64::from(kill.difficulty)]);
    let place = |percent: u8| (100 - u64::from(percent)) * 200 + dice % 200 + 1;
    let (rank, best) = (place(percent), place(kill.rank));
    push(out, format_args!("{{\"id\":{},\"name\":", player.id()));
    push_string(out, player.name());
    push(out, format_args!(",\"server\":{{\"id\":{},\"name\":", realm.id));
    push_string(out, &realm.name);
    push(
        out,
        format_args!(
            ",\"region\":\"{}\"}},\"class\":\"{}\",\"spec\":\"{spec}\",\"amount\":",
            realm.region.compact_name(),
            class_slug(player.class_id())
        ),
    );
    push_ten_thousandths(out, 200_000_000 + u64::from(percent) * 9_000_000 + dice % 9_000_000);
    push(
        out,
        format_args!(
            ",\"bracketData\":{},\"bracket\":{},\"rank\":\"~{rank}\",\"best\":\"~{best}\",\"totalParses\":20000,\
             \"bracketPercent\":{},\"rankPercent\":{}}}",
            400 + dice % 40,
            dice % 14 + 1,
            dice % 100,
            percent,
        ),
    );
}

//! `Character.encounterRankings`: one player's kills of one boss, shaped like the recorded answers. Parsebook asks it only
//! to find out how the live API behaves (`parsebook calibrate`).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::behaviour::{Behaviour, Compare, Timeframe};
use crate::classes::Role;
use crate::ranks::{Lens, Line, amount_number, number};
use crate::reports::index::{Known, Reports};
use crate::rng::hash;
use crate::world::{Metric, Player, World};
use crate::zone_rankings::metric;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub encounter: i32,
    pub difficulty: i32,
    pub metric: Option<&'a str>,
    pub partition: Option<i32>,
    pub role: Option<Role>,
    pub lens: Lens,
}

/// The answer with one entry in `ranks` for each kill, best first; nothing when no raid has such a boss.
pub(crate) fn answer(
    world: &World,
    reports: &Reports,
    behaviour: &Behaviour,
    now: DateTime<Utc>,
    player: Player<'_>,
    request: &Request<'_>,
) -> Option<Value> {
    let has_boss = |boss: i32| move |encounter: &crate::world::Encounter| encounter.id == boss;
    let (raid, data) =
        world.raids().iter().enumerate().find(|(_, raid)| raid.encounters.iter().any(has_boss(request.encounter)))?;
    let partition = request.partition.unwrap_or(data.partition);
    let kills = player.kills_in(raid as u8, u8::try_from(request.difficulty).unwrap_or(0));
    let metric = metric(request.metric, kills, behaviour);
    let mut ranks: Vec<(u64, Value)> = Vec::new();
    for kill in kills.iter().filter(|_| partition == data.partition || partition == -1) {
        let Some(metric) = metric else { break };
        let line = Line { player, kill, metric, most: reports.most_kills() };
        let is_meant = data.encounters[usize::from(kill.encounter)].id == request.encounter
            && request.role.is_none_or(|role| role == line.spec().2);
        if is_meant {
            let known = reports.known(player, kill, now);
            ranks.extend(known.iter().map(|known| rank(reports, &line, known, request.lens)));
        }
    }
    ranks.sort_by_key(|(percent, _)| std::cmp::Reverse(*percent));
    let percents: Vec<u64> = ranks.iter().map(|(percent, _)| *percent).collect();
    let median = percents.get(percents.len() / 2).map(|&percent| number(percent));
    let average = (!percents.is_empty()).then(|| number(percents.iter().sum::<u64>() / percents.len() as u64));
    let ranks: Vec<Value> = ranks.into_iter().map(|(_, rank)| rank).collect();
    let amount = |rank: &Value| rank["amount"].as_f64().unwrap_or_default();
    Some(json!({
        "bestAmount": amount_number(ranks.iter().map(amount).fold(0.0, f64::max)),
        "medianPerformance": median,
        "averagePerformance": average,
        "totalKills": ranks.len(),
        "fastestKill": ranks.iter().filter_map(|rank| rank["duration"].as_u64()).min().unwrap_or(0),
        "difficulty": request.difficulty,
        "metric": request.metric.filter(|&name| name != "default").or(metric.map(Metric::name)),
        "partition": partition,
        "zone": data.id,
        "ranks": ranks,
    }))
}

fn rank(reports: &Reports, line: &Line<'_>, known: &Known, lens: Lens) -> (u64, Value) {
    let player = line.player;
    let dice = hash(&[player.record.id.into(), line.kill.encounter.into(), known.round.into()]);
    let percent = line.percent(known.round, lens);
    let today = line.percent(known.round, Lens { compare: Compare::Rankings, timeframe: Timeframe::Today });
    let (code, started_ms) = match known.report {
        Some(report) => (reports.at(report).code(), reports.unix_ms(reports.at(report).started_s)),
        None => (format!("{:016x}", dice), known.ended_ms - 600_000),
    };
    let duration = 80_000 + dice % 220_000;
    let spec = line.spec().0;
    let answer = json!({
        "lockedIn": true,
        "rankPercent": number(percent),
        "historicalPercent": number(percent),
        "todayPercent": number(today),
        "rankTotalParses": 20_000,
        "historicalTotalParses": 20_000,
        "todayTotalParses": 23_000,
        "guild": {"id": null, "name": null, "faction": null},
        "report": {"code": code, "startTime": started_ms, "fightID": dice % 40 + 1},
        "duration": duration,
        "startTime": known.ended_ms - duration as i64,
        "amount": amount_number(line.amount(known.round)),
        "bracketData": 380 + dice % 60,
        "spec": spec,
        "bestSpec": spec,
        "class": player.class_id(),
        "faction": dice % 2,
    });
    (percent, answer)
}

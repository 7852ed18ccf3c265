//! `Character.encounterRankings`: one player's kills of one boss, shaped like the recorded answers. Parsebook asks it only
//! to find out how the live API behaves (`parsebook calibrate`).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::classes::{class_slug, spec_for};
use crate::rng::hash;
use crate::world::{Kill, Player, World, rank_fraction};

fn spec_of(player: Player<'_>, kill: &Kill) -> crate::classes::Spec {
    spec_for(player.class_id(), kill.metric, hash(&[u64::from(player.record.id)]))
}

fn row(player: Player<'_>, kill: &Kill) -> Value {
    let dice = hash(&[u64::from(player.record.id), u64::from(kill.encounter), u64::from(kill.difficulty)]);
    let started_at = 1_690_000_000_000 + dice % 10_000_000_000;
    let hidden = player.is_hidden();
    let code = format!("{}{:015x}", if hidden { "a:" } else { "" }, dice >> 4);
    let mut row = json!({
        "name": if hidden { "Anonymous" } else { player.name() },
        "class": class_slug(player.class_id()),
        "spec": spec_of(player, kill).0,
        "amount": 20_000 + u64::from(kill.rank) * 900 + dice % 900,
        "hardModeLevel": 0,
        "duration": 90_000 + dice % 400_000,
        "startTime": started_at + 600_000,
        "report": {"code": code, "fightID": dice % 40 + 1, "startTime": started_at},
        "bracketData": 380 + dice % 60,
    });
    if hidden {
        row["hidden"] = json!(true);
    } else {
        let realm = player.realm();
        row["server"] = json!({"id": realm.id, "name": realm.name, "region": realm.region.compact_name()});
        row["faction"] = json!(dice % 2);
    }
    if kill.difficulty != 5 {
        row["size"] = json!(10 + dice % 21);
    }
    row
}

/// What `Character.encounterRankings` asks for.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub encounter: i32,
    pub difficulty: i32,
    pub metric: Option<&'a str>,
    pub partition: Option<i32>,
}

/// The answer with one entry in `ranks` for the best kill; nothing when no raid has such a boss.
pub(crate) fn of_character(
    world: &World,
    player: Player<'_>,
    request: &Request<'_>,
    now: DateTime<Utc>,
) -> Option<String> {
    let (raid, data) = world
        .raids()
        .iter()
        .enumerate()
        .find(|(_, raid)| raid.encounters.iter().any(|encounter| encounter.id == request.encounter))?;
    let partition = request.partition.unwrap_or(data.partition);
    let asked = request.metric.filter(|&metric| metric != "default");
    let kill = player
        .kills_in(raid as u8, u8::try_from(request.difficulty).unwrap_or(0))
        .iter()
        .find(|kill| {
            data.encounters[usize::from(kill.encounter)].id == request.encounter
                && asked.is_none_or(|metric| metric == kill.metric.name())
        })
        .filter(|_| partition == data.partition || partition == -1);
    let percent =
        kill.map(|kill| f64::from(u32::from(kill.rank) * 10_000 + rank_fraction(player.record.id, kill)) / 10_000.0);
    let ranks: Vec<Value> = kill
        .map(|kill| {
            let mut rank = row(player, kill);
            rank["lockedIn"] = json!(true);
            rank["rankPercent"] = json!(percent);
            rank["historicalPercent"] = json!(percent);
            rank["todayPercent"] = json!(percent);
            rank["rankTotalParses"] = json!(20_000);
            rank["class"] = json!(player.class_id());
            rank["startTime"] = json!(now.timestamp_millis() - i64::from(player.id() % 1_000_000) * 1000);
            rank
        })
        .into_iter()
        .collect();
    Some(
        json!({
            "bestAmount": ranks.first().map_or(json!(0), |rank| rank["amount"].clone()),
            "medianPerformance": percent,
            "averagePerformance": percent,
            "totalKills": kill.map_or(0, |kill| kill.kills),
            "fastestKill": ranks.first().map_or(json!(0), |rank| rank["duration"].clone()),
            "difficulty": request.difficulty,
            "metric": asked.unwrap_or(kill.map_or("dps", |kill| kill.metric.name())),
            "partition": partition,
            "zone": data.id,
            "ranks": ranks,
        })
        .to_string(),
    )
}

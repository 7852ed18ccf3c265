//! Rankings of one boss: `Encounter.characterRankings` (a page of the board) and `Character.encounterRankings`, shaped
//! like the recorded answers (facts B.3). Rows carry no character id and no percentile, as in reality.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::board::Boards;
use crate::classes::{class_slug, spec_for};
use crate::rng::hash;
use crate::world::{Kill, Metric, Player, Region, World, rank_fraction};
use crate::zone_rankings::raid_size;

/// Rows on one page.
const ROWS: usize = 100;

/// Which page of which board.
#[derive(Debug)]
pub(crate) struct Filter<'a> {
    pub difficulty: i32,
    pub page: i32,
    pub partition: Option<i32>,
    pub region: Option<&'a str>,
    pub realm_slug: Option<&'a str>,
    pub size: Option<i32>,
    pub metric: Option<&'a str>,
    pub class_name: Option<&'a str>,
    pub spec_name: Option<&'a str>,
}

/// Why there is no page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The metrics of another game: WCL answers with an internal error (facts B.7).
    Internal,
    /// A sentence inside the scalar.
    Filter(&'static str),
}

/// One page: `{ page, hasMorePages, count, rankings: [ … ] }`, best rank first, one row per player.
pub(crate) fn page(
    world: &World,
    boards: &Boards,
    raid: usize,
    encounter: usize,
    filter: &Filter<'_>,
) -> Result<String, Refused> {
    let metric = match filter.metric {
        None | Some("default" | "dps") => Some(Metric::Dps),
        Some("hps") => Some(Metric::Hps),
        Some("rdps" | "ndps" | "cdps" | "bossrdps" | "bossndps" | "bosscdps") => return Err(Refused::Internal),
        Some(_) => None,
    };
    let page = filter.page.max(1);
    let region = match filter.region.map(Region::parse) {
        Some(None) => return Err(Refused::Filter("Invalid server region specified.")),
        Some(known) => known,
        None => None,
    };
    let data = &world.raids()[raid];
    let difficulty = u8::try_from(filter.difficulty).unwrap_or(0);
    let fits = filter.partition.is_none_or(|partition| partition == data.partition)
        && filter.size.is_none_or(|size| size == raid_size(filter.difficulty));
    let mut rows: Vec<(Player<'_>, &Kill)> = Vec::new();
    for &index in boards.board(raid as u8, difficulty).iter().filter(|_| fits) {
        let player = world.at(index);
        let realm = player.realm();
        if region.is_some_and(|region| region != realm.region)
            || filter.realm_slug.is_some_and(|slug| !slug.eq_ignore_ascii_case(&realm.slug))
            || filter.class_name.is_some_and(|name| name != class_slug(player.class_id()))
        {
            continue;
        }
        let kill = player
            .kills_in(raid as u8, difficulty)
            .iter()
            .find(|kill| usize::from(kill.encounter) == encounter && Some(kill.metric) == metric);
        if let Some(kill) = kill
            && filter.spec_name.is_none_or(|name| name == spec_of(player, kill).0)
        {
            rows.push((player, kill));
        }
    }
    rows.sort_by_key(|(player, kill)| {
        (std::cmp::Reverse((kill.rank, rank_fraction(player.record.id, kill))), player.record.id)
    });
    let start = (page as usize - 1) * ROWS;
    let rankings: Vec<Value> = rows.iter().skip(start).take(ROWS).map(|(player, kill)| row(*player, kill)).collect();
    let more = rows.len() > start + ROWS;
    Ok(json!({"page": page, "hasMorePages": more, "count": rankings.len(), "rankings": rankings}).to_string())
}

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

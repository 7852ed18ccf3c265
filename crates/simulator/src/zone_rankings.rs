//! The answer of `Character.zoneRankings`: one JSON object, shaped like the recorded ones.
//!
//! ```text
//! { bestPerformanceAverage, medianPerformanceAverage, difficulty, metric, partition, zone, size,
//!   allStars: [ { partition, spec, points, possiblePoints, rank, regionRank, serverRank, rankPercent, total,
//!                 rankTooltip } ],
//!   rankings: [ { encounter: {id, name}, rankPercent, medianPercent, lockedIn, totalKills, fastestKill, allStars,
//!                 spec, bestSpec, bestAmount, rankTooltip, bestRank } ] }
//! ```
//! One row per boss, killed or not: an unkilled one has `totalKills` 0 and nulls. A kill without ranks yet makes a row with
//! `lockedIn` false and "-" in its `allStars`.

use chrono::{DateTime, Utc};
use serde_json::{Number, Value, json};

use crate::behaviour::{Behaviour, DefaultMetric, Shown};
use crate::classes::{Role, class_slug};
use crate::ranks::{Lens, Line, amount_number, number, place};
use crate::reports::index::{Known, Reports};
use crate::rng::hash;
use crate::world::{Kill, Metric, Player, Raid, World, spec_of};

/// The arguments of the field that have a meaning here.
#[derive(Debug, Clone)]
pub(crate) struct Request<'a> {
    pub difficulty: Option<i32>,
    pub metric: Option<&'a str>,
    pub partition: Option<i32>,
    pub size: Option<i32>,
    pub zone_id: Option<i32>,
    pub class_name: Option<&'a str>,
    pub spec_name: Option<&'a str>,
    pub role: Option<Role>,
    pub lens: Lens,
    /// Whether no kill is to have ranks yet.
    pub is_unlocked: bool,
}

/// The zone that is meant when none is named: the newest unfrozen one.
fn default_raid(world: &World) -> Option<&Raid> {
    let newest = |frozen| world.raids().iter().filter(|raid| raid.frozen == frozen).max_by_key(|raid| raid.id);
    newest(false).or_else(|| newest(true))
}

/// The raid size that a difficulty is ranked with: 20 for Mythic, 10 for the flexible ones (as the site's address).
pub(crate) fn raid_size(difficulty: i32) -> i32 {
    if difficulty == 5 { 20 } else { 10 }
}

/// The metric that is meant: the one asked for, or the API's choice. Nothing for one that nobody has ranks of.
pub(crate) fn metric(asked: Option<&str>, kills: &[Kill], behaviour: &Behaviour) -> Option<Metric> {
    match asked.filter(|&metric| metric != "default") {
        Some(name) => Metric::parse(name),
        None if behaviour.default_metric == DefaultMetric::Dps => Some(Metric::Dps),
        None => Some(kills.first().map_or(Metric::Dps, |kill| kill.metric)),
    }
}

/// A boss somebody has killed, as far as it is known.
struct Killed<'w> {
    line: Line<'w>,
    known: Vec<Known>,
    shown: Known,
    percent: u64,
    median: u64,
    is_locked: bool,
}

/// The answer. Everybody has kills under both metrics. A partition other than the raid's own (or -1, all), a foreign role,
/// class or spec leave every boss unkilled: WCL answers an empty list there, never an error.
pub(crate) fn answer(
    world: &World,
    reports: &Reports,
    behaviour: &Behaviour,
    now: DateTime<Utc>,
    player: Player<'_>,
    request: &Request<'_>,
) -> Value {
    let raid = match request.zone_id {
        Some(id) => world.raid(id),
        None => default_raid(world),
    };
    let Some(raid) = raid else {
        return json!({"error": "Invalid zone specified."});
    };
    let difficulty = request.difficulty.unwrap_or(5);
    let is_odd = |pair: &(i32, u8)| *pair == (raid.id, difficulty as u8);
    if !matches!(difficulty, 1 | 3 | 4 | 5)
        || request.size.is_some_and(|size| size != raid_size(difficulty))
        || behaviour.odd_pairs.iter().any(is_odd)
    {
        return json!({"error": "Invalid difficulty/size specified."});
    }
    let partition = request.partition.unwrap_or(raid.partition);
    let kills = world.raid_index(raid.id).map_or(&[][..], |index| player.kills_in(index, difficulty as u8));
    let metric = metric(request.metric, kills, behaviour);
    let fits = |kill: &&Kill| {
        let (spec, _, role) = spec_of(player.record.id, player.class_id(), kill.metric);
        (partition == raid.partition || partition == -1)
            && request.role.is_none_or(|wanted| wanted == role)
            && request.class_name.is_none_or(|name| name == class_slug(player.class_id()))
            && request.spec_name.is_none_or(|name| name == spec)
    };
    let killed: Vec<Killed<'_>> = match metric {
        Some(metric) => {
            let line = |kill| Line { player, kill, metric, most: reports.most_kills() };
            kills
                .iter()
                .filter(fits)
                .filter_map(|kill| {
                    killed(line(kill), reports.known(player, kill, now), behaviour, now, request, reports.is_season())
                })
                .collect()
        }
        None => Vec::new(),
    };
    let rows = raid.encounters.iter().enumerate().map(|(at, boss)| {
        let of_boss = killed.iter().filter(|killed| usize::from(killed.line.kill.encounter) == at);
        let mut row = of_boss.max_by_key(|killed| killed.percent).map_or_else(unkilled, |killed| killed.row(raid));
        row["encounter"] = json!({"id": boss.id, "name": boss.name});
        row
    });
    let average = |of: fn(&Killed<'_>) -> u64| -> Option<Number> {
        let sum: u64 = killed.iter().map(of).sum();
        (!killed.is_empty()).then(|| number(sum / killed.len() as u64))
    };
    let name = request.metric.filter(|&name| name != "default").or(metric.map(Metric::name));
    json!({
        "bestPerformanceAverage": average(|killed| killed.percent),
        "medianPerformanceAverage": average(|killed| killed.median),
        "difficulty": difficulty,
        "metric": name,
        "partition": partition,
        "zone": raid.id,
        "size": raid_size(difficulty),
        "allStars": all_stars(raid, &killed),
        "rankings": rows.collect::<Vec<_>>(),
    })
}

fn killed<'w>(
    line: Line<'w>,
    known: Vec<Known>,
    behaviour: &Behaviour,
    now: DateTime<Utc>,
    request: &Request<'_>,
    is_season: bool,
) -> Option<Killed<'w>> {
    let rounds = || known.iter().map(|known| known.round);
    let round = match behaviour.shown {
        Shown::BestPercent => line.best_of(rounds(), request.lens),
        Shown::BestAmount => line.loudest(rounds()),
    }?;
    let shown = *known.iter().find(|known| known.round == round)?;
    let percent = line.percent(round, request.lens);
    let mut all: Vec<u64> = rounds().map(|round| line.percent(round, request.lens)).collect();
    all.sort_unstable();
    let median = (all[(all.len() - 1) / 2] + all[all.len() / 2]) / 2;
    let age_ms = now.timestamp_millis() - shown.ended_ms;
    let has_ranks = !is_season || age_ms >= behaviour.ranked_after.as_millis() as i64;
    let is_locked = !request.is_unlocked && has_ranks;
    Some(Killed { line, known, shown, percent, median, is_locked })
}

fn unkilled() -> Value {
    json!({
        "rankPercent": null, "medianPercent": null, "lockedIn": true, "totalKills": 0, "fastestKill": 0, "allStars": null,
        "spec": null, "bestSpec": null, "bestAmount": 0, "rankTooltip": null, "bestRank": null,
    })
}

impl Killed<'_> {
    fn row(&self, raid: &Raid) -> Value {
        let encounter = &raid.encounters[usize::from(self.line.kill.encounter)];
        let player = self.line.player;
        let dice =
            hash(&[player.record.id.into(), encounter.id.unsigned_abs().into(), self.line.kill.difficulty.into()]);
        let (spec, spec_id, _) = self.line.spec();
        let amount = amount_number(self.line.amount(self.shown.round));
        // Some bosses are left out of all-stars: 0 of 0 points with a real rank.
        let possible = if encounter.id % 9 == 0 { 0 } else { 120 };
        let points = number(self.percent * possible / 100);
        let mut all_stars = if self.is_locked {
            let mut places = places(self.percent, 20_000);
            places["partition"] = json!(raid.partition);
            places
        } else {
            json!({"partition": 0, "rank": "-", "regionRank": "-", "rankPercent": "-", "total": 0})
        };
        all_stars["points"] = json!(points);
        all_stars["possiblePoints"] = json!(possible);
        json!({
            "rankPercent": number(self.percent),
            "medianPercent": number(self.median),
            "lockedIn": self.is_locked,
            "totalKills": self.known.len(),
            "fastestKill": 90_000 + dice % 400_000,
            "allStars": all_stars,
            "spec": spec,
            "bestSpec": spec,
            "bestAmount": amount,
            "rankTooltip": null,
            "bestRank": {
                "rank_id": dice % 200_000_000,
                "class": player.class_id(),
                "spec": spec_id,
                "per_second_amount": amount,
                "ilvl": 380 + dice % 60,
                "fight_metadata": dice % 1_000_000,
            },
        })
    }
}

/// One entry for each spec played.
fn all_stars(raid: &Raid, killed: &[Killed<'_>]) -> Vec<Value> {
    let mut specs: Vec<&str> = killed.iter().map(|killed| killed.line.spec().0).collect();
    specs.dedup();
    let entry = |spec: &&str| {
        let of_spec: Vec<u64> =
            killed.iter().filter(|killed| killed.line.spec().0 == *spec).map(|killed| killed.percent).collect();
        let sum: u64 = of_spec.iter().sum();
        let mut entry = places(sum / of_spec.len() as u64, 60_000);
        entry["partition"] = json!(raid.partition);
        entry["spec"] = json!(spec);
        entry["points"] = json!(number(sum * 12 / 10));
        entry["possiblePoints"] = json!(raid.encounters.len() * 120);
        entry["rankTooltip"] = Value::Null;
        entry
    };
    specs.iter().map(entry).collect()
}

/// `rank`, `regionRank`, `serverRank`, `rankPercent` and `total` for a percentage among so many.
fn places(percent: u64, total: u64) -> Value {
    let rank = place(percent, total);
    let server_rank = (rank % 11 != 3).then_some(rank / 97 + 1);
    json!({
        "rank": rank, "regionRank": rank / 3 + 1, "serverRank": server_rank, "rankPercent": number(percent), "total": total,
    })
}

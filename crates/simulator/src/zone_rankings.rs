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
use serde::Serialize;
use serde_json::Number;

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

/// What is answered: an error inside the scalar, or rankings.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer<'a> {
    Error { error: &'static str },
    Rankings(Rankings<'a>),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rankings<'a> {
    best_performance_average: Option<Number>,
    median_performance_average: Option<Number>,
    difficulty: i32,
    metric: Option<&'a str>,
    partition: i32,
    zone: i32,
    size: i32,
    all_stars: Vec<SpecStars>,
    rankings: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SpecStars {
    partition: i32,
    spec: &'static str,
    points: Number,
    possible_points: usize,
    #[serde(flatten)]
    places: Places,
    rank_tooltip: (),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Places {
    rank: u64,
    region_rank: u64,
    server_rank: Option<u64>,
    rank_percent: Number,
    total: u64,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    encounter: Boss<'a>,
    rank_percent: Option<Number>,
    median_percent: Option<Number>,
    locked_in: bool,
    total_kills: usize,
    fastest_kill: u64,
    all_stars: Option<BossStars>,
    spec: Option<&'static str>,
    best_spec: Option<&'static str>,
    best_amount: Amount,
    rank_tooltip: (),
    best_rank: Option<BestRank>,
}

#[derive(Debug, Default, Serialize)]
struct Boss<'a> {
    id: i32,
    name: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BossStars {
    points: Number,
    possible_points: u64,
    partition: i32,
    #[serde(flatten)]
    places: BossPlaces,
}

#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum BossPlaces {
    Known(Places),
    NotYet { rank: char, region_rank: char, rank_percent: char, total: u64 },
}

/// 0 where nothing was killed.
#[derive(Debug, Clone, Serialize)]
struct Amount(Number);

impl Default for Amount {
    fn default() -> Self {
        Self(amount_number(0.0))
    }
}

#[derive(Debug, Serialize)]
struct BestRank {
    rank_id: u64,
    class: u8,
    spec: u8,
    per_second_amount: Amount,
    ilvl: u64,
    fight_metadata: u64,
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
pub(crate) fn answer<'a>(
    world: &'a World,
    reports: &Reports,
    behaviour: &Behaviour,
    now: DateTime<Utc>,
    player: Player<'_>,
    request: &Request<'a>,
) -> Answer<'a> {
    let raid = match request.zone_id {
        Some(id) => world.raid(id),
        None => default_raid(world),
    };
    let Some(raid) = raid else {
        return Answer::Error { error: "Invalid zone specified." };
    };
    let difficulty = request.difficulty.unwrap_or(5);
    let is_odd = |pair: &(i32, u8)| *pair == (raid.id, difficulty as u8);
    if !matches!(difficulty, 1 | 3 | 4 | 5)
        || request.size.is_some_and(|size| size != raid_size(difficulty))
        || behaviour.odd_pairs.iter().any(is_odd)
    {
        return Answer::Error { error: "Invalid difficulty/size specified." };
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
        let row = of_boss.max_by_key(|killed| killed.percent).map(|killed| killed.row(raid));
        // An unkilled boss counts as locked in.
        let row = row.unwrap_or_else(|| Row { locked_in: true, ..Row::default() });
        Row { encounter: Boss { id: boss.id, name: &boss.name }, ..row }
    });
    let average = |of: fn(&Killed<'_>) -> u64| -> Option<Number> {
        let sum: u64 = killed.iter().map(of).sum();
        (!killed.is_empty()).then(|| number(sum / killed.len() as u64))
    };
    let name = request.metric.filter(|&name| name != "default").or(metric.map(Metric::name));
    Answer::Rankings(Rankings {
        best_performance_average: average(|killed| killed.percent),
        median_performance_average: average(|killed| killed.median),
        difficulty,
        metric: name,
        partition,
        zone: raid.id,
        size: raid_size(difficulty),
        all_stars: all_stars(raid, &killed),
        rankings: rows.collect(),
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

impl Killed<'_> {
    fn row<'a>(&self, raid: &Raid) -> Row<'a> {
        let encounter = &raid.encounters[usize::from(self.line.kill.encounter)];
        let player = self.line.player;
        let dice =
            hash(&[player.record.id.into(), encounter.id.unsigned_abs().into(), self.line.kill.difficulty.into()]);
        let (spec, spec_id, _) = self.line.spec();
        let amount = Amount(amount_number(self.line.amount(self.shown.round)));
        // Some bosses are left out of all-stars: 0 of 0 points with a real rank.
        let possible = if encounter.id % 9 == 0 { 0 } else { 120 };
        let (partition, places) = if self.is_locked {
            (raid.partition, BossPlaces::Known(places(self.percent, 20_000)))
        } else {
            (0, BossPlaces::NotYet { rank: '-', region_rank: '-', rank_percent: '-', total: 0 })
        };
        let points = number(self.percent * possible / 100);
        Row {
            encounter: Boss::default(),
            rank_percent: Some(number(self.percent)),
            median_percent: Some(number(self.median)),
            locked_in: self.is_locked,
            total_kills: self.known.len(),
            fastest_kill: 90_000 + dice % 400_000,
            all_stars: Some(BossStars { points, possible_points: possible, partition, places }),
            spec: Some(spec),
            best_spec: Some(spec),
            best_amount: amount.clone(),
            rank_tooltip: (),
            best_rank: Some(BestRank {
                rank_id: dice % 200_000_000,
                class: player.class_id(),
                spec: spec_id,
                per_second_amount: amount,
                ilvl: 380 + dice % 60,
                fight_metadata: dice % 1_000_000,
            }),
        }
    }
}

/// One entry for each spec played.
fn all_stars(raid: &Raid, killed: &[Killed<'_>]) -> Vec<SpecStars> {
    let mut specs: Vec<&'static str> = killed.iter().map(|killed| killed.line.spec().0).collect();
    specs.dedup();
    let entry = |spec: &&'static str| {
        let of_spec: Vec<u64> =
            killed.iter().filter(|killed| killed.line.spec().0 == *spec).map(|killed| killed.percent).collect();
        let sum: u64 = of_spec.iter().sum();
        SpecStars {
            partition: raid.partition,
            spec,
            points: number(sum * 12 / 10),
            possible_points: raid.encounters.len() * 120,
            places: places(sum / of_spec.len() as u64, 60_000),
            rank_tooltip: (),
        }
    };
    specs.iter().map(entry).collect()
}

/// `rank`, `regionRank`, `serverRank`, `rankPercent` and `total` for a percentage among so many.
fn places(percent: u64, total: u64) -> Places {
    let rank = place(percent, total);
    Places {
        rank,
        region_rank: rank / 3 + 1,
        server_rank: (rank % 11 != 3).then_some(rank / 97 + 1),
        rank_percent: number(percent),
        total,
    }
}

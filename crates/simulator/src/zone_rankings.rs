//! The answer of `Character.zoneRankings`: one JSON object, shaped like the recorded ones (facts B.3).
//!
//! ```text
//! { bestPerformanceAverage, medianPerformanceAverage, difficulty, metric, partition, zone, size,
//!   allStars: [ { partition, spec, points, possiblePoints, rank, regionRank, serverRank, rankPercent, total,
//!                 rankTooltip } ],
//!   rankings: [ { encounter: {id, name}, rankPercent, medianPercent, lockedIn, totalKills, fastestKill, allStars,
//!                 spec, bestSpec, bestAmount, rankTooltip, bestRank } ] }
//! ```
//! One row per boss, killed or not: an unkilled one has `totalKills` 0 and nulls.

use crate::classes::{class_slug, spec_for};
use crate::json_text::{push, push_int, push_string, push_ten_thousandths};
use crate::rng::hash;
use crate::world::{Kill, Metric, Player, Raid, World, rank_fraction};

/// The arguments of the field that have a meaning here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request<'a> {
    pub difficulty: Option<i32>,
    pub metric: Option<&'a str>,
    pub partition: Option<i32>,
    pub size: Option<i32>,
    pub zone_id: Option<i32>,
    pub class_name: Option<&'a str>,
    pub spec_name: Option<&'a str>,
}

/// The zone that is meant when none is named: the newest unfrozen one.
pub(crate) fn default_raid(world: &World) -> Option<&Raid> {
    let newest = |frozen| world.raids().iter().filter(|raid| raid.frozen == frozen).max_by_key(|raid| raid.id);
    newest(false).or_else(|| newest(true))
}

/// The raid size that a difficulty is ranked with: 20 for Mythic, 10 for the flexible ones (as the site's address).
pub(crate) fn raid_size(difficulty: i32) -> i32 {
    if difficulty == 5 { 20 } else { 10 }
}

/// Writes the whole answer.
///
/// Without a metric, or with `default`, the player's own metric in that raid and difficulty is used; with one the
/// player has no rank under, every boss is unkilled. A partition other than the raid's own (or -1, all) and a
/// foreign class or spec filter leave every boss unkilled, too: WCL answers an empty list there, never an error.
pub(crate) fn write(world: &World, player: Player<'_>, request: &Request<'_>) -> String {
    let raid = match request.zone_id {
        Some(id) => world.raid(id),
        None => default_raid(world),
    };
    let Some(raid) = raid else {
        return r#"{"error":"Invalid zone specified."}"#.to_owned();
    };
    let difficulty = request.difficulty.unwrap_or(5);
    let partition = request.partition.unwrap_or(raid.partition);
    let in_raid = match (world.raid_index(raid.id), u8::try_from(difficulty)) {
        (Some(index), Ok(difficulty)) => player.kills_in(index, difficulty),
        _ => &[],
    };
    let asked = request.metric.filter(|&metric| metric != "default");
    let metric = match asked {
        Some(name) => Metric::parse(name),
        None => Some(in_raid.first().map_or(Metric::Dps, |kill| kill.metric)),
    };
    let metric_name = asked.unwrap_or(metric.map_or("dps", Metric::name));
    let spec = spec_for(player.class_id(), metric.unwrap_or(Metric::Dps), hash(&[u64::from(player.record.id)]));
    let matches = (partition == raid.partition || partition == -1)
        && request.size.is_none_or(|size| size == raid_size(difficulty))
        && request.class_name.is_none_or(|name| name == class_slug(player.class_id()))
        && request.spec_name.is_none_or(|name| name == spec.0);
    let kills: &[Kill] = match metric {
        Some(metric) if matches => {
            let start = in_raid.partition_point(|kill| kill.metric < metric);
            let end = in_raid.partition_point(|kill| kill.metric <= metric);
            &in_raid[start..end]
        }
        _ => &[],
    };
    let mut out = String::with_capacity(512 + raid.encounters.len() * 640);
    write_head(&mut out, player, raid, kills, (difficulty, metric_name, partition));
    write_all_stars(&mut out, player, raid, kills, spec.0);
    out.push_str("],\"rankings\":[");
    let mut next = kills.iter().peekable();
    for (at, encounter) in raid.encounters.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str("{\"encounter\":{\"id\":");
        push_int(&mut out, encounter.id.unsigned_abs().into());
        out.push_str(",\"name\":");
        push_string(&mut out, &encounter.name);
        out.push_str("},");
        match next.next_if(|kill| usize::from(kill.encounter) == at) {
            Some(kill) => write_killed(&mut out, player, raid, kill, spec),
            None => out.push_str(UNKILLED),
        }
    }
    out.push_str("]}");
    out
}

const UNKILLED: &str = "\"rankPercent\":null,\"medianPercent\":null,\"lockedIn\":true,\"totalKills\":0,\
    \"fastestKill\":0,\"allStars\":null,\"spec\":null,\"bestSpec\":null,\"bestAmount\":0,\"rankTooltip\":null,\
    \"bestRank\":null}";

/// A rank in ten-thousandths of a percent, and the median below it.
fn percents(player: Player<'_>, kill: &Kill) -> (u64, u64) {
    let best = u64::from(kill.rank) * 10_000 + u64::from(rank_fraction(player.record.id, kill));
    let drop = if kill.kills == 1 { 0 } else { hash(&[best, u64::from(player.record.id)]) % (best / 3 + 1) };
    (best, best - drop)
}

fn write_head(out: &mut String, player: Player<'_>, raid: &Raid, kills: &[Kill], asked: (i32, &str, i32)) {
    if kills.is_empty() {
        out.push_str("{\"bestPerformanceAverage\":null,\"medianPerformanceAverage\":null");
    } else {
        let sums = kills.iter().map(|kill| percents(player, kill)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        out.push_str("{\"bestPerformanceAverage\":");
        push_ten_thousandths(out, sums.0 / kills.len() as u64);
        out.push_str(",\"medianPerformanceAverage\":");
        push_ten_thousandths(out, sums.1 / kills.len() as u64);
    }
    let (difficulty, metric, partition) = asked;
    push(
        out,
        format_args!(
            ",\"difficulty\":{difficulty},\"metric\":\"{metric}\",\"partition\":{partition},\"zone\":{},\"size\":{},\
             \"allStars\":[",
            raid.id,
            raid_size(difficulty)
        ),
    );
}

fn write_all_stars(out: &mut String, player: Player<'_>, raid: &Raid, kills: &[Kill], spec: &str) {
    if kills.is_empty() {
        return;
    }
    let sum: u64 = kills.iter().map(|kill| percents(player, kill).0).sum();
    let average = sum / kills.len() as u64;
    push(out, format_args!("{{\"partition\":{},\"spec\":\"{spec}\",\"points\":", raid.partition));
    push_ten_thousandths(out, sum * 12 / 10);
    push(out, format_args!(",\"possiblePoints\":{},", raid.encounters.len() * 120));
    write_places(out, average, 60_000);
    out.push_str(",\"rankTooltip\":null}");
}

/// `rank`, `regionRank`, `serverRank`, `rankPercent` and `total` for a percentage among so many.
fn write_places(out: &mut String, percent: u64, total: u64) {
    let rank = (1_000_000 - percent) * total / 1_000_000 + 1;
    out.push_str("\"rank\":");
    push_int(out, rank);
    out.push_str(",\"regionRank\":");
    push_int(out, rank / 3 + 1);
    out.push_str(",\"serverRank\":");
    if rank % 11 == 3 {
        out.push_str("null");
    } else {
        push_int(out, rank / 97 + 1);
    }
    out.push_str(",\"rankPercent\":");
    push_ten_thousandths(out, percent);
    out.push_str(",\"total\":");
    push_int(out, total);
}

fn write_killed(out: &mut String, player: Player<'_>, raid: &Raid, kill: &Kill, spec: crate::classes::Spec) {
    let encounter = &raid.encounters[usize::from(kill.encounter)];
    let (best, median) = percents(player, kill);
    let dice = hash(&[u64::from(player.record.id), encounter.id.unsigned_abs().into(), kill.difficulty.into()]);
    let amount = (20_000_000 + best * 900 + dice % 400_000_000) * u64::from(kill.difficulty);
    out.push_str("\"rankPercent\":");
    push_ten_thousandths(out, best);
    out.push_str(",\"medianPercent\":");
    push_ten_thousandths(out, median);
    out.push_str(",\"lockedIn\":true,\"totalKills\":");
    push_int(out, kill.kills.into());
    out.push_str(",\"fastestKill\":");
    push_int(out, 90_000 + dice % 400_000);
    out.push_str(",\"allStars\":{\"points\":");
    // Some bosses are left out of all-stars: 0 of 0 points with a real rank.
    if encounter.id % 9 == 0 {
        out.push_str("0,\"possiblePoints\":0");
    } else {
        push_ten_thousandths(out, best * 12 / 10);
        out.push_str(",\"possiblePoints\":120");
    }
    out.push_str(",\"partition\":");
    push_int(out, raid.partition.unsigned_abs().into());
    out.push(',');
    write_places(out, best, 20_000);
    out.push_str("},\"spec\":\"");
    out.push_str(spec.0);
    out.push_str("\",\"bestSpec\":\"");
    out.push_str(spec.0);
    out.push_str("\",\"bestAmount\":");
    push_ten_thousandths(out, amount);
    out.push_str(",\"rankTooltip\":null,\"bestRank\":{\"rank_id\":");
    push_int(out, dice % 200_000_000);
    out.push_str(",\"class\":");
    push_int(out, player.class_id().into());
    out.push_str(",\"spec\":");
    push_int(out, spec.1.into());
    out.push_str(",\"per_second_amount\":");
    push_ten_thousandths(out, amount);
    out.push_str(",\"ilvl\":");
    push_int(out, 380 + dice % 60);
    out.push_str(",\"fight_metadata\":");
    push_int(out, dice % 1_000_000);
    out.push_str("}}");
}

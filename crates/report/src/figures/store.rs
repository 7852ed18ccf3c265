//! What the store and the published database hold.

use anyhow::Result;
use chrono::TimeDelta;
use parsebook_core::history::{DAYS_SHOWN, Database};
use parsebook_core::status::BossRanks;
use parsebook_core::status::census::{AGES, RANK_GROUPS};

use super::{Figure, Table};
use crate::Report;
use crate::format::{decimals, difficulty, grouped, minute, short, span};
use crate::plot::{Columns, Heat, Ink, Line, TimePlot};

/// Regions keep their colour in every figure.
fn ink_of(region: &str) -> Ink {
    let known = ["EU", "US", "KR", "TW", "CN"];
    let index = known.iter().position(|known| *known == region).unwrap_or(known.len());
    Ink::Series(u8::try_from(index).unwrap_or_default())
}

fn age_names() -> Vec<String> {
    let mut names = vec!["< 1".to_owned()];
    names.extend(AGES.windows(2).map(|pair| format!("{}–{}", pair[0], pair[1])));
    names.push(format!("> {}", AGES[AGES.len() - 1]));
    names
}

/// Age of the ranks in each region.
pub fn freshness(report: &Report<'_>) -> Result<Figure> {
    let status = report.status;
    let share = |players: u64, of: u64| 100.0 * players as f64 / of.max(1) as f64;
    let series = status.regions.iter().map(|region| {
        let census = &region.census;
        let values = census.freshness.iter().map(|group| share(group.players, census.players)).collect();
        (ink_of(&census.region), values)
    });
    let plot = Columns {
        unit: "% of the region’s players",
        group_unit: "days since the last ranking",
        groups: age_names(),
        series: series.collect(),
    };
    let fresh: u64 =
        status.regions.iter().flat_map(|region| &region.census.freshness[..3]).map(|group| group.players).sum();
    let answer = match status.oldest_rank {
        Some(oldest) => format!(
            "{} % of {} players were ranked within a week; the oldest rank is {} old.",
            decimals(share(fresh, status.players), 1),
            grouped(status.players),
            span(status.as_of - oldest)
        ),
        None => "No player is ranked yet.".to_owned(),
    };
    let mut table = Table { head: vec!["Region".into(), "Players".into()], rows: Vec::new() };
    table.head.extend(age_names().iter().map(|name| format!("{name} days")));
    table.head.push("Oldest rank (UTC)".into());
    for region in &status.regions {
        let census = &region.census;
        let mut row = vec![census.region.clone(), grouped(census.players)];
        row.extend(census.freshness.iter().map(|group| grouped(group.players)));
        row.push(census.oldest.map(minute).unwrap_or_default());
        table.rows.push(row);
    }
    let legend: Vec<_> =
        status.regions.iter().map(|region| (ink_of(&region.census.region), region.census.region.as_str())).collect();
    Figure::new("freshness", "How fresh are the ranks of each region?", answer, &legend, &plot, table)
}

/// Characters of each database over time.
pub fn characters(report: &Report<'_>) -> Result<Figure> {
    let total: u64 = report.status.database.iter().map(|database| database.newest.characters).sum();
    let answer = format!("{} characters are published.", grouped(total));
    let title = "How many characters does each database hold?";
    over_time(report, "characters", title, "characters", answer, |database| database.characters)
}

/// Bytes of each database over time.
pub fn bytes(report: &Report<'_>) -> Result<Figure> {
    let newest = || report.status.database.iter().map(|database| &database.newest);
    let (bytes, characters) = (newest().map(|d| d.bytes).sum::<u64>(), newest().map(|d| d.characters).sum::<u64>());
    let each = bytes as f64 / characters.max(1) as f64;
    let answer = format!("{} bytes are published, {} a character.", short(bytes as f64), decimals(each, 1));
    over_time(report, "bytes", "How large is each database?", "bytes", answer, |database| database.bytes)
}

fn over_time(
    report: &Report<'_>,
    id: &'static str,
    title: &'static str,
    unit: &'static str,
    answer: String,
    value: impl Fn(&Database) -> u64,
) -> Result<Figure> {
    let history = report.history;
    let to = history.now();
    let first = history.databases.values().filter_map(|versions| versions.first()).map(|version| version.at).min();
    let from = first.unwrap_or(to).clamp(to - TimeDelta::days(3 * DAYS_SHOWN), to - TimeDelta::days(1));
    let mut plot = TimePlot::new(from, to, unit);
    let mut table = Table::new(["Published (UTC)", "Region", unit]);
    let is_long = to - from > TimeDelta::days(3);
    for (region, versions) in &history.databases {
        let shown: Vec<&Database> =
            if is_long { newest_of_each_day(versions).collect() } else { versions.iter().collect() };
        let points = shown.iter().map(|version| (version.at, value(version) as f64)).collect();
        plot.lines.push((ink_of(region), Line::Step, points));
        for version in newest_of_each_day(versions) {
            table.row([minute(version.at), region.clone(), grouped(value(version))]);
        }
    }
    let legend: Vec<_> = history.databases.keys().map(|region| (ink_of(region), region.as_str())).collect();
    Figure::new(id, title, answer, &legend, &plot, table)
}

fn newest_of_each_day(versions: &[Database]) -> impl Iterator<Item = &Database> {
    let is_last = |index: usize| {
        versions.get(index + 1).is_none_or(|next| next.at.date_naive() != versions[index].at.date_naive())
    };
    versions.iter().enumerate().filter(move |(index, _)| is_last(*index)).map(|(_, version)| version)
}

/// Most rows of the distribution: the hardest difficulties of the newest raids.
const MOST_BOSSES: usize = 24;

/// Ranks by boss.
pub fn distribution(report: &Report<'_>) -> Result<Figure> {
    let mut bosses: Vec<&BossRanks> = report.bosses.iter().collect();
    bosses.sort_by_key(|ranks| {
        let boss = &ranks.boss;
        let order = raid(report, boss.raid)
            .and_then(|raid| raid.encounters.iter().position(|encounter| encounter.id == boss.encounter));
        (
            std::cmp::Reverse((boss.raid, boss.difficulty)),
            boss.metric.clone(),
            order.unwrap_or(usize::MAX),
            boss.encounter,
        )
    });
    let mut table = Table::new(["Boss", "Players", "Median rank", "Ranked below 50", "Ranked 95 and above"]);
    let mut rows = Vec::new();
    for ranks in &bosses {
        let players: u64 = ranks.players.iter().sum();
        let name = name(report, ranks);
        let below = ranks.players[..RANK_GROUPS / 2].iter().sum();
        table.row([
            name.clone(),
            grouped(players),
            format!("{:.0}", median(&ranks.players)),
            grouped(below),
            grouped(ranks.players[RANK_GROUPS - 1]),
        ]);
        let cells = ranks.players.iter().map(|players| *players as f64).collect();
        rows.push((name, cells, Some(median(&ranks.players) / 100.0)));
    }
    rows.truncate(MOST_BOSSES);
    let ticks = [0, 25, 50, 75, 100].map(|rank| (f64::from(rank) / 100.0, rank.to_string())).to_vec();
    let plot = Heat { unit: "rank in percent; darker: more players", ticks, rows };
    let answer = match table.rows.len() {
        0 => "No ranks are stored yet.".to_owned(),
        count if count > MOST_BOSSES => {
            format!("The newest {MOST_BOSSES} of {count} boards; the mark is the median. The table has them all.")
        }
        count => format!("{count} boards; the mark is the median."),
    };
    let legend = [(Ink::Series(0), "players by rank"), (Ink::Text, "median")];
    Figure::new("distribution", "How are ranks distributed on each boss?", answer, &legend, &plot, table)
}

fn raid<'a>(report: &Report<'a>, id: u32) -> Option<&'a parsebook_core::player::Raid> {
    report.raids.iter().find(|raid| raid.id == id)
}

fn name(report: &Report<'_>, ranks: &BossRanks) -> String {
    let boss = &ranks.boss;
    let known = raid(report, boss.raid)
        .and_then(|raid| raid.encounters.iter().find(|encounter| encounter.id == boss.encounter));
    let name = known.map_or_else(|| format!("encounter {}", boss.encounter), |encounter| encounter.name.clone());
    format!("{name} · {} {}", difficulty(boss.difficulty), boss.metric)
}

/// The rank that half of the players are below, from 0 to 100, to the width of a group.
fn median(players: &[u64; RANK_GROUPS]) -> f64 {
    let half = players.iter().sum::<u64>() as f64 / 2.0;
    let width = 100.0 / RANK_GROUPS as f64;
    let mut below = 0.0;
    for (group, count) in players.iter().enumerate() {
        let count = *count as f64;
        if below + count >= half && count > 0.0 {
            return width * (group as f64 + (half - below) / count);
        }
        below += count;
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_found_inside_its_group() {
        let mut players = [0; RANK_GROUPS];
        players[10] = 10;
        assert_eq!(median(&players), 52.5);
        players[0] = 10;
        assert_eq!(median(&players), 5.0);
        assert_eq!(median(&[0; RANK_GROUPS]), 0.0);
    }

    #[test]
    fn every_age_group_has_a_name() {
        assert_eq!(age_names().len(), AGES.len() + 1);
        assert_eq!(age_names()[..2], ["< 1", "1–3"]);
    }
}

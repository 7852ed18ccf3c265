//! When everything that waits will be ranked.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::{NaiveDate, TimeDelta};

use super::{Figure, Table};
use crate::Report;
use crate::format::{days, grouped, minute, whole};
use crate::plot::{Ink, Line, TimePlot};

/// What waited, and how it goes down at the pace of the last week.
pub fn forecast(report: &Report<'_>) -> Result<Figure> {
    let status = report.status;
    let now = status.as_of;
    let before: Vec<_> = report
        .history
        .queue_by_hour(status.queued)
        .into_iter()
        .map(|(at, queued)| {
            let left = report.history.left.iter().rfind(|(left_at, _)| *left_at <= at + TimeDelta::hours(1));
            (at.min(now), (queued + left.map_or(0, |(_, left)| *left)) as f64)
        })
        .filter(|(at, _)| *at < now - TimeDelta::hours(1))
        .chain([(now, status.due as f64)])
        .collect();
    let end = status.days_until_all_ranked.filter(|days| (0.01..3650.0).contains(days));
    #[expect(clippy::cast_possible_truncation, reason = "at most ten years")]
    let end = end.map(|days| now + TimeDelta::minutes((days * 1440.0) as i64));
    let first = before.first().map_or(now, |(at, _)| *at);
    let length = (end.unwrap_or(now) - first).max(TimeDelta::days(1));
    let mut plot =
        TimePlot::new(first, end.unwrap_or(now).max(first + length) + length / 20, "players and reports that wait");
    if report.history.runs > 0 {
        plot.empty = "Nothing waited at the end of any hour";
    }
    plot.lines.push((Ink::Series(0), Line::Filled, before));
    if let Some(end) = end {
        plot.lines.push((Ink::Series(1), Line::Dashed, vec![(now, status.due as f64), (end, 0.0)]));
    }
    let answer = match (status.due, status.days_until_all_ranked) {
        (0, _) => "Nothing waits: everything that was found is ranked.".to_owned(),
        (due, Some(left)) => {
            let by = end.map(|end| format!(", by {}", end.format("%A, %-d %B %Y"))).unwrap_or_default();
            let regions = by_region(report);
            format!(
                "{} wait; at the pace of the last week all are ranked in {}{by}{regions}.",
                grouped(due),
                days(left)
            )
        }
        (due, None) => format!("{} wait; nothing was ranked in the last week to tell a pace from.", grouped(due)),
    };
    let mut table = Table::new(["Region", "Players", "Wait (by its share)", "Players a day", "All ranked by (UTC)"]);
    for region in &status.regions {
        let pace = region.players_a_day.map(whole).unwrap_or_default();
        let by = match (region.due, region.ranked_by) {
            (0, _) => "now".to_owned(),
            (_, Some(at)) => minute(at),
            (_, None) => "no pace measured".to_owned(),
        };
        let name = region.census.region.clone();
        table.row([name, grouped(region.census.players), grouped(region.due), pace, by]);
    }
    let legend = [(Ink::Series(0), "waits"), (Ink::Series(1), "forecast")];
    Figure::new("forecast", "When is everything ranked?", answer, &legend, &plot, table)
}

/// `: all of EU, US by 3 December, all of KR by 9 December`.
fn by_region(report: &Report<'_>) -> String {
    let mut regions = BTreeMap::<NaiveDate, Vec<&str>>::new();
    for region in report.status.regions.iter().filter(|region| region.due > 0) {
        if let Some(by) = region.ranked_by {
            regions.entry(by.date_naive()).or_default().push(&region.census.region);
        }
    }
    let part =
        |(by, names): (&NaiveDate, &Vec<&str>)| format!("all of {} by {}", names.join(", "), by.format("%-d %B"));
    let parts: Vec<_> = regions.iter().map(part).collect();
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
}

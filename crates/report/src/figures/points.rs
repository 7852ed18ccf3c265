//! Points, hour by hour.

use anyhow::Result;
use chrono::TimeDelta;
use parsebook_core::history::{HOURS_SHOWN, full_hour};

use super::{Figure, Table};
use crate::Report;
use crate::format::{minute, whole};
use crate::plot::{Ink, Line, TimePlot};

/// How much of each hour's points was used.
pub fn points(report: &Report<'_>) -> Result<Figure> {
    let history = report.history;
    let end = full_hour(history.now()) + TimeDelta::hours(1);
    let begin = history.first.map_or(end, full_hour).max(end - TimeDelta::hours(HOURS_SHOWN));
    let from = begin.min(end - TimeDelta::hours(24));
    let used: Vec<_> = history.hours.range(from..).map(|(at, hour)| (*at, hour.points)).collect();
    let limit = history.points_an_hour();

    let mut plot = TimePlot::new(from, end, "points an hour");
    plot.columns.push((Ink::Series(0), used.clone()));
    if let Some(limit) = limit {
        plot.lines.push((Ink::Series(1), Line::Dashed, vec![(from, limit), (end, limit)]));
    }
    let total: f64 = used.iter().map(|(_, points)| points).sum();
    let hours = ((end - begin).num_hours().max(1)) as f64;
    let answer = match limit {
        Some(limit) if limit > 0.0 => format!(
            "{} of {} points an hour are used on average ({:.0} %).",
            whole(total / hours),
            whole(limit),
            100.0 * total / hours / limit
        ),
        _ if total > 0.0 => {
            format!("{} points are used an hour on average; the keys tell of no limit.", whole(total / hours))
        }
        _ => "No key was asked yet.".to_owned(),
    };
    let mut table = Table::new(["Hour (UTC)", "Points used", "Share of the limit", "Batches without points"]);
    for (at, hour) in history.hours.range(from..) {
        let share = limit.filter(|limit| *limit > 0.0).map(|limit| format!("{:.0} %", 100.0 * hour.points / limit));
        table.row([minute(*at), whole(hour.points), share.unwrap_or_default(), hour.without_points.to_string()]);
    }
    let legend = [(Ink::Series(0), "points used"), (Ink::Series(1), "limit of all keys")];
    Figure::new("points", "How much of each hour’s points is used?", answer, &legend, &plot, table)
}

//! What gets done: players and reports a day, what a player costs, what waits.

use anyhow::Result;
use chrono::{NaiveDate, TimeDelta};
use parsebook_core::Timestamp;
use parsebook_core::history::{DAYS_SHOWN, HOURS_SHOWN, full_hour};

use super::{Figure, Table};
use crate::Report;
use crate::format::{decimals, grouped, minute, whole};
use crate::plot::{Ink, Line, TimePlot};

fn start(day: NaiveDate) -> Timestamp {
    day.and_time(Default::default()).and_utc()
}

/// The days that are shown: those of the journal, at least two weeks.
fn days(report: &Report<'_>) -> (Timestamp, Timestamp) {
    let today = report.history.now().date_naive();
    let first = report.history.first.map_or(today, |first| first.date_naive());
    let from = first.clamp(today - TimeDelta::days(DAYS_SHOWN - 1), today - TimeDelta::days(13));
    (start(from), start(today + TimeDelta::days(1)))
}

/// Players and reports ranked a day.
pub fn ranked(report: &Report<'_>) -> Result<Figure> {
    let (from, to) = days(report);
    let shown = || report.history.days.range(from.date_naive()..).map(|(day, done)| (start(*day), done));
    let mut plot = TimePlot::new(from, to, "players and reports a day");
    plot.column = TimeDelta::days(1);
    plot.columns.push((Ink::Series(0), shown().map(|(day, done)| (day, done.players as f64)).collect()));
    plot.columns.push((Ink::Series(2), shown().map(|(day, done)| (day, done.reports as f64)).collect()));
    let answer = match report.status.players_a_day {
        Some(pace) => {
            let reports = report.history.messages_a_day().unwrap_or_default() - pace;
            format!("{} players and {} reports a day over the last week.", whole(pace), whole(reports))
        }
        None => "Nobody was ranked in the last week.".to_owned(),
    };
    let mut table =
        Table::new(["Day (UTC)", "Players ranked", "Reports ranked", "Players in these", "Players met by discovery"]);
    for (day, done) in shown() {
        let name = day.date_naive().to_string();
        let of_reports = grouped(done.players_of_reports);
        table.row([name, grouped(done.players), grouped(done.reports), of_reports, grouped(done.discovered)]);
    }
    let legend = [(Ink::Series(0), "players"), (Ink::Series(2), "reports")];
    Figure::new("ranked", "How many players and reports are ranked a day?", answer, &legend, &plot, table)
}

/// Points that a player costs, day by day.
pub fn cost(report: &Report<'_>) -> Result<Figure> {
    let (from, to) = days(report);
    let noon = TimeDelta::hours(12);
    let costs: Vec<_> = report
        .history
        .days
        .range(from.date_naive()..)
        .filter(|(_, done)| done.players_alone > 0)
        .map(|(day, done)| (start(*day), done.points_alone / done.players_alone as f64, done.players_alone))
        .collect();
    let mut plot = TimePlot::new(from, to, "points a player");
    let points = costs.iter().map(|(day, cost, _)| (*day + noon, *cost)).collect();
    plot.lines.push((Ink::Series(3), Line::Straight, points));
    let answer = match report.status.points.a_player {
        Some(cost) => {
            let hour = report.status.points.an_hour.filter(|_| cost > 0.0);
            let buys = hour.map(|hour| format!(": an hour’s points buy {} players", whole(hour / cost)));
            format!("{} points over the last week{}.", decimals(cost, 1), buys.unwrap_or_default())
        }
        None => "Nobody was ranked in the last week.".to_owned(),
    };
    let mut table = Table::new(["Day (UTC)", "Points a player", "Players"]);
    for (day, cost, players) in &costs {
        table.row([day.date_naive().to_string(), decimals(*cost, 2), grouped(*players)]);
    }
    Figure::new("cost", "What does a player cost?", answer, &[(Ink::Series(3), "points a player")], &plot, table)
}

/// The queue, and what waits before it.
pub fn queue(report: &Report<'_>) -> Result<Figure> {
    let history = report.history;
    let to = full_hour(history.now()) + TimeDelta::hours(1);
    let first = history.first.map_or(to, full_hour);
    let from = first.max(to - TimeDelta::hours(HOURS_SHOWN)).min(to - TimeDelta::hours(24));
    let hour = TimeDelta::hours(1);
    let depths = history.queue_by_hour(report.status.queued);
    let queued: Vec<_> = depths.iter().map(|(at, depth)| ((*at + hour).min(to), *depth as f64)).collect();
    let mut left: Vec<_> = history.left.iter().filter(|(at, _)| *at >= from).copied().collect();
    left.push((history.now(), report.status.discovered));
    let mut plot = TimePlot::new(from, to, "players and reports");
    if history.runs > 0 {
        plot.empty = "Nothing waited at the end of any hour";
    }
    plot.lines.push((Ink::Series(0), Line::Filled, queued));
    plot.lines.push((Ink::Series(4), Line::Step, left.iter().map(|(at, left)| (*at, *left as f64)).collect()));
    let status = report.status;
    let answer = match status.queued {
        Some(queued) => {
            format!("{} wait in the queue, {} before it.", grouped(queued), grouped(status.discovered))
        }
        None => format!(
            "{} wait before the queue; the queue’s own depth follows from what was sent and done.",
            grouped(status.discovered)
        ),
    };
    let mut table = Table::new(["Time (UTC)", "In the queue", "Before the queue"]);
    for (at, depth) in &depths {
        let before = left.iter().rfind(|(left_at, _)| *left_at < *at + hour).map(|(_, left)| grouped(*left));
        table.row([minute(*at), grouped(*depth), before.unwrap_or_default()]);
    }
    let legend = [(Ink::Series(0), "in the queue"), (Ink::Series(4), "found, not yet in the queue")];
    Figure::new("queue", "Does the queue grow or shrink?", answer, &legend, &plot, table)
}

//! Values over time: columns, lines, steps, and a forecast.

use chrono::{DateTime, TimeDelta, Timelike};
use parsebook_core::Timestamp;
use plotters::prelude::*;

use super::theme::{self, Ink};
use super::{Area, EMPTY_HEIGHT, NOTHING_YET, Plot, Result, Size, draw_grid, round_end, say_empty};

/// How a line runs from point to point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Straight.
    Straight,
    /// It keeps its value until the next point.
    Step,
    /// Straight and dashed: not measured.
    Dashed,
    /// Straight, and filled below.
    Filled,
}

/// Values at their times.
pub type Points = Vec<(Timestamp, f64)>;

/// A plot over time. Values start at 0.
#[derive(Debug, Clone)]
pub struct TimePlot {
    /// Where it begins.
    pub from: Timestamp,
    /// Where it ends.
    pub to: Timestamp,
    /// What the values count, above the axis.
    pub unit: &'static str,
    /// What is said where all values are 0.
    pub empty: &'static str,
    /// How wide a column is.
    pub column: TimeDelta,
    /// Columns, those of one time on top of each other: colour, and (start, value).
    pub columns: Vec<(Ink, Points)>,
    /// Lines: colour, form, points.
    pub lines: Vec<(Ink, Line, Points)>,
}

impl TimePlot {
    /// An empty plot.
    pub fn new(from: Timestamp, to: Timestamp, unit: &'static str) -> Self {
        let column = TimeDelta::hours(1);
        Self { from, to, unit, empty: NOTHING_YET, column, columns: Vec::new(), lines: Vec::new() }
    }

    fn most(&self) -> f64 {
        let mut stacked = std::collections::BTreeMap::<Timestamp, f64>::new();
        for (at, value) in self.columns.iter().flat_map(|(_, points)| points) {
            *stacked.entry(*at).or_default() += value;
        }
        let lines = self.lines.iter().flat_map(|(_, _, points)| points.iter().map(|(_, value)| *value));
        stacked.into_values().chain(lines).fold(0.0, f64::max)
    }

    /// Where the axis is labelled, and how: hours, days or months, whichever gives a handful.
    fn ticks(&self, size: Size) -> (Vec<f64>, &'static str) {
        let most = size.pick(10, 5);
        let length = self.to - self.from;
        let steps = [1, 2, 3, 6, 12, 24, 48, 72, 24 * 7, 24 * 14, 24 * 30, 24 * 90].map(TimeDelta::hours);
        let step = steps.into_iter().find(|step| length.num_hours() / step.num_hours().max(1) <= most);
        let step = step.unwrap_or(length.max(TimeDelta::hours(1)));
        let format = if step < TimeDelta::days(1) { "%H:%M" } else { "%-d %b" };
        let midnight = self.from.date_naive().and_time(Default::default()).and_utc();
        let ticks = std::iter::successors(Some(midnight), |at| at.checked_add_signed(step));
        let inside = ticks.skip_while(|at| *at < self.from).take_while(|at| *at <= self.to).take(64);
        (inside.map(seconds).collect(), format)
    }
}

impl Plot for TimePlot {
    fn height(&self, size: Size) -> u32 {
        if self.most() > 0.0 { size.height() } else { EMPTY_HEIGHT }
    }

    fn draw(&self, area: &Area<'_>, size: Size) -> Result<()> {
        let most = self.most();
        if most <= 0.0 {
            return say_empty(area, size, self.empty);
        }
        let (ticks, format) = self.ticks(size);
        let x = seconds(self.from)..seconds(self.to);
        let mut chart = ChartBuilder::on(area)
            .margin_top(26)
            .margin_right(size.pick(16, 10))
            .x_label_area_size(26)
            .y_label_area_size(size.pick(52, 42))
            .build_cartesian_2d(x, 0.0..round_end(most))?;
        let labels = theme::text(Ink::Muted, size.pick(12.0, 11.5), theme::CENTER);
        draw_grid(&mut chart, &labels)?;
        for at in ticks {
            let (x, y) = chart.backend_coord(&(at, 0.0));
            area.draw(&PathElement::new([(x, y), (x, y + 4)], theme::stroke(Ink::Axis, 1)))?;
            area.draw_text(&label(at, format), &labels, (x, y + 14))?;
        }
        let mut base = std::collections::BTreeMap::<Timestamp, f64>::new();
        let gap = seconds_of(self.column) * 0.12;
        for (ink, points) in &self.columns {
            let columns = points.iter().filter(|(_, value)| *value > 0.0).map(|(at, value)| {
                let below = base.entry(*at).or_default();
                let (low, high) = (*below, *below + value);
                *below = high;
                let (left, right) = (seconds(*at) + gap, seconds(*at + self.column) - gap);
                Rectangle::new([(left, low), (right.min(seconds(self.to)), high)], theme::filled(*ink))
            });
            let columns: Vec<_> = columns.collect();
            chart.draw_series(columns)?;
        }
        for (ink, line, points) in &self.lines {
            let style = theme::stroke(*ink, 2);
            let straight = points.iter().map(|(at, value)| (seconds(*at), *value));
            match line {
                Line::Straight => drop(chart.draw_series(LineSeries::new(straight, style))?),
                Line::Filled => {
                    let below = ink.color().mix(0.16).filled();
                    chart.draw_series(AreaSeries::new(straight, 0.0, below).border_style(style))?;
                }
                Line::Dashed => drop(chart.draw_series(DashedLineSeries::new(straight, 6, 5, style))?),
                Line::Step => drop(chart.draw_series(LineSeries::new(stepped(points, self.to), style))?),
            }
            if let [(at, value)] = points.as_slice() {
                chart.draw_series([Circle::new((seconds(*at), *value), 4, theme::filled(*ink))])?;
            }
        }
        area.draw_text(self.unit, &theme::text(Ink::Muted, size.pick(12.0, 11.5), theme::LEFT), (2, 10))?;
        let right = i32::try_from(size.width())? - size.pick(16, 10);
        area.draw_text("time in UTC", &theme::text(Ink::Muted, size.pick(12.0, 11.5), theme::RIGHT), (right, 10))?;
        Ok(())
    }
}

fn stepped(points: &[(Timestamp, f64)], end: Timestamp) -> Vec<(f64, f64)> {
    let mut steps = Vec::with_capacity(points.len() * 2 + 1);
    for (at, value) in points {
        if let Some((_, before)) = steps.last().copied() {
            steps.push((seconds(*at), before));
        }
        steps.push((seconds(*at), *value));
    }
    if let Some((_, last)) = steps.last().copied() {
        steps.push((seconds(end), last));
    }
    steps
}

fn seconds(at: Timestamp) -> f64 {
    at.timestamp() as f64 + f64::from(at.nanosecond()) / 1e9
}

fn seconds_of(delta: TimeDelta) -> f64 {
    delta.num_seconds() as f64
}

#[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
fn label(at: f64, format: &str) -> String {
    DateTime::from_timestamp(at as i64, 0).map_or_else(String::new, |at| at.format(format).to_string())
}

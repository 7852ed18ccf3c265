//! Values by name: columns side by side, and rows below each other.

use plotters::prelude::*;

use super::theme::{self, Ink};
use super::{Area, EMPTY_HEIGHT, NOTHING_YET, Plot, Result, Size, draw_grid, round_end, say_empty};
use crate::format::cut;

/// Columns side by side in named groups.
#[derive(Debug, Clone)]
pub struct Columns {
    /// What the values count.
    pub unit: &'static str,
    /// What the groups are, below the axis.
    pub group_unit: &'static str,
    /// The groups' names.
    pub groups: Vec<String>,
    /// Colour, and a value for each group.
    pub series: Vec<(Ink, Vec<f64>)>,
}

impl Columns {
    fn most(&self) -> f64 {
        self.series.iter().flat_map(|(_, values)| values).copied().fold(0.0, f64::max)
    }
}

impl Plot for Columns {
    fn height(&self, size: Size) -> u32 {
        if self.most() > 0.0 { size.height() } else { EMPTY_HEIGHT }
    }

    fn draw(&self, area: &Area<'_>, size: Size) -> Result<()> {
        let most = self.most();
        if most <= 0.0 {
            return say_empty(area, size, NOTHING_YET);
        }
        let count = self.groups.len();
        let mut chart = ChartBuilder::on(area)
            .margin_top(26)
            .margin_right(size.pick(16, 8))
            .x_label_area_size(42)
            .y_label_area_size(size.pick(52, 42))
            .build_cartesian_2d(0.0..count as f64, 0.0..round_end(most))?;
        let labels = theme::text(Ink::Muted, size.pick(12.0, 11.5), theme::CENTER);
        draw_grid(&mut chart, &labels)?;
        let width = 0.8 / self.series.len().max(1) as f64;
        for (index, (ink, values)) in self.series.iter().enumerate() {
            let column = |(group, value): (usize, &f64)| {
                let left = group as f64 + 0.1 + width * index as f64;
                Rectangle::new([(left + width * 0.06, 0.0), (left + width * 0.94, *value)], theme::filled(*ink))
            };
            chart.draw_series(values.iter().enumerate().filter(|(_, value)| **value > 0.0).map(column))?;
        }
        for (group, name) in self.groups.iter().enumerate() {
            let (x, y) = chart.backend_coord(&(group as f64 + 0.5, 0.0));
            area.draw_text(name, &labels, (x, y + 14))?;
        }
        let (x, y) = chart.backend_coord(&(count as f64 / 2.0, 0.0));
        area.draw_text(self.group_unit, &labels, (x, y + 32))?;
        area.draw_text(self.unit, &theme::text(Ink::Muted, size.pick(12.0, 11.5), theme::LEFT), (2, 10))?;
        Ok(())
    }
}

/// Rows below each other, each with a name above its bar.
#[derive(Debug, Clone)]
pub struct Rows {
    /// What the values count.
    pub unit: &'static str,
    /// What is said where there is no row.
    pub empty: &'static str,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A row.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Parts of its bar, end to end.
    pub parts: Vec<(Ink, f64)>,
    /// What stands behind the bar.
    pub note: String,
    /// The note's colour.
    pub note_ink: Ink,
}

/// From one row to the next: on a phone the note stands below its bar.
const WIDE_ROW: u32 = 40;
const NARROW_ROW: u32 = 56;

impl Plot for Rows {
    fn height(&self, size: Size) -> u32 {
        match u32::try_from(self.rows.len()) {
            Ok(rows) if rows > 0 => 28 + size.pick(WIDE_ROW, NARROW_ROW) * rows,
            _ => EMPTY_HEIGHT,
        }
    }

    fn draw(&self, area: &Area<'_>, size: Size) -> Result<()> {
        let sum = |row: &Row| row.parts.iter().map(|(_, value)| value).sum::<f64>();
        let most = self.rows.iter().map(sum).fold(0.0, f64::max);
        if self.rows.is_empty() {
            return say_empty(area, size, self.empty);
        }
        let most = if most > 0.0 { most } else { 1.0 };
        let text_size = size.pick(13.0, 12.0);
        area.draw_text(self.unit, &theme::text(Ink::Muted, size.pick(12.0, 11.5), theme::LEFT), (2, 10))?;
        // Room for the note behind the longest bar.
        let room = f64::from(size.width()) - size.pick(280.0, 4.0);
        let row_height = i32::try_from(size.pick(WIDE_ROW, NARROW_ROW))?;
        for (index, row) in self.rows.iter().enumerate() {
            let top = 26 + i32::try_from(index)? * row_height;
            let name = cut(&row.name, size.pick(110, 48));
            area.draw_text(&name, &theme::text(Ink::Text, text_size, theme::LEFT), (2, top + 7))?;
            let mut left = 2.0;
            for (ink, value) in &row.parts {
                let right = left + (value / most * room).max(if *value > 0.0 { 2.0 } else { 0.0 });
                let corners = [(pixel(left), top + 17), (pixel(right), top + 29)];
                area.draw(&Rectangle::new(corners, theme::filled(*ink)))?;
                left = right;
            }
            let style = theme::text(row.note_ink, size.pick(12.0, 11.5), theme::LEFT);
            area.draw_text(&row.note, &style, size.pick((pixel(left) + 7, top + 23), (2, top + 39)))?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a place inside the plot")]
fn pixel(value: f64) -> i32 {
    value.round() as i32
}

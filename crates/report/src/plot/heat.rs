//! A distribution in each row, as darker and lighter cells.

use plotters::prelude::*;

use super::theme::{self, Ink};
use super::{Area, EMPTY_HEIGHT, Plot, Result, Size, say_empty};
use crate::format::cut;

/// Rows of cells. Each row's fullest cell is the darkest.
#[derive(Debug, Clone)]
pub struct Heat {
    /// What the cells of a row go through, below the plot.
    pub unit: &'static str,
    /// Labels below: where they stand, from 0 to 1, and what they say.
    pub ticks: Vec<(f64, String)>,
    /// Name, cells, and the cell that is marked.
    pub rows: Vec<(String, Vec<f64>, Option<f64>)>,
}

const WIDE_ROW: u32 = 22;
const NARROW_ROW: u32 = 34;

impl Plot for Heat {
    fn height(&self, size: Size) -> u32 {
        match u32::try_from(self.rows.len()) {
            Ok(rows) if rows > 0 => 46 + size.pick(WIDE_ROW, NARROW_ROW) * rows,
            _ => EMPTY_HEIGHT,
        }
    }

    fn draw(&self, area: &Area<'_>, size: Size) -> Result<()> {
        if self.rows.is_empty() {
            return say_empty(area, size, "No ranks yet");
        }
        let row_height = i32::try_from(size.pick(WIDE_ROW, NARROW_ROW))?;
        let left = size.pick(300, 2);
        let width = i32::try_from(size.width())? - left - 8;
        let place = |share: f64| left + pixel(share * f64::from(width));
        for (index, (name, cells, mark)) in self.rows.iter().enumerate() {
            let top = 4 + i32::try_from(index)? * row_height;
            // On a phone the name stands above its cells.
            let (text, cells_top) = match size {
                Size::Wide => ((left - 10, top + row_height / 2), top + 1),
                Size::Narrow => ((2, top + 7), top + 16),
            };
            let style = theme::text(Ink::Text, size.pick(12.5, 11.5), size.pick(theme::RIGHT, theme::LEFT));
            area.draw_text(&cut(name, size.pick(44, 52)), &style, text)?;
            let cells_bottom = top + row_height - 2;
            let most = cells.iter().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
            let count = cells.len().max(1) as f64;
            for (cell, value) in cells.iter().enumerate().filter(|(_, value)| **value > 0.0) {
                let corners =
                    [(place(cell as f64 / count), cells_top), (place((cell + 1) as f64 / count) - 1, cells_bottom)];
                let style = Ink::Series(0).color().mix(0.08 + 0.92 * value / most).filled();
                area.draw(&Rectangle::new(corners, style))?;
            }
            if let Some(mark) = mark {
                let corners = [(place(*mark) - 1, cells_top - 1), (place(*mark) + 1, cells_bottom + 1)];
                area.draw(&Rectangle::new(corners, theme::filled(Ink::Text)))?;
            }
        }
        let bottom = 4 + row_height * i32::try_from(self.rows.len())?;
        let labels = theme::text(Ink::Muted, size.pick(12.0, 11.5), theme::CENTER);
        for (share, text) in &self.ticks {
            let edge = if *share <= 0.0 {
                10
            } else if *share >= 1.0 {
                -12
            } else {
                0
            };
            area.draw_text(text, &labels, (place(*share) + edge, bottom + 12))?;
        }
        area.draw_text(self.unit, &labels, (place(0.5), bottom + 31))?;
        Ok(())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a place inside the plot")]
fn pixel(value: f64) -> i32 {
    value.round() as i32
}

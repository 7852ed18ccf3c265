//! Plots as SVG that takes its colours from the page's style, in two sizes: for wide screens and for phones.

mod bars;
mod heat;
mod theme;
mod time;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

pub use self::bars::{Columns, Row, Rows};
pub use self::heat::Heat;
pub use self::theme::Ink;
pub use self::time::{Line, TimePlot};
use crate::format::short;

/// What drawing may fail with.
pub type Result<T> = anyhow::Result<T>;
/// Where plots are drawn.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// Two axes of numbers, and what is drawn between them.
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// How large a plot is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 860 units.
    Wide,
    /// 360 units: a phone.
    Narrow,
}

impl Size {
    /// In units, which are pixels where there is room.
    pub fn width(self) -> u32 {
        match self {
            Self::Wide => 860,
            Self::Narrow => 360,
        }
    }

    /// Of a plot over time.
    pub fn height(self) -> u32 {
        match self {
            Self::Wide => 280,
            Self::Narrow => 230,
        }
    }

    /// Which of two values fits.
    pub fn pick<T>(self, wide: T, narrow: T) -> T {
        match self {
            Self::Wide => wide,
            Self::Narrow => narrow,
        }
    }
}

/// Something that can be drawn.
pub trait Plot {
    /// How high it is.
    fn height(&self, size: Size) -> u32 {
        size.height()
    }

    /// Draws it.
    fn draw(&self, area: &Area<'_>, size: Size) -> Result<()>;
}

/// Draws the axes, and a line for each round value upwards; what stands below is the plot's own.
fn draw_grid(chart: &mut Chart<'_, '_>, labels: &TextStyle<'_>) -> Result<()> {
    let mut mesh = chart.configure_mesh();
    mesh.disable_x_mesh().x_labels(0).y_labels(5).set_all_tick_mark_size(0);
    mesh.bold_line_style(theme::stroke(Ink::Grid, 1)).light_line_style(TRANSPARENT);
    mesh.axis_style(theme::stroke(Ink::Axis, 1)).label_style(labels.clone());
    mesh.y_label_formatter(&|value| format!("{}\u{a0}", short(*value))).draw()?;
    Ok(())
}

/// Both sizes of a plot, as SVG elements. `label` says what is seen, for those who do not see it.
pub fn svg(plot: &dyn Plot, label: &str) -> Result<String> {
    let mut both = String::new();
    for size in [Size::Wide, Size::Narrow] {
        let (width, height) = (size.width(), plot.height(size));
        let mut text = String::new();
        {
            let area = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
            plot.draw(&area, size)?;
            area.present()?;
        }
        let class = size.pick("wide", "narrow");
        both.push_str(&theme::styled(
            &text,
            &format!(
                r#"<svg class="{class}" viewBox="0 0 {width} {height}" role="img" aria-label="{}">"#,
                theme::escaped(label)
            ),
        ));
    }
    Ok(both)
}

/// The upper end of an axis that starts at 0 and must hold `most`: a round number.
fn round_end(most: f64) -> f64 {
    if most <= 0.0 || !most.is_finite() {
        return 1.0;
    }
    let magnitude = 10_f64.powf(most.log10().floor());
    let steps = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * magnitude >= most * 1.001);
    step.unwrap_or(12.0) * magnitude
}

/// A plot without anything to see is as high as one line.
const EMPTY_HEIGHT: u32 = 56;
/// What most plots say then.
pub const NOTHING_YET: &str = "Nothing in the journal yet";

/// Says in the middle of a plot why there is nothing to see.
fn say_empty(area: &Area<'_>, size: Size, words: &str) -> Result<()> {
    let (width, height) = area.dim_in_pixel();
    let style = theme::text(Ink::Muted, size.pick(15.0, 14.0), theme::CENTER);
    let at = (i32::try_from(width / 2)?, i32::try_from(height / 2)?);
    area.draw_text(words, &style, at)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number_above_all_values() {
        assert_eq!([0.0, f64::NAN, 0.9, 100.0, 3600.0, 7_300.0].map(round_end), [1.0, 1.0, 1.0, 120.0, 4000.0, 8000.0]);
    }
}

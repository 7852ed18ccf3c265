//! The figures: a question, a plot, what it shows in one line, and its numbers as a table.

mod discovery;
mod failures;
mod forecast;
mod pace;
mod points;
mod store;

use anyhow::Result;

use crate::Report;
use crate::plot::{Ink, Plot, svg};

/// A figure, drawn.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Its place in the page.
    pub id: &'static str,
    /// The question that it answers.
    pub title: &'static str,
    /// The answer in one line.
    pub answer: String,
    /// What the colours mean.
    pub legend: Vec<(Ink, String)>,
    /// Both sizes, as SVG.
    pub svg: String,
    /// Its numbers.
    pub table: Table,
}

/// Numbers as text.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// The columns' names, with their units.
    pub head: Vec<String>,
    /// The rows; the first cell names the row.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    fn new<const N: usize>(head: [&str; N]) -> Self {
        Self { head: head.map(str::to_owned).to_vec(), rows: Vec::new() }
    }

    fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }
}

impl Figure {
    fn new(
        id: &'static str,
        title: &'static str,
        answer: String,
        legend: &[(Ink, &str)],
        plot: &dyn Plot,
        table: Table,
    ) -> Result<Self> {
        let svg = svg(plot, &format!("{title} {answer}"))?;
        let legend = legend.iter().map(|(ink, text)| (*ink, (*text).to_owned())).collect();
        Ok(Self { id, title, answer, legend, svg, table })
    }
}

/// All figures, in the order of the page.
///
/// # Errors
/// When a plot cannot be drawn.
pub fn all(report: &Report<'_>) -> Result<Vec<Figure>> {
    Ok(vec![
        forecast::forecast(report)?,
        points::points(report)?,
        pace::ranked(report)?,
        pace::cost(report)?,
        pace::queue(report)?,
        store::freshness(report)?,
        discovery::discovery(report)?,
        failures::failures(report)?,
        store::characters(report)?,
        store::bytes(report)?,
        store::distribution(report)?,
    ])
}

//! What failed, by kind.

use anyhow::Result;

use super::{Figure, Table};
use crate::Report;
use crate::format::{grouped, minute};
use crate::plot::{Ink, Row, Rows};

/// Most kinds in the plot; the table has all.
const MOST_KINDS: usize = 12;

/// Failures by stage and reason.
pub fn failures(report: &Report<'_>) -> Result<Figure> {
    let mut kinds: Vec<_> = report.history.failures.iter().collect();
    kinds.sort_by_key(|(key, failure)| (std::cmp::Reverse(failure.count), *key));
    let row = |(stage, reason): &(String, String), count: u64| Row {
        name: format!("{stage} · {reason}"),
        parts: vec![(Ink::Bad, count as f64)],
        note: grouped(count),
        note_ink: Ink::Muted,
    };
    let rows = kinds.iter().take(MOST_KINDS).map(|(key, failure)| row(key, failure.count)).collect();
    let plot = Rows { unit: "times in the time of the journal", rows };
    let total: u64 = kinds.iter().map(|(_, failure)| failure.count).sum();
    let answer = match total {
        0 => "Nothing failed.".to_owned(),
        total => format!("{} failures of {} kinds.", grouped(total), kinds.len()),
    };
    let mut table = Table::new(["Reason (numbers as #)", "Stage", "Times", "Last (UTC)"]);
    for ((stage, reason), failure) in kinds {
        table.row([reason.clone(), stage.clone(), grouped(failure.count), minute(failure.last)]);
    }
    Figure::new("failures", "What failed, and why?", answer, &[(Ink::Bad, "failures")], &plot, table)
}

//! What failed, by kind.

use anyhow::Result;

use super::{Figure, Table};
use crate::Report;
use crate::format::{grouped, minute};
use crate::plot::{Ink, NOTHING_YET, Row, Rows};

/// Most kinds in the plot; the table has all.
const MOST_KINDS: usize = 12;

/// Failures by stage and reason.
pub fn failures(report: &Report<'_>) -> Result<Figure> {
    let mut kinds: Vec<_> = report.history.failures.iter().collect();
    kinds.sort_by_key(|(key, failure)| (std::cmp::Reverse(failure.count), *key));
    let row = |key: &(String, String), count: u64| Row {
        name: format!("{} · {}", key.0, key.1),
        parts: vec![(if is_on_purpose(key) { Ink::Axis } else { Ink::Bad }, count as f64)],
        note: grouped(count),
        note_ink: Ink::Muted,
    };
    let rows = kinds.iter().take(MOST_KINDS).map(|(key, failure)| row(key, failure.count)).collect();
    let empty = if report.history.runs == 0 { NOTHING_YET } else { "Nothing failed" };
    let plot = Rows { unit: "times in the time of the journal", empty, rows };
    let (mut failures, mut of_kinds, mut returned) = (0, 0, 0);
    for (key, failure) in &kinds {
        if is_on_purpose(key) {
            returned += failure.count;
        } else {
            failures += failure.count;
            of_kinds += 1;
        }
    }
    let mut answer = match failures {
        0 => format!("None of {} runs failed", grouped(report.history.runs)),
        failures => format!("{} failures of {of_kinds} kinds", grouped(failures)),
    };
    answer += &match returned {
        0 => ".".to_owned(),
        returned => format!("; {} batches went back on purpose, for want of points.", grouped(returned)),
    };
    let mut table = Table::new(["Reason (numbers as #)", "Stage", "Times", "Last (UTC)"]);
    for ((stage, reason), failure) in kinds {
        table.row([reason.clone(), stage.clone(), grouped(failure.count), minute(failure.last)]);
    }
    let legend = [(Ink::Bad, "failures"), (Ink::Axis, "went back for want of points")];
    let legend = if returned > 0 { &legend[..] } else { &legend[..1] };
    Figure::new("failures", "What failed, and why?", answer, legend, &plot, table)
}

/// A batch without points comes again after the reset.
fn is_on_purpose((_, reason): &(String, String)) -> bool {
    reason.starts_with("NoBudget")
}

//! What discovery read, skipped and was refused, by rule.

use anyhow::Result;
use parsebook_core::history::{RuleHistory, RuleKey};

use super::{Figure, Table};
use crate::Report;
use crate::format::{difficulty, grouped, minute};
use crate::plot::{Ink, NOTHING_YET, Row, Rows};

/// Pages by rule.
pub fn discovery(report: &Report<'_>) -> Result<Figure> {
    let rules = &report.history.discovery;
    let rows = rules.iter().map(|(key, rule)| row(&name(report, key), rule)).collect();
    let plot = Rows { unit: "pages in the time of the journal", empty: NOTHING_YET, rows };
    let sum = |count: fn(&RuleHistory) -> u64| rules.values().map(count).sum::<u64>();
    let answer = format!(
        "{} pages read, {} skipped, {} refusals.",
        grouped(sum(|rule| rule.pages)),
        grouped(sum(|rule| rule.skipped)),
        grouped(sum(|rule| rule.refused))
    );
    let mut table = Table::new([
        "Rule",
        "Runs",
        "Pages",
        "Players met",
        "Reports listed",
        "Skipped",
        "Refused",
        "Last run (UTC)",
        "Stopped by",
    ]);
    for (key, rule) in rules {
        table.row([
            name(report, key),
            grouped(rule.runs),
            grouped(rule.pages),
            grouped(rule.players),
            grouped(rule.reports),
            grouped(rule.skipped),
            grouped(rule.refused),
            rule.last.map(minute).unwrap_or_default(),
            rule.last_reason.clone().unwrap_or_default(),
        ]);
    }
    let legend = [(Ink::Series(0), "pages read"), (Ink::Bad, "skipped")];
    let title = "What does each rule read, skip, and get refused?";
    Figure::new("discovery", title, answer, &legend, &plot, table)
}

fn row(name: &str, rule: &RuleHistory) -> Row {
    let mut note = format!("{} pages", grouped(rule.pages));
    for (count, what) in [(rule.skipped, "skipped"), (rule.refused, "refused")] {
        if count > 0 {
            note += &format!(" · {} {what}", grouped(count));
        }
    }
    let is_fine = rule.skipped + rule.refused == 0;
    let note_ink = if is_fine { Ink::Muted } else { Ink::Bad };
    let parts = vec![(Ink::Series(0), rule.pages as f64), (Ink::Bad, rule.skipped as f64)];
    Row { name: name.to_owned(), parts, note, note_ink }
}

/// A rule for people.
fn name(report: &Report<'_>, key: &RuleKey) -> String {
    let raid = report.raids.iter().find(|raid| raid.id == key.raid);
    let raid = raid.map_or_else(|| format!("raid {}", key.raid), |raid| raid.name.clone());
    format!("{raid} {} · {}", difficulty(key.difficulty), key.source)
}

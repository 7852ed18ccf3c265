//! What the program says. A reader that hangs up (`parsebook … | head`) is no error.

use std::io::Write;

pub use parsebook_core::difficulty::name as difficulty;
pub use parsebook_core::moment::minute;
use parsebook_core::status::RuleStatus;
pub use parsebook_report::{grouped, whole};

/// One line of result.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// One line beside the result.
pub fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// A value as one line of JSON.
pub fn say_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    say(&serde_json::to_string(value)?);
    Ok(())
}

/// A text that somebody else wrote, as one line without a terminal's commands.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// How a rule stands, in one line.
pub fn rule_state(rule: &RuleStatus) -> String {
    let last = rule.last_run.map(|at| format!("; last finished {}", minute(at))).unwrap_or_default();
    printable(&format!("{}{last}", rule.state))
}

//! What the program says. A reader that hangs up (`parsebook … | head`) is no error.

use std::io::Write;

pub use parsebook_core::difficulty::name as difficulty;
pub use parsebook_core::moment::minute;
use parsebook_core::status::RuleStatus;

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

/// 55693 as `55,693`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 55_693, 1_234_567].map(grouped), ["0", "999", "1,000", "55,693", "1,234,567"]);
    }
}

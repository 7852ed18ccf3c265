//! A check of doctor: what was looked at, whether it is well, and what to do where it is not.

use crate::output::{printable, say};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All is well, in a few words.
    Ok(String),
    /// Something is wrong.
    Failed {
        /// What.
        what: String,
        /// What mends it: a command or a place.
        fix: String,
    },
}

/// A check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// What was found.
    pub verdict: Verdict,
}

impl Check {
    /// A check that found all well.
    pub fn ok(name: impl Into<String>, what: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Ok(what.into()) }
    }

    /// A check that found something wrong.
    pub fn failed(name: impl Into<String>, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Failed { what: what.into(), fix: fix.into() } }
    }

    /// Whether all is well.
    pub fn is_ok(&self) -> bool {
        matches!(self.verdict, Verdict::Ok(_))
    }

    /// As one line.
    pub fn line(&self) -> String {
        let line = match &self.verdict {
            Verdict::Ok(what) => format!("✓ {:<18} {what}", self.name),
            Verdict::Failed { what, fix } => format!("✗ {:<18} {what}; fix: {fix}", self.name),
        };
        printable(&line)
    }
}

/// Prints the checks, a line each; answers how many found something wrong.
pub fn tell(checks: &[Check]) -> usize {
    checks.iter().for_each(|check| say(&check.line()));
    checks.iter().filter(|check| !check.is_ok()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_one_line_whatever_it_quotes() {
        assert_eq!(Check::ok("clock", "right").line(), "✓ clock              right");
        let line = Check::failed("store", "two\nlines", "mend it").line();
        assert_eq!(line, "✗ store              two lines; fix: mend it");
    }
}

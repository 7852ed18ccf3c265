//! Which moments from outside are believed, and how a moment is written for people.
//!
//! A sum that leaves chrono's calendar panics, and a window of reports that begins in the year 1 has 740,000 days. What
//! lies within the years here can be reckoned with.

use chrono::{Datelike, TimeDelta};

use crate::Timestamp;

/// Nobody logged a raid before.
pub const FIRST_YEAR: i32 = 2000;
const LAST_YEAR: i32 = 2100;

/// `at`, if it lies in the years 2000 to 2100.
///
/// # Errors
/// When it does not.
pub fn checked(at: Timestamp) -> Result<Timestamp, OutOfTime> {
    if (FIRST_YEAR..=LAST_YEAR).contains(&at.year()) { Ok(at) } else { Err(OutOfTime(at)) }
}

/// Whether `at` is told as the past but lies more than a day ahead: a clock was wrong when it was written.
pub fn is_ahead(at: Timestamp, now: Timestamp) -> bool {
    at - now > TimeDelta::days(1)
}

/// `2026-11-28 16:40 UTC`.
pub fn minute(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A moment that nobody can have meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is outside the years {FIRST_YEAR} to {LAST_YEAR}")]
pub struct OutOfTime(Timestamp);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_century_is_taken() {
        for (at, is_taken) in [
            ("1999-12-31T23:59:59Z", false),
            ("2000-01-01T00:00:00Z", true),
            ("2100-12-31T23:59:59Z", true),
            ("2101-01-01T00:00:00Z", false),
        ] {
            assert_eq!(checked(at.parse().unwrap()).is_ok(), is_taken, "{at}");
        }
        let error = checked(Timestamp::MAX_UTC).unwrap_err().to_string();
        assert!(error.ends_with("is outside the years 2000 to 2100"), "{error}");
    }
}

//! When an invocation must have ended.

use chrono::{DateTime, TimeDelta};
use parsebook_core::Timestamp;

/// The longest that AWS lets a function run.
const LONGEST: TimeDelta = TimeDelta::minutes(15);
/// A value below this cannot be a moment of this century: it is a duration.
const FIRST_MOMENT_MS: u64 = 1_000_000_000_000;

/// The deadline that the runtime told at `now`, never later than AWS allows.
///
/// AWS sends milliseconds since 1970. `cargo lambda watch` sends the milliseconds that are left, and an emulator may
/// send nothing (0).
pub fn deadline(told_ms: u64, now: Timestamp) -> Timestamp {
    let latest = now + LONGEST;
    let told = i64::try_from(told_ms).unwrap_or(i64::MAX);
    let deadline = match told_ms {
        0 => None,
        1..FIRST_MOMENT_MS => now.checked_add_signed(TimeDelta::milliseconds(told)),
        _ => DateTime::from_timestamp_millis(told),
    };
    deadline.map_or(latest, |deadline| deadline.min(latest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_durations_and_nonsense_give_a_deadline() {
        let now = DateTime::from_timestamp_millis(1_800_000_000_000).unwrap_or_default();
        let after = |told| (deadline(told, now) - now).num_milliseconds();
        assert_eq!(after(1_800_000_030_000), 30_000);
        assert_eq!(after(1_799_999_999_000), -1_000, "a moment that has passed has passed");
        assert_eq!(after(600_000), 600_000, "cargo lambda watch");
        assert_eq!([after(0), after(u64::MAX), after(1_900_000_000_000)], [900_000; 3]);
    }
}

//! The points budget: what a batch needs, which key can pay for it, and how long a consumer rests that cannot go on. Pure.

use chrono::TimeDelta;

use crate::Timestamp;
use crate::ports::KeyPoints;

/// How long after the reset a consumer begins again: clocks differ a little, and too early there would be no points.
pub const AFTER_RESET: TimeDelta = TimeDelta::seconds(5);
/// Assumed time to the reset where no key told it: points are hourly.
const UNKNOWN_RESET: TimeDelta = TimeDelta::hours(1);
/// How long nothing is asked of the API after it refused.
pub const COOLDOWN: TimeDelta = TimeDelta::hours(1);

/// When a consumer without points begins again.
pub fn wake_at(earliest_reset: Option<Timestamp>, now: Timestamp) -> Timestamp {
    earliest_reset.unwrap_or(now + UNKNOWN_RESET).max(now) + AFTER_RESET
}

/// Points a batch must find on a key before it is begun: every invocation that runs at the same time may be about to
/// spend as much.
///
/// `call_budget` is `WCL_CALL_BUDGET`, points for one player in one raid and difficulty.
pub fn required_points(call_budget: f64, concurrency_limit: u32, pair_count: usize) -> f64 {
    call_budget * f64::from(concurrency_limit.max(1)) * pair_count as f64
}

/// The answer to "who pays?".
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// This key pays.
    Key(String),
    /// No key can.
    NoBudget {
        /// When the first key has all its points again.
        earliest_reset: Option<Timestamp>,
    },
}

/// The first key that has `required` points left.
pub fn choose_key(keys: &[KeyPoints], required: f64) -> Choice {
    match keys.iter().find(|key| key.remaining >= required) {
        Some(key) => Choice::Key(key.key.clone()),
        None => Choice::NoBudget { earliest_reset: keys.iter().map(|key| key.resets_at).min() },
    }
}

/// The most points that one key has in an hour; `None` as long as a key's limit is unknown.
pub fn most_in_an_hour(keys: &[KeyPoints]) -> Option<f64> {
    // A key that was used up before it was ever read has an unknown limit, told as 0.
    if keys.is_empty() || keys.iter().any(|key| key.limit_per_hour <= 0.0) {
        return None;
    }
    Some(keys.iter().map(|key| key.limit_per_hour).fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn key(name: &str, remaining: f64, resets_in_minutes: i64) -> KeyPoints {
        KeyPoints {
            key: name.to_owned(),
            limit_per_hour: 3600.0,
            remaining,
            resets_at: Timestamp::UNIX_EPOCH + TimeDelta::minutes(resets_in_minutes),
        }
    }

    #[test]
    fn the_formula_counts_calls_concurrency_and_difficulties() {
        assert_eq!(required_points(6.0, 50, 15), 4500.0);
        assert_eq!(required_points(6.0, 0, 15), 90.0);
    }

    #[test]
    fn a_consumer_wakes_a_little_after_the_reset_and_never_in_the_past() {
        let now = Timestamp::UNIX_EPOCH + TimeDelta::hours(9);
        let after = |minutes| wake_at(Some(now + TimeDelta::minutes(minutes)), now) - now;
        assert_eq!(after(20), TimeDelta::minutes(20) + AFTER_RESET);
        assert_eq!((after(0), after(-30)), (AFTER_RESET, AFTER_RESET));
        assert_eq!(wake_at(None, now) - now, TimeDelta::hours(1) + AFTER_RESET, "points are hourly");
    }

    #[test]
    fn the_first_key_that_can_pay_pays() {
        let keys = [key("a", 10.0, 30), key("b", 90.0, 20), key("c", 3600.0, 10)];
        assert_eq!(choose_key(&keys, 90.0), Choice::Key("b".into()));
        assert_eq!(choose_key(&keys, 91.0), Choice::Key("c".into()));
        let reset = Some(Timestamp::UNIX_EPOCH + TimeDelta::minutes(10));
        assert_eq!(choose_key(&keys, 3601.0), Choice::NoBudget { earliest_reset: reset });
        assert_eq!(choose_key(&[], 1.0), Choice::NoBudget { earliest_reset: None });
    }

    #[test]
    fn the_most_in_an_hour_is_known_once_every_key_was_read() {
        let with_limit = |limit_per_hour| KeyPoints { limit_per_hour, ..key("a", 0.0, 1) };
        assert_eq!(most_in_an_hour(&[with_limit(3600.0), with_limit(18_000.0)]), Some(18_000.0));
        assert_eq!(most_in_an_hour(&[with_limit(3600.0), with_limit(0.0)]), None);
        assert_eq!(most_in_an_hour(&[]), None);
    }
}

//! What to do when no key can pay: slow the consumer down by one, or put it to sleep so that it always wakes again.

use anyhow::Context;
use chrono::TimeDelta;

use crate::Timestamp;
use crate::ports::{Clock, ConsumerSwitch, Result};

/// Limit assumed for a function that has none yet: what the reviver sets by default.
pub const DEFAULT_CONCURRENCY: u32 = 50;
/// How long after the reset the reviver is woken: clocks differ a little, and a wake-up too early would find nothing.
const AFTER_RESET: TimeDelta = TimeDelta::seconds(5);
/// A wake-up that is as near as this when the last step is done may have come before it, and be lost.
const TOO_NEAR: TimeDelta = TimeDelta::seconds(2);
/// Assumed time to the reset where no key told it: points are hourly.
const UNKNOWN_RESET: TimeDelta = TimeDelta::hours(1);

/// One step of slowing down or pausing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Create the reviver's one-time schedule, or move it.
    ScheduleRevival(Timestamp),
    /// Set the consumer's concurrency limit.
    SetLimit(u32),
    /// Stop the queue from calling the consumer.
    DisableMapping,
}

/// The steps, in the order in which they must be taken: whatever crashes between two of them, the wake-up is already
/// scheduled before anything is put to sleep.
pub fn plan(limit: u32, earliest_reset: Option<Timestamp>, now: Timestamp) -> Vec<Step> {
    match limit.saturating_sub(1) {
        0 => {
            let wake_at = earliest_reset.unwrap_or(now + UNKNOWN_RESET).max(now) + AFTER_RESET;
            vec![Step::ScheduleRevival(wake_at), Step::SetLimit(0), Step::DisableMapping]
        }
        lower => vec![Step::SetLimit(lower)],
    }
}

/// Takes the steps; stops at the first that fails, which leaves everything so that the next attempt can repeat all.
///
/// Steps may take long, and a wake-up that comes before the last one would wake nobody: it is moved in time.
pub async fn apply<S: ConsumerSwitch, C: Clock>(switch: &S, clock: &C, steps: &[Step]) -> Result<()> {
    let mut wakes_at = None;
    let keep_ahead = async |wakes_at: &mut Option<Timestamp>| {
        let now = clock.now();
        if wakes_at.is_some_and(|at| at <= now + TOO_NEAR) {
            let moved = switch.schedule_revival(now + AFTER_RESET).await;
            *wakes_at = Some(moved.context("scheduling the reviver once more")?);
        }
        anyhow::Ok(())
    };
    for step in steps {
        match *step {
            Step::ScheduleRevival(at) => {
                wakes_at = Some(switch.schedule_revival(at).await.context("scheduling the reviver")?);
            }
            Step::SetLimit(limit) => {
                keep_ahead(&mut wakes_at).await?;
                switch.set_concurrency_limit(limit).await.context("setting the concurrency limit")?;
            }
            Step::DisableMapping => {
                keep_ahead(&mut wakes_at).await?;
                switch.disable_mapping().await.context("disabling the queue mapping")?;
            }
        }
    }
    keep_ahead(&mut wakes_at).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_goes_down_by_one_and_sleep_is_scheduled_first() {
        let now = Timestamp::UNIX_EPOCH;
        let reset = now + TimeDelta::minutes(20);
        assert_eq!(plan(50, Some(reset), now), [Step::SetLimit(49)]);
        assert_eq!(plan(2, Some(reset), now), [Step::SetLimit(1)]);
        let asleep = [Step::ScheduleRevival(reset + AFTER_RESET), Step::SetLimit(0), Step::DisableMapping];
        assert_eq!(plan(1, Some(reset), now), asleep);
        assert_eq!(plan(0, Some(reset), now), asleep);
    }

    #[test]
    fn a_reset_that_is_over_or_unknown_still_wakes_in_the_future() {
        let now = Timestamp::UNIX_EPOCH + TimeDelta::days(1);
        let wake = |reset| match plan(1, reset, now)[0] {
            Step::ScheduleRevival(at) => at,
            Step::SetLimit(_) | Step::DisableMapping => now,
        };
        assert_eq!(wake(Some(now - TimeDelta::minutes(1))), now + AFTER_RESET);
        assert_eq!(wake(None), now + UNKNOWN_RESET + AFTER_RESET);
    }
}

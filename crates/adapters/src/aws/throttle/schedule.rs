//! The one-time schedule that wakes the reviver.

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState,
    Target,
};
use backon::Retryable;
use chrono::{SubsecRound, TimeDelta};
use parsebook_core::Timestamp;
use parsebook_core::ports::{Clock, Result};

use super::{TO_SET, described, is_one_of, is_throttled, patience};
use crate::settings::Reviver;

/// A wake-up is never scheduled closer than this: Scheduler does not fire what is past when it arrives.
/// The steps of falling asleep take less than this, unless AWS is slow.
const SHORTEST_NOTICE: TimeDelta = TimeDelta::seconds(30);

/// A wake-up that Scheduler has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scheduled {
    /// When it comes.
    pub at: Timestamp,
    /// Whether it was moved. One that has fired is still there for a moment, takes a new time, and vanishes with it.
    pub was_there: bool,
}

/// Makes the schedule.
#[derive(Debug, Clone)]
pub struct WakeUp<C> {
    scheduler: Client,
    reviver: Reviver,
    clock: C,
}

impl<C: Clock> WakeUp<C> {
    /// Wakes `reviver`.
    pub fn new(config: &SdkConfig, reviver: Reviver, clock: C) -> Self {
        Self { scheduler: Client::new(config), reviver, clock }
    }

    /// Creates the schedule, or moves it. Answers for when, which is `at` or a little later.
    ///
    /// # Errors
    /// When Scheduler does not take it.
    pub(super) async fn schedule(&self, at: Timestamp) -> Result<Scheduled> {
        // Whole seconds, and never before the moment that was asked for.
        let at = at.max(self.clock.now() + SHORTEST_NOTICE) + TimeDelta::milliseconds(999);
        let at = at.trunc_subsecs(0);
        let put = || self.put(at);
        let was_there = put.retry(patience(TO_SET)).when(|(again, _)| *again).await.map_err(|(_, error)| error)?;
        Ok(Scheduled { at, was_there })
    }

    /// Creates or replaces the schedule from one complete definition: an update resets what it leaves out. Answers whether it
    /// was there. An error says whether trying again may help.
    async fn put(&self, at: Timestamp) -> std::result::Result<bool, (bool, anyhow::Error)> {
        let text = at.format("%Y-%m-%dT%H:%M:%S").to_string();
        let expression = format!("at({text})");
        let window = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build();
        let window = window.map_err(|error| (false, error.into()))?;
        let target = self.target(&text).map_err(|error| (false, error))?;
        let description = "Wakes player-rank when WCL's points are back; made by player-rank itself";
        let created = self
            .scheduler
            .create_schedule()
            .name(&self.reviver.schedule_name)
            .schedule_expression(&expression)
            .schedule_expression_timezone("UTC")
            .flexible_time_window(window.clone())
            .action_after_completion(ActionAfterCompletion::Delete)
            .description(description)
            .state(ScheduleState::Enabled)
            .target(target.clone())
            .send()
            .await;
        match created {
            Ok(_) => return Ok(false),
            Err(error) if is_one_of(&error, &["ConflictException"]) => {}
            Err(error) => return Err((is_throttled(&error), described(error).context("creating the schedule"))),
        }
        let updated = self
            .scheduler
            .update_schedule()
            .name(&self.reviver.schedule_name)
            .schedule_expression(&expression)
            .schedule_expression_timezone("UTC")
            .flexible_time_window(window)
            .action_after_completion(ActionAfterCompletion::Delete)
            .description(description)
            .state(ScheduleState::Enabled)
            .target(target)
            .send()
            .await;
        updated.map(|_| true).map_err(|error| {
            // It fired and went in between, or another invocation writes it at this moment.
            let is_passing = is_one_of(&error, &["ResourceNotFoundException", "ConflictException"]);
            (is_passing || is_throttled(&error), described(error).context("moving the schedule"))
        })
    }

    fn target(&self, at: &str) -> Result<Target> {
        let retries = RetryPolicy::builder().maximum_event_age_in_seconds(3600).maximum_retry_attempts(20).build();
        let dead_letters =
            self.reviver.dead_letters_arn.as_ref().map(|arn| DeadLetterConfig::builder().arn(arn).build());
        Target::builder()
            .arn(&self.reviver.function_arn)
            .role_arn(&self.reviver.role_arn)
            .input(format!(r#"{{"reason":"points are back","scheduledFor":"{at}Z"}}"#))
            .retry_policy(retries)
            .set_dead_letter_config(dead_letters)
            .build()
            .context("the schedule's target")
    }
}

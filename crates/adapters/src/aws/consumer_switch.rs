//! The switch of the queue's consumer: its reserved concurrency, its queue mapping, and the one-time schedule.
//!
//! Nothing else sets these three: the template names neither reserved concurrency nor `Enabled`, so a deployment does
//! not wake a paused consumer. Every call may be made twice, or by several invocations at once: each states the whole
//! result it wants, and is repeated where AWS says that another change is under way.

use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use aws_config::SdkConfig;
use aws_sdk_lambda::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, ScheduleState, Target,
};
use backon::{ExponentialBuilder, Retryable};
use chrono::{SubsecRound, TimeDelta};
use parsebook_core::Timestamp;
use parsebook_core::ports::{Clock, ConsumerSwitch, Result};

/// The one-time schedule that wakes the reviver.
#[derive(Debug, Clone)]
pub struct Revival {
    /// `REVIVER_SCHEDULE_NAME`, in the group `default`.
    pub schedule_name: String,
    /// `REVIVER_FUNCTION_ARN`.
    pub function_arn: String,
    /// `SCHEDULER_ROLE_ARN`: the role with which the schedule calls the reviver.
    pub role_arn: String,
}

/// A wake-up is never scheduled closer than this: Scheduler does not fire what is past when it arrives.
/// The steps of a pause take less than this, unless AWS is slow.
const SHORTEST_NOTICE: TimeDelta = TimeDelta::seconds(30);

/// The switch of one function.
#[derive(Debug, Clone)]
pub struct LambdaSwitch<C> {
    lambda: aws_sdk_lambda::Client,
    scheduler: aws_sdk_scheduler::Client,
    function: String,
    revival: Option<Revival>,
    clock: C,
}

impl<C: Clock> LambdaSwitch<C> {
    /// The switch of `function` (a name or an ARN). Without `revival` it cannot schedule one: the reviver need not.
    pub fn new(config: &SdkConfig, function: String, revival: Option<Revival>, clock: C) -> Self {
        Self {
            lambda: aws_sdk_lambda::Client::new(config),
            scheduler: aws_sdk_scheduler::Client::new(config),
            function,
            revival,
            clock,
        }
    }

    /// Switches every SQS mapping of the function.
    async fn switch_mappings(&self, enabled: bool) -> Result<()> {
        let mut mappings = Vec::new();
        let mut pages =
            self.lambda.list_event_source_mappings().function_name(&self.function).into_paginator().items().send();
        while let Some(mapping) = pages.next().await {
            let mapping = mapping.map_err(told).context("listing the function's mappings")?;
            if mapping.event_source_arn().is_some_and(|arn| arn.split(':').nth(2) == Some("sqs")) {
                let is_going_off = mapping.state().is_some_and(|state| matches!(state, "Disabling" | "Disabled"));
                mappings.push((mapping.uuid.context("a mapping without an id")?, is_going_off));
            }
        }
        ensure!(!mappings.is_empty(), "function {} has no queue mapping", self.function);
        // Another invocation was first: to ask again would be to wait until AWS is through with it. The other way round
        // it is asked in any case, for a mapping that shows as enabled may be about to be disabled.
        for (id, _) in mappings.iter().filter(|(_, is_going_off)| enabled || !is_going_off) {
            let update = || self.lambda.update_event_source_mapping().uuid(id).enabled(enabled).send();
            // A mapping that is being changed refuses to be changed; that takes up to a minute.
            update
                .retry(patience())
                .when(|error| is_one_of(error, &["ResourceInUseException", "ResourceConflictException"]))
                .await
                .map_err(told)
                .with_context(|| format!("{} mapping {id}", if enabled { "enabling" } else { "disabling" }))?;
        }
        Ok(())
    }

    /// Creates or replaces the schedule from one complete definition: an update resets what it leaves out.
    async fn put_schedule(&self, revival: &Revival, at: Timestamp) -> std::result::Result<(), (bool, anyhow::Error)> {
        let text = at.format("%Y-%m-%dT%H:%M:%S").to_string();
        let target = Target::builder()
            .arn(&revival.function_arn)
            .role_arn(&revival.role_arn)
            .input(format!(r#"{{"reason":"points are back","scheduledFor":"{text}Z"}}"#))
            .retry_policy(RetryPolicy::builder().maximum_event_age_in_seconds(3600).maximum_retry_attempts(20).build())
            .build()
            .map_err(|error| (false, error.into()))?;
        let window = FlexibleTimeWindow::builder()
            .mode(FlexibleTimeWindowMode::Off)
            .build()
            .map_err(|error| (false, error.into()))?;
        let description = "Wakes player-rank when WCL's points are back; made by player-rank itself";
        let created = self
            .scheduler
            .create_schedule()
            .name(&revival.schedule_name)
            .schedule_expression(format!("at({text})"))
            .schedule_expression_timezone("UTC")
            .flexible_time_window(window.clone())
            .action_after_completion(ActionAfterCompletion::Delete)
            .description(description)
            .state(ScheduleState::Enabled)
            .target(target.clone())
            .send()
            .await;
        match created {
            Ok(_) => return Ok(()),
            Err(error) if is_one_of(&error, &["ConflictException"]) => {}
            Err(error) => return Err((false, told(error).context("creating the schedule"))),
        }
        let updated = self
            .scheduler
            .update_schedule()
            .name(&revival.schedule_name)
            .schedule_expression(format!("at({text})"))
            .schedule_expression_timezone("UTC")
            .flexible_time_window(window)
            .action_after_completion(ActionAfterCompletion::Delete)
            .description(description)
            .state(ScheduleState::Enabled)
            .target(target)
            .send()
            .await;
        updated.map(|_| ()).map_err(|error| {
            // It fired and went in between, or another invocation writes it at this moment.
            let again = is_one_of(&error, &["ResourceNotFoundException", "ConflictException"]);
            (again, told(error).context("moving the schedule"))
        })
    }
}

/// Waits of some 40 s together.
fn patience() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(10))
        .with_max_times(9)
        .with_jitter()
}

fn is_one_of<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, codes: &[&str]) -> bool {
    error.code().is_some_and(|code| codes.contains(&code))
}

fn told<E: std::error::Error + Send + Sync + 'static, R: std::fmt::Debug + Send + Sync + 'static>(
    error: SdkError<E, R>,
) -> anyhow::Error {
    anyhow!("{}", DisplayErrorContext(&error))
}

impl<C: Clock> ConsumerSwitch for LambdaSwitch<C> {
    async fn concurrency_limit(&self) -> Result<Option<u32>> {
        let answer = self.lambda.get_function_concurrency().function_name(&self.function).send().await;
        let limit = answer.map_err(told)?.reserved_concurrent_executions;
        limit.map(u32::try_from).transpose().context("AWS tells a negative concurrency limit")
    }

    async fn set_concurrency_limit(&self, limit: u32) -> Result<()> {
        let limit = i32::try_from(limit).context("the concurrency limit is too large")?;
        let put = || {
            self.lambda
                .put_function_concurrency()
                .function_name(&self.function)
                .reserved_concurrent_executions(limit)
                .send()
        };
        put.retry(patience()).when(|error| is_one_of(error, &["ResourceConflictException"])).await.map_err(told)?;
        Ok(())
    }

    async fn schedule_revival(&self, at: Timestamp) -> Result<Timestamp> {
        let revival = self.revival.as_ref().context("this program has no revival schedule")?;
        // Whole seconds, and never before the moment that was asked for.
        let at = at.max(self.clock.now() + SHORTEST_NOTICE) + TimeDelta::milliseconds(999);
        let at = at.trunc_subsecs(0);
        let put = || self.put_schedule(revival, at);
        put.retry(patience()).when(|(again, _)| *again).await.map_err(|(_, error)| error)?;
        Ok(at)
    }

    async fn disable_mapping(&self) -> Result<()> {
        self.switch_mappings(false).await
    }

    async fn enable_mapping(&self) -> Result<()> {
        self.switch_mappings(true).await
    }
}

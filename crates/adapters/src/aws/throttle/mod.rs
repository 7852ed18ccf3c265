//! Slowing the queue's consumer down, putting it to sleep, and waking it: Lambda's concurrency limit, the one-time
//! schedule of the reviver, and the queue's mapping.
//!
//! Nothing else sets these three: the template names neither reserved concurrency nor `Enabled`, so a deployment does
//! not wake a sleeping consumer. A crash between two steps never leaves the pipeline asleep: the wake-up is scheduled
//! before the limit becomes 0, the mapping is disabled last. Every call may be made twice.

mod mapping;
mod schedule;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use backon::{ExponentialBuilder, Retryable};
use chrono::TimeDelta;
use parsebook_core::Timestamp;
use parsebook_core::budget::{AFTER_RESET, wake_at};
use parsebook_core::ports::{Clock, Result};
use serde::Serialize;

pub use self::schedule::WakeUp;
use super::described;
use crate::mongo::{Lowered, Turns};

/// How long a limit that was read from AWS is believed. All of Lambda's control plane takes 15 requests a second in an
/// account and region.
const BELIEVED_FOR: TimeDelta = TimeDelta::seconds(15);
/// A schedule that is as near as this when the last step is done may have fired before it, in vain.
const TOO_NEAR: TimeDelta = TimeDelta::seconds(2);

/// How long a control plane that is throttled is waited for, by step: five steps and a mapping that is changing still fit
/// into an invocation of player-rank, and three into reviver's minute.
const TO_READ: Duration = Duration::from_secs(5);
const TO_SET: Duration = Duration::from_secs(12);
/// A mapping that is being changed refuses to be changed; that takes up to a minute. What lasts longer than this is left to
/// the next try: another invocation's, or the safety-net schedule's.
const TO_SWITCH: Duration = Duration::from_secs(40);

/// A function that consumes the queue.
#[derive(Debug, Clone)]
pub struct Consumer {
    lambda: Client,
    function: String,
}

impl Consumer {
    /// `function`: a name or an ARN.
    pub fn new(config: &SdkConfig, function: String) -> Self {
        // What is tried again is tried again here, and for a bounded time.
        let once = aws_sdk_lambda::config::Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self { lambda: Client::from_conf(once), function }
    }

    /// The concurrency limit; `None` where none is set.
    async fn limit(&self) -> Result<Option<u32>> {
        let get = || self.lambda.get_function_concurrency().function_name(&self.function).send();
        let answer = get.retry(patience(TO_READ)).when(is_passing).await.map_err(described);
        let limit = answer.context("reading the concurrency limit")?.reserved_concurrent_executions;
        limit.map(u32::try_from).transpose().context("AWS tells a negative concurrency limit")
    }

    async fn set_limit(&self, limit: u32) -> Result<()> {
        let reserved = i32::try_from(limit).context("the concurrency limit is too large")?;
        let put = || {
            let put = self.lambda.put_function_concurrency().function_name(&self.function);
            put.reserved_concurrent_executions(reserved).send()
        };
        put.retry(patience(TO_SET))
            .when(|error| is_passing(error) || is_one_of(error, &["ResourceConflictException"]))
            .await
            .map_err(described)
            .with_context(|| format!("setting the concurrency limit to {limit}"))?;
        Ok(())
    }

    async fn remove_limit(&self) -> Result<()> {
        let delete = || self.lambda.delete_function_concurrency().function_name(&self.function).send();
        delete
            .retry(patience(TO_SET))
            .when(|error| is_passing(error) || is_one_of(error, &["ResourceConflictException"]))
            .await
            .map_err(described)
            .context("removing the concurrency limit")?;
        Ok(())
    }

    /// Lets the consumer work again: the limit first, so that the queue never meets a consumer without room. Where it
    /// cannot be set, as in an account that cannot reserve concurrency, there is none from then on, and the mapping's own
    /// maximum holds.
    ///
    /// # Errors
    /// When the mapping cannot be enabled, or, after that, when the limit could be neither set nor removed; the safety-net
    /// schedule tries again.
    pub async fn wake(&self, limit: u32) -> Result<Woken> {
        let before = self.limit().await;
        let set = match &before {
            Ok(Some(present)) if *present == limit => Ok(()),
            _ => self.set_limit(limit).await,
        };
        // An account that cannot reserve takes 0 and nothing else: the 0 of falling asleep would stay for ever.
        let has_one = !matches!(before, Ok(None));
        let removed = if set.is_err() && has_one { self.remove_limit().await } else { Ok(()) };
        mapping::switch(self, true).await?;
        removed?;
        Ok(Woken {
            concurrency_limit: set.is_ok().then_some(limit),
            concurrency_limit_before: before.unwrap_or_else(|error| {
                tracing::warn!(error = format!("{error:#}"), "the concurrency limit could not be read");
                None
            }),
            limit_not_set: set.err().map(|error| format!("{error:#}")),
        })
    }
}

/// What waking did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Woken {
    /// The limit that the consumer has now; absent when it could not be set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency_limit: Option<u32>,
    /// The limit it had; absent when it had none.
    pub concurrency_limit_before: Option<u32>,
    /// Why the limit was left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_not_set: Option<String>,
}

/// What slowing down did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slowed {
    /// The consumer's limit is this now.
    To(u32),
    /// It sleeps; the reviver is woken then.
    Asleep(Timestamp),
}

/// Slows a consumer down when no key can pay.
#[derive(Debug)]
pub struct Throttle<C> {
    consumer: Consumer,
    wake_up: WakeUp<C>,
    /// Assumed where AWS has no limit for the function: `CONCURRENCY_LIMIT`.
    configured_limit: u32,
    clock: C,
    read: Mutex<Option<(u32, Timestamp)>>,
}

impl<C: Clock> Throttle<C> {
    /// The throttle of `consumer`, which `wake_up` ends.
    pub fn new(consumer: Consumer, wake_up: WakeUp<C>, configured_limit: u32, clock: C) -> Self {
        Self { consumer, wake_up, configured_limit, clock, read: Mutex::new(None) }
    }

    /// The concurrency limit, read from AWS at most every 15 s. Where it cannot be read, the one of before, or the configured.
    pub async fn limit(&self) -> u32 {
        let now = self.clock.now();
        let believed = self.believed().filter(|(_, read_at)| now - *read_at < BELIEVED_FOR);
        match believed {
            Some((limit, _)) => limit,
            None => self.read_limit().await.unwrap_or_else(|error| {
                let limit = self.believed().map_or(self.configured_limit, |(limit, _)| limit);
                tracing::warn!(error = format!("{error:#}"), limit, "the concurrency limit of before is assumed");
                limit
            }),
        }
    }

    fn believed(&self) -> Option<(u32, Timestamp)> {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn believe(&self, limit: u32) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some((limit, self.clock.now()));
    }

    async fn read_limit(&self) -> Result<u32> {
        let limit = self.consumer.limit().await?.unwrap_or(self.configured_limit);
        self.believe(limit);
        Ok(limit)
    }

    /// Lowers the limit by one; at 0 the consumer sleeps until `earliest_reset`. Invocations at the same time take
    /// turns through the store, so that none lifts what another has lowered.
    ///
    /// # Errors
    /// When neither lowering nor sleeping is to be had.
    pub async fn slow_down<T: Turns>(&self, turns: &T, earliest_reset: Option<Timestamp>) -> Result<Slowed> {
        let now = self.clock.now();
        let wake_at = wake_at(earliest_reset, now);
        let turn = turns.take_turn(&self.consumer.function).await?;
        let mut told = None;
        let lowered = async {
            let limit = turn.limit(*told.insert(self.read_limit().await?)).saturating_sub(1);
            if limit > 0 {
                self.consumer.set_limit(limit).await?;
                self.believe(limit);
            }
            anyhow::Ok(limit)
        };
        let slowed = match lowered.await {
            Ok(limit) if limit > 0 => Ok(Slowed::To(limit)),
            Ok(_) => self.put_to_sleep(wake_at).await.map(Slowed::Asleep),
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "the limit cannot be lowered: sleeping at once");
                self.put_to_sleep(wake_at).await.map(Slowed::Asleep)
            }
        };
        let limit = match slowed {
            Ok(Slowed::To(limit)) => Some(limit),
            Ok(Slowed::Asleep(_)) => Some(0),
            Err(_) => None,
        };
        let lowered = limit.map(|limit| Lowered { limit, told: told.unwrap_or(limit) });
        turns.end_turn(&self.consumer.function, turn, lowered).await?;
        slowed
    }

    /// Puts the consumer to sleep until `wake_at` or a little later: schedule, limit 0, mapping off, in this order.
    /// A limit that cannot be set does not keep the mapping on.
    ///
    /// # Errors
    /// When the schedule cannot be made or the mapping cannot be disabled: the consumer then goes on awake.
    pub async fn put_to_sleep(&self, wake_at: Timestamp) -> Result<Timestamp> {
        let scheduled = self.wake_up.schedule(wake_at).await.context("scheduling the reviver")?;
        let mut wakes_at = scheduled.at;
        match self.consumer.set_limit(0).await {
            Ok(()) => self.believe(0),
            Err(error) => tracing::warn!(error = format!("{error:#}"), "sleeping by the mapping alone"),
        }
        self.keep_ahead(&mut wakes_at).await?;
        mapping::switch(&self.consumer, false).await?;
        self.keep_ahead(&mut wakes_at).await?;
        if scheduled.was_there {
            // Should it have vanished meanwhile, it is made anew.
            wakes_at = self.wake_up.schedule(wakes_at).await.context("scheduling the reviver once more")?.at;
        }
        Ok(wakes_at)
    }

    /// Steps may take long, and a wake-up before the last of them would wake nobody: it is moved in time.
    async fn keep_ahead(&self, wakes_at: &mut Timestamp) -> Result<()> {
        let now = self.clock.now();
        if *wakes_at <= now + TOO_NEAR {
            *wakes_at = self.wake_up.schedule(now + AFTER_RESET).await.context("scheduling the reviver once more")?.at;
        }
        Ok(())
    }
}

/// Waits that last so long together.
fn patience(total: Duration) -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(5))
        .without_max_times()
        .with_total_delay(Some(total))
        .with_jitter()
}

/// Whether the same call may succeed in a moment: the control plane has had too many requests, fails, or is not reached.
fn is_passing<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let is_failing = error.raw_response().is_some_and(|answer| answer.status().is_server_error());
    let is_unreached = matches!(error, SdkError::TimeoutError(_) | SdkError::DispatchFailure(_));
    is_throttled(error) || is_failing || is_unreached
}

fn is_one_of<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>, codes: &[&str]) -> bool {
    error.code().is_some_and(|code| codes.contains(&code))
}

/// Whether the control plane has had too many requests.
fn is_throttled<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    is_one_of(error, &["TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded"])
}

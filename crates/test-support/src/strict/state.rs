//! What the proxy is told to do, and what it remembers of what was asked.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::{self, Upstream};
use super::rate::Rate;

/// Which habits of a real account are switched on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strictness {
    /// Requests a second that all of Lambda's control plane takes from an account; beyond it `TooManyRequestsException`.
    pub control_plane_per_second: Option<u32>,
    /// The account's concurrent executions, of which at most 100 must stay unreserved.
    pub concurrency_quota: Option<u32>,
    /// How long a mapping is `Enabling` or `Disabling`, and a function being updated; a second change is refused meanwhile.
    pub transition: Option<Duration>,
    /// A schedule with `rate()` fires as soon as it is there.
    pub fires_rates_at_once: bool,
    /// First firings and one-time schedules come twice.
    pub repeats_wake_ups: bool,
    /// Every `n`th message is in the queue twice.
    pub repeats_message: Option<u64>,
    /// Metrics reach CloudWatch so much later.
    pub metric_delay: Option<Duration>,
}

impl Default for Strictness {
    /// Everything on, with the numbers of a grown account, and transitions of 2 s in place of up to a minute.
    fn default() -> Self {
        Self {
            control_plane_per_second: Some(15),
            concurrency_quota: Some(1000),
            transition: Some(Duration::from_secs(2)),
            fires_rates_at_once: true,
            repeats_wake_ups: true,
            repeats_message: Some(50),
            metric_delay: Some(Duration::from_secs(30)),
        }
    }
}

impl Strictness {
    /// Nothing on.
    pub fn off() -> Self {
        Self {
            control_plane_per_second: None,
            concurrency_quota: None,
            transition: None,
            fires_rates_at_once: false,
            repeats_wake_ups: false,
            repeats_message: None,
            metric_delay: None,
        }
    }

    /// A new account, with a quota of ten.
    pub fn new_account() -> Self {
        Self { concurrency_quota: Some(10), ..Self::default() }
    }
}

/// What was asked so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Requests to Lambda's control plane, by the call's name, throttled ones included.
    pub control_plane: BTreeMap<&'static str, u64>,
    /// Requests that were refused, by the exception's name.
    pub refused: BTreeMap<&'static str, u64>,
    /// Wake-ups that the proxy made: first firings and repetitions, by the schedule's name.
    pub wake_ups: BTreeMap<String, u64>,
    /// Messages that were sent a second time.
    pub repeated_messages: u64,
}

impl Seen {
    /// All requests to Lambda's control plane.
    pub fn control_plane_calls(&self) -> u64 {
        self.control_plane.values().sum()
    }
}

/// Concurrent executions of an account and region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quota(pub(super) u32);

impl Quota {
    /// What must stay unreserved: 100, or all of a smaller quota.
    pub(super) fn least_unreserved(self) -> u32 {
        self.0.min(100)
    }

    /// Whether `wanted` may be reserved beside what others have; else the exception's message.
    pub(super) fn check(self, reserved_by_others: u32, wanted: u32) -> Result<(), String> {
        if reserved_by_others + wanted + self.least_unreserved() <= self.0 || wanted == 0 {
            return Ok(());
        }
        Err(format!(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its \
             minimum value of [{}].",
            self.least_unreserved()
        ))
    }
}

/// Picks every `n`th message.
#[derive(Debug)]
pub(super) struct Repeater {
    every: Option<u64>,
    sent: AtomicU64,
}

impl Repeater {
    pub(super) fn new(every: Option<u64>) -> Self {
        Self { every, sent: AtomicU64::new(0) }
    }

    pub(super) fn picks_next(&self) -> bool {
        let Some(every) = self.every else { return false };
        (self.sent.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(every)
    }

    /// The body of a call that sends the picked messages of this one's, and how many those are.
    pub(super) fn again(&self, mut body: Value) -> Option<(Value, u64)> {
        let Some(entries) = body.get_mut("Entries").and_then(Value::as_array_mut) else {
            return self.picks_next().then_some((body, 1));
        };
        entries.retain(|_| self.picks_next());
        let picked = entries.len() as u64;
        (picked > 0).then(|| (json!({ "QueueUrl": body["QueueUrl"], "Entries": body["Entries"] }), picked))
    }
}

/// What is being changed, and until when.
#[derive(Debug, Default)]
pub(super) struct Transitions(Mutex<BTreeMap<String, (Instant, &'static str)>>);

impl Transitions {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (Instant, &'static str)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state in which something is that is being changed.
    pub(super) fn state(&self, name: &str) -> Option<&'static str> {
        self.lock().get(name).filter(|(until, _)| *until > Instant::now()).map(|(_, state)| *state)
    }

    pub(super) fn begin(&self, name: &str, until: Instant, state: &'static str) {
        self.lock().insert(name.to_owned(), (until, state));
    }
}

/// The proxy's settings, and what it remembers.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) strictness: Strictness,
    pub(super) upstream: Upstream,
    pub(super) rate: Rate,
    pub(super) transitions: Transitions,
    pub(super) repeater: Repeater,
    pub(super) seen: Mutex<Seen>,
}

impl Inner {
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn refuse(&self, status: StatusCode, exception: &'static str, message: &str) -> Response {
        *self.seen().refused.entry(exception).or_default() += 1;
        answer::exception(status, exception, message)
    }
}

/// The quota, where one is set.
pub(super) fn quota(inner: &Inner) -> Option<Quota> {
    inner.strictness.concurrency_quota.map(Quota)
}

//! Time that a test turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use parsebook_core::Timestamp;
use parsebook_core::ports::Clock;

/// A clock on which sleeping takes no time: a sleep moves it on at once. Clones share the time.
///
/// It also moves on by itself with real time, so that two moments differ as they would.
#[derive(Debug, Clone)]
pub struct SimulatedClock {
    started: Timestamp,
    started_at: std::time::Instant,
    slept_millis: Arc<AtomicI64>,
}

impl SimulatedClock {
    /// A clock that shows `start` now.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { started: start, started_at: std::time::Instant::now(), slept_millis: Arc::default() }
    }

    /// Moves the clock on.
    pub fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        self.slept_millis.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        let real = TimeDelta::from_std(self.started_at.elapsed()).unwrap_or_default();
        self.started + real + TimeDelta::milliseconds(self.slept_millis.load(Ordering::Relaxed))
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
        tokio::task::yield_now().await;
    }
}

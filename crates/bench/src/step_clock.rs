//! Time in steps: hours of waiting take no time, and what would wait beyond a step is cut short.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use parsebook_core::Timestamp;
use parsebook_core::ports::Clock;
use tokio::sync::Notify;

/// How long a step is.
pub const STEP: TimeDelta = TimeDelta::minutes(30);

/// A clock that stands still but for sleeps; a sleep beyond the step's end never wakes, and says so.
#[derive(Debug, Clone)]
pub struct StepClock {
    now_millis: Arc<AtomicI64>,
    end_millis: Arc<AtomicI64>,
    at_end: Arc<Notify>,
}

impl StepClock {
    pub fn starting_at(start: Timestamp) -> Self {
        let millis = Arc::new(AtomicI64::new(start.timestamp_millis()));
        Self { now_millis: millis.clone(), end_millis: Arc::new(AtomicI64::new(i64::MAX)), at_end: Arc::default() }
    }

    /// Does `work` from the step's begin on, to its end or the step's, whatever comes first.
    pub async fn work(&self, from: Timestamp, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
        self.now_millis.store(from.timestamp_millis(), Ordering::Relaxed);
        self.end_millis.store((from + STEP).timestamp_millis(), Ordering::Relaxed);
        tokio::select! {
            worked = work => worked,
            () = self.at_end.notified() => Ok(()),
        }
    }
}

impl Clock for StepClock {
    fn now(&self) -> Timestamp {
        DateTime::from_timestamp_millis(self.now_millis.load(Ordering::Relaxed)).unwrap_or_default()
    }

    async fn sleep(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let (now, end) = (self.now_millis.load(Ordering::Relaxed), self.end_millis.load(Ordering::Relaxed));
        if now.saturating_add(millis) > end {
            self.at_end.notify_one();
            std::future::pending::<()>().await;
        }
        self.now_millis.fetch_add(millis, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
}

//! The simulator's time: the real one, or one that a test or an operator moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// A clock that stands still, or runs `speed` times as fast as the real one, and can be moved. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct SimulatedClock {
    /// Unix milliseconds at the start, moved by [`Self::advance`].
    base_ms: Arc<AtomicI64>,
    started: Instant,
    speed: f64,
}

impl SimulatedClock {
    /// A clock that stands still at `start`.
    pub fn new(start: DateTime<Utc>) -> Self {
        Self::running(start, 0.0)
    }

    /// A clock that begins at `start` and runs `speed` simulated seconds a second.
    pub fn running(start: DateTime<Utc>, speed: f64) -> Self {
        Self { base_ms: Arc::new(AtomicI64::new(start.timestamp_millis())), started: Instant::now(), speed }
    }

    /// The simulated time.
    pub fn now(&self) -> DateTime<Utc> {
        let run_ms = self.started.elapsed().as_secs_f64() * 1000.0 * self.speed;
        let now_ms = self.base_ms.load(Ordering::Relaxed).saturating_add(run_ms as i64);
        DateTime::from_timestamp_millis(now_ms).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.shift(TimeDelta::from_std(by).unwrap_or(TimeDelta::zero()));
    }

    /// Moves the clock on or back: clocks jump.
    pub fn shift(&self, by: TimeDelta) {
        self.base_ms.fetch_add(by.num_milliseconds(), Ordering::Relaxed);
    }

    /// The clock as [`Config::clock`](crate::Config::clock) takes it.
    pub fn clock(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

/// How far `POST /simulator/clock` is to move the clock.
#[derive(Debug, Deserialize)]
pub(crate) struct Move {
    /// Seconds; below 0 the clock goes back.
    advance: i32,
}

/// Moves the clock and tells the new time; without a simulated clock there is nothing to move.
pub(crate) async fn advance(State(clock): State<Option<SimulatedClock>>, Query(by): Query<Move>) -> Response {
    let Some(clock) = clock else {
        return (StatusCode::NOT_FOUND, "the simulator runs by the real time").into_response();
    };
    clock.shift(TimeDelta::seconds(by.advance.into()));
    Json(json!({"now": clock.now()})).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_are_moved_together() {
        let clock = SimulatedClock::new(DateTime::<Utc>::UNIX_EPOCH);
        let told = clock.clock();
        clock.advance(Duration::from_secs(86_400));
        clock.shift(TimeDelta::hours(-1));
        assert_eq!((told)(), DateTime::from_timestamp(82_800, 0).unwrap());
    }
}

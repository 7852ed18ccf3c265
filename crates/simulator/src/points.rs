//! The two limiters of the API: points per client and hour, and requests per window.
//!
//! # Points (WCL publishes no formula, these are measurements and planning figures: `docs/wcl.md`)
//! - 1 for each item asked of the world: a character alias, a zone, a report;
//! - 5 more for each `zoneRankings`, 1 more for each `encounterRankings`;
//! - of a report 1 more each for `rankedCharacters` and `fights`; 2 for each `rankings` field, or 2 for each kill it has
//!   ([`Behaviour::price`](crate::Behaviour::price)), of which the first has the report's own point in it;
//! - 1 for a page of `reports`, nothing for the rows themselves;
//! - a query of `rateLimitData` alone costs 1.00, beside anything else it is free;
//! - a query that is invalid, or refused, costs nothing.
//!
//! Points are reset in full at the end of each hour. A reading shows what was spent *before* the query that carries it.
//! A query is admitted as long as anything is left, so the last one may overdraw.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// What the `limitPerHour` field says when points are unlimited.
pub const UNLIMITED: i32 = 1_000_000_000;

/// `rateLimitData` as of one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reading {
    pub limit: i32,
    pub spent: f64,
    /// Whole seconds until the reset, rounded up.
    pub resets_in: i32,
}

/// What one client spent in one hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointsWindow {
    /// Index of the client in the configuration.
    pub client: usize,
    /// The hour, counted from the start of the simulator.
    pub hour: i64,
    /// Points spent in it.
    pub spent: f64,
}

/// Accounts of all clients.
#[derive(Debug)]
pub(crate) struct Accounts {
    limit: Option<u32>,
    hour: Duration,
    started_at: DateTime<Utc>,
    windows: Mutex<Vec<Vec<PointsWindow>>>,
}

impl Accounts {
    pub(crate) fn new(clients: usize, limit: Option<u32>, hour: Duration, started_at: DateTime<Utc>) -> Self {
        Self { limit, hour, started_at, windows: Mutex::new(vec![Vec::new(); clients]) }
    }

    /// The reading of a client now.
    pub(crate) fn read(&self, client: usize, now: DateTime<Utc>) -> Reading {
        let (hour, left) = self.hour_at(now);
        let spent = self.lock()[client].last().filter(|window| window.hour == hour).map_or(0.0, |window| window.spent);
        let limit = self.limit.map_or(UNLIMITED, |limit| limit.min(UNLIMITED as u32) as i32);
        Reading { limit, spent, resets_in: left.as_secs_f64().ceil() as i32 }
    }

    /// Whether the client has nothing left in this hour.
    pub(crate) fn is_exhausted(&self, client: usize, now: DateTime<Utc>) -> bool {
        self.limit.is_some_and(|limit| self.read(client, now).spent >= f64::from(limit))
    }

    /// Books points to the hour in which the query was asked.
    pub(crate) fn spend(&self, client: usize, now: DateTime<Utc>, points: f64) {
        let (hour, _) = self.hour_at(now);
        let windows = &mut self.lock()[client];
        match windows.iter_mut().rev().find(|window| window.hour == hour) {
            Some(window) => window.spent += points,
            None => windows.push(PointsWindow { client, hour, spent: points }),
        }
    }

    /// Every hour in which anything was spent, by client, oldest first.
    pub(crate) fn windows(&self) -> Vec<PointsWindow> {
        self.lock().iter().flatten().copied().collect()
    }

    /// The hour's number since the start, and what is left of it.
    fn hour_at(&self, now: DateTime<Utc>) -> (i64, Duration) {
        let length = (self.hour.as_millis() as i64).max(1);
        let elapsed = (now - self.started_at).num_milliseconds();
        let left = length - elapsed.rem_euclid(length);
        (elapsed.div_euclid(length), Duration::from_millis(left as u64))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<PointsWindow>>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// At most so many API requests per window and address (observed: 800 with `Retry-After` up to 60 s).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimit {
    /// Requests allowed in one window.
    pub requests: usize,
    /// Length of the sliding window, by the simulator's clock.
    pub window: Duration,
}

/// What the request limiter says to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub limit: usize,
    pub remaining: usize,
    /// Seconds to wait; set when the request is refused.
    pub retry_after: Option<u64>,
}

/// The request limiter: a sliding window over the simulator's clock.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: RequestLimit,
    seen: Mutex<VecDeque<DateTime<Utc>>>,
}

impl Limiter {
    pub(crate) fn new(limit: RequestLimit) -> Self {
        Self { limit, seen: Mutex::new(VecDeque::new()) }
    }

    /// Counts a request, or refuses it without counting.
    pub(crate) fn admit(&self, now: DateTime<Utc>) -> Verdict {
        let window = chrono::TimeDelta::from_std(self.limit.window).unwrap_or(chrono::TimeDelta::MAX);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        while seen.front().is_some_and(|&at| now - at >= window) {
            seen.pop_front();
        }
        let limit = self.limit.requests;
        if seen.len() >= limit {
            let wait = seen.front().map_or(window, |&at| window - (now - at)).num_milliseconds().max(1) as u64;
            return Verdict { limit, remaining: 0, retry_after: Some(wait.div_ceil(1000)) };
        }
        seen.push_back(now);
        Verdict { limit, remaining: limit - seen.len(), retry_after: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    #[test]
    fn points_return_in_full_after_the_hour() {
        let accounts = Accounts::new(2, Some(10), Duration::from_secs(3600), at(0));
        accounts.spend(0, at(10), 12.5);
        assert!(accounts.is_exhausted(0, at(20)));
        assert!(!accounts.is_exhausted(1, at(20)));
        assert_eq!(accounts.read(0, at(20)), Reading { limit: 10, spent: 12.5, resets_in: 3580 });
        assert_eq!(accounts.read(0, at(3600)), Reading { limit: 10, spent: 0.0, resets_in: 3600 });
        accounts.spend(0, at(3601), 1.0);
        let spent: Vec<_> = accounts.windows().iter().map(|window| (window.hour, window.spent)).collect();
        assert_eq!(spent, [(0, 12.5), (1, 1.0)]);
    }

    #[test]
    fn the_request_limiter_slides() {
        let limiter = Limiter::new(RequestLimit { requests: 2, window: Duration::from_secs(60) });
        assert_eq!(limiter.admit(at(0)), Verdict { limit: 2, remaining: 1, retry_after: None });
        assert_eq!(limiter.admit(at(30)).remaining, 0);
        assert_eq!(limiter.admit(at(45)).retry_after, Some(15));
        assert_eq!(limiter.admit(at(60)).retry_after, None);
        assert_eq!(limiter.admit(at(61)).retry_after, Some(29));
    }
}

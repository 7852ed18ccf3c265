//! What the simulator saw: counters for politeness and cost, read by tests and printed by `parsebook simulate`.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::points::PointsWindow;
use crate::world::Region;

/// A snapshot of all counters since the start or the last reset.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// Requests to `/oauth/token`.
    pub token_requests: u64,
    /// Requests to `/api/v2/client`.
    pub api_requests: u64,
    /// Requests for ranking pages.
    pub site_requests: u64,
    /// Requests for anything else.
    pub other_requests: u64,
    /// API requests refused by exhausted points (429).
    pub points_refusals: u64,
    /// API requests refused by the request limiter (429).
    pub limiter_refusals: u64,
    /// Characters resolved, found or not.
    pub characters: u64,
    /// `zoneRankings` fields answered.
    pub zone_rankings: u64,
    /// Reports resolved on their own or in a list.
    pub reports: u64,
    /// Questions for the ranked characters of a report, by the report's region.
    pub details: BTreeMap<&'static str, u64>,
    /// Of these, those for a report at a revision that was asked for before.
    pub details_again: u64,
    /// Most API requests answered at the same time.
    pub max_api_at_once: usize,
    /// Most ranking page requests that arrived within any one second.
    pub max_site_per_second: usize,
    /// Most ranking page requests being answered at the same time.
    pub max_site_at_once: usize,
    /// Ranking page requests that were refused.
    pub site_refusals: u64,
    /// Ranking page requests that arrived after the first refusal had been decided.
    pub site_requests_after_refusal: u64,
    /// Rows written to ranking pages.
    pub site_rows: u64,
    /// Points by client, in the order of the configuration.
    pub points_spent: Vec<f64>,
    /// Points by client and hour (never reset: hours count from the start of the simulator).
    pub points_windows: Vec<PointsWindow>,
    /// Processor-bound time spent on answering API queries, latency not included.
    pub api_busy: Duration,
    /// Time spent on writing ranking pages, latency not included.
    pub site_busy: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    stats: Stats,
    site_arrivals: VecDeque<Instant>,
    site_at_once: usize,
    api_at_once: usize,
    refused: bool,
    /// Reports and the revisions at which their ranked characters were asked for.
    details: HashSet<(u64, i32)>,
}

/// Which counter of simultaneous requests to lower when a request is over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side {
    Site,
    Api,
}

/// Lowers its counter when dropped, so that aborted requests count, too.
#[derive(Debug)]
pub(crate) struct InFlight<'r>(&'r Recorder, Side);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        match self.1 {
            Side::Site => state.site_at_once -= 1,
            Side::Api => state.api_at_once -= 1,
        }
    }
}

impl Recorder {
    /// A site request arrives; tells how many came within the last second and how many are being answered.
    pub(crate) fn site_arrives(&self) -> (InFlight<'_>, usize, usize) {
        let now = Instant::now();
        let mut state = self.lock();
        state.stats.site_requests += 1;
        if state.refused {
            state.stats.site_requests_after_refusal += 1;
        }
        while state.site_arrivals.front().is_some_and(|&at| now - at >= Duration::from_secs(1)) {
            state.site_arrivals.pop_front();
        }
        state.site_arrivals.push_back(now);
        state.site_at_once += 1;
        let (in_last_second, at_once) = (state.site_arrivals.len(), state.site_at_once);
        state.stats.max_site_per_second = state.stats.max_site_per_second.max(in_last_second);
        state.stats.max_site_at_once = state.stats.max_site_at_once.max(at_once);
        (InFlight(self, Side::Site), in_last_second, at_once)
    }

    /// An API request arrives.
    pub(crate) fn api_arrives(&self) -> InFlight<'_> {
        let mut state = self.lock();
        state.stats.api_requests += 1;
        state.api_at_once += 1;
        state.stats.max_api_at_once = state.stats.max_api_at_once.max(state.api_at_once);
        InFlight(self, Side::Api)
    }

    /// A ranking page is refused.
    pub(crate) fn site_refused(&self) {
        let mut state = self.lock();
        state.refused = true;
        state.stats.site_refusals += 1;
    }

    /// Changes any of the plain counters.
    pub(crate) fn count(&self, change: impl FnOnce(&mut Stats)) {
        change(&mut self.lock().stats);
    }

    /// The ranked characters of a report were asked for.
    pub(crate) fn details(&self, report: u64, revision: i32, region: Region) {
        let mut state = self.lock();
        let is_new = state.details.insert((report, revision));
        *state.stats.details.entry(region.compact_name()).or_default() += 1;
        state.stats.details_again += u64::from(!is_new);
    }

    pub(crate) fn snapshot(&self) -> Stats {
        self.lock().stats.clone()
    }

    /// Sets all counters to zero; requests under way stay counted as under way.
    pub(crate) fn reset(&self) {
        let mut state = self.lock();
        state.stats = Stats::default();
        state.site_arrivals.clear();
        state.refused = false;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_busiest_second_is_found_wherever_it_lies() {
        let recorder = Recorder::default();
        for pause_ms in [0, 600, 300, 300, 900] {
            tokio::time::advance(Duration::from_millis(pause_ms)).await;
            drop(recorder.site_arrives());
        }
        assert_eq!(recorder.snapshot().max_site_per_second, 3);
        assert_eq!(recorder.snapshot().max_site_at_once, 1);
    }

    #[test]
    fn requests_after_a_refusal_are_counted_from_the_first_one() {
        let recorder = Recorder::default();
        drop(recorder.site_arrives());
        recorder.site_refused();
        drop(recorder.site_arrives());
        recorder.site_refused();
        drop(recorder.site_arrives());
        let stats = recorder.snapshot();
        assert_eq!((stats.site_refusals, stats.site_requests_after_refusal), (2, 2));
        recorder.reset();
        drop(recorder.site_arrives());
        assert_eq!(recorder.snapshot().site_requests_after_refusal, 0);
    }
}

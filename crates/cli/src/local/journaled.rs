//! Every stage leaves its run in the journal. That is for people: no stage depends on it.

use std::sync::atomic::{AtomicU64, Ordering};

use parsebook_adapters::clock::SystemClock;
use parsebook_core::discover::{self, DiscoverSummary};
use parsebook_core::journal::{Journal, PATIENCE, Run, keep, note};
use parsebook_core::ports::Clock;
use parsebook_core::rank::RankError;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::Map;

use super::Machine;

/// Tells this process's runs apart.
static RUNS: AtomicU64 = AtomicU64::new(0);

/// How an error looks in the journal.
pub trait Told {
    /// Its type, as the Lambdas name it.
    fn kind(&self) -> &'static str;
    /// Its words, with its causes.
    fn words(&self) -> String;
    /// What is known besides.
    fn known(&self) -> Map<String, serde_json::Value> {
        Map::new()
    }
}

impl Told for anyhow::Error {
    fn kind(&self) -> &'static str {
        "Failed"
    }

    fn words(&self) -> String {
        format!("{self:#}")
    }
}

impl Told for RankError {
    fn kind(&self) -> &'static str {
        match self {
            Self::NoBudget { .. } => "NoBudget",
            Self::Refused(_) => "Blocked",
            Self::Failed(_) => "Failed",
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Failed(error) => format!("{error:#}"),
            other => other.to_string(),
        }
    }

    fn known(&self) -> Map<String, serde_json::Value> {
        match self {
            Self::NoBudget { points_left, .. } => {
                Map::from_iter([("pointsLeft".to_owned(), serde_json::json!(points_left))])
            }
            Self::Refused(_) | Self::Failed(_) => Map::new(),
        }
    }
}

/// What discover did, with the rules that failed beside those that were worked.
pub struct WithFailures(pub DiscoverSummary);

impl Serialize for WithFailures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut summary = serde_json::to_value(&self.0).map_err(S::Error::custom)?;
        if let (Some(fields), false) = (summary.as_object_mut(), self.0.failures.is_empty()) {
            let reason = |failure: &discover::Error| serde_json::json!({ "reason": format!("{:#}", failure.cause) });
            fields.insert("failed".to_owned(), self.0.failures.iter().map(reason).collect());
        }
        summary.serialize(serializer)
    }
}

/// Does `work` as a run of `stage`.
pub async fn journaled<J: Journal, C: Clock, T: Serialize, E: Told>(
    journal: &J,
    clock: &C,
    stage: &str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let now = clock.now();
    let number = RUNS.fetch_add(1, Ordering::Relaxed);
    let id = format!("{}/{}/{number}", now.timestamp_millis(), std::process::id());
    let run = Run::begin(id, stage, now, None);
    // Signs of life pass by the machine's own time: those who wait on a simulated clock must not be hurried.
    let outcome = keep(journal, &SystemClock, &run, work).await;
    let ended = match &outcome {
        Ok(summary) => run.ended(clock.now(), serde_json::to_value(summary).unwrap_or_default()),
        Err(error) => run.failed(clock.now(), error.kind(), &error.words(), error.known()),
    };
    note(journal, &SystemClock, &ended, PATIENCE).await;
    outcome
}

impl<C: Clock + Clone> Machine<C> {
    pub(super) async fn journaled<T: Serialize, E: Told>(
        &self,
        stage: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        journaled(&self.store, &self.clock, stage, work).await
    }
}

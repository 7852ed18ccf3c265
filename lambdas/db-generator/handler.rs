//! Between db-generator's event and its stage.

use std::time::Duration;

use anyhow::Context;
use parsebook_adapters::addon_repo::{RemoteConfig, RemoteRepo};
use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::mongo::MongoStore;
use parsebook_adapters::settings::checked_regions;
use parsebook_adapters::wcl_api::WclApi;
use parsebook_core::generate::{GenerateConfig, GenerateError, GenerateSummary, StopReason, generate};
use parsebook_core::ports::PublishError;
use parsebook_lambda::{Answer, Failure, Invocation, Metrics, Unit};
use serde::Deserialize;
use serde_json::Value;

/// A git server that is silent for this long is given up: libgit2 itself would wait for ever.
const SILENCE: Duration = Duration::from_secs(60);

/// What lives as long as the environment.
#[derive(Debug)]
pub struct DbGenerator {
    pub store: MongoStore,
    pub api: WclApi<SystemClock>,
    pub repository: RemoteConfig,
    pub regions: Vec<String>,
}

/// The event; anything else in it (a schedule's own fields) is of no concern.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Event {
    regions: Option<Vec<String>>,
    dry_run: Option<bool>,
}

impl Event {
    fn read(event: Value) -> Result<Self, Failure> {
        if !event.is_object() {
            return Ok(Self::default());
        }
        let event: Self = serde_json::from_value(event).map_err(Failure::invalid_event)?;
        if let Some(regions) = event.regions.clone() {
            checked_regions(regions).map_err(|problem| Failure::invalid_event(format!("regions: {problem}")))?;
        }
        Ok(event)
    }
}

impl DbGenerator {
    pub async fn handle(&self, invocation: Invocation) -> Result<Answer, Failure> {
        let event = Event::read(invocation.event)?;
        let config = GenerateConfig {
            regions: event.regions.unwrap_or_else(|| self.regions.clone()),
            dry_run: event.dry_run.unwrap_or_default(),
        };
        self.store.ensure_indexes().await?;
        // A folder of its own, gone afterwards: /tmp outlives the invocation and would fill up.
        let scratch = tempfile::tempdir().context("making a folder for the repository")?;
        let mut repository = RemoteRepo::open(scratch.path(), self.repository.clone())?;
        let summary = generate(&self.store, &self.api, &mut repository, &config).await.map_err(failure)?;
        Answer::of(&summary, metrics(&summary))
    }
}

fn failure(error: GenerateError) -> Failure {
    let name = match &error {
        GenerateError::Publish(PublishError::PushRejected(_)) => "PushRejected",
        GenerateError::Publish(PublishError::LostRaces(_)) => "LostRaces",
        GenerateError::Publish(PublishError::Failed(_)) | GenerateError::Failed(_) => "Failed",
    };
    Failure::new(name, format!("{:#}", anyhow::Error::from(error)))
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn metrics(summary: &GenerateSummary) -> Metrics {
    let bytes: u64 = summary.regions.iter().map(|region| region.bytes).sum();
    // A run that finds nothing to change has published as well: what is out there is what is stored.
    let is_current = matches!(summary.stopped, StopReason::Published | StopReason::Unchanged);
    Metrics::default()
        .count("publications", u64::from(is_current))
        .count("characters", summary.regions.iter().map(|region| region.characters).sum())
        .with("databaseBytes", Unit::Bytes, bytes as f64)
        .count("setAside", summary.regions.iter().flat_map(|region| region.set_aside.values()).sum())
}

/// Sets libgit2's time-outs, which are off by default.
///
/// # Errors
/// When libgit2 does not take them.
pub fn limit_waiting_for_git() -> anyhow::Result<()> {
    let millis = i32::try_from(SILENCE.as_millis())?;
    // SAFETY: libgit2 asks that nothing else uses it meanwhile; this is called once, before anything does.
    #[expect(unsafe_code, reason = "global options of libgit2 have no safe interface")]
    unsafe {
        git2::opts::set_server_connect_timeout_in_milliseconds(millis)?;
        git2::opts::set_server_timeout_in_milliseconds(millis)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_may_carry_regions_and_a_dry_run() {
        let event = Event::read(json!({ "regions": ["EU"], "dryRun": true })).unwrap();
        assert_eq!(event, Event { regions: Some(vec!["EU".into()]), dry_run: Some(true) });
        for event in [json!(null), json!({}), json!({ "source": "schedule" })] {
            assert_eq!(Event::read(event).unwrap(), Event::default());
        }
        for event in [
            json!({ "regions": "EU" }),
            json!({ "regions": [] }),
            json!({ "regions": ["eu/.."] }),
            json!({ "dryRun": 1 }),
        ] {
            assert_eq!(Event::read(event.clone()).unwrap_err().name, "InvalidEvent", "{event}");
        }
    }
}

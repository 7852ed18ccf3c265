//! Between db-generator's event and its stage.

use std::time::Duration;

use anyhow::Context;
use parsebook_adapters::addon_repo::{RemoteConfig, RemoteRepo};
use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::events::Publication;
use parsebook_adapters::mongo::MongoStore;
use parsebook_adapters::settings::AddonSettings;
use parsebook_adapters::wcl_api::WclApi;
use parsebook_core::Timestamp;
use parsebook_core::generate::{GenerateConfig, GenerateError, GenerateSummary, StopReason, confirmed_since, generate};
use parsebook_core::ports::PublishError;
use parsebook_lambda::{Answer, Failure, Invocation, Metrics, Unit};

/// A git server that is silent for this long is given up: libgit2 itself would wait for ever.
const SILENCE: Duration = Duration::from_secs(60);

/// What lives as long as the environment.
#[derive(Debug)]
pub struct DbGenerator {
    pub store: MongoStore,
    pub api: WclApi<SystemClock>,
    pub repository: RemoteConfig,
    pub regions: Vec<String>,
    pub addon: AddonSettings,
}

impl DbGenerator {
    pub async fn handle(&self, invocation: Invocation) -> Result<Answer, Failure> {
        let event = Publication::read(&invocation.event)?;
        // A part of the regions, asked for by hand, is not the publication that the alarm waits for.
        let is_whole = event.regions.is_none();
        let config = GenerateConfig {
            regions: event.regions.unwrap_or_else(|| self.regions.clone()),
            dry_run: event.dry_run.unwrap_or_default(),
            addon: self.addon.meta.clone(),
            confirmed_since: confirmed_since(invocation.now, self.addon.keep_ranks_days),
            now: invocation.now,
        };
        // A dry run writes nothing.
        if !config.dry_run {
            self.store.ensure_indexes().await?;
        }
        // A folder of its own, gone afterwards: /tmp outlives the invocation and would fill up.
        let scratch = tempfile::tempdir().context("making a folder for the repository")?;
        let mut repository = RemoteRepo::open(scratch.path(), self.repository.clone())?;
        let summary = generate(&self.store, &self.store, &self.api, &mut repository, &config).await.map_err(failure)?;
        Answer::of(&summary, metrics(&summary, is_whole, invocation.now))
    }
}

fn failure(error: GenerateError) -> Failure {
    match error {
        GenerateError::Failed(error) | GenerateError::Publish(PublishError::Failed(error)) => Failure::from(error),
        GenerateError::Publish(error @ PublishError::PushRejected(_)) => {
            Failure::new("PushRejected", error.to_string())
        }
        GenerateError::Publish(error @ PublishError::LostRaces(_)) => Failure::new("LostRaces", error.to_string()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn metrics(summary: &GenerateSummary, is_whole: bool, now: Timestamp) -> Metrics {
    let bytes: u64 = summary.regions.iter().map(|region| region.bytes).sum();
    // A run that finds nothing to change has published as well: what is out there is what is stored. An addon without a
    // single player is no publication: its alarm stays red.
    let is_current = matches!(summary.stopped, StopReason::Published | StopReason::Unchanged)
        && summary.regions.iter().any(|region| region.characters > 0);
    let metrics = Metrics::default();
    if !is_whole || !is_current {
        return metrics;
    }
    let metrics = metrics
        .count("publications", 1)
        .count("characters", summary.regions.iter().map(|region| region.characters).sum())
        .with("databaseBytes", Unit::Bytes, bytes as f64);
    let newest = summary.regions.iter().filter_map(|region| region.generated_at).max();
    newest.map_or(metrics.clone(), |newest| {
        metrics.with("dataAgeHours", Unit::None, (now - newest).num_minutes() as f64 / 60.0)
    })
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
    use parsebook_core::generate::RegionSummary;

    use super::*;

    #[test]
    fn only_a_whole_publication_is_one_and_tells_its_age() {
        let now = Timestamp::UNIX_EPOCH + Duration::from_secs(20_000 * 86_400);
        let region = |hours: u64| RegionSummary {
            characters: 2,
            bytes: 10,
            generated_at: Some(now - Duration::from_secs(hours * 3600)),
            ..RegionSummary::default()
        };
        let summary = |stopped| GenerateSummary {
            regions: vec![region(80), region(3)],
            empty_regions: Vec::new(),
            commit: None,
            stopped,
        };
        let whole = Metrics::default()
            .count("publications", 1)
            .count("characters", 4)
            .with("databaseBytes", Unit::Bytes, 20.0)
            .with("dataAgeHours", Unit::None, 3.0);
        for stopped in [StopReason::Published, StopReason::Unchanged] {
            assert_eq!(metrics(&summary(stopped), true, now), whole);
            assert_eq!(metrics(&summary(stopped), false, now), Metrics::default());
        }
        assert_eq!(metrics(&summary(StopReason::DryRun), true, now), Metrics::default());
    }
}

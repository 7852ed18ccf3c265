//! Between discover's event and its stage.

use std::time::Duration;

use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::events;
use parsebook_adapters::mongo::MongoStore;
use parsebook_adapters::ranking_site::WclSite;
use parsebook_adapters::wcl_api::WclApi;
use parsebook_core::discover::{self, DiscoverConfig, DiscoverPorts, RuleSummary, StopReason};
use parsebook_core::ports::is_store_away;
use parsebook_lambda::{Answer, Failure, Invocation, Metrics};

/// After a death the next schedule may take the rule over in a minute.
const RENEW_EVERY: Duration = Duration::from_secs(15);

/// What lives as long as the environment.
#[derive(Debug)]
pub struct Discover {
    pub store: MongoStore,
    pub site: WclSite,
    pub api: WclApi<SystemClock>,
    pub config: DiscoverConfig,
}

impl Discover {
    pub async fn handle(&self, invocation: Invocation) -> Result<Answer, Failure> {
        let backfill = events::backfill(&invocation.event)?;
        let ports = DiscoverPorts { store: &self.store, api: &self.api, site: &self.site, clock: &SystemClock };
        let attempt = discover::Invocation {
            owner: invocation.owner,
            deadline: Some(invocation.deadline),
            renew_every: Some(RENEW_EVERY),
            only: None,
        };
        let mut summary = discover::discover(&ports, &self.config, backfill, &attempt).await?;
        // A run that only waits for the end of a pause met no refusal itself, and missing points are none.
        let is_refused =
            |rule: &RuleSummary| rule.refused && rule.stopped == StopReason::Blocked && rule.target.is_some();
        let metrics = Metrics::default()
            .count("pages", summary.sum(|rule| rule.pages.into()))
            .count("players", summary.sum(|rule| rule.players))
            .count("skipped", summary.sum(|rule| rule.skipped))
            .count("refusals", summary.sum(|rule| is_refused(rule).into()));
        let mut failures = std::mem::take(&mut summary.failures);
        // That the store is away is the cause of what else failed, or matters more.
        failures.sort_by_key(|failure| !is_store_away(&failure.cause));
        let mut failures = failures.into_iter().map(discover::Error::into_anyhow);
        let Some(first) = failures.next() else { return Answer::of(&summary, metrics) };
        let done = serde_json::to_string(&summary.rules).unwrap_or_default();
        tracing::info!(%done, "rules that were worked beside those that failed");
        let mut failure = Failure { metrics, ..Failure::from(first) };
        for also in failures {
            failure.message += &format!("; {also:#}");
        }
        Err(failure)
    }
}

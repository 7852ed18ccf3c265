//! Between discover's event and its stage.

use std::time::Duration;

use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::mongo::MongoStore;
use parsebook_adapters::ranking_site::WclSite;
use parsebook_adapters::wcl_api::WclApi;
use parsebook_core::discover::{self, DiscoverConfig, DiscoverPorts, RuleSummary, StopReason};
use parsebook_core::rule::Target;
use parsebook_lambda::{Answer, Failure, Invocation, Metrics};
use serde_json::Value;

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
        let backfill = backfill(&invocation.event)?;
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
            .count("reports", summary.sum(|rule| rule.reports.unwrap_or_default()))
            .count("pagesSetAside", summary.sum(|rule| rule.skipped_pages.len() as u64))
            .count("refusals", summary.sum(|rule| is_refused(rule).into()));
        if summary.failures.is_empty() {
            return Answer::of(&summary, metrics);
        }
        let done = serde_json::to_string(&summary.rules).unwrap_or_default();
        tracing::info!(%done, "rules that were worked beside the one that failed");
        Err(Failure { metrics, ..Failure::from(summary.failures.swap_remove(0).into_anyhow()) })
    }
}

/// The range to work, or `None` for the most overdue rule: any event without `raid`.
fn backfill(event: &Value) -> Result<Option<Target>, Failure> {
    if event.get("raid").is_none() {
        return Ok(None);
    }
    let target: Target = serde_json::from_value(event.clone()).map_err(Failure::invalid_event)?;
    target.checked().map(Some).map_err(Failure::invalid_event)
}

#[cfg(test)]
mod tests {
    use parsebook_core::rule::SourceKind;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_with_a_raid_is_a_backfill() {
        let event = json!({ "raid": 26, "difficulty": 3, "startPage": 1, "endPage": 600 });
        let target = backfill(&event).unwrap().unwrap();
        assert_eq!((target.raid, target.difficulty, target.start_page, target.end_page), (26, 3, 1, 600));
        assert_eq!((target.source, target.partition), (SourceKind::Site, None));
        for event in [json!({}), json!(null), json!({ "source": "aws.scheduler" }), json!([1]), json!("raid")] {
            assert_eq!(backfill(&event).unwrap(), None, "{event}");
        }
        for event in [
            json!({ "raid": 26 }),
            json!({ "raid": "x", "difficulty": 3 }),
            json!({ "raid": 26, "difficulty": 2 }),
            json!({ "raid": 26, "difficulty": 3, "startPage": 9, "endPage": 1 }),
        ] {
            assert_eq!(backfill(&event).unwrap_err().name, "InvalidEvent", "{event}");
        }
    }
}

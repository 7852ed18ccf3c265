//! Between discover's event and its stage.

use std::time::Duration;

use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::mongo::MongoStore;
use parsebook_adapters::ranking_site::WclSite;
use parsebook_adapters::wcl_api::WclApi;
use parsebook_core::discover::{self, DiscoverConfig, DiscoverPorts, StopReason};
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
        };
        let summary = discover::discover(&ports, &self.config, backfill, &attempt).await?;
        // A run that only waits for the end of a pause met no refusal itself, and missing points are none.
        let refused = summary.refused && summary.stopped == StopReason::Blocked && summary.target.is_some();
        let metrics = Metrics::default()
            .count("pages", u64::from(summary.pages))
            .count("players", summary.players)
            .count("pagesSetAside", summary.set_aside.len() as u64)
            .count("refusals", u64::from(refused));
        Answer::of(&summary, metrics)
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

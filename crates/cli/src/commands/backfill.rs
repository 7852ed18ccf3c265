//! `parsebook backfill`: one range of ranking pages or reports, now.

use parsebook_core::ports::Rules;
use parsebook_core::rule::{RanksKind, Rule};

use super::run::{conclude, open};
use crate::args::{BackfillArgs, Common, StoreKind, Usage};

pub async fn backfill(common: &Common, args: &BackfillArgs) -> anyhow::Result<()> {
    let target = args.target.target()?;
    if common.store == StoreKind::Mongodb {
        #[cfg(not(feature = "aws"))]
        return Err(crate::store::not_built("--store mongodb"));
        #[cfg(feature = "aws")]
        return discover_into_mongo(common, target, args.json).await;
    }
    let machine = open(common)?;
    let is_named =
        |rule: &Rule| rule.enabled && (rule.target.raid, rule.target.difficulty) == (target.raid, target.difficulty);
    if target.ranks == RanksKind::Reports && !machine.store().rules().await?.0.iter().any(is_named) {
        let (raid, difficulty) = (target.raid, target.difficulty);
        return Err(Usage::of(format!(
            "no enabled rule names raid {raid} in difficulty {difficulty}, and reports are ranked for those alone; add it \
             with: parsebook rules add --raid {raid} --difficulty {difficulty} --ranks reports"
        )));
    }
    let summary = machine.backfill(target, &machine.settings().regions).await?;
    conclude(common, &summary, args.json)
}

/// Discovers one range into the store of the deployed functions, which queue, rank and publish by their schedules.
#[cfg(feature = "aws")]
async fn discover_into_mongo(common: &Common, target: parsebook_core::rule::Target, json: bool) -> anyhow::Result<()> {
    use parsebook_adapters::clock::SystemClock;
    use parsebook_adapters::mongo::MongoStore;
    use parsebook_adapters::ranking_site::WclSite;
    use parsebook_adapters::settings::Environment;
    use parsebook_adapters::wcl_api::WclApi;
    use parsebook_core::discover::{DiscoverPorts, Invocation, discover};

    use super::run::{discover_line, refusal};
    use crate::local::{RunSummary, WithFailures, journaled};
    use crate::output::{say, say_json};
    use crate::settings::{Settings, mongo_config};

    let settings = Settings::read(&Environment::of_process())?;
    let wcl_url = common.wcl_url.as_ref().unwrap_or(&settings.wcl_url);
    let store = MongoStore::connect(&mongo_config()?).await?;
    let site = WclSite::new(wcl_url, &settings.user_agent)?;
    let api = WclApi::new(wcl_url, &settings.user_agent, settings.keys.clone(), SystemClock)?;
    let ports = DiscoverPorts { store: &store, api: &api, site: &site, clock: &SystemClock };
    let owner = format!("parsebook {}", std::process::id());
    let invocation = Invocation { owner, deadline: None, renew_every: None, only: None };
    let working = discover(&ports, &settings.discover, Some(target), &invocation);
    let working = async { working.await.map(WithFailures) };
    let summary = journaled(&store, &SystemClock, "discover", working).await?.0;
    if let Some(failure) = summary.failures.into_iter().next() {
        return Err(failure.into());
    }
    let summary = RunSummary { discover: summary.rules, ..RunSummary::default() };
    if json {
        return say_json(&summary);
    }
    summary.discover.iter().for_each(|summary| say(&discover_line(summary)));
    say(
        "What was found waits in MongoDB; aggregator's next run queues it (at once: scripts/invoke --remote aggregator '{\"force\":true}').",
    );
    refusal(&summary)
}

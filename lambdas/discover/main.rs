//! discover on AWS: every 30 minutes the most overdue rule, or a backfill by hand.

#![recursion_limit = "256"]

mod handler;

use std::process::ExitCode;

use parsebook_adapters::aws::secrets::Secrets;
use parsebook_adapters::ranking_site::WclSite;
use parsebook_adapters::settings::DiscoverSettings;
use parsebook_lambda::{connect, run, start};

use crate::handler::Discover;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start(async |environment| {
        let settings = DiscoverSettings::read(&environment)?;
        let secrets = Secrets::default();
        let discover = Discover {
            store: connect::store(settings.store, &secrets, "discover").await?,
            site: WclSite::new(&settings.wcl.url, &settings.wcl.user_agent)?,
            api: connect::wcl_api(settings.wcl, &secrets).await?,
            config: settings.discover,
        };
        run("discover", &discover.store, async |invocation| discover.handle(invocation).await).await
    })
    .await
}

//! discover on AWS: every 30 minutes the most overdue rule, or a backfill by hand.

#![recursion_limit = "256"]

mod config;
mod handler;

use std::process::ExitCode;

use parsebook_adapters::aws::secrets::Secrets;
use parsebook_adapters::ranking_site::WclSite;
use parsebook_lambda::{connect, run, start};

use crate::config::Config;
use crate::handler::Discover;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start(async |environment| {
        let config = Config::read(&environment)?;
        let secrets = Secrets::default();
        let discover = Discover {
            store: connect::store(config.store, &secrets, "discover").await?,
            site: WclSite::new(&config.wcl.url, &config.wcl.user_agent)?,
            api: connect::wcl_api(config.wcl, &secrets).await?,
            config: config.discover,
        };
        run("discover", &discover.store, async |invocation| discover.handle(invocation).await).await
    })
    .await
}

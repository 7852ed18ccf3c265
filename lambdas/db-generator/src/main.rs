//! db-generator on AWS: once a day, the players as a Lua database in the addon repository.

#![recursion_limit = "256"]

mod config;
mod handler;

use std::process::ExitCode;

use parsebook_adapters::addon_repo::RemoteConfig;
use parsebook_adapters::aws::secrets::Secrets;
use parsebook_lambda::{connect, run, start};

use crate::config::Config;
use crate::handler::DbGenerator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start(async |environment| {
        let config = Config::read(&environment)?;
        handler::limit_waiting_for_git()?;
        let secrets = Secrets::default();
        let token = match config.token {
            Some(token) => Some(secrets.read(token).await?),
            None => None,
        };
        let store = connect::store(config.store, &secrets, "db-generator").await?;
        let db_generator = DbGenerator {
            store,
            api: connect::wcl_api(config.wcl, &secrets).await?,
            repository: RemoteConfig { url: config.url, branch: config.branch, token, history: config.history },
            regions: config.regions,
        };
        run("db-generator", &db_generator.store, async |invocation| db_generator.handle(invocation).await).await
    })
    .await
}

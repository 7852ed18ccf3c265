//! db-generator on AWS: once a day, the players as a Lua database in the addon repository.

#![recursion_limit = "256"]

mod handler;

use std::process::ExitCode;

use parsebook_adapters::addon_repo::RemoteConfig;
use parsebook_adapters::aws::secrets::Secrets;
use parsebook_adapters::settings::DbGeneratorSettings;
use parsebook_lambda::{connect, run, start};

use crate::handler::DbGenerator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start(async |environment| {
        let settings = DbGeneratorSettings::read(&environment)?;
        handler::limit_waiting_for_git()?;
        let secrets = Secrets::default();
        let token = match settings.token {
            Some(token) => Some(secrets.read(token).await?),
            None => None,
        };
        let store = connect::store(settings.store, &secrets, "db-generator").await?;
        let db_generator = DbGenerator {
            store,
            api: connect::wcl_api(settings.wcl, &secrets).await?,
            repository: RemoteConfig { url: settings.url, branch: settings.branch, token, history: settings.history },
            regions: settings.regions,
            addon: settings.addon,
        };
        run("db-generator", &db_generator.store, async |invocation| db_generator.handle(invocation).await).await
    })
    .await
}

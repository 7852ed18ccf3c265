//! Whether db-generator may push to the addon repository.

use anyhow::Context;
use parsebook_adapters::addon_repo::{RemoteConfig, RemoteRepo};
use parsebook_adapters::aws::secrets::Secrets;
use parsebook_adapters::settings::{DbGeneratorSettings, Environment};
use parsebook_core::ports::PublishError;

use super::check::Check;
use super::judge;

/// The repository that db-generator pushes to, where one is set.
pub async fn repository() -> Option<Check> {
    let environment = Environment::of_process();
    let url = environment.optional("GIT_REPOSITORY_URL").ok()??;
    let settings = match DbGeneratorSettings::read(&environment) {
        Ok(settings) => settings,
        Err(error) => return Some(judge::settings(Err((&*error.variable, &*error.problem)))),
    };
    let writable = may_be_pushed(settings).await;
    Some(judge::repository(&url, writable.as_ref().copied()))
}

/// Connects as a publication does, and changes nothing.
async fn may_be_pushed(settings: DbGeneratorSettings) -> Result<(), PublishError> {
    let scratch = tempfile::tempdir().context("making a folder for the repository")?;
    let token = match settings.token {
        Some(token) => Some(Secrets::default().read(token).await?),
        None => None,
    };
    let config = RemoteConfig { url: settings.url, branch: settings.branch, token, history: settings.history };
    let checked = RemoteRepo::open(scratch.path(), config)?.check_push().await;
    match checked.reason {
        None => Ok(()),
        Some(reason) if reason.starts_with("GIT_REPOSITORY_URL") => Err(anyhow::anyhow!(reason).into()),
        Some(reason) => Err(PublishError::PushRejected(reason)),
    }
}

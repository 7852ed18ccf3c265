//! `parsebook doctor`: looks at everything that parsebook needs, a line each, with the fix.
//!
//! Probes ask (here and in `stack`), `judge` and `aws` make checks of the answers.

mod aws;
mod check;
mod judge;
mod stack;

use std::path::Path;

use anyhow::{Context, bail};
use chrono::Utc;
use parsebook_adapters::addon_repo::{RemoteConfig, RemoteRepo};
use parsebook_adapters::aws::secrets::Secrets;
use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::probe::server_time;
use parsebook_adapters::settings::{DbGeneratorSettings, Environment};
use parsebook_adapters::wcl_api::{ApiKey, WclApi};
use parsebook_core::Timestamp;
use parsebook_core::ports::{ApiError, KeyPoints, KeyPool, PublishError};

use self::check::{Check, tell};
use crate::args::{Common, DoctorArgs, StoreKind};
use crate::settings::Settings;
use crate::store::Store;

pub async fn doctor(common: &Common, args: &DoctorArgs) -> anyhow::Result<()> {
    let mut checks = look(common).await;
    if args.aws {
        let asked = Box::pin(stack::ask(args, published_at(common).await)).await;
        checks.extend(aws::checks(&asked, Utc::now()));
    }
    match tell(&checks) {
        0 => Ok(()),
        1 => bail!("1 of {} checks failed", checks.len()),
        failed => bail!("{failed} of {} checks failed", checks.len()),
    }
}

async fn look(common: &Common) -> Vec<Check> {
    let mut checks = Vec::new();
    let settings = Settings::read(&Environment::of_process());
    checks.push(judge::settings(settings.as_ref().map(|_| ()).map_err(|error| (&*error.variable, &*error.problem))));
    let rules = async { Store::existing(common).await?.rules().await };
    let name = match common.store {
        StoreKind::Sqlite => common.data.display().to_string(),
        StoreKind::Mongodb => "MongoDB".to_owned(),
    };
    checks.extend(judge::store(&name, rules.await.as_ref(), Utc::now()));
    // Without settings there is no name to ask by, and no key.
    if let Ok(settings) = &settings {
        let url = common.wcl_url.as_ref().unwrap_or(&settings.wcl_url);
        let asked = server_time(url, &settings.user_agent).await;
        let now = Utc::now();
        let reason = asked.as_ref().err().map(|error| format!("{error:#}"));
        checks.push(judge::api(url, reason.as_deref().map_or(Ok(()), Err)));
        if let Ok(there) = asked {
            checks.push(judge::clock(now, there));
            for key in &settings.keys {
                let points = points(url, settings, key).await;
                checks.push(judge::key(&key.name, points.as_ref(), settings.call_budget, now));
            }
        }
    }
    let writable = folder_may_be_written(&common.out).map_err(PublishError::Failed);
    checks.push(judge::repository(&common.out.display().to_string(), writable.as_ref().copied()));
    checks.extend(pushed_repository().await);
    checks
}

/// When db-generator last ended well, as the journal knows it.
async fn published_at(common: &Common) -> Option<Timestamp> {
    let history = async { Store::existing(common).await?.history(Utc::now()).await };
    history.await.ok()?.stages.get("db-generator")?.last_ok
}

/// The points of one key alone. That costs at most one point.
async fn points(url: &str, settings: &Settings, key: &ApiKey) -> Result<KeyPoints, ApiError> {
    let api = WclApi::new(url, &settings.user_agent, vec![key.clone()], SystemClock)?;
    let points = KeyPool::points(&api).await?.pop();
    points.ok_or_else(|| ApiError::Failed(anyhow::anyhow!("it could not be asked; RUST_LOG=warn shows why")))
}

/// The repository that db-generator pushes to, where one is set.
async fn pushed_repository() -> Option<Check> {
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

/// Whether `folder`, or the nearest folder above that exists, takes a file.
fn folder_may_be_written(folder: &Path) -> anyhow::Result<()> {
    let absolute = std::path::absolute(folder)?;
    let existing = absolute.ancestors().find(|folder| folder.exists()).context("no such folder")?;
    tempfile::tempfile_in(existing).with_context(|| format!("{} takes no file", existing.display()))?;
    Ok(())
}

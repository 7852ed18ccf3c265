//! `parsebook doctor`: looks at everything that parsebook needs, a line each, with the fix.
//!
//! Probes ask (here and in `stack`), `judge` and `aws` make checks of the answers.

#[cfg(feature = "aws")]
mod aws;
mod check;
mod judge;
#[cfg(feature = "aws")]
mod pushed;
#[cfg(feature = "aws")]
mod stack;

use std::path::Path;

use anyhow::{Context, bail};
use chrono::Utc;
use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::settings::Environment;
use parsebook_adapters::wcl_api::{ApiKey, WclApi, server_time};
use parsebook_core::ports::{ApiError, KeyPoints, KeyPool, PublishError};

use self::check::{Check, tell};
use crate::args::{Common, DoctorArgs, StoreKind};
use crate::settings::Settings;
use crate::store::Store;

pub async fn doctor(common: &Common, args: &DoctorArgs) -> anyhow::Result<()> {
    #[cfg(not(feature = "aws"))]
    if args.aws {
        return Err(crate::store::not_built("doctor --aws"));
    }
    let checks = look(common).await;
    #[cfg(feature = "aws")]
    let checks = [checks, deployed(common, args).await].concat();
    match tell(&checks) {
        0 => Ok(()),
        1 => bail!("1 of {} checks failed", checks.len()),
        failed => bail!("{failed} of {} checks failed", checks.len()),
    }
}

/// The checks of the deployed stack, where they are asked for.
#[cfg(feature = "aws")]
async fn deployed(common: &Common, args: &DoctorArgs) -> Vec<Check> {
    if !args.aws {
        return Vec::new();
    }
    match Box::pin(stack::ask(args, published_at(common).await)).await {
        Ok(asked) => aws::checks(&asked, Utc::now()),
        Err(error) => vec![Check::failed("AWS", format!("{error:#}"), "install ca-certificates, or set SSL_CERT_FILE")],
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
    checks.extend(judge::store(&name, rules.await.as_ref(), &common.store_flags(), Utc::now()));
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
    #[cfg(feature = "aws")]
    checks.extend(pushed::repository().await);
    checks
}

/// When db-generator last ended well, as the journal knows it.
#[cfg(feature = "aws")]
async fn published_at(common: &Common) -> Option<parsebook_core::Timestamp> {
    let history = async { Store::existing(common).await?.history(Utc::now()).await };
    history.await.ok()?.stages.get("db-generator")?.last_ok
}

/// The points of one key alone. That costs at most one point.
async fn points(url: &str, settings: &Settings, key: &ApiKey) -> Result<KeyPoints, ApiError> {
    let api = WclApi::new(url, &settings.user_agent, vec![key.clone()], SystemClock)?;
    let points = KeyPool::points(&api).await?.pop();
    points.ok_or_else(|| ApiError::Failed(anyhow::anyhow!("it could not be asked; RUST_LOG=warn shows why")))
}

/// Whether `folder`, or the nearest folder above that exists, takes a file.
fn folder_may_be_written(folder: &Path) -> anyhow::Result<()> {
    let absolute = std::path::absolute(folder)?;
    let existing = absolute.ancestors().find(|folder| folder.exists()).context("no such folder")?;
    tempfile::tempfile_in(existing).with_context(|| format!("{} takes no file", existing.display()))?;
    Ok(())
}

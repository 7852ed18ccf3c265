//! reviver: lets player-rank work again after a pause. Doing it twice does no harm.

use anyhow::Context;
use serde::Serialize;

use crate::ports::{ConsumerSwitch, Result};

/// What reviver did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviveSummary {
    /// The limit that player-rank has now.
    pub concurrency_limit: u32,
    /// The limit it had; absent when it had none.
    pub concurrency_limit_before: Option<u32>,
}

/// Sets the limit, then enables the mapping: the queue never meets a consumer without room.
///
/// # Errors
/// When the switch fails; the safety-net schedule tries again.
pub async fn revive<S: ConsumerSwitch>(switch: &S, concurrency_limit: u32) -> Result<ReviveSummary> {
    let before = switch.concurrency_limit().await.context("reading the concurrency limit")?;
    switch.set_concurrency_limit(concurrency_limit).await.context("setting the concurrency limit")?;
    switch.enable_mapping().await.context("enabling the queue mapping")?;
    Ok(ReviveSummary { concurrency_limit, concurrency_limit_before: before })
}

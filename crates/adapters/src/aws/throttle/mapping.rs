//! The queue's mapping: whether the queue calls the consumer.

use anyhow::{Context, ensure};
use backon::Retryable;
use parsebook_core::ports::Result;

use super::super::is_of_queue;
use super::{Consumer, TO_READ, TO_SWITCH, described, is_one_of, is_passing, patience};

/// Switches every SQS mapping of the consumer.
pub async fn switch(consumer: &Consumer, enabled: bool) -> Result<()> {
    let mappings = || sqs_mappings(consumer);
    let mappings = mappings.retry(patience(TO_READ)).when(|(again, _)| *again).await.map_err(|(_, error)| error)?;
    ensure!(!mappings.is_empty(), "function {} has no queue mapping", consumer.function);
    // A mapping that is already going off is left alone. One that shows as enabled is enabled all the same, because it may
    // be about to be disabled.
    for (id, _) in mappings.iter().filter(|(_, is_going_off)| enabled || !is_going_off) {
        let update = || consumer.lambda.update_event_source_mapping().uuid(id).enabled(enabled).send();
        let may_pass =
            |error: &_| is_passing(error) || is_one_of(error, &["ResourceInUseException", "ResourceConflictException"]);
        update
            .retry(patience(TO_SWITCH))
            .when(may_pass)
            .await
            .map_err(described)
            .with_context(|| format!("{} mapping {id}", if enabled { "enabling" } else { "disabling" }))?;
    }
    Ok(())
}

/// Id of each mapping, and whether it is off or going off. An error says whether asking again may help.
async fn sqs_mappings(consumer: &Consumer) -> std::result::Result<Vec<(String, bool)>, (bool, anyhow::Error)> {
    let mut mappings = Vec::new();
    let list = consumer.lambda.list_event_source_mappings().function_name(&consumer.function);
    let mut pages = list.into_paginator().items().send();
    while let Some(mapping) = pages.next().await {
        let mapping = mapping
            .map_err(|error| (is_passing(&error), described(error).context("listing the function's mappings")))?;
        if is_of_queue(&mapping) {
            let is_going_off = mapping.state().is_some_and(|state| matches!(state, "Disabling" | "Disabled"));
            let id = mapping.uuid.context("a mapping without an id").map_err(|error| (false, error))?;
            mappings.push((id, is_going_off));
        }
    }
    Ok(mappings)
}

//! The queue `wcl-discovered-players`, from its sending end: SQS batches.

use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};
use backon::{BackoffBuilder, ExponentialBuilder};
use parsebook_core::ports::{PlayerQueue, Result};
use parsebook_core::scrap::Discovered;

/// Most bytes of all bodies of one call. SQS takes 1 MiB since 2025; 256 KiB is what every account and emulator takes.
const BATCH_BYTES: usize = 256 * 1024;
/// How often entries that SQS did not take are sent again before they are reported.
const RESENDS: usize = 3;

/// The queue behind `QUEUE_URL`.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    /// The queue at `url`.
    pub fn new(config: &SdkConfig, url: String) -> Self {
        Self { client: Client::new(config), url }
    }

    /// One call: what became of each entry that SQS does not report as sent.
    async fn send_once(&self, entries: Vec<SendMessageBatchRequestEntry>) -> Result<Vec<BatchResultErrorEntry>> {
        let answer = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await;
        let answer = answer
            .map_err(|error| anyhow::anyhow!("{}", DisplayErrorContext(&error)))
            .with_context(|| format!("sending to {}", self.url))?;
        Ok(answer.failed)
    }

    /// Sends the entries of one call, those that fail by SQS's own fault again; answers the reasons of the rest.
    async fn send_chunk(&self, entries: Vec<SendMessageBatchRequestEntry>) -> Result<Vec<(usize, String)>> {
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_times(RESENDS)
            .with_jitter()
            .build();
        let mut rejected = Vec::new();
        let mut waiting = entries;
        loop {
            let failed = self.send_once(waiting.clone()).await?;
            let (final_failures, passing): (Vec<_>, Vec<_>) = failed.into_iter().partition(|entry| entry.sender_fault);
            for entry in final_failures {
                rejected.push((entry.id.parse().context("SQS names an entry that was not sent")?, reason(&entry)));
            }
            if passing.is_empty() {
                return Ok(rejected);
            }
            let Some(wait) = waits.next() else {
                for entry in passing {
                    rejected.push((entry.id.parse().context("SQS names an entry that was not sent")?, reason(&entry)));
                }
                return Ok(rejected);
            };
            tracing::warn!(entries = passing.len(), reason = %reason(&passing[0]), "sending again what SQS did not take");
            tokio::time::sleep(wait).await;
            waiting.retain(|entry| passing.iter().any(|failed| failed.id == entry.id));
        }
    }
}

fn reason(entry: &BatchResultErrorEntry) -> String {
    format!("SQS: {} {}", entry.code, entry.message.as_deref().unwrap_or_default()).trim_end().to_owned()
}

impl PlayerQueue for SqsQueue {
    async fn send(&self, messages: &[Discovered]) -> Result<Vec<std::result::Result<(), String>>> {
        let mut outcomes = vec![Ok(()); messages.len()];
        let mut chunks = vec![(0, Vec::new())];
        for (index, message) in messages.iter().enumerate() {
            let body = serde_json::to_string(message)?;
            if body.len() > BATCH_BYTES {
                outcomes[index] = Err(format!("player {}: a message of {} bytes is too large", message.id, body.len()));
                continue;
            }
            let size = body.len();
            let entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body).build()?;
            match chunks.last_mut() {
                Some((bytes, chunk)) if *bytes + size <= BATCH_BYTES && chunk.len() < Self::BATCH => {
                    *bytes += size;
                    chunk.push(entry);
                }
                _ => chunks.push((size, vec![entry])),
            }
        }
        for (_, chunk) in chunks.into_iter().filter(|(_, chunk)| !chunk.is_empty()) {
            for (index, reason) in self.send_chunk(chunk).await? {
                if let Some(outcome) = outcomes.get_mut(index) {
                    *outcome = Err(reason);
                }
            }
        }
        Ok(outcomes)
    }
}

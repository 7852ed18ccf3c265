//! The queue `wcl-discovered-players`, from its sending end: SQS batches.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, MessageAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry,
};
use backon::{BackoffBuilder, ExponentialBuilder};
use parsebook_core::ports::{MessageQueue, Result};
use parsebook_core::scrap::Message;

use super::described;

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

    /// Sends one dead letter: the body unchanged, why it failed as the attribute `reason`.
    ///
    /// # Errors
    /// When SQS does not take it.
    pub async fn send_dead_letter(&self, body: &str, reason: &str) -> Result<()> {
        let reason = MessageAttributeValue::builder().data_type("String").string_value(reason).build()?;
        let sending = self.client.send_message().queue_url(&self.url).message_body(body);
        let sent = sending.message_attributes("reason", reason).send().await;
        sent.map_err(described).with_context(|| format!("sending a dead letter to {}", self.url))?;
        Ok(())
    }

    /// One call: what SQS does not report as sent, also that of which it says nothing. Entries are named by their place.
    async fn send_once(&self, bodies: &[(usize, String)]) -> Result<Vec<BatchResultErrorEntry>> {
        let entry = |(place, body): &(usize, String)| {
            SendMessageBatchRequestEntry::builder().id(place.to_string()).message_body(body).build()
        };
        let entries = bodies.iter().map(entry).collect::<std::result::Result<_, _>>()?;
        let answer = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await;
        let answer = answer.map_err(described).with_context(|| format!("sending to {}", self.url))?;
        let sent: HashSet<&str> = answer.successful.iter().map(|entry| entry.id.as_str()).collect();
        let not_sent = bodies.iter().map(|(place, _)| place.to_string()).filter(|id| !sent.contains(id.as_str()));
        let reason = |id: String| match answer.failed.iter().find(|failed| failed.id == id) {
            Some(failed) => Ok(failed.clone()),
            None => Ok(BatchResultErrorEntry::builder().id(id).code("NoAnswer").sender_fault(false).build()?),
        };
        not_sent.map(reason).collect()
    }

    /// Sends the bodies of one call, those that fail by SQS's own fault again; answers the reasons of the rest by place.
    async fn send_chunk(&self, mut bodies: Vec<(usize, String)>) -> Result<Vec<(usize, String)>> {
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_times(RESENDS)
            .with_jitter()
            .build();
        let mut rejected = Vec::new();
        loop {
            let failed = self.send_once(&bodies).await?;
            let wait = if failed.iter().all(|entry| entry.sender_fault) { None } else { waits.next() };
            let is_final = |entry: &BatchResultErrorEntry| entry.sender_fault || wait.is_none();
            let (final_failures, passing): (Vec<_>, Vec<_>) = failed.into_iter().partition(is_final);
            for entry in final_failures {
                rejected.push((entry.id.parse()?, reason(&entry)));
            }
            let Some(wait) = wait else { return Ok(rejected) };
            tracing::warn!(entries = passing.len(), reason = %reason(&passing[0]), "sending again what SQS did not take");
            tokio::time::sleep(wait).await;
            bodies.retain(|(place, _)| passing.iter().any(|failed| failed.id == place.to_string()));
        }
    }
}

fn reason(entry: &BatchResultErrorEntry) -> String {
    format!("SQS: {} {}", entry.code, entry.message.as_deref().unwrap_or_default()).trim_end().to_owned()
}

impl MessageQueue for SqsQueue {
    async fn length(&self) -> Result<u64> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let asked = self.client.get_queue_attributes().queue_url(&self.url).set_attribute_names(Some(names.into()));
        let answer = asked.send().await;
        let answer = answer.map_err(described).with_context(|| format!("asking how long {} is", self.url))?;
        let counts = answer.attributes.into_iter().flatten().map(|(_, count)| count.parse::<u64>());
        counts.sum::<std::result::Result<_, _>>().context("the queue tells a length that is no number")
    }

    async fn send(&self, messages: &[Message]) -> Result<Vec<std::result::Result<(), String>>> {
        let mut outcomes = vec![Ok(()); messages.len()];
        let mut chunks = vec![(0, Vec::new())];
        for (index, message) in messages.iter().enumerate() {
            let body = serde_json::to_string(message)?;
            if body.len() > BATCH_BYTES {
                outcomes[index] = Err(format!("a message of {} bytes is too large", body.len()));
                continue;
            }
            let size = body.len();
            match chunks.last_mut() {
                Some((bytes, chunk)) if *bytes + size <= BATCH_BYTES && chunk.len() < Self::BATCH => {
                    *bytes += size;
                    chunk.push((index, body));
                }
                _ => chunks.push((size, vec![(index, body)])),
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

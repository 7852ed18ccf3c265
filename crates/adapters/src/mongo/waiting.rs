//! `queued`: what waits in the queue, in the form of `discovers` with the time at which it was sent. SQS cannot be asked
//! what is in it.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::TryStreamExt;
use mongodb::bson::{DateTime, Document, doc};
use mongodb::options::ReturnDocument;
use parsebook_core::ports::{InQueue, Result, Waiting};
use parsebook_core::scrap::Discovered;
use parsebook_core::{PlayerId, Timestamp};

use super::command::Durability;
use super::discoveries::{discovered, merging, stored};
use super::retry::while_away;
use super::{FAILURES, MongoStore, QUEUED, date, read};
use crate::stored::Stored;

/// The queue drops messages after this: the template's retention.
pub const RETENTION: TimeDelta = TimeDelta::days(14);

impl Waiting for MongoStore {
    async fn waiting(&self, now: Timestamp) -> Result<BTreeMap<PlayerId, InQueue>> {
        let dropped = date(now - RETENTION);
        let expired = doc! { "q": { "sentAt": { "$lte": dropped } }, "limit": 0 };
        self.delete(QUEUED, vec![expired]).await?;
        self.delete(FAILURES, vec![doc! { "q": { "at": { "$lte": dropped } }, "limit": 0 }]).await?;
        let collection = self.collection(QUEUED).await?;
        let in_queue = |document: Document| {
            let player = discovered(&document).ok()?;
            let sent_at = read::optional(&document, "sentAt").and_then(|sent_at| sent_at.time().ok());
            Some((player.id, InQueue { raids_to_scrap: player.raids_to_scrap, sent_at }))
        };
        // A full queue as documents is larger than a Lambda.
        let waiting = while_away("reading who waits in the queue", || async {
            let documents = collection.find(doc! {}).batch_size(1_000).await?;
            documents.try_filter_map(|document| std::future::ready(Ok(in_queue(document)))).try_collect().await
        });
        waiting.await
    }

    async fn mark_waiting(&self, sent: &[Discovered], now: Timestamp) -> Result<()> {
        let sent_at = date(now);
        let document = |player: &Discovered| {
            doc! { "_id": player.id, "raidsToScrap": stored(&player.raids_to_scrap), "sentAt": sent_at }
        };
        // An insertion costs a fraction of a merge, and hardly anybody waits with something else already.
        let rejected = self.insert(QUEUED, sent.iter().map(document).collect()).await?;
        let marking = |index: usize| {
            let mut statement = merging(&sent[index]);
            if let Ok(update) = statement.get_document_mut("u") {
                update.insert("$set", doc! { "sentAt": sent_at });
            }
            statement
        };
        let statements: Vec<_> = rejected.into_iter().map(marking).collect();
        self.update(QUEUED, &statements, Durability::Default).await?;
        Ok(())
    }

    async fn forget_waiting(&self, ended: &[Discovered]) -> Result<()> {
        self.take_out(QUEUED, ended).await
    }
}

impl MongoStore {
    /// Counts a failure of a message for reasons of its own, and answers how many there were. The count is forgotten when
    /// the queue has dropped the message.
    ///
    /// # Errors
    /// When the server is away.
    pub async fn count_failure(&self, message_id: &str) -> Result<u32> {
        let failures = self.collection(FAILURES).await?;
        let counted = while_away("counting a message's failures", || {
            let update = doc! { "$inc": { "failures": 1 }, "$set": { "at": DateTime::now() } };
            failures
                .find_one_and_update(doc! { "_id": message_id }, update)
                .upsert(true)
                .return_document(ReturnDocument::After)
                .into_future()
        })
        .await?;
        let counted = counted.unwrap_or_default();
        Ok(read::whole_field(&counted, "failures").unwrap_or(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_queues_keep_messages_for_as_long() {
        let template = include_str!("../../../../infra/template.yaml");
        let kept: Vec<&str> =
            template.lines().filter_map(|line| line.trim().strip_prefix("MessageRetentionPeriod: ")).collect();
        assert!(!kept.is_empty() && kept.iter().all(|&kept| kept == RETENTION.num_seconds().to_string()), "{kept:?}");
    }
}

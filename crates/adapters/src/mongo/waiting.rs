//! `queued`: what waits in the queue, in the form of `discovers` with the time at which it was sent. SQS cannot be asked
//! what is in it.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::TryStreamExt;
use mongodb::bson::{DateTime, Document, doc};
use parsebook_core::ports::{Result, Waiting};
use parsebook_core::scrap::{Discovered, RaidsToScrap};
use parsebook_core::{PlayerId, Timestamp};

use super::command::Durability;
use super::discoveries::{discovered, merging};
use super::retry::while_away;
use super::{MongoStore, QUEUED};

/// The queue drops messages after this: the template's retention.
pub const RETENTION: TimeDelta = TimeDelta::days(14);

impl Waiting for MongoStore {
    async fn waiting(&self, now: Timestamp) -> Result<BTreeMap<PlayerId, RaidsToScrap>> {
        let dropped = DateTime::from_millis((now - RETENTION).timestamp_millis());
        let expired = doc! { "q": { "sentAt": { "$lte": dropped } }, "limit": 0 };
        self.delete(QUEUED, vec![expired]).await?;
        let collection = self.collection(QUEUED);
        let documents: Vec<Document> = while_away("reading who waits in the queue", || async {
            collection.find(doc! {}).batch_size(10_000).await?.try_collect().await
        })
        .await?;
        let readable = documents.iter().filter_map(|document| discovered(document).ok());
        Ok(readable.map(|player| (player.id, player.raids_to_scrap)).collect())
    }

    async fn mark_waiting(&self, sent: &[Discovered], now: Timestamp) -> Result<()> {
        let sent_at = DateTime::from_millis(now.timestamp_millis());
        let marking = |player: &Discovered| {
            let mut statement = merging(player);
            if let Ok(update) = statement.get_document_mut("u") {
                update.insert("$set", doc! { "sentAt": sent_at });
            }
            statement
        };
        let statements: Vec<_> = sent.iter().map(marking).collect();
        self.update(QUEUED, &statements, Durability::Default).await?;
        Ok(())
    }

    async fn forget_waiting(&self, ended: &[Discovered]) -> Result<()> {
        self.take_out(QUEUED, ended).await
    }
}

//! `raids`. Reference data can always be asked from the API again: what cannot be read counts as absent.

use anyhow::Context;
use futures::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use parsebook_core::RaidId;
use parsebook_core::player::Raid;
use parsebook_core::ports::{Raids, Result};

use super::retry::while_away;
use super::{MongoStore, RAIDS, read};
use crate::stored::{encounters, of_encounters};

pub(super) fn raid(document: &Document) -> Result<Raid> {
    Ok(Raid {
        id: read::whole_field(document, "_id")?,
        name: read::text(document, "name")?,
        encounters: encounters(read::field(document, "encounters")?).context("encounters")?,
    })
}

fn readable(document: &Document) -> Option<Raid> {
    raid(document)
        .inspect_err(|error| {
            let id = read::id_excerpt(document);
            tracing::error!(document = %format!("{RAIDS} {id}"), reason = %format!("{error:#}"), "document skipped");
        })
        .ok()
}

impl Raids for MongoStore {
    async fn raid(&self, id: RaidId) -> Result<Option<Raid>> {
        let raids = self.collection(RAIDS).await?;
        let found =
            while_away("reading raids", || async { raids.find_one(doc! { "_id": i64::from(id) }).await }).await?;
        Ok(found.as_ref().and_then(readable))
    }

    async fn raids(&self) -> Result<Vec<Raid>> {
        let raids = self.collection(RAIDS).await?;
        let found: Vec<Document> = while_away("reading raids", || async {
            raids.find(doc! {}).sort(doc! { "_id": 1 }).await?.try_collect().await
        })
        .await?;
        Ok(found.iter().filter_map(readable).collect())
    }

    async fn save_raid(&self, raid: &Raid) -> Result<()> {
        let encounters: Bson = of_encounters(&raid.encounters);
        let replacement = doc! { "_id": raid.id, "name": &raid.name, "encounters": encounters };
        let raids = self.collection(RAIDS).await?;
        while_away("writing to raids", || {
            let filter = doc! { "_id": i64::from(raid.id) };
            let replacement = replacement.clone();
            let raids = &raids;
            async move { raids.replace_one(filter, replacement).upsert(true).await }
        })
        .await?;
        Ok(())
    }
}

//! `raids`. Reference data can always be asked from the API again: what cannot be read counts as absent.

use anyhow::Context;
use futures::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use parsebook_core::RaidId;
use parsebook_core::player::{Encounter, Raid};
use parsebook_core::ports::{Raids, Result};

use super::retry::while_away;
use super::{MongoStore, RAIDS, read};

pub(super) fn raid(document: &Document) -> Result<Raid> {
    let Bson::Array(encounters) = read::field(document, "encounters")? else {
        anyhow::bail!("encounters is no array");
    };
    let encounter = |value: &Bson| {
        let encounter = read::document(value, "encounter")?;
        Ok(Encounter { id: read::whole_field(encounter, "id")?, name: read::text(encounter, "name")? })
    };
    Ok(Raid {
        id: read::whole_field(document, "_id")?,
        name: read::text(document, "name")?,
        encounters: encounters.iter().map(encounter).collect::<Result<_>>().context("encounters")?,
    })
}

fn readable(document: &Document) -> Option<Raid> {
    raid(document)
        .inspect_err(|error| {
            let id = document.get("_id").map(read::told).unwrap_or_default();
            tracing::error!(document = %format!("{RAIDS} {id}"), reason = %format!("{error:#}"), "document set aside");
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
        let encounters: Vec<_> =
            raid.encounters.iter().map(|encounter| doc! { "id": encounter.id, "name": &encounter.name }).collect();
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

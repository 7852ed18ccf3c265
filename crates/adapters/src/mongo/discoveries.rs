//! `discovers`: one document per player, `{_id, raidsToScrap: {"31": [3, 5]}}`.
//!
//! Merging is `$addToSet`. Removing deletes a document only if, at that instant, it holds nothing but what was sent;
//! where discover added something meanwhile, only the sent pairs are pulled. Each statement is atomic on its document,
//! so neither can lose what the other adds.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, bail};
use futures::TryStreamExt;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use parsebook_core::ports::{DiscoveredPage, Discoveries, Result};
use parsebook_core::scrap::{Discovered, RaidsToScrap};
use parsebook_core::{PlayerId, RaidId};

use super::command::Durability;
use super::retry::while_away;
use super::{DISCOVERS, MongoStore, malformed, read};
use crate::stored::Stored;

/// One document.
pub fn discovered(document: &Document) -> Result<Discovered> {
    Ok(Discovered { id: read::whole_field(document, "_id")?, raids_to_scrap: raids_to_scrap(document)? })
}

/// The field `raidsToScrap`.
fn raids_to_scrap(document: &Document) -> Result<RaidsToScrap> {
    let raids = read::document(read::field(document, "raidsToScrap")?, "raidsToScrap")?;
    let mut raids_to_scrap = RaidsToScrap::default();
    for (raid, difficulties) in raids {
        let number: RaidId = raid.parse().with_context(|| format!("raidsToScrap: {raid:?} is no raid"))?;
        // What is removed is named by the number: "031" would be sent for ever.
        anyhow::ensure!(number.to_string() == *raid, "raidsToScrap: {raid:?} is no raid");
        let set = raids_to_scrap.0.entry(number).or_default();
        for difficulty in difficulties.items().with_context(|| format!("raidsToScrap.{raid}"))? {
            set.insert(difficulty.whole().with_context(|| format!("raidsToScrap.{raid}"))?);
        }
    }
    if !raids_to_scrap.is_empty() {
        raids_to_scrap.0.retain(|_, set| !set.is_empty());
    }
    Ok(raids_to_scrap)
}

fn path(raid: u32) -> String {
    format!("raidsToScrap.{raid}")
}

/// `raidsToScrap` as it is stored.
pub fn stored(raids_to_scrap: &RaidsToScrap) -> Document {
    raids_to_scrap.0.iter().map(|(raid, set)| (raid.to_string(), Bson::from(of_difficulties(set)))).collect()
}

pub fn of_difficulties(difficulties: &BTreeSet<u8>) -> Vec<i32> {
    difficulties.iter().map(|&difficulty| i32::from(difficulty)).collect()
}

/// Adds what was found of a player.
pub fn merging(player: &Discovered) -> Document {
    let sets: Document = player
        .raids_to_scrap
        .0
        .iter()
        .map(|(&raid, set)| (path(raid), Bson::from(doc! { "$each": of_difficulties(set) })))
        .collect();
    doc! { "q": { "_id": player.id }, "u": { "$addToSet": sets }, "upsert": true }
}

/// Deletes those of the players that hold `sent` and nothing beyond.
fn deleting(sent: &RaidsToScrap, players: Vec<PlayerId>) -> Document {
    let mut filter = doc! { "_id": { "$in": players } };
    for (&raid, set) in &sent.0 {
        filter.insert(path(raid), doc! { "$not": { "$elemMatch": { "$nin": of_difficulties(set) } } });
    }
    let raids: Vec<_> = sent.0.keys().map(u32::to_string).collect();
    let stored = doc! { "$map": { "input": { "$objectToArray": "$raidsToScrap" }, "in": "$$this.k" } };
    let is_document = doc! { "$eq": [{ "$type": "$raidsToScrap" }, "object"] };
    filter.insert("$expr", doc! { "$cond": [is_document, { "$setIsSubset": [stored, raids] }, false] });
    // Without a hint the server plans each anew.
    doc! { "q": filter, "limit": 0, "hint": { "_id": 1 } }
}

/// Players by what was sent of them: even a thousand have only a few contents, each of which is one statement.
fn by_content(players: &[Discovered]) -> HashMap<&RaidsToScrap, Vec<PlayerId>> {
    let mut together: HashMap<_, Vec<_>> = HashMap::new();
    for player in players {
        together.entry(&player.raids_to_scrap).or_default().push(player.id);
    }
    together
}

impl MongoStore {
    /// Takes exactly these pairs out of a collection of this form, whatever else its documents hold.
    pub(super) async fn take_out(&self, collection: &str, sent: &[Discovered]) -> Result<()> {
        let sent = by_content(sent);
        let statements = sent.iter().map(|(content, players)| deleting(content, players.clone())).collect();
        let deleted = self.delete(collection, statements).await?;
        let players: Vec<PlayerId> = sent.values().flatten().copied().collect();
        if deleted == players.len() as u64 {
            return Ok(());
        }
        let documents = self.collection(collection).await?;
        let there: Vec<Document> = while_away(&format!("reading {collection}"), || async {
            let find = documents.find(doc! { "_id": { "$in": &players } }).projection(doc! { "_id": 1 });
            find.await?.try_collect().await
        })
        .await?;
        let there: BTreeSet<PlayerId> = there.iter().filter_map(|found| read::whole_field(found, "_id").ok()).collect();
        let more = sent.iter().flat_map(|(content, players)| players.iter().map(move |player| (*player, *content)));
        let more: Vec<_> = more.filter(|(player, _)| there.contains(player)).collect();
        if more.is_empty() { Ok(()) } else { self.pull(collection, &more).await }
    }

    /// Takes the pairs out of documents that hold more, then what became empty by it.
    async fn pull(&self, collection: &str, sent: &[(PlayerId, &RaidsToScrap)]) -> Result<()> {
        let mut statements = Vec::new();
        for (player, content) in sent {
            for (&raid, set) in &content.0 {
                let pairs = Document::from_iter([(path(raid), Bson::from(of_difficulties(set)))]);
                statements.push(doc! { "q": { "_id": player }, "u": { "$pullAll": pairs } });
                let mut empty = doc! { "_id": player };
                empty.insert(path(raid), Vec::<Bson>::new());
                let unset = Document::from_iter([(path(raid), Bson::from(""))]);
                statements.push(doc! { "q": empty, "u": { "$unset": unset } });
            }
        }
        let rejected = self.update(collection, &statements, Durability::Default).await?;
        if let Some((index, rejection)) = rejected.into_iter().next() {
            bail!("{collection} {}: {}", Bson::from(statements[index].clone()).excerpt(), rejection.message);
        }
        let players = sent.iter().map(|(player, _)| *player).collect();
        self.delete(collection, vec![deleting(&RaidsToScrap::default(), players)]).await?;
        Ok(())
    }

    /// Documents from `after` on in the order of the index, of whatever type their `_id` is.
    async fn documents_after(&self, after: Option<PlayerId>, limit: usize) -> Result<Vec<RawDocumentBuf>> {
        let collection = self.raw(DISCOVERS).await?;
        // `min` includes its bound.
        let limit = i64::try_from(limit)? + i64::from(after.is_some());
        let mut documents: Vec<RawDocumentBuf> = while_away("reading discovers", || async {
            let mut find = collection
                .find(doc! {})
                .sort(doc! { "_id": 1 })
                .limit(limit)
                .batch_size(u32::try_from(limit).unwrap_or(u32::MAX))
                .projection(doc! { "raidsToScrap": 1 });
            if let Some(after) = after {
                find = find.hint(mongodb::options::Hint::Keys(doc! { "_id": 1 })).min(doc! { "_id": after });
            }
            find.await?.try_collect().await
        })
        .await?;
        if let (Some(after), Some(first)) = (after, documents.first())
            && read::raw_id(first).and_then(|id| id.whole().ok()) == Some(after)
        {
            documents.remove(0);
        }
        Ok(documents)
    }
}

impl Discoveries for MongoStore {
    async fn merge(&self, found: &[Discovered]) -> Result<()> {
        let statements: Vec<_> = found.iter().filter(|player| !player.raids_to_scrap.is_empty()).map(merging).collect();
        for (index, rejection) in self.update(DISCOVERS, &statements, Durability::Default).await? {
            let player = statements[index]["q"].excerpt();
            // A stored document that cannot be merged into is skipped; anything else must not be lost.
            anyhow::ensure!(rejection.is_about_the_document(), "discovers {player}: {}", rejection.message);
            tracing::error!(document = %format!("{DISCOVERS} {player}"), reason = %rejection.message, "document skipped");
        }
        Ok(())
    }

    async fn discovered_after(&self, after: Option<PlayerId>, limit: usize) -> Result<DiscoveredPage> {
        let limit = limit.max(1);
        let mut from = after;
        let mut page = DiscoveredPage::default();
        loop {
            let documents = self.documents_after(from, limit).await?;
            let mut last = None;
            for document in &documents {
                let read = Document::try_from(document).map_err(Into::into).and_then(|document| discovered(&document));
                last = read.as_ref().map(|player| player.id).ok().or(last);
                match read.and_then(|mut player| {
                    if player.raids_to_scrap.is_empty() {
                        return Ok(Err(player));
                    }
                    if let Some(usable) = player.raids_to_scrap.usable_part().filter(|part| !part.is_empty()) {
                        tracing::error!(player = player.id, "raids or difficulties that no raid has stay in discovers");
                        player.raids_to_scrap = usable;
                    }
                    Ok(Ok(player.checked()?))
                }) {
                    Ok(Ok(player)) => page.discovered.push(player),
                    Ok(Err(player)) => page.empty.push(player),
                    Err(error) => {
                        let id = read::raw_id(document);
                        last = id.as_ref().and_then(|id| id.whole().ok()).or(last);
                        page.malformed.push(malformed(
                            DISCOVERS,
                            &id.as_ref().map(Stored::excerpt).unwrap_or_default(),
                            &error,
                        ));
                    }
                }
            }
            if documents.len() < limit {
                break;
            }
            match last {
                Some(last) => {
                    page.next = Some(last);
                    break;
                }
                // Nothing but ids that no player has: negative numbers come first, texts last.
                None if from.is_none() => from = Some(0),
                None => break,
            }
        }
        Ok(page)
    }

    async fn discovered(&self, players: &[PlayerId]) -> Result<Vec<Discovered>> {
        let collection = self.collection(DISCOVERS).await?;
        let documents: Vec<Document> = while_away("reading discovers", || async {
            collection.find(doc! { "_id": { "$in": players } }).await?.try_collect().await
        })
        .await?;
        Ok(documents.iter().filter_map(|document| discovered(document).ok()?.checked().ok()).collect())
    }

    async fn remove(&self, sent: &[Discovered]) -> Result<()> {
        self.take_out(DISCOVERS, sent).await
    }

    async fn discovered_count(&self) -> Result<u64> {
        let collection = self.collection(DISCOVERS).await?;
        while_away("counting discovers", || async {
            // With the index alone: a million documents in a fraction of a second.
            collection.count_documents(doc! {}).hint(mongodb::options::Hint::Keys(doc! { "_id": 1 })).await
        })
        .await
    }
}

//! `players`: saving one raid + difficulty of a player, and reading a region in order.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use mongodb::Collection;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::options::Hint;
use parsebook_core::PlayerId;
use parsebook_core::player::{Identity, Player, PlayerUpdate, RaidRanks, RankedPart};
use parsebook_core::ports::{Known, KnownPlayers, Malformed, Players, Result, StoreAway};
use tokio::time::Instant;

use super::command::Durability;
use super::retry::{CALL_WITHIN, GIVE_UP_AFTER, is_away, while_away, within};
use super::{MongoStore, PLAYERS, PLAYERS_IN_ORDER, date, folding, malformed, read};
use crate::stored::{Stored, ranks};

/// Documents that the server sends at a time while a region is streamed.
const BATCH: u32 = 1000;
/// A stream that broke off is begun anew where it stopped, after this.
const BETWEEN_REOPENINGS: Duration = Duration::from_millis(500);

/// The statements that bring `update` about, to be carried out in order; doing so twice does no harm.
fn statements(update: &PlayerUpdate, foldings: &mut folding::Foldings) -> Result<Vec<RawDocumentBuf>> {
    let (id, identity, parts) = match update {
        PlayerUpdate::Hidden { id } | PlayerUpdate::Gone { id } => {
            let removal = doc! { "q": { "_id": id }, "u": { "$set": { "ranks": {} } } };
            return Ok(vec![RawDocumentBuf::try_from(&removal)?]);
        }
        PlayerUpdate::Folded { id, identity, seen_at, kills, folding } => {
            return Ok(vec![foldings.statement(*id, identity, *seen_at, kills, *folding)?]);
        }
        PlayerUpdate::Ranked { id, identity, parts } => (id, identity, parts),
    };
    let mut set = folding::of_identity(identity);
    if let Some(seen_at) = update.seen_at() {
        set.insert("seenAt", date(seen_at));
    }
    let mut on_insert = doc! { "ranks": {} };
    let mut gone = Vec::new();
    for RankedPart { raid, difficulty, ranks } in parts {
        if ranks.is_empty() {
            gone.push((raid, difficulty));
        } else {
            set.insert(format!("ranks.{raid}.{difficulty}"), ranks::of_difficulty::<Bson>(ranks));
            on_insert.clear();
        }
    }
    let mut modifiers = doc! { "$set": set };
    if !on_insert.is_empty() {
        modifiers.insert("$setOnInsert", on_insert);
    }
    let mut statements = vec![doc! { "q": { "_id": id }, "u": modifiers, "upsert": true }];
    for (raid, difficulty) in gone {
        let part = Document::from_iter([(format!("ranks.{raid}.{difficulty}"), Bson::from(""))]);
        statements.push(doc! { "q": { "_id": id }, "u": { "$unset": part } });
        let mut empty = doc! { "_id": id };
        empty.insert(format!("ranks.{raid}"), Document::new());
        let raid = Document::from_iter([(format!("ranks.{raid}"), Bson::from(""))]);
        statements.push(doc! { "q": empty, "u": { "$unset": raid } });
    }
    Ok(statements.iter().map(RawDocumentBuf::try_from).collect::<std::result::Result<_, _>>()?)
}

pub(super) fn player(document: &Document) -> Result<Player> {
    let id = read::whole_field(document, "_id")?;
    let _span = tracing::warn_span!("player", id).entered();
    Ok(Player {
        id,
        identity: Identity {
            name: read::text(document, "name")?,
            region: read::text(document, "region")?,
            server: read::text(document, "server")?,
            normalized_server: read::text(document, "normalizedServer")?,
            class_id: read::whole_field(document, "classId")?,
        },
        ranks: match read::optional(document, "ranks") {
            Some(ranks) => ranks::readable(ranks).context("ranks")?,
            None => RaidRanks::new(),
        },
    })
}

/// What is known of a player whose document can be written to.
pub(super) fn known(document: &Document) -> Result<Known> {
    let class_id = read::optional(document, "classId").map(Stored::whole).transpose().context("classId")?;
    ranks::known(class_id, document.get("ranks"))
}

fn checked(document: &Document) -> std::result::Result<Player, Malformed> {
    player(document).map_err(|error| {
        let id = read::id_excerpt(document);
        malformed(PLAYERS, &id, &error)
    })
}

/// A region on its way.
struct Region {
    store: MongoStore,
    name: String,
    cursor: Option<mongodb::Cursor<RawDocumentBuf>>,
    /// The index key of the last document: where to go on after an interruption.
    last: Option<Document>,
    /// Since when it has not answered.
    away_since: Option<Instant>,
}

impl Region {
    async fn open(
        &self,
        players: Collection<RawDocumentBuf>,
    ) -> mongodb::error::Result<mongodb::Cursor<RawDocumentBuf>> {
        let find = players
            .find(doc! { "region": &self.name })
            .sort(doc! { "normalizedServer": 1, "name": 1, "_id": 1 })
            .projection(doc! {
                "name": 1, "region": 1, "server": 1, "normalizedServer": 1, "classId": 1, "ranks": 1,
            })
            .batch_size(BATCH);
        match &self.last {
            None => find.await,
            // `min` goes by the index whatever the types of the values; it includes its bound.
            Some(last) => find.hint(Hint::Name(PLAYERS_IN_ORDER.to_owned())).min(last.clone()).await,
        }
    }

    /// The next document, or what is wrong with it where it cannot even be read as one.
    async fn next(&mut self) -> Result<Option<std::result::Result<Document, Malformed>>> {
        loop {
            let asked_at = Instant::now();
            let away_for = self.away_since.map_or(Duration::ZERO, |since| asked_at - since);
            let time = CALL_WITHIN.min(GIVE_UP_AFTER.saturating_sub(away_for));
            let next = match &mut self.cursor {
                Some(cursor) => within(time, cursor.try_next()).await,
                None => match within(time, self.open(self.store.raw(PLAYERS).await?)).await {
                    Ok(cursor) => {
                        self.cursor = Some(cursor);
                        continue;
                    }
                    Err(error) => Err(error),
                },
            };
            match next {
                Ok(Some(raw)) => {
                    let document = match Document::try_from(&raw) {
                        Ok(document) => document,
                        Err(error) => {
                            let id = read::raw_id_excerpt(&raw);
                            return Ok(Some(Err(malformed(PLAYERS, &id, &error.into()))));
                        }
                    };
                    let key = ["region", "normalizedServer", "name", "_id"];
                    let key: Document = key
                        .iter()
                        .map(|&name| (name.to_owned(), document.get(name).cloned().unwrap_or(Bson::Null)))
                        .collect();
                    let is_repeated = self.last.as_ref() == Some(&key);
                    self.last = Some(key);
                    self.away_since = None;
                    if !is_repeated {
                        return Ok(Some(Ok(document)));
                    }
                }
                Ok(None) => return Ok(None),
                Err(error) if is_away(&error) || is_lost_cursor(&error) => {
                    let since = *self.away_since.get_or_insert(asked_at);
                    if since.elapsed() + BETWEEN_REOPENINGS >= GIVE_UP_AFTER {
                        return Err(anyhow::Error::new(StoreAway(error.to_string())).context("reading players"));
                    }
                    tracing::warn!(region = %self.name, %error, "reading players anew where it broke off");
                    self.cursor = None;
                    tokio::time::sleep(BETWEEN_REOPENINGS).await;
                }
                Err(error) => return Err(anyhow::Error::new(error).context("reading players")),
            }
        }
    }
}

/// 43 `CursorNotFound`, 237 `CursorKilled`: the server restarted, or the reader was slow.
fn is_lost_cursor(error: &mongodb::error::Error) -> bool {
    matches!(error.kind.as_ref(), mongodb::error::ErrorKind::Command(command) if matches!(command.code, 43 | 237))
}

impl MongoStore {
    async fn known_of(&self, ids: &[PlayerId], kept: impl Fn(Known) -> Known) -> Result<KnownPlayers> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let collection = self.collection(PLAYERS).await?;
        let known = |document: Document| {
            let id = read::whole_field(&document, "_id").ok()?;
            Some((id, known(&document).map(&kept).map_err(|error| malformed(PLAYERS, &id, &error))))
        };
        // Of a document only this is kept: thousands of them are larger than a Lambda.
        let known = while_away("reading players", || async {
            let find = collection.find(doc! { "_id": { "$in": ids } }).projection(doc! { "classId": 1, "ranks": 1 });
            let documents = find.batch_size(BATCH).await?;
            documents.try_filter_map(|document| std::future::ready(Ok(known(document)))).try_collect().await
        });
        known.await
    }
}

impl Players for MongoStore {
    async fn save(&self, updates: &[PlayerUpdate]) -> Result<Vec<std::result::Result<(), String>>> {
        let mut outcomes = vec![Ok(()); updates.len()];
        // Statements of one player must run in order and a failed one must not stop the others' statements: the
        // command is unordered, and what follows a player's first statement goes into rounds of its own.
        let mut rounds: Vec<(Vec<usize>, Vec<RawDocumentBuf>)> = Vec::new();
        let mut foldings = folding::Foldings::default();
        for (index, update) in updates.iter().enumerate() {
            for (round, statement) in statements(update, &mut foldings)?.into_iter().enumerate() {
                if rounds.len() == round {
                    rounds.push(Default::default());
                }
                rounds[round].0.push(index);
                rounds[round].1.push(statement);
            }
        }
        for (owners, statements) in rounds {
            // The queue deletes the message once this answers: the journal must have it.
            for (index, rejection) in self.update_raw(PLAYERS, &statements, Durability::Journaled).await? {
                outcomes[owners[index]] = Err(format!("{} (code {})", rejection.message, rejection.code));
            }
        }
        Ok(outcomes)
    }

    async fn known(&self, ids: &[PlayerId]) -> Result<KnownPlayers> {
        self.known_of(ids, |known| known).await
    }

    async fn known_without_ends(&self, ids: &[PlayerId]) -> Result<KnownPlayers> {
        self.known_of(ids, |known| Known { ends: BTreeMap::new(), ..known }).await
    }

    fn players(&self, region: &str) -> impl Stream<Item = Result<std::result::Result<Player, Malformed>>> {
        let region =
            Region { store: self.clone(), name: region.to_owned(), cursor: None, last: None, away_since: None };
        stream::try_unfold(region, |mut region| async move {
            let document = region.next().await?;
            Ok(document.map(|document| (document.and_then(|document| checked(&document)), region)))
        })
        .boxed_local()
    }
}

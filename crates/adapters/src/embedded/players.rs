//! `players`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use parsebook_core::player::{Identity, Player, PlayerUpdate, RaidRanks, RankedPart};
use parsebook_core::ports::{Known, KnownPlayers, Malformed, Players, Result};
use parsebook_core::report_ranks::fold;
use parsebook_core::{PlayerId, Timestamp};
use rusqlite::{Row, Transaction, params};
use serde_json::{Value, json};

use super::{EmbeddedStore, column, count, malformed, millis};
use crate::stored::ranks;

/// Rows read at a time while streaming a region.
const PAGE: i64 = 2000;

fn player(row: &Row<'_>) -> Result<Player> {
    let id = column(row, "id")?;
    let _span = tracing::warn_span!("player", id).entered();
    Ok(Player {
        id,
        identity: Identity {
            name: column(row, "name")?,
            region: column(row, "region")?,
            server: column(row, "server")?,
            normalized_server: column(row, "normalized_server")?,
            class_id: column(row, "class_id")?,
        },
        ranks: stored(row).and_then(|stored| ranks::readable(&stored)).context("ranks")?,
    })
}

fn stored(row: &Row<'_>) -> Result<Value> {
    Ok(serde_json::from_str(&column::<String>(row, "ranks")?)?)
}

fn apply(transaction: &Transaction<'_>, update: &PlayerUpdate) -> Result<()> {
    match update {
        PlayerUpdate::Hidden { id } | PlayerUpdate::Gone { id } => {
            transaction.prepare_cached("UPDATE players SET ranks = '{}' WHERE id = ?1")?.execute([id])?;
        }
        PlayerUpdate::Ranked { id, identity, parts } => {
            let mut stored = stored_ranks(transaction, *id)?;
            parts.iter().try_for_each(|part| put(&mut stored, part))?;
            store(transaction, *id, identity, update.seen_at(), &stored)?;
        }
        PlayerUpdate::Folded { id, identity, seen_at, kills, folding } => {
            let mut stored = stored_ranks(transaction, *id)?;
            let mut ranks = RaidRanks::new();
            for (raid, difficulty) in kills.iter().map(|kill| (kill.raid, kill.difficulty)).collect::<BTreeSet<_>>() {
                let Some(part) = stored.get(raid.to_string()).and_then(|raid| raid.get(difficulty.to_string())) else {
                    continue;
                };
                let part =
                    ranks::strict(part).with_context(|| format!("ranks: raid {raid}: difficulty {difficulty}"))?;
                ranks.entry(raid).or_default().insert(difficulty, part);
            }
            fold(&mut ranks, kills, folding);
            for (raid, difficulties) in ranks {
                for (difficulty, ranks) in difficulties {
                    put(&mut stored, &RankedPart { raid, difficulty, ranks })?;
                }
            }
            store(transaction, *id, identity, Some(*seen_at), &stored)?;
        }
    }
    Ok(())
}

fn stored_ranks(transaction: &Transaction<'_>, id: PlayerId) -> Result<Value> {
    let mut select = transaction.prepare_cached("SELECT ranks FROM players WHERE id = ?1")?;
    let mut rows = select.query([id])?;
    rows.next()?.map_or_else(|| Ok(json!({})), stored).context("the stored ranks cannot be read")
}

/// Puts a part in its place, whatever stood there; one without ranks takes the stored one away.
fn put(stored: &mut Value, RankedPart { raid, difficulty, ranks }: &RankedPart) -> Result<()> {
    let raids = stored.as_object_mut().context("ranks: no document")?;
    let (raid, difficulty) = (raid.to_string(), difficulty.to_string());
    let difficulties = raids.entry(&raid).or_insert_with(|| json!({}));
    let difficulties = difficulties.as_object_mut().with_context(|| format!("ranks: raid {raid} is no document"))?;
    if ranks.is_empty() {
        difficulties.remove(&difficulty);
    } else {
        difficulties.insert(difficulty, ranks::of_difficulty(ranks));
    }
    if difficulties.is_empty() {
        raids.remove(&raid);
    }
    Ok(())
}

/// Stores ranks, and the identity unless it is older than the stored one. Without a time it replaces any.
fn store(
    transaction: &Transaction<'_>,
    id: PlayerId,
    identity: &Identity,
    seen_at: Option<Timestamp>,
    ranks: &Value,
) -> Result<()> {
    let (ranks, seen_at) = (ranks.to_string(), seen_at.map(millis));
    let unless_older = "UPDATE players SET ranks = ?2 WHERE id = ?1 AND seen_at > ?3";
    transaction.prepare_cached(unless_older)?.execute(params![id, ranks, seen_at])?;
    transaction
        .prepare_cached(
            "INSERT INTO players (id, name, region, server, normalized_server, class_id, ranks, seen_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, coalesce(?8, 0))
             ON CONFLICT (id) DO UPDATE SET name = ?2, region = ?3, server = ?4, normalized_server = ?5,
                 class_id = ?6, ranks = ?7, seen_at = coalesce(?8, seen_at)
             WHERE ?8 IS NULL OR seen_at <= ?8",
        )?
        .execute(params![
            id,
            identity.name,
            identity.region,
            identity.server,
            identity.normalized_server,
            identity.class_id,
            ranks,
            seen_at,
        ])?;
    Ok(())
}

/// What can be read of some rows, and what cannot.
type CheckedPlayers = Vec<std::result::Result<Player, Malformed>>;

/// Where a streamed region goes on.
#[derive(Debug, Clone, Default)]
struct After {
    normalized_server: String,
    name: String,
    id: i64,
}

impl EmbeddedStore {
    fn page_of_players(&self, region: &str, after: &After) -> Result<(CheckedPlayers, Option<After>)> {
        let connection = self.lock();
        let mut select = connection.prepare_cached(
            "SELECT * FROM players WHERE region = ?1 AND (normalized_server, name, id) > (?2, ?3, ?4)
             ORDER BY normalized_server, name, id LIMIT ?5",
        )?;
        let mut rows = select.query(params![region, after.normalized_server, after.name, after.id, PAGE])?;
        let (mut players, mut next) = (Vec::new(), None);
        while let Some(row) = rows.next()? {
            let normalized_server = column(row, "normalized_server")?;
            let at = After { normalized_server, name: column(row, "name")?, id: column(row, "id")? };
            players.push(player(row).map_err(|error| malformed("players", &at.id, &error)));
            next = Some(at);
        }
        Ok((players, next))
    }

    fn known_of(&self, ids: &[PlayerId], kept: impl Fn(Known) -> Known) -> Result<KnownPlayers> {
        let connection = self.lock();
        let mut select = connection.prepare_cached("SELECT class_id, ranks FROM players WHERE id = ?1")?;
        let mut known = BTreeMap::new();
        for &id in ids {
            let mut rows = select.query([id])?;
            let Some(row) = rows.next()? else { continue };
            let read = || ranks::known(Some(column(row, "class_id")?), Some(&stored(row).context("ranks")?));
            known.insert(id, read().map(&kept).map_err(|error| malformed("players", &id, &error)));
        }
        Ok(known)
    }

    /// How many players are stored, in all regions.
    ///
    /// # Errors
    /// When the store fails.
    pub fn player_count(&self) -> Result<u64> {
        count(&self.lock(), "SELECT count(*) FROM players WHERE ranks <> '{}'", &[])
    }

    /// One player.
    ///
    /// # Errors
    /// When the store fails or the row cannot be read.
    pub fn player(&self, id: PlayerId) -> Result<Option<Player>> {
        let connection = self.lock();
        let mut select = connection.prepare_cached("SELECT * FROM players WHERE id = ?1")?;
        let mut rows = select.query([id])?;
        rows.next()?.map(player).transpose()
    }
}

impl Players for EmbeddedStore {
    async fn save(&self, updates: &[PlayerUpdate]) -> Result<Vec<std::result::Result<(), String>>> {
        self.transaction(|transaction| {
            Ok(updates.iter().map(|update| apply(transaction, update).map_err(|error| format!("{error:#}"))).collect())
        })
    }

    async fn known(&self, ids: &[PlayerId]) -> Result<KnownPlayers> {
        self.known_of(ids, |known| known)
    }

    async fn known_without_ends(&self, ids: &[PlayerId]) -> Result<KnownPlayers> {
        self.known_of(ids, |known| Known { ends: BTreeMap::new(), ..known })
    }

    fn players(&self, region: &str) -> impl Stream<Item = Result<std::result::Result<Player, Malformed>>> {
        let region = region.to_owned();
        stream::try_unfold(Some(After::default()), move |after| {
            let page = match after {
                Some(after) => self
                    .page_of_players(&region, &after)
                    .map(|(players, next)| next.map(|next| (stream::iter(players.into_iter().map(Ok)), Some(next)))),
                None => Ok(None),
            };
            std::future::ready(page)
        })
        .try_flatten()
        .boxed_local()
    }
}

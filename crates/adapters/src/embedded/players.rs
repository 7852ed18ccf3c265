//! `players`.

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::Context;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use parsebook_core::player::{EncounterRank, Identity, MetricRanks, Player, PlayerUpdate, RaidRanks};
use parsebook_core::ports::{Known, KnownPlayers, Malformed, Players, Result};
use parsebook_core::report_ranks::fold;
use parsebook_core::{EncounterId, PlayerId, Timestamp};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{EmbeddedStore, count, malformed, millis};

/// Rows read at a time while streaming a region.
const PAGE: i64 = 2000;

struct RawPlayer {
    id: i64,
    name: String,
    server: String,
    normalized_server: String,
    class_id: i64,
    ranks: String,
}

impl RawPlayer {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            server: row.get(2)?,
            normalized_server: row.get(3)?,
            class_id: row.get(4)?,
            ranks: row.get(5)?,
        })
    }

    fn check(&self, region: &str) -> Result<Player> {
        Ok(Player {
            id: self.id.try_into().context("id")?,
            identity: Identity {
                name: self.name.clone(),
                region: region.to_owned(),
                server: self.server.clone(),
                normalized_server: self.normalized_server.clone(),
                class_id: self.class_id.try_into().context("class_id")?,
            },
            ranks: readable_ranks(&self.ranks).context("ranks")?,
        })
    }
}

/// Stored ranks, which anyone may have written: anything odd is left out alone, by name.
fn readable_ranks(json: &str) -> Result<RaidRanks> {
    if let Ok(ranks) = serde_json::from_str(json) {
        return Ok(ranks);
    }
    let metrics = |value: &Value| entries(value, "metric", metric);
    let raids = entries(&serde_json::from_str(json)?, "raid", |raid| entries(raid, "difficulty", metrics));
    let mut ranks: RaidRanks = raids?;
    ranks.retain(|_, difficulties| !difficulties.is_empty());
    Ok(ranks)
}

fn entries<K: Ord + FromStr, V>(
    value: &Value,
    what: &str,
    read: impl Fn(&Value) -> Result<V>,
) -> Result<BTreeMap<K, V>> {
    let fields = value.as_object().with_context(|| format!("{what}: no object"))?;
    let mut entries = BTreeMap::new();
    for (key, value) in fields {
        let number = key.parse().map_err(|_| anyhow::anyhow!("{what} {key:?} is no number"));
        match number.and_then(|number| Ok((number, read(value).with_context(|| format!("{what} {key}"))?))) {
            Ok((key, value)) => {
                entries.insert(key, value);
            }
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "a part of a stored player is left out");
            }
        }
    }
    Ok(entries)
}

/// A metric's ranks without those of its fields that cannot be read.
fn metric(value: &Value) -> Result<MetricRanks> {
    let stored = value.as_object().context("no object")?;
    let readable = |value: &Value| EncounterRank::deserialize(value).map(|_| value.clone()).map_err(Into::into);
    let encounters = entries(stored.get("encounters").unwrap_or(&Value::Null), "encounter", readable)?;
    let encounters: BTreeMap<EncounterId, Value> = encounters;
    let mut kept = Map::from_iter([
        // Without a date they are as old as can be.
        ("rankedAt".to_owned(), serde_json::to_value(Timestamp::UNIX_EPOCH)?),
        ("encounters".to_owned(), serde_json::to_value(encounters)?),
        ("partition".to_owned(), 0.into()),
    ]);
    let mut ranks = MetricRanks::deserialize(Value::Object(kept.clone()))?;
    for name in ["rankedAt", "partition", "readAt", "spec", "ends", "specs"] {
        let Some(value) = stored.get(name) else { continue };
        let mut with_it = kept.clone();
        with_it.insert(name.to_owned(), value.clone());
        match MetricRanks::deserialize(Value::Object(with_it.clone())) {
            Ok(read) => (kept, ranks) = (with_it, read),
            Err(error) => tracing::warn!(%error, name, "a part of a stored player is left out"),
        }
    }
    Ok(ranks)
}

fn apply(transaction: &Transaction<'_>, update: &PlayerUpdate) -> Result<()> {
    match update {
        PlayerUpdate::Hidden { id } | PlayerUpdate::Gone { id } => {
            transaction.prepare_cached("UPDATE players SET ranks = '{}' WHERE id = ?1")?.execute([id])?;
        }
        PlayerUpdate::Ranked { id, identity, parts } => {
            let mut ranks = stored_ranks(transaction, *id)?;
            parts.iter().for_each(|part| part.apply_to(&mut ranks));
            store(transaction, *id, identity, update.seen_at(), &ranks)?;
        }
        PlayerUpdate::Folded { id, identity, seen_at, kills, folding } => {
            let mut ranks = stored_ranks(transaction, *id)?;
            fold(&mut ranks, kills, folding);
            store(transaction, *id, identity, Some(*seen_at), &ranks)?;
        }
    }
    Ok(())
}

fn stored_ranks(transaction: &Transaction<'_>, id: PlayerId) -> Result<RaidRanks> {
    let mut select = transaction.prepare_cached("SELECT ranks FROM players WHERE id = ?1")?;
    let stored: Option<String> = select.query_row([id], |row| row.get(0)).optional()?;
    stored.map_or_else(
        || Ok(RaidRanks::new()),
        |json| serde_json::from_str(&json).context("the stored ranks cannot be read"),
    )
}

/// Stores ranks, and the identity unless it is older than the stored one. Without a time it replaces any.
fn store(
    transaction: &Transaction<'_>,
    id: PlayerId,
    identity: &Identity,
    seen_at: Option<Timestamp>,
    ranks: &RaidRanks,
) -> Result<()> {
    let seen_at = seen_at.map(millis);
    transaction.prepare_cached("UPDATE players SET ranks = ?2 WHERE id = ?1 AND seen_at > ?3")?.execute(params![
        id,
        serde_json::to_string(ranks)?,
        seen_at
    ])?;
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
            serde_json::to_string(ranks)?,
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
        let mut statement = connection.prepare_cached(
            "SELECT id, name, server, normalized_server, class_id, ranks FROM players
             WHERE region = ?1 AND (normalized_server, name, id) > (?2, ?3, ?4)
             ORDER BY normalized_server, name, id LIMIT ?5",
        )?;
        let params = params![region, after.normalized_server, after.name, after.id, PAGE];
        let raw = statement.query_map(params, RawPlayer::read)?.collect::<rusqlite::Result<Vec<_>>>()?;
        let next = raw.last().map(|last| After {
            normalized_server: last.normalized_server.clone(),
            name: last.name.clone(),
            id: last.id,
        });
        let players =
            raw.iter().map(|raw| raw.check(region).map_err(|error| malformed("players", &raw.id, &error))).collect();
        Ok((players, next))
    }

    fn known_of(&self, ids: &[PlayerId], kept: impl Fn(Known) -> Known) -> Result<KnownPlayers> {
        let connection = self.lock();
        let mut select = connection.prepare_cached("SELECT class_id, ranks FROM players WHERE id = ?1")?;
        let mut known = BTreeMap::new();
        for &id in ids {
            let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
            let Some((class_id, ranks)) = select.query_row([id], row).optional()? else { continue };
            let read = || Ok(Known::of(class_id.try_into().context("class_id")?, &serde_json::from_str(&ranks)?));
            known.insert(id, read().map(&kept).map_err(|error: anyhow::Error| malformed("players", &id, &error)));
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
        let found = connection
            .query_row(
                "SELECT id, name, server, normalized_server, class_id, ranks, region FROM players WHERE id = ?1",
                [id],
                |row| Ok((RawPlayer::read(row)?, row.get::<_, String>(6)?)),
            )
            .optional()?;
        found.map(|(raw, region)| raw.check(&region)).transpose()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_odd_in_stored_ranks_costs_nothing_beside_it() {
        let part = || {
            let encounters = json!({"1": {"rankPercent": 91.3, "kills": 3}});
            json!({"partition": 1, "rankedAt": "2026-09-01T00:00:00Z", "encounters": encounters})
        };
        let with = |name: &str, value: Value| {
            let mut part = part();
            part[name] = value;
            part
        };
        let encounters = json!({
            "1": {"rankPercent": 91.3, "kills": 3},
            "2": {"rankPercent": "odd", "kills": 3},
            "3": null,
            "x": {"rankPercent": 5, "kills": 3},
        });
        let ranks = json!({
            "31": {"3": null, "4": {"dps": part(), "hps": null}, "x": {}},
            "32": [],
            "33": {"1": {"dps": with("rankedAt", json!("soon"))}, "3": {"dps": with("encounters", json!([]))}},
            "34": {
                "1": {"dps": with("partition", Value::Null), "hps": with("readAt", json!("then"))},
                "3": {"dps": with("ends", json!(7)), "hps": with("specs", json!({"1": 7}))},
                "4": {"dps": with("encounters", encounters)},
            },
            "abc": {},
        });
        let read = readable_ranks(&ranks.to_string()).unwrap();
        let mut kept = Vec::new();
        for (raid, difficulties) in &read {
            for (difficulty, metrics) in difficulties {
                for (metric, ranks) in metrics {
                    assert_eq!(ranks.encounters, BTreeMap::from([(1, EncounterRank { rank_percent: 91.3, kills: 3 })]));
                    kept.push((*raid, *difficulty, metric.as_str()));
                }
            }
        }
        let expected = [
            (31, 4, "dps"),
            (33, 1, "dps"),
            (34, 1, "dps"),
            (34, 1, "hps"),
            (34, 3, "dps"),
            (34, 3, "hps"),
            (34, 4, "dps"),
        ];
        assert_eq!(kept, expected);
        assert!(readable_ranks("[]").is_err() && readable_ranks("{\"31\":").is_err());
    }
}

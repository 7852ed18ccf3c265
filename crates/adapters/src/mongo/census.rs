//! What MongoDB counts for the status: the server groups, so that no player travels.

use std::collections::BTreeMap;
use std::future::IntoFuture;

use chrono::TimeDelta;
use futures::TryStreamExt;
use mongodb::bson::{Document, doc};
use parsebook_core::Timestamp;
use parsebook_core::ports::{Discoveries, ReportBacklog, Result};
use parsebook_core::status::census::{AGES, Boss, RANK_GROUPS};
use parsebook_core::status::{BossRanks, Census, RegionCensus, StatusSource};

use super::retry::while_away;
use super::waiting::RETENTION;
use super::{MongoStore, PLAYERS, QUEUED, date, read};
use crate::stored::Stored;

/// The fields of a sub-document as a list of `k` and `v`; of anything else, none.
fn fields(expression: &str) -> Document {
    let is_document = doc! { "$eq": [{ "$type": expression }, "object"] };
    doc! { "$cond": [is_document, { "$objectToArray": expression }, []] }
}

/// The highest of `value` over the fields of a sub-document, each named `name`; null where there is none.
fn highest(expression: &str, name: &str, value: Document) -> Document {
    doc! { "$max": { "$map": { "input": fields(expression), "as": name, "in": value } } }
}

/// Players by region and age of their newest rank.
fn freshness(now: Timestamp) -> Vec<Document> {
    let is_date = doc! { "$eq": [{ "$type": "$$metric.v.rankedAt" }, "date"] };
    let ranked_at = doc! { "$cond": [is_date, "$$metric.v.rankedAt", null] };
    let of_difficulty = highest("$$difficulty.v", "metric", ranked_at);
    let of_raid = highest("$$raid.v", "difficulty", of_difficulty);
    let groups = AGES.iter().zip(0_i32..).map(|(&days, group)| {
        let limit = date(now - TimeDelta::days(i64::from(days)));
        doc! { "case": { "$gt": ["$at", limit] }, "then": group }
    });
    let last = i32::try_from(AGES.len()).unwrap_or(i32::MAX);
    let group = doc! { "$switch": { "branches": groups.collect::<Vec<_>>(), "default": last } };
    vec![
        doc! { "$project": { "region": 1, "at": highest("$ranks", "raid", of_raid) } },
        doc! { "$match": { "region": { "$type": "string" }, "at": { "$type": "date" } } },
        doc! { "$group": {
            "_id": { "region": "$region", "group": group },
            "players": { "$sum": 1 }, "oldest": { "$min": "$at" }, "newest": { "$max": "$at" },
        } },
    ]
}

/// Players by boss and rank.
fn distribution() -> Vec<Document> {
    let width = 100.0 / RANK_GROUPS as f64;
    let last = i32::try_from(RANK_GROUPS - 1).unwrap_or(i32::MAX);
    let group = doc! { "$floor": { "$divide": ["$encounter.v.rankPercent", width] } };
    vec![
        doc! { "$project": { "raid": fields("$ranks") } },
        doc! { "$unwind": "$raid" },
        doc! { "$project": { "raid": "$raid.k", "difficulty": fields("$raid.v") } },
        doc! { "$unwind": "$difficulty" },
        doc! { "$project": { "raid": 1, "difficulty": "$difficulty.k", "metric": fields("$difficulty.v") } },
        doc! { "$unwind": "$metric" },
        doc! { "$project": {
            "raid": 1, "difficulty": 1, "metric": "$metric.k", "encounter": fields("$metric.v.encounters"),
        } },
        doc! { "$unwind": "$encounter" },
        doc! { "$match": { "encounter.v.rankPercent": { "$type": "number" } } },
        doc! { "$group": {
            "_id": {
                "raid": "$raid", "difficulty": "$difficulty", "metric": "$metric", "encounter": "$encounter.k",
                "group": { "$min": [last, { "$max": [0, group] }] },
            },
            "players": { "$sum": 1 },
        } },
    ]
}

fn add_region(regions: &mut BTreeMap<String, RegionCensus>, group: &Document) -> Result<()> {
    let id = read::document(read::field(group, "_id")?, "_id")?;
    let name = read::text(id, "region")?;
    let region = regions.entry(name).or_insert_with_key(|name| RegionCensus::new(name.clone()));
    let (oldest, newest) = (read::field(group, "oldest")?.time()?, read::field(group, "newest")?.time()?);
    region.add(read::whole_field::<u32>(id, "group")? as usize, read::whole_field(group, "players")?, oldest, newest);
    Ok(())
}

fn add_boss(bosses: &mut BTreeMap<Boss, [u64; RANK_GROUPS]>, group: &Document) -> Result<()> {
    let id = read::document(read::field(group, "_id")?, "_id")?;
    let metric = read::text(id, "metric")?;
    let numbers =
        (read::text(id, "raid")?.parse(), read::text(id, "difficulty")?.parse(), read::text(id, "encounter")?.parse());
    // What somebody else stored under another name than a number is no boss.
    let (Ok(raid), Ok(difficulty), Ok(encounter)) = numbers else { return Ok(()) };
    let players = bosses.entry(Boss { raid, difficulty, metric, encounter }).or_default();
    let group_index = read::whole_field::<u32>(id, "group")? as usize;
    players[group_index.min(RANK_GROUPS - 1)] += read::whole_field::<u64>(group, "players")?;
    Ok(())
}

impl MongoStore {
    async fn grouped(&self, what: &str, pipeline: Vec<Document>) -> Result<Vec<Document>> {
        let players = self.collection(PLAYERS).await?;
        while_away(what, || async {
            players.aggregate(pipeline.clone()).allow_disk_use(true).await?.try_collect().await
        })
        .await
    }

    /// Messages of players that were sent to the queue and have not come back. SQS itself cannot be asked who is in it.
    async fn queued_count(&self, now: Timestamp) -> Result<u64> {
        let queued = self.collection(QUEUED).await?;
        let kept = doc! { "sentAt": { "$gt": date(now - RETENTION) } };
        while_away("counting who waits in the queue", || queued.count_documents(kept.clone()).into_future()).await
    }
}

impl StatusSource for MongoStore {
    async fn census(&self, now: Timestamp) -> Result<Census> {
        let mut regions = BTreeMap::new();
        for group in self.grouped("counting players by age", freshness(now)).await? {
            add_region(&mut regions, &group)?;
        }
        let mut bosses = BTreeMap::new();
        for group in self.grouped("counting players by rank", distribution()).await? {
            add_boss(&mut bosses, &group)?;
        }
        Ok(Census {
            discovered: self.discovered_count().await?,
            queued: Some(self.queued_count(now).await?),
            dead_letters: None,
            regions: regions.into_values().collect(),
            bosses: bosses.into_iter().map(|(boss, players)| BossRanks { boss, players }).collect(),
            reports: self.report_lag(now).await?.into(),
        })
    }
}

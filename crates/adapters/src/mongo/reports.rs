//! `reports`: those whose ranks are read for everybody in them; and `reports_read`: those that discovery has read.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use futures::TryStreamExt;
use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use parsebook_core::left_out::LeftOut;
use parsebook_core::ports::{ReportBacklog, ReportLag, Result, SeenReport, SeenReports};
use parsebook_core::report_state::{ReportState, Settled, StoredReport};
use parsebook_core::{Difficulty, RaidId, Timestamp};

use super::command::Durability;
use super::discoveries::of_difficulties;
use super::retry::while_away;
use super::{MongoStore, REPORTS, REPORTS_READ, date, read};
use crate::stored::Stored;

/// What is due is found by this.
pub fn index() -> IndexModel {
    IndexModel::builder().keys(doc! { "state": 1, "dueAt": 1 }).build()
}

/// The states of reports that are to be read.
fn open() -> Document {
    doc! { "$in": ReportState::OPEN.map(ReportState::name).to_vec() }
}

fn time(document: &Document, name: &str) -> Result<Timestamp> {
    read::field(document, name)?.time().with_context(|| name.to_owned())
}

pub(super) fn report(document: &Document) -> Result<StoredReport> {
    Ok(StoredReport {
        code: read::text(document, "_id")?,
        raid: read::whole_field(document, "raid")?,
        region: read::optional(document, "region").and_then(Bson::as_str).unwrap_or_default().to_owned(),
        start: time(document, "startTime")?,
        end: time(document, "endTime")?,
        revision: read::whole_field(document, "revision")?,
        state: read::text(document, "state")?.parse().map_err(anyhow::Error::msg)?,
        due_at: time(document, "dueAt")?,
        sent_at: read::optional(document, "sentAt").map(Stored::time).transpose().context("sentAt")?,
        found_at: read::optional(document, "foundAt").map(Stored::time).transpose().context("foundAt")?,
        tries: read::optional(document, "tries").map(Stored::whole).transpose().context("tries")?.unwrap_or_default(),
        // Written by no earlier version.
        difficulties: match read::optional(document, "difficulties") {
            Some(_) => difficulties(document)?,
            None => BTreeSet::new(),
        },
        left_out: LeftOut::of_number(
            read::optional(document, "leftOut").map(Stored::whole).transpose().context("leftOut")?.unwrap_or_default(),
        ),
    })
}

fn difficulties(document: &Document) -> Result<BTreeSet<Difficulty>> {
    let difficulties = read::field(document, "difficulties")?.items().context("difficulties")?;
    difficulties.iter().map(Stored::whole).collect()
}

/// Those that can be read; the others are named in the log.
fn readable(documents: &[Document]) -> impl Iterator<Item = StoredReport> {
    documents.iter().filter_map(|document| {
        report(document)
            .inspect_err(|error| {
                let id = read::id_excerpt(document);
                tracing::error!(document = %format!("{REPORTS} {id}"), reason = %format!("{error:#}"), "document skipped");
            })
            .ok()
    })
}

/// The report, unless one of a higher revision is stored.
fn raising(report: &StoredReport) -> Document {
    let literal = |text: &str| doc! { "$literal": text };
    let mut raised = doc! {
        "_id": literal(&report.code),
        "raid": report.raid,
        "region": literal(&report.region),
        "startTime": date(report.start),
        "endTime": date(report.end),
        "revision": report.revision,
        "state": report.state.name(),
        "dueAt": date(report.due_at),
        "tries": report.tries,
        "difficulties": of_difficulties(&report.difficulties),
        "leftOut": i32::from(report.left_out.number()),
    };
    if let Some(found_at) = report.found_at {
        raised.insert("foundAt", date(found_at));
    }
    let is_newer = doc! { "$lte": [{ "$ifNull": ["$revision", -1] }, report.revision] };
    let replace = doc! { "$replaceWith": { "$cond": [is_newer, raised, "$$ROOT"] } };
    doc! { "q": { "_id": &report.code }, "u": [replace], "upsert": true }
}

fn settling((code, revision, settled): &(String, u32, Settled)) -> Document {
    let mut set = doc! {
        "state": settled.state.name(),
        "dueAt": date(settled.due_at),
        "tries": settled.tries,
        "difficulties": of_difficulties(&settled.difficulties),
        "leftOut": i32::from(settled.left_out.number()),
    };
    let mut modifiers = Document::new();
    match settled.sent_at {
        Some(sent_at) => drop(set.insert("sentAt", date(sent_at))),
        None => drop(modifiers.insert("$unset", doc! { "sentAt": "" })),
    }
    modifiers.insert("$set", set);
    doc! { "q": { "_id": code, "revision": revision }, "u": modifiers }
}

impl MongoStore {
    async fn found(&self, collection: &str, filter: Document) -> Result<Vec<Document>> {
        let reports = self.collection(collection).await?;
        let what = format!("reading {collection}");
        while_away(&what, || async { reports.find(filter.clone()).await?.try_collect().await }).await
    }

    /// Carries out statements of which none may be rejected.
    async fn update_all(&self, collection: &str, statements: &[Document]) -> Result<()> {
        if statements.is_empty() {
            return Ok(());
        }
        let rejected = self.update(collection, statements, Durability::Default).await?;
        if let Some((index, rejection)) = rejected.into_iter().next() {
            let of = statements[index]["q"].excerpt();
            anyhow::bail!("{collection} {of}: {}", rejection.message);
        }
        Ok(())
    }
}

impl ReportBacklog for MongoStore {
    async fn reports(&self, codes: &[String]) -> Result<BTreeMap<String, StoredReport>> {
        if codes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let documents = self.found(REPORTS, doc! { "_id": { "$in": codes } }).await?;
        Ok(readable(&documents).map(|report| (report.code.clone(), report)).collect())
    }

    async fn raise_reports(&self, reports: &[StoredReport]) -> Result<()> {
        self.update_all(REPORTS, &reports.iter().map(raising).collect::<Vec<_>>()).await
    }

    async fn due_reports(
        &self,
        now: Timestamp,
        sent_before: Timestamp,
        in_part: bool,
        limit: usize,
    ) -> Result<Vec<StoredReport>> {
        let limit = i64::try_from(limit.min(i32::MAX as usize))?;
        if limit == 0 {
            return Ok(Vec::new());
        }
        let filter = doc! {
            "state": open(),
            "dueAt": { "$lte": date(now) },
            "$or": [{ "sentAt": null }, { "sentAt": { "$lte": date(sent_before) } }],
            "leftOut": if in_part { doc! { "$gt": 0 } } else { doc! { "$not": { "$gt": 0 } } },
        };
        let reports = self.collection(REPORTS).await?;
        let documents: Vec<Document> = while_away("reading reports", || async {
            reports.find(filter.clone()).sort(doc! { "endTime": -1, "_id": 1 }).limit(limit).await?.try_collect().await
        })
        .await?;
        Ok(readable(&documents).collect())
    }

    async fn mark_sent(&self, codes: &[String], at: Timestamp) -> Result<()> {
        let update = doc! { "q": { "_id": { "$in": codes } }, "u": { "$set": { "sentAt": date(at) } }, "multi": true };
        self.update_all(REPORTS, &[update]).await
    }

    async fn settle_reports(&self, settled: &[(String, u32, Settled)]) -> Result<()> {
        self.update_all(REPORTS, &settled.iter().map(settling).collect::<Vec<_>>()).await
    }

    async fn forget_reports(&self, raid: RaidId, ended_before: Timestamp) -> Result<u64> {
        let old = doc! { "raid": raid, "endTime": { "$lt": date(ended_before) } };
        let mut in_part = old.clone();
        in_part.insert("leftOut", doc! { "$gt": 0 });
        let mut unread = old.clone();
        unread.extend(doc! { "state": open(), "foundAt": { "$lt": date(ended_before) } });
        let mut closed = old;
        closed.insert("state", doc! { "$not": open() });
        let given_up = [in_part, unread].map(|which| doc! { "q": which, "limit": 0 });
        let forgotten = self.delete(REPORTS, given_up.into()).await?;
        self.delete(REPORTS, vec![doc! { "q": closed, "limit": 0 }]).await?;
        Ok(forgotten)
    }

    async fn report_lag(&self, now: Timestamp) -> Result<ReportLag> {
        let reports = self.collection(REPORTS).await?;
        let due = doc! { "state": open(), "dueAt": { "$lte": date(now) } };
        while_away("counting reports", || async {
            let oldest = reports.find_one(due.clone()).sort(doc! { "dueAt": 1 }).await?;
            let mut left_out = BTreeMap::new();
            for value in &LeftOut::ALL[1..] {
                let count = reports.count_documents(doc! { "leftOut": i32::from(value.number()) }).await?;
                if count > 0 {
                    left_out.insert(*value, count);
                }
            }
            Ok(ReportLag {
                due: reports.count_documents(due.clone()).await?,
                oldest_due: oldest.and_then(|oldest| time(&oldest, "dueAt").ok()),
                again: reports
                    .count_documents(doc! { "state": ReportState::Again.name(), "leftOut": { "$in": [null, 0] } })
                    .await?,
                left_out,
                all: reports.estimated_document_count().await?,
            })
        })
        .await
    }
}

fn seen_id(raid: RaidId, code: &str) -> String {
    format!("{raid}:{code}")
}

pub(super) fn seen(document: &Document) -> Result<SeenReport> {
    Ok(SeenReport {
        code: read::text(document, "code")?,
        revision: read::whole_field(document, "revision")?,
        difficulties: difficulties(document)?,
        end: time(document, "endTime")?,
    })
}

impl SeenReports for MongoStore {
    async fn seen_reports(&self, raid: RaidId, codes: &[String]) -> Result<BTreeMap<String, SeenReport>> {
        let ids: Vec<_> = codes.iter().map(|code| seen_id(raid, code)).collect();
        let documents = self.found(REPORTS_READ, doc! { "_id": { "$in": ids } }).await?;
        // What cannot be read is asked for again.
        let seen = documents.iter().filter_map(|document| seen(document).ok());
        Ok(seen.map(|seen| (seen.code.clone(), seen)).collect())
    }

    async fn mark_seen(&self, raid: RaidId, reports: &[SeenReport]) -> Result<()> {
        let marking = |report: &SeenReport| {
            let difficulties = of_difficulties(&report.difficulties);
            let added = doc! { "$setUnion": [{ "$ifNull": ["$difficulties", []] }, difficulties.clone()] };
            let is_same = doc! { "$eq": ["$revision", report.revision] };
            let set = doc! {
                "raid": raid,
                "code": { "$literal": &report.code },
                "revision": report.revision,
                "difficulties": { "$cond": [is_same, added, difficulties] },
                "endTime": date(report.end),
            };
            doc! { "q": { "_id": seen_id(raid, &report.code) }, "u": [{ "$set": set }], "upsert": true }
        };
        self.update_all(REPORTS_READ, &reports.iter().map(marking).collect::<Vec<_>>()).await
    }

    async fn forget_seen(&self, raid: RaidId, ended_before: Timestamp) -> Result<()> {
        let old = doc! { "q": { "raid": raid, "endTime": { "$lt": date(ended_before) } }, "limit": 0 };
        self.delete(REPORTS_READ, vec![old]).await?;
        Ok(())
    }
}

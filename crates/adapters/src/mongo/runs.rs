//! `runs`: the journal. An index on `startedAt` gives its order, and lets the server delete what is too old.

use chrono::Utc;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;
use parsebook_core::Timestamp;
use parsebook_core::journal::{BUSIEST_STAGE, Journal, KEPT, MOST_RUNS, Run};
use parsebook_core::ports::Result;

use super::{MongoStore, RUNS, date, read, state};
use crate::stored::Stored;

/// The index of `runs`.
pub fn index() -> IndexModel {
    let options = IndexOptions::builder().name("runs_kept".to_owned()).expire_after(KEPT.to_std().ok()).build();
    IndexModel::builder().keys(doc! { "startedAt": 1 }).options(options).build()
}

fn stored(run: &Run) -> Result<Document> {
    Ok(doc! {
        "_id": &run.id,
        "stage": &run.stage,
        "startedAt": date(run.started_at),
        "endedAt": date(run.ended_at),
        "outcome": run.outcome.name(),
        "summary": state::to_bson(&run.summary)?,
    })
}

pub(super) fn run(document: &Document) -> Result<Run> {
    let id = read::field(document, "_id")?;
    Ok(Run {
        id: id.as_str().map_or_else(|| id.to_string(), str::to_owned),
        stage: read::text(document, "stage")?,
        started_at: read::field(document, "startedAt")?.time()?,
        ended_at: read::field(document, "endedAt")?.time()?,
        outcome: read::text(document, "outcome")?.parse().map_err(anyhow::Error::msg)?,
        summary: state::json(document.get("summary").unwrap_or(&Bson::Null))?,
    })
}

impl MongoStore {
    /// Deletes runs that are kept no longer, and the oldest where there are more than the journal holds.
    async fn trim_runs(&self, now: Timestamp) -> Result<()> {
        let runs = self.collection(RUNS).await?;
        // The index does the same; it may not be there yet, and takes a minute.
        runs.delete_many(doc! { "startedAt": { "$lt": date(now - KEPT) } }).await?;
        let newest_first = runs.find_one(doc! {}).sort(doc! { "startedAt": -1 }).skip(MOST_RUNS);
        if let Some(beyond) = newest_first.projection(doc! { "startedAt": 1 }).await? {
            let started_at = read::field(&beyond, "startedAt")?.time()?;
            runs.delete_many(doc! { "startedAt": { "$lte": date(started_at) } }).await?;
        }
        Ok(())
    }
}

impl Journal for MongoStore {
    async fn record(&self, run: &Run) -> Result<()> {
        let document = stored(run)?;
        self.collection(RUNS).await?.replace_one(doc! { "_id": &run.id }, document).upsert(true).await?;
        if run.stage != BUSIEST_STAGE {
            // A clock that is ahead must not empty the journal.
            self.trim_runs(run.ended_at.min(Utc::now())).await?;
        }
        Ok(())
    }

    fn runs_since(&self, since: Timestamp) -> impl Stream<Item = Result<Run>> {
        let opened = async move {
            let runs = self.collection(RUNS).await?;
            let found = runs.find(doc! { "startedAt": { "$gte": date(since) } }).sort(doc! { "startedAt": 1 });
            Ok::<_, anyhow::Error>(found.batch_size(1000).await?.map_err(anyhow::Error::from))
        };
        let readable = |document: Document| {
            let run = run(&document).inspect_err(|error| {
                let id = read::id_excerpt(&document);
                tracing::warn!(%id, error = format!("{error:#}"), "a run of the journal cannot be read");
            });
            std::future::ready(Ok(run.ok()))
        };
        stream::once(opened).try_flatten().try_filter_map(readable).boxed_local()
    }
}

//! `runs`: the journal.

use anyhow::Context;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use parsebook_core::Timestamp;
use parsebook_core::journal::{BUSIEST_STAGE, Journal, KEPT, MOST_RUNS, Run};
use parsebook_core::ports::Result;
use rusqlite::{Row, params};

use super::{EmbeddedStore, millis, time};

/// Rows read at a time.
const PAGE: i64 = 1000;

/// Where the stream goes on.
#[derive(Debug, Clone)]
struct After {
    started_at: i64,
    id: String,
}

struct RawRun {
    id: String,
    stage: String,
    started_at: i64,
    ended_at: i64,
    outcome: String,
    summary: String,
}

impl RawRun {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            stage: row.get(1)?,
            started_at: row.get(2)?,
            ended_at: row.get(3)?,
            outcome: row.get(4)?,
            summary: row.get(5)?,
        })
    }

    fn check(self) -> Result<Run> {
        Ok(Run {
            id: self.id,
            stage: self.stage,
            started_at: time(self.started_at)?,
            ended_at: time(self.ended_at)?,
            outcome: self.outcome.parse().map_err(anyhow::Error::msg)?,
            summary: serde_json::from_str(&self.summary).context("summary")?,
        })
    }
}

impl EmbeddedStore {
    fn page_of_runs(&self, after: &After) -> Result<(Vec<Run>, Option<After>)> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT id, stage, started_at, ended_at, outcome, summary FROM runs
             WHERE (started_at, id) > (?1, ?2) ORDER BY started_at, id LIMIT ?3",
        )?;
        let rows = statement.query_map(params![after.started_at, after.id, PAGE], RawRun::read)?;
        let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        let next = rows.last().map(|last| After { started_at: last.started_at, id: last.id.clone() });
        let readable = |row: RawRun| {
            let id = row.id.clone();
            row.check().inspect_err(|error| tracing::warn!(%id, %error, "a run of the journal cannot be read")).ok()
        };
        Ok((rows.into_iter().filter_map(readable).collect(), next))
    }
}

impl Journal for EmbeddedStore {
    async fn record(&self, run: &Run) -> Result<()> {
        self.transaction(|transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO runs (id, stage, started_at, ended_at, outcome, summary)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    run.id,
                    run.stage,
                    millis(run.started_at),
                    millis(run.ended_at),
                    run.outcome.name(),
                    run.summary.to_string()
                ],
            )?;
            if run.stage == BUSIEST_STAGE {
                return Ok(());
            }
            transaction.execute("DELETE FROM runs WHERE started_at < ?1", [millis(run.started_at - KEPT)])?;
            transaction.execute(
                "DELETE FROM runs WHERE started_at <
                     (SELECT started_at FROM runs ORDER BY started_at DESC LIMIT 1 OFFSET ?1)",
                [i64::try_from(MOST_RUNS)?],
            )?;
            Ok(())
        })
    }

    fn runs_since(&self, since: Timestamp) -> impl Stream<Item = Result<Run>> {
        let first = After { started_at: millis(since) - 1, id: "\u{10ffff}".into() };
        stream::try_unfold(Some(first), move |after| {
            let page = match after {
                Some(after) => self
                    .page_of_runs(&after)
                    .map(|(runs, next)| next.map(|next| (stream::iter(runs.into_iter().map(Ok)), Some(next)))),
                None => Ok(None),
            };
            std::future::ready(page)
        })
        .try_flatten()
        .boxed_local()
    }
}

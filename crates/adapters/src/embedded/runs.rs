//! `runs`: the journal.

use anyhow::Context;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use parsebook_core::Timestamp;
use parsebook_core::journal::{BUSIEST_STAGE, Journal, KEPT, MOST_RUNS, Run};
use parsebook_core::ports::Result;
use rusqlite::{Row, params};

use super::{EmbeddedStore, column, millis, required_moment};

/// Rows read at a time.
const PAGE: i64 = 1000;

/// Where the stream goes on.
#[derive(Debug, Clone)]
struct After {
    started_at: i64,
    id: String,
}

fn run(row: &Row<'_>) -> Result<Run> {
    Ok(Run {
        id: column(row, "id")?,
        stage: column(row, "stage")?,
        started_at: required_moment(row, "started_at")?,
        ended_at: required_moment(row, "ended_at")?,
        outcome: column::<String>(row, "outcome")?.parse().map_err(anyhow::Error::msg)?,
        summary: serde_json::from_str(&column::<String>(row, "summary")?).context("summary")?,
    })
}

impl EmbeddedStore {
    fn page_of_runs(&self, after: &After) -> Result<(Vec<Run>, Option<After>)> {
        let connection = self.lock();
        let mut select = connection
            .prepare_cached("SELECT * FROM runs WHERE (started_at, id) > (?1, ?2) ORDER BY started_at, id LIMIT ?3")?;
        let mut rows = select.query(params![after.started_at, after.id, PAGE])?;
        let (mut runs, mut next) = (Vec::new(), None);
        while let Some(row) = rows.next()? {
            let at = After { started_at: column(row, "started_at")?, id: column(row, "id")? };
            match run(row) {
                Ok(run) => runs.push(run),
                Err(error) => {
                    tracing::warn!(id = %at.id, error = format!("{error:#}"), "a run of the journal cannot be read")
                }
            }
            next = Some(at);
        }
        Ok((runs, next))
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

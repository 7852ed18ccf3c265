//! `reports`: those whose ranks are read for everybody in them; and `reports_read`: those that discovery has read.

use std::collections::BTreeMap;

use anyhow::Context;
use parsebook_core::left_out::LeftOut;
use parsebook_core::ports::{ReportBacklog, ReportLag, Result, SeenReport, SeenReports};
use parsebook_core::report_state::{ReportState, Settled, StoredReport};
use parsebook_core::{RaidId, Timestamp};
use rusqlite::{OptionalExtension, Row, Rows, params};

use super::{EmbeddedStore, column, millis, moment, required_moment, time};

/// Whether a report is to be read.
fn is_open() -> String {
    let [one, other] = ReportState::OPEN;
    format!("state IN ('{one}', '{other}')")
}

fn report(row: &Row<'_>) -> Result<StoredReport> {
    Ok(StoredReport {
        code: column(row, "code")?,
        raid: column(row, "raid")?,
        region: column(row, "region")?,
        start: required_moment(row, "start_time")?,
        end: required_moment(row, "end_time")?,
        revision: column(row, "revision")?,
        state: column::<String>(row, "state")?.parse().map_err(anyhow::Error::msg)?,
        due_at: required_moment(row, "due_at")?,
        sent_at: moment(row, "sent_at")?,
        found_at: moment(row, "found_at")?,
        tries: column(row, "tries")?,
        difficulties: serde_json::from_str(&column::<String>(row, "difficulties")?).context("difficulties")?,
        left_out: LeftOut::of_number(column(row, "left_out")?),
    })
}

/// Those that can be read; the others are named in the log.
fn readable(mut rows: Rows<'_>) -> Result<Vec<StoredReport>> {
    let mut reports = Vec::new();
    while let Some(row) = rows.next()? {
        match report(row) {
            Ok(report) => reports.push(report),
            Err(error) => {
                let document = format!("reports {}", column::<String>(row, "code")?);
                tracing::error!(%document, reason = %format!("{error:#}"), "row skipped");
            }
        }
    }
    Ok(reports)
}

impl ReportBacklog for EmbeddedStore {
    async fn reports(&self, codes: &[String]) -> Result<BTreeMap<String, StoredReport>> {
        let connection = self.lock();
        let mut select = connection.prepare_cached("SELECT * FROM reports WHERE code = ?1")?;
        let mut found = BTreeMap::new();
        for code in codes {
            found.extend(readable(select.query([code])?)?.into_iter().map(|report| (report.code.clone(), report)));
        }
        Ok(found)
    }

    async fn raise_reports(&self, reports: &[StoredReport]) -> Result<()> {
        self.transaction(|transaction| {
            let mut upsert = transaction.prepare_cached(
                "INSERT INTO reports (code, raid, region, start_time, end_time, revision, state, due_at, sent_at, tries,
                     difficulties, left_out, found_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                 ON CONFLICT (code) DO UPDATE SET raid = ?2, region = ?3, start_time = ?4, end_time = ?5, revision = ?6,
                     state = ?7, due_at = ?8, sent_at = ?9, tries = ?10, difficulties = ?11,
                     left_out = ?12, found_at = ?13
                 WHERE revision <= ?6",
            )?;
            for report in reports {
                upsert.execute(params![
                    report.code,
                    report.raid,
                    report.region,
                    millis(report.start),
                    millis(report.end),
                    report.revision,
                    report.state.name(),
                    millis(report.due_at),
                    report.sent_at.map(millis),
                    report.tries,
                    serde_json::to_string(&report.difficulties)?,
                    report.left_out.number(),
                    report.found_at.map(millis),
                ])?;
            }
            Ok(())
        })
    }

    async fn due_reports(
        &self,
        now: Timestamp,
        sent_before: Timestamp,
        in_part: bool,
        limit: usize,
    ) -> Result<Vec<StoredReport>> {
        let connection = self.lock();
        let is_open = is_open();
        let mut select = connection.prepare_cached(&format!(
            "SELECT * FROM reports WHERE {is_open} AND due_at <= ?1 AND (sent_at IS NULL OR sent_at <= ?2)
                 AND (left_out > 0) = ?4 ORDER BY end_time DESC, code LIMIT ?3"
        ))?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        readable(select.query(params![millis(now), millis(sent_before), limit, in_part])?)
    }

    async fn mark_sent(&self, codes: &[String], at: Timestamp) -> Result<()> {
        self.transaction(|transaction| {
            let mut update = transaction.prepare_cached("UPDATE reports SET sent_at = ?2 WHERE code = ?1")?;
            codes.iter().try_for_each(|code| update.execute(params![code, millis(at)]).map(|_| ()))?;
            Ok(())
        })
    }

    async fn settle_reports(&self, settled: &[(String, u32, Settled)]) -> Result<()> {
        self.transaction(|transaction| {
            let mut update = transaction.prepare_cached(
                "UPDATE reports SET state = ?3, due_at = ?4, tries = ?5, sent_at = ?6, difficulties = ?7, left_out = ?8
                 WHERE code = ?1 AND revision = ?2",
            )?;
            for (code, revision, settled) in settled {
                update.execute(params![
                    code,
                    revision,
                    settled.state.name(),
                    millis(settled.due_at),
                    settled.tries,
                    settled.sent_at.map(millis),
                    serde_json::to_string(&settled.difficulties)?,
                    settled.left_out.number(),
                ])?;
            }
            Ok(())
        })
    }

    async fn forget_reports(&self, raid: RaidId, ended_before: Timestamp) -> Result<u64> {
        let forget = |which: &str| -> Result<u64> {
            let sql = format!("DELETE FROM reports WHERE raid = ?1 AND end_time < ?2 AND {which}");
            Ok(self.lock().execute(&sql, params![raid, millis(ended_before)])? as u64)
        };
        let is_open = is_open();
        let given_up = forget(&format!("(left_out > 0 OR {is_open} AND found_at < ?2)"))?;
        forget(&format!("NOT {is_open}"))?;
        Ok(given_up)
    }

    async fn report_lag(&self, now: Timestamp) -> Result<ReportLag> {
        let (is_open, again) = (is_open(), ReportState::Again);
        let sql = format!(
            "SELECT coalesce(sum({is_open} AND due_at <= ?1), 0), min(CASE WHEN {is_open} AND due_at <= ?1 THEN due_at END),
                 coalesce(sum(state = '{again}' AND left_out = 0), 0), count(*) FROM reports"
        );
        let connection = self.lock();
        let (due, oldest_due, again, all): (i64, Option<i64>, i64, i64) =
            connection
                .query_row(&sql, [millis(now)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        let mut in_part =
            connection.prepare_cached("SELECT left_out, count(*) FROM reports WHERE left_out > 0 GROUP BY left_out")?;
        let mut left_out = BTreeMap::new();
        for row in in_part.query_map([], |row| Ok((row.get::<_, u8>(0)?, row.get::<_, i64>(1)?)))? {
            let (number, count) = row?;
            left_out.insert(LeftOut::of_number(number), count.try_into()?);
        }
        Ok(ReportLag {
            due: due.try_into()?,
            oldest_due: oldest_due.map(time).transpose()?,
            again: again.try_into()?,
            left_out,
            all: all.try_into()?,
        })
    }
}

impl SeenReports for EmbeddedStore {
    async fn seen_reports(&self, raid: RaidId, codes: &[String]) -> Result<BTreeMap<String, SeenReport>> {
        let connection = self.lock();
        let mut select = connection.prepare_cached(
            "SELECT revision, difficulties, end_time FROM reports_read WHERE raid = ?1 AND code = ?2",
        )?;
        let mut found = BTreeMap::new();
        for code in codes {
            let row = |row: &Row<'_>| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?));
            if let Some((revision, difficulties, end)) = select.query_row(params![raid, code], row).optional()? {
                // What cannot be read is asked again.
                let Ok(difficulties) = serde_json::from_str(&difficulties) else { continue };
                found.insert(code.clone(), SeenReport { code: code.clone(), revision, difficulties, end: time(end)? });
            }
        }
        Ok(found)
    }

    async fn mark_seen(&self, raid: RaidId, reports: &[SeenReport]) -> Result<()> {
        self.transaction(|transaction| {
            let mut upsert = transaction.prepare_cached(
                "INSERT INTO reports_read (raid, code, revision, difficulties, end_time) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (raid, code) DO UPDATE SET revision = ?3, end_time = ?5, difficulties = CASE
                     WHEN revision <> ?3 OR NOT json_valid(difficulties) THEN ?4
                     ELSE (SELECT json_group_array(value) FROM
                         (SELECT value FROM json_each(difficulties) UNION SELECT value FROM json_each(?4)))
                 END",
            )?;
            for report in reports {
                let difficulties = serde_json::to_string(&report.difficulties)?;
                upsert.execute(params![raid, report.code, report.revision, difficulties, millis(report.end)])?;
            }
            Ok(())
        })
    }

    async fn forget_seen(&self, raid: RaidId, ended_before: Timestamp) -> Result<()> {
        let sql = "DELETE FROM reports_read WHERE raid = ?1 AND end_time < ?2";
        self.lock().execute(sql, params![raid, millis(ended_before)])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use parsebook_core::ports::Raids;

    use super::*;

    #[tokio::test]
    async fn a_row_that_cannot_be_read_is_skipped_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(folder.path()).unwrap();
        let rows = "INSERT INTO reports (code, raid, region, start_time, end_time, revision, state, due_at) VALUES
                ('bad', 44, 'EU', 0, 0, 1, 'strange', 0), ('worse', -1, 'EU', 0, 0, 1, 'new', 0),
                ('good', 44, 'EU', 0, 0, 1, 'new', 0);
            INSERT INTO raids (id, name, encounters) VALUES (1, 'A', '[{'), (2, 'B', '[]');";
        store.lock().execute_batch(rows).unwrap();
        let codes = ["bad".to_owned(), "worse".to_owned(), "good".to_owned()];
        assert_eq!(store.reports(&codes).await.unwrap().into_keys().collect::<Vec<_>>(), ["good"]);
        let due = store.due_reports(time(1).unwrap(), time(1).unwrap(), false, 9).await.unwrap();
        assert_eq!(due.iter().map(|report| report.code.as_str()).collect::<Vec<_>>(), ["good"]);
        assert_eq!(store.raids().await.unwrap().len(), 1);
        assert_eq!(store.raid(1).await.unwrap(), None);
    }
}

//! `discovery_schedules`.

use anyhow::Context;
use parsebook_core::Timestamp;
use parsebook_core::ports::{Malformed, Result, Rules};
use parsebook_core::rule::{Block, Lease, Refusals, Rule, RuleId, RuleState, SourceKind, Target};
use rusqlite::{Connection, Row, params};

use super::{EmbeddedStore, column, malformed, millis, moment};

fn rule(row: &Row<'_>) -> Result<Rule> {
    let target = Target {
        raid: column(row, "raid")?,
        difficulty: column(row, "difficulty")?,
        start_page: column(row, "start_page")?,
        end_page: column(row, "end_page")?,
        source: column::<String>(row, "source")?.parse().map_err(anyhow::Error::msg)?,
        ranks: column::<String>(row, "ranks")?.parse().map_err(anyhow::Error::msg)?,
        since: moment(row, "since")?,
        partition: column(row, "partition")?,
    };
    let rule = Rule {
        id: RuleId(column(row, "id")?),
        target,
        enabled: column(row, "enabled")?,
        last_run: moment(row, "last_run")?,
        state: serde_json::from_str(&column::<String>(row, "state")?).context("state")?,
    };
    Ok(rule.checked()?)
}

fn find(connection: &Connection, id: &RuleId) -> Result<Option<Rule>> {
    let mut select = connection.prepare_cached("SELECT * FROM discovery_schedules WHERE id = ?1")?;
    let mut rows = select.query([&id.0])?;
    rows.next()?.map(rule).transpose()
}

fn store_state(connection: &Connection, rule: &Rule) -> Result<()> {
    let state = serde_json::to_string(&rule.state)?;
    connection.execute("UPDATE discovery_schedules SET state = ?2 WHERE id = ?1", params![rule.id.0, state])?;
    Ok(())
}

impl EmbeddedStore {
    /// Adds a rule and answers its id. The store's own random source makes the id.
    ///
    /// # Errors
    /// When the target cannot be asked for or the store fails.
    pub fn add_rule(&self, target: &Target) -> Result<RuleId> {
        let target = target.clone().checked()?;
        let id = self.lock().query_row(
            "INSERT INTO discovery_schedules (id, raid, difficulty, start_page, end_page, source, partition, ranks, since)
             VALUES (lower(hex(randomblob(12))), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id",
            params![
                target.raid,
                target.difficulty,
                target.start_page,
                target.end_page,
                target.source.to_string(),
                target.partition,
                target.ranks.to_string(),
                target.since.map(millis),
            ],
            |row| row.get(0),
        )?;
        Ok(RuleId(id))
    }

    /// Removes a rule; `false` if there was none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remove_rule(&self, id: &RuleId) -> Result<bool> {
        Ok(self.lock().execute("DELETE FROM discovery_schedules WHERE id = ?1", [&id.0])? > 0)
    }

    /// Pauses a rule or resumes it; `false` if there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn enable_rule(&self, id: &RuleId, enabled: bool) -> Result<bool> {
        let sql = "UPDATE discovery_schedules SET enabled = ?2 WHERE id = ?1";
        Ok(self.lock().execute(sql, params![id.0, enabled])? > 0)
    }

    fn write_state(&self, id: &RuleId, owner: &str, last_run: Option<Timestamp>, state: &RuleState) -> Result<bool> {
        let written = self.lock().execute(
            "UPDATE discovery_schedules SET state = ?3, last_run = coalesce(?4, last_run)
             WHERE id = ?1 AND json_extract(state, '$.lease.owner') = ?2",
            params![id.0, owner, serde_json::to_string(state)?, last_run.map(millis)],
        )?;
        Ok(written > 0)
    }
}

impl Rules for EmbeddedStore {
    async fn rules(&self) -> Result<(Vec<Rule>, Vec<Malformed>)> {
        let connection = self.lock();
        let mut select = connection.prepare_cached("SELECT * FROM discovery_schedules ORDER BY id")?;
        let mut rows = select.query([])?;
        let (mut rules, mut rejected) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next()? {
            match rule(row) {
                Ok(rule) => rules.push(rule),
                Err(error) => rejected.push(malformed("discovery_schedules", &column::<String>(row, "id")?, &error)),
            }
        }
        Ok((rules, rejected))
    }

    async fn claim(&self, rule: &Rule, lease: &Lease, now: Timestamp) -> Result<Option<Rule>> {
        self.transaction(|transaction| {
            let Some(mut stored) = find(transaction, &rule.id)? else { return Ok(None) };
            let is_held = stored.state.lease.as_ref().is_some_and(|lease| lease.expires_at > now);
            if !stored.enabled || stored.last_run != rule.last_run || is_held {
                return Ok(None);
            }
            stored.state.lease = Some(lease.clone());
            store_state(transaction, &stored)?;
            Ok(Some(stored))
        })
    }

    async fn renew(&self, id: &RuleId, lease: &Lease) -> Result<bool> {
        self.transaction(|transaction| {
            let Some(mut stored) = find(transaction, id)? else { return Ok(false) };
            if stored.state.lease.as_ref().is_none_or(|held| held.owner != lease.owner) {
                return Ok(false);
            }
            stored.state.lease = Some(lease.clone());
            store_state(transaction, &stored)?;
            Ok(true)
        })
    }

    async fn save_state(&self, rule: &RuleId, owner: &str, state: &RuleState) -> Result<bool> {
        self.write_state(rule, owner, None, state)
    }

    async fn finish(&self, rule: &RuleId, owner: &str, last_run: Timestamp, state: &RuleState) -> Result<bool> {
        self.write_state(rule, owner, Some(last_run), state)
    }

    async fn refusals(&self) -> Result<Refusals> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT source, block FROM refusals")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut refusals = Refusals::new();
        for row in rows {
            let (source, block) = row?;
            match (source.parse(), serde_json::from_str(&block)) {
                (Ok(source), Ok(block)) => drop(refusals.insert(source, block)),
                _ => tracing::error!(source, "a refusal that was kept cannot be read"),
            }
        }
        Ok(refusals)
    }

    async fn keep_refusal(&self, source: SourceKind, block: Option<&Block>) -> Result<()> {
        let source = source.to_string();
        match block {
            Some(block) => self.lock().execute(
                "INSERT OR REPLACE INTO refusals (source, block) VALUES (?1, ?2)",
                params![source, serde_json::to_string(block)?],
            )?,
            None => self.lock().execute("DELETE FROM refusals WHERE source = ?1", params![source])?,
        };
        Ok(())
    }
}

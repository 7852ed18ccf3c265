//! `discovery_schedules`.

use anyhow::Context;
use parsebook_core::Timestamp;
use parsebook_core::ports::{Malformed, Result, Rules};
use parsebook_core::rule::{Block, Lease, Refusals, Rule, RuleId, RuleState, SourceKind, Target};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{EmbeddedStore, malformed, millis, time};

const COLUMNS: &str =
    "id, raid, difficulty, start_page, end_page, source, partition, enabled, last_run, state, ranks, since";

/// A row as it is, checked when it is made a rule.
struct RawRule {
    id: String,
    raid: i64,
    difficulty: i64,
    start_page: i64,
    end_page: i64,
    source: String,
    partition: Option<i64>,
    enabled: bool,
    last_run: Option<i64>,
    state: String,
    ranks: String,
    since: Option<i64>,
}

impl RawRule {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            raid: row.get(1)?,
            difficulty: row.get(2)?,
            start_page: row.get(3)?,
            end_page: row.get(4)?,
            source: row.get(5)?,
            partition: row.get(6)?,
            enabled: row.get(7)?,
            last_run: row.get(8)?,
            state: row.get(9)?,
            ranks: row.get(10)?,
            since: row.get(11)?,
        })
    }

    fn check(&self) -> Result<Rule> {
        let target = Target {
            raid: self.raid.try_into().context("raid")?,
            difficulty: self.difficulty.try_into().context("difficulty")?,
            start_page: self.start_page.try_into().context("start_page")?,
            end_page: self.end_page.try_into().context("end_page")?,
            source: self.source.parse().map_err(anyhow::Error::msg)?,
            ranks: self.ranks.parse().map_err(anyhow::Error::msg)?,
            since: self.since.map(time).transpose().context("since")?,
            partition: self.partition.map(u32::try_from).transpose().context("partition")?,
        };
        let rule = Rule {
            id: RuleId(self.id.clone()),
            target,
            enabled: self.enabled,
            last_run: self.last_run.map(time).transpose()?,
            state: serde_json::from_str(&self.state).context("state")?,
        };
        Ok(rule.checked()?)
    }
}

fn find(connection: &Connection, id: &RuleId) -> Result<Option<Rule>> {
    let sql = format!("SELECT {COLUMNS} FROM discovery_schedules WHERE id = ?1");
    let raw = connection.query_row(&sql, [&id.0], RawRule::read).optional()?;
    raw.map(|raw| raw.check()).transpose()
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
        let mut statement =
            connection.prepare_cached(&format!("SELECT {COLUMNS} FROM discovery_schedules ORDER BY id"))?;
        let mut rules = Vec::new();
        let mut rejected = Vec::new();
        for raw in statement.query_map([], RawRule::read)? {
            let raw = raw?;
            match raw.check() {
                Ok(rule) => rules.push(rule),
                Err(error) => rejected.push(malformed("discovery_schedules", &raw.id, &error)),
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

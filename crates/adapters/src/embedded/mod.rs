//! The embedded store: one SQLite file that holds what MongoDB holds, and the queue. No server.
//!
//! The file can be opened with any SQLite tool. WAL with `synchronous = NORMAL` survives the death of the process at
//! any instruction. Calls are short and run where they are awaited.

mod census;
mod discoveries;
mod players;
mod queue;
mod raids;
mod reports;
mod rules;
mod runs;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, bail};
use chrono::DateTime;
use parsebook_core::Timestamp;
use rusqlite::types::FromSql;
use rusqlite::{Connection, Row, ToSql};

pub use self::queue::{DeadLetter, Received};
use crate::text::malformed;

/// The store's file inside the data folder.
pub const FILE: &str = "parsebook.sqlite3";
const LOCK: &str = "parsebook.lock";
/// What `PRAGMA user_version` says of this schema.
const SCHEMA_VERSION: i64 = 5;

/// The embedded store. Clones share it.
#[derive(Debug, Clone)]
pub struct EmbeddedStore {
    connection: Arc<Mutex<Connection>>,
    path: PathBuf,
}

/// The sole right to run stages on a data folder; gone when dropped, or when the process dies.
#[derive(Debug)]
pub struct StageLock {
    _file: File,
}

impl EmbeddedStore {
    /// Opens the store in `folder`, making both where they are absent.
    ///
    /// # Errors
    /// When the folder cannot be written, or the file is not a store of this version.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("making the data folder {}", folder.display()))?;
        let path = folder.join(FILE);
        let connection = Connection::open(&path).with_context(|| format!("opening {}", path.display()))?;
        connection
            .busy_timeout(std::time::Duration::from_secs(10))
            .and_then(|()| connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"))
            .with_context(|| format!("{} is not a parsebook store", path.display()))?;
        let store = Self { connection: Arc::new(Mutex::new(connection)), path };
        let version = store.transaction(|transaction| {
            let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            if version == 0 {
                transaction.execute_batch(include_str!("schema.sql"))?;
            }
            if version < 2 {
                transaction.execute_batch(include_str!("schema_2.sql"))?;
            }
            if version < 3 {
                transaction.execute_batch(include_str!("schema_3.sql"))?;
            }
            if version < 4 {
                transaction.execute_batch(include_str!("schema_4.sql"))?;
            }
            if version < SCHEMA_VERSION {
                transaction.execute_batch(include_str!("schema_5.sql"))?;
                transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            }
            transaction.execute_batch(include_str!("runs.sql"))?;
            Ok(version)
        })?;
        if version > SCHEMA_VERSION {
            bail!("{} has schema version {version}, this program knows {SCHEMA_VERSION}", store.path.display());
        }
        Ok(store)
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the sole right to run stages, and frees what a process that died held: leases and messages under way.
    /// Its unfinished runs are marked as killed.
    ///
    /// # Errors
    /// When another process has the right.
    pub fn lock_for_stages(&self) -> anyhow::Result<StageLock> {
        let path = self.path.with_file_name(LOCK);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.with_context(|| format!("opening {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another parsebook works on {} already", path.with_file_name("").display())
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", path.display()));
            }
        }
        self.lock().execute(
            "UPDATE discovery_schedules SET state = json_remove(state, '$.lease') WHERE json_valid(state)",
            [],
        )?;
        self.lock().execute(
            "UPDATE runs SET summary = json_set(summary, '$.killed', json('true'))
             WHERE json_valid(summary) AND json_extract(summary, '$.unfinished')",
            [],
        )?;
        self.put_back_all()?;
        Ok(StageLock { _file: file })
    }

    /// The connection. A panic while it was held cannot have left a transaction open: dropping one rolls it back.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in one write transaction.
    fn transaction<T>(&self, work: impl FnOnce(&rusqlite::Transaction<'_>) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

/// Milliseconds since 1970, as stored.
fn millis(time: Timestamp) -> i64 {
    time.timestamp_millis()
}

fn time(millis: i64) -> anyhow::Result<Timestamp> {
    DateTime::from_timestamp_millis(millis).with_context(|| format!("{millis} is not a time"))
}

/// A column of a row; an error names it.
fn column<T: FromSql>(row: &Row<'_>, name: &str) -> anyhow::Result<T> {
    row.get(name).with_context(|| name.to_owned())
}

/// A column that holds a moment, or null.
fn moment(row: &Row<'_>, name: &str) -> anyhow::Result<Option<Timestamp>> {
    column::<Option<i64>>(row, name)?.map(time).transpose().with_context(|| name.to_owned())
}

/// A column that holds a moment.
fn required_moment(row: &Row<'_>, name: &str) -> anyhow::Result<Timestamp> {
    moment(row, name)?.with_context(|| format!("{name} is missing"))
}

fn count(connection: &Connection, sql: &str, params: &[&dyn ToSql]) -> anyhow::Result<u64> {
    let count: i64 = connection.query_row(sql, params, |row| row.get(0))?;
    Ok(u64::try_from(count)?)
}

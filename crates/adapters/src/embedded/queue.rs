//! The queue of one machine: what SQS is on AWS, in the same file as everything else, so that nothing is lost when
//! the process dies.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use parsebook_core::ports::{InQueue, MessageQueue, Result, Waiting};
use parsebook_core::scrap::MOST_FAILURES;
use parsebook_core::scrap::{Discovered, Message};
use parsebook_core::{PlayerId, Timestamp};
use rusqlite::{Transaction, params};

use super::{EmbeddedStore, count, millis, time};

/// A message under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The queue's number for it.
    pub id: i64,
    /// The body.
    pub body: String,
}

/// A message that failed too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The body.
    pub body: String,
    /// What its last failure was.
    pub reason: String,
}

/// Wait after a message's first failure; doubled with each further one.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(2);

impl MessageQueue for EmbeddedStore {
    async fn length(&self) -> Result<u64> {
        self.queue_length()
    }

    async fn send(&self, messages: &[Message]) -> Result<Vec<std::result::Result<(), String>>> {
        self.transaction(|transaction| {
            let mut insert = transaction.prepare_cached("INSERT INTO queue (body) VALUES (?1)")?;
            for message in messages {
                insert.execute([serde_json::to_string(message)?])?;
            }
            Ok(vec![Ok(()); messages.len()])
        })
    }
}

/// The queue itself tells who waits in it.
impl Waiting for EmbeddedStore {
    async fn waiting(&self, _: Timestamp) -> Result<BTreeMap<PlayerId, InQueue>> {
        let connection = self.lock();
        let mut select = connection.prepare_cached("SELECT body FROM queue")?;
        let mut waiting: BTreeMap<PlayerId, InQueue> = BTreeMap::new();
        for body in select.query_map([], |row| row.get::<_, String>(0))? {
            if let Ok(Message::Player(player)) = Message::parse(&body?) {
                waiting.entry(player.id).or_default().raids_to_scrap.merge(&player.raids_to_scrap);
            }
        }
        Ok(waiting)
    }

    async fn mark_waiting(&self, _: &[Discovered], _: Timestamp) -> Result<()> {
        Ok(())
    }

    async fn forget_waiting(&self, _: &[Discovered]) -> Result<()> {
        Ok(())
    }
}

impl EmbeddedStore {
    /// Sends one body as it is, whatever it holds.
    ///
    /// # Errors
    /// When the store fails.
    pub fn send_raw(&self, body: &str) -> Result<()> {
        self.lock().execute("INSERT INTO queue (body) VALUES (?1)", [body])?;
        Ok(())
    }

    /// Takes up to `limit` messages that are visible at `now`, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn receive(&self, limit: usize, now: Timestamp) -> Result<Vec<Received>> {
        self.transaction(|transaction| {
            let mut statement = transaction.prepare_cached(
                "UPDATE queue SET taken = 1 WHERE id IN
                     (SELECT id FROM queue WHERE taken = 0 AND visible_at <= ?1 ORDER BY visible_at, id LIMIT ?2)
                 RETURNING id, body",
            )?;
            let received = statement
                .query_map(params![millis(now), i64::try_from(limit)?], |row| {
                    Ok(Received { id: row.get(0)?, body: row.get(1)? })
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok(received)
        })
    }

    /// Deletes messages that are done.
    ///
    /// # Errors
    /// When the store fails.
    pub fn done(&self, ids: &[i64]) -> Result<()> {
        self.transaction(|transaction| {
            let mut delete = transaction.prepare_cached("DELETE FROM queue WHERE id = ?1")?;
            ids.iter().try_for_each(|id| delete.execute([id]).map(|_| ()))?;
            Ok(())
        })
    }

    /// Puts messages back as if they had never been taken: the pipeline pauses, they did not fail.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_back(&self, ids: &[i64]) -> Result<()> {
        self.transaction(|transaction| {
            let mut update = transaction.prepare_cached("UPDATE queue SET taken = 0 WHERE id = ?1")?;
            ids.iter().try_for_each(|id| update.execute([id]).map(|_| ()))?;
            Ok(())
        })
    }

    /// Puts back whatever is under way: nobody works on it any more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_back_all(&self) -> Result<()> {
        self.lock().execute("UPDATE queue SET taken = 0 WHERE taken <> 0", [])?;
        Ok(())
    }

    /// Counts a failure: the message is seen again after a growing wait, or made a dead letter with `reason`. Answers
    /// whether it was.
    ///
    /// # Errors
    /// When the store fails.
    pub fn fail(&self, id: i64, reason: &str, now: Timestamp) -> Result<bool> {
        self.transaction(|transaction| {
            let receives: u32 = transaction.query_row(
                "UPDATE queue SET receives = receives + 1 WHERE id = ?1 RETURNING receives",
                [id],
                |row| row.get(0),
            )?;
            if receives >= MOST_FAILURES {
                move_to_dead_letters(transaction, id, reason, now)?;
                return Ok(true);
            }
            let visible_at = now + FIRST_WAIT * (1 << (receives.saturating_sub(1)).min(10));
            transaction.execute(
                "UPDATE queue SET taken = 0, visible_at = ?2 WHERE id = ?1",
                params![id, millis(visible_at)],
            )?;
            Ok(false)
        })
    }

    /// Moves a message that can never succeed to the dead letters, with `reason`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn dead_letter(&self, id: i64, reason: &str, now: Timestamp) -> Result<()> {
        self.transaction(|transaction| move_to_dead_letters(transaction, id, reason, now))
    }

    /// How many messages wait or are under way.
    ///
    /// # Errors
    /// When the store fails.
    pub fn queue_length(&self) -> Result<u64> {
        count(&self.lock(), "SELECT count(*) FROM queue", &[])
    }

    /// When the next message that is not under way can be taken; `None` if there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn next_visible_at(&self) -> Result<Option<Timestamp>> {
        let at: Option<i64> =
            self.lock().query_row("SELECT min(visible_at) FROM queue WHERE taken = 0", [], |row| row.get(0))?;
        at.map(time).transpose()
    }

    /// Dead letters, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached("SELECT body, reason FROM dead_letters ORDER BY id DESC LIMIT ?1")?;
        let letters = statement
            .query_map([i64::try_from(limit)?], |row| Ok(DeadLetter { body: row.get(0)?, reason: row.get(1)? }))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(letters)
    }

    /// How many dead letters there are.
    ///
    /// # Errors
    /// When the store fails.
    pub fn dead_letter_count(&self) -> Result<u64> {
        count(&self.lock(), "SELECT count(*) FROM dead_letters", &[])
    }
}

fn move_to_dead_letters(transaction: &Transaction<'_>, id: i64, reason: &str, now: Timestamp) -> Result<()> {
    transaction.execute(
        "INSERT INTO dead_letters (body, reason, moved_at) SELECT body, ?2, ?3 FROM queue WHERE id = ?1",
        params![id, reason, millis(now)],
    )?;
    transaction.execute("DELETE FROM queue WHERE id = ?1", [id])?;
    Ok(())
}

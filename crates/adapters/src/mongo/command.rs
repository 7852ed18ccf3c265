//! The `update` and `delete` commands with many statements, and what the server says of each.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use mongodb::bson::raw::cstr;
use mongodb::bson::{Bson, Document, RawArrayBuf, RawDocumentBuf, doc, rawdoc};

use super::MongoStore;
use super::retry::{DUPLICATE_KEY, while_away};
use crate::stored::Stored;

/// Statements of one command. The server takes 100,000 and 48 MB; this keeps a command below 1 MB.
pub const STATEMENTS: usize = 1000;
/// How often statements are sent whose upserts meet others of the same new documents.
const TRIES: u32 = 5;

/// Why one statement was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The server's error code.
    pub code: i64,
    /// The server's words.
    pub message: String,
}

impl Rejection {
    /// Whether the stored document has not the form that the statement needs: only that document is concerned.
    /// Codes: 2 `BadValue`, 14 `TypeMismatch`, 28 `PathNotViable`.
    pub fn is_about_the_document(&self) -> bool {
        matches!(self.code, 2 | 14 | 28)
    }
}

/// Which writes must reach the server's disk before they are confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// What the server (or the URI) has by default. On a replica set that is a majority's journal.
    Default,
    /// The journal, also on a single server: the write is the last trace of something that is deleted elsewhere.
    Journaled,
}

impl MongoStore {
    /// Sends update statements (`q`, `u`, `upsert`, …) in order of `statements`; answers the rejected ones by index.
    pub(super) async fn update(
        &self,
        collection: &str,
        statements: &[Document],
        durability: Durability,
    ) -> anyhow::Result<BTreeMap<usize, Rejection>> {
        let statements = statements.iter().map(RawDocumentBuf::try_from).collect::<Result<Vec<_>, _>>()?;
        self.update_raw(collection, &statements, durability).await
    }

    /// Like [`Self::update`].
    pub(super) async fn update_raw(
        &self,
        collection: &str,
        statements: &[RawDocumentBuf],
        durability: Durability,
    ) -> anyhow::Result<BTreeMap<usize, Rejection>> {
        let mut rejected = BTreeMap::new();
        for (chunk_index, chunk) in statements.chunks(STATEMENTS).enumerate() {
            let offset = chunk_index * STATEMENTS;
            let mut waiting: Vec<usize> = (0..chunk.len()).collect();
            for attempt in 1..=TRIES {
                let updates: RawArrayBuf = waiting.iter().map(|&index| chunk[index].clone()).collect();
                let mut command = rawdoc! { "update": collection, "updates": updates, "ordered": false };
                if durability == Durability::Journaled {
                    command.append(cstr!("writeConcern"), rawdoc! { "w": "majority", "j": true });
                }
                let answer = self.write(&format!("writing to {collection}"), &command).await?;
                let mut again = Vec::new();
                for (index, rejection) in write_errors(&answer)? {
                    let index = *waiting.get(index).context("the server names a statement that was not sent")?;
                    if rejection.code == i64::from(DUPLICATE_KEY) && attempt < TRIES {
                        again.push(index);
                    } else {
                        rejected.insert(offset + index, rejection);
                    }
                }
                waiting = again;
                if waiting.is_empty() {
                    break;
                }
            }
        }
        Ok(rejected)
    }

    /// Inserts documents; answers the places of those that were not, which is what an id that is there already leads to.
    pub(super) async fn insert(&self, collection: &str, documents: Vec<Document>) -> anyhow::Result<Vec<usize>> {
        let command = doc! { "insert": collection, "documents": documents, "ordered": false };
        let answer = self.write(&format!("writing to {collection}"), &RawDocumentBuf::try_from(&command)?).await?;
        Ok(write_errors(&answer)?.into_iter().map(|(place, _)| place).collect())
    }

    /// Sends delete statements; answers how many documents went.
    pub(super) async fn delete(&self, collection: &str, statements: Vec<Document>) -> anyhow::Result<u64> {
        if statements.is_empty() {
            return Ok(0);
        }
        let what = format!("deleting from {collection}");
        let command = doc! { "delete": collection, "deletes": statements, "ordered": false };
        let answer = self.write(&what, &RawDocumentBuf::try_from(&command)?).await?;
        if let Some((_, rejection)) = write_errors(&answer)?.into_iter().next() {
            bail!("{what}: {} (code {})", rejection.message, rejection.code);
        }
        let count = answer.get("n").and_then(Stored::integer).unwrap_or_default();
        Ok(u64::try_from(count)?)
    }

    async fn write(&self, what: &str, command: &RawDocumentBuf) -> anyhow::Result<Document> {
        let database = self.database().await?;
        let answer = while_away(what, || {
            let command = command.clone();
            async move { database.run_raw_command(command).await }
        })
        .await?;
        // `run_command` answers Ok although statements failed or the write was not made durable.
        if let Some(Bson::Document(error)) = answer.get("writeConcernError") {
            bail!("{what}: the server could not make it durable: {}", error.get_str("errmsg").unwrap_or("no reason"));
        }
        Ok(answer)
    }
}

fn write_errors(answer: &Document) -> anyhow::Result<Vec<(usize, Rejection)>> {
    let Some(Bson::Array(errors)) = answer.get("writeErrors") else { return Ok(Vec::new()) };
    errors
        .iter()
        .map(|error| {
            let error = error.as_document().context("writeErrors holds something else than documents")?;
            let index = error.get("index").and_then(Stored::integer).context("a write error without an index")?;
            let code = error.get("code").and_then(Stored::integer).unwrap_or_default();
            let message = error.get_str("errmsg").unwrap_or("no reason given").to_owned();
            Ok((usize::try_from(index)?, Rejection { code, message }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_inside_a_successful_answer_are_read() {
        let answer = doc! { "ok": 1, "n": 1, "writeErrors": [ { "index": 1, "code": 28, "errmsg": "no" } ] };
        let rejection = Rejection { code: 28, message: "no".into() };
        assert!(rejection.is_about_the_document());
        assert_eq!(write_errors(&answer).unwrap(), [(1, rejection)]);
        assert_eq!(write_errors(&doc! { "ok": 1 }).unwrap(), []);
        assert!(write_errors(&doc! { "writeErrors": [7] }).is_err());
    }
}

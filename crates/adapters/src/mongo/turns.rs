//! Taking turns at a consumer's concurrency limit: `throttle`, one document per function,
//! `{_id: "player-rank", holder: "…", heldUntil: Date, limit: 3, limitTold: 4, limitSetAt: Date}`.

use std::time::Duration;

use anyhow::bail;
use chrono::{TimeDelta, Utc};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{DateTime, doc};
use mongodb::options::ReturnDocument;
use parsebook_core::ports::Result;

use super::retry::{is_duplicate, while_away};
use super::{MongoStore, THROTTLE, date, read};
use crate::stored::Stored;

/// A turn lasts so long if its holder dies.
const LONGEST_TURN: TimeDelta = TimeDelta::seconds(90);
/// How long the limit of the last turn is believed rather than a higher one that AWS tells: reads there lag a little.
const LAG: TimeDelta = TimeDelta::seconds(10);
/// How often a turn is asked for, and the wait between: together longer than a turn.
const ASKS: u32 = 200;
const BETWEEN_ASKS: Duration = Duration::from_millis(500);

/// The right to change a consumer's limit.
#[derive(Debug, Clone)]
pub struct Turn {
    holder: String,
    /// What the last turn did, if that was just now.
    pub last: Option<Lowered>,
}

/// A limit that was lowered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lowered {
    /// To what.
    pub limit: u32,
    /// The highest that AWS told in the turns that followed each other closely.
    pub told: u32,
}

impl Turn {
    /// The limit that holds where AWS tells `told`. Just after a turn it may still tell the one of before; a higher one than
    /// it ever told meanwhile was set by somebody else since.
    pub fn limit(&self, told: u32) -> u32 {
        self.last.filter(|last| told <= last.told).map_or(told, |last| last.limit.min(told))
    }
}

/// Gives one program after the other the right to change a consumer's limit.
#[expect(async_fn_in_trait, reason = "awaited in place")]
pub trait Turns {
    /// Waits for the turn.
    async fn take_turn(&self, function: &str) -> Result<Turn>;
    /// Ends it, with what it did, if anything.
    async fn end_turn(&self, function: &str, turn: Turn, lowered: Option<Lowered>) -> Result<()>;
}

impl Turns for MongoStore {
    async fn take_turn(&self, function: &str) -> Result<Turn> {
        let holder = ObjectId::new().to_hex();
        let turns = self.collection(THROTTLE).await?;
        for _ in 0..ASKS {
            let now = Utc::now();
            let free = doc! { "_id": function, "$or": [
                { "heldUntil": null },
                { "heldUntil": { "$lte": date(now) } },
            ] };
            let until = date(now + LONGEST_TURN);
            let taken = while_away("taking a turn at the limit", || {
                let update = doc! { "$set": { "holder": &holder, "heldUntil": until } };
                turns
                    .find_one_and_update(free.clone(), update)
                    .upsert(true)
                    .return_document(ReturnDocument::After)
                    .into_future()
            })
            .await;
            match taken {
                Ok(document) => {
                    let document = document.unwrap_or_default();
                    let set_at = read::optional(&document, "limitSetAt").and_then(|at| at.time().ok());
                    let number = |name: &str| read::optional(&document, name).and_then(|number| number.whole().ok());
                    let last =
                        number("limit").zip(number("limitTold")).filter(|_| set_at.is_some_and(|at| now - at < LAG));
                    return Ok(Turn { holder, last: last.map(|(limit, told)| Lowered { limit, told }) });
                }
                // The upsert met the document of another's turn.
                Err(error) if is_duplicate(&error) => tokio::time::sleep(BETWEEN_ASKS).await,
                Err(error) => return Err(error),
            }
        }
        bail!("no turn at the concurrency limit of {function} was to be had")
    }

    async fn end_turn(&self, function: &str, turn: Turn, lowered: Option<Lowered>) -> Result<()> {
        let turns = self.collection(THROTTLE).await?;
        let mut set = doc! { "heldUntil": null };
        if let Some(Lowered { limit, told }) = lowered {
            let followed = turn.last.filter(|last| told <= last.told);
            set.insert("limit", limit);
            set.insert("limitTold", followed.map_or(told, |last| last.told));
            set.insert("limitSetAt", DateTime::now());
        }
        while_away("ending a turn at the limit", || {
            let filter = doc! { "_id": function, "holder": &turn.holder };
            let update = doc! { "$set": set.clone() };
            turns.update_one(filter, update).into_future()
        })
        .await?;
        Ok(())
    }
}

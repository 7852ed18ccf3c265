//! Leases: `leases`, one document for each thing that only one program may do at a time,
//! `{_id: "aggregator", owner: "…", expiresAt: Date}`.
//!
//! The server's clock decides, so those of the programs may differ. A program that dies leaves its lease to expire.

use std::time::Duration;

use mongodb::bson::doc;
use mongodb::options::ReturnDocument;
use parsebook_core::Timestamp;
use parsebook_core::ports::Result;

use super::retry::{is_duplicate, while_away};
use super::{LEASES, MongoStore, read};
use crate::stored::Stored;

/// What became of asking for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leased {
    /// It is the asker's, from now on for as long as was asked.
    Own,
    /// Somebody else has it.
    Others {
        /// Who.
        owner: String,
        /// Until when, unless it is renewed.
        until: Timestamp,
    },
}

/// Gives one program at a time the right to do something.
#[expect(async_fn_in_trait, reason = "awaited in place")]
pub trait Leases {
    /// Takes the lease, or lengthens it, for `time` from now; a lease that has expired is anybody's.
    async fn lease(&self, name: &str, owner: &str, time: Duration) -> Result<Leased>;
    /// Gives it back, if it is still the owner's.
    async fn end_lease(&self, name: &str, owner: &str) -> Result<()>;
}

impl Leases for MongoStore {
    async fn lease(&self, name: &str, owner: &str, time: Duration) -> Result<Leased> {
        let own = doc! { "$literal": owner };
        // A missing date is before every other.
        let is_free = doc! { "$or": [{ "$eq": ["$owner", &own] }, { "$lte": ["$expiresAt", "$$NOW"] }] };
        let until = doc! { "$add": ["$$NOW", i64::try_from(time.as_millis())?] };
        let set = doc! { "$set": {
            "owner": { "$cond": [is_free.clone(), own, "$owner"] },
            "expiresAt": { "$cond": [is_free, until, "$expiresAt"] },
        } };
        let leases = self.collection(LEASES).await?;
        let ask = || {
            while_away("asking for a lease", || {
                let asked = leases.find_one_and_update(doc! { "_id": name }, vec![set.clone()]);
                asked.upsert(true).return_document(ReturnDocument::After).into_future()
            })
        };
        let found = match ask().await {
            // Two asked at once for one that was not there yet; now it is.
            Err(error) if is_duplicate(&error) => ask().await?,
            asked => asked?,
        };
        let found = found.unwrap_or_default();
        let holder = read::text(&found, "owner")?;
        if holder == owner {
            return Ok(Leased::Own);
        }
        Ok(Leased::Others { owner: holder, until: read::field(&found, "expiresAt")?.time()? })
    }

    async fn end_lease(&self, name: &str, owner: &str) -> Result<()> {
        let leases = self.collection(LEASES).await?;
        while_away("ending a lease", || leases.delete_one(doc! { "_id": name, "owner": owner }).into_future()).await?;
        Ok(())
    }
}

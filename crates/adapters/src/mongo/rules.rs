//! `discovery_schedules`.

use anyhow::Context;
use futures::TryStreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, RawDocumentBuf, doc};
use mongodb::options::ReturnDocument;
use parsebook_core::Timestamp;
use parsebook_core::ports::{Malformed, Result, Rules};
use parsebook_core::rule::{
    Block, Lease, RanksKind, Refusals, Rule, RuleId, RuleState, SourceKind, Target, first_page, last_page,
};

use super::retry::while_away;
use super::{MongoStore, REFUSALS, RULES, date, malformed, read, state};
use crate::stored::Stored;

pub(super) fn rule(document: &Document) -> Result<Rule> {
    let id = document.get_object_id("_id").context("_id is no ObjectId")?;
    let page = |name: &str, default: u32| match read::optional(document, name) {
        Some(value) => value.whole().with_context(|| name.to_owned()),
        None => Ok(default),
    };
    let source = match read::optional(document, "source") {
        Some(_) => read::text(document, "source")?.parse().map_err(anyhow::Error::msg)?,
        None => Default::default(),
    };
    let enabled = match read::optional(document, "enabled") {
        Some(Bson::Boolean(enabled)) => *enabled,
        Some(other) => anyhow::bail!("enabled: {} is neither true nor false", other.excerpt()),
        None => true,
    };
    let target = Target {
        raid: read::whole_field(document, "raid")?,
        difficulty: read::whole_field(document, "difficulty")?,
        start_page: page("startPage", first_page())?,
        end_page: page("endPage", last_page())?,
        source,
        ranks: match read::optional(document, "ranks") {
            Some(_) => read::text(document, "ranks")?.parse().map_err(anyhow::Error::msg)?,
            None => Default::default(),
        },
        since: read::optional(document, "since").map(Stored::time).transpose().context("since")?,
        partition: read::optional(document, "partition").map(Stored::whole).transpose().context("partition")?,
    };
    let rule = Rule {
        id: RuleId(id.to_hex()),
        target,
        enabled,
        last_run: read::optional(document, "lastRun").map(Stored::time).transpose().context("lastRun")?,
        state: state::from_bson(document.get("state")).context("state")?,
    };
    Ok(rule.checked()?)
}

/// What a backfill was refused, while no rule of its source could keep it.
pub(super) fn refusal(document: &Document) -> Result<(SourceKind, Block)> {
    let source = read::text(document, "_id")?.parse().map_err(anyhow::Error::msg)?;
    Ok((source, serde_json::from_value(state::json(read::field(document, "block")?)?)?))
}

fn object_id(id: &RuleId) -> Result<ObjectId> {
    ObjectId::parse_str(&id.0).with_context(|| format!("rule id {:?} is no ObjectId", id.0))
}

impl MongoStore {
    /// Adds a rule as a person would, and answers its id.
    ///
    /// # Errors
    /// When the target cannot be asked for or the server fails.
    pub async fn add_rule(&self, target: &Target) -> Result<RuleId> {
        let target = target.clone().checked()?;
        let id = ObjectId::new();
        let mut document = doc! {
            "_id": id,
            "raid": target.raid,
            "difficulty": i32::from(target.difficulty),
            "startPage": target.start_page,
            "endPage": target.end_page,
            "source": target.source.to_string(),
        };
        if target.ranks == RanksKind::Reports {
            document.insert("ranks", target.ranks.to_string());
        }
        if let Some(since) = target.since {
            document.insert("since", date(since));
        }
        if let Some(partition) = target.partition {
            document.insert("partition", partition);
        }
        self.collection(RULES).await?.insert_one(document).await.context("adding a rule")?;
        Ok(RuleId(id.to_hex()))
    }

    /// Removes a rule; `false` if there was none.
    ///
    /// # Errors
    /// When the id is none or the server fails.
    pub async fn remove_rule(&self, id: &RuleId) -> Result<bool> {
        let deleted = self
            .collection(RULES)
            .await?
            .delete_one(doc! { "_id": object_id(id)? })
            .await
            .context("removing a rule")?;
        Ok(deleted.deleted_count > 0)
    }

    /// Pauses a rule or resumes it; `false` if there is none.
    ///
    /// # Errors
    /// When the id is none or the server fails.
    pub async fn enable_rule(&self, id: &RuleId, enabled: bool) -> Result<bool> {
        let update = doc! { "$set": { "enabled": enabled } };
        let rules = self.collection(RULES).await?;
        let updated = rules.update_one(doc! { "_id": object_id(id)? }, update).await.context("pausing a rule")?;
        Ok(updated.matched_count > 0)
    }

    async fn write_state(&self, id: &RuleId, owner: &str, last_run: Option<Timestamp>, to: &RuleState) -> Result<bool> {
        let id = object_id(id)?;
        let stored = state::to_bson(to)?;
        let mut set = doc! { "state": stored.clone() };
        if let Some(last_run) = last_run {
            set.insert("lastRun", date(last_run));
        }
        let rules = self.collection(RULES).await?;
        while_away("saving a rule's state", || {
            let filter = doc! { "_id": id, "state.lease.owner": owner };
            let update = doc! { "$set": set.clone() };
            // An answer that was lost leaves the state as it should be: then it is this very one.
            let written = doc! { "_id": id, "state": stored.clone() };
            let rules = &rules;
            async move {
                let matched = rules.update_one(filter, update).await?.matched_count;
                Ok(matched > 0 || rules.find_one(written).await?.is_some())
            }
        })
        .await
    }
}

impl Rules for MongoStore {
    async fn rules(&self) -> Result<(Vec<Rule>, Vec<Malformed>)> {
        let collection = self.raw(RULES).await?;
        let documents: Vec<RawDocumentBuf> = while_away("reading discovery_schedules", || async {
            collection.find(doc! {}).sort(doc! { "_id": 1 }).await?.try_collect().await
        })
        .await?;
        let mut rules = Vec::with_capacity(documents.len());
        let mut rejected = Vec::new();
        for document in &documents {
            match Document::try_from(document).map_err(Into::into).and_then(|document| rule(&document)) {
                Ok(rule) => rules.push(rule),
                Err(error) => {
                    let id = read::raw_id_excerpt(document);
                    rejected.push(malformed(RULES, &id, &error));
                }
            }
        }
        Ok((rules, rejected))
    }

    async fn claim(&self, claimed: &Rule, lease: &Lease, now: Timestamp) -> Result<Option<Rule>> {
        let filter = doc! {
            "_id": object_id(&claimed.id)?,
            "enabled": { "$ne": false },
            // null also matches an absent field.
            "lastRun": claimed.last_run.map_or(Bson::Null, |last_run| date(last_run).into()),
            "$or": [
                { "state.lease": null },
                { "state.lease.expiresAt": { "$lte": date(now) } },
                // This very claim, when its answer was lost and it is sent again.
                { "state.lease.owner": &lease.owner },
            ],
        };
        // Written so, it also fits a state of null.
        let lease = doc! { "lease": { "$literal": state::to_bson(lease)? } };
        let update = vec![doc! { "$set": { "state": { "$mergeObjects": ["$state", lease] } } }];
        let rules = self.collection(RULES).await?;
        let found = while_away("claiming a rule", || {
            let (filter, update) = (filter.clone(), update.clone());
            let rules = &rules;
            async move { rules.find_one_and_update(filter, update).return_document(ReturnDocument::After).await }
        })
        .await?;
        found.map(|document| rule(&document).with_context(|| format!("{RULES} {}", claimed.id))).transpose()
    }

    async fn renew(&self, id: &RuleId, lease: &Lease) -> Result<bool> {
        let filter = doc! { "_id": object_id(id)?, "state.lease.owner": &lease.owner };
        let update = doc! { "$set": { "state.lease.expiresAt": date(lease.expires_at) } };
        let rules = self.collection(RULES).await?;
        let renewed = while_away("renewing a lease", || {
            let (filter, update) = (filter.clone(), update.clone());
            let rules = &rules;
            async move { rules.update_one(filter, update).await }
        });
        Ok(renewed.await?.matched_count > 0)
    }

    async fn save_state(&self, rule: &RuleId, owner: &str, state: &RuleState) -> Result<bool> {
        self.write_state(rule, owner, None, state).await
    }

    async fn finish(&self, rule: &RuleId, owner: &str, last_run: Timestamp, state: &RuleState) -> Result<bool> {
        self.write_state(rule, owner, Some(last_run), state).await
    }

    async fn refusals(&self) -> Result<Refusals> {
        let collection = self.raw(REFUSALS).await?;
        let documents: Vec<RawDocumentBuf> =
            while_away("reading refusals", || async { collection.find(doc! {}).await?.try_collect().await }).await?;
        let readable = |raw: &RawDocumentBuf| {
            let read = Document::try_from(raw).map_err(Into::into).and_then(|document| refusal(&document));
            read.inspect_err(|error| {
                let id = read::raw_id_excerpt(raw);
                tracing::error!(%id, error = format!("{error:#}"), "a refusal that was kept cannot be read");
            })
        };
        Ok(documents.iter().filter_map(|raw| readable(raw).ok()).collect())
    }

    async fn keep_refusal(&self, source: SourceKind, block: Option<&Block>) -> Result<()> {
        let collection = self.collection(REFUSALS).await?;
        let of_source = doc! { "_id": source.to_string() };
        let Some(block) = block else {
            while_away("forgetting a refusal", || collection.delete_one(of_source.clone()).into_future()).await?;
            return Ok(());
        };
        let document = doc! { "_id": source.to_string(), "block": state::to_bson(block)? };
        while_away("keeping a refusal", || {
            collection.replace_one(of_source.clone(), document.clone()).upsert(true).into_future()
        })
        .await?;
        Ok(())
    }
}

//! Either store, for the commands that work on both.

use anyhow::bail;
use futures::TryStreamExt;
use parsebook_adapters::embedded::{DeadLetter, EmbeddedStore, FILE};
#[cfg(feature = "aws")]
use parsebook_adapters::mongo::MongoStore;
use parsebook_core::Timestamp;
use parsebook_core::history::History;
use parsebook_core::journal::{Journal, KEPT};
use parsebook_core::player::Raid;
use parsebook_core::ports::{Malformed, Raids, Rules};
use parsebook_core::rule::schedule::with_refusals;
use parsebook_core::rule::{Rule, RuleId, Target};
use parsebook_core::status::{BossRanks, Status, StatusSource};

use crate::args::{Common, StoreKind};
#[cfg(feature = "aws")]
use crate::settings::mongo_config;

/// The store that `--store` names.
#[derive(Debug, Clone)]
pub enum Store {
    /// One file on this machine.
    Sqlite(EmbeddedStore),
    /// The store of the deployed functions, and its database's name.
    #[cfg(feature = "aws")]
    MongoDb(MongoStore, String),
}

/// What a program that was built without the feature `aws` answers where `option` asks for it.
#[cfg(not(feature = "aws"))]
pub fn not_built(option: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "{option} is not in this build, which scripts/demo made; build it: cargo build --package parsebook-cli"
    )
}

/// Does the same on either store.
macro_rules! on_either {
    ($store:expr, $inner:ident => $work:expr) => {
        match $store {
            Store::Sqlite($inner) => $work,
            #[cfg(feature = "aws")]
            Store::MongoDb($inner, _) => $work,
        }
    };
}

/// How everything stands, and what a report shows besides.
#[derive(Debug)]
pub struct Overview {
    /// How it stands.
    pub status: Status,
    /// What the journal adds up to.
    pub history: History,
    /// Ranks by boss.
    pub bosses: Vec<BossRanks>,
    /// Names.
    pub raids: Vec<Raid>,
}

impl Store {
    /// Opens the store; the embedded one is made where it is absent.
    ///
    /// # Errors
    /// When it cannot be opened, or a setting is missing or wrong.
    pub async fn open(common: &Common) -> anyhow::Result<Self> {
        match common.store {
            StoreKind::Sqlite => Ok(Self::Sqlite(EmbeddedStore::open(&common.data)?)),
            #[cfg(not(feature = "aws"))]
            StoreKind::Mongodb => Err(not_built("--store mongodb")),
            #[cfg(feature = "aws")]
            StoreKind::Mongodb => {
                let config = mongo_config()?;
                let database = config.database.clone();
                Ok(Self::MongoDb(MongoStore::connect(&config).await?, database))
            }
        }
    }

    /// The same, of a store that must be there already.
    ///
    /// # Errors
    /// When it is not there or cannot be opened.
    pub async fn existing(common: &Common) -> anyhow::Result<Self> {
        if common.store == StoreKind::Sqlite && !common.data.join(FILE).exists() {
            bail!("no store in {}: run `parsebook rules add` or `parsebook run` first", common.data.display());
        }
        Self::open(common).await
    }

    /// What it is, for people.
    pub fn name(&self) -> String {
        match self {
            Self::Sqlite(store) => store.path().display().to_string(),
            #[cfg(feature = "aws")]
            Self::MongoDb(_, database) => format!("MongoDB, database {database}"),
        }
    }

    /// All rules, and what cannot be read as one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rules(&self) -> anyhow::Result<(Vec<Rule>, Vec<Malformed>)> {
        on_either!(self, store => {
            let (rules, malformed) = store.rules().await?;
            Ok((with_refusals(rules, &store.refusals().await?), malformed))
        })
    }

    /// Adds a rule.
    ///
    /// # Errors
    /// When it cannot be asked for or the store fails.
    pub async fn add_rule(&self, target: &Target) -> anyhow::Result<RuleId> {
        match self {
            Self::Sqlite(store) => store.add_rule(target),
            #[cfg(feature = "aws")]
            Self::MongoDb(store, _) => store.add_rule(target).await,
        }
    }

    /// Removes a rule; `false` if there was none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove_rule(&self, id: &RuleId) -> anyhow::Result<bool> {
        match self {
            Self::Sqlite(store) => store.remove_rule(id),
            #[cfg(feature = "aws")]
            Self::MongoDb(store, _) => store.remove_rule(id).await,
        }
    }

    /// Pauses a rule or resumes it; `false` if there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn enable_rule(&self, id: &RuleId, enabled: bool) -> anyhow::Result<bool> {
        match self {
            Self::Sqlite(store) => store.enable_rule(id, enabled),
            #[cfg(feature = "aws")]
            Self::MongoDb(store, _) => store.enable_rule(id, enabled).await,
        }
    }

    /// What the journal adds up to, at `now`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn history(&self, now: Timestamp) -> anyhow::Result<History> {
        let mut history = History::new(now);
        on_either!(self, store => {
            let mut runs = std::pin::pin!(store.runs_since(now - KEPT));
            while let Some(run) = runs.try_next().await? {
                history.add(&run);
            }
        });
        Ok(history)
    }

    /// Up to `limit` dead letters; those of the deployed functions lie in a queue of their own.
    ///
    /// # Errors
    /// When the store fails.
    pub fn dead_letters(&self, limit: usize) -> anyhow::Result<Vec<DeadLetter>> {
        match self {
            Self::Sqlite(store) => store.dead_letters(limit),
            #[cfg(feature = "aws")]
            Self::MongoDb(..) => Ok(Vec::new()),
        }
    }

    /// How everything stands at `now`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn overview(&self, now: Timestamp) -> anyhow::Result<Overview> {
        let census = on_either!(self, store => store.census(now).await?);
        let history = self.history(now).await?;
        let rules = self.rules().await?;
        let status = Status::of(self.name(), &census, &rules, &history);
        let raids = on_either!(self, store => store.raids().await?);
        Ok(Overview { status, history, bosses: census.bosses, raids })
    }
}

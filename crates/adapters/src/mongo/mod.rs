//! The MongoDB store, in twelve collections that people can read by hand: those of the data path, and what is kept beside it.
//!
//! Every write is idempotent and is tried again when the server is away for a moment (a restart, a failover): the
//! commands used here are not covered by the driver's own retries on a single server. Bulk writes go through the
//! `insert`, `update` and `delete` commands, because the driver's bulk write needs server 8.0; this runs on 6.0 and later.
//!
//! Indexes ([`MongoStore::ensure_indexes`]): `players` has the one that db-generator's order needs, `runs` one by which
//! it is read and runs out, `reports` one that finds what is due. All else is read by `_id` or whole:
//! `discovery_schedules`, for one, holds a handful of documents.

mod census;
mod command;
mod discoveries;
mod folding;
mod lease;
mod players;
mod raids;
mod read;
mod reports;
mod retry;
mod rules;
mod runs;
mod state;
mod turns;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use mongodb::bson::{DateTime, Document, RawDocumentBuf, doc};
use mongodb::error::ErrorKind;
use mongodb::options::{ClientOptions, IndexOptions};
use mongodb::{Client, Collection, Database, IndexModel};
use parsebook_core::Timestamp;
use parsebook_core::ports::{StoreAway, is_store_away};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;
use tokio::time::timeout;

pub use self::lease::{Leased, Leases};
use self::retry::while_away;
pub use self::turns::{Lowered, Turn, Turns};
use crate::text::{malformed, shown};

/// How to reach the store.
#[derive(Debug, Clone)]
pub struct MongoConfig {
    /// `MONGODB_URI`: holds a password, so `Debug` does not show it.
    pub uri: SecretString,
    /// `MONGODB_DATABASE`.
    pub database: String,
    /// What the server's log and profiler call this program: the function's name.
    pub app_name: String,
    /// Most connections: the width of the program's own concurrency. What stands in the URI wins.
    pub max_connections: u32,
}

/// A server that cannot be found or reached within this is away. The driver's 30 s would eat a Lambda's time-out.
const REACH_WITHIN: Duration = Duration::from_secs(5);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Idle connections are closed after this: sockets die while a Lambda environment is frozen.
const IDLE_FOR: Duration = Duration::from_secs(60);

const RULES: &str = "discovery_schedules";
const DISCOVERS: &str = "discovers";
const PLAYERS: &str = "players";
const RAIDS: &str = "raids";
const RUNS: &str = "runs";
const REPORTS: &str = "reports";
const REPORTS_READ: &str = "reports_read";
const QUEUED: &str = "queued";
const FAILURES: &str = "message_failures";
const THROTTLE: &str = "throttle";
const LEASES: &str = "leases";
const REFUSALS: &str = "refusals";

/// The index that gives `players` in the order of the addon database.
const PLAYERS_IN_ORDER: &str = "players_in_order";

/// The MongoDB store. Clones share the connections.
#[derive(Debug, Clone)]
pub struct MongoStore {
    connecting: Arc<Connecting>,
    has_indexes: Arc<OnceCell<()>>,
}

/// The way to the database, and the database once it was found.
#[derive(Debug)]
struct Connecting {
    config: MongoConfig,
    database: OnceCell<Database>,
}

impl MongoStore {
    /// Checks the address; the first call connects, so that a program starts without its server. Where the DNS does not
    /// tell the hosts of a `mongodb+srv://` address, it is asked again by the first call.
    ///
    /// # Errors
    /// When the URI or the name of the database is malformed; the message never holds the password.
    pub async fn connect(config: &MongoConfig) -> anyhow::Result<Self> {
        let uri = config.uri.expose_secret();
        // The driver takes a host before the login for a part of the name.
        let login = uri.rsplit_once('@').map_or("", |(login, _)| login);
        anyhow::ensure!(!login.contains(','), "MONGODB_URI is malformed: the login belongs before all hosts");
        anyhow::ensure!(
            !config.database.is_empty() && !config.database.contains(['/', '\\', '.', ' ', '"', '$', '\0']),
            "MONGODB_DATABASE: {} is no database name",
            shown(&config.database)
        );
        let connecting = Connecting { config: config.clone(), database: OnceCell::new() };
        let store = Self { connecting: Arc::new(connecting), has_indexes: Arc::default() };
        match store.database().await {
            Err(error) if !is_store_away(&error) => Err(error),
            _ => Ok(store),
        }
    }

    /// Creates the indexes that the queries need, once; does nothing where they exist.
    ///
    /// # Errors
    /// When the server is away or fails, or an index of the same name is another one.
    pub async fn ensure_indexes(&self) -> anyhow::Result<()> {
        let create = || async {
            let players = self.collection(PLAYERS).await?;
            while_away("creating the index of players", || {
                let index = IndexModel::builder()
                    .keys(doc! { "region": 1, "normalizedServer": 1, "name": 1, "_id": 1 })
                    .options(IndexOptions::builder().name(PLAYERS_IN_ORDER.to_owned()).build())
                    .build();
                players.create_index(index).into_future()
            })
            .await?;
            let runs = self.collection(RUNS).await?;
            while_away("creating the index of runs", || runs.create_index(runs::index()).into_future()).await?;
            let reports = self.collection(REPORTS).await?;
            while_away("creating the index of reports", || reports.create_index(reports::index()).into_future())
                .await?;
            Ok(())
        };
        self.has_indexes.get_or_try_init(create).await.copied()
    }

    /// Waits for the server to answer, for `patience` at most: before work whose result could not be stored otherwise.
    ///
    /// # Errors
    /// [`StoreAway`] when it does not answer, or refuses the login.
    pub async fn answers(&self, patience: Duration) -> anyhow::Result<()> {
        let mut last = None;
        let asking = async {
            loop {
                match self.database().await {
                    Ok(database) => match database.run_command(doc! { "ping": 1 }).await {
                        Err(error) if retry::is_away(&error) => last = Some(error.to_string()),
                        // A wrong password as well: nothing can be stored, and nobody may be called in vain.
                        answer => return answer.map(drop).map_err(|error| away(unreachable(&error))),
                    },
                    Err(error) => match error.downcast::<StoreAway>() {
                        Ok(StoreAway(why)) => last = Some(why),
                        Err(error) => return Err(error),
                    },
                }
                tokio::time::sleep(ASK_AGAIN_AFTER).await;
            }
        };
        match timeout(patience, asking).await {
            Ok(answer) => answer,
            Err(_) => Err(away(last.unwrap_or_else(|| format!("no answer within {} s", patience.as_secs())))),
        }
    }

    /// The database, also for what the ports do not cover (tests and operations). No connection is made yet.
    ///
    /// # Errors
    /// [`StoreAway`] when the DNS does not tell the hosts of a `mongodb+srv://` address.
    pub async fn database(&self) -> anyhow::Result<&Database> {
        self.connecting.database.get_or_try_init(|| self.connecting.find()).await
    }

    async fn collection(&self, name: &str) -> anyhow::Result<Collection<Document>> {
        Ok(self.database().await?.collection(name))
    }

    async fn raw(&self, name: &str) -> anyhow::Result<Collection<RawDocumentBuf>> {
        Ok(self.database().await?.collection(name))
    }
}

impl Connecting {
    async fn find(&self) -> anyhow::Result<Database> {
        let config = &self.config;
        let found = timeout(REACH_WITHIN, ClientOptions::parse(config.uri.expose_secret())).await;
        let mut options = match found {
            Ok(Ok(options)) => options,
            Ok(Err(error)) if matches!(&*error.kind, ErrorKind::DnsResolve { .. }) => {
                return Err(away(unreachable(&error)));
            }
            Ok(Err(error)) => return Err(unreachable(&error)),
            Err(_) => return Err(away("MONGODB_URI: the DNS does not answer")),
        };
        options.app_name.get_or_insert_with(|| config.app_name.clone());
        options.max_pool_size.get_or_insert(config.max_connections.max(1));
        options.min_pool_size.get_or_insert(0);
        options.server_selection_timeout.get_or_insert(REACH_WITHIN);
        options.connect_timeout.get_or_insert(REACH_WITHIN);
        options.max_idle_time.get_or_insert(IDLE_FOR);
        let client = Client::with_options(options).map_err(|error| unreachable(&error))?;
        Ok(client.database(&config.database))
    }
}

/// Reads a document as one of every collection: for those who try the readers with any document. Answers the names of the
/// collections in which it can be read.
pub fn read_documents(document: &Document) -> Vec<&'static str> {
    let is_read = [
        (RULES, rules::rule(document).is_ok()),
        (DISCOVERS, discoveries::discovered(document).and_then(|player| Ok(player.checked()?)).is_ok()),
        (PLAYERS, players::player(document).is_ok()),
        ("players (known)", players::known(document).is_ok()),
        (RAIDS, raids::raid(document).is_ok()),
        (REPORTS, reports::report(document).is_ok()),
        (REPORTS_READ, reports::seen(document).is_ok()),
        (RUNS, runs::run(document).is_ok()),
        (REFUSALS, rules::refusal(document).is_ok()),
    ];
    is_read.into_iter().filter(|(_, is_read)| *is_read).map(|(collection, _)| collection).collect()
}

/// Why the store cannot be reached. The driver's own message may quote any part of the address, and with it the
/// password: nothing of it is told.
fn unreachable(error: &mongodb::error::Error) -> anyhow::Error {
    anyhow!(match &*error.kind {
        ErrorKind::InvalidArgument { .. } => "MONGODB_URI is malformed",
        ErrorKind::DnsResolve { .. } => "MONGODB_URI: its host is not found in the DNS",
        ErrorKind::Authentication { .. } => "MONGODB_URI: the server refuses the login",
        _ => "MONGODB_URI: the server does not answer",
    })
}

fn away(why: impl ToString) -> anyhow::Error {
    anyhow!(StoreAway(why.to_string()))
}

fn date(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(uri: &str) -> MongoConfig {
        MongoConfig {
            uri: SecretString::from(uri),
            database: "wcl".into(),
            app_name: "test".into(),
            max_connections: 1,
        }
    }

    #[tokio::test]
    async fn a_wrong_uri_names_the_variable_and_hides_the_password() {
        for uri in [
            "",
            "http://a",
            "mongodb://keeper:hush%zz@host",
            "mongodb://keeper:hush@",
            "mongodb://keeper:hush?word@host/wcl",
            "mongodb://keeper:hush/word@host/wcl",
            "mongodb://keeper:hush%40host/wcl",
            "mongodb://host,keeper:hush@other/wcl",
        ] {
            let error = format!("{:#}", MongoStore::connect(&config(uri)).await.unwrap_err());
            assert!(error.starts_with("MONGODB_URI"), "{uri}: {error}");
            for secret in ["hush", "word", "keeper"] {
                assert!(!error.contains(secret), "{uri}: {error}");
            }
        }
        assert!(!format!("{:?}", config("mongodb://keeper:hush@host")).contains("hush"));
    }

    #[tokio::test]
    async fn a_program_starts_although_the_dns_does_not_know_its_store() {
        let store = MongoStore::connect(&config("mongodb+srv://keeper:hush@store.invalid/wcl")).await.unwrap();
        let error = store.answers(Duration::from_secs(1)).await.unwrap_err();
        assert!(is_store_away(&error) && !format!("{error:#}").contains("hush"), "{error:#}");
        for uri in [
            "mongodb+srv://keeper:hush@store.invalid:27017/wcl",
            "mongodb+srv://a.b.c,d.e.f/wcl",
            "mongodb+srv://keeper:hush@store.invalid/wcl?connectTimeoutMS=soon",
        ] {
            let error = MongoStore::connect(&config(uri)).await.unwrap_err().to_string();
            assert_eq!(error, "MONGODB_URI is malformed");
        }
    }
}

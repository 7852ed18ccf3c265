//! The five Lambda binaries, as built, each in its own process behind a Runtime API, with everything around them: a real
//! MongoDB, the simulated Warcraft Logs, a stand-in for AWS and a bare git repository.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use parsebook_adapters::mongo::{MongoConfig, MongoStore};
use parsebook_core::rule::Target;
use parsebook_simulator::{Config, Handle, Simulator, World};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::aws::Aws;
use crate::lambda::{Function, Outcome};
use crate::mongod;

/// The binaries' names.
pub const LAMBDAS: [&str; 5] = ["discover", "aggregator", "player-rank", "reviver", "db-generator"];

/// Where a Lambda's binary lies: in the folder that `PARSEBOOK_LAMBDA_BINARIES` names (release builds, for
/// measurements), or where cargo has built it for the tests of the package.
///
/// # Errors
/// When it is not there.
pub fn binary(name: &str) -> Result<PathBuf> {
    let path = match std::env::var_os("PARSEBOOK_LAMBDA_BINARIES") {
        Some(folder) => PathBuf::from(folder).join(name),
        None => std::env::var_os(format!("CARGO_BIN_EXE_{name}"))
            .context("neither a test of the Lambdas' package under cargo, nor is PARSEBOOK_LAMBDA_BINARIES set")?
            .into(),
    };
    ensure!(path.is_file(), "{} is missing", path.display());
    Ok(path)
}

/// The servers around the Lambdas, and a store of its own.
#[derive(Debug)]
pub struct Pipeline {
    /// The simulated Warcraft Logs.
    pub simulator: Handle,
    /// The stand-in for AWS.
    pub aws: Aws,
    /// The store that the Lambdas use.
    pub store: MongoStore,
    /// `MONGODB_URI`.
    pub uri: String,
    /// `MONGODB_DATABASE`.
    pub database: String,
    /// Holds the bare addon repository.
    pub scratch: TempDir,
    /// Variables that are set in place of the usual ones.
    pub changed: Vec<(String, String)>,
}

impl Pipeline {
    /// Starts everything on the shared MongoDB; `None` (said on standard error) where there is none.
    ///
    /// # Errors
    /// When a server does not start.
    pub async fn start(world: World, adapt: impl FnOnce(&mut Config)) -> Result<Option<Self>> {
        let Some((uri, database)) = mongod::shared()? else { return Ok(None) };
        Ok(Some(Self::on(uri, database, world, adapt).await?))
    }

    /// Starts everything on a given MongoDB.
    ///
    /// # Errors
    /// When a server does not start.
    pub async fn on(uri: String, database: String, world: World, adapt: impl FnOnce(&mut Config)) -> Result<Self> {
        let mut config = Config::new(world);
        adapt(&mut config);
        let simulator = Simulator::start(config).await?;
        let scratch = tempfile::Builder::new().prefix("parsebook-pipeline-").tempdir()?;
        let bare = scratch.path().join("addon.git");
        let made = Command::new("git").args(["init", "--quiet", "--bare", "--initial-branch=main"]).arg(&bare).status();
        ensure!(made.context("git is missing; fix: sudo apt-get install git")?.success(), "no bare repository");
        let config = MongoConfig {
            uri: uri.clone().into(),
            database: database.clone(),
            app_name: "test".into(),
            max_connections: 4,
        };
        let store = MongoStore::connect(&config).await?;
        Ok(Self { simulator, aws: Aws::start().await?, store, uri, database, scratch, changed: Vec::new() })
    }

    /// The bare addon repository.
    pub fn repository(&self) -> PathBuf {
        self.scratch.path().join("addon.git")
    }

    /// The variables of every Lambda.
    pub fn variables(&self) -> Vec<(String, String)> {
        let (id, secret) = Config::DEFAULT_CLIENT;
        let keys = json!([{ "name": "main", "clientId": id, "clientSecret": secret }]).to_string();
        let mut variables: Vec<(String, String)> = [
            ("MONGODB_URI", self.uri.clone()),
            ("MONGODB_DATABASE", self.database.clone()),
            ("WCL_URL", self.simulator.url()),
            ("WCL_API_KEYS", keys),
            ("PAGES_PER_SECOND", "1000".into()),
            ("QUEUE_URL", self.aws.queue_url()),
            ("AWS_ENDPOINT_URL", self.aws.url()),
            ("WCL_CALL_BUDGET", "6".into()),
            ("REVIVER_SCHEDULE_NAME", "wake".into()),
            ("REVIVER_FUNCTION_ARN", "arn:aws:lambda:eu-west-1:000000000000:function:reviver".into()),
            ("SCHEDULER_ROLE_ARN", "arn:aws:iam::000000000000:role/scheduler".into()),
            ("LAMBDA_TO_REVIVE", "player-rank".into()),
            ("GIT_REPOSITORY_URL", format!("file://{}", self.repository().display())),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        variables.retain(|(name, _)| !self.changed.iter().any(|(changed, _)| changed == name));
        variables.extend(self.changed.clone());
        variables
    }

    /// Sets a variable for the Lambdas started from here on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.changed.retain(|(changed, _)| changed != name);
        self.changed.push((name.to_owned(), value.to_owned()));
    }

    /// Starts a Lambda.
    ///
    /// # Errors
    /// When it cannot be built or started.
    pub async fn function(&self, name: &str) -> Result<Function> {
        Function::start(&binary(name)?, &self.variables()).await
    }

    /// Adds a rule for each raid and difficulty that the world's players have ranks in; answers those pairs.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn add_rules(&self) -> Result<BTreeSet<(i32, u8)>> {
        let pairs: BTreeSet<(i32, u8)> =
            self.simulator.world().players().flat_map(|player| player.pairs().collect::<Vec<_>>()).collect();
        for (raid, difficulty) in &pairs {
            let target = json!({ "raid": raid, "difficulty": difficulty, "startPage": 1, "endPage": 600 });
            self.store.add_rule(&serde_json::from_value::<Target>(target)?).await?;
        }
        Ok(pairs)
    }

    /// The addon repository, checked out.
    ///
    /// # Errors
    /// When git fails.
    pub fn checked_out(&self) -> Result<TempDir> {
        let folder = tempfile::tempdir()?;
        let cloned =
            Command::new("git").args(["clone", "--quiet"]).arg(self.repository()).arg(folder.path()).status()?;
        ensure!(cloned.success(), "the addon repository cannot be cloned");
        Ok(folder)
    }
}

/// The response, where there must be one.
///
/// # Errors
/// With the error document, where there is one.
pub fn answered(outcome: Outcome) -> Result<Value> {
    outcome.map_err(|error| anyhow::anyhow!("{error}"))
}

/// Invokes discover until nothing is due.
///
/// # Errors
/// When an invocation fails or ends otherwise.
pub async fn discover_all(discover: &Function) -> Result<u64> {
    let mut players = 0;
    loop {
        let summary = answered(discover.invoke(json!({})).await?)?;
        players += summary["players"].as_u64().unwrap_or_default();
        match summary["stopped"].as_str() {
            Some("complete" | "endOfBoard") => {}
            Some("nothingDue") => return Ok(players),
            _ => anyhow::bail!("discover stopped: {summary}"),
        }
    }
}

/// An SQS event of these bodies; message ids are `m0`, `m1`, ….
pub fn sqs_event<S: AsRef<str>>(bodies: &[S]) -> Value {
    let record = |(index, body): (usize, &S)| json!({ "messageId": format!("m{index}"), "body": body.as_ref() });
    json!({ "Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>() })
}

//! The five Lambdas as `scripts/deploy` puts them into an emulator of AWS, left to their own schedules and queue.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use parsebook_simulator::{Config, World};
use serde_json::{Value, json};

use crate::documentation::root;
use crate::http;
use crate::ministack::Ministack;
use crate::oracle::verify_boards;
use crate::pipeline::{Pipeline, binary};
use crate::strict::{Strict, Strictness};

/// The queue of players, as the template names it.
pub const QUEUE: &str = "wcl-discovered-players";
/// Its dead-letter queue.
pub const DEAD_LETTERS: &str = "wcl-discovered-players-dead-letters";

/// Names a world file of which the deployed chain is tested on some players, in place of a made-up world.
pub const WORLD: &str = "PARSEBOOK_TEST_WORLD";

/// A world of `players` players: from all over the file that [`WORLD`] names, or made up where it names none.
///
/// # Errors
/// When the file cannot be read.
pub fn world_of(players: usize) -> Result<World> {
    let Some(file) = std::env::var_os(WORLD).map(PathBuf::from) else { return Ok(World::generate(players, 31)) };
    let open = || {
        let opened = std::fs::File::open(&file).with_context(|| format!("{WORLD} {}", file.display()))?;
        anyhow::Ok(BufReader::new(opened))
    };
    let every = open()?.lines().count().saturating_sub(1).div_ceil(players).max(1);
    let mut some = tempfile::NamedTempFile::new()?;
    for (index, line) in open()?.lines().enumerate() {
        // The first line names the raids.
        if index == 0 || index % every == 0 {
            writeln!(some, "{}", line?)?;
        }
    }
    some.flush()?;
    Ok(World::load(&[some.path()])?.world)
}

/// An account of the emulator, asked as the SDKs ask.
#[derive(Debug)]
pub struct Account {
    url: String,
    client: reqwest::Client,
}

impl Account {
    /// The account at `AWS_ENDPOINT_URL`.
    pub fn at(url: String) -> Self {
        Self { url, client: http::client() }
    }

    async fn send(&self, request: reqwest::RequestBuilder, service: &str) -> Result<String> {
        let credential = format!("AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/{service}/aws4_request");
        Ok(request.header("Authorization", credential).send().await?.text().await?)
    }

    /// A service with the JSON protocol, such as SQS.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn json(&self, service: &str, target: &str, body: Value) -> Result<Value> {
        let request = self.client.post(&self.url).header("X-Amz-Target", target);
        let request = request.header("Content-Type", "application/x-amz-json-1.0").body(body.to_string());
        Ok(serde_json::from_str(&self.send(request, service).await?).unwrap_or_default())
    }

    /// A service with paths, such as Lambda.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn get(&self, service: &str, path: &str) -> Result<Value> {
        let text = self.send(self.client.get(format!("{}{path}", self.url)), service).await?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// The same, changing something.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn put(&self, service: &str, path: &str, body: Value) -> Result<String> {
        self.send(self.client.put(format!("{}{path}", self.url)).json(&body), service).await
    }

    /// A service with the query protocol, such as IAM: XML.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn query(&self, service: &str, parameters: &[(&str, &str)]) -> Result<String> {
        self.send(self.client.post(&self.url).form(parameters), service).await
    }

    /// Invokes a function and waits for its answer.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<String> {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.url);
        self.send(self.client.post(url).body(event.to_string()), "lambda").await
    }

    /// # Errors
    /// When there is no such queue.
    pub async fn queue_url(&self, name: &str) -> Result<String> {
        let answer = self.json("sqs", "AmazonSQS.GetQueueUrl", json!({ "QueueName": name })).await?;
        Ok(answer["QueueUrl"].as_str().with_context(|| format!("no queue {name}: {answer}"))?.to_owned())
    }

    /// The attributes of a queue.
    ///
    /// # Errors
    /// When there is no such queue.
    pub async fn queue(&self, name: &str) -> Result<Value> {
        let body = json!({ "QueueUrl": self.queue_url(name).await?, "AttributeNames": ["All"] });
        Ok(self.json("sqs", "AmazonSQS.GetQueueAttributes", body).await?["Attributes"].clone())
    }

    /// Changes attributes of a queue.
    ///
    /// # Errors
    /// When there is no such queue.
    pub async fn set_queue(&self, name: &str, attributes: Value) -> Result<()> {
        let body = json!({ "QueueUrl": self.queue_url(name).await?, "Attributes": attributes });
        self.json("sqs", "AmazonSQS.SetQueueAttributes", body).await?;
        Ok(())
    }

    /// Messages that wait or are under way.
    ///
    /// # Errors
    /// When there is no such queue.
    pub async fn messages(&self, name: &str) -> Result<u64> {
        let queue = self.queue(name).await?;
        let number = |name: &str| Ok::<u64, anyhow::Error>(queue[name].as_str().context("no such attribute")?.parse()?);
        Ok(number("ApproximateNumberOfMessages")? + number("ApproximateNumberOfMessagesNotVisible")?)
    }

    /// player-rank's mapping of the queue.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn mapping(&self) -> Result<Value> {
        let mappings = self.get("lambda", "/2015-03-31/event-source-mappings?FunctionName=player-rank").await?;
        Ok(mappings["EventSourceMappings"][0].clone())
    }

    /// player-rank's concurrency limit.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn concurrency(&self) -> Result<Value> {
        let answer = self.get("lambda", "/2019-09-30/functions/player-rank/concurrency").await?;
        Ok(answer["ReservedConcurrentExecutions"].clone())
    }

    /// # Errors
    /// When the emulator does not answer.
    pub async fn set_concurrency(&self, limit: u32) -> Result<()> {
        let body = json!({ "ReservedConcurrentExecutions": limit });
        self.put("lambda", "/2017-10-31/functions/player-rank/concurrency", body).await?;
        Ok(())
    }
}

/// A script of `scripts/`, on the account at `endpoint`.
pub fn script(name: &str, endpoint: &str) -> Command {
    let mut command = Command::new(root().join("scripts").join(name));
    command
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
    command
}

/// Runs a script; answers what it wrote.
///
/// # Errors
/// When it fails; with what it wrote.
pub fn told_by(script: &mut Command) -> Result<String> {
    let output = script.output()?;
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed:\n{told}", Path::new(script.get_program()).display());
    Ok(told.into_owned())
}

/// The deployed stack and everything around it.
#[derive(Debug)]
pub struct Deployed {
    /// The emulator of AWS.
    pub emulator: Ministack,
    /// The proxy before it, where there is one: what the chain asked.
    pub strict: Option<Strict>,
    /// Its account.
    pub account: Account,
    /// The servers that are not AWS. Its stand-in for AWS is not used.
    pub pipeline: Pipeline,
    /// The template's parameters.
    pub parameters: Vec<String>,
}

/// What became of a chain that was left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// Players that the addon gave exactly.
    pub found: usize,
    /// How often it slept for want of points, and was woken.
    pub pauses: usize,
}

impl Deployed {
    /// Starts an emulator and deploys the [`binary`] of each Lambda into it, with schedules of a minute; `None` (said on
    /// standard error) where there is no emulator.
    ///
    /// # Errors
    /// When the deployment fails.
    pub async fn start(pipeline: Pipeline) -> Result<Option<Self>> {
        Self::start_with(pipeline, &[]).await
    }

    /// The same with these parameters of the template in place of those that make the chain quick.
    ///
    /// # Errors
    /// When the deployment fails.
    pub async fn start_with(pipeline: Pipeline, parameters: &[&str]) -> Result<Option<Self>> {
        let Some(emulator) = Ministack::start()? else { return Ok(None) };
        Self::start_in(emulator, None, pipeline, parameters).await
    }

    /// The same behind a proxy that is as strict as a real account, with these parameters of the template in place of those
    /// that make the chain quick.
    ///
    /// # Errors
    /// When the deployment fails.
    pub async fn start_behind(strictness: Strictness, pipeline: Pipeline, parameters: &[&str]) -> Result<Option<Self>> {
        let Some((emulator, strict)) = Ministack::start_behind(strictness)? else { return Ok(None) };
        Self::start_in(emulator, Some(strict), pipeline, parameters).await
    }

    async fn start_in(
        emulator: Ministack,
        strict: Option<Strict>,
        pipeline: Pipeline,
        changed: &[&str],
    ) -> Result<Option<Self>> {
        // What the test itself asks is none of the chain's doing, and goes past the proxy.
        let account = Account::at(emulator.url());
        let (id, secret) = Config::DEFAULT_CLIENT;
        let keys = json!([{ "name": "main", "clientId": id, "clientSecret": secret }]).to_string();
        for (name, value) in [("mongodb-uri", pipeline.uri.as_str()), ("wcl-api-keys", &keys), ("git-token", "unused")]
        {
            // As most tools that store a secret do, with a line end.
            let value = format!("{value}\n");
            let body = json!({ "Name": format!("/parsebook/{name}"), "Value": value, "Type": "SecureString" });
            account.json("ssm", "AmazonSSM.PutParameter", body).await?;
        }
        let mut parameters = vec![
            format!("GitRepositoryUrl=file://{}", pipeline.repository().display()),
            format!("WclUrl={}", pipeline.simulator.url()),
            format!("MongoDatabase={}", pipeline.database),
            "ConcurrencyLimit=3".to_owned(),
            "PagesPerSecond=1000".to_owned(),
            "DiscoverSchedule=rate(1 minute)".to_owned(),
            "AggregatorSchedule=rate(1 minute)".to_owned(),
            "DbGeneratorSchedule=rate(1 minute)".to_owned(),
        ];
        let name = |parameter: &str| parameter.split('=').next().unwrap_or_default().to_owned();
        parameters.retain(|usual| !changed.iter().any(|changed| name(changed) == name(usual)));
        parameters.extend(changed.iter().map(|changed| (*changed).to_owned()));
        let deployed = Self { emulator, strict, account, pipeline, parameters };
        deployed.deploy("parsebook", &["--host"])?;
        Ok(Some(deployed))
    }

    /// What would take hours by itself.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn hurry(&self) -> Result<()> {
        // The reviver's first run would set it, within three hours.
        self.account.set_concurrency(3).await?;
        // A batch that met no points comes back after this; the template's 18 minutes would be the length of the run.
        self.account.set_queue(QUEUE, json!({ "VisibilityTimeout": "15" })).await
    }

    /// Deploys the stack with these options and the same parameters; answers what the script wrote.
    ///
    /// # Errors
    /// When it fails.
    pub fn deploy(&self, stack: &str, options: &[&str]) -> Result<String> {
        let endpoint = self.strict.as_ref().map_or_else(|| self.emulator.url(), Strict::url);
        let mut script = script("deploy", &endpoint);
        let binaries = binary("discover")?.parent().context("no folder")?.to_owned();
        let script = script.env("PARSEBOOK_STACK", stack).env("PARSEBOOK_LAMBDA_BINARIES", binaries);
        told_by(script.args(options).args(&self.parameters))
    }

    /// Leaves the stack alone until it has paused at least once, the queue is empty, and the addon repository gives every
    /// player of the boards exactly as the world has it.
    ///
    /// # Errors
    /// When that takes longer than `limit`.
    pub async fn until_published(&self, boards: &BTreeSet<(i32, u8)>, limit: Duration) -> Result<Course> {
        let begun = Instant::now();
        let (mut pauses, mut was_asleep) = (0, false);
        let mut last = String::from("nothing is published");
        loop {
            ensure!(begun.elapsed() < limit, "not done ({last}), paused {pauses} times\n{}", self.emulator.log());
            tokio::time::sleep(Duration::from_secs(1)).await;
            let is_asleep = self.account.concurrency().await? == 0;
            pauses += usize::from(was_asleep && !is_asleep);
            was_asleep = is_asleep;
            if pauses == 0 || self.account.messages(QUEUE).await? > 0 {
                continue;
            }
            let Ok(folder) = self.pipeline.checked_out() else { continue };
            match verify_boards(folder.path(), self.pipeline.simulator.world(), boards) {
                Ok(found) => return Ok(Course { found, pauses }),
                Err(error) => last = format!("{error:#}"),
            }
        }
    }
}

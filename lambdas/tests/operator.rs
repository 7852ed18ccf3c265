//! What an operator types, on the stack deployed into an emulator of AWS: the commands of the documentation, and doctor.
#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::{TimeDelta, Utc};
use futures::TryStreamExt;
use mongodb::bson::{Document, doc};
use parsebook_core::Timestamp;
use parsebook_core::journal::{Fate, Journal, Run};
use parsebook_core::ports::Rules;
use parsebook_simulator::Config;
use parsebook_test_support::deployed::{DEAD_LETTERS, Deployed, QUEUE};
use parsebook_test_support::documentation::{self, Documented, commands};
use parsebook_test_support::pipeline::{Pipeline, binary};
use serde_json::{Value, json};

/// Far away: every run is one that was asked for.
const NO_SCHEDULE: [&str; 4] = [
    "DiscoverSchedule=cron(0 0 1 1 ? 2099)",
    "AggregatorSchedule=cron(0 0 1 1 ? 2099)",
    "DbGeneratorSchedule=cron(0 0 1 1 ? 2099)",
    "ReviverSchedule=cron(0 0 1 1 ? 2099)",
];
const LOST_WAKE_UPS: &str = "parsebook-schedule-dead-letters";

/// Somebody at a shell, with everything set as docs/deploy.md says.
struct Operator {
    deployed: Deployed,
    programs: PathBuf,
}

impl Operator {
    async fn start() -> Result<Option<Self>> {
        let Some(pipeline) = Pipeline::start(documentation::world(60)?, |_| {}).await? else { return Ok(None) };
        let Some(deployed) = Deployed::start_with(pipeline, &NO_SCHEDULE).await? else { return Ok(None) };
        let programs = binary("discover")?.parent().context("no folder")?.to_owned();
        let is_built = programs.join("parsebook").is_file();
        ensure!(is_built, "the program is not built beside the Lambdas; fix: cargo build -p parsebook-cli");
        Ok(Some(Self { deployed, programs }))
    }

    /// Types `command` in the root of the repository, with these variables besides.
    fn shell(&self, command: &str, variables: &[(&str, &str)]) -> Output {
        let pipeline = &self.deployed.pipeline;
        let path = format!("{}:{}", self.programs.display(), std::env::var("PATH").unwrap());
        let (id, secret) = Config::DEFAULT_CLIENT;
        let keys = json!([{ "name": "main", "clientId": id, "clientSecret": secret }]).to_string();
        let (url, emulator) = (pipeline.simulator.url(), self.deployed.emulator.url());
        Command::new("bash")
            .args(["-c", command])
            .current_dir(documentation::root())
            .env("PATH", path)
            .envs([("AWS_ENDPOINT_URL", emulator.as_str()), ("AWS_REGION", "eu-west-1")])
            .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_MAX_ATTEMPTS", "1")])
            .envs([("MONGODB_URI", &pipeline.uri), ("MONGODB_DATABASE", &pipeline.database)])
            .envs([("WCL_URL", url.as_str()), ("WCL_API_KEYS", &keys), ("PAGES_PER_SECOND", "1000")])
            .envs(variables.iter().copied())
            .output()
            .unwrap()
    }

    /// The same; it must do what it says.
    fn types(&self, command: &str) -> Result<String> {
        let output = self.shell(command, &[]);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{command}\n{told}{complained}\n{}", self.deployed.emulator.log());
        Ok(told)
    }

    /// Runs of the journal that have ended.
    async fn ended(&self, stage: &str) -> Result<Vec<Run>> {
        let runs: Vec<Run> = self.deployed.pipeline.store.runs_since(Timestamp::UNIX_EPOCH).try_collect().await?;
        let is_over = |run: &Run| run.stage == stage && run.fate(Utc::now()) != Fate::Running;
        Ok(runs.into_iter().filter(is_over).collect())
    }

    /// Waits until `is_done`.
    async fn wait(&self, what: &str, is_done: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let begun = Instant::now();
        while !is_done().await? {
            ensure!(begun.elapsed() < Duration::from_secs(120), "{what}\n{}", self.deployed.emulator.log());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    /// Types a documented backfill, waits for its end, and answers what the journal says of it.
    async fn backfills(&self, documented: &Documented) -> Result<Option<Run>> {
        let mut words = documented.command.split(' ').filter(|word| !word.starts_with("--"));
        let stage = match words.next() {
            Some("parsebook") => "discover",
            _ => words.next().unwrap_or_default(),
        };
        let before = self.ended(stage).await?.len();
        // The code stands for a report that there is.
        let report = self.deployed.pipeline.simulator.reports().codes().next().unwrap_or_default();
        let told = self.types(&documented.command.replace("aBcD1234", &report))?;
        if stage == "reviver" {
            assert_eq!(serde_json::from_str::<Value>(&told)?["concurrencyLimit"], 3, "{told}");
            return Ok(None);
        }
        self.wait(&documented.command, async || Ok(self.ended(stage).await?.len() > before)).await?;
        // What was sent is ranked before the next command is typed.
        self.wait("the queue is not empty", async || Ok(self.deployed.account.messages(QUEUE).await? == 0)).await?;
        let run = self.ended(stage).await?.swap_remove(before);
        assert_eq!(run.fate(Utc::now()), Fate::Ok, "{documented:?}: {run:?}");
        Ok(Some(run))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_backfill_of_the_documentation_runs_as_written() -> Result<()> {
    let Some(operator) = Operator::start().await? else { return Ok(()) };
    operator.types("parsebook rules add --raid 44 --difficulty 4 --store mongodb")?;
    let mut documented = commands("scripts/invoke ")?;
    documented.extend(commands("parsebook backfill")?.into_iter().filter(|one| one.command.contains("mongodb")));
    assert!(documented.len() >= 12, "{documented:#?}");
    // What was read from reports before is not read again.
    let mut read = BTreeSet::new();
    for backfill in &documented {
        let Some(run) = operator.backfills(backfill).await? else { continue };
        let summary = &run.summary;
        let count = |name: &str| summary[name].as_u64().unwrap_or_default();
        let is_dry = backfill.command.contains("dry");
        match run.stage.as_str() {
            "discover" => {
                assert!(
                    summary["stopped"] == "complete" || summary["stopped"] == "endOfBoard",
                    "{backfill:?}: {summary}"
                );
                let is_new = read.insert((count("raid"), summary["source"].to_string()));
                assert_eq!(count("players") > 0, is_new, "{backfill:?}: {summary}");
            }
            "aggregator" => assert!(count("sent") > 0, "{backfill:?}: {summary}"),
            "player-rank" => assert_eq!(count("done") + count("finished"), 1, "{backfill:?}: {summary}"),
            _ => {
                assert_eq!(summary["stopped"] == "dryRun", is_dry, "{backfill:?}: {summary}");
                assert_eq!(summary["regions"][0]["region"], "EU", "{backfill:?}: {summary}");
            }
        }
    }
    for one in commands("parsebook rules")?.into_iter().filter(|one| one.is_block && one.command.contains("mongodb")) {
        let rules = operator.deployed.pipeline.store.rules().await?.0;
        let id = rules.last().map(|rule| rule.id.0.clone()).unwrap_or_default();
        operator.types(&one.command.replace(" ID ", &format!(" {id} ")))?;
    }
    let store = &operator.deployed.pipeline.store;
    let players = store.database().await.unwrap().collection::<Document>("players");
    let named =
        players.find_one(doc! { "_id": 57_147_396 }).await?.context("the player of the example is not stored")?;
    assert!(named.get_document("ranks")?.contains_key("31"), "{named}");
    assert!(operator.deployed.pipeline.checked_out()?.path().join("Parsebook_DB_EU").is_dir());
    assert_eq!(operator.deployed.account.messages(DEAD_LETTERS).await?, 0);
    Ok(())
}

/// What is wrong: the check's name, words of the line, words of its fix.
type Fault<'a> = (&'a str, &'a str, &'a str);

impl Operator {
    /// Calls doctor and compares what it finds wrong, line for line.
    fn finds(&self, flags: &str, variables: &[(&str, &str)], faults: &[Fault<'_>]) {
        let command = format!("parsebook doctor --aws --store mongodb {flags}");
        let output = self.shell(&command, variables);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let wrong: Vec<&str> = told.lines().filter(|line| line.starts_with('✗')).collect();
        assert_eq!(wrong.len(), faults.len(), "{command} {variables:?}\n{told}");
        for (name, what, fix) in faults {
            let line = wrong.iter().find(|line| line.starts_with(&format!("✗ {name} ")) && line.contains(what));
            let (_, told_fix) =
                line.and_then(|line| line.split_once("; fix: ")).unwrap_or_else(|| panic!("{name}\n{told}"));
            assert!(told_fix.contains(fix), "{name}: {told_fix}");
        }
        assert_eq!(output.status.code(), Some(i32::from(!faults.is_empty())), "{told}");
    }

    async fn send(&self, queue: &str, count: usize) -> Result<()> {
        let url = self.deployed.account.queue_url(queue).await?;
        for _ in 0..count {
            let body = json!({ "QueueUrl": url, "MessageBody": r#"{"id":7,"raidsToScrap":{"31":[4]}}"# });
            self.deployed.account.json("sqs", "AmazonSQS.SendMessage", body).await?;
        }
        Ok(())
    }

    async fn purge(&self, queue: &str) -> Result<()> {
        let url = self.deployed.account.queue_url(queue).await?;
        self.deployed.account.json("sqs", "AmazonSQS.PurgeQueue", json!({ "QueueUrl": url })).await?;
        Ok(())
    }

    async fn enable_mapping(&self, enabled: bool) -> Result<()> {
        let account = &self.deployed.account;
        let uuid = account.mapping().await?["UUID"].as_str().context("no mapping")?.to_owned();
        account
            .put("lambda", &format!("/2015-03-31/event-source-mappings/{uuid}"), json!({ "Enabled": enabled }))
            .await?;
        let wanted = if enabled { "Enabled" } else { "Disabled" };
        self.wait("the mapping does not change", async || Ok(account.mapping().await?["State"] == wanted)).await
    }

    async fn enable_schedule(&self, name: &str, state: &str) -> Result<()> {
        let account = &self.deployed.account;
        let path = format!("/schedules/{name}");
        let mut schedule = account.get("scheduler", &path).await?;
        schedule["State"] = json!(state);
        account.put("scheduler", &path, schedule).await?;
        Ok(())
    }

    /// Leaves this as the journal's only publication.
    async fn published(&self, days_ago: i64) -> Result<()> {
        let store = &self.deployed.pipeline.store;
        store.database().await?.collection::<Document>("runs").delete_many(doc! { "stage": "db-generator" }).await?;
        let at = Utc::now() - TimeDelta::days(days_ago);
        let run = Run::begin("published".into(), "db-generator", at, None);
        store.record(&run.ended(at, json!({ "stopped": "unchanged" }))).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_names_twenty_faults_of_a_deployed_stack_with_their_fix() -> Result<()> {
    let Some(operator) = Operator::start().await? else { return Ok(()) };
    let account = &operator.deployed.account;
    let store = &operator.deployed.pipeline.store;
    let limit = "--concurrency-limit 3";

    // As it is after the first deployment; each is mended by the fix that is told.
    let reviver = "scripts/invoke --remote reviver reviver";
    let generator = "scripts/invoke --remote db-generator db-generator";
    operator.finds(
        limit,
        &[],
        &[
            ("rules", "there are none", "parsebook rules add --raid 44 --difficulty 4"),
            ("limit", "the reviver never ran", reviver),
            ("alarms", "go to nobody", "AlarmEmail="),
            ("data age", "no publication", generator),
        ],
    );
    operator.types("parsebook rules add --raid 44 --difficulty 4 --store mongodb")?;
    operator.types(reviver)?;
    operator.types(generator)?;
    let topic = account.queue(QUEUE).await?["QueueArn"].as_str().context("no queue")?.replace(":sqs:", ":sns:");
    let topic = topic.replace(QUEUE, "parsebook-alarms");
    let subscribed = [("Action", "Subscribe"), ("TopicArn", topic.as_str()), ("Protocol", "email")];
    account
        .query("sns", &[&subscribed[..], &[("Endpoint", "you@example.org"), ("Version", "2010-03-31")]].concat())
        .await?;
    operator.finds(limit, &[], &[]);

    account.set_concurrency(0).await?;
    operator.finds(limit, &[], &[("limit", "is 0", reviver)]);
    account.set_concurrency(50).await?;
    operator.finds(limit, &[], &[("limit", "above the 3", reviver)]);
    operator.types(reviver)?;
    operator.enable_mapping(false).await?;
    operator.finds(limit, &[], &[("mapping", "nothing is scheduled", reviver)]);
    operator.send(QUEUE, 2).await?;
    let too_many = format!("{limit} --queue-limit 1");
    operator.finds(&too_many, &[], &[("mapping", "is Disabled", reviver), ("queue", "more than the 1", "rules pause")]);
    operator.purge(QUEUE).await?;
    operator.types(reviver)?;
    operator.enable_mapping(true).await?;
    for (queue, name, fix) in
        [(DEAD_LETTERS, "dead letters", "start-message-move-task"), (LOST_WAKE_UPS, "wake-ups", "role of Scheduler")]
    {
        operator.send(queue, 3).await?;
        operator.finds(limit, &[], &[(name, "3 ", fix)]);
        operator.purge(queue).await?;
    }
    for name in ["discover", "aggregator", "reviver", "db-generator"] {
        operator.enable_schedule(name, "DISABLED").await?;
        operator.finds(limit, &[], &[(format!("schedule {name}").as_str(), "is disabled", "enable it")]);
        operator.enable_schedule(name, "ENABLED").await?;
    }
    operator.published(4).await?;
    operator.finds(limit, &[], &[("data age", "4 days ago", "parsebook report")]);
    operator.published(0).await?;
    operator.finds("--concurrency-limit 2000", &[], &[("quota", "invocations at a time", "Service Quotas")]);
    let away: Vec<_> = ["quota", "mapping", "limit", "queue", "dead letters", "wake-ups", "alarms"]
        .into_iter()
        .chain(["schedule discover", "schedule aggregator", "schedule db-generator", "schedule reviver"])
        .map(|name| (name, "", "AWS_REGION"))
        .collect();
    operator.finds(limit, &[("AWS_ENDPOINT_URL", "http://127.0.0.1:1")], &away);

    // What is not AWS's, through the same call.
    let rule = store.rules().await?.0.swap_remove(0);
    store.enable_rule(&rule.id, false).await?;
    operator.finds(limit, &[], &[("rules", "all are paused", "rules resume")]);
    store.enable_rule(&rule.id, true).await?;
    let id = mongodb::bson::oid::ObjectId::parse_str(&rule.id.0)?;
    let rules = store.database().await.unwrap().collection::<Document>("discovery_schedules");
    rules.insert_one(doc! { "raid": "thirty-one", "difficulty": 4 }).await?;
    operator.finds(limit, &[], &[("rule", "raid", "correct the document")]);
    rules.delete_many(doc! { "_id": { "$ne": id } }).await?;
    let mongodb = [("MONGODB_URI", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=300")];
    operator.finds(limit, &mongodb, &[("store", "", "MONGODB_URI"), ("data age", "", "db-generator")]);
    let key = r#"[{"name":"main","clientId":"nobody","clientSecret":"hush-hush"}]"#;
    operator.finds(limit, &[("WCL_API_KEYS", key)], &[("key main", "not accepted", "clientSecret")]);
    operator.finds(limit, &[("WCL_URL", "http://127.0.0.1:1")], &[("API", "", "WCL_URL")]);
    operator.finds(limit, &[("MAX_THREADS", "none")], &[("settings", "MAX_THREADS", "set MAX_THREADS")]);
    let repository = [("GIT_REPOSITORY_URL", "file:///nowhere/addon.git")];
    operator.finds(limit, &repository, &[("addon repository", "", "GIT_REPOSITORY_URL")]);
    operator.finds(limit, &[], &[]);
    Ok(())
}

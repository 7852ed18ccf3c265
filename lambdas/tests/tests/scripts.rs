//! `scripts/deploy` and `scripts/invoke` themselves, against an emulator of AWS.

use std::process::Output;

use anyhow::{Context, Result};
use parsebook_lambda_tests::LAMBDAS;
use parsebook_lambda_tests::deployed::{Account, deploy, script};
use parsebook_test_support::ministack::Ministack;
use parsebook_test_support::mongod;
use serde_json::{Value, json};

/// What a deployment could change: each function's configuration and code, each schedule, the queue, the mapping.
async fn everything(account: &Account, prefix: &str) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for name in LAMBDAS.map(|name| format!("{prefix}{name}")) {
        let mut function =
            account.get("lambda", &format!("/2015-03-31/functions/{name}")).await?["Configuration"].clone();
        let fields = function.as_object_mut().with_context(|| format!("no function {name}"))?;
        fields.retain(|field, _| !matches!(field.as_str(), "LastModified" | "RevisionId" | "Version"));
        all.push(function);
        all.push(account.get("scheduler", &format!("/schedules/{name}")).await?["ScheduleExpression"].clone());
    }
    let mut queue = account.queue(&format!("{prefix}wcl-discovered-players")).await?;
    let fields = queue.as_object_mut().context("no queue")?;
    fields.retain(|field, _| !field.ends_with("Timestamp") && !field.starts_with("Approximate"));
    all.push(queue);
    let mapping = format!("/2015-03-31/event-source-mappings?FunctionName={prefix}player-rank");
    let mapping = account.get("lambda", &mapping).await?["EventSourceMappings"][0].clone();
    all.push(json!([mapping["UUID"], mapping["BatchSize"], mapping["State"]]));
    Ok(all)
}

fn told(output: &Output) -> String {
    (String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr)).into_owned()
}

#[tokio::test]
async fn a_stack_is_deployed_again_looked_at_and_called_by_the_scripts() -> Result<()> {
    let Some((uri, database)) = mongod::shared()? else { return Ok(()) };
    let Some(emulator) = Ministack::start()? else { return Ok(()) };
    let account = Account::at(emulator.url());
    let body = json!({ "Name": "/parsebook/mongodb-uri", "Value": uri, "Type": "SecureString" });
    account.json("ssm", "AmazonSSM.PutParameter", body).await?;
    let url = emulator.url();
    let database = format!("MongoDatabase={database}");
    let parameters = ["NamePrefix=second-", "GitRepositoryUrl=file:///nowhere", "ConcurrencyLimit=7", &database];
    deploy(&url, &[&["--host", "--debug"], parameters.as_slice()].concat())?;
    let deployed = everything(&account, "second-").await?;
    assert!(account.get("lambda", "/2015-03-31/functions/discover").await?.get("Configuration").is_none());

    // Again, with the parameters left out: they keep what the stack has.
    deploy(&url, &["--no-build", "--host"])?;
    assert_eq!(everything(&account, "second-").await?, deployed, "a second deployment changes nothing");

    let dry = deploy(&url, &["--no-build", "--host", "--dry-run", "DiscoverSchedule=rate(2 hours)"])?;
    assert!(dry.contains("code of second-discover"), "{dry}");
    assert_eq!(everything(&account, "second-").await?, deployed, "a dry run changes nothing");

    // Code alone leaves alone what somebody set by hand.
    let memory = json!({ "MemorySize": 512 });
    account.put("lambda", "/2015-03-31/functions/second-aggregator/configuration", memory).await?;
    let by_hand = everything(&account, "second-").await?;
    assert_ne!(by_hand, deployed);
    deploy(&url, &["--no-build", "--host", "--code-only"])?;
    assert_eq!(everything(&account, "second-").await?, by_hand, "a push of code sets nothing but code");

    let output = script("invoke", &url).args(["--remote", "second-reviver", "reviver"]).output()?;
    assert!(output.status.success() && told(&output).contains("concurrencyLimit"), "{}", told(&output));
    let limit = account.get("lambda", "/2019-09-30/functions/second-player-rank/concurrency").await?;
    assert_eq!(limit["ReservedConcurrentExecutions"], 7);
    let output = script("invoke", &url).args(["--remote", "second-aggregator", "aggregator-force"]).output()?;
    assert!(output.status.success() && told(&output).contains(r#""sent":0"#), "{}", told(&output));
    Ok(())
}

#[test]
fn wrong_arguments_are_named_before_anything_is_done() -> Result<()> {
    let nowhere = "http://127.0.0.1:1";
    for (name, arguments, named) in [
        ("deploy", &["DiscoverSchedule=rate(5 minute)"][..], "DiscoverSchedule: rate(5 minute)"),
        ("deploy", &["AggregatorSchedule=cron(0 3 * * ?)"], "AggregatorSchedule: cron(0 3 * * ?)"),
        ("deploy", &["--dry"], "unknown argument --dry"),
        ("invoke", &["discover"], "two arguments"),
        ("invoke", &["nobody", "{}"], "no Lambda is named nobody"),
        ("invoke", &["discover", "nothing"], "neither JSON, nor a file"),
    ] {
        let output = script(name, nowhere).args(arguments).output()?;
        assert_eq!(output.status.code(), Some(1), "{name} {arguments:?}");
        assert!(told(&output).contains(named), "{name} {arguments:?}: {}", told(&output));
    }
    Ok(())
}

/// A function on this machine, under `cargo lambda watch`, with the variables of the caller.
#[tokio::test]
async fn a_function_is_called_on_this_machine() -> Result<()> {
    if parsebook_test_support::process::server_variable("PARSEBOOK_CARGO_LAMBDA").is_none() {
        return Ok(());
    }
    let aws = parsebook_test_support::aws::Aws::start().await?;
    aws.account().concurrency = Some(0);
    let output = tokio::process::Command::from(script("invoke", &aws.url()))
        .args(["reviver", "reviver"])
        .env("LAMBDA_TO_REVIVE", "player-rank")
        .env("CONCURRENCY_LIMIT", "9")
        .env("PARSEBOOK_INVOKE_PORT", parsebook_test_support::process::free_port()?.to_string())
        .output()
        .await?;
    assert!(output.status.success() && told(&output).contains("concurrencyLimit"), "{}", told(&output));
    assert_eq!(aws.consumer(), (Some(9), true));
    Ok(())
}

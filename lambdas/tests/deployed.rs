//! All five, deployed by `scripts/deploy` into an emulator of AWS, left to run by their own schedules and queue.
#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Result;
use mongodb::bson::doc;
use parsebook_core::rule::Target;
use parsebook_simulator::{Config, Fault, When};
use parsebook_test_support::deployed::{Account, DEAD_LETTERS, Deployed, QUEUE, script, told_by, world_of};
use parsebook_test_support::pipeline::Pipeline;
use serde_json::{Value, json};
use url::form_urlencoded;

const FUNCTIONS: [&str; 5] = ["discover", "aggregator", "player-rank", "reviver", "db-generator"];

/// What each function's code calls: the role must allow it.
const PERMISSIONS: [(&str, &[&str]); 6] = [
    ("DiscoverRole", &["logs:PutLogEvents", "ssm:GetParameter"]),
    ("AggregatorRole", &["logs:PutLogEvents", "ssm:GetParameter", "sqs:SendMessage", "sqs:GetQueueAttributes"]),
    (
        "PlayerRankRole",
        &[
            "logs:PutLogEvents",
            "ssm:GetParameter",
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:SendMessage",
            "lambda:GetFunctionConcurrency",
            "lambda:PutFunctionConcurrency",
            "lambda:ListEventSourceMappings",
            "lambda:UpdateEventSourceMapping",
            "scheduler:CreateSchedule",
            "scheduler:UpdateSchedule",
            "iam:PassRole",
        ],
    ),
    (
        "ReviverRole",
        &[
            "logs:PutLogEvents",
            "lambda:GetFunctionConcurrency",
            "lambda:PutFunctionConcurrency",
            "lambda:DeleteFunctionConcurrency",
            "lambda:ListEventSourceMappings",
            "lambda:UpdateEventSourceMapping",
        ],
    ),
    ("DbGeneratorRole", &["logs:PutLogEvents", "ssm:GetParameter"]),
    ("SchedulerRole", &["lambda:InvokeFunction", "sqs:SendMessage"]),
];

async fn every_resource_is_there(account: &Account) -> Result<()> {
    for name in FUNCTIONS {
        let function = account.get("lambda", &format!("/2015-03-31/functions/{name}")).await?["Configuration"].clone();
        assert!(function["Environment"]["Variables"].is_object(), "{name}: {function}");
    }
    for name in FUNCTIONS.iter().filter(|name| **name != "player-rank") {
        let schedule = account.get("scheduler", &format!("/schedules/{name}")).await?;
        assert!(schedule["ScheduleExpression"].is_string(), "{name}: {schedule}");
    }
    let queue = account.queue(QUEUE).await?;
    let redrive: Value = serde_json::from_str(queue["RedrivePolicy"].as_str().unwrap()).unwrap();
    assert!(redrive["deadLetterTargetArn"].as_str().unwrap().ends_with(DEAD_LETTERS), "{redrive}");
    account.queue_url("parsebook-schedule-dead-letters").await?;
    let mapping = account.mapping().await?;
    assert_eq!(mapping["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    let groups = account.json("logs", "Logs_20140328.DescribeLogGroups", json!({})).await?;
    for name in FUNCTIONS {
        let mut names = groups["logGroups"].as_array().unwrap().iter().map(|group| &group["logGroupName"]);
        assert!(names.any(|group| *group == format!("/aws/lambda/{name}")), "{name}: {groups}");
    }
    let template = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/template.yaml"))?;
    let alarms = account.query("monitoring", &[("Action", "DescribeAlarms"), ("Version", "2010-08-01")]).await?;
    let mut count = 0;
    for line in template.lines() {
        let Some((_, name)) = line.split_once("AlarmName: !Sub \"${NamePrefix}") else { continue };
        assert!(alarms.contains(&format!(">{}<", name.trim_end_matches('"'))), "alarm {name} is missing");
        count += 1;
    }
    assert_eq!(count, template.matches("AlarmName:").count(), "an alarm's name that is not understood here");
    let dashboard = account.query("monitoring", &[("Action", "ListDashboards"), ("Version", "2010-08-01")]).await?;
    assert!(dashboard.contains(">parsebook<"), "{dashboard}");
    let roles = account.query("iam", &[("Action", "ListRoles"), ("Version", "2010-05-08")]).await?;
    for (role, actions) in PERMISSIONS {
        let name = roles.split("<RoleName>").filter_map(|part| part.split('<').next()).find(|name| name.contains(role));
        let name = name.unwrap_or_else(|| panic!("role {role} is missing"));
        let policies = account
            .query("iam", &[("Action", "ListRolePolicies"), ("RoleName", name), ("Version", "2010-05-08")])
            .await?;
        let policy = policies.split("<member>").nth(1).and_then(|part| part.split('<').next()).unwrap();
        let parameters =
            [("Action", "GetRolePolicy"), ("RoleName", name), ("PolicyName", policy), ("Version", "2010-05-08")];
        let answer = account.query("iam", &parameters).await?;
        let document = answer.split("<PolicyDocument>").nth(1).and_then(|part| part.split('<').next()).unwrap();
        check_policy(role, &policy_document(document), actions);
    }
    Ok(())
}

/// IAM answers with the document URL-encoded; emulators also with XML's own escapes.
fn policy_document(text: &str) -> Value {
    let plain = text.replace("&quot;", "\"").replace("&amp;", "&");
    let decoded =
        || form_urlencoded::parse(format!("p={plain}").as_bytes()).next().map(|(_, value)| value.into_owned());
    serde_json::from_str(&plain).or_else(|_| serde_json::from_str(&decoded().unwrap_or_default())).unwrap()
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        value => value.as_str().into_iter().collect(),
    }
}

/// Exactly these actions, each on named resources, but for the one that AWS knows no resource of.
fn check_policy(role: &str, document: &Value, actions: &[&str]) {
    let statements = document["Statement"].as_array().unwrap();
    let mut allowed = BTreeSet::new();
    for statement in statements {
        assert_eq!(statement["Effect"], "Allow", "{role}: {statement}");
        let of_statement = texts(&statement["Action"]);
        let resources = texts(&statement["Resource"]);
        assert!(
            !resources.is_empty() && of_statement.iter().all(|action| !action.contains('*')),
            "{role}: {statement}"
        );
        if resources.contains(&"*") {
            assert_eq!(of_statement, ["lambda:ListEventSourceMappings"], "{role}: {statement}");
        }
        let is_wide = |resource: &&&str| resource.ends_with(":*") && !resource.contains(":log-group:/aws/lambda/");
        if let Some(wide) = resources.iter().find(is_wide) {
            assert!(
                wide.ends_with(":event-source-mapping:*") && statement["Condition"].is_object(),
                "{role}: {statement}"
            );
        }
        allowed.extend(of_statement);
    }
    let needed: BTreeSet<_> = actions.iter().copied().chain(["logs:CreateLogStream"]).collect();
    let needed = if role == "SchedulerRole" { actions.iter().copied().collect() } else { needed };
    assert_eq!(allowed, needed, "{role}");
}

#[tokio::test]
async fn the_deployed_chain_runs_by_its_schedules_and_its_queue() -> Result<()> {
    let world = world_of(3000)?;
    let raid = world.raids().iter().max_by_key(|raid| raid.id).unwrap().id;
    let asked = BTreeSet::from([(raid, 3), (raid, 4)]);
    let of_player = |player: parsebook_simulator::Player<'_>| {
        let pairs = player.pairs().filter(|pair| asked.contains(pair)).count();
        if pairs > 0 { 1 + 5 * pairs } else { 0 }
    };
    let least: usize = world.players().map(of_player).sum();
    let adapt = |config: &mut Config| {
        // Enough for some two thirds of the world: it runs dry in the middle.
        config.points_per_hour = u32::try_from(least * 65 / 100).ok();
        config.hour = Duration::from_secs(75);
    };
    let Some(pipeline) = Pipeline::start(world, adapt).await? else { return Ok(()) };
    let world = pipeline.simulator.world().clone();
    // Rules of both kinds: who stands on a board is asked for alone, and everybody in a report at once.
    for (raid, difficulty) in &asked {
        let site = json!({ "raid": raid, "difficulty": difficulty, "startPage": 1, "endPage": 600 });
        let reports = json!({ "raid": raid, "difficulty": difficulty, "startPage": 1, "endPage": 600,
            "source": "reports", "ranks": "reports" });
        for target in [site, reports] {
            pipeline.store.add_rule(&serde_json::from_value::<Target>(target)?).await?;
        }
    }
    let Some(deployed) = Deployed::start(pipeline).await? else { return Ok(()) };
    let account = &deployed.account;
    every_resource_is_there(account).await?;
    deployed.hurry().await?;

    let course = deployed.until_published(&asked, Duration::from_secs(900)).await?;
    assert!(course.found > 1000 && course.pauses > 0, "{course:?}");
    let reports = deployed.pipeline.store.database().await.unwrap().collection::<mongodb::bson::Document>("reports");
    let (all, done) =
        (reports.count_documents(doc! {}).await?, reports.count_documents(doc! { "state": "done" }).await?);
    assert!(done > 50 && done * 10 > all * 7, "{done} of {all} reports are done, the others are not due");
    assert_eq!(account.messages(DEAD_LETTERS).await?, 0);

    // A pause of a day, at a smaller scale: 24 hours are 80 visibility time-outs of the template;
    // here 12, and three receives would be one too many. A consumer that went on receiving would bring every message into the dead-letter queue.
    let dead = account.queue(DEAD_LETTERS).await?["QueueArn"].clone();
    let redrive = json!({ "deadLetterTargetArn": dead, "maxReceiveCount": "3" }).to_string();
    account.set_queue(QUEUE, json!({ "VisibilityTimeout": "1", "RedrivePolicy": redrive })).await?;
    deployed.pipeline.simulator.faults().set(Fault::ApiExhausted, When::Always);
    account.set_concurrency(1).await?;
    let players: Vec<_> = world.players().filter(|player| player.is_rankable()).take(200).collect();
    let url = account.queue_url(QUEUE).await?;
    for batch in players.chunks(10) {
        let entry = |(index, player): (usize, &parsebook_simulator::Player<'_>)| {
            let body = json!({ "id": player.id(), "raidsToScrap": { raid.to_string(): [3] } }).to_string();
            json!({ "Id": index.to_string(), "MessageBody": body })
        };
        let entries: Vec<_> = batch.iter().enumerate().map(entry).collect();
        account.json("sqs", "AmazonSQS.SendMessageBatch", json!({ "QueueUrl": url, "Entries": entries })).await?;
    }
    let begun = Instant::now();
    while account.mapping().await?["State"] != "Disabled" {
        assert!(begun.elapsed() < Duration::from_secs(60), "not paused\n{}", deployed.emulator.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!((account.messages(DEAD_LETTERS).await?, account.messages(QUEUE).await?), (0, 200));

    // A deployment in the middle of the pause leaves the pause as it is.
    deployed.deploy("parsebook", &["--no-build", "--host"])?;
    assert_eq!(
        (account.mapping().await?["State"].clone(), account.concurrency().await?),
        (json!("Disabled"), json!(0))
    );

    deployed.pipeline.simulator.faults().clear_all();
    let told = told_by(script("invoke", &deployed.emulator.url()).args(["--remote", "reviver", "reviver"]))?;
    assert!(told.replace(' ', "").contains(r#""concurrencyLimit":3,"#), "{told}");
    let begun = Instant::now();
    while account.messages(QUEUE).await? > 0 {
        assert!(begun.elapsed() < Duration::from_secs(240), "not drained\n{}", deployed.emulator.log());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(account.messages(DEAD_LETTERS).await?, 0);
    let players = deployed.pipeline.store.database().await.unwrap().collection::<mongodb::bson::Document>("players");
    assert!(players.count_documents(doc! {}).await? >= course.found as u64);
    a_second_stack_stands_beside_the_first(&deployed).await
}

/// With names of its own; and a dry run leaves nothing behind, be it of a new stack or of one that is there.
async fn a_second_stack_stands_beside_the_first(deployed: &Deployed) -> Result<()> {
    let account = &deployed.account;
    let stacks = async || {
        let told = account.query("cloudformation", &[("Action", "DescribeStacks"), ("Version", "2010-05-15")]).await?;
        anyhow::Ok(told.matches("<StackName>").count())
    };
    let before = stacks().await?;
    let new = ["--no-build", "--host", "--dry-run", "NamePrefix=stage-"];
    let told = deployed.deploy("stage", &new)?;
    assert!(told.contains("AWS::SQS::Queue") && told.contains("PlayersDeadLetters"), "{told}");
    deployed.deploy("parsebook", &["--no-build", "--host", "--dry-run"])?;
    assert_eq!(stacks().await?, before);
    assert!(account.queue_url("stage-wcl-discovered-players").await.is_err());

    deployed.deploy("stage", &["--no-build", "--host", "NamePrefix=stage-", "ReviverSchedule=rate(3 hours)"])?;
    assert_eq!(stacks().await?, before + 1);
    account.queue_url("stage-wcl-discovered-players").await?;
    for name in ["reviver", "stage-reviver"] {
        let function = account.get("lambda", &format!("/2015-03-31/functions/{name}")).await?["Configuration"].clone();
        let revived = name.replace("reviver", "player-rank");
        assert_eq!(function["Environment"]["Variables"]["LAMBDA_TO_REVIVE"], revived.as_str(), "{function}");
    }
    Ok(())
}

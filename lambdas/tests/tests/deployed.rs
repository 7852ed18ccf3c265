//! All five, deployed by `scripts/deploy` into an emulator of AWS, left to run by their own schedules and queue.
#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use mongodb::bson::doc;
use parsebook_bench::oracle::verify_boards;
use parsebook_core::rule::Target;
use parsebook_lambda_tests::pipeline::Pipeline;
use parsebook_simulator::{Config, Fault, When, World};
use parsebook_test_support::ministack::Ministack;
use serde_json::{Value, json};

/// The emulator, asked as the SDKs ask.
struct Account {
    url: String,
    client: reqwest::Client,
}

impl Account {
    async fn send(&self, request: reqwest::RequestBuilder, service: &str) -> String {
        let credential = format!("AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/{service}/aws4_request");
        request.header("Authorization", credential).send().await.unwrap().text().await.unwrap()
    }

    /// A service with the JSON protocol, such as SQS.
    async fn json(&self, service: &str, target: &str, body: Value) -> Value {
        let request = self.client.post(&self.url).header("X-Amz-Target", target);
        let request = request.header("Content-Type", "application/x-amz-json-1.0").body(body.to_string());
        serde_json::from_str(&self.send(request, service).await).unwrap_or_default()
    }

    /// A service with paths, such as Lambda.
    async fn get(&self, service: &str, path: &str) -> Value {
        let text = self.send(self.client.get(format!("{}{path}", self.url)), service).await;
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    async fn put(&self, service: &str, path: &str, body: Value) -> String {
        self.send(self.client.put(format!("{}{path}", self.url)).json(&body), service).await
    }

    /// A service with the query protocol, such as IAM: XML.
    async fn query(&self, service: &str, parameters: &[(&str, &str)]) -> String {
        self.send(self.client.post(&self.url).form(parameters), service).await
    }

    async fn queue_url(&self, name: &str) -> String {
        let answer = self.json("sqs", "AmazonSQS.GetQueueUrl", json!({ "QueueName": name })).await;
        answer["QueueUrl"].as_str().unwrap_or_else(|| panic!("no queue {name}: {answer}")).to_owned()
    }

    async fn queue(&self, name: &str) -> Value {
        let body = json!({ "QueueUrl": self.queue_url(name).await, "AttributeNames": ["All"] });
        self.json("sqs", "AmazonSQS.GetQueueAttributes", body).await["Attributes"].clone()
    }

    /// Messages that wait or are under way.
    async fn messages(&self, name: &str) -> u64 {
        let queue = self.queue(name).await;
        let number = |name: &str| queue[name].as_str().and_then(|text| text.parse::<u64>().ok()).unwrap();
        number("ApproximateNumberOfMessages") + number("ApproximateNumberOfMessagesNotVisible")
    }

    async fn mapping(&self) -> Value {
        self.get("lambda", "/2015-03-31/event-source-mappings?FunctionName=player-rank").await["EventSourceMappings"][0]
            .clone()
    }

    async fn concurrency(&self) -> Value {
        self.get("lambda", "/2019-09-30/functions/player-rank/concurrency").await["ReservedConcurrentExecutions"]
            .clone()
    }
}

const QUEUE: &str = "wcl-discovered-players";
const DEAD: &str = "wcl-discovered-players-dead-letters";

fn deploy(endpoint: &str, arguments: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = Command::new(root.join("scripts/deploy"))
        .args(arguments)
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()
        .unwrap();
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{error}");
}

/// What each function's code calls: the role must allow it.
const PERMISSIONS: [(&str, &[&str]); 6] = [
    ("DiscoverRole", &["logs:PutLogEvents", "ssm:GetParameter"]),
    ("AggregatorRole", &["logs:PutLogEvents", "ssm:GetParameter", "sqs:SendMessage"]),
    (
        "PlayerRankRole",
        &[
            "logs:PutLogEvents",
            "ssm:GetParameter",
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
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
            "lambda:ListEventSourceMappings",
            "lambda:UpdateEventSourceMapping",
        ],
    ),
    ("DbGeneratorRole", &["logs:PutLogEvents", "ssm:GetParameter"]),
    ("SchedulerRole", &["lambda:InvokeFunction", "sqs:SendMessage"]),
];

async fn every_resource_is_there(account: &Account) {
    for (name, memory, timeout) in [
        ("discover", 128, 900),
        ("aggregator", 256, 900),
        ("player-rank", 256, 180),
        ("reviver", 128, 60),
        ("db-generator", 1024, 900),
    ] {
        let function = account.get("lambda", &format!("/2015-03-31/functions/{name}")).await["Configuration"].clone();
        assert_eq!(
            (&function["MemorySize"], &function["Timeout"]),
            (&json!(memory), &json!(timeout)),
            "{name}: {function}"
        );
        assert!(function["Environment"]["Variables"].is_object(), "{name}");
    }
    for name in ["discover", "aggregator", "reviver", "db-generator"] {
        let schedule = account.get("scheduler", &format!("/schedules/{name}")).await;
        let expression = schedule["ScheduleExpression"].as_str().unwrap_or_else(|| panic!("{name}: {schedule}"));
        parsebook_test_support::schedule_expression::check(expression).unwrap();
    }
    let queue = account.queue(QUEUE).await;
    assert_eq!((&queue["MessageRetentionPeriod"], &queue["VisibilityTimeout"]), (&json!("1209600"), &json!("1080")));
    let redrive: Value = serde_json::from_str(queue["RedrivePolicy"].as_str().unwrap()).unwrap();
    assert!(redrive["deadLetterTargetArn"].as_str().unwrap().ends_with(DEAD), "{redrive}");
    account.queue_url("parsebook-schedule-dead-letters").await;
    let mapping = account.mapping().await;
    assert_eq!(
        (&mapping["BatchSize"], &mapping["FunctionResponseTypes"]),
        (&json!(5), &json!(["ReportBatchItemFailures"]))
    );
    let groups = account.json("logs", "Logs_20140328.DescribeLogGroups", json!({})).await;
    for name in ["discover", "aggregator", "player-rank", "reviver", "db-generator"] {
        let group = groups["logGroups"]
            .as_array()
            .unwrap()
            .iter()
            .find(|group| group["logGroupName"] == format!("/aws/lambda/{name}"));
        assert_eq!(group.unwrap()["retentionInDays"], 30, "{name}");
    }
    let alarms = account.query("monitoring", &[("Action", "DescribeAlarms"), ("Version", "2010-08-01")]).await;
    for name in [
        "dead-letters",
        "schedule-dead-letters",
        "oldest-message",
        "no-publication",
        "discover-refused",
        "player-rank-refused",
        "discover-errors",
        "aggregator-errors",
        "player-rank-errors",
        "reviver-errors",
        "db-generator-errors",
    ] {
        assert!(alarms.contains(&format!(">parsebook-{name}<")), "alarm {name} is missing");
    }
    let dashboard = account.query("monitoring", &[("Action", "ListDashboards"), ("Version", "2010-08-01")]).await;
    assert!(dashboard.contains(">parsebook<"), "{dashboard}");
    let roles = account.query("iam", &[("Action", "ListRoles"), ("Version", "2010-05-08")]).await;
    for (role, actions) in PERMISSIONS {
        let name = roles.split("<RoleName>").filter_map(|part| part.split('<').next()).find(|name| name.contains(role));
        let name = name.unwrap_or_else(|| panic!("role {role} is missing"));
        let policies = account
            .query("iam", &[("Action", "ListRolePolicies"), ("RoleName", name), ("Version", "2010-05-08")])
            .await;
        let policy = policies.split("<member>").nth(1).and_then(|part| part.split('<').next()).unwrap();
        let parameters =
            [("Action", "GetRolePolicy"), ("RoleName", name), ("PolicyName", policy), ("Version", "2010-05-08")];
        let document = account.query("iam", &parameters).await.replace("%3A", ":").replace("%2A", "*");
        for action in actions {
            assert!(document.contains(action), "{role} lacks {action}: {document}");
        }
        assert!(
            !document.contains(":*\"") || document.contains("log-group") || document.contains("event-source"),
            "{role}"
        );
    }
}

#[tokio::test]
async fn the_deployed_chain_runs_by_its_schedules_and_its_queue() {
    let hour = Duration::from_secs(75);
    let adapt = |config: &mut Config| {
        // Enough for some two thirds of the world: it runs dry in the middle.
        config.points_per_hour = Some(20_000);
        config.hour = hour;
    };
    let Some(pipeline) = Pipeline::start(World::generate(3000, 31), adapt).await.unwrap() else { return };
    let Some(emulator) = Ministack::start().unwrap() else { return };
    let account = Account { url: emulator.url(), client: reqwest::Client::new() };
    let world = pipeline.simulator.world().clone();

    let (id, secret) = Config::DEFAULT_CLIENT;
    let keys = json!([{ "name": "main", "clientId": id, "clientSecret": secret }]).to_string();
    for (name, value) in [("mongodb-uri", pipeline.uri.as_str()), ("wcl-api-keys", &keys), ("git-token", "unused")] {
        let body = json!({ "Name": format!("/parsebook/{name}"), "Value": value, "Type": "SecureString" });
        account.json("ssm", "AmazonSSM.PutParameter", body).await;
    }
    let raid = world.raids().iter().max_by_key(|raid| raid.id).unwrap().id;
    let asked = BTreeSet::from([(raid, 3), (raid, 4)]);
    for (raid, difficulty) in &asked {
        let target = json!({ "raid": raid, "difficulty": difficulty, "startPage": 1, "endPage": 600 });
        pipeline.store.add_rule(&serde_json::from_value::<Target>(target).unwrap()).await.unwrap();
    }
    let parameters = [
        format!("GitRepositoryUrl=file://{}", pipeline.repository().display()),
        format!("WclUrl={}", pipeline.simulator.url()),
        format!("MongoDatabase={}", pipeline.database),
        "ConcurrencyLimit=3".to_owned(),
        "PagesPerSecond=1000".to_owned(),
        "DiscoverSchedule=rate(1 minute)".to_owned(),
        "AggregatorSchedule=rate(1 minute)".to_owned(),
        "DbGeneratorSchedule=rate(1 minute)".to_owned(),
    ];
    let mut arguments = vec!["--host", "--debug"];
    arguments.extend(parameters.iter().map(String::as_str));
    deploy(&account.url, &arguments);
    every_resource_is_there(&account).await;
    account
        .put("lambda", "/2017-10-31/functions/player-rank/concurrency", json!({ "ReservedConcurrentExecutions": 3 }))
        .await;

    // A batch that met no points comes back after this; the template's 18 minutes would be the length of the test.
    let url = account.queue_url(QUEUE).await;
    let attributes = json!({ "VisibilityTimeout": "15" });
    account.json("sqs", "AmazonSQS.SetQueueAttributes", json!({ "QueueUrl": url, "Attributes": attributes })).await;

    let begun = Instant::now();
    let mut slept = false;
    let mut woken = false;
    let found = loop {
        assert!(begun.elapsed() < Duration::from_secs(900), "not done\n{}", emulator.log());
        tokio::time::sleep(Duration::from_secs(2)).await;
        let asleep = account.concurrency().await == 0;
        slept |= asleep;
        woken |= slept && !asleep;
        if !woken || account.messages(QUEUE).await > 0 {
            continue;
        }
        if let Ok(folder) = pipeline.checked_out()
            && let Ok(found) = verify_boards(folder.path(), &world, &asked)
        {
            break found;
        }
    };
    assert!(found > 1000, "{found} players");
    assert_eq!(account.messages(DEAD).await, 0);

    // A pause of a day, at a smaller scale: 24 hours are 80 visibility time-outs of the template against 100 receives;
    // here 12 against 3. A consumer that went on receiving would bring every message into the dead-letter queue.
    let dead = account.queue(DEAD).await["QueueArn"].clone();
    let redrive = json!({ "deadLetterTargetArn": dead, "maxReceiveCount": "3" }).to_string();
    let attributes = json!({ "VisibilityTimeout": "1", "RedrivePolicy": redrive });
    account.json("sqs", "AmazonSQS.SetQueueAttributes", json!({ "QueueUrl": url, "Attributes": attributes })).await;
    pipeline.simulator.faults().set(Fault::ApiExhausted, When::Always);
    account
        .put("lambda", "/2017-10-31/functions/player-rank/concurrency", json!({ "ReservedConcurrentExecutions": 1 }))
        .await;
    let players: Vec<_> = world.players().filter(|player| player.is_rankable()).take(200).collect();
    for batch in players.chunks(10) {
        let entry = |(index, player): (usize, &parsebook_simulator::Player<'_>)| {
            let body = json!({ "id": player.id(), "raidsToScrap": { raid.to_string(): [3] } }).to_string();
            json!({ "Id": index.to_string(), "MessageBody": body })
        };
        let entries: Vec<_> = batch.iter().enumerate().map(entry).collect();
        account.json("sqs", "AmazonSQS.SendMessageBatch", json!({ "QueueUrl": url, "Entries": entries })).await;
    }
    let begun = Instant::now();
    while account.mapping().await["State"] != "Disabled" {
        assert!(begun.elapsed() < Duration::from_secs(60), "not paused\n{}", emulator.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!((account.messages(DEAD).await, account.messages(QUEUE).await), (0, 200));

    // A deployment in the middle of the pause leaves the pause as it is.
    arguments[0] = "--no-build";
    arguments[1] = "--host";
    deploy(&account.url, &arguments);
    assert_eq!((account.mapping().await["State"].clone(), account.concurrency().await), (json!("Disabled"), json!(0)));

    pipeline.simulator.faults().clear_all();
    let revive = account.client.post(format!("{}/2015-03-31/functions/reviver/invocations", account.url)).body("{}");
    account.send(revive, "lambda").await;
    let begun = Instant::now();
    while account.messages(QUEUE).await > 0 {
        assert!(begun.elapsed() < Duration::from_secs(240), "not drained\n{}", emulator.log());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(account.messages(DEAD).await, 0);
    let players = pipeline.store.database().collection::<mongodb::bson::Document>("players");
    assert!(players.count_documents(doc! {}).await.unwrap() >= found as u64);
}

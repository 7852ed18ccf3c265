//! What is left behind is shown before it goes, and goes.

use parsebook_test_support::ministack::Ministack;
use reqwest::Method;
use serde_json::json;

use crate::support::{Account, Told, python, told_by};

const STACK: &str = "stage";
const SCHEDULE: &str = "/schedules/stage-parsebook-wake-reviver";
/// That of a stack without a prefix.
const OF_ANOTHER: &str = "/schedules/parsebook-wake-reviver";
const SECRET: &str = "/stage/mongodb-uri";

fn destroy(account: &Account, options: &[&str]) -> Told {
    let mut command = python("destroy.py", &account.url).unwrap();
    told_by(command.env("AWS_REGION", "eu-west-1").args(["eu-west-1", STACK]).args(options))
}

/// A stack with what matters here: its parameters, and a queue that holds a message.
async fn make(account: &Account) {
    let parameter = |default: &str| json!({ "Type": "String", "Default": default });
    let body = json!({
        "Parameters": { "NamePrefix": parameter("stage-"), "MongoUriParameter": parameter(SECRET) },
        "Resources": { "PlayersQueue": {
            "Type": "AWS::SQS::Queue", "Properties": { "QueueName": "stage-wcl-discovered-players" },
        } },
    });
    let body = body.to_string();
    let parameters =
        [("Action", "CreateStack"), ("Version", "2010-05-15"), ("StackName", STACK), ("TemplateBody", &body)];
    account.query("cloudformation", &parameters).await;
    let mut url = json!(null);
    for _ in 0..100 {
        let asked = json!({ "QueueName": "stage-wcl-discovered-players" });
        url = account.json("sqs", "AmazonSQS.GetQueueUrl", asked).await.1["QueueUrl"].clone();
        if url.is_string() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    account.json("sqs", "AmazonSQS.SendMessage", json!({ "QueueUrl": url, "MessageBody": "{}" })).await;
    account.put_secret(SECRET, "SecureString", "mongodb://keeper:hush@host/").await;
    let schedule = json!({
        "ScheduleExpression": "at(2099-01-01T00:00:00)", "FlexibleTimeWindow": { "Mode": "OFF" },
        "Target": { "Arn": "arn:aws:lambda:eu-west-1:0:function:stage-reviver", "RoleArn": "arn:aws:iam::0:role/scheduler" },
    });
    account.path("scheduler", Method::POST, SCHEDULE, schedule.clone()).await;
    account.path("scheduler", Method::POST, OF_ANOTHER, schedule).await;
}

async fn has_schedule(account: &Account, schedule: &str) -> bool {
    account.path("scheduler", Method::GET, schedule, json!({})).await == 200
}

async fn stacks(account: &Account) -> usize {
    let told = account.query("cloudformation", &[("Action", "DescribeStacks"), ("Version", "2010-05-15")]).await;
    told.matches("<StackName>stage<").count()
}

#[tokio::test]
async fn everything_is_shown_first_and_removed_when_told() {
    let Some(emulator) = Ministack::start().unwrap() else { return };
    let account = Account::at(emulator.url());
    if python("destroy.py", &account.url).is_none() {
        return;
    }
    make(&account).await;

    for options in [&["--show"][..], &["--show", "--secrets"], &[]] {
        let told = destroy(&account, options);
        assert_eq!(told.succeeded, options.contains(&"--show"), "{told:?}");
        for named in ["AWS::SQS::Queue", "stage-parsebook-wake-reviver", "1 in stage-wcl-discovered-players", SECRET] {
            assert!(told.output.contains(named), "{named}: {told:?}");
        }
        assert!(!format!("{told:?}").contains("hush"));
    }
    assert!(stacks(&account).await == 1 && has_schedule(&account, SCHEDULE).await, "nobody was there to ask");

    let told = destroy(&account, &["--yes"]);
    assert!(told.succeeded, "{told:?}");
    assert!(stacks(&account).await == 0 && !has_schedule(&account, SCHEDULE).await);
    assert!(account.has_secret(SECRET).await, "only with --secrets");

    let told = destroy(&account, &["--yes"]);
    assert!(told.succeeded && told.output.contains("nothing to remove"), "{told:?}");
    assert!(has_schedule(&account, OF_ANOTHER).await, "a name that no stack has tells no prefix");
}

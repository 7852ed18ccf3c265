//! Each habit of the strict proxy, before an upstream that agrees to everything.
#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use parsebook_test_support::http;
use parsebook_test_support::strict::{Strict, Strictness};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// What reached the upstream: `METHOD path body`, services with targets as `target body`.
type Log = Arc<Mutex<Vec<String>>>;

const WAKE_UP: &str = "/schedules/reviver";

async fn upstream(State(log): State<Log>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> String {
    let body = String::from_utf8_lossy(&body);
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let asked = target.map_or(format!("{method} {}", uri.path()), ToOwned::to_owned);
    log.lock().unwrap().push(format!("{asked} {body}").trim_end().to_owned());
    let reserved = |limit: u32| json!({ "ReservedConcurrentExecutions": limit });
    let answer = match uri.path() {
        "/2015-03-31/functions/" => {
            json!({ "Functions": [{ "FunctionName": "aggregator" }, { "FunctionName": "player-rank" }] })
        }
        "/2019-09-30/functions/aggregator/concurrency" => reserved(1),
        "/2019-09-30/functions/player-rank/concurrency" => reserved(5),
        "/2015-03-31/event-source-mappings" => {
            json!({ "EventSourceMappings": [{ "UUID": "m-1", "State": "Enabled" }] })
        }
        "/2015-03-31/event-source-mappings/m-1" => json!({ "UUID": "m-1", "State": "Enabled", "BatchSize": 5 }),
        "/schedules" => json!({ "Schedules": [{ "Name": "reviver" }] }),
        WAKE_UP => json!({
            "ScheduleExpression": "rate(3 hours)",
            "Target": { "Arn": "arn:aws:lambda:eu-west-1:0:function:reviver", "Input": "{\"reason\":\"safety net\"}" },
        }),
        _ => json!({}),
    };
    answer.to_string()
}

struct Account {
    strict: Strict,
    log: Log,
    client: reqwest::Client,
}

impl Account {
    async fn new(strictness: Strictness) -> Self {
        let log = Log::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(upstream).with_state(log.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { strict: Strict::start(&url, strictness).unwrap(), log, client: http::client() }
    }

    /// Status, the exception's name, and the body.
    async fn ask(&self, method: Method, path: &str, target: Option<&str>, body: Value) -> (u16, String, Value) {
        let mut request = self.client.request(method, format!("{}{path}", self.strict.url())).body(body.to_string());
        if let Some(target) = target {
            request = request.header("X-Amz-Target", target);
        }
        let answer = request.send().await.unwrap();
        let exception = answer.headers().get("x-amzn-errortype").map(|name| name.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        let body = answer.text().await.unwrap();
        (status, exception.unwrap_or_default(), serde_json::from_str(&body).unwrap_or_default())
    }

    async fn put(&self, path: &str, body: Value) -> (u16, String, Value) {
        self.ask(Method::PUT, path, None, body).await
    }

    async fn get(&self, path: &str) -> (u16, String, Value) {
        self.ask(Method::GET, path, None, Value::Null).await
    }

    async fn reserve(&self, limit: u32) -> (u16, String, Value) {
        self.put("/2017-10-31/functions/player-rank/concurrency", json!({ "ReservedConcurrentExecutions": limit }))
            .await
    }

    fn reached(&self, begins: &str) -> Vec<String> {
        self.log.lock().unwrap().iter().filter(|line| line.starts_with(begins)).cloned().collect()
    }

    /// Waits until something that begins so has reached the upstream so often.
    async fn until_reached(&self, begins: &str, times: usize) {
        for _ in 0..500 {
            if self.reached(begins).len() >= times {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{begins}: {:?}", self.log.lock().unwrap());
    }
}

#[tokio::test]
async fn the_control_plane_takes_so_many_requests_a_second_of_all_kinds_together() {
    let account = Account::new(Strictness { control_plane_per_second: Some(2), ..Strictness::off() }).await;
    let mut refused = 0;
    for index in 0..40 {
        let (status, exception, _) = match index % 2 {
            0 => account.get("/2019-09-30/functions/player-rank/concurrency").await,
            _ => account.get("/2015-03-31/event-source-mappings").await,
        };
        if status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(exception, "TooManyRequestsException");
            refused += 1;
        }
    }
    let seen = account.strict.seen();
    assert!(refused > 0, "{seen:?}");
    assert_eq!(account.reached("GET").len() as u64, 40 - refused);
    assert_eq!((seen.control_plane_calls(), seen.refused["TooManyRequestsException"]), (40, refused));
    // Invocations and GetFunction are not of it.
    let invocation = account.ask(Method::POST, "/2015-03-31/functions/player-rank/invocations", None, json!({})).await;
    assert_eq!((invocation.0, account.get("/2015-03-31/functions/player-rank").await.0), (200, 200));
    assert_eq!(account.strict.seen().control_plane_calls(), 40);
}

#[tokio::test]
async fn a_small_account_cannot_reserve_and_says_what_it_has() {
    let account = Account::new(Strictness { concurrency_quota: Some(10), ..Strictness::off() }).await;
    let (status, exception, body) = account.reserve(5).await;
    assert_eq!((status, exception.as_str()), (400, "InvalidParameterValueException"));
    assert!(
        body["message"].as_str().unwrap().contains("UnreservedConcurrentExecution below its minimum value of [10]")
    );
    assert_eq!(account.reserve(0).await.0, 200);
    let (_, _, settings) = account.get("/2016-08-19/account-settings/").await;
    let limit = json!({ "ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 4 });
    assert_eq!(settings["AccountLimit"], limit);

    let account = Account::new(Strictness { concurrency_quota: Some(106), ..Strictness::off() }).await;
    assert_eq!((account.reserve(5).await.0, account.reserve(6).await.0), (200, 400));
}

#[tokio::test]
async fn a_mapping_takes_its_time_and_refuses_a_second_change_meanwhile() {
    let transition = Some(Duration::from_millis(500));
    let account = Account::new(Strictness { transition, ..Strictness::off() }).await;
    let mapping = "/2015-03-31/event-source-mappings/m-1";
    let change = |enabled: bool| account.put(mapping, json!({ "Enabled": enabled }));
    let (status, _, told) = change(false).await;
    assert_eq!((status, &told["State"], &told["BatchSize"]), (202, &json!("Disabling"), &json!(5)));
    let (status, exception, _) = change(true).await;
    assert_eq!((status, exception.as_str()), (400, "ResourceInUseException"));
    let (_, _, list) = account.get("/2015-03-31/event-source-mappings").await;
    assert_eq!(list["EventSourceMappings"][0]["State"], "Disabling");
    assert!(account.reached("PUT").is_empty(), "the pollers go on until it is over");
    account.until_reached("PUT /2015-03-31/event-source-mappings/m-1 {\"Enabled\":false}", 1).await;
    assert_eq!(account.get(mapping).await.2["State"], "Enabled");
    assert_eq!(change(true).await.2["State"], "Enabling");
}

#[tokio::test]
async fn a_function_that_is_being_updated_takes_no_limit() {
    let transition = Some(Duration::from_millis(400));
    let account = Account::new(Strictness { transition, concurrency_quota: Some(1000), ..Strictness::off() }).await;
    assert_eq!(account.put("/2015-03-31/functions/player-rank/code", json!({})).await.0, 200);
    let (status, exception, _) = account.reserve(4).await;
    assert_eq!((status, exception.as_str()), (409, "ResourceConflictException"));
    assert_eq!(account.put("/2015-03-31/functions/player-rank/configuration", json!({})).await.0, 409);
    tokio::time::sleep(Duration::from_millis(450)).await;
    assert_eq!(account.reserve(4).await.0, 200);
}

#[tokio::test]
async fn a_rate_fires_when_it_is_made_and_wakes_twice() {
    let account =
        Account::new(Strictness { fires_rates_at_once: true, repeats_wake_ups: true, ..Strictness::off() }).await;
    let invoked = "POST /2015-03-31/functions/reviver/invocations {\"reason\":\"safety net\"}";
    account.until_reached(invoked, 2).await;
    assert_eq!(account.strict.seen().wake_ups["reviver"], 2);
}

#[tokio::test]
async fn messages_come_twice_and_metrics_late() {
    let strictness =
        Strictness { repeats_message: Some(2), metric_delay: Some(Duration::from_millis(400)), ..Strictness::off() };
    let account = Account::new(strictness).await;
    let entries = json!([{ "Id": "0", "MessageBody": "a" }, { "Id": "1", "MessageBody": "b" }]);
    let body = json!({ "QueueUrl": "q", "Entries": entries });
    account.ask(Method::POST, "/", Some("AmazonSQS.SendMessageBatch"), body).await;
    let sent = account.reached("AmazonSQS.SendMessageBatch");
    assert_eq!(sent.len(), 2);
    assert!(sent[1].contains("\"b\"") && !sent[1].contains("\"a\""), "{sent:?}");
    assert_eq!(account.strict.seen().repeated_messages, 1);

    let metric = Some("GraniteServiceVersion20100801.PutMetricData");
    assert_eq!(account.ask(Method::POST, "/", metric, json!({ "Namespace": "parsebook" })).await.0, 200);
    assert!(account.reached("Granite").is_empty());
    account.until_reached("Granite", 1).await;
}

#[tokio::test]
async fn with_everything_off_it_is_only_a_proxy() {
    let account = Account::new(Strictness::off()).await;
    for _ in 0..40 {
        assert_eq!(account.get("/2015-03-31/event-source-mappings").await.0, 200);
    }
    assert_eq!(account.reserve(100_000).await.0, 200);
    assert_eq!(account.put("/2015-03-31/event-source-mappings/m-1", json!({ "Enabled": false })).await.0, 200);
    assert!(account.reached("POST").is_empty());
    assert!(account.strict.seen().refused.is_empty());
}

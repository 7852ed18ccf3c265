//! A stand-in for the parts of AWS that parsebook calls, for faults that must come at an exact call: SQS's sending end,
//! Lambda's concurrency and mappings, and Scheduler. It keeps the state that those calls change.
//!
//! Whole behaviour is tested against an emulator; this one is small enough to count as a bare sink in measurements.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What was asked and what stands.
#[derive(Debug, Default)]
pub struct Account {
    /// Bodies of messages that were confirmed, in order; empty when `counts_only`.
    pub messages: Vec<String>,
    /// How many messages were confirmed.
    pub confirmed: u64,
    /// Whole calls that sent a dead letter, in order.
    pub dead_letters: Vec<Value>,
    /// Dead letters are refused.
    pub refuse_dead_letters: bool,
    /// Keep no bodies.
    pub counts_only: bool,
    /// Every `n`th entry of a batch call is refused, as SQS does under strain; 0 for none.
    pub refuse_every: u64,
    /// Every refused entry is refused for good (`SenderFault`).
    pub refuse_for_good: bool,
    entries: u64,
    /// Names of the switch's calls, in order: `GetConcurrency`, `PutConcurrency 49`, `DeleteConcurrency`, `CreateSchedule`, `UpdateSchedule`,
    /// `ListMappings`, `UpdateMapping false`.
    pub calls: Vec<String>,
    /// A call whose name begins with one of these fails, as often as the number says.
    pub failing: BTreeMap<&'static str, u32>,
    /// The function's reserved concurrency.
    pub concurrency: Option<u64>,
    /// An account whose quota is too small to reserve any: only 0 is taken, which reserves nothing.
    pub cannot_reserve: bool,
    /// Whether the mapping is enabled.
    pub mapping_enabled: bool,
    /// The one-time schedules, by name: the whole definition.
    pub schedules: BTreeMap<String, Value>,
    /// The next schedule that is updated has fired, and vanishes with its new time.
    pub schedule_vanishes: bool,
}

/// The running stand-in; it ends with the runtime that started it.
#[derive(Debug, Clone)]
pub struct Aws {
    address: SocketAddr,
    account: Arc<Mutex<Account>>,
}

impl Aws {
    /// Starts it.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start() -> Result<Self> {
        let account = Arc::new(Mutex::new(Account { mapping_enabled: true, ..Account::default() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let app = axum::Router::new().fallback(answer).with_state(account.clone());
        tokio::spawn(async move { drop(axum::serve(listener, app).await) });
        Ok(Self { address, account })
    }

    /// What `AWS_ENDPOINT_URL` is to be.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What `QUEUE_URL` is to be.
    pub fn queue_url(&self) -> String {
        format!("{}/000000000000/wcl-discovered-players", self.url())
    }

    /// The consumer's concurrency limit, and whether its mapping is enabled.
    pub fn consumer(&self) -> (Option<u64>, bool) {
        let account = self.account();
        (account.concurrency, account.mapping_enabled)
    }

    /// What stands now; also to change it. Nothing is answered while this is held.
    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(
    State(account): State<Arc<Mutex<Account>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let (status, answer) = match target {
        "AmazonSQS.SendMessageBatch" => account.send(&body),
        "AmazonSQS.SendMessage" => account.send_dead_letter(body),
        "AmazonSQS.GetQueueAttributes" => account.length(),
        _ => account.switch(&method, uri.path(), &body),
    };
    let kind = if target.is_empty() { "application/json" } else { "application/x-amz-json-1.0" };
    (status, [(header::CONTENT_TYPE, kind)], answer.to_string()).into_response()
}

impl Account {
    fn send(&mut self, body: &Value) -> (StatusCode, Value) {
        let entries = body.get("Entries").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if entries.is_empty() || entries.len() > 10 {
            return (StatusCode::BAD_REQUEST, json!({ "__type": "com.amazonaws.sqs#TooManyEntriesInBatchRequest" }));
        }
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in entries {
            self.entries += 1;
            let id = entry.get("Id").cloned().unwrap_or_default();
            if self.refuse_every > 0 && self.entries.is_multiple_of(self.refuse_every) {
                let fault = self.refuse_for_good;
                failed.push(json!({ "Id": id, "Code": "InternalError", "SenderFault": fault, "Message": "strained" }));
                continue;
            }
            self.confirmed += 1;
            if !self.counts_only {
                self.messages.push(entry.get("MessageBody").and_then(Value::as_str).unwrap_or_default().to_owned());
            }
            successful.push(json!({ "Id": id, "MessageId": self.confirmed.to_string(), "MD5OfMessageBody": "" }));
        }
        (StatusCode::OK, json!({ "Successful": successful, "Failed": failed }))
    }

    /// What waits is what was sent: nobody receives from this queue.
    fn length(&self) -> (StatusCode, Value) {
        let attributes = json!({ "ApproximateNumberOfMessages": self.confirmed.to_string() });
        (StatusCode::OK, json!({ "Attributes": attributes }))
    }

    fn send_dead_letter(&mut self, message: Value) -> (StatusCode, Value) {
        if self.refuse_dead_letters {
            return (StatusCode::FORBIDDEN, json!({ "__type": "AccessDeniedException", "message": "not yours" }));
        }
        self.dead_letters.push(message);
        (StatusCode::OK, json!({ "MessageId": self.dead_letters.len().to_string(), "MD5OfMessageBody": "" }))
    }

    fn switch(&mut self, method: &Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let call = match (method.as_str(), parts.as_slice()) {
            ("GET", [_, "functions", _, "concurrency"]) => "GetConcurrency".to_owned(),
            ("PUT", [_, "functions", _, "concurrency"]) => {
                format!("PutConcurrency {}", body["ReservedConcurrentExecutions"])
            }
            ("DELETE", [_, "functions", _, "concurrency"]) => "DeleteConcurrency".to_owned(),
            ("GET", [_, "event-source-mappings"]) => "ListMappings".to_owned(),
            ("PUT", [_, "event-source-mappings", _]) => format!("UpdateMapping {}", body["Enabled"]),
            ("POST", ["schedules", _]) => "CreateSchedule".to_owned(),
            ("PUT", ["schedules", _]) => "UpdateSchedule".to_owned(),
            _ => return (StatusCode::NOT_FOUND, json!({ "message": path })),
        };
        self.calls.push(call.clone());
        let failing = self.failing.iter_mut().find(|(name, left)| call.starts_with(**name) && **left > 0);
        if let Some((_, left)) = failing {
            *left -= 1;
            return (StatusCode::INTERNAL_SERVER_ERROR, json!({ "message": "made to fail" }));
        }
        let name = parts.last().copied().unwrap_or_default();
        match call.split(' ').next().unwrap_or_default() {
            "PutConcurrency" if self.cannot_reserve && body["ReservedConcurrentExecutions"] != 0 => {
                let message = "decreases account's UnreservedConcurrentExecution below its minimum value of [10].";
                (StatusCode::BAD_REQUEST, json!({ "__type": "InvalidParameterValueException", "message": message }))
            }
            "DeleteConcurrency" => {
                self.concurrency = None;
                (StatusCode::NO_CONTENT, Value::Null)
            }
            "PutConcurrency" => {
                self.concurrency = body["ReservedConcurrentExecutions"].as_u64();
                (StatusCode::OK, body.clone())
            }
            "GetConcurrency" => match self.concurrency {
                Some(limit) => (StatusCode::OK, json!({ "ReservedConcurrentExecutions": limit })),
                None => (StatusCode::OK, json!({})),
            },
            "ListMappings" => {
                let state = if self.mapping_enabled { "Enabled" } else { "Disabled" };
                let arn = "arn:aws:sqs:eu-west-1:0:players";
                let queue = json!({ "UUID": "mapping-1", "EventSourceArn": arn, "State": state });
                let stream = json!({ "UUID": "mapping-2", "EventSourceArn": "arn:aws:kinesis:eu-west-1:0:stream/x" });
                (StatusCode::OK, json!({ "EventSourceMappings": [stream, queue] }))
            }
            "UpdateMapping" => {
                self.mapping_enabled = body["Enabled"].as_bool().unwrap_or_default();
                (StatusCode::ACCEPTED, json!({ "UUID": name }))
            }
            "CreateSchedule" if self.schedules.contains_key(name) => {
                (StatusCode::CONFLICT, json!({ "__type": "ConflictException", "Message": "exists" }))
            }
            "UpdateSchedule" if !self.schedules.contains_key(name) => {
                (StatusCode::NOT_FOUND, json!({ "__type": "ResourceNotFoundException", "Message": "none" }))
            }
            "UpdateSchedule" if std::mem::take(&mut self.schedule_vanishes) => {
                self.schedules.remove(name);
                (StatusCode::OK, json!({ "ScheduleArn": format!("arn:aws:scheduler:::schedule/default/{name}") }))
            }
            _ => {
                self.schedules.insert(name.to_owned(), body.clone());
                (StatusCode::OK, json!({ "ScheduleArn": format!("arn:aws:scheduler:::schedule/default/{name}") }))
            }
        }
    }
}

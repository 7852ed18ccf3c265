//! A Lambda binary as AWS runs it: a process that polls the Runtime API for events.
//!
//! The protocol is that of the Lambda developer guide, "Using the Lambda runtime API for custom runtimes".

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, Notify, mpsc, oneshot};

use crate::process::Running;

/// What an invocation came to: the response, or the error document with `errorType` and `errorMessage`.
pub type Outcome = std::result::Result<Value, Value>;

struct Pending {
    id: String,
    event: Value,
    deadline: Duration,
}

#[derive(Default)]
struct Answers(Mutex<HashMap<String, oneshot::Sender<Outcome>>>);

impl Answers {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Outcome>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give(&self, id: &str, outcome: Outcome) -> StatusCode {
        let is_awaited = self.lock().remove(id).is_some_and(|waiting| waiting.send(outcome).is_ok());
        if is_awaited { StatusCode::ACCEPTED } else { StatusCode::FORBIDDEN }
    }
}

struct Shared {
    events: AsyncMutex<mpsc::UnboundedReceiver<Pending>>,
    answers: Answers,
    polled: Notify,
}

/// A running Lambda.
pub struct Function {
    process: Running,
    events: mpsc::UnboundedSender<Pending>,
    shared: Arc<Shared>,
    log: Arc<Mutex<Vec<String>>>,
    next_id: std::sync::atomic::AtomicU64,
    /// From the start of the process to its first poll.
    pub started_in: Duration,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Function({})", self.process.id())
    }
}

/// How a binary ended that did not come to its first poll.
#[derive(Debug)]
pub struct NotStarted {
    /// Its exit status.
    pub status: Option<i32>,
    /// What it wrote.
    pub log: String,
}

impl Function {
    /// Starts `binary` with exactly these variables and waits for its first poll.
    ///
    /// # Errors
    /// When it cannot be started, or ends, or does not poll within 30 s.
    pub async fn start(binary: &Path, variables: &[(String, String)]) -> Result<Self> {
        match Self::try_start(binary, variables).await? {
            Ok(function) => Ok(function),
            Err(ended) => bail!("{} ended with {:?}: {}", binary.display(), ended.status, ended.log),
        }
    }

    /// Like [`Self::start`], for binaries that are expected to refuse their settings.
    ///
    /// # Errors
    /// When it cannot be started, or does neither end nor poll within 30 s.
    pub async fn try_start(
        binary: &Path,
        variables: &[(String, String)],
    ) -> Result<std::result::Result<Self, NotStarted>> {
        let (events, receiver) = mpsc::unbounded_channel();
        let shared =
            Arc::new(Shared { events: AsyncMutex::new(receiver), answers: Answers::default(), polled: Notify::new() });
        let address = serve(shared.clone()).await?;
        let begun = Instant::now();
        let mut command = Command::new(binary);
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", binary.file_name().unwrap_or_default())
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "log-group")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "log-stream")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = Running::start(&mut command, None)?;
        let stdout = process.take_stdout().context("no standard output")?;
        let log = Arc::new(Mutex::new(Vec::new()));
        let reader = {
            let log = log.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(std::result::Result::ok) {
                    log.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            })
        };
        loop {
            let polled = tokio::time::timeout(Duration::from_millis(20), shared.polled.notified()).await;
            if polled.is_ok() {
                break;
            }
            if let Some(status) = process.exit_status()? {
                drop(reader.join());
                let log = log.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
                return Ok(Err(NotStarted { status: status.code(), log }));
            }
            if begun.elapsed() > Duration::from_secs(30) {
                bail!("{} does not poll for events", binary.display());
            }
        }
        let started_in = begun.elapsed();
        Ok(Ok(Self { process, events, shared, log, next_id: 1.into(), started_in }))
    }

    /// Invokes it with 15 minutes of time and waits for the outcome.
    ///
    /// # Errors
    /// When the process ends without an answer.
    pub async fn invoke(&self, event: Value) -> Result<Outcome> {
        self.invoke_for(event, Duration::from_secs(900)).await
    }

    /// Invokes it with a deadline `time` from now.
    ///
    /// # Errors
    /// When the process ends without an answer.
    pub async fn invoke_for(&self, event: Value, time: Duration) -> Result<Outcome> {
        let id = format!("request-{}", self.next_id.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let (sender, receiver) = oneshot::channel();
        self.shared.answers.lock().insert(id.clone(), sender);
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH)? + time;
        self.events.send(Pending { id, event, deadline }).ok().context("the Runtime API is gone")?;
        receiver.await.context("the process ended without an answer")
    }

    /// The process id, for measurements.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills it (`SIGKILL`); whoever waits for an answer gets an error.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.shared.answers.lock().clear();
        Ok(())
    }

    /// What it wrote to standard output so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last line that ends an invocation, as JSON.
    pub fn last_report(&self) -> Option<Value> {
        let lines = self.log();
        let mut reports = lines.iter().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        reports.find(|line| line.get("requestId").is_some() && line.get("function").is_some())
    }
}

async fn serve(shared: Arc<Shared>) -> Result<SocketAddr> {
    let base = "/2018-06-01/runtime";
    let app = axum::Router::new()
        .route(&format!("{base}/invocation/next"), get(next))
        .route(&format!("{base}/invocation/{{id}}/response"), post(response))
        .route(&format!("{base}/invocation/{{id}}/error"), post(error))
        .route(&format!("{base}/init/error"), post(|| async { StatusCode::ACCEPTED }))
        .with_state(shared);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { drop(axum::serve(listener, app).await) });
    Ok(address)
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.polled.notify_one();
    let Some(pending) = shared.events.lock().await.recv().await else { return StatusCode::GONE.into_response() };
    let headers = [
        ("Lambda-Runtime-Aws-Request-Id", pending.id),
        ("Lambda-Runtime-Deadline-Ms", pending.deadline.as_millis().to_string()),
        ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:000000000000:function:test".to_owned()),
        ("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700".to_owned()),
    ];
    let headers: HeaderMap = headers
        .into_iter()
        .filter_map(|(name, value)| Some((axum::http::HeaderName::try_from(name).ok()?, value.parse().ok()?)))
        .collect();
    (headers, pending.event.to_string()).into_response()
}

async fn response(State(shared): State<Arc<Shared>>, UrlPath(id): UrlPath<String>, body: String) -> StatusCode {
    shared.answers.give(&id, Ok(serde_json::from_str(&body).unwrap_or(Value::String(body))))
}

async fn error(State(shared): State<Arc<Shared>>, UrlPath(id): UrlPath<String>, body: String) -> StatusCode {
    shared.answers.give(&id, Err(serde_json::from_str(&body).unwrap_or(Value::String(body))))
}

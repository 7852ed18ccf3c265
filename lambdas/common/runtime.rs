//! Starting a Lambda, and each of its invocations: logs, errors and the summary line.

use std::process::ExitCode;
use std::time::Instant;

use lambda_runtime::{LambdaEvent, service_fn};
use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::settings::{Environment, log_directives};
use parsebook_core::Timestamp;
use parsebook_core::journal::{Journal, PATIENCE, Run, keep, note};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;

use crate::deadline::deadline;
use crate::failure::STORE_AWAY;
use crate::{Failure, Metrics, metrics};

/// One invocation, as a handler sees it.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The event, whatever it is.
    pub event: Value,
    /// Names this very attempt: AWS gives a retried invocation the same request id.
    pub owner: String,
    /// When it began.
    pub now: Timestamp,
    /// When it must have ended.
    pub deadline: Timestamp,
}

/// What a handler answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// For the caller.
    pub response: Value,
    /// For the log.
    pub summary: Value,
    /// For CloudWatch.
    pub metrics: Metrics,
}

impl Answer {
    /// An answer whose response is the summary.
    ///
    /// # Errors
    /// When the summary has no JSON form.
    pub fn of(summary: &impl Serialize, metrics: Metrics) -> Result<Self, Failure> {
        let summary = serde_json::to_value(summary).map_err(anyhow::Error::from)?;
        Ok(Self { response: summary.clone(), summary, metrics })
    }
}

/// Runs a Lambda's `main`: logs first, then `work`; an error is logged in one line and ends the process with status 1,
/// which AWS shows as a failed start.
pub async fn start<Fut: Future<Output = anyhow::Result<()>>>(work: impl FnOnce(Environment) -> Fut) -> ExitCode {
    init_logs();
    // Boxed: the futures of several SDK calls, one in the other, are deeper than the compiler likes.
    match Box::pin(work(Environment::of_process())).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "not started");
            ExitCode::FAILURE
        }
    }
}

/// JSON lines on standard output. Level: `RUST_LOG`, else `AWS_LAMBDA_LOG_LEVEL` (set by the function's logging
/// configuration), else `info`. The SDK's and the driver's chatter is let through from `warn` on, unless `RUST_LOG` says
/// otherwise.
fn init_logs() {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let filter = variable("RUST_LOG").and_then(|directives| log_directives(&directives)?.parse().ok());
    let filter: Targets = filter.unwrap_or_else(|| {
        // Lambda's quietest level has another name here.
        let level = variable("AWS_LAMBDA_LOG_LEVEL").map(|level| level.to_lowercase().replace("fatal", "error"));
        let level = level.and_then(|level| level.parse().ok());
        let level: LevelFilter = level.unwrap_or(LevelFilter::INFO);
        let others = level.min(LevelFilter::WARN);
        let chatty = ["aws_config", "aws_smithy_runtime", "hyper", "lambda_runtime"];
        Targets::new().with_default(level).with_targets(chatty.map(|target| (target, others)))
    });
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stdout);
    // Only a second call could fail.
    drop(tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines).with(filter)));
}

/// Serves invocations of `function` until the environment ends. Metrics bear the name with which it was deployed
/// (`AWS_LAMBDA_FUNCTION_NAME`), so that two stacks in one account are told apart. Each invocation leaves its run in
/// `journal`, which is never in the way of its work.
///
/// # Errors
/// When the Runtime API is not there.
pub async fn run(
    function: &'static str,
    journal: &impl Journal,
    handler: impl AsyncFn(Invocation) -> Result<Answer, Failure>,
) -> anyhow::Result<()> {
    let handler = &handler;
    let deployed_as = std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok().filter(|name| !name.is_empty());
    let name = &deployed_as.unwrap_or_else(|| function.to_owned());
    let serve = service_fn(move |event: LambdaEvent<Value>| async move {
        let (event, context) = event.into_parts();
        let begun = Instant::now();
        let now = chrono::Utc::now();
        let owner =
            format!("{}/{}/{}", context.request_id, std::process::id(), now.timestamp_nanos_opt().unwrap_or_default());
        let deadline = deadline(context.deadline, now);
        let entry = Run::begin(owner.clone(), function, now, Some(deadline));
        let invocation = Invocation { event, owner, now, deadline };
        let outcome = keep(journal, &SystemClock, &entry, Box::pin(handler(invocation))).await;
        report(name, &context.request_id, begun, now, &outcome);
        conclude(journal, &entry, deadline, &outcome).await;
        outcome.map(|answer| answer.response)
    });
    lambda_runtime::run(serve).await.map_err(|error| anyhow::anyhow!("the Lambda Runtime API: {error}"))
}

/// Writes down how a run ended, in what time is left: the answer must still leave.
async fn conclude(journal: &impl Journal, entry: &Run, deadline: Timestamp, outcome: &Result<Answer, Failure>) {
    let now = chrono::Utc::now();
    let ended = match outcome {
        Ok(answer) => entry.ended(now, answer.summary.clone()),
        // The journal lies in the store that is away.
        Err(failure) if failure.name == STORE_AWAY => return,
        Err(failure) => entry.failed(now, failure.name, &failure.message, Map::new()),
    };
    let left = (deadline - now).to_std().unwrap_or_default();
    note(journal, &SystemClock, &ended, PATIENCE.min(left / 2)).await;
}

fn report(function: &str, request_id: &str, begun: Instant, now: Timestamp, outcome: &Result<Answer, Failure>) {
    let mut properties = Map::from_iter([("requestId".to_owned(), json!(request_id))]);
    let metrics = match outcome {
        Ok(answer) => {
            properties.insert("level".to_owned(), json!("INFO"));
            properties.insert("summary".to_owned(), answer.summary.clone());
            answer.metrics.clone()
        }
        Err(failure) => {
            properties.insert("level".to_owned(), json!("ERROR"));
            properties.insert("errorType".to_owned(), json!(failure.name));
            properties.insert("errorMessage".to_owned(), json!(failure.message));
            let metrics = failure.metrics.clone();
            let is_on_purpose = matches!(failure.name, "NoBudget" | "Blocked");
            metrics
                .count("refusals", u64::from(failure.name == "Blocked"))
                .count("returnedBatches", u64::from(is_on_purpose))
                .count("failures", u64::from(!is_on_purpose))
        }
    };
    let milliseconds = begun.elapsed().as_secs_f64() * 1000.0;
    let metrics = metrics.logged("durationMs", milliseconds);
    metrics::write(&metrics.lines(function, now, properties));
}

//! A proxy before the emulator of AWS that refuses, delays and repeats as a real account does.
//!
//! Emulators answer at once and as often as asked. A real account has quotas, takes its time over a change and refuses
//! another one meanwhile, and delivers at least once. Each habit can be switched off ([`Strictness`]); everything else goes
//! through unchanged. What was asked is counted ([`Seen`]).

mod answer;
mod call;
mod concurrency;
mod messages;
mod rate;
mod schedules;
mod transitions;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;

use self::answer::Upstream;
use self::call::Call;
use self::concurrency::Quota;
use self::messages::Repeater;
use self::rate::Rate;
use self::transitions::Transitions;

/// Which habits of a real account are switched on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strictness {
    /// Requests a second that all of Lambda's control plane takes from an account; beyond it `TooManyRequestsException`.
    pub control_plane_per_second: Option<u32>,
    /// The account's concurrent executions, of which at most 100 must stay unreserved.
    pub concurrency_quota: Option<u32>,
    /// How long a mapping is `Enabling` or `Disabling`, and a function being updated; a second change is refused meanwhile.
    pub transition: Option<Duration>,
    /// A schedule with `rate()` fires as soon as it is there.
    pub fires_rates_at_once: bool,
    /// First firings and one-time schedules come twice.
    pub repeats_wake_ups: bool,
    /// Every `n`th message is in the queue twice.
    pub repeats_message: Option<u64>,
    /// Metrics reach CloudWatch so much later.
    pub metric_delay: Option<Duration>,
}

impl Default for Strictness {
    /// Everything on, with the numbers of a grown account, and transitions of 2 s in place of up to a minute.
    fn default() -> Self {
        Self {
            control_plane_per_second: Some(15),
            concurrency_quota: Some(1000),
            transition: Some(Duration::from_secs(2)),
            fires_rates_at_once: true,
            repeats_wake_ups: true,
            repeats_message: Some(50),
            metric_delay: Some(Duration::from_secs(30)),
        }
    }
}

impl Strictness {
    /// Nothing on.
    pub fn off() -> Self {
        Self {
            control_plane_per_second: None,
            concurrency_quota: None,
            transition: None,
            fires_rates_at_once: false,
            repeats_wake_ups: false,
            repeats_message: None,
            metric_delay: None,
        }
    }

    /// A new account, with a quota of ten.
    pub fn new_account() -> Self {
        Self { concurrency_quota: Some(10), ..Self::default() }
    }
}

/// What was asked so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Requests to Lambda's control plane, by the call's name, throttled ones included.
    pub control_plane: BTreeMap<&'static str, u64>,
    /// Requests that were refused, by the exception's name.
    pub refused: BTreeMap<&'static str, u64>,
    /// Wake-ups that the proxy made: first firings and repetitions, by the schedule's name.
    pub wake_ups: BTreeMap<String, u64>,
    /// Messages that were sent a second time.
    pub repeated_messages: u64,
}

impl Seen {
    /// All requests to Lambda's control plane.
    pub fn control_plane_calls(&self) -> u64 {
        self.control_plane.values().sum()
    }
}

/// The running proxy. It has a thread of its own, so that a test may block, and ends with the process.
#[derive(Debug, Clone)]
pub struct Strict {
    address: SocketAddr,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    strictness: Strictness,
    upstream: Upstream,
    rate: Rate,
    transitions: Transitions,
    repeater: Repeater,
    seen: Mutex<Seen>,
}

impl Inner {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self, status: StatusCode, exception: &'static str, message: &str) -> Response {
        *self.seen().refused.entry(exception).or_default() += 1;
        answer::exception(status, exception, message)
    }
}

impl Strict {
    /// Starts a proxy before the AWS at `upstream`.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start(upstream: &str, strictness: Strictness) -> Result<Self> {
        Self::serve(TcpListener::bind("127.0.0.1:0")?, upstream, strictness)
    }

    /// The same, on a port that is known before `upstream` is.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn serve(listener: TcpListener, upstream: &str, strictness: Strictness) -> Result<Self> {
        let address = listener.local_addr()?;
        let inner = Arc::new(Inner {
            rate: Rate::new(strictness.control_plane_per_second),
            transitions: Transitions::default(),
            repeater: Repeater::new(strictness.repeats_message),
            upstream: Upstream::new(upstream),
            seen: Mutex::default(),
            strictness,
        });
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let served = inner.clone();
        std::thread::Builder::new().name("strict AWS".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                if served.strictness.fires_rates_at_once || served.strictness.repeats_wake_ups {
                    tokio::spawn(schedules::watch(served.clone()));
                }
                // Packed code comes in parts of 8 MB.
                let app = axum::Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(served);
                drop(axum::serve(listener, app).await);
            });
        })?;
        Ok(Self { address, inner })
    }

    /// What `AWS_ENDPOINT_URL` is to be.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked so far.
    pub fn seen(&self) -> Seen {
        self.inner.seen().clone()
    }
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call::of(&method, &uri, &headers);
    if let Some(name) = call.control_plane() {
        *inner.seen().control_plane.entry(name).or_default() += 1;
        if !inner.rate.allows() {
            return inner.refuse(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate exceeded");
        }
    }
    let request = answer::Request { method, uri, headers, body };
    match call {
        Call::GetAccountSettings | Call::PutFunctionConcurrency { .. } => {
            concurrency::answer(&inner, &call, request).await
        }
        Call::UpdateFunction { .. } | Call::UpdateMapping { .. } | Call::ReadMappings => {
            transitions::answer(&inner, &call, request).await
        }
        Call::SendMessages => messages::answer(&inner, request).await,
        Call::PutMetrics => {
            if let Some(delay) = inner.strictness.metric_delay {
                return answer::later(inner.upstream.clone(), delay, request);
            }
            inner.upstream.pass(request).await
        }
        Call::OtherControlPlane | Call::Other => inner.upstream.pass(request).await,
    }
}

/// The quota, where one is set.
fn quota(inner: &Inner) -> Option<Quota> {
    inner.strictness.concurrency_quota.map(Quota)
}

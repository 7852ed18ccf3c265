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
mod state;
mod transitions;

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use anyhow::Result;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;

use self::answer::Upstream;
use self::call::Call;
use self::rate::Rate;
use self::state::{Inner, Repeater, Transitions};
pub use self::state::{Seen, Strictness};

/// The running proxy. It has a thread of its own, so that a test may block, and ends with the process.
#[derive(Debug, Clone)]
pub struct Strict {
    address: SocketAddr,
    inner: Arc<Inner>,
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

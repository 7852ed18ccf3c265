//! `parsebook report`: as a file, or live.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use chrono::Utc;
use clap::CommandFactory;
use clap::error::ErrorKind;
use parsebook_report::{Report, live_page, page, sections};
use tokio::sync::Mutex;

use crate::args::{Args, Common, ReportArgs};
use crate::output::{complain, say};
use crate::store::{Overview, Store};

/// Where the live page asks for its sections.
const SECTIONS: &str = "/sections";
/// What was read is shown for at least so long, and so many times as long as reading took: the store has other work.
const SHOWN_FOR: Duration = Duration::from_secs(4);
const SHOWN_TIMES: u32 = 20;

/// What the page cannot say of itself; the rest of its policy stands in it.
const POLICY: &str = "frame-ancestors 'none'";

pub async fn report(common: &Common, args: &ReportArgs) -> anyhow::Result<()> {
    let file = common.given_out();
    if file.is_none() && args.serve.is_none() {
        let missing = "name a file with --out FILE, or an address with --serve 127.0.0.1:PORT";
        Args::command().error(ErrorKind::MissingRequiredArgument, missing).exit();
    }
    let store = Store::existing(common).await?;
    if let Some(file) = file {
        write(&store, file).await?;
        say(&format!("report     {}", file.display()));
    }
    match args.serve {
        Some(address) => serve(store, address).await,
        None => Ok(()),
    }
}

/// Writes the report as one file.
pub async fn write(store: &Store, file: &Path) -> anyhow::Result<()> {
    let overview = store.overview(Utc::now()).await?;
    let html = page(&shown(&overview))?;
    std::fs::write(file, html).with_context(|| format!("writing {}", file.display()))
}

fn shown(overview: &Overview) -> Report<'_> {
    Report { status: &overview.status, history: &overview.history, bosses: &overview.bosses, raids: &overview.raids }
}

/// What lives as long as the server.
struct Live {
    store: Store,
    /// What was read last, when, and how long that took.
    last: Mutex<Option<(Arc<Overview>, Instant, Duration)>>,
}

impl Live {
    async fn overview(&self) -> anyhow::Result<Arc<Overview>> {
        let mut last = self.last.lock().await;
        if let Some((overview, at, took)) = &*last
            && at.elapsed() < SHOWN_FOR.max(*took * SHOWN_TIMES)
        {
            return Ok(overview.clone());
        }
        let begun = Instant::now();
        // SQLite works on the thread that asks it, which must not be one that serves.
        let (store, handle) = (self.store.clone(), tokio::runtime::Handle::current());
        let reading = move || handle.block_on(store.overview(Utc::now()));
        let overview = Arc::new(tokio::task::spawn_blocking(reading).await??);
        *last = Some((overview.clone(), Instant::now(), begun.elapsed()));
        Ok(overview)
    }
}

async fn serve(store: Store, address: SocketAddr) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("listening on {address}"))?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        complain(&format!(
            "warning: whoever can reach {address} sees this report, without a password and unencrypted; \
             it names rules, keys (not their secrets), counts and failures"
        ));
    }
    say(&format!("report     http://{address}/ (Ctrl-C ends it)"));
    let live = Arc::new(Live { store, last: Mutex::new(None) });
    let mut routes = Router::new()
        .route(
            "/",
            get(async |State(live): State<Arc<Live>>| {
                answer(live.overview().await.and_then(|overview| live_page(&shown(&overview), SECTIONS)))
            }),
        )
        .route(
            SECTIONS,
            get(async |State(live): State<Arc<Live>>| {
                answer(live.overview().await.and_then(|overview| sections(&shown(&overview))))
            }),
        )
        .with_state(live)
        .layer(from_fn(with_policy));
    if address.ip().is_loopback() {
        routes = routes.layer(from_fn(only_by_loopback_name));
    }
    let stopped = async { drop(tokio::signal::ctrl_c().await) };
    axum::serve(listener, routes).with_graceful_shutdown(stopped).await?;
    Ok(())
}

fn answer(html: anyhow::Result<String>) -> Response {
    match html {
        Ok(html) => Html(html).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}")).into_response(),
    }
}

async fn with_policy(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A foreign page may let its own name point to this machine; the browser then tells that name.
async fn only_by_loopback_name(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_loopback_name(host) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "this page is served to this machine only").into_response()
    }
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for host in ["localhost", "localhost:80", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "[::1]"] {
            assert!(is_loopback_name(host), "{host}");
        }
        for host in
            ["", "evil.example", "evil.example:8080", "127.0.0.1.evil.example", "192.168.0.2:80", "localhost.evil"]
        {
            assert!(!is_loopback_name(host), "{host}");
        }
    }
}

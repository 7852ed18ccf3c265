//! Starting, running and stopping the simulator.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::{any, get, post};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::board::Boards;
use crate::clock::SimulatedClock;
use crate::edits::{CharacterEdit, Edit, Edits};
use crate::faults::Faults;
use crate::points::{Accounts, Limiter};
use crate::reports::index::Reports;
use crate::respond::Dropped;
use crate::schema::Schema;
use crate::season::Calendar;
use crate::state::{Config, Shared};
use crate::stats::{Recorder, Stats};
use crate::tokens::Tokens;
use crate::world::World;
use crate::{api, clock, oauth, site};

/// The simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
}

/// The program itself; see [`Simulator::start`].
#[derive(Debug)]
pub struct Simulator;

impl Simulator {
    /// Listens and serves on the current tokio runtime until the handle is shut down or dropped.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn start(config: Config) -> Result<Handle, StartError> {
        let unusable = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(unusable)?;
        let address = listener.local_addr().map_err(unusable)?;
        let clock = config.simulated_clock.as_ref().map_or(config.clock, SimulatedClock::clock);
        let started_at = clock();
        let boards = Boards::new(&config.world);
        let calendar = match &config.season {
            Some(season) => Calendar::season(season, started_at),
            None => Calendar::past(config.report_days, started_at),
        };
        let shared = Arc::new(Shared {
            reports: Reports::new(&config.world, Calendar { raid_size: config.raid_size, ..calendar }),
            boards,
            accounts: Accounts::new(config.clients.len(), config.points_per_hour, config.hour, started_at),
            limiter: config.request_limit.map(Limiter::new),
            tokens: Tokens::default(),
            clients: config.clients,
            faults: config.faults,
            recorder: Recorder::default(),
            clock,
            started_at,
            latency: config.latency,
            layout: config.layout,
            token_lifetime: config.token_lifetime,
            behaviour: config.behaviour,
            edits: Edits::default(),
            world: config.world,
        });
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(serve(listener, router(shared.clone(), config.simulated_clock), stopped));
        Ok(Handle { address, shared, stop, task: Some(task) })
    }

    /// The schema in GraphQL's definition language, for comparing it with Warcraft Logs' own.
    pub fn schema_definition() -> String {
        Schema::new().definition()
    }
}

fn router(shared: Arc<Shared>, clock: Option<SimulatedClock>) -> Router {
    Router::new()
        .route("/simulator/clock", post(clock::advance).with_state(clock))
        .route("/oauth/token", post(oauth::token))
        .route("/api/v2/client", post(api::query).fallback(api::not_found).with_state(api::Api::new(shared.clone())))
        .route("/zone/rankings/table/{*address}", get(site::table))
        .route("/human-challenge", any(site::human_challenge))
        .fallback(elsewhere)
        .layer(DefaultBodyLimit::max(1 << 22))
        .with_state(shared)
}

async fn elsewhere(State(shared): State<Arc<Shared>>) -> Response {
    shared.recorder.count(|stats| stats.other_requests += 1);
    api::not_found().await
}

/// A response that is not to be sent: hyper closes the connection when a service fails.
#[derive(Debug, thiserror::Error)]
#[error("connection dropped on purpose")]
struct OnPurpose;

async fn serve(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let stream = tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Out of file handles or the like: others may still be served in a moment.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
        };
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        connections.spawn(async move {
            let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let answer = router.clone().oneshot(request);
                async move {
                    match answer.await {
                        Ok(response) if response.extensions().get::<Dropped>().is_some() => Err(OnPurpose),
                        Ok(response) => Ok(response),
                        Err(never) => match never {},
                    }
                }
            });
            // A client that goes away, or a connection dropped on purpose, is nobody's error.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
    connections.shutdown().await;
}

/// A running simulator. Dropping it stops the simulator, too, but does not wait for it.
pub struct Handle {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Handle {
    /// The base address, without a slash at the end: what `WCL_URL` is to be.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The switchboard of faults.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// All counters now.
    pub fn stats(&self) -> Stats {
        let mut stats = self.shared.recorder.snapshot();
        stats.points_spent.resize(self.shared.clients.len(), 0.0);
        stats.points_windows = self.shared.accounts.windows();
        stats
    }

    /// Sets the counters to zero; accounts of points stay as they are.
    pub fn reset_stats(&self) {
        self.shared.recorder.reset();
    }

    /// The world being served.
    pub fn world(&self) -> &Arc<World> {
        &self.shared.world
    }

    /// The reports being served.
    pub fn reports(&self) -> &Reports {
        &self.shared.reports
    }

    /// Deletes, hides or revises a report; the default edit undoes it. In `zoneRankings` its kills stay counted.
    pub fn edit_report(&self, code: &str, edit: Edit) {
        self.shared.edits.set_report(code, edit);
    }

    /// Hides, removes, renames or moves a character; the default edit undoes it.
    pub fn edit_character(&self, id: i32, edit: CharacterEdit) {
        self.shared.edits.set_character(id, edit);
    }

    /// Makes every token given out so far a bad one.
    pub fn revoke_tokens(&self) {
        self.shared.tokens.revoke_all();
    }

    /// Stops listening, closes all connections and waits until that is done.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            let _ = self.stop.send(true);
            task.abort();
        }
    }
}

//! What can be set, and what all requests share.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::behaviour::Behaviour;
use crate::board::Boards;
use crate::clock::{Clock, SimulatedClock};
use crate::edits::Edits;
use crate::faults::Faults;
use crate::points::{Accounts, Limiter, RequestLimit};
use crate::reports::index::Reports;
use crate::season::{RaidSize, Season};
use crate::stats::Recorder;
use crate::tokens::{TOKEN_LIFETIME, Tokens};
use crate::world::World;

/// An API client, written `ID:SECRET`.
#[derive(Clone, PartialEq, Eq)]
pub struct Client {
    /// Client id.
    pub id: String,
    /// Client secret.
    pub secret: String,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}

impl FromStr for Client {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((id, secret)) if !id.is_empty() && !secret.is_empty() => {
                Ok(Self { id: id.to_owned(), secret: secret.to_owned() })
            }
            _ => Err("a client is written ID:SECRET".to_owned()),
        }
    }
}

/// Everything that can be set. Start from [`Config::new`] and change fields.
#[derive(Clone)]
pub struct Config {
    /// The truth to serve.
    pub world: Arc<World>,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Clients that may have tokens. Default: one, [`Config::DEFAULT_CLIENT`].
    pub clients: Vec<Client>,
    /// Points each client has per hour; nothing for unlimited (`limitPerHour` then reports
    /// [`UNLIMITED`](crate::UNLIMITED)).
    pub points_per_hour: Option<u32>,
    /// Length of the hour after which points return. Default 3600 s.
    pub hour: Duration,
    /// The request limiter of the API; nothing for none.
    pub request_limit: Option<RequestLimit>,
    /// Waited before every answer. Default 0.
    pub latency: Duration,
    /// The clock for points, tokens and the times of reports. Default: the real time.
    pub clock: Clock,
    /// A clock in its place that is also moved by `POST /simulator/clock?advance=SECONDS`.
    pub simulated_clock: Option<SimulatedClock>,
    /// What stands around ranking tables.
    pub layout: PageLayout,
    /// The switchboard to use; the handle shares it.
    pub faults: Faults,
    /// How long tokens live. Default 360 days.
    pub token_lifetime: Duration,
    /// How many days before the start the reports spread over, without a season. Default 14.
    pub report_days: u32,
    /// Makes the world's kills happen with time; nothing for a world in which all is known from the start.
    pub season: Option<Season>,
    /// Makes every raid of the reports so large.
    pub raid_size: Option<RaidSize>,
    /// How the API behaves where that is not known for sure.
    pub behaviour: Behaviour,
}

impl Config {
    /// Id and secret of the client that is known by default.
    pub const DEFAULT_CLIENT: (&'static str, &'static str) = ("demo", "demo-secret");

    /// A simulator of this world without limits, latency or faults, on a free loopback port.
    pub fn new(world: impl Into<Arc<World>>) -> Self {
        let (id, secret) = Self::DEFAULT_CLIENT;
        Self {
            world: world.into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clients: vec![Client { id: id.to_owned(), secret: secret.to_owned() }],
            points_per_hour: None,
            hour: Duration::from_secs(3600),
            request_limit: None,
            latency: Duration::ZERO,
            clock: Arc::new(Utc::now),
            simulated_clock: None,
            layout: PageLayout::Fragment,
            faults: Faults::default(),
            token_lifetime: TOKEN_LIFETIME,
            report_days: 14,
            season: None,
            raid_size: None,
            behaviour: Behaviour::default(),
        }
    }
}

/// What all requests share.
pub(crate) struct Shared {
    pub world: Arc<World>,
    pub boards: Boards,
    pub reports: Reports,
    pub accounts: Accounts,
    pub limiter: Option<Limiter>,
    pub tokens: Tokens,
    pub clients: Vec<Client>,
    pub faults: Faults,
    pub recorder: Recorder,
    pub clock: Clock,
    pub started_at: DateTime<Utc>,
    pub latency: Duration,
    pub layout: PageLayout,
    pub token_lifetime: Duration,
    pub behaviour: Behaviour,
    pub edits: Edits,
}

impl Shared {
    /// Waits for the latency. Without one the timer is left alone: even a sleep of nothing lasts up to a millisecond.
    pub(crate) async fn wait(&self) {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }
}

/// What stands around the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PageLayout {
    /// The table alone, as the site's own scripts load it.
    #[default]
    Fragment,
    /// The table inside a whole page, as a browser would save it.
    Page,
}

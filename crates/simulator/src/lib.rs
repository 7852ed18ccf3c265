//! An honest local stand-in for Warcraft Logs (WCL): OAuth, the GraphQL API and the ranking site over loopback HTTP, with
//! points, limiters, refusals, latency and a switch for every fault. For tests, `parsebook demo` and
//! `parsebook simulate`; it serves a [`World`] and knows nothing of the pipeline.
//!
//! ```text
//! World (files or a seed) ──▶ Boards ──▶ /zone/rankings/table/…   ranking pages      (site)
//!        │                 └▶ Reports ─┐
//!        └─────────────────────────────┴▶ /api/v2/client          GraphQL            (api, schema)
//!                                         /oauth/token            tokens             (oauth)
//! Faults ── switches ──▶ all three        Stats ◀── counters ── all three
//! ```
//!
//! # What can be set
//! - [`Faults`]: everything that can go wrong, by name (`parsebook simulate --fault list`);
//! - [`Behaviour`]: what nobody knows for sure of the live API, such as prices, and which kill a ranking shows;
//! - [`Season`]: whether the kills of the world happen with time. Without one, all ranks are there from the start, and the
//!   reports of the last two weeks hold each player's kills of a boss at most twice;
//! - [`SimulatedClock`]: the time; a test moves it by days, an operator by `POST /simulator/clock?advance=SECONDS`;
//! - [`Handle::edit_report`], [`Handle::edit_character`]: reports that are deleted, hidden or exported again, characters
//!   that hide, leave, are renamed or move.
//!
//! # What is always so
//! - Everybody has ranks under `dps` and `hps`, in the spec in which the kill was made; the world's ranks are those of
//!   healers under `hps` and of everybody else under `dps`. In a world file what a class cannot heal is read as damage.
//! - The best percentage of a player's kills of a boss is the world's, its whole part exactly its rank; the number of kills
//!   is the world's. Rows that WCL marks as banned come on top of these and must not be counted.
//! - `reports` keeps an order that follows no time, tells -1 for what it does not count, and gives 25 pages.
//! - A report is unknown before its upload; a live log grows, and its revision with it.
//! - Two kills of a boss by one player end at least ten minutes apart, two uploads of one kill at most two.
//!
//! ```
//! # use parsebook_simulator::{Config, Fault, Season, SimulatedClock, Simulator, When, World};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = SimulatedClock::new("2026-09-01T18:00:00Z".parse()?);
//! let mut config = Config::new(World::generate(500, 1));
//! config.simulated_clock = Some(clock.clone());
//! config.season = Some(Season::default());
//! let simulator = Simulator::start(config).await?;
//! simulator.faults().set(Fault::Api502, When::Next(2));
//! clock.advance(std::time::Duration::from_secs(86_400));
//! println!("{} with {} players", simulator.url(), simulator.world().len());
//! simulator.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod api;
mod behaviour;
mod board;
mod classes;
mod clock;
mod edits;
mod encounter_rankings;
mod fault;
mod faults;
mod oauth;
mod odd;
mod points;
mod ranks;
mod reports;
mod respond;
mod rng;
mod schema;
mod season;
mod server;
mod site;
mod state;
mod stats;
mod tokens;
mod world;
mod zone_rankings;

pub use api::NO_CLASS;
pub use behaviour::{Behaviour, Best, Compare, DefaultMetric, HpsRows, Price, Shown, Timeframe};
pub use clock::{Clock, SimulatedClock};
pub use edits::{CharacterEdit, Edit};
pub use fault::Fault;
pub use faults::{FaultParseError, Faults, When, parse_fault};
pub use points::{PointsWindow, RequestLimit, UNLIMITED};
pub use reports::index::{Reports, Upload};
pub use reports::standing::Standing;
pub use season::{RaidSize, Season};
pub use server::{Handle, Simulator, StartError};
pub use state::{Client, Config, PageLayout};
pub use stats::Stats;
pub use world::load::{LineError, Loaded, WorldError};
pub use world::{Encounter, Metric, Player, Raid, Rank, Realm, Region, World};

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
//! ```
//! # use parsebook_simulator::{Config, Fault, Simulator, When, World};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let simulator = Simulator::start(Config::new(World::generate(500, 1))).await?;
//! simulator.faults().set(Fault::Api502, When::Next(2));
//! println!("{} with {} players", simulator.url(), simulator.world().len());
//! simulator.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod api;
mod board;
mod classes;
mod encounter_rankings;
mod faults;
mod json_text;
mod oauth;
mod points;
mod reports;
mod respond;
mod rng;
mod schema;
mod server;
mod site;
mod state;
mod stats;
mod tokens;
mod world;
mod zone_rankings;

pub use api::NO_CLASS;
pub use faults::{Fault, FaultParseError, Faults, When, parse_fault};
pub use points::{PointsWindow, RequestLimit, UNLIMITED};
pub use reports::{Reports, Standing};
pub use server::{Handle, Simulator, StartError};
pub use state::{Client, Clock, Config, PageLayout};
pub use stats::Stats;
pub use world::load::{LineError, Loaded, WorldError};
pub use world::{Encounter, Metric, Player, Raid, Rank, Realm, Region, World};

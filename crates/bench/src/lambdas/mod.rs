//! The Lambda binaries: start, memory, the aggregator's rate beside a bare loop, what player-rank adds to the waiting for
//! others, what discover costs, and the whole chain in an emulator of AWS.
//!
//! `PARSEBOOK_LAMBDA_BINARIES` names the folder of release builds; `PARSEBOOK_MONGOD` a mongod.

mod chain;
mod discovering;
mod made_up;
mod ranking;
mod sending;
mod sizes;
mod starting;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Subcommand;
use parsebook_test_support::mongod::Mongod;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// From the start of each process to its first poll, and the memory it then takes.
    Starting,
    /// Of a warm batch of five, how much is player-rank's own.
    Ranking,
    /// aggregator beside a bare loop that sends the same batches to the same sink.
    Sending {
        /// Players in `discovers`.
        #[arg(long, default_value_t = 1_000_000)]
        players: u32,
    },
    /// What discover is billed for pages that take a second each, two a second.
    Discovering {
        /// How many pages.
        #[arg(long, default_value_t = 5_600)]
        pages: u64,
    },
    /// What each costs with each memory size, under that size's share of a processor.
    Sizes,
    /// All five deployed into an emulator of AWS, driven by their schedules and the queue.
    Chain {
        /// World files; without one, a made-up world.
        #[arg(long)]
        world: Vec<PathBuf>,
    },
    /// The bare loop of `sending`, in a process of its own.
    #[command(hide = true)]
    BareLoop {
        #[arg(long)]
        queue_url: String,
        #[arg(long)]
        players: u32,
    },
}

pub async fn measure(command: Command) -> Result<()> {
    if let Command::BareLoop { queue_url, players } = command {
        return sending::bare_loop(&queue_url, players).await;
    }
    let server = Mongod::start()?.context("PARSEBOOK_MONGOD is not set")?;
    match command {
        Command::Starting => starting::measure(&server).await,
        Command::Ranking => ranking::measure(&server).await,
        Command::Sending { players } => sending::measure(&server, players).await,
        Command::Discovering { pages } => discovering::measure(&server, pages).await,
        Command::Sizes => sizes::measure(&server).await,
        Command::Chain { world } => chain::measure(&server, &world).await,
        Command::BareLoop { .. } => Ok(()),
    }
}

//! `scripts/bench`: every figure that a requirement names, measured, with the ratio to its baseline from the same run.

mod fairness;
mod lambdas;
mod parsing;
mod pipeline;
mod process;
mod pushing;
mod reporting;
mod season;
mod step_clock;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use parsebook_adapters::addon_repo::History;
use parsebook_simulator::{Price, World};

/// Measures parsebook.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A whole run of the program against a world: time, memory, points, politeness; every player is compared.
    Pipeline {
        /// The program to measure.
        #[arg(long)]
        parsebook: PathBuf,
        /// World files; without one, a made-up world.
        #[arg(long)]
        world: Vec<PathBuf>,
        /// Players of the made-up world.
        #[arg(long, default_value_t = 20_000)]
        players: usize,
        /// Where players are discovered: site or reports.
        #[arg(long, default_value = "site")]
        source: String,
    },
    /// A season of reports with a tenth of a key: what share of the kills is read within a day.
    Season {
        /// A world file; without one, a made-up world.
        #[arg(long)]
        world: Option<PathBuf>,
        /// Players of the made-up world.
        #[arg(long, default_value_t = 5_000)]
        players: usize,
        /// How many regions as large as EU one key is for; all five together are about two.
        #[arg(long, default_value_t = 1.0)]
        regions: f64,
    },
    /// What a season costs by reports, and by players.
    Ways {
        /// A world file; without one, a made-up world.
        #[arg(long)]
        world: Option<PathBuf>,
        /// Players of the made-up world.
        #[arg(long, default_value_t = 1_000)]
        players: usize,
    },
    /// One key and more players than it can pay for in a week: who is ranked when.
    Fairness {
        /// Players of the made-up world.
        #[arg(long, default_value_t = 40_000)]
        players: usize,
    },
    /// Writes a made-up world as a file.
    MakeWorld {
        /// How many players.
        #[arg(long)]
        players: usize,
        /// Another seed makes another world.
        #[arg(long)]
        seed: u64,
        /// The file.
        #[arg(long)]
        out: PathBuf,
    },
    /// What a refresh pushes over https, and by how much it lets the repository grow.
    Pushing {
        /// A world file.
        #[arg(long)]
        world: PathBuf,
        /// Its region.
        #[arg(long, default_value = "EU")]
        region: String,
    },
    /// Publishes the folders below a folder, once; prints the most memory that this took, in kB.
    #[command(hide = true)]
    Publish {
        /// The addon repository.
        #[arg(long)]
        url: String,
        /// append or replace.
        #[arg(long)]
        history: History,
        /// What is published.
        #[arg(long)]
        folder: PathBuf,
    },
    /// Pages per second of the page reader and of BeautifulSoup on the same page.
    Parsing {
        /// A Python with BeautifulSoup.
        #[arg(long)]
        python: PathBuf,
    },
    /// The report of a store with a long journal: time, memory, size.
    Reporting {
        /// The program to measure.
        #[arg(long)]
        parsebook: PathBuf,
        /// Runs in the journal.
        #[arg(long, default_value_t = 100_000)]
        runs: u32,
        /// Players in the store.
        #[arg(long, default_value_t = 55_693)]
        players: u32,
        /// Where the report is kept.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// The Lambda binaries.
    #[command(flatten)]
    Lambdas(lambdas::Command),
}

/// Every raid and difficulty in which somebody has ranks.
fn boards(world: &World) -> BTreeSet<(u32, u8)> {
    world.players().flat_map(|player| player.pairs().collect::<Vec<_>>()).map(|(raid, of)| (raid as u32, of)).collect()
}

/// Prints one figure, what it was measured on, and how it stands to its bound or baseline.
#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn figure(name: &str, value: &str, measured_on: &str, against: &str) {
    println!("{name:<36} {value:>10}   {measured_on:<48} {against}");
}

fn main() -> anyhow::Result<()> {
    let command = Args::parse().command;
    // The bare loop has one thread, as the Lambdas have.
    let mut runtime = match command {
        Command::Lambdas(lambdas::Command::BareLoop { .. }) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    runtime.enable_all().build()?.block_on(measure(command))
}

async fn measure(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Pipeline { parsebook, world, players, source } => {
            pipeline::measure(&parsebook, &world, players, &source).await
        }
        Command::Ways { world, players } => season::compare(world.as_deref(), players).await,
        Command::Fairness { players } => fairness::measure(players).await,
        Command::Season { world, players, regions } => {
            for price in [Price::Flat, Price::PerKill] {
                season::measure(world.as_deref(), players, regions, price).await?;
            }
            Ok(())
        }
        Command::MakeWorld { players, seed, out } => {
            let mut file = std::io::BufWriter::new(std::fs::File::create(out)?);
            World::generate(players, seed).write_jsonl(&mut file)?;
            Ok(std::io::Write::flush(&mut file)?)
        }
        Command::Reporting { parsebook, runs, players, out } => {
            reporting::measure(&parsebook, runs, players, out.as_deref()).await
        }
        Command::Parsing { python } => parsing::measure(&python).await,
        Command::Lambdas(command) => lambdas::measure(command).await,
        Command::Pushing { world, region } => pushing::measure(&world, &region).await,
        Command::Publish { url, history, folder } => pushing::publish(url, history, &folder).await,
    }
}

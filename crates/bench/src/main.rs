//! `scripts/bench`: every figure that a requirement names, measured, with the ratio to its baseline from the same run.

mod parsing;
mod pipeline;
mod pushing;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use parsebook_adapters::addon_repo::History;
use parsebook_simulator::World;

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
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match Args::parse().command {
        Command::Pipeline { parsebook, world, players, source } => {
            runtime.block_on(pipeline::measure(&parsebook, &world, players, &source))
        }
        Command::MakeWorld { players, seed, out } => {
            let mut file = std::io::BufWriter::new(std::fs::File::create(out)?);
            World::generate(players, seed).write_jsonl(&mut file)?;
            Ok(std::io::Write::flush(&mut file)?)
        }
        Command::Pushing { world, region } => runtime.block_on(pushing::measure(&world, &region)),
        Command::Publish { url, history, folder } => runtime.block_on(pushing::publish(url, history, &folder)),
        Command::Parsing { python } => runtime.block_on(parsing::measure(&python)),
    }
}

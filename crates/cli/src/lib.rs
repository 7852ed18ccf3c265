//! `parsebook`: the five stages on one machine, on an embedded store and a queue in the same file.
//!
//! `args` says what can be asked, `commands` answers it, `local` runs the stages of `parsebook-core` over the
//! adapters of one machine.

mod args;
mod commands;
pub mod local;
mod output;
pub mod progress;
pub mod settings;
mod store;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use parsebook_adapters::settings::log_directives;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::Args;

/// Parses the command line, does what it says, and answers the exit status: 0 done, 1 failed with a one-line cause,
/// 2 usage.
pub fn run() -> ExitCode {
    let args = Args::parse();
    let filter = std::env::var("RUST_LOG").ok().and_then(|directives| log_directives(&directives)?.parse().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(LevelFilter::ERROR));
    let has_colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let log = tracing_subscriber::fmt::layer().with_ansi(has_colours).with_writer(std::io::stderr).without_time();
    tracing_subscriber::registry().with(log).with(filter).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(commands::execute(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    // One line, whatever a cause brought along.
    output::complain(&format!("parsebook: {}", output::printable(&format!("{error:#}"))));
    if error.is::<args::Usage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

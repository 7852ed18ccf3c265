//! One module per subcommand.

mod addon_repo;
mod backfill;
mod calibrate;
mod demo;
mod doctor;
mod lookup;
mod report;
mod rules;
mod run;
mod simulate;
mod status;

use clap::CommandFactory;

use crate::args::{Args, Command};
use crate::output::say;

/// Does what the command line says.
pub async fn execute(args: Args) -> anyhow::Result<()> {
    let common = args.common;
    match args.command {
        Command::Calibrate(args) => calibrate::calibrate(&common, &args).await,
        Command::Demo(demo) => demo::demo(&common, &demo).await,
        Command::Run(run) => run::run(&common, &run).await,
        Command::Rules(rules) => rules::rules(&common, rules).await,
        Command::Backfill(target) => backfill::backfill(&common, &target).await,
        Command::Lookup(lookup) => lookup::lookup(&common, &lookup),
        Command::Status(status) => status::status(&common, &status).await,
        Command::AddonRepo(command) => addon_repo::addon_repo(&common, command),
        Command::Report(report) => report::report(&common, &report).await,
        Command::Doctor(doctor) => doctor::doctor(&common, &doctor).await,
        Command::Simulate(simulate) => simulate::simulate(&simulate).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "parsebook", &mut script);
            say(String::from_utf8(script)?.trim_end());
            Ok(())
        }
    }
}

//! The program `parsebook`.

use std::process::ExitCode;

fn main() -> ExitCode {
    parsebook_cli::run()
}

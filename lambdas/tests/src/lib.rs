//! The five Lambda binaries, as built, each in its own process behind a Runtime API, against a real MongoDB, the
//! simulated Warcraft Logs and a bare git repository.

pub mod deployed;
pub mod pipeline;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

/// The binaries' names.
pub const LAMBDAS: [&str; 5] = ["discover", "aggregator", "player-rank", "reviver", "db-generator"];

/// Where a Lambda's binary lies. `PARSEBOOK_LAMBDA_BINARIES` names a folder of built ones (release builds, for
/// measurements); without it they are built, in the profile of this program, beside it.
///
/// # Errors
/// When it cannot be built or is not there.
pub fn binary(name: &str) -> Result<PathBuf> {
    static FOLDER: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| folder().map_err(|error| format!("{error:#}")));
    let path = folder.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?.join(name);
    ensure!(path.is_file(), "{} is missing", path.display());
    Ok(path)
}

fn folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("PARSEBOOK_LAMBDA_BINARIES") {
        return Ok(folder.into());
    }
    let this = std::env::current_exe()?;
    let parent = this.parent().context("no folder")?;
    let folder = if parent.ends_with("deps") { parent.parent().context("no folder")? } else { parent };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg("build").current_dir(env!("CARGO_MANIFEST_DIR")).args(LAMBDAS.iter().flat_map(|name| ["-p", name]));
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    ensure!(cargo.status().context("starting cargo")?.success(), "the Lambdas could not be built");
    Ok(folder.to_owned())
}

//! The environment variables of the program and of the Lambdas: the only place that reads them, but for the loggers'
//! levels (`RUST_LOG`, `AWS_LAMBDA_LOG_LEVEL`), `NO_COLOR`, and the name that metrics bear (`lambdas/common/runtime.rs`,
//! `crates/cli/src/lib.rs`), which are there before any setting is read.
//!
//! Each program reads its own struct once, at start. A field names its variable, unit and default; a wrong value is a
//! [`ConfigError`] that names the variable. The README's table is checked against what is read here (`readme.rs`).

mod environment;
mod lambdas;
mod machine;
#[cfg(test)]
mod readme;
mod shared;

pub use self::environment::{ConfigError, Environment, SecretSource, clean, log_directives};
pub use self::lambdas::{
    AggregatorSettings, DbGeneratorSettings, DiscoverSettings, PlayerRankSettings, Reviver, ReviverSettings,
    StoreSettings,
};
pub use self::machine::MachineSettings;
pub use self::shared::{AddonSettings, QueueSettings, REGIONS, WclSettings, checked_regions};

//! What the five Lambdas have in common: settings, events, deadlines, errors with names, logs and metrics.
//!
//! Each Lambda is a `main.rs` that wires, a `config.rs` that documents its variables, and a `handler.rs` between the
//! event and the stage.

#[cfg(any(feature = "store", feature = "wcl"))]
pub mod connect;
pub mod deadline;
pub mod environment;
pub mod failure;
pub mod metrics;
pub mod runtime;
pub mod settings;
pub mod sqs;

pub use self::environment::{ConfigError, Environment};
pub use self::failure::Failure;
pub use self::metrics::{Metrics, Unit};
pub use self::runtime::{Answer, Invocation, run, start};

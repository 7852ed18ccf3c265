//! What the five Lambdas have in common: connections, events, deadlines, errors with names, logs and metrics.
//!
//! Each Lambda is a `main.rs` that wires and a `handler.rs` between the event and the stage. Its variables are documented
//! in `parsebook_adapters::settings`.

pub mod connect;
pub mod deadline;
pub mod failure;
pub mod lease;
pub mod metrics;
pub mod runtime;
pub mod sqs;

pub use self::failure::{Failure, STORE_AWAY};
pub use self::lease::{Held, under_lease};
pub use self::metrics::{Metrics, Unit};
pub use self::runtime::{Answer, Invocation, run, start};

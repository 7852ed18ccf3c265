//! What tests and measurements share: real servers, stand-ins where a fault must come at an exact moment, a clock that a
//! test turns, and the oracle that compares an addon with the world it was made from.
//!
//! Servers are started on a free loopback port and stopped by their own process id. Where a server's program is
//! installed stands in an environment variable that `scripts/setup-test-servers` sets. A test that finds the variable
//! absent says so and passes over; `scripts/test` always sets it.

pub mod aws;
pub mod certificate;
pub mod clock;
#[cfg(feature = "lambdas")]
pub mod deployed;
pub mod documentation;
pub mod git;
#[cfg(feature = "strict")]
pub mod http;
pub mod lambda;
pub mod ministack;
pub mod mongod;
pub mod oracle;
#[cfg(feature = "lambdas")]
pub mod pipeline;
pub mod process;
#[cfg(feature = "strict")]
pub mod strict;
pub mod switch;

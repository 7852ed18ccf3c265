//! Real servers for tests, and stand-ins where a fault must come at an exact moment: started on a free loopback port,
//! stopped by their own process id.
//!
//! Where a server's program is installed stands in an environment variable that `scripts/setup-test-servers` sets. A
//! test that finds the variable absent says so and passes over; `scripts/test` always sets it.

pub mod aws;
pub mod lambda;
pub mod ministack;
pub mod mongod;
pub mod process;
pub mod strict;

//! The simulator as its users meet it: over loopback, with an ordinary HTTP client.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop at once, too")]

mod api;
mod common;
mod faults;
mod oauth;
mod points;
mod reports;
mod schema;
mod season;
mod shapes;
mod site;
mod world;

//! The template, and the scripts that check, cost and remove what it makes.
//!
//! They run the scripts' own Python, which `scripts/setup-test-servers lint` installs; without it they say that they are passed
//! over.
#![expect(clippy::unwrap_used, reason = "a test stops at once")]

mod cost;
mod destroy;
mod preflight;
mod support;
mod template;

//! Tests of the whole: characters in, files out, answers of the addon in Lua 5.1.
#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

mod addon;
mod format1;
mod region;
mod round_trip;
mod support;

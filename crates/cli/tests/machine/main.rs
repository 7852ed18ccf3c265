//! The program's stages on one machine, against a simulated Warcraft Logs over loopback.
#![expect(clippy::unwrap_used, reason = "a test may stop at once")]

mod addon_repo;
mod both_stores;
mod calibrate;
mod changes;
mod common;
mod discovery;
mod doctor;
mod documented;
mod fortnight;
mod killed;
mod pipeline;
mod program;
mod ranking;
mod report;
mod report_ranks;

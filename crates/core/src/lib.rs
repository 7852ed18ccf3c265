//! The data path of parsebook, free of I/O:
//!
//! ```text
//! discovery_schedules ──discover─┬▶ discovers ─┬aggregate──▶ queue ──rank──▶ players ──generate──▶ addon repository
//!                                └▶ reports ───┘               ▲      │ no points left
//!                                                              └──────┘ back to the queue, until the reset
//! ```
//!
//! Each stage is one function over the traits in [`ports`]; the Lambdas and the command-line program call the same
//! five. A stage loads what it needs, hands it to pure functions that decide, and applies their decision. Time comes
//! from [`ports::Clock`] only.

pub mod aggregate;
pub mod budget;
pub mod calibrate;
pub mod changelog;
pub mod difficulty;
pub mod discover;
pub mod generate;
pub mod history;
pub mod journal;
pub mod left_out;
pub mod metric;
pub mod moment;
pub mod player;
pub mod ports;
pub mod rank;
pub mod report;
pub mod report_ranks;
pub mod report_state;
pub mod rule;
pub mod scrap;
pub mod status;
#[cfg(test)]
mod testing;
mod words;

/// A raid: the number of a Warcraft Logs zone, such as 31.
pub type RaidId = u32;
/// A boss: the number of a Warcraft Logs encounter, such as 2587.
pub type EncounterId = u32;
/// A Warcraft Logs character. GraphQL carries it as a signed 32-bit number, so it never exceeds `i32::MAX`.
pub type PlayerId = u32;
/// 1 LFR, 3 Normal, 4 Heroic, 5 Mythic.
pub type Difficulty = u8;
/// A moment in UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

//! Public reports made up from the world: who killed what in which night, who uploaded it when, and what the API tells
//! about it at a time.
//!
//! ```text
//! World ─▶ roster (who stands in which kill) ─▶ plan (nights, times, uploads) ─▶ index (what is known when)
//!                                                       fights, rankings, standing ◀─┘
//! ```
//! Some reports hold two difficulties. A few carry a zone tag that does not fit their fights: a second log of a known
//! night under another raid's tag, or fights of the test server (ids 50,000 above the live ones). A few are private. A rank
//! in `report.rankings` belongs to that kill; the best over all of a player's kills is the world's.

pub(crate) mod fights;
pub(crate) mod index;
mod plan;
pub(crate) mod rankings;
pub(crate) mod report;
pub(crate) mod roster;
pub(crate) mod standing;

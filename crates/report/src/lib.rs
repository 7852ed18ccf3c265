//! How parsebook stands and what it did, as one HTML page with plots. Pure: status and journal in, text out.
//!
//! The page asks nothing of any server: style and plots stand in it. It follows the reader's light or dark setting and
//! their screen's width. Behind every plot stand its numbers as a table.

mod figures;
mod format;
mod page;
mod plot;
mod sections;

use parsebook_core::history::History;
use parsebook_core::player::Raid;
use parsebook_core::status::{BossRanks, Status};

pub use self::format::{grouped, whole};
pub use self::page::{live_page, page, sections};

/// What a page is made of.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// How parsebook stands.
    pub status: &'a Status,
    /// What the journal adds up to.
    pub history: &'a History,
    /// Ranks by boss.
    pub bosses: &'a [BossRanks],
    /// Names of raids and bosses; what is missing is shown by its number.
    pub raids: &'a [Raid],
}

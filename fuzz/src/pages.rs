//! Pages of Warcraft Logs' ranking table.

use parsebook_adapters::ranking_site;

/// Rows of a page; a page that is none is an error.
pub fn ranking_page(bytes: &[u8]) {
    drop(ranking_site::parse(bytes));
}

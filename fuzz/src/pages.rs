//! What servers answer: pages of Warcraft Logs' ranking table, and a git server's lists and reports.

use parsebook_adapters::{addon_repo, ranking_site};

/// Rows of a page; a page that is none is an error.
pub fn ranking_page(bytes: &[u8]) {
    drop(ranking_site::parse(bytes));
}

/// Each kind of answer of a git server over HTTP.
pub fn git_answer(bytes: &[u8]) {
    addon_repo::read_answers(bytes);
}

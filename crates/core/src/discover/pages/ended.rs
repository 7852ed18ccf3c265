//! How reading a source ended.

use crate::ports::SourceError;

/// Why reading ended.
#[derive(Debug)]
pub enum Stopped {
    /// Everything was read or skipped.
    Complete,
    /// The board ended first.
    EndOfBoard,
    /// Time was up.
    Deadline,
    /// The source refused or broke.
    Source(SourceError),
    /// What was read could not be stored.
    Store(anyhow::Error),
}

/// How reading ended.
#[derive(Debug)]
pub struct Ended {
    /// Why.
    pub stopped: Stopped,
    /// Pages that failed, also those that could be read in the end.
    pub failed: Vec<u32>,
    /// Pages that failed when they were asked for again at the end, and why.
    pub skipped: Vec<(u32, anyhow::Error)>,
}

impl From<Stopped> for Ended {
    fn from(stopped: Stopped) -> Self {
        Self { stopped, failed: Vec::new(), skipped: Vec::new() }
    }
}

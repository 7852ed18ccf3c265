//! What goes into a batch, and what became of it.

use std::collections::BTreeMap;

use serde::Serialize;

/// A message as the queue delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The queue's name for this message.
    pub message_id: String,
    /// The body, not yet looked at.
    pub body: String,
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RankSummary {
    /// Messages whose ranks are stored.
    pub done: u32,
    /// Reports among them.
    #[serde(skip_serializing_if = "is_zero")]
    pub reports: u32,
    /// Players whose ranks came from these reports.
    #[serde(skip_serializing_if = "is_zero")]
    pub players_of_reports: u32,
    /// Messages that can never succeed, finished without ranks, and why.
    pub finished: Vec<String>,
    /// Messages that go back to the queue, and why.
    pub failed: Vec<FailedMessage>,
    /// Raids, difficulties, rows and reports' parts that were left out, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// Players that hide their ranks.
    pub hidden: u32,
    /// Who paid.
    pub key: Option<String>,
    /// Points spent, as far as known.
    pub points_spent: f64,
    /// What every key had before the batch.
    pub points_left: BTreeMap<String, f64>,
    /// What every key has in an hour, where that is known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub points_limit: BTreeMap<String, f64>,
    /// Why the batch ended early; messages that it did not reach are among the failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Whether the API refused this program in the middle of the batch: nothing more is to be asked for a while.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// A message that goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedMessage {
    /// The queue's name for it.
    pub message_id: String,
    /// What went wrong.
    pub reason: String,
    /// Whose fault it is.
    #[serde(skip)]
    pub fault: Fault,
}

/// Why a message goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It can never be understood: a dead letter.
    Malformed,
    /// It failed for a reason of its own: a dead letter after a few times.
    Own,
    /// It was not reached.
    NotReached,
}

//! What a question to the API is, and what it is expected to cost.
//!
//! Costs are the best published fit, not WCL's word: 1 for each root question, 5 for each `zoneRankings`, 1 for a
//! report's list of kills and 1 for its list of characters. What was really spent is told by the reading of points that
//! comes with the next answer.

/// Asks for nothing but points. Costs 1.
pub const POINTS: &str = "{ rateLimitData { limitPerHour pointsSpentThisHour pointsResetIn } }";
/// Asks for the points together with something else, where it costs nothing.
pub const READING: &str = "rateLimitData { limitPerHour pointsSpentThisHour pointsResetIn }";

/// A question to the API.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// GraphQL.
    pub query: String,
    /// The field of `data` without which the answer is of no use to anybody.
    pub root: &'static str,
    /// Points it is expected to cost.
    pub cost: f64,
}

impl Question {
    /// The question for points alone.
    pub fn points() -> Self {
        Self { query: POINTS.to_owned(), root: "rateLimitData", cost: 1.0 }
    }

    /// The question for `fields` of `root`, with the points.
    pub fn new(root: &'static str, fields: &str, cost: f64) -> Self {
        Self { query: format!("{{ {READING} {root} {{ {fields} }} }}"), root, cost }
    }
}

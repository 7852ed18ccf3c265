//! Public reports: what they say of who was there, what was killed, and how each player ranks for it.

use std::collections::BTreeMap;

pub use crate::metric::Metric;
use crate::player::{Identity, PlayerUpdate};
use crate::{Difficulty, EncounterId, PlayerId, RaidId, Timestamp};

/// The last page of a list of reports that the API gives: it answers later ones with an error.
pub const LAST_LIST_PAGE: u32 = 25;
/// Most reports on a page of a list.
pub const REPORTS_PER_PAGE: u32 = 100;

/// Most reports whose details are asked for by one request: so many are known to work.
pub const REPORTS_PER_REQUEST: usize = 20;

/// Longest code of a report that is taken for one. WCL's have 16 characters.
pub const LONGEST_CODE: usize = 32;

/// Whether a text can be a report's code: letters and digits. Anything else could break out of a query.
pub fn is_code(text: &str) -> bool {
    (1..=LONGEST_CODE).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Which reports to list: those of a raid that began between two moments, both included. The API lists them in an order
/// that stays, but follows no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The raid they are tagged with.
    pub raid: RaidId,
    /// The earliest start.
    pub from: Timestamp,
    /// The latest start.
    pub to: Timestamp,
}

/// A report as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedReport {
    /// Its code, letters and digits.
    pub code: String,
    /// Grows with every change to the report.
    pub revision: u32,
    /// WCL's compact name, such as `EU`.
    pub region: Option<String>,
    /// When its log begins.
    pub start: Timestamp,
    /// When its log ends, so far.
    pub end: Timestamp,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListPage {
    /// The public reports on it.
    pub reports: Vec<ListedReport>,
    /// One line for each report that could not be understood: which, and why.
    pub skipped: Vec<String>,
    /// Whether there is a page after this one.
    pub has_more: bool,
}

/// A character of a report that has ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankedCharacter {
    /// The number the report carries.
    pub id: PlayerId,
    /// The number of the same character since it was renamed, moved or merged; `None` when WCL names none.
    pub canonical_id: Option<PlayerId>,
    /// Whether the player hides its ranks.
    pub hidden: bool,
}

impl RankedCharacter {
    /// Adds to `removed` what is to go of what is stored under the character's numbers. Answers the number under which it is
    /// ranked; `None` where it hides its ranks.
    pub fn note_removals(&self, removed: &mut BTreeMap<PlayerId, PlayerUpdate>) -> Option<PlayerId> {
        let id = self.canonical_id.unwrap_or(self.id);
        if id != self.id {
            removed.insert(self.id, PlayerUpdate::Gone { id: self.id });
        }
        if self.hidden {
            removed.insert(id, PlayerUpdate::Hidden { id });
        }
        (!self.hidden).then_some(id)
    }
}

/// A boss that died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kill {
    /// Number of the fight within its report.
    pub fight: u32,
    /// The boss.
    pub encounter: EncounterId,
    /// How hard it was.
    pub difficulty: Difficulty,
    /// When it died.
    pub ended_at: Timestamp,
}

/// What discovery needs of a report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportDetails {
    /// Every character with ranks.
    pub characters: Vec<RankedCharacter>,
    /// Every boss kill.
    pub kills: Vec<Kill>,
    /// One line for each character or kill that could not be understood.
    pub skipped: Vec<String>,
}

/// What became of the question for one report's details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetailOutcome {
    /// It was read.
    Read(ReportDetails),
    /// It was deleted or made private: no use in asking again. The word says which.
    Gone(&'static str),
    /// It could not be read; why.
    Failed(String),
}

/// The percentile of one player in one fight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Percent {
    /// 0.0 to 100.0.
    Known(f64),
    /// WCL has not worked it out yet.
    NotYet,
    /// WCL gives none: the boss, or this kill of it, is not ranked.
    Unranked,
}

/// How one player ranks for one kill, by the metric that counts for its spec.
#[derive(Debug, Clone, PartialEq)]
pub struct RankRow {
    /// The raid that the kill was in.
    pub raid: RaidId,
    /// The number the report carries.
    pub player: PlayerId,
    /// Who it is.
    pub identity: Identity,
    /// What was measured.
    pub metric: Metric,
    /// The spec it played, as WCL writes it; `None` when WCL says none.
    pub spec: Option<String>,
    /// The fight's number within its report.
    pub fight: u32,
    /// The boss.
    pub encounter: EncounterId,
    /// How hard it was.
    pub difficulty: Difficulty,
    /// WCL's season part that the kill counts in.
    pub partition: i32,
    /// How it ranks.
    pub percent: Percent,
    /// Whether WCL struck this rank out.
    pub banned: bool,
}

/// All that is read of a report to rank its players.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportReading {
    /// Its code.
    pub code: String,
    /// The revision that was read.
    pub revision: u32,
    /// When its log ends, so far.
    pub end: Timestamp,
    /// Whether a part is missing: WCL still works on it, or the ranks by a metric cannot be understood.
    pub is_partial: bool,
    /// Every character with ranks.
    pub characters: Vec<RankedCharacter>,
    /// Every boss kill.
    pub kills: Vec<Kill>,
    /// One row per player and kill, those without a percentile among them.
    pub rows: Vec<RankRow>,
    /// One line for each character, kill or row that could not be understood.
    pub skipped: Vec<String>,
}

/// Ranks by one metric, in every difficulty or in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankPart {
    /// What was measured.
    pub metric: Metric,
    /// How hard; `None` is every difficulty.
    pub difficulty: Option<Difficulty>,
}

/// What is asked of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportQuestion {
    /// Its code.
    pub code: String,
    /// Which ranks of it: at least one part.
    pub parts: Vec<RankPart>,
}

/// What became of the question for one report.
#[derive(Debug, Clone, PartialEq)]
pub enum ReportOutcome {
    /// It was read.
    Read(ReportReading),
    /// It was deleted or made private: no use in asking again. The word says which.
    Gone(&'static str),
    /// It could not be read; why.
    Failed(String),
}

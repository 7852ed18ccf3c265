//! Rules. Here: what a rule discovers. [`schedule`]: when it is due. [`progress`]: how far its run came.

pub mod progress;
pub mod schedule;

use chrono::{Datelike, NaiveDate, NaiveTime};
use serde::{Deserialize, Deserializer, Serialize};

pub use self::progress::{PageRange, Progress, Share, WindowLeft};
pub use self::schedule::{Block, Due, Lease, Refusals, RuleState, Wait};

use crate::moment::{self, OutOfTime};
use crate::words::words;
use crate::{Difficulty, RaidId, Timestamp, difficulty};

/// A rule's `_id`: the 24 hexadecimal digits of an ObjectId.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(pub String);

impl std::fmt::Display for RuleId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

words! {
    "source",
    /// Where players are found.
    #[derive(Default, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum SourceKind {
        /// The ranking pages of the site.
        #[default]
        Site = "site",
        /// Public reports, through the API.
        Reports = "reports",
    }
}

words! {
    "ranks",
    /// How the players of a rule are ranked.
    #[derive(Default, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum RanksKind {
        /// One question per player, raid and difficulty (`zoneRankings`).
        #[default]
        Players = "players",
        /// One question per report, for everybody in it (`report.rankings`).
        Reports = "reports",
    }
}

/// What to discover: a rule without its history, or the event of a backfill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The raid.
    pub raid: RaidId,
    /// The difficulty.
    pub difficulty: Difficulty,
    /// First page, from 1.
    #[serde(default = "first_page")]
    pub start_page: u32,
    /// Last page, included.
    #[serde(default = "last_page")]
    pub end_page: u32,
    /// Where players are found.
    #[serde(default)]
    pub source: SourceKind,
    /// How the players found are ranked.
    #[serde(default, skip_serializing_if = "is_players")]
    pub ranks: RanksKind,
    /// How far a first reading of reports goes back.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "moment_or_day")]
    pub since: Option<Timestamp>,
    /// WCL's partition; the raid's current one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
}

fn is_players(ranks: &RanksKind) -> bool {
    *ranks == RanksKind::Players
}

/// A moment such as `2026-09-01T18:00:00Z`, or a day such as `2026-09-01`, which begins at midnight UTC.
///
/// # Errors
/// When the text is neither, or the moment is outside the years that count.
pub fn parse_since(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<NaiveDate>().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let since = text.parse::<Timestamp>().or_else(|_| day());
    let since = since.map_err(|_| format!("{text:?} is no day such as 2026-09-01"))?;
    moment::checked(since).map_err(|error| error.to_string())
}

fn moment_or_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| parse_since(&text)).transpose().map_err(serde::de::Error::custom)
}

/// First page of a rule that names none.
pub fn first_page() -> u32 {
    1
}

/// Last page of a rule that names none: the longest board known, of 2022.
pub fn last_page() -> u32 {
    600
}

/// No board is longer: a rule's saved progress must fit into its document.
const LAST_PAGE: u32 = 100_000;

/// What is wrong with a rule or a backfill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// Not a raid number.
    #[error("raid {0} is not a Warcraft Logs zone id")]
    Raid(RaidId),
    /// Not a raid difficulty.
    #[error("difficulty {0} is none of {LISTED}", LISTED = difficulty::LISTED)]
    Difficulty(Difficulty),
    /// Pages run backwards, start before 1, or end behind any board.
    #[error("pages {0} to {1} are no range (pages count from 1 to {LAST_PAGE})")]
    Pages(u32, u32),
    /// Ranking pages tell nothing of reports.
    #[error("ranks \"reports\" need source \"reports\"")]
    RanksWithoutReports,
    /// A moment that would take the sums out of any calendar.
    #[error("{0}: {1}")]
    Moment(&'static str, OutOfTime),
}

impl Target {
    /// A whole board, or all reports of a raid in a difficulty.
    pub fn new(raid: RaidId, difficulty: Difficulty, source: SourceKind) -> Self {
        Self {
            raid,
            difficulty,
            start_page: first_page(),
            end_page: last_page(),
            source,
            ranks: RanksKind::Players,
            since: None,
            partition: None,
        }
    }

    /// The same, ending where every board has ended: stored rules may say "to the end" by a large number.
    #[must_use]
    pub fn within_any_board(self) -> Self {
        Self { end_page: self.end_page.min(LAST_PAGE), ..self }
    }

    /// The target, if it can be asked for.
    pub fn checked(self) -> Result<Self, InvalidTarget> {
        if self.raid == 0 || self.raid > crate::scrap::MAX_ID {
            return Err(InvalidTarget::Raid(self.raid));
        }
        if !difficulty::is_known(self.difficulty) {
            return Err(InvalidTarget::Difficulty(self.difficulty));
        }
        if self.start_page == 0 || self.end_page < self.start_page || self.end_page > LAST_PAGE {
            return Err(InvalidTarget::Pages(self.start_page, self.end_page));
        }
        if self.ranks == RanksKind::Reports && self.source != SourceKind::Reports {
            return Err(InvalidTarget::RanksWithoutReports);
        }
        self.since.map_or(Ok(()), |since| checked_moment("since", since))?;
        Ok(self)
    }
}

fn checked_moment(name: &'static str, at: Timestamp) -> Result<(), InvalidTarget> {
    moment::checked(at).map(|_| ()).map_err(|error| InvalidTarget::Moment(name, error))
}

/// A document of `discovery_schedules`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Its `_id`.
    pub id: RuleId,
    /// What to discover.
    #[serde(flatten)]
    pub target: Target,
    /// When it was last finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<Timestamp>,
    /// Whether it is worked at all.
    pub enabled: bool,
    /// What the program keeps for itself.
    pub state: RuleState,
}

impl Rule {
    /// The rule as a document holds it, if it can be worked.
    ///
    /// # Errors
    /// Names what it cannot be worked with.
    pub fn checked(self) -> Result<Self, InvalidTarget> {
        // Who sets it to 1970 by hand wants the rule to run now.
        let is_early = |last_run: &Timestamp| (1970..moment::FIRST_YEAR).contains(&last_run.year());
        let last_run = self.last_run.filter(|last_run| !is_early(last_run));
        last_run.map_or(Ok(()), |last_run| checked_moment("lastRun", last_run))?;
        Ok(Self { target: self.target.within_any_board().checked()?, ..self })
    }

    /// When it was last finished, unless a clock that was wrong says so.
    pub fn last_run_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.last_run.filter(|last_run| !moment::is_ahead(*last_run, now))
    }

    /// Up to when its last reading of reports read; none before the first, or where that is to be done anew.
    pub fn read_until(&self) -> Option<Timestamp> {
        self.last_run.map(|last_run| self.state.read_until.map_or(last_run, |until| until.min(last_run)))
    }

    /// Whether one reading serves both rules: both read the reports of one raid. Each takes of it what it asks for.
    pub fn shares_reading_with(&self, other: &Self) -> bool {
        let reads_reports = |rule: &Self| rule.target.source == SourceKind::Reports;
        reads_reports(self) && reads_reports(other) && self.target.raid == other.target.raid
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;
    use crate::testing::noon;

    /// A rule for a board that was last run so many hours ago.
    pub fn rule(id: &str, hours_ago: Option<i64>) -> Rule {
        Rule {
            id: RuleId(id.to_owned()),
            target: serde_json::from_str(r#"{"raid": 31, "difficulty": 4}"#).unwrap(),
            last_run: hours_ago.map(|hours| noon() - TimeDelta::hours(hours)),
            enabled: true,
            state: RuleState::default(),
        }
    }

    #[test]
    fn bad_targets_are_named() {
        let target = |raid, difficulty, start_page, end_page| {
            Target { raid, difficulty, start_page, end_page, ..rule("x", None).target }.checked().map(|_| ())
        };
        assert_eq!(target(31, 4, 1, 1), Ok(()));
        assert_eq!(target(0, 4, 1, 1), Err(InvalidTarget::Raid(0)));
        assert_eq!(target(31, 2, 1, 1), Err(InvalidTarget::Difficulty(2)));
        assert_eq!(target(31, 4, 0, 1), Err(InvalidTarget::Pages(0, 1)));
        assert_eq!(target(31, 4, 3, 2), Err(InvalidTarget::Pages(3, 2)));
        let without = Target { ranks: RanksKind::Reports, ..rule("x", None).target };
        assert_eq!(without.checked(), Err(InvalidTarget::RanksWithoutReports));
    }

    #[test]
    fn a_rule_of_another_age_is_named() {
        for far in [Timestamp::MIN_UTC, Timestamp::MAX_UTC] {
            let mut since = rule("x", None);
            since.target.since = Some(far);
            let last_run = Rule { last_run: Some(far), ..rule("x", None) };
            for (rule, named) in [(since, "since: "), (last_run, "lastRun: ")] {
                let error = rule.checked().unwrap_err().to_string();
                assert!(error.starts_with(named) && error.contains("2000 to 2100"), "{error}");
            }
        }
        assert!(rule("x", Some(24)).checked().is_ok());
        let at_once = Rule { last_run: Some(Timestamp::UNIX_EPOCH), ..rule("x", None) };
        assert!(at_once.checked().is_ok(), "as somebody writes it who wants the rule to run now");
    }

    #[test]
    fn the_event_of_a_backfill_names_a_day_or_a_moment() {
        let since = |text: &str| {
            let event = format!(r#"{{"raid": 31, "difficulty": 4, "source": "reports", "since": "{text}"}}"#);
            serde_json::from_str::<Target>(&event).map(|target| target.since.unwrap().to_rfc3339())
        };
        assert_eq!(since("2026-09-01").unwrap(), "2026-09-01T00:00:00+00:00");
        assert_eq!(since("2026-09-01T18:30:00+02:00").unwrap(), "2026-09-01T16:30:00+00:00");
        assert!(since("yesterday").unwrap_err().to_string().contains("yesterday"));
        let ancient = since("0001-01-01").unwrap_err().to_string();
        assert!(ancient.contains("0001-01-01 00:00:00 UTC is outside the years 2000 to 2100"), "{ancient}");
    }

    #[test]
    fn rules_of_one_raid_share_a_reading_of_reports() {
        let mut heroic = rule("heroic", None);
        heroic.target.source = SourceKind::Reports;
        let mut mythic = heroic.clone();
        mythic.target.difficulty = 5;
        assert!(heroic.shares_reading_with(&mythic));
        assert!(!rule("a", None).shares_reading_with(&rule("b", None)), "boards are read each for itself");
        let site =
            |rule: &Rule| Rule { target: Target { source: SourceKind::Site, ..rule.target.clone() }, ..rule.clone() };
        assert!(!heroic.shares_reading_with(&site(&heroic)));
        mythic.target.ranks = RanksKind::Reports;
        mythic.target.end_page = 3;
        assert!(heroic.shares_reading_with(&mythic), "each takes its own of it");
        mythic.target.raid = 30;
        assert!(!heroic.shares_reading_with(&mythic));
    }

    #[test]
    fn the_largest_numbers_that_the_api_takes_are_fine() {
        let target = |raid, end_page| Target { raid, end_page, ..rule("x", None).target };
        let most = crate::scrap::MAX_ID;
        assert!(target(most, LAST_PAGE).checked().is_ok());
        assert_eq!(target(most + 1, 1).checked(), Err(InvalidTarget::Raid(most + 1)));
        assert_eq!(target(31, LAST_PAGE + 1).checked(), Err(InvalidTarget::Pages(1, LAST_PAGE + 1)));
        assert_eq!(target(31, u32::MAX).within_any_board(), target(31, LAST_PAGE));
        assert_eq!(target(31, 7).within_any_board(), target(31, 7));
        let by_reports = Target { ranks: RanksKind::Reports, source: SourceKind::Reports, ..target(31, 1) };
        assert!(by_reports.checked().is_ok());
    }

    #[test]
    fn a_rule_is_as_short_as_it_was_written() {
        let short = json!({ "raid": 31, "difficulty": 4, "startPage": 1, "endPage": 600, "source": "site" });
        assert_eq!(serde_json::to_value(rule("x", None).target).unwrap(), short);
        let long = json!({ "raid": 31, "difficulty": 4, "startPage": 2, "endPage": 9, "source": "reports",
                           "ranks": "reports", "since": "2026-09-01T00:00:00Z", "partition": 2 });
        let read: Target = serde_json::from_value(long.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), long);
    }

    #[test]
    fn sources_and_kinds_of_ranks_are_written_as_they_are_read() {
        for (source, text) in [(SourceKind::Site, "site"), (SourceKind::Reports, "reports")] {
            assert_eq!((text.parse(), source.name(), json!(source)), (Ok(source), text, json!(text)));
        }
        for (ranks, text) in [(RanksKind::Players, "players"), (RanksKind::Reports, "reports")] {
            assert_eq!((text.parse(), ranks.name(), json!(ranks)), (Ok(ranks), text, json!(text)));
        }
        assert!("board".parse::<SourceKind>().unwrap_err().contains("board"));
        assert!("site".parse::<RanksKind>().unwrap_err().contains("site"));
        assert_eq!(rule("0123", None).id.to_string(), "0123");
    }
}

//! What becomes of a report whose ranks are read: when it is due, and when it is done. Pure.
//!
//! WCL ranks in daily cycles: a fresh report's percentages are missing. So it waits for its day, is asked for again while
//! much is missing, and is left at last. A higher revision begins anew.

use std::str::FromStr;

use chrono::TimeDelta;

use crate::report::{ListedReport, Percent, ReportReading};
use crate::{RaidId, Timestamp};

/// How far a report came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReportState {
    /// Not read at this revision.
    New,
    /// Read, but much was missing.
    Again,
    /// Read whole.
    Done,
    /// Read as far as it ever will be.
    Final,
    /// Deleted, or private.
    Gone,
}

impl ReportState {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Again => "again",
            Self::Done => "done",
            Self::Final => "final",
            Self::Gone => "gone",
        }
    }

    /// Whether it is to be read when it is due.
    pub fn is_open(self) -> bool {
        matches!(self, Self::New | Self::Again)
    }
}

impl FromStr for ReportState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::New, Self::Again, Self::Done, Self::Final, Self::Gone]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no state of a report"))
    }
}

/// A document of `reports`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReport {
    /// Its code, the document's `_id`.
    pub code: String,
    /// The raid whose rule listed it.
    pub raid: RaidId,
    /// WCL's compact name; empty where the list tells none.
    pub region: String,
    /// When its log begins.
    pub start: Timestamp,
    /// When its log ends, so far.
    pub end: Timestamp,
    /// The newest revision listed.
    pub revision: u32,
    /// How far it came.
    pub state: ReportState,
    /// When it is to be read.
    pub due_at: Timestamp,
    /// When it was last sent to the queue.
    pub sent_at: Option<Timestamp>,
    /// How often it was read at this revision.
    pub tries: u32,
}

/// What a line of the list means for a stored report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// Store it so: it is new, or changed.
    Raise(StoredReport),
    /// Nothing changed.
    Known,
    /// Its revision is lower than the stored one.
    Backwards {
        /// The stored one.
        stored: u32,
    },
}

/// Compares a line of the list with what is stored. `delay` is `REPORT_DELAY_HOURS`.
pub fn listing(stored: Option<&StoredReport>, listed: &ListedReport, raid: RaidId, delay: TimeDelta) -> Listing {
    let raised = StoredReport {
        code: listed.code.clone(),
        raid,
        region: listed.region.clone().unwrap_or_default(),
        start: listed.start,
        end: listed.end,
        revision: listed.revision,
        state: ReportState::New,
        due_at: listed.end + delay,
        sent_at: None,
        tries: 0,
    };
    match stored {
        None => Listing::Raise(raised),
        Some(stored) if stored.revision > listed.revision => Listing::Backwards { stored: stored.revision },
        Some(stored) if stored.revision < listed.revision => Listing::Raise(raised),
        // A log that is still written grows without a new revision.
        Some(stored) if stored.state == ReportState::New && stored.end < listed.end => Listing::Raise(raised),
        Some(_) => Listing::Known,
    }
}

/// What a reading leaves of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Its state now.
    pub state: ReportState,
    /// When it is to be read again, if it is.
    pub due_at: Timestamp,
    /// How often it was read.
    pub tries: u32,
}

/// Waits after the first readings; the last one holds for all further ones.
const AGAIN_AFTER: [TimeDelta; 3] = [TimeDelta::hours(6), TimeDelta::hours(24), TimeDelta::hours(72)];
/// A report this old is left as it is.
const FINAL_AFTER: TimeDelta = TimeDelta::days(14);

/// Judges a reading at `now` of a report that was read `tries` times before.
pub fn settled(reading: &ReportReading, tries: u32, due_at: Timestamp, now: Timestamp) -> Settled {
    let missing = reading.rows.iter().filter(|row| row.percent == Percent::NotYet).count();
    let is_whole = missing * 10 < reading.rows.len().max(1) && !reading.is_exporting;
    let wait = AGAIN_AFTER.get(tries as usize).copied().unwrap_or(TimeDelta::hours(72));
    let tries = tries.saturating_add(1);
    match is_whole {
        true => Settled { state: ReportState::Done, due_at, tries },
        false if now - reading.end >= FINAL_AFTER => Settled { state: ReportState::Final, due_at, tries },
        false => Settled { state: ReportState::Again, due_at: now + wait, tries },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Metric, RankRow};
    use crate::testing::{identity, noon};

    const DELAY: TimeDelta = TimeDelta::hours(26);

    fn listed(revision: u32, end: Timestamp) -> ListedReport {
        let region = Some("EU".to_owned());
        let start = end - TimeDelta::hours(3);
        ListedReport { code: "aBcD1234".to_owned(), revision, region, start, end }
    }

    fn raised(stored: Option<&StoredReport>, listed: &ListedReport) -> StoredReport {
        match listing(stored, listed, 44, DELAY) {
            Listing::Raise(report) => report,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_report_waits_for_its_day_and_a_higher_revision_begins_anew() {
        let first = raised(None, &listed(3, noon()));
        assert_eq!((first.state, first.due_at, first.tries), (ReportState::New, noon() + DELAY, 0));
        let done = StoredReport { state: ReportState::Done, tries: 1, sent_at: Some(noon()), ..first.clone() };
        assert_eq!(listing(Some(&done), &listed(3, noon()), 44, DELAY), Listing::Known);
        for state in [ReportState::Again, ReportState::Done, ReportState::Final, ReportState::Gone] {
            let stored = StoredReport { state, ..done.clone() };
            let again = raised(Some(&stored), &listed(4, noon()));
            assert_eq!((again.state, again.revision, again.sent_at, again.tries), (ReportState::New, 4, None, 0));
        }
    }

    #[test]
    fn a_log_that_grows_waits_longer_and_a_revision_that_goes_back_is_named() {
        let first = raised(None, &listed(3, noon()));
        let later = noon() + TimeDelta::hours(2);
        assert_eq!(raised(Some(&first), &listed(3, later)).due_at, later + DELAY);
        assert_eq!(listing(Some(&first), &listed(2, noon()), 44, DELAY), Listing::Backwards { stored: 3 });
    }

    fn reading(rows: usize, missing: usize) -> ReportReading {
        let row = |index| RankRow {
            raid: 44,
            player: 1,
            identity: identity(1),
            metric: Metric::Dps,
            spec: None,
            fight: 1,
            encounter: 1,
            difficulty: 4,
            partition: 1,
            percent: if index < missing { Percent::NotYet } else { Percent::Unranked },
            banned: false,
        };
        ReportReading {
            code: "aBcD1234".to_owned(),
            revision: 3,
            end: noon(),
            is_exporting: false,
            characters: vec![],
            kills: vec![],
            rows: (0..rows).map(row).collect(),
            skipped: vec![],
        }
    }

    #[test]
    fn much_that_is_missing_is_asked_for_again_for_a_fortnight() {
        let after = |reading: &ReportReading, tries, hours| {
            settled(reading, tries, noon() + DELAY, noon() + TimeDelta::hours(hours))
        };
        assert_eq!(after(&reading(40, 3), 0, 26).state, ReportState::Done, "less than a tenth");
        assert_eq!(after(&reading(0, 0), 0, 26).state, ReportState::Done, "a report without a ranked kill");
        let mut now = 26;
        let mut waits = Vec::new();
        for tries in 0..5 {
            let settled = after(&reading(40, 4), tries, now);
            assert_eq!((settled.state, settled.tries), (ReportState::Again, tries + 1));
            let wait = (settled.due_at - noon()).num_hours() - now;
            waits.push(wait);
            now += wait;
        }
        assert_eq!(waits, [6, 24, 72, 72, 72]);
        assert_eq!(after(&reading(40, 4), 6, 14 * 24).state, ReportState::Final);
        let exporting = ReportReading { is_exporting: true, ..reading(40, 0) };
        assert_eq!(after(&exporting, 0, 26).state, ReportState::Again);
    }
}

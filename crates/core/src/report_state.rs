//! What becomes of a report whose ranks are read: when it is due, and when it is done. Pure.
//!
//! WCL ranks in daily cycles: a fresh report's percentages are missing. So it waits until
//! these can be there, is asked for again while many are missing, and is left as it is at last. A higher revision begins anew.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::left_out::LeftOut;
use crate::report::{ListedReport, Percent, ReportReading};
use crate::scrap::MOST_FAILURES;
use crate::words::words;
use crate::{Difficulty, RaidId, Timestamp};

words! {
    "state of a report",
    /// How far a report came.
    pub enum ReportState {
        /// Not read at this revision.
        New = "new",
        /// Read, but much was missing.
        Again = "again",
        /// Read whole.
        Done = "done",
        /// Read as far as it ever will be.
        Final = "final",
        /// Deleted, or private.
        Gone = "gone",
    }
}

impl ReportState {
    /// Those that are to be read when they are due.
    pub const OPEN: [Self; 2] = [Self::New, Self::Again];

    /// Whether it is to be read when it is due.
    pub fn is_open(self) -> bool {
        Self::OPEN.contains(&self)
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
    /// When a list first told of all that it holds; `None` for one of before there was this field.
    pub found_at: Option<Timestamp>,
    /// How often it was read at this revision.
    pub tries: u32,
    /// Difficulties whose ranks were read whole at this revision, but for what is left out.
    pub difficulties: BTreeSet<Difficulty>,
    /// What was left out of that.
    pub left_out: LeftOut,
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

/// Compares a line of the list, read at `now`, with what is stored. `wanted` are the difficulties of the rules that list
/// it, `delay` is `REPORT_DELAY_HOURS`.
pub fn listing(
    stored: Option<&StoredReport>,
    listed: &ListedReport,
    raid: RaidId,
    wanted: &BTreeSet<Difficulty>,
    delay: TimeDelta,
    now: Timestamp,
) -> Listing {
    let as_long_as_before = stored.filter(|stored| stored.end == listed.end);
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
        found_at: as_long_as_before.map_or(Some(now), |stored| stored.found_at),
        tries: 0,
        difficulties: BTreeSet::new(),
        left_out: LeftOut::NOTHING,
    };
    match stored {
        None => Listing::Raise(raised),
        Some(stored) if stored.revision > listed.revision => Listing::Backwards { stored: stored.revision },
        Some(stored) if stored.revision < listed.revision => Listing::Raise(raised),
        // A log that is still written grows without a new revision.
        Some(stored) if stored.state == ReportState::New && stored.end < listed.end => Listing::Raise(raised),
        // A rule of another difficulty came after it was read.
        Some(stored)
            if matches!(stored.state, ReportState::Done | ReportState::Final)
                && !stored.difficulties.is_empty()
                && !stored.difficulties.is_superset(wanted) =>
        {
            let (difficulties, left_out) = (stored.difficulties.clone(), stored.left_out);
            Listing::Raise(StoredReport { difficulties, left_out, ..raised })
        }
        Some(_) => Listing::Known,
    }
}

/// What a reading leaves of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Its state now.
    pub state: ReportState,
    /// When it is to be read again, if it is.
    pub due_at: Timestamp,
    /// How often it was read.
    pub tries: u32,
    /// When it was sent, while its message has not ended.
    pub sent_at: Option<Timestamp>,
    /// Difficulties whose ranks are read whole, but for what is left out.
    pub difficulties: BTreeSet<Difficulty>,
    /// What is left out of that.
    pub left_out: LeftOut,
}

/// Waits after the first readings; the last one holds for all further ones.
const AGAIN_AFTER: [TimeDelta; 3] = [TimeDelta::hours(6), TimeDelta::hours(24), TimeDelta::hours(72)];
/// A report this old is left as it is.
const FINAL_AFTER: TimeDelta = TimeDelta::days(14);
/// Readings after which what was left out is given up: a fortnight of waits.
const MOST_READINGS: u32 = 6;

impl StoredReport {
    /// Judges a reading at `now`, in which `left_out` was left out of the difficulties `wanted`.
    pub fn settled(
        &self,
        reading: &ReportReading,
        wanted: &BTreeSet<Difficulty>,
        left_out: LeftOut,
        now: Timestamp,
    ) -> Settled {
        let missing = reading.rows.iter().filter(|row| row.percent == Percent::NotYet).count();
        let is_whole = missing * 10 < reading.rows.len().max(1) && !reading.is_partial;
        // What an earlier reading had left out no further stays read.
        let left_out = if wanted.is_subset(&self.difficulties) { left_out.min(self.left_out) } else { left_out };
        let (state, due_at) = match is_whole {
            true if left_out == LeftOut::NOTHING => (ReportState::Done, self.due_at),
            true if self.tries + 1 >= MOST_READINGS => (ReportState::Final, self.due_at),
            false if now - reading.end >= FINAL_AFTER => (ReportState::Final, self.due_at),
            _ => (ReportState::Again, now + self.wait()),
        };
        let difficulties = if is_whole { wanted.clone() } else { BTreeSet::new() };
        Settled { state, due_at, tries: self.tries.saturating_add(1), sent_at: None, difficulties, left_out }
    }

    /// The difficulties that need not be asked again, but for what was left out of them. One that is open although nothing
    /// was left out is repeated whole.
    pub fn read_before(&self) -> (BTreeSet<Difficulty>, LeftOut) {
        let is_repeated = self.state == ReportState::Again && self.left_out == LeftOut::NOTHING;
        let read = if is_repeated { BTreeSet::new() } else { self.difficulties.clone() };
        (read, self.left_out)
    }

    /// A reading that is to be repeated at `at`, whole: not everybody in it could be asked for a full reading now.
    pub fn repeated(&self, settled: Settled, at: Timestamp) -> Settled {
        if settled.state != ReportState::Done || settled.tries >= MOST_READINGS {
            return settled;
        }
        Settled { state: ReportState::Again, due_at: at, ..settled }
    }

    /// Nothing of it is to be asked while so much is left out: it waits on.
    pub fn deferred(&self, now: Timestamp) -> Settled {
        let is_last = self.tries + 1 >= MOST_READINGS;
        let state = if is_last { ReportState::Final } else { ReportState::Again };
        Settled { state, due_at: now + self.wait(), sent_at: None, ..self.unsettled() }
    }

    /// Its message failed once more, and comes again until it is a dead letter. With that, a report that was never read
    /// is given up.
    pub fn failed(&self) -> Settled {
        let is_hopeless = self.state == ReportState::New && self.tries + 1 >= MOST_FAILURES;
        let state = if is_hopeless { ReportState::Final } else { self.state };
        Settled { state, ..self.unsettled() }
    }

    /// It was deleted or made private.
    pub fn gone(&self) -> Settled {
        Settled { state: ReportState::Gone, sent_at: None, ..self.unsettled() }
    }

    fn wait(&self) -> TimeDelta {
        AGAIN_AFTER.get(self.tries as usize).copied().unwrap_or(TimeDelta::hours(72))
    }

    /// As it is, after one more try.
    fn unsettled(&self) -> Settled {
        Settled {
            state: self.state,
            due_at: self.due_at,
            tries: self.tries.saturating_add(1),
            sent_at: self.sent_at,
            difficulties: self.difficulties.clone(),
            left_out: self.left_out,
        }
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

    fn heroic() -> BTreeSet<Difficulty> {
        BTreeSet::from([4])
    }

    fn raised(stored: Option<&StoredReport>, listed: &ListedReport) -> StoredReport {
        match listing(stored, listed, 44, &heroic(), DELAY, noon()) {
            Listing::Raise(report) => report,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_report_waits_for_its_day_and_a_higher_revision_begins_anew() {
        let first = raised(None, &listed(3, noon()));
        assert_eq!((first.state, first.due_at, first.tries), (ReportState::New, noon() + DELAY, 0));
        let done = StoredReport { state: ReportState::Done, tries: 1, sent_at: Some(noon()), ..first.clone() };
        assert_eq!(listing(Some(&done), &listed(3, noon()), 44, &heroic(), DELAY, noon()), Listing::Known);
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
        assert_eq!(
            listing(Some(&first), &listed(2, noon()), 44, &heroic(), DELAY, noon()),
            Listing::Backwards { stored: 3 }
        );
    }

    #[test]
    fn a_log_counts_as_found_when_a_list_first_told_of_all_that_it_holds() {
        let before = noon() - TimeDelta::hours(9);
        let stored = StoredReport { found_at: Some(before), ..raised(None, &listed(3, noon())) };
        assert_eq!(raised(None, &listed(3, noon())).found_at, Some(noon()));
        assert_eq!(raised(Some(&stored), &listed(4, noon())).found_at, Some(before), "only its revision is new");
        let longer = listed(4, noon() + TimeDelta::hours(1));
        assert_eq!(raised(Some(&stored), &longer).found_at, Some(noon()));
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
            is_partial: false,
            characters: vec![],
            kills: vec![],
            rows: (0..rows).map(row).collect(),
            skipped: vec![],
        }
    }

    fn read_before(tries: u32) -> StoredReport {
        StoredReport { tries, sent_at: Some(noon()), ..raised(None, &listed(3, noon())) }
    }

    #[test]
    fn much_that_is_missing_is_asked_for_again_for_a_fortnight() {
        let after = |reading: &ReportReading, tries, hours| {
            let now = noon() + TimeDelta::hours(hours);
            read_before(tries).settled(reading, &heroic(), LeftOut::NOTHING, now)
        };
        assert_eq!(after(&reading(40, 3), 0, 26).state, ReportState::Done, "less than a tenth");
        assert_eq!(after(&reading(0, 0), 0, 26).state, ReportState::Done, "a report without a ranked kill");
        let mut now = 26;
        let mut waits = Vec::new();
        for tries in 0..5 {
            let settled = after(&reading(40, 4), tries, now);
            assert_eq!((settled.state, settled.tries, settled.sent_at), (ReportState::Again, tries + 1, None));
            let wait = (settled.due_at - noon()).num_hours() - now;
            waits.push(wait);
            now += wait;
        }
        assert_eq!(waits, [6, 24, 72, 72, 72]);
        assert_eq!(after(&reading(40, 4), 6, 14 * 24).state, ReportState::Final);
        let partial = ReportReading { is_partial: true, ..reading(40, 0) };
        assert_eq!(after(&partial, 0, 26).state, ReportState::Again);
    }

    #[test]
    fn what_was_left_out_is_asked_for_later_and_given_up_at_last() {
        let settle = |report: &StoredReport, reading: &ReportReading, left_out| {
            report.settled(reading, &heroic(), LeftOut::of_number(left_out), noon() + DELAY)
        };
        let first = settle(&read_before(0), &reading(40, 0), 2);
        assert_eq!(
            (first.state, first.difficulties.clone(), first.left_out.number()),
            (ReportState::Again, heroic(), 2)
        );
        let stored = StoredReport { difficulties: first.difficulties, left_out: first.left_out, ..read_before(1) };
        let second = settle(&stored, &reading(40, 0), 0);
        assert_eq!((second.state, second.left_out), (ReportState::Done, LeftOut::NOTHING));
        let third = settle(&stored, &reading(40, 0), 4);
        assert_eq!((third.state, third.left_out.number()), (ReportState::Again, 2), "it was read further before");
        assert_eq!(settle(&StoredReport { tries: 5, ..stored.clone() }, &reading(40, 0), 2).state, ReportState::Final);
        let missing = settle(&stored, &reading(40, 30), 2);
        assert_eq!((missing.state, missing.difficulties), (ReportState::Again, BTreeSet::new()), "all of it again");
        let deferred = stored.deferred(noon());
        assert_eq!(
            (deferred.state, deferred.due_at, deferred.tries),
            (ReportState::Again, noon() + TimeDelta::hours(24), 2)
        );
        assert_eq!(StoredReport { tries: 5, ..stored }.deferred(noon()).state, ReportState::Final);
    }

    #[test]
    fn a_whole_reading_that_led_to_no_full_reading_is_repeated_whole_as_often_as_any() {
        let report = read_before(0);
        let at = noon() + TimeDelta::hours(7);
        let settled = |state, tries| {
            let repeated = report.repeated(Settled { state, tries, ..report.unsettled() }, at);
            (repeated.state, repeated.due_at == at, repeated.tries)
        };
        use ReportState::{Again, Done, Final};
        assert_eq!(settled(Done, 5), (Again, true, 5));
        assert_eq!(settled(Done, 6), (Done, false, 6), "that was the last time");
        assert_eq!(settled(Final, 1), (Final, false, 1));
        assert_eq!(settled(Again, 1), (Again, false, 1), "it comes again in any case");
        let stored = |state, left_out| StoredReport { state, left_out, difficulties: heroic(), ..report.clone() };
        let in_part = LeftOut::of_number(2);
        for (state, left_out, read) in [
            (Again, LeftOut::NOTHING, BTreeSet::new()),
            (Again, in_part, heroic()),
            (Done, LeftOut::NOTHING, heroic()),
            (Done, in_part, heroic()),
        ] {
            assert_eq!(stored(state, left_out).read_before(), (read, left_out), "{state:?}");
        }
    }

    #[test]
    fn a_rule_of_another_difficulty_opens_a_report_that_was_read() {
        let (difficulties, left_out) = (BTreeSet::from([3]), LeftOut::of_number(2));
        let done = StoredReport { state: ReportState::Final, difficulties, left_out, ..read_before(1) };
        let again = raised(Some(&done), &listed(3, noon()));
        assert_eq!(
            (again.state, again.difficulties, again.left_out),
            (ReportState::New, BTreeSet::from([3]), left_out)
        );
        let unknown = StoredReport { difficulties: BTreeSet::new(), ..done.clone() };
        assert_eq!(listing(Some(&unknown), &listed(3, noon()), 44, &heroic(), DELAY, noon()), Listing::Known);
        let gone = StoredReport { state: ReportState::Gone, ..done };
        assert_eq!(listing(Some(&gone), &listed(3, noon()), 44, &heroic(), DELAY, noon()), Listing::Known);
    }

    #[test]
    fn a_report_that_always_fails_is_given_up_with_its_message() {
        let mut report = read_before(0);
        let mut states = Vec::new();
        for _ in 0..5 {
            let settled = report.failed();
            assert_eq!(settled.sent_at, Some(noon()), "its message comes again");
            (report.state, report.tries) = (settled.state, settled.tries);
            states.push(settled.state);
        }
        use ReportState::{Final, New};
        assert_eq!(states, [New, New, New, New, Final]);
        let again = StoredReport { state: ReportState::Again, ..read_before(9) };
        assert_eq!(again.failed().state, ReportState::Again);
        assert_eq!(again.gone().state, ReportState::Gone);
    }

    #[test]
    fn a_state_is_stored_as_it_is_read() {
        use ReportState::{Again, Done, Final, Gone, New};
        let states = [(New, "new"), (Again, "again"), (Done, "done"), (Final, "final"), (Gone, "gone")];
        for (state, text) in states {
            assert_eq!((state.name(), text.parse()), (text, Ok(state)));
        }
        assert!("fresh".parse::<ReportState>().unwrap_err().contains("fresh"));
        let open: Vec<_> = states.iter().filter(|(state, _)| state.is_open()).map(|(_, text)| *text).collect();
        assert_eq!(open, ["new", "again"]);
    }

    #[test]
    fn a_line_that_tells_nothing_new_changes_nothing() {
        let first = raised(None, &listed(3, noon()));
        let known = |stored: &StoredReport, end| listing(Some(stored), &listed(3, end), 44, &heroic(), DELAY, noon());
        assert_eq!(known(&first, noon()), Listing::Known);
        assert_eq!(known(&first, noon() - TimeDelta::hours(1)), Listing::Known);
        let again = StoredReport { state: ReportState::Again, ..first };
        assert_eq!(known(&again, noon() + TimeDelta::hours(1)), Listing::Known, "it was read before it grew");
        let wider = StoredReport { state: ReportState::Done, difficulties: BTreeSet::from([3, 4]), ..again };
        assert_eq!(known(&wider, noon()), Listing::Known, "more was read than is wanted now");
    }

    #[test]
    fn a_message_that_ended_is_no_longer_on_its_way() {
        let report = read_before(0);
        assert_eq!((report.gone().sent_at, report.deferred(noon()).sent_at), (None, None));
    }
}

//! What of the reports' ranks is left out while their messages wait long in the queue. Pure.
//!
//! A key's points may not suffice for the kills of a season's first weeks. Then messages wait for hours, and what is worth
//! least is left out of the question, until the queue is short again: healing in Normal and LFR first, Mythic's damage never.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::Difficulty;
use crate::difficulty::{HEROIC, NORMAL};
use crate::report::{Metric, RankPart};

/// How much is left out: every value leaves out what the one before it does, and more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeftOut(u8);

/// How long a message has to have waited for each value. A report is to be read within a day.
const WAITED: [TimeDelta; 4] = [TimeDelta::hours(6), TimeDelta::hours(9), TimeDelta::hours(12), TimeDelta::hours(15)];

impl LeftOut {
    /// Everything is asked for.
    pub const NOTHING: Self = Self(0);
    /// Every value, the smallest first.
    pub const ALL: [Self; 5] = [Self(0), Self(1), Self(2), Self(3), Self(4)];

    /// What is left out of a report whose message waited for so long.
    pub fn when_waited(waited: TimeDelta) -> Self {
        Self(WAITED.iter().filter(|&&least| waited >= least).count() as u8)
    }

    /// The value with this number, as it is stored; a number from nowhere leaves out nothing.
    pub fn of_number(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or_default()
    }

    /// As it is stored.
    pub fn number(self) -> u8 {
        self.0
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self.0 {
            0 => "nothing",
            1 => "healing in Normal and LFR",
            2 => "healing",
            3 => "healing, and damage in Normal and LFR",
            _ => "all but damage in Mythic",
        }
    }

    fn holds(self, metric: Metric, difficulty: Difficulty) -> bool {
        match metric {
            Metric::Hps => self.0 >= 2 || (self.0 == 1 && difficulty <= NORMAL),
            Metric::Dps => (self.0 >= 3 && difficulty <= NORMAL) || (self.0 >= 4 && difficulty <= HEROIC),
        }
    }
}

/// What is asked of a report for the ranks of `wanted`, of which the difficulties `read` were read but for what `before`
/// left out, when `now` is to be left out. Nothing is asked for no difficulty.
pub fn parts(
    wanted: &BTreeSet<Difficulty>,
    read: &BTreeSet<Difficulty>,
    before: LeftOut,
    now: LeftOut,
) -> Vec<RankPart> {
    let mut parts = Vec::new();
    for metric in Metric::ALL {
        let is_asked = |difficulty: &&Difficulty| {
            let is_read = read.contains(difficulty) && !before.holds(metric, **difficulty);
            !is_read && !now.holds(metric, **difficulty)
        };
        let asked: Vec<_> = wanted.iter().rev().filter(is_asked).copied().collect();
        if !wanted.is_empty() && asked.len() == wanted.len() {
            parts.push(RankPart { metric, difficulty: None });
        } else {
            parts.extend(asked.into_iter().map(|difficulty| RankPart { metric, difficulty: Some(difficulty) }));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(parts: &[RankPart]) -> Vec<String> {
        let told = |part: &RankPart| match part.difficulty {
            Some(difficulty) => format!("{}{difficulty}", part.metric),
            None => part.metric.to_string(),
        };
        parts.iter().map(told).collect()
    }

    #[test]
    fn the_longer_it_waited_the_less_is_asked_and_what_is_worth_least_goes_first() {
        let wanted = BTreeSet::from([1, 3, 4, 5]);
        let asked = |hours| {
            told(&parts(&wanted, &BTreeSet::new(), LeftOut::NOTHING, LeftOut::when_waited(TimeDelta::hours(hours))))
        };
        assert_eq!(asked(5), ["dps", "hps"]);
        assert_eq!(asked(6), ["dps", "hps5", "hps4"]);
        assert_eq!(asked(9), ["dps"]);
        assert_eq!(asked(12), ["dps5", "dps4"]);
        assert_eq!(asked(1000), ["dps5"]);
        assert_eq!(asked(-1000), ["dps", "hps"], "a clock that was set back");
    }

    #[test]
    fn only_what_was_left_out_is_asked_later() {
        let wanted = BTreeSet::from([3, 4, 5]);
        let later =
            |before: u8, now: u8| told(&parts(&wanted, &wanted, LeftOut::of_number(before), LeftOut::of_number(now)));
        assert_eq!(later(2, 0), ["hps"]);
        assert_eq!(later(3, 0), ["dps3", "hps"]);
        assert_eq!(later(3, 2), ["dps3"]);
        assert_eq!(later(4, 3), ["dps4"]);
        assert!(parts(&BTreeSet::new(), &wanted, LeftOut::NOTHING, LeftOut::NOTHING).is_empty());
        assert!(later(0, 0).is_empty() && later(2, 2).is_empty() && later(1, 4).is_empty());
    }

    #[test]
    fn a_difficulty_that_a_rule_adds_is_asked_alone() {
        let read = BTreeSet::from([4]);
        let asked = parts(&BTreeSet::from([4, 5]), &read, LeftOut::NOTHING, LeftOut::NOTHING);
        assert_eq!(told(&asked), ["dps5", "hps5"]);
    }

    #[test]
    fn every_value_is_stored_and_has_a_name_of_its_own() {
        let names: BTreeSet<_> = LeftOut::ALL.iter().map(|left_out| left_out.name()).collect();
        assert_eq!(names.len(), LeftOut::ALL.len());
        assert!(LeftOut::ALL.iter().all(|&left_out| LeftOut::of_number(left_out.number()) == left_out));
        assert_eq!(LeftOut::of_number(9), LeftOut::NOTHING);
    }
}

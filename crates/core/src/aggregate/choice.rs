//! Who is sent, and in which order. Pure.

use std::collections::{BTreeMap, BinaryHeap};

use crate::moment::is_ahead;
use crate::ports::{InQueue, Known, Malformed};
use crate::scrap::{Discovered, RaidsToScrap};
use crate::{Difficulty, PlayerId, RaidId, Timestamp};

/// Players told apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Pairs that were ranked lately: they are dropped.
    pub fresh: Vec<Discovered>,
    /// Pairs that wait in the queue already: they are dropped, too.
    pub waiting: Vec<Discovered>,
    /// Players with a pair of which nothing is known.
    pub never_ranked: Vec<Discovered>,
    /// Players with a pair that is known from reports alone, and since when that is so: they wait for their first full
    /// reading.
    pub met: Vec<(Discovered, Timestamp)>,
    /// Players all of whose pairs were ranked, and when the oldest of these was.
    pub ranked_before: Vec<(Discovered, Timestamp)>,
}

impl Choice {
    /// How many pairs were ranked lately.
    pub fn fresh_pairs(&self) -> u64 {
        self.fresh.iter().map(|player| player.raids_to_scrap.pair_count() as u64).sum()
    }
}

/// Tells apart players by what is known of them. Pairs ranked after `fresh_since` count as fresh, but for those that a
/// clock dated which was wrong.
pub fn choose(
    discovered: Vec<Discovered>,
    known: &BTreeMap<PlayerId, Result<Known, Malformed>>,
    waiting: &BTreeMap<PlayerId, InQueue>,
    fresh_since: Timestamp,
    now: Timestamp,
) -> Choice {
    let mut choice = Choice::default();
    for Discovered { id, mut raids_to_scrap } in discovered {
        // What cannot be read is sent: player-rank names it.
        let known = known.get(&id).and_then(|known| known.as_ref().ok());
        let read_at = |pair: &(RaidId, Difficulty)| {
            known.and_then(|known| known.read_at.get(pair)).filter(|read_at| !is_ahead(**read_at, now))
        };
        if let Some(in_queue) = waiting.get(&id) {
            let is_read_since = |pair: &(RaidId, Difficulty)| {
                in_queue.sent_at.zip(read_at(pair)).is_some_and(|(sent, read)| *read > sent)
            };
            let mut both = RaidsToScrap::default();
            let waits = |pair: &(RaidId, Difficulty)| in_queue.raids_to_scrap.contains(*pair) && !is_read_since(pair);
            raids_to_scrap.pairs().filter(waits).for_each(|(raid, difficulty)| both.insert(raid, difficulty));
            raids_to_scrap.remove(&both);
            if !both.is_empty() {
                choice.waiting.push(Discovered { id, raids_to_scrap: both });
            }
        }
        let mut fresh = RaidsToScrap::default();
        let (mut oldest, mut met_at) = (Some(Timestamp::MAX_UTC), None);
        for pair in raids_to_scrap.pairs() {
            match read_at(&pair) {
                Some(read_at) if *read_at > fresh_since => fresh.insert(pair.0, pair.1),
                Some(read_at) => oldest = oldest.map(|oldest| oldest.min(*read_at)),
                None => {
                    oldest = None;
                    let met = known.and_then(|known| known.met_at.get(&pair)).copied();
                    met_at = [met_at, met].into_iter().flatten().min();
                }
            }
        }
        raids_to_scrap.remove(&fresh);
        if !fresh.is_empty() {
            choice.fresh.push(Discovered { id, raids_to_scrap: fresh });
        }
        if raids_to_scrap.is_empty() {
            continue;
        }
        let player = Discovered { id, raids_to_scrap };
        match (oldest, met_at) {
            (None, None) => choice.never_ranked.push(player),
            (None, Some(met_at)) => choice.met.push((player, met_at)),
            (Some(oldest), _) => choice.ranked_before.push((player, oldest)),
        }
    }
    choice
}

/// The players that were ranked, or met, longest ago, of any number that are looked at.
#[derive(Debug, Default)]
pub struct LongestAgo(BinaryHeap<(Timestamp, PlayerId)>);

impl LongestAgo {
    /// Looks at one more; of all, only `most` are kept.
    pub fn push(&mut self, player: &Discovered, at: Timestamp, most: u64) {
        self.0.push((at, player.id));
        while self.0.len() as u64 > most {
            self.0.pop();
        }
    }

    /// Those that were kept, the longest ago first.
    pub fn into_players(self) -> Vec<PlayerId> {
        self.0.into_sorted_vec().into_iter().map(|(_, player)| player).collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::testing::{found, noon};

    fn known(pairs: &[(u8, i64)]) -> Known {
        let read_at = pairs.iter().map(|(difficulty, hours)| ((31, *difficulty), noon() - TimeDelta::hours(*hours)));
        Known { read_at: read_at.collect(), ..Known::default() }
    }

    fn pairs(id: PlayerId, difficulties: &[u8]) -> Discovered {
        let mut raids_to_scrap = RaidsToScrap::default();
        difficulties.iter().for_each(|difficulty| raids_to_scrap.insert(31, *difficulty));
        Discovered { id, raids_to_scrap }
    }

    #[test]
    fn who_was_ranked_lately_or_waits_already_is_dropped() {
        let discovered = vec![found(1), pairs(2, &[3, 4]), pairs(3, &[3, 4]), pairs(4, &[3, 4]), found(5)];
        let known = BTreeMap::from([
            (2, Ok(known(&[(3, 5), (4, 30)]))),
            (3, Ok(known(&[(4, 5)]))),
            (4, Ok(known(&[(3, 40), (4, 50)]))),
        ]);
        let in_queue = |sent_hours_ago| InQueue {
            raids_to_scrap: RaidsToScrap::one(31, 4),
            sent_at: Some(noon() - TimeDelta::hours(sent_hours_ago)),
        };
        // 4 was read since it was sent: that its message has ended was not written down.
        let waiting = BTreeMap::from([(4, in_queue(60)), (5, in_queue(1))]);
        let choice = choose(discovered, &known, &waiting, noon() - TimeDelta::hours(20), noon());
        assert_eq!(choice.fresh, [pairs(2, &[3]), pairs(3, &[4])]);
        assert_eq!(choice.waiting, [found(5)]);
        assert_eq!(choice.never_ranked, [found(1), pairs(3, &[3])]);
        let ago = |hours| noon() - TimeDelta::hours(hours);
        assert_eq!(choice.ranked_before, [(pairs(2, &[4]), ago(30)), (pairs(4, &[3, 4]), ago(50))]);
    }

    #[test]
    fn who_is_known_from_reports_alone_waits_by_age() {
        let hours_ago = |hours| noon() - TimeDelta::hours(hours);
        let met =
            Known { met_at: BTreeMap::from([((31, 3), hours_ago(9)), ((31, 4), hours_ago(70))]), ..known(&[(5, 40)]) };
        let known = BTreeMap::from([(1, Ok(met)), (2, Ok(known(&[(4, 40)])))]);
        let discovered = vec![pairs(1, &[3, 4, 5]), pairs(2, &[4]), pairs(3, &[4])];
        let choice = choose(discovered.clone(), &known, &BTreeMap::new(), hours_ago(20), noon());
        assert_eq!(choice.met, [(discovered[0].clone(), hours_ago(70))]);
        assert_eq!(choice.ranked_before, [(discovered[1].clone(), hours_ago(40))]);
        assert_eq!(choice.never_ranked, discovered[2..]);
    }

    #[test]
    fn what_a_wrong_clock_dated_is_neither_fresh_nor_read_since() {
        let read = BTreeMap::from([(1, Ok(known(&[(4, -48)])))]);
        let fresh_since = noon() - TimeDelta::hours(20);
        let choice = choose(vec![found(1)], &read, &BTreeMap::new(), fresh_since, noon());
        assert_eq!((choice.never_ranked.len(), choice.fresh.len()), (1, 0), "two days ahead");
        let in_queue = InQueue { raids_to_scrap: RaidsToScrap::one(31, 4), sent_at: Some(fresh_since) };
        let choice = choose(vec![found(1)], &read, &BTreeMap::from([(1, in_queue)]), fresh_since, noon());
        assert_eq!(choice.waiting, [found(1)]);
        let read = BTreeMap::from([(1, Ok(known(&[(4, -1)])))]);
        assert_eq!(choose(vec![found(1)], &read, &BTreeMap::new(), fresh_since, noon()).fresh, [found(1)]);
    }

    #[test]
    fn what_was_read_at_the_very_moment_is_neither_fresh_nor_read_since() {
        let read = BTreeMap::from([(1, Ok(known(&[(4, 20)])))]);
        let fresh_since = noon() - TimeDelta::hours(20);
        let choice = choose(vec![found(1)], &read, &BTreeMap::new(), fresh_since, noon());
        assert_eq!(choice.ranked_before, [(found(1), fresh_since)]);
        let in_queue = InQueue { raids_to_scrap: RaidsToScrap::one(31, 4), sent_at: Some(fresh_since) };
        let choice = choose(vec![found(1)], &read, &BTreeMap::from([(1, in_queue)]), fresh_since, noon());
        assert_eq!(choice, Choice { waiting: vec![found(1)], ..Choice::default() });
    }

    #[test]
    fn those_ranked_longest_ago_are_kept() {
        let mut longest_ago = LongestAgo::default();
        for (id, hours) in [(1, 30), (2, 50), (3, 20), (4, 40)] {
            longest_ago.push(&found(id), noon() - TimeDelta::hours(hours), 3);
        }
        assert_eq!(longest_ago.into_players(), [2, 4, 1]);
    }
}

//! Folding the rows of reports into a player's ranks. Pure, and order-free: any order of rows, any repetition, and two
//! uploads of one kill give the same part.
//!
//! A part is one metric of one raid and difficulty. Of its newest partition it keeps the highest rank of each boss and
//! when the kills ended; what lies before its last full reading is in that already, and an older partition is ignored.
//!
//! A log that is found after a full reading may hold a kill before it. If the kill's end is remembered, another log had it
//! in time, and the reading counts it. If not, nothing is counted here: another full reading will.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::player::{DifficultyRanks, EncounterRank, Folding, MetricRanks, RaidRanks, RankedKill};
use crate::{Difficulty, EncounterId, RaidId, Timestamp};

/// Ends of one kill in two loggers' uploads lie no further apart than this.
pub const SAME_KILL: TimeDelta = TimeDelta::seconds(120);
/// Ends of kills are remembered for so long, and older kills are not counted.
pub const REMEMBERED: TimeDelta = TimeDelta::days(35);

/// Folds kills of one report into a player's ranks.
pub fn fold(ranks: &mut RaidRanks, kills: &[RankedKill], folding: &Folding) {
    let mut by_part: BTreeMap<(RaidId, Difficulty, String), Vec<&RankedKill>> = BTreeMap::new();
    for kill in kills {
        by_part.entry((kill.raid, kill.difficulty, kill.metric.to_string())).or_default().push(kill);
    }
    for ((raid, difficulty, metric), kills) in by_part {
        let metrics: &mut DifficultyRanks = ranks.entry(raid).or_default().entry(difficulty).or_default();
        let mut folded = fold_part(metrics.remove(&metric), &kills, folding);
        folded.ranked_at = folded.ranked_at.max(folding.ranked_at);
        metrics.insert(metric, folded);
    }
}

fn fold_part(stored: Option<MetricRanks>, kills: &[&RankedKill], folding: &Folding) -> MetricRanks {
    let newest = kills.iter().map(|kill| kill.partition).max().unwrap_or_default();
    let mut part = match stored {
        Some(stored) if stored.partition >= newest => stored,
        _ => MetricRanks { partition: newest, ..MetricRanks::default() },
    };
    let mut by_boss: BTreeMap<EncounterId, Vec<&RankedKill>> = BTreeMap::new();
    for kill in kills.iter().filter(|kill| kill.partition == part.partition) {
        by_boss.entry(kill.encounter).or_default().push(kill);
    }
    for (boss, kills) in by_boss {
        fold_boss(&mut part, boss, &kills, folding);
    }
    if !part.specs.is_empty() {
        part.spec = most_common(part.specs.values());
    }
    part
}

fn fold_boss(part: &mut MetricRanks, boss: EncounterId, kills: &[&RankedKill], folding: &Folding) {
    let read_at = part.read_at.unwrap_or(Timestamp::MIN_UTC);
    let horizon = folding.now - REMEMBERED;
    let is_found_by_then = folding.found_at.is_some_and(|found_at| found_at <= read_at);
    let is_remembered = |end: &Timestamp| *end >= horizon && (*end > read_at || is_found_by_then);
    let mut ends = part.ends.remove(&boss).unwrap_or_default();
    // What was counted besides the ends after the last full reading.
    let stored_kills = part.encounters.get(&boss).map_or(0, |rank| rank.kills);
    let mut base = stored_kills.saturating_sub(distinct_after(read_at, &ends));
    ends.extend(kills.iter().map(|kill| kill.ended_at).filter(is_remembered));
    ends.sort_unstable();
    ends.dedup();
    let is_ranked_before =
        |kill: &&RankedKill| kill.percent.is_some() && (kill.ended_at <= read_at || kill.ended_at < horizon);
    if ends.first().is_some_and(|end| *end <= read_at) || kills.iter().any(is_ranked_before) {
        // It has no rank in the reading, and is one kill all the same.
        base = base.max(1);
    }
    let total = base + distinct_after(read_at, &ends);
    ends.retain(|end| *end >= horizon);
    if !ends.is_empty() {
        part.ends.insert(boss, ends);
    }
    let spec_of_best = part.specs.get(&boss).cloned().unwrap_or_default();
    let stored = part.encounters.get(&boss).map(|rank| (rank.rank_percent, spec_of_best));
    let spec = |kill: &RankedKill| kill.spec.clone().unwrap_or_default();
    let told = kills.iter().filter_map(|kill| Some((kill.percent?.clamp(0.0, 100.0), spec(kill))));
    let best = told.chain(stored).max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    if let Some((rank_percent, spec)) = best {
        part.encounters.insert(boss, EncounterRank { rank_percent, kills: total.max(1) });
        part.specs.insert(boss, spec);
    }
}

/// How many kills the ends (in order) after `read_at` are of: neighbours that lie close together are one kill.
fn distinct_after(read_at: Timestamp, ends: &[Timestamp]) -> u32 {
    let ends = &ends[ends.partition_point(|end| *end <= read_at)..];
    let gaps = ends.windows(2).filter(|pair| pair[1] - pair[0] > SAME_KILL).count();
    u32::try_from(gaps).unwrap_or(u32::MAX).saturating_add(u32::from(!ends.is_empty()))
}

/// The spec of most bosses; of equals the first by name. An empty one is unknown.
pub fn most_common<'a>(specs: impl Iterator<Item = &'a String>) -> Option<String> {
    let mut counts: BTreeMap<&String, u32> = BTreeMap::new();
    specs.filter(|spec| !spec.is_empty()).for_each(|spec| *counts.entry(spec).or_default() += 1);
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(spec, _)| spec.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric::Metric;
    use crate::testing::noon;

    fn kill(encounter: u32, percent: Option<f64>, minutes_ago: i64) -> RankedKill {
        RankedKill {
            raid: 44,
            difficulty: 4,
            metric: Metric::Dps,
            encounter,
            partition: 2,
            percent,
            spec: Some("Frost".to_owned()),
            ended_at: noon() - TimeDelta::minutes(minutes_ago),
        }
    }

    /// A folding of reports of which it is not known when they were found.
    fn at(now: Timestamp) -> Folding {
        Folding { found_at: None, now, ranked_at: now }
    }

    fn folded(kills: &[RankedKill]) -> MetricRanks {
        let mut ranks = RaidRanks::new();
        fold(&mut ranks, kills, &at(noon()));
        ranks[&44][&4]["dps"].clone()
    }

    #[test]
    fn the_highest_rank_counts_and_each_kill_once() {
        let twin = RankedKill {
            ended_at: noon() - TimeDelta::minutes(60) + TimeDelta::seconds(114),
            ..kill(1, Some(70.5), 60)
        };
        let part = folded(&[kill(1, Some(70.0), 60), twin, kill(1, Some(91.0), 9000), kill(2, Some(5.0), 30)]);
        assert_eq!(part.encounters[&1], EncounterRank { rank_percent: 91.0, kills: 2 });
        assert_eq!(part.encounters[&2], EncounterRank { rank_percent: 5.0, kills: 1 });
        assert_eq!((part.partition, part.read_at, part.spec.as_deref()), (2, None, Some("Frost")));
    }

    #[test]
    fn a_kill_whose_rank_is_not_there_yet_counts_when_it_comes() {
        let early = folded(&[kill(1, None, 60)]);
        assert!(early.encounters.is_empty(), "only bosses with a rank are kept");
        let mut ranks = RaidRanks::from([(44, BTreeMap::from([(4, BTreeMap::from([("dps".to_owned(), early)]))]))]);
        fold(&mut ranks, &[kill(1, Some(50.0), 60)], &at(noon()));
        assert_eq!(ranks[&44][&4]["dps"].encounters[&1], EncounterRank { rank_percent: 50.0, kills: 1 });
    }

    #[test]
    fn what_lies_before_the_last_full_reading_is_in_it_already() {
        let read = MetricRanks {
            partition: 2,
            ranked_at: noon(),
            read_at: Some(noon() - TimeDelta::hours(2)),
            encounters: BTreeMap::from([(1, EncounterRank { rank_percent: 80.0, kills: 7 })]),
            ..MetricRanks::default()
        };
        let mut ranks = RaidRanks::from([(44, BTreeMap::from([(4, BTreeMap::from([("dps".to_owned(), read)]))]))]);
        fold(&mut ranks, &[kill(1, Some(85.0), 121), kill(1, Some(60.0), 119)], &at(noon()));
        let part = &ranks[&44][&4]["dps"];
        assert_eq!(part.encounters[&1], EncounterRank { rank_percent: 85.0, kills: 8 });
        assert_eq!(part.read_at, Some(noon() - TimeDelta::hours(2)));
    }

    #[test]
    fn of_kills_before_the_last_full_reading_those_are_remembered_that_it_counts() {
        let read_at = noon() - TimeDelta::hours(2);
        let read = MetricRanks {
            read_at: Some(read_at),
            partition: 2,
            encounters: BTreeMap::from([(1, EncounterRank { rank_percent: 80.0, kills: 7 })]),
            ..MetricRanks::default()
        };
        for (found_at, remembered) in [
            (None, 0),
            (Some(read_at - TimeDelta::seconds(1)), 1),
            (Some(read_at), 1),
            (Some(read_at + TimeDelta::seconds(1)), 0),
        ] {
            let ranks = BTreeMap::from([("dps".to_owned(), read.clone())]);
            let mut ranks = RaidRanks::from([(44, BTreeMap::from([(4, ranks)]))]);
            let folding = Folding { found_at, ..at(noon()) };
            fold(&mut ranks, &[kill(1, None, 180)], &folding);
            let before = ranks[&44][&4]["dps"].clone();
            assert_eq!(before.ends.values().flatten().count(), remembered, "found at {found_at:?}");
            fold(&mut ranks, &[kill(1, None, 30)], &folding);
            let part = &ranks[&44][&4]["dps"];
            assert_eq!((before.encounters[&1].kills, part.encounters[&1].kills), (7, 8), "found at {found_at:?}");
            assert_eq!(part.ends[&1].len(), remembered + 1);
        }
    }

    #[test]
    fn an_older_partition_is_ignored_and_a_newer_one_starts_the_part_anew() {
        let older = RankedKill { partition: 1, ..kill(1, Some(99.0), 60) };
        let newer = RankedKill { partition: 3, ..kill(1, Some(20.0), 30) };
        for order in [[older.clone(), kill(1, Some(50.0), 40), newer.clone()], [newer, kill(1, Some(50.0), 40), older]]
        {
            let mut ranks = RaidRanks::new();
            order.iter().for_each(|kill| fold(&mut ranks, std::slice::from_ref(kill), &at(noon())));
            let part = &ranks[&44][&4]["dps"];
            assert_eq!((part.partition, part.encounters[&1].rank_percent, part.encounters[&1].kills), (3, 20.0, 1));
        }
    }

    #[test]
    fn kills_stay_counted_when_their_ends_are_forgotten() {
        let mut ranks = RaidRanks::new();
        fold(&mut ranks, &[kill(1, Some(50.0), 60), kill(1, Some(40.0), 600)], &at(noon()));
        let later = noon() + TimeDelta::days(36);
        let fresh = RankedKill { ended_at: later - TimeDelta::hours(1), ..kill(1, Some(30.0), 0) };
        fold(&mut ranks, &[fresh], &at(later));
        let part = &ranks[&44][&4]["dps"];
        assert_eq!((part.encounters[&1].kills, part.ends[&1].len()), (3, 1));
    }

    #[test]
    fn the_spec_is_that_of_most_bosses() {
        let arcane = |boss| RankedKill { spec: Some("Arcane".to_owned()), ..kill(boss, Some(50.0), 60) };
        assert_eq!(folded(&[arcane(1), kill(2, Some(9.0), 50), kill(3, Some(9.0), 40)]).spec.as_deref(), Some("Frost"));
        assert_eq!(folded(&[kill(1, Some(9.0), 50), arcane(2)]).spec.as_deref(), Some("Arcane"), "of equals the first");
    }

    fn kills() -> impl Strategy<Value = Vec<RankedKill>> {
        let one = (1..4_u32, prop::option::of(0..=100_u32), 0..400_i64, 1..3_i32, 0..3_u8).prop_map(
            |(boss, percent, half_minutes, partition, spec)| RankedKill {
                partition,
                spec: [None, Some("Frost".to_owned()), Some("Fire".to_owned())][usize::from(spec)].clone(),
                ended_at: noon() - TimeDelta::seconds(half_minutes * 30),
                ..kill(boss, percent.map(f64::from), 0)
            },
        );
        prop::collection::vec(one, 1..12)
    }

    proptest! {
        /// Any order, any repetition, any cut into batches.
        #[test]
        fn folding_is_order_free_and_idempotent(
            kills in kills(), order in any::<u64>(), repeated in 0..12_usize, cut in 0..12_usize,
            read in prop::option::of((0..200_i64, 0..200_i64)),
        ) {
            // Minutes ago: the last full reading of a part, and when the reports were found.
            let minutes_ago = |minutes: i64| noon() - TimeDelta::minutes(minutes);
            let stored = read.map_or_else(RaidRanks::new, |(read, _)| {
                let encounters = BTreeMap::from([(1, EncounterRank { rank_percent: 7.0, kills: 5 })]);
                let read_at = Some(minutes_ago(read));
                let part = MetricRanks { partition: 1, read_at, encounters, ..MetricRanks::default() };
                RaidRanks::from([(44, BTreeMap::from([(4, BTreeMap::from([("dps".to_owned(), part)]))]))])
            });
            let folding = Folding { found_at: read.map(|(_, found)| minutes_ago(found)), ..at(noon()) };
            let mut at_once = stored.clone();
            fold(&mut at_once, &kills, &folding);
            let mut shuffled = kills.clone();
            let length = shuffled.len();
            for index in 0..length {
                shuffled.swap(index, (order.rotate_left(index as u32 * 5) as usize) % length);
            }
            shuffled.push(kills[repeated % length].clone());
            let (first, second) = shuffled.split_at(cut.min(length));
            let mut in_parts = stored;
            for batch in [first, second, first] {
                fold(&mut in_parts, batch, &folding);
            }
            prop_assert_eq!(in_parts, at_once);
        }
    }

    #[test]
    fn ends_that_lie_two_minutes_apart_are_one_kill_and_a_second_more_makes_two() {
        let apart = |seconds| {
            let later = RankedKill {
                ended_at: noon() - TimeDelta::hours(1) + TimeDelta::seconds(seconds),
                ..kill(1, Some(1.0), 0)
            };
            folded(&[kill(1, Some(1.0), 60), later]).encounters[&1].kills
        };
        assert_eq!([apart(120), apart(121)], [1, 2]);
    }

    #[test]
    fn a_kill_of_the_moment_of_the_last_full_reading_is_in_it_and_one_of_the_horizon_counts() {
        let read = MetricRanks {
            partition: 2,
            read_at: Some(noon() - TimeDelta::days(35)),
            encounters: BTreeMap::from([(1, EncounterRank { rank_percent: 80.0, kills: 7 })]),
            ..MetricRanks::default()
        };
        let kills_after = |read_days_ago, ended_days_ago: i64| {
            let read = MetricRanks { read_at: Some(noon() - TimeDelta::days(read_days_ago)), ..read.clone() };
            let mut ranks = RaidRanks::from([(44, BTreeMap::from([(4, BTreeMap::from([("dps".to_owned(), read)]))]))]);
            fold(&mut ranks, &[kill(1, Some(60.0), ended_days_ago * 24 * 60)], &at(noon()));
            let part = &ranks[&44][&4]["dps"];
            (part.encounters[&1].kills, part.ends.contains_key(&1))
        };
        assert_eq!(kills_after(3, 3), (7, false));
        assert_eq!(kills_after(90, 35), (8, true));
        assert_eq!(kills_after(90, 36), (7, false));
    }

    #[test]
    fn a_spec_that_wcl_does_not_say_is_unknown() {
        let unknown = RankedKill { spec: None, ..kill(1, Some(50.0), 60) };
        assert_eq!(folded(std::slice::from_ref(&unknown)).spec, None);
        assert_eq!(folded(&[unknown, kill(2, Some(9.0), 50)]).spec.as_deref(), Some("Frost"));
    }
}

//! The question for ranks of players: alias `p<id>` for a character, `z<raid>d<difficulty>` and, for what it healed, the
//! same with an `h` for each raid + difficulty.

use std::fmt::Write;

use parsebook_core::report::Metric;
use parsebook_core::scrap::RaidsToScrap;
use parsebook_core::{Difficulty, PlayerId, RaidId};

use super::super::question::Question;

/// Most characters in one request. No limit is published; 25 are known to work.
const PLAYERS_PER_REQUEST: usize = 25;
/// Most `zoneRankings` in one request.
const RANKINGS_PER_REQUEST: usize = 75;

/// One character, and what is asked of it.
#[derive(Debug, Clone)]
pub struct Ask<'w> {
    pub id: PlayerId,
    pub raids: &'w RaidsToScrap,
    /// The metrics, in this order.
    pub metrics: &'static [Metric],
}

impl Ask<'_> {
    fn rankings(&self) -> usize {
        self.raids.pair_count() * self.metrics.len()
    }
}

/// How many of the first `asks` one request carries.
pub fn fitting(asks: &[Ask<'_>]) -> usize {
    let mut rankings = 0;
    let fits = |ask: &&Ask<'_>| {
        rankings += ask.rankings();
        rankings <= RANKINGS_PER_REQUEST
    };
    // A player with more than fit gets a request of its own.
    asks.iter().take(PLAYERS_PER_REQUEST).take_while(fits).count().max(1).min(asks.len())
}

pub fn question(asks: &[Ask<'_>]) -> Question {
    let mut fields = String::new();
    let mut cost = 0.0;
    for ask in asks {
        cost += 1.0 + 5.0 * ask.rankings() as f64;
        let id = ask.id;
        // Writing to a String cannot fail.
        let _ = write!(
            fields,
            "p{id}: character(id: {id}) {{ id canonicalID name classID hidden server {{ name normalizedName region {{ compactName }} }}"
        );
        for (raid, difficulty) in ask.raids.pairs() {
            for &metric in ask.metrics {
                let alias = alias(raid, difficulty, metric);
                let role = match metric {
                    Metric::Dps => "",
                    // Without the role WCL takes the best percentile over all specs.
                    Metric::Hps => ", role: Healer",
                };
                let _ = write!(
                    fields,
                    " {alias}: zoneRankings(zoneID: {raid}, difficulty: {difficulty}, metric: {metric}{role})"
                );
            }
        }
        fields.push_str(" } ");
    }
    Question::new("characterData", &fields, cost)
}

/// The alias of one raid + difficulty in one metric.
pub fn alias(raid: RaidId, difficulty: Difficulty, metric: Metric) -> String {
    let suffix = match metric {
        Metric::Dps => "",
        Metric::Hps => "h",
    };
    format!("z{raid}d{difficulty}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: &[Metric] = &[Metric::Dps, Metric::Hps];

    fn raids(pairs: u32) -> RaidsToScrap {
        let mut raids = RaidsToScrap::default();
        (0..pairs).for_each(|raid| raids.insert(31 + raid, 4));
        raids
    }

    #[test]
    fn requests_stay_within_both_bounds() {
        let (few, many) = (raids(30), raids(90));
        let ask = |raids, metrics| Ask { id: 1, raids, metrics };
        let dps = &BOTH[..1];
        assert_eq!(fitting(&[ask(&few, dps), ask(&few, dps), ask(&few, dps)]), 2);
        assert_eq!(fitting(&[ask(&few, BOTH), ask(&few, dps)]), 1);
        assert_eq!(fitting(&[ask(&many, dps), ask(&few, dps)]), 1);
        assert_eq!(fitting(&vec![ask(&raids(1), dps); 40]), PLAYERS_PER_REQUEST);
        assert_eq!(fitting(&[]), 0);
    }

    #[test]
    fn the_metric_is_always_named() {
        let raids = raids(1);
        let asks = [Ask { id: 7, raids: &raids, metrics: BOTH }, Ask { id: 8, raids: &raids, metrics: &BOTH[..1] }];
        let Question { query, root, cost } = question(&asks);
        assert_eq!((root, cost), ("characterData", 17.0));
        for part in [
            "rateLimitData",
            "p7: character(id: 7)",
            "z31d4: zoneRankings(zoneID: 31, difficulty: 4, metric: dps)",
            "z31d4h: zoneRankings(zoneID: 31, difficulty: 4, metric: hps, role: Healer)",
            "p8: character",
        ] {
            assert!(query.contains(part), "{part} in {query}");
        }
        assert_eq!(query.matches("zoneRankings(").count(), 3);
    }
}

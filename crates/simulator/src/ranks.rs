//! What a kill is worth: its percentage and amount under a metric, so that the best of a player's kills of a boss has
//! exactly the world's rank and no other one is better.

use serde_json::Number;

use crate::behaviour::{Compare, Timeframe};
use crate::classes::{Role, Spec};
use crate::rng::hash;
use crate::world::{Kill, Metric, Player, rank_fraction, spec_of};

/// All of a player's kills of one boss under one metric. The spec is that of the role in which they were made, whatever
/// the metric: a healer has damage, too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'w> {
    pub player: Player<'w>,
    pub kill: &'w Kill,
    pub metric: Metric,
    /// Kills that stand in reports at most; the best is one of them.
    pub most: u16,
}

/// Whose ranks a percentage is compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lens {
    pub compare: Compare,
    pub timeframe: Timeframe,
}

impl<'w> Line<'w> {
    /// The spec and role the kills were made in.
    pub(crate) fn spec(&self) -> Spec {
        spec_of(self.player.record.id, self.player.class_id(), self.kill.metric)
    }

    pub(crate) fn is_healer(&self) -> bool {
        self.spec().2 == Role::Healer
    }

    fn hash(&self, round: u16, salt: u64) -> u64 {
        let kill = self.kill;
        let boss = u64::from(kill.raid) << 16 | u64::from(kill.difficulty) << 8 | u64::from(kill.encounter);
        hash(&[self.player.record.id.into(), boss, self.metric as u64, round.into(), salt])
    }

    /// The best percentage, in ten-thousandths: the world's under the metric it gives, else a made-up one.
    fn best(&self) -> u64 {
        if self.metric == self.kill.metric {
            u64::from(self.kill.rank) * 10_000 + u64::from(rank_fraction(self.player.record.id, self.kill))
        } else {
            self.hash(0, 1) % 1_000_001
        }
    }

    fn reported(&self) -> u16 {
        self.kill.kills.min(self.most).max(1)
    }

    fn best_round(&self) -> u16 {
        (self.hash(0, 2) % u64::from(self.reported())) as u16
    }

    /// The kill with the highest amount, where that is not the one with the best percentage: in one line of eleven.
    fn loudest_round(&self) -> u16 {
        let is_odd = self.hash(0, 3).is_multiple_of(11);
        if is_odd { (self.best_round() + 1) % self.reported() } else { self.best_round() }
    }

    /// The percentage of a kill, in ten-thousandths, as seen through a lens.
    pub(crate) fn percent(&self, round: u16, lens: Lens) -> u64 {
        let best = self.best();
        let own = if round == self.best_round() { best } else { self.hash(round, 4) % (best + 1) };
        let aged = match lens.timeframe {
            Timeframe::Historical => own,
            Timeframe::Today => own - own * (self.hash(round, 5) % 800) / 10_000,
        };
        match lens.compare {
            Compare::Rankings => aged,
            Compare::Parses => (aged + self.hash(round, 6) % 30_000).min(1_000_000),
        }
    }

    /// The amount per second. It rises with the percentage but for the loudest kill. A healer may do no damage at all.
    pub(crate) fn amount(&self, round: u16) -> f64 {
        if self.metric != self.kill.metric && self.hash(round, 7).is_multiple_of(400) {
            return 0.0;
        }
        let lens = Lens { compare: Compare::Rankings, timeframe: Timeframe::Historical };
        let of = |percent: u64| {
            let level =
                200_000.0 * f64::from(self.kill.difficulty) + (hash(&[self.kill.encounter.into()]) % 90_000) as f64;
            level * (0.4 + percent as f64 / 1_000_000.0)
        };
        let amount = of(self.percent(round, lens));
        if round == self.loudest_round() && round != self.best_round() { of(self.best()) * 1.02 } else { amount }
    }

    /// Of these rounds the one with the highest amount.
    pub(crate) fn loudest(&self, rounds: impl Iterator<Item = u16>) -> Option<u16> {
        rounds.max_by(|&a, &b| self.amount(a).total_cmp(&self.amount(b)).then(b.cmp(&a)))
    }

    /// Of these rounds the one with the highest percentage.
    pub(crate) fn best_of(&self, rounds: impl Iterator<Item = u16>, lens: Lens) -> Option<u16> {
        rounds.max_by_key(|&round| (self.percent(round, lens), std::cmp::Reverse(round)))
    }
}

/// The number of a percentage in ten-thousandths: without a fraction an integer, as the API mixes them.
pub(crate) fn number(ten_thousandths: u64) -> Number {
    amount_number(ten_thousandths as f64 / 10_000.0)
}

/// A number as PHP prints it: an integer when it is one.
pub(crate) fn amount_number(value: f64) -> Number {
    if value.fract() == 0.0 {
        Number::from(value as i64)
    } else {
        // Amounts and percentages are finite.
        Number::from_f64(value).unwrap_or_else(|| Number::from(0))
    }
}

/// The place among `total` whose percentage `floor((1 - (place - 1) / total) * 100)` is this one, rounded down.
pub(crate) fn place(ten_thousandths: u64, total: u64) -> u64 {
    let percent = ten_thousandths / 10_000;
    let before = (1_000_000 - ten_thousandths) * total / 1_000_000;
    let least = if percent >= 100 { 0 } else { (99 - percent) * total / 100 + 1 };
    let most = (100 - percent.min(100)) * total / 100;
    before.clamp(least, most.max(least)) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_percentages_agree_rounded_down() {
        for total in [1_000, 1_314, 9_746, 20_000] {
            for percent in (0..=1_000_000).step_by(777) {
                let before = place(percent, total) - 1;
                assert!(before <= total, "{percent} of {total}");
                assert_eq!((total - before) * 100 / total, percent / 10_000, "{percent} of {total}");
            }
        }
    }

    #[test]
    fn numbers_print_as_the_api_mixes_them() {
        let text = |value| number(value).to_string();
        assert_eq!([text(0), text(1_000_000), text(535_000), text(993_903)], ["0", "100", "53.5", "99.3903"]);
    }
}

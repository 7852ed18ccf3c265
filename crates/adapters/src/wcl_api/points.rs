//! What is known of a key's points: the last reading, what a 429 said, and how Warcraft Logs prices a report's ranks.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use parsebook_core::Timestamp;
use parsebook_core::ports::KeyPoints;
use serde_json::Value;

use super::json;

/// How many points a key has, and when that was known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub limit_per_hour: f64,
    pub spent: f64,
    pub resets_at: Timestamp,
    pub read_at: Timestamp,
}

/// A reading this old is asked anew: others may have spent from the same key.
const FRESH_FOR: TimeDelta = TimeDelta::seconds(10);
/// Two readings whose resets differ by less are of the same hour: the reset is told in whole seconds.
const SAME_HOUR: TimeDelta = TimeDelta::seconds(3);
/// How long a 429 is believed. Its `Retry-After` was seen to be wrong (1036 s, points again after 60): after this the
/// API is asked for the points.
pub const DOUBT: TimeDelta = TimeDelta::minutes(1);

impl Reading {
    /// The reading in an answer; its times count from `now`.
    pub fn in_answer(answer: &Value, now: Timestamp) -> Option<Self> {
        let field = |name: &str| json::number(answer.get("data")?.get("rateLimitData")?.get(name)?);
        #[expect(clippy::cast_possible_truncation, reason = "clamped to an hour")]
        let reset_in = TimeDelta::milliseconds((field("pointsResetIn")?.clamp(0.0, 3600.0) * 1000.0) as i64);
        Some(Self {
            limit_per_hour: field("limitPerHour")?,
            spent: field("pointsSpentThisHour")?,
            resets_at: now + reset_in,
            read_at: now,
        })
    }

    /// A key of which only the reset is known.
    pub fn exhausted(resets_at: Timestamp) -> Self {
        Self { limit_per_hour: 0.0, spent: 0.0, resets_at, read_at: resets_at }
    }

    /// The reading as a port's answer.
    pub fn of(&self, key: &str) -> KeyPoints {
        KeyPoints {
            key: key.to_owned(),
            limit_per_hour: self.limit_per_hour,
            remaining: (self.limit_per_hour - self.spent).max(0.0),
            resets_at: self.resets_at,
        }
    }

    /// Whether both are of one hour of the same key.
    pub fn is_of_the_hour(&self, other: &Self) -> bool {
        (self.resets_at - other.resets_at).abs() < SAME_HOUR && self.limit_per_hour == other.limit_per_hour
    }
}

/// The two ways in which a report's ranks may be priced; which one holds is not published.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReportPrice {
    /// The same for every report.
    pub flat: f64,
    /// By the kills in it.
    pub per_kill: f64,
}

/// Where in the row of readings a request's own stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Receipt {
    number: u64,
    reading: Reading,
}

impl Receipt {
    /// What the request's answer told.
    pub fn reading(&self) -> Reading {
        self.reading
    }
}

/// The points of one key.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    reading: Option<Reading>,
    /// Readings so far.
    count: u64,
    /// A request whose cost the next reading tells.
    bill: Option<(Receipt, ReportPrice)>,
    /// Whether a report's ranks were seen to cost the flat price.
    is_flat: bool,
}

impl Ledger {
    /// Readings so far: what a request tells [`Self::record`] when its answer has come.
    pub fn count(&self) -> u64 {
        self.lock().count
    }

    /// Keeps the reading of a request begun when there had been `begun` readings. WCL tells what was spent before the
    /// request that carries the reading, so that request's `cost` is added. Readings of requests that ran side by side
    /// arrive in any order: among them the highest counts.
    pub fn record(&self, reading: Reading, cost: f64, begun: u64) -> Receipt {
        let mut known = self.lock();
        let is_next = known.count == begun;
        if let Some((receipt, price)) = known.bill.take()
            && is_next
            && receipt.number == begun
            && receipt.reading.is_of_the_hour(&reading)
        {
            // Others' spending can make it look dearer, never cheaper.
            let measured = reading.spent - receipt.reading.spent;
            known.is_flat |= price.per_kill - price.flat >= 2.0 && measured < f64::midpoint(price.flat, price.per_kill);
        }
        known.count += 1;
        let receipt = Receipt { number: known.count, reading };
        let mut reading = Reading { spent: reading.spent + cost, ..reading };
        if let Some(before) = known.reading.filter(|before| !is_next && before.is_of_the_hour(&reading)) {
            reading.spent = reading.spent.max(before.spent);
        }
        known.reading = Some(reading);
        receipt
    }

    /// What reports' ranks cost as far as known (the dear way until the cheap one was seen), in place of the `expected`
    /// that was told to [`Self::record`].
    pub fn settle(&self, receipt: Option<Receipt>, price: ReportPrice, expected: f64) -> f64 {
        let mut known = self.lock();
        let cost = if known.is_flat { price.flat } else { price.per_kill };
        if let Some(receipt) = receipt {
            if let Some(reading) = known.reading.as_mut().filter(|reading| reading.is_of_the_hour(&receipt.reading)) {
                reading.spent = (reading.spent + cost - expected).max(0.0);
            }
            known.bill = Some((receipt, price));
        }
        cost
    }

    /// Whether a report's ranks were seen to cost the flat price.
    pub fn is_flat(&self) -> bool {
        self.lock().is_flat
    }

    /// Remembers that the API answered "no points" at `now`; the answer is when to ask for them.
    pub fn doubt(&self, now: Timestamp) -> Timestamp {
        let mut known = self.lock();
        let limit_per_hour = known.reading.map_or(0.0, |reading| reading.limit_per_hour);
        let resets_at = now + DOUBT;
        known.reading = Some(Reading { limit_per_hour, spent: limit_per_hour, resets_at, read_at: now });
        resets_at
    }

    /// The last reading, if it can still be trusted at `now`.
    pub fn fresh(&self, now: Timestamp) -> Option<Reading> {
        let reading = self.lock().reading?;
        let used_up = reading.spent >= reading.limit_per_hour;
        // A key that was used up stays so until its reset, however long ago that was read.
        (now < reading.resets_at && (used_up || now - reading.read_at < FRESH_FOR)).then_some(reading)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn reading(spent: f64) -> Reading {
        Reading { limit_per_hour: 3600.0, spent, resets_at: NOW + TimeDelta::minutes(10), read_at: NOW }
    }

    #[test]
    fn a_reading_counts_the_request_it_came_with_and_ages() {
        let points = Ledger::default();
        points.record(reading(100.0), 16.0, 0);
        assert_eq!(points.fresh(NOW).unwrap().of("main").remaining, 3484.0);
        points.record(reading(90.0), 16.0, 0);
        assert_eq!(points.fresh(NOW).unwrap().spent, 116.0, "a late reading does not give points back");
        points.record(reading(108.0), 1.0, 2);
        assert_eq!(points.fresh(NOW).unwrap().spent, 109.0, "the next one tells what it really cost");
        assert_eq!(points.fresh(NOW + FRESH_FOR), None);
    }

    #[test]
    fn a_key_that_is_used_up_stays_so_until_its_reset() {
        let points = Ledger::default();
        points.record(reading(3600.0), 0.0, 0);
        assert_eq!(points.fresh(NOW + TimeDelta::minutes(9)).unwrap().of("main").remaining, 0.0);
        assert_eq!(points.fresh(NOW + TimeDelta::minutes(10)), None);
    }

    #[test]
    fn a_429_is_believed_for_a_minute_and_no_longer() {
        let points = Ledger::default();
        points.record(reading(100.0), 0.0, 0);
        assert_eq!(points.doubt(NOW), NOW + DOUBT);
        assert_eq!(points.fresh(NOW + TimeDelta::seconds(59)).unwrap().of("main").remaining, 0.0);
        assert_eq!(points.fresh(NOW + DOUBT), None);
        points.record(Reading { read_at: NOW + DOUBT, ..reading(101.0) }, 1.0, 1);
        assert_eq!(points.fresh(NOW + DOUBT).unwrap().of("main").remaining, 3498.0);
    }

    #[test]
    fn the_price_of_a_report_is_learnt_from_the_next_reading() {
        let price = ReportPrice { flat: 6.0, per_kill: 26.0 };
        for (measured, cost) in [(6.0, 6.0), (9.0, 6.0), (26.0, 26.0), (300.0, 26.0)] {
            let points = Ledger::default();
            let receipt = points.record(reading(100.0), 10.0, 0);
            assert_eq!(points.settle(Some(receipt), price, 10.0), 26.0);
            assert_eq!(points.fresh(NOW).unwrap().spent, 126.0);
            points.record(reading(100.0 + measured), 1.0, 1);
            assert_eq!(points.settle(None, price, 10.0), cost, "{measured}");
        }
    }
}

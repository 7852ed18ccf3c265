//! How the kills of a world are spread over time.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// A season of reports: every kill of the world happens once, from the season's start on, by the simulator's clock.
/// Before its time a kill is unknown to the API; after the season all ranks and numbers of kills are the world's.
#[derive(Debug, Clone, PartialEq)]
pub struct Season {
    /// When it begins. Default: when the simulator starts.
    pub starts_at: Option<DateTime<Utc>>,
    /// How long it lasts. Default: twelve weeks.
    pub length: Duration,
    /// Kills on the last day by kills on the first day. Default 0.11 (4,400 a day falling to 500).
    pub falls_to: f64,
    /// Nights that a second logger uploads as well, in percent. Default 12.
    pub twins_percent: u8,
    /// Reports uploaded 3 to 71 hours after their end, in percent. Default 20.
    pub late_percent: u8,
    /// Reports that appear while the raid lasts and grow, in percent. Default 40. The others are uploaded within an hour
    /// after their end.
    pub live_percent: u8,
}

impl Default for Season {
    fn default() -> Self {
        Self {
            starts_at: None,
            length: Duration::from_secs(84 * 86_400),
            falls_to: 500.0 / 4_400.0,
            twins_percent: 12,
            late_percent: 20,
            live_percent: 40,
        }
    }
}

/// How large a raid is. Left to chance it has 20 to 30 players, and kills two to eight bosses a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RaidSize {
    /// Players of a kill.
    pub players: u8,
    /// Most kills of a night, and so of a report.
    pub kills: u8,
}

/// What the reports are made by: a season, or a few weeks before the start of which everything is already known.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    /// Unix milliseconds from which all times count.
    pub origin_ms: i64,
    pub span_s: i64,
    pub falls_to: f64,
    pub twins_percent: u8,
    pub late_percent: u8,
    pub live_percent: u8,
    /// At most so many of a player's kills of one boss stand in reports.
    pub most_kills: u16,
    pub raid_size: Option<RaidSize>,
    /// Whether kills become known with time, or all are known from the start.
    pub is_season: bool,
}

/// How long before the start the newest night of the past begins: late enough to be over and uploaded.
const NEWEST_S: i64 = 9_000;

impl Calendar {
    /// The calendar of a season that begins at `now`, unless it says otherwise.
    pub(crate) fn season(season: &Season, now: DateTime<Utc>) -> Self {
        Self {
            origin_ms: season.starts_at.unwrap_or(now).timestamp_millis(),
            span_s: (season.length.as_secs() as i64).clamp(86_400, 400 * 86_400),
            falls_to: season.falls_to.clamp(1e-6, 1e6),
            twins_percent: season.twins_percent,
            late_percent: season.late_percent,
            live_percent: season.live_percent,
            most_kills: u16::MAX,
            raid_size: None,
            is_season: true,
        }
    }

    /// The `days` before `now`: everything is over and uploaded, and nobody's kills of a boss stand there more than twice.
    pub(crate) fn past(days: u32, now: DateTime<Utc>) -> Self {
        let span_s = i64::from(days.clamp(1, 400)) * 86_400;
        Self {
            origin_ms: now.timestamp_millis() - span_s * 1000,
            span_s: span_s - NEWEST_S,
            falls_to: 1.0,
            twins_percent: 12,
            late_percent: 0,
            live_percent: 0,
            most_kills: 2,
            raid_size: None,
            is_season: false,
        }
    }

    /// The time, in seconds since the origin, by which the share `done` (0..1) of all nights has begun: days get fewer
    /// nights at a constant rate.
    pub(crate) fn time_of(&self, done: f64) -> i64 {
        let rate = self.falls_to;
        let at = if (rate - 1.0).abs() < 1e-3 { done } else { (1.0 - done * (1.0 - rate)).ln() / rate.ln() };
        (at.clamp(0.0, 1.0) * self.span_s as f64) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_get_fewer_as_the_season_goes_on() {
        let calendar = Calendar::season(&Season::default(), DateTime::<Utc>::UNIX_EPOCH);
        let nights_in = |from: i64, to: i64| {
            (0..100_000).filter(|&night| (from..to).contains(&calendar.time_of(f64::from(night) / 100_000.0))).count()
        };
        let (first, last) = (nights_in(0, 7 * 86_400), nights_in(77 * 86_400, 84 * 86_400));
        let ratio = last as f64 / first as f64;
        assert!((0.1..0.17).contains(&ratio), "{first} then {last}");
        assert_eq!(Calendar::past(14, DateTime::<Utc>::UNIX_EPOCH).time_of(0.5), (14 * 86_400 - NEWEST_S) / 2);
    }
}

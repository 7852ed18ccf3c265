//! Numbers, times and names for people.

use chrono::TimeDelta;
use parsebook_core::Timestamp;
pub use parsebook_core::difficulty::name as difficulty;

/// 55693 as `55,693`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number for an axis: `3.6k`, `1.2M`.
pub fn short(number: f64) -> String {
    let (scaled, unit) = match number.abs() {
        size if size >= 1e9 => (number / 1e9, "G"),
        size if size >= 1e6 => (number / 1e6, "M"),
        size if size >= 1e3 => (number / 1e3, "k"),
        _ => (number, ""),
    };
    format!("{}{unit}", decimals(scaled, 1))
}

/// A number with at most so many decimals, without trailing zeros.
pub fn decimals(number: f64, most: usize) -> String {
    let text = format!("{number:.most$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Points, people read whole ones.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, not below 0")]
pub fn whole(number: f64) -> String {
    grouped(number.round().max(0.0) as u64)
}

/// `2026-11-28 16:40`, in UTC.
pub fn minute(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// How long ago or until, roughly: `3 h`, `12 days`.
pub fn span(delta: TimeDelta) -> String {
    let minutes = delta.num_minutes().abs();
    match minutes {
        0 => format!("{} s", delta.num_seconds().abs()),
        1..=119 => format!("{minutes} min"),
        120..=2879 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1440),
    }
}

/// The same of a number of days that is not whole.
pub fn days(days: f64) -> String {
    if days == 0.0 {
        "now".to_owned()
    } else if days < 2.0 {
        format!("{} h", decimals(days * 24.0, 1))
    } else {
        format!("{} days", decimals(days, 1))
    }
}

/// `text`, cut to `most` characters.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 55_693, 1_234_567].map(grouped), ["0", "999", "1,000", "55,693", "1,234,567"]);
    }

    #[test]
    fn numbers_are_short_where_room_is_short() {
        assert_eq!(
            [0.0, 0.5, 999.0, 3600.0, 12_000.0, 1_250_000.0].map(short),
            ["0", "0.5", "999", "3.6k", "12k", "1.2M"]
        );
        assert_eq!(whole(55_692.6), "55,693");
        assert_eq!(decimals(11.04, 1), "11");
    }

    #[test]
    fn spans_are_told_in_the_unit_that_fits() {
        assert_eq!(span(TimeDelta::minutes(90)), "90 min");
        assert_eq!(span(TimeDelta::hours(-30)), "30 h");
        assert_eq!(span(TimeDelta::days(4)), "4 days");
        assert_eq!((days(0.5).as_str(), days(9.26).as_str()), ("12 h", "9.3 days"));
        assert_eq!(days(0.0), "now");
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(cut("Chôgun", 3), "Chô…");
        assert_eq!(cut("Chôgun", 6), "Chôgun");
    }
}

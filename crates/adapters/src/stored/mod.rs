//! What stands inside a stored document, described once for both stores: MongoDB has it as BSON, SQLite as JSON.
//! Anyone may have written there, so any type of number is read, and what is wrong is named.

pub mod ranks;

use std::fmt::Display;

use anyhow::{Context, anyhow};
use chrono::{DateTime, Datelike, SecondsFormat};
use parsebook_core::Timestamp;
use parsebook_core::player::Encounter;
use parsebook_core::ports::Result;
use serde_json::Value;

use crate::text::excerpt;

/// A value of a stored document. What reads it answers an error that quotes it.
pub trait Stored:
    Sized + Default + Display + From<i32> + From<u32> + From<f64> + for<'a> From<&'a str> + From<Vec<Self>>
{
    /// A moment, to the millisecond at least.
    fn of_time(value: Timestamp) -> Self;
    /// A document.
    fn of_fields<K: Into<String>>(fields: impl IntoIterator<Item = (K, Self)>) -> Self;

    /// Whether it is nothing, as the default is.
    fn is_null(&self) -> bool;
    /// A whole number of any numeric type.
    fn integer(&self) -> Option<i64>;
    /// A finite number of any numeric type.
    fn number(&self) -> Option<f64>;
    /// A text.
    fn text(&self) -> Result<&str>;
    /// A moment.
    fn time(&self) -> Result<Timestamp>;
    /// A list.
    fn items(&self) -> Result<&[Self]>;
    /// The fields of a document, in its order.
    fn fields(&self) -> Result<impl Iterator<Item = (&String, &Self)>>;
    /// One field of a document.
    fn field(&self, name: &str) -> Option<&Self>;

    /// For an error message: short, on one line.
    fn excerpt(&self) -> String {
        excerpt(&self.to_string())
    }

    /// What was read of it, or the error that it is no `what`.
    fn read_as<T>(&self, read: Option<T>, what: &str) -> Result<T> {
        read.with_context(|| format!("{} is no {what}", self.excerpt()))
    }

    /// A field that is there and not null.
    fn present(&self, name: &str) -> Option<&Self> {
        self.field(name).filter(|value| !value.is_null())
    }

    /// A field that must be there.
    fn required(&self, name: &str) -> Result<&Self> {
        self.field(name).with_context(|| format!("{name} is missing"))
    }

    /// A whole number in the range of `T`.
    fn whole<T: TryFrom<i64>>(&self) -> Result<T> {
        let integer = self.read_as(self.integer(), "whole number")?;
        T::try_from(integer).map_err(|_| anyhow!("{integer} is out of range"))
    }
}

/// A double that is a whole number and exactly representable.
pub fn whole_double(value: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and exactly representable")]
    (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64)
}

impl Stored for Value {
    fn of_time(value: Timestamp) -> Self {
        value.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()
    }

    fn of_fields<K: Into<String>>(fields: impl IntoIterator<Item = (K, Self)>) -> Self {
        fields.into_iter().collect()
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    fn integer(&self) -> Option<i64> {
        self.as_i64().or_else(|| self.as_f64().and_then(whole_double))
    }

    fn number(&self) -> Option<f64> {
        self.as_f64()
    }

    fn text(&self) -> Result<&str> {
        self.read_as(self.as_str(), "text")
    }

    fn time(&self) -> Result<Timestamp> {
        let time = self.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(Timestamp::from);
        // A year of five digits can be written, and not be read again.
        self.read_as(time.filter(|time| (0..=9999).contains(&time.year())), "date")
    }

    fn items(&self) -> Result<&[Self]> {
        self.read_as(self.as_array().map(Vec::as_slice), "array")
    }

    fn fields(&self) -> Result<impl Iterator<Item = (&String, &Self)>> {
        self.read_as(self.as_object().map(serde_json::Map::iter), "document")
    }

    fn field(&self, name: &str) -> Option<&Self> {
        self.get(name)
    }
}

/// The bosses of a raid, as `raids.encounters` has them.
pub fn of_encounters<V: Stored>(encounters: &[Encounter]) -> V {
    let of_boss = |boss: &Encounter| V::of_fields([("id", boss.id.into()), ("name", boss.name.as_str().into())]);
    encounters.iter().map(of_boss).collect::<Vec<V>>().into()
}

/// Reads the bosses of a raid.
///
/// # Errors
/// When anything is not understood.
pub fn encounters<V: Stored>(stored: &V) -> Result<Vec<Encounter>> {
    let encounter = |boss: &V| {
        let id = boss.required("id")?.whole().context("id")?;
        Ok(Encounter { id, name: boss.required("name")?.text().context("name")?.to_owned() })
    };
    stored.items()?.iter().map(encounter).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_of_json_are_read_as_they_come() {
        for value in [json!(31), json!(31.0)] {
            assert_eq!((value.whole::<u32>().unwrap(), value.number()), (31, Some(31.0)));
        }
        for odd in [json!(31.5), json!(-1), json!("31"), json!(1e18), json!(null), json!(u64::MAX)] {
            assert!(odd.whole::<u32>().is_err(), "{odd}");
        }
    }

    #[test]
    fn a_moment_that_could_not_be_read_again_is_none() {
        assert_eq!(Value::of_time(json!("2026-09-01T02:00:00.25+02:00").time().unwrap()), "2026-09-01T00:00:00.250Z");
        for odd in
            ["9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+23:59", "+10000-01-01T00:00:00Z", "2026-09-01", ""]
        {
            assert!(json!(odd).time().is_err(), "{odd}");
        }
    }

    #[test]
    fn bosses_come_back_in_their_order() {
        let bosses = [(2, "Terros"), (1, "Eranog")].map(|(id, name)| Encounter { id, name: name.to_owned() });
        let stored: Value = of_encounters(&bosses);
        assert_eq!(stored, json!([{ "id": 2, "name": "Terros" }, { "id": 1, "name": "Eranog" }]));
        assert_eq!(encounters(&stored).unwrap(), bosses);
        for (odd, why) in [
            (json!({}), "{} is no array"),
            (json!([{ "id": 1 }]), "name is missing"),
            (json!([{ "id": -1, "name": "" }]), "id: -1 is out of range"),
            (json!([{ "id": 1, "name": ["a\nb"] }]), "name: [\"a\\nb\"] is no text"),
        ] {
            assert_eq!(format!("{:#}", encounters(&odd).unwrap_err()), why);
        }
    }
}

//! What stands inside a stored document, described once for both stores: MongoDB has it as BSON, SQLite as JSON.
//! Anyone may have written there, so any type of number is read, and what is wrong is named.

pub mod ranks;

use std::fmt::Display;

use anyhow::{Context, anyhow};
use chrono::{DateTime, SecondsFormat};
use parsebook_core::Timestamp;
use parsebook_core::player::Encounter;
use parsebook_core::ports::Result;
use serde_json::Value;

use crate::text::excerpt;

/// A value of a stored document.
pub trait Stored: Sized + Display {
    /// Nothing.
    fn null() -> Self;
    /// A whole number.
    fn of_integer(value: i64) -> Self;
    /// A number; null where it is not finite.
    fn of_number(value: f64) -> Self;
    /// A text.
    fn of_text(value: &str) -> Self;
    /// A moment, to the millisecond at least.
    fn of_time(value: Timestamp) -> Self;
    /// A list.
    fn of_items(items: impl IntoIterator<Item = Self>) -> Self;
    /// A document.
    fn of_fields<K: Into<String>>(fields: impl IntoIterator<Item = (K, Self)>) -> Self;

    /// Whether it is nothing.
    fn is_null(&self) -> bool;
    /// A whole number of any numeric type.
    fn integer(&self) -> Option<i64>;
    /// A finite number of any numeric type.
    fn number(&self) -> Option<f64>;
    /// A text.
    fn text(&self) -> Option<&str>;
    /// A moment.
    fn time(&self) -> Option<Timestamp>;
    /// A list.
    fn items(&self) -> Option<&[Self]>;
    /// The fields of a document, in its order.
    fn fields(&self) -> Option<impl Iterator<Item = (&String, &Self)>>;
    /// One field of a document.
    fn field(&self, name: &str) -> Option<&Self>;

    /// For an error message: short, on one line.
    fn told(&self) -> String {
        excerpt(&self.to_string())
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
        let integer = self.integer().with_context(|| format!("{} is no whole number", self.told()))?;
        T::try_from(integer).map_err(|_| anyhow!("{integer} is out of range"))
    }

    /// A text, or an error.
    fn checked_text(&self) -> Result<String> {
        self.text().map(str::to_owned).with_context(|| format!("{} is no text", self.told()))
    }

    /// A moment, or an error.
    fn checked_time(&self) -> Result<Timestamp> {
        self.time().with_context(|| format!("{} is no date", self.told()))
    }

    /// The fields of a document, or an error.
    fn checked_fields(&self) -> Result<impl Iterator<Item = (&String, &Self)>> {
        self.fields().with_context(|| format!("{} is no document", self.told()))
    }
}

/// A double that is a whole number and exactly representable.
pub fn whole_double(value: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and exactly representable")]
    (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64)
}

impl Stored for Value {
    fn null() -> Self {
        Self::Null
    }

    fn of_integer(value: i64) -> Self {
        value.into()
    }

    fn of_number(value: f64) -> Self {
        value.into()
    }

    fn of_text(value: &str) -> Self {
        value.into()
    }

    fn of_time(value: Timestamp) -> Self {
        value.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()
    }

    fn of_items(items: impl IntoIterator<Item = Self>) -> Self {
        items.into_iter().collect()
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

    fn text(&self) -> Option<&str> {
        self.as_str()
    }

    fn time(&self) -> Option<Timestamp> {
        DateTime::parse_from_rfc3339(self.as_str()?).ok().map(Into::into)
    }

    fn items(&self) -> Option<&[Self]> {
        self.as_array().map(Vec::as_slice)
    }

    fn fields(&self) -> Option<impl Iterator<Item = (&String, &Self)>> {
        self.as_object().map(serde_json::Map::iter)
    }

    fn field(&self, name: &str) -> Option<&Self> {
        self.get(name)
    }
}

/// The bosses of a raid, as `raids.encounters` has them.
pub fn of_encounters<V: Stored>(encounters: &[Encounter]) -> V {
    V::of_items(
        encounters
            .iter()
            .map(|boss| V::of_fields([("id", V::of_integer(boss.id.into())), ("name", V::of_text(&boss.name))])),
    )
}

/// Reads the bosses of a raid.
pub fn encounters<V: Stored>(stored: &V) -> Result<Vec<Encounter>> {
    let encounter = |boss: &V| {
        let id = boss.required("id")?.whole().context("id")?;
        Ok(Encounter { id, name: boss.required("name")?.checked_text().context("name")? })
    };
    stored.items().context("no array")?.iter().map(encounter).collect()
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
    fn bosses_come_back_in_their_order() {
        let bosses = [(2, "Terros"), (1, "Eranog")].map(|(id, name)| Encounter { id, name: name.to_owned() });
        let stored: Value = of_encounters(&bosses);
        assert_eq!(stored, json!([{ "id": 2, "name": "Terros" }, { "id": 1, "name": "Eranog" }]));
        assert_eq!(encounters(&stored).unwrap(), bosses);
        for (odd, why) in [
            (json!({}), "no array"),
            (json!([{ "id": 1 }]), "name is missing"),
            (json!([{ "id": -1, "name": "" }]), "id: -1 is out of range"),
            (json!([{ "id": 1, "name": ["a\nb"] }]), "name: [\"a\\nb\"] is no text"),
        ] {
            assert_eq!(format!("{:#}", encounters(&odd).unwrap_err()), why);
        }
    }
}

//! Reads values of documents that anyone may have written: any numeric type, nothing taken for granted.

use anyhow::Context;
use chrono::DateTime;
use mongodb::bson::{Bson, Document, RawDocument};
use parsebook_core::Timestamp;

use super::date;
use crate::stored::{Stored, whole_double};

impl Stored for Bson {
    fn null() -> Self {
        Self::Null
    }

    fn of_integer(value: i64) -> Self {
        i32::try_from(value).map_or(Self::Int64(value), Self::Int32)
    }

    fn of_number(value: f64) -> Self {
        if value.is_finite() { Self::Double(value) } else { Self::Null }
    }

    fn of_text(value: &str) -> Self {
        value.into()
    }

    fn of_time(value: Timestamp) -> Self {
        date(value).into()
    }

    fn of_items(items: impl IntoIterator<Item = Self>) -> Self {
        Self::Array(items.into_iter().collect())
    }

    fn of_fields<K: Into<String>>(fields: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Document(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Null | Self::Undefined)
    }

    fn integer(&self) -> Option<i64> {
        match self {
            Self::Int32(value) => Some(i64::from(*value)),
            Self::Int64(value) => Some(*value),
            Self::Double(value) => whole_double(*value),
            Self::Decimal128(value) => value.to_string().parse().ok(),
            _ => None,
        }
    }

    fn number(&self) -> Option<f64> {
        let number = match self {
            Self::Int32(value) => f64::from(*value),
            #[expect(clippy::cast_precision_loss, reason = "percentiles are small")]
            Self::Int64(value) => *value as f64,
            Self::Double(value) => *value,
            Self::Decimal128(value) => value.to_string().parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    fn text(&self) -> Option<&str> {
        self.as_str()
    }

    fn time(&self) -> Option<Timestamp> {
        DateTime::from_timestamp_millis(self.as_datetime()?.timestamp_millis())
    }

    fn items(&self) -> Option<&[Self]> {
        self.as_array().map(Vec::as_slice)
    }

    fn fields(&self) -> Option<impl Iterator<Item = (&String, &Self)>> {
        self.as_document().map(|document| document.iter())
    }

    fn field(&self, name: &str) -> Option<&Self> {
        self.as_document()?.get(name)
    }
}

/// A field that must be there.
pub fn field<'a>(document: &'a Document, name: &str) -> anyhow::Result<&'a Bson> {
    document.get(name).with_context(|| format!("{name} is missing"))
}

/// A field that is absent, null, or there.
pub fn optional<'a>(document: &'a Document, name: &str) -> Option<&'a Bson> {
    document.get(name).filter(|value| !value.is_null())
}

/// A whole number that must be there.
pub fn whole_field<T: TryFrom<i64>>(document: &Document, name: &str) -> anyhow::Result<T> {
    field(document, name)?.whole().with_context(|| name.to_owned())
}

/// The `_id` of a document of which nothing else may be readable.
pub fn raw_id(document: &RawDocument) -> Option<Bson> {
    Bson::try_from(document.get("_id").ok()??).ok()
}

/// The `_id` of a document, for a message.
pub fn told_id(document: &Document) -> String {
    document.get("_id").map(Stored::told).unwrap_or_default()
}

/// The `_id` of a document of which nothing else may be readable, for a message.
pub fn told_raw_id(document: &RawDocument) -> String {
    raw_id(document).as_ref().map(Stored::told).unwrap_or_default()
}

/// A text that must be there.
pub fn text(document: &Document, name: &str) -> anyhow::Result<String> {
    field(document, name)?.checked_text().with_context(|| name.to_owned())
}

/// A sub-document.
pub fn document<'a>(value: &'a Bson, name: &str) -> anyhow::Result<&'a Document> {
    value.as_document().with_context(|| format!("{name}: {} is no document", value.told()))
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[test]
    fn numbers_of_every_type_are_read() {
        let decimal: Bson = Bson::Decimal128("31".parse().unwrap());
        for value in [Bson::Int32(31), Bson::Int64(31), Bson::Double(31.0), decimal] {
            assert_eq!((value.whole::<u32>().unwrap(), value.number()), (31, Some(31.0)));
        }
        for bad in [Bson::Double(31.5), Bson::Double(f64::NAN), Bson::String("31".into()), Bson::Null, Bson::Int32(-1)]
        {
            assert!(bad.whole::<u32>().is_err(), "{bad}");
        }
        assert_eq!(Bson::Int32(300).whole::<u8>().unwrap_err().to_string(), "300 is out of range");
        assert_eq!(Bson::Double(f64::INFINITY).number(), None);
        assert_eq!(Bson::of_number(f64::NAN), Bson::Null);
        assert_eq!([3, 1 << 40].map(Bson::of_integer), [Bson::Int32(3), Bson::Int64(1 << 40)]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let document = doc! { "raid": "x\ny", "gone": null };
        assert_eq!(
            format!("{:#}", whole_field::<u32>(&document, "raid").unwrap_err()),
            "raid: \"x y\" is no whole number"
        );
        assert_eq!(whole_field::<u32>(&document, "absent").unwrap_err().to_string(), "absent is missing");
        assert_eq!(optional(&document, "gone"), None);
    }
}

//! Reads values of documents that anyone may have written: any numeric type, nothing taken for granted.

use anyhow::Context;
use chrono::DateTime;
use mongodb::bson::{Bson, Document, RawDocument};
use parsebook_core::Timestamp;
use parsebook_core::ports::Result;

use super::date;
use crate::stored::{Stored, whole_double};

impl Stored for Bson {
    fn of_time(value: Timestamp) -> Self {
        date(value).into()
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

    fn text(&self) -> Result<&str> {
        self.read_as(self.as_str(), "text")
    }

    fn time(&self) -> Result<Timestamp> {
        let millis = self.as_datetime().map(|time| time.timestamp_millis());
        self.read_as(millis.and_then(DateTime::from_timestamp_millis), "date")
    }

    fn items(&self) -> Result<&[Self]> {
        self.read_as(self.as_array().map(Vec::as_slice), "array")
    }

    fn fields(&self) -> Result<impl Iterator<Item = (&String, &Self)>> {
        self.read_as(self.as_document().map(|document| document.iter()), "document")
    }

    fn field(&self, name: &str) -> Option<&Self> {
        self.as_document()?.get(name)
    }
}

/// A field that must be there.
pub fn field<'a>(document: &'a Document, name: &str) -> Result<&'a Bson> {
    document.get(name).with_context(|| format!("{name} is missing"))
}

/// A field that is absent, null, or there.
pub fn optional<'a>(document: &'a Document, name: &str) -> Option<&'a Bson> {
    document.get(name).filter(|value| !value.is_null())
}

/// A whole number that must be there.
pub fn whole_field<T: TryFrom<i64>>(document: &Document, name: &str) -> Result<T> {
    field(document, name)?.whole().with_context(|| name.to_owned())
}

/// The `_id` of a document of which nothing else may be readable.
pub fn raw_id(document: &RawDocument) -> Option<Bson> {
    Bson::try_from(document.get("_id").ok()??).ok()
}

/// The `_id` of a document, for a message.
pub fn id_excerpt(document: &Document) -> String {
    document.get("_id").map(Stored::excerpt).unwrap_or_default()
}

/// The `_id` of a document of which nothing else may be readable, for a message.
pub fn raw_id_excerpt(document: &RawDocument) -> String {
    raw_id(document).as_ref().map(Stored::excerpt).unwrap_or_default()
}

/// A text that must be there.
pub fn text(document: &Document, name: &str) -> Result<String> {
    field(document, name)?.text().map(str::to_owned).with_context(|| name.to_owned())
}

/// A sub-document.
pub fn document<'a>(value: &'a Bson, name: &str) -> Result<&'a Document> {
    value.as_document().with_context(|| format!("{name}: {} is no document", value.excerpt()))
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

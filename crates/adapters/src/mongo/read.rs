//! Reads values of documents that anyone may have written: any numeric type, nothing taken for granted.

use anyhow::{Context, bail};
use chrono::DateTime;
use mongodb::bson::{Bson, Document, RawDocument};
use parsebook_core::Timestamp;

use crate::text::excerpt;

/// A whole number of any numeric type.
pub fn integer(value: &Bson) -> Option<i64> {
    match value {
        Bson::Int32(value) => Some(i64::from(*value)),
        Bson::Int64(value) => Some(*value),
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and exactly representable")]
        Bson::Double(value) if value.fract() == 0.0 && value.abs() < 9e15 => Some(*value as i64),
        Bson::Decimal128(value) => value.to_string().parse().ok(),
        _ => None,
    }
}

/// A finite number of any numeric type.
pub fn number(value: &Bson) -> Option<f64> {
    let number = match value {
        Bson::Int32(value) => f64::from(*value),
        #[expect(clippy::cast_precision_loss, reason = "percentiles are small")]
        Bson::Int64(value) => *value as f64,
        Bson::Double(value) => *value,
        Bson::Decimal128(value) => value.to_string().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// A whole number in the range of `T`.
pub fn whole<T: TryFrom<i64>>(value: &Bson) -> anyhow::Result<T> {
    let integer = integer(value).with_context(|| format!("{} is no whole number", told(value)))?;
    T::try_from(integer).map_err(|_| anyhow::anyhow!("{integer} is out of range"))
}

/// A field that must be there.
pub fn field<'a>(document: &'a Document, name: &str) -> anyhow::Result<&'a Bson> {
    document.get(name).with_context(|| format!("{name} is missing"))
}

/// A field that is absent, null, or there.
pub fn optional<'a>(document: &'a Document, name: &str) -> Option<&'a Bson> {
    document.get(name).filter(|value| !matches!(value, Bson::Null | Bson::Undefined))
}

/// A whole number that must be there.
pub fn whole_field<T: TryFrom<i64>>(document: &Document, name: &str) -> anyhow::Result<T> {
    whole(field(document, name)?).with_context(|| name.to_owned())
}

/// The `_id` of a document of which nothing else may be readable.
pub fn raw_id(document: &RawDocument) -> Option<Bson> {
    Bson::try_from(document.get("_id").ok()??).ok()
}

/// A text that must be there.
pub fn text(document: &Document, name: &str) -> anyhow::Result<String> {
    match field(document, name)? {
        Bson::String(text) => Ok(text.clone()),
        other => bail!("{name}: {} is no text", told(other)),
    }
}

/// A sub-document.
pub fn document<'a>(value: &'a Bson, name: &str) -> anyhow::Result<&'a Document> {
    value.as_document().with_context(|| format!("{name}: {} is no document", told(value)))
}

/// A BSON date.
pub fn time(value: &Bson) -> anyhow::Result<Timestamp> {
    match value {
        Bson::DateTime(time) => {
            let millis = time.timestamp_millis();
            DateTime::from_timestamp_millis(millis).with_context(|| format!("{millis} ms is no time"))
        }
        other => bail!("{} is no date", told(other)),
    }
}

/// A value for an error message: short, on one line.
pub fn told(value: &Bson) -> String {
    excerpt(&value.to_string())
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[test]
    fn numbers_of_every_type_are_read() {
        let decimal: Bson = Bson::Decimal128("31".parse().unwrap());
        for value in [Bson::Int32(31), Bson::Int64(31), Bson::Double(31.0), decimal] {
            assert_eq!(whole::<u32>(&value).unwrap(), 31);
            assert_eq!(number(&value), Some(31.0));
        }
        for bad in [Bson::Double(31.5), Bson::Double(f64::NAN), Bson::String("31".into()), Bson::Null, Bson::Int32(-1)]
        {
            assert!(whole::<u32>(&bad).is_err(), "{bad}");
        }
        assert_eq!(whole::<u8>(&Bson::Int32(300)).unwrap_err().to_string(), "300 is out of range");
        assert_eq!(number(&Bson::Double(f64::INFINITY)), None);
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

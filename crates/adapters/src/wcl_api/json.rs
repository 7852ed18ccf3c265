//! Values of `JSON` scalars, which may change without notice: numbers that come as text, objects that come as text.

use std::borrow::Cow;

use chrono::DateTime;
use parsebook_core::scrap::MAX_ID;
use parsebook_core::{Timestamp, moment};
use serde_json::Value;

use crate::text::excerpt;

/// A finite number, also as text: `91`, `91.3`, `"91.3"`.
pub fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// A whole number that fits `T`.
pub fn whole<T: TryFrom<i64>>(value: &Value) -> Option<T> {
    let number = number(value).filter(|number| number.fract() == 0.0 && number.abs() < 9e15)?;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and exactly representable")]
    T::try_from(number as i64).ok()
}

/// A number that WCL counts something with: 1 to [`MAX_ID`].
pub fn id(value: &Value) -> Option<u32> {
    whole(value).filter(|id| (1..=MAX_ID).contains(id))
}

/// A moment told in milliseconds since 1970, whole or not, in the years that count.
pub fn time(millis: f64) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and chrono refuses what is out of range")]
    moment::checked(DateTime::from_timestamp_millis(millis as i64)?).ok()
}

/// A percentile, brought into 0 to 100.
pub fn percent(value: &Value) -> Option<f64> {
    number(value).map(|percent| percent.clamp(0.0, 100.0))
}

/// A text that is not empty.
pub fn text<'v>(object: &'v Value, pointer: &str) -> Option<&'v str> {
    object.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A scalar's content: it may come as text that holds JSON.
pub fn scalar(value: &Value) -> Cow<'_, Value> {
    let inner = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    inner.map_or(Cow::Borrowed(value), Cow::Owned)
}

/// Whether a value holds nothing: null, false, an empty text, list or object.
pub fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// A class or spec as WCL's slug: `Beast Mastery` → `BeastMastery`. `None` for what no spec is called.
pub fn slug(value: &Value) -> Option<String> {
    let slug: String = value.as_str()?.chars().filter(|c| !c.is_whitespace()).collect();
    (!slug.is_empty() && slug.len() <= 32 && slug.chars().all(char::is_alphanumeric)).then_some(slug)
}

/// A value in a one-line message.
pub fn told(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) => format!("{:?}", excerpt(text)),
        other => other.to_string(),
    }
}

/// A field in a one-line message.
pub fn told_field(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).map_or_else(|| "missing".to_owned(), told)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_read_however_they_come() {
        for (value, read) in [
            (json!(91), Some(91.0)),
            (json!(91.3), Some(91.3)),
            (json!("91.3"), Some(91.3)),
            (json!("-"), None),
            (json!("NaN"), None),
            (json!(null), None),
            (json!([1]), None),
        ] {
            assert_eq!(number(&value), read, "{value}");
        }
        assert_eq!(whole::<u32>(&json!(7.0)), Some(7));
        assert_eq!(whole::<u32>(&json!(7.5)), None);
        assert_eq!(whole::<u8>(&json!(256)), None);
        assert_eq!((id(&json!(0)), id(&json!(2_147_483_648_u32)), id(&json!("7"))), (None, None, Some(7)));
        assert_eq!((percent(&json!(-3)), percent(&json!(100.4))), (Some(0.0), Some(100.0)));
    }

    #[test]
    fn a_moment_far_out_is_none() {
        assert_eq!(time(1.79e12 + 0.5), DateTime::from_timestamp_millis(1_790_000_000_000));
        for far in [0.0, -1e300, 1e300, 8.21e15, 4.2e12] {
            assert_eq!(time(far), None, "{far}");
        }
    }

    #[test]
    fn slugs_are_plain_words() {
        assert_eq!(slug(&json!("Beast Mastery")).as_deref(), Some("BeastMastery"));
        assert_eq!((slug(&json!("")), slug(&json!("a\"b")), slug(&json!(3))), (None, None, None));
    }
}

//! Reads fields of summaries that any version may have written.

use serde_json::Value;

/// A count: a number, or a list's length, which stands in `<name>Count` where the list was cut.
pub fn count(summary: &Value, name: &str) -> u64 {
    match summary.get(name) {
        Some(Value::Array(list)) => {
            let cut = summary.get(format!("{name}Count")).and_then(Value::as_u64);
            cut.unwrap_or(list.len() as u64)
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count that was stored as a double"
        )]
        Some(value) => value.as_u64().or_else(|| Some(value.as_f64()?.max(0.0) as u64)).unwrap_or_default(),
        None => 0,
    }
}

/// A finite number.
pub fn number(summary: &Value, name: &str) -> f64 {
    summary.get(name).and_then(Value::as_f64).filter(|number| number.is_finite()).unwrap_or_default()
}

/// The numbers of an object, by name.
pub fn numbers<'a>(summary: &'a Value, name: &str) -> impl Iterator<Item = (&'a str, f64)> {
    let fields = summary.get(name).and_then(Value::as_object);
    fields.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_f64()?)))
}

/// A text.
pub fn text<'a>(summary: &'a Value, name: &str) -> Option<&'a str> {
    summary.get(name).and_then(Value::as_str)
}

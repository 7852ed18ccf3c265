//! Keeps secrets of ours out of lines of ours where these hold the words of others: a server may repeat what it was sent.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use crate::text::excerpt;

/// So many characters of a secret in a row are a piece of it.
const PIECE: usize = 5;

/// The pieces of some secrets. Clones share them; `Debug` shows none.
#[derive(Clone)]
pub struct Guard {
    /// What the secrets are called.
    name: &'static str,
    /// In small letters: names of hosts lose their capitals.
    pieces: Arc<RwLock<BTreeSet<Vec<char>>>>,
}

impl Guard {
    /// A guard of secrets that lines call `name`.
    pub fn new(name: &'static str) -> Self {
        Self { name, pieces: Arc::default() }
    }

    /// Guards `secret`, too, in this form of it. A short one is a single piece.
    pub fn add(&self, secret: &str) {
        let secret: Vec<char> = secret.to_lowercase().chars().collect();
        let length = PIECE.min(secret.len());
        if length > 0 {
            let mut pieces = self.pieces.write().unwrap_or_else(PoisonError::into_inner);
            pieces.extend(secret.windows(length).map(<[char]>::to_vec));
        }
    }

    /// The start of somebody else's words for a line of ours, or nothing of them if that holds a piece of a secret.
    pub fn quote(&self, words: &str) -> String {
        self.withhold(excerpt(words.trim()))
    }

    /// A line that holds words of others, or nothing of it if it holds a piece of a secret.
    pub fn withhold(&self, line: String) -> String {
        if self.holds_piece(&line) { format!("(not repeated: it holds a piece of {})", self.name) } else { line }
    }

    /// The same of several lines, in place.
    pub fn withhold_from<'l>(&self, lines: impl IntoIterator<Item = &'l mut String>) {
        lines.into_iter().for_each(|line| *line = self.withhold(std::mem::take(line)));
    }

    /// The same of every text in `value`.
    pub fn withhold_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.withhold_from([text]),
            Value::Array(values) => values.iter_mut().for_each(|value| self.withhold_in(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.withhold_in(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn holds_piece(&self, line: &str) -> bool {
        let line: Vec<char> = line.to_lowercase().chars().collect();
        let pieces = self.pieces.read().unwrap_or_else(PoisonError::into_inner);
        (1..=PIECE).any(|length| line.windows(length).any(|part| pieces.contains(part)))
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_with_a_piece_are_not_repeated() {
        let guard = Guard::new("THE_KEY");
        assert_eq!(guard.quote("any\nthing"), "any thing");
        guard.add("0Y7x9qWvU");
        for words in ["at y7x9q.example", "your key 0Y7x9qWvU is wrong", "X9QWV"] {
            assert_eq!(guard.quote(words), "(not repeated: it holds a piece of THE_KEY)", "{words}");
        }
        assert_eq!(guard.quote("Y7x9"), "Y7x9");
        let mut answer = json!({"error": ["0Y7x9qWvU", "denied"], "status": 401});
        guard.withhold_in(&mut answer);
        assert_eq!(answer["error"], json!(["(not repeated: it holds a piece of THE_KEY)", "denied"]));
        assert!(!format!("{guard:?}").to_lowercase().contains("y7x9q"));
    }

    #[test]
    fn a_short_secret_is_one_piece_and_an_empty_one_is_none() {
        let guard = Guard::new("THE_KEY");
        guard.add("");
        assert_eq!(guard.quote("abc"), "abc");
        guard.add("abc");
        assert!(guard.quote("xabcx").starts_with("(not repeated") && guard.quote("ab c") == "ab c");
    }
}

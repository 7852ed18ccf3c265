//! Text of others in our one-line errors.

use std::fmt::Display;

use parsebook_core::ports::Malformed;

/// Most characters of a text in an error.
const LONGEST: usize = 120;

/// The start of a text for a one-line error: no line breaks or control characters, at most 120 characters.
pub fn excerpt(text: &str) -> String {
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut line: String = chars.by_ref().take(LONGEST).collect();
    if chars.next().is_some() {
        line.push('…');
    }
    line
}

/// The document `id` of `collection`, which cannot be read.
pub fn malformed(collection: &str, id: &dyn Display, error: &anyhow::Error) -> Malformed {
    Malformed { document: format!("{collection} {id}"), reason: format!("{error:#}") }
}

/// A setting for an error: in quotes, unless it looks as if a secret had been put in the wrong place.
pub fn shown(value: &str) -> String {
    if may_hold_a_secret(value) { HIDDEN.to_owned() } else { format!("{:?}", excerpt(value)) }
}

/// In place of a value.
pub const HIDDEN: &str = "what stands there is not shown, for it may hold a secret";

/// Whether a value looks like an address with a login, or like a piece of a pool of keys.
pub fn may_hold_a_secret(value: &str) -> bool {
    let lower = value.to_lowercase();
    ["@", "ecret", "password", "token", "{", "}", "\""].iter().any(|sign| lower.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_the_wrong_place_is_not_shown() {
        assert_eq!(shown("many\n"), "\"many \"");
        for value in ["mongodb://keeper:hush@host/wcl", r#"[{"clientSecret":"hush"}]"#, "PASSWORD=hush"] {
            assert!(!shown(value).contains("hush"), "{value}");
        }
    }

    #[test]
    fn only_what_is_cut_off_is_marked() {
        assert_eq!(excerpt("a\u{85}b\n"), "a b ");
        assert_eq!(excerpt(&"é".repeat(LONGEST)), "é".repeat(LONGEST));
        assert_eq!(excerpt(&"é".repeat(LONGEST + 1)), "é".repeat(LONGEST) + "…");
    }
}

//! Text of others in our one-line errors.

/// The start of a text for a one-line error: no line breaks or control characters, at most 120 characters.
pub fn excerpt(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(120).collect();
    if line.len() < text.len() {
        line.push('…');
    }
    line
}

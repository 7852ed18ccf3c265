//! Git's pkt-lines (gitprotocol-common): four hexadecimal digits, which count themselves, and the data.

use anyhow::Context;

/// Ends a list of lines.
pub const FLUSH: &[u8] = b"0000";
/// The longest line, with its four digits.
const LONGEST: usize = 65_520;

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// The end of a list.
    Flush,
    /// What it holds, without the line feed that may end it only for people.
    Data(&'a [u8]),
}

/// `text` as a line.
pub fn line(text: &str) -> Vec<u8> {
    format!("{:04x}{text}", text.len() + 4).into_bytes()
}

/// Takes the first line off `bytes`; `None` where not all of it is there yet.
///
/// # Errors
/// When its length is none.
pub fn take<'a>(bytes: &mut &'a [u8]) -> anyhow::Result<Option<Line<'a>>> {
    let Some((digits, rest)) = bytes.split_at_checked(4) else { return Ok(None) };
    let is_number = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_number).context("a git line without a length")?;
    let length = usize::from_str_radix(digits, 16)?;
    if length == 0 {
        *bytes = rest;
        return Ok(Some(Line::Flush));
    }
    anyhow::ensure!((4..=LONGEST).contains(&length), "a git line of length {length}");
    let Some((data, rest)) = rest.split_at_checked(length - 4) else { return Ok(None) };
    *bytes = rest;
    Ok(Some(Line::Data(data)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_one_by_one() {
        let bytes = [line("hello\n"), FLUSH.to_vec(), line("")].concat();
        let mut rest = bytes.as_slice();
        assert_eq!(take(&mut rest).unwrap(), Some(Line::Data(b"hello\n")));
        assert_eq!(take(&mut rest).unwrap(), Some(Line::Flush));
        assert_eq!(take(&mut rest).unwrap(), Some(Line::Data(b"")));
        assert_eq!(take(&mut rest).unwrap(), None);
    }

    #[test]
    fn what_is_cut_off_waits_and_what_is_no_length_is_an_error() {
        for half in ["", "00", "0009", "0009hell", "fff0"] {
            assert_eq!(take(&mut half.as_bytes()).unwrap(), None, "{half}");
        }
        for wrong in ["0001", "0002", "0003", "fff1", "ffff", "+00a", " 00a", "<htm", "\u{ff10}0"] {
            assert!(take(&mut wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}

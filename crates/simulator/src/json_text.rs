//! Writes JSON straight into text. Ranking answers are several kilobytes for every character; building a tree of values
//! for each would cost more than everything else the simulator does.

use std::fmt::Write;

/// Appends a JSON string literal.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => push(out, format_args!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Appends formatted text; writing into a string cannot fail.
pub(crate) fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// Appends an integer, without the formatting machinery.
pub(crate) fn push_int(out: &mut String, value: u64) {
    let mut digits = [0u8; 20];
    let (mut at, mut rest) = (digits.len(), value);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend(digits[at..].iter().map(|&digit| char::from(digit)));
}

/// Appends a number given in ten-thousandths the way PHP prints it: no trailing zeros, an integer when it is one.
pub(crate) fn push_ten_thousandths(out: &mut String, value: u64) {
    push_int(out, value / 10_000);
    let mut fraction = value % 10_000;
    if fraction == 0 {
        return;
    }
    out.push('.');
    let mut width = 4;
    while fraction.is_multiple_of(10) {
        fraction /= 10;
        width -= 1;
    }
    for place in (0..width).rev() {
        out.push(char::from(b'0' + (fraction / 10u64.pow(place) % 10) as u8));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_the_api_mixes_them() {
        let text = |value| {
            let mut out = String::new();
            push_ten_thousandths(&mut out, value);
            out
        };
        assert_eq!(
            [text(0), text(1_000_000), text(535_000), text(7), text(993_903)],
            ["0", "100", "53.5", "0.0007", "99.3903"]
        );
    }

    #[test]
    fn hostile_strings_stay_inside_their_literal() {
        let mut out = String::new();
        let hostile = "a\"b\\c\n\u{1}</script>";
        push_string(&mut out, hostile);
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), hostile);
    }
}

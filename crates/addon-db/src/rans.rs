//! The entropy coder: range asymmetric numeral systems (Jarek Duda, arXiv:1311.2540) with base-95 digits.
//!
//! A block is one big number written in printable characters. The decoder keeps a window of it, `x`, below 2^53 so
//! that Lua's doubles hold it exactly: a symbol is found in `x % 4096`, then `x` shrinks and digits flow in from the
//! right while `x < LOW`. The coder works backwards, last symbol first, starting from zero, so a block ends without
//! padding: when no digits are left, the decoder just goes on with a small `x`.

/// All frequencies of a table add up to this.
pub const TOTAL: u32 = 1 << SCALE_BITS;
/// log2 of [`TOTAL`].
pub const SCALE_BITS: u32 = 12;
/// Number of printable characters in use.
const BASE: u64 = 95;
/// The decoder reads digits while its window is below this; a multiple of [`TOTAL`].
const LOW: u64 = 1 << 24;

/// A slice of `0..TOTAL` that stands for one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// First slot.
    pub start: u32,
    /// Number of slots; never 0.
    pub width: u32,
}

/// Writes `slices` as one line of printable characters, ` ` (0) to `~` (94).
pub fn encode(slices: &[Slice], line: &mut Vec<u8>) {
    let mut x = 0_u64;
    let begin = line.len();
    for slice in slices.iter().rev() {
        let (start, width) = (u64::from(slice.start), u64::from(slice.width));
        let limit = (LOW / u64::from(TOTAL)) * BASE * width;
        while x >= limit {
            line.push(digit(x % BASE));
            x /= BASE;
        }
        x = (x / width) * u64::from(TOTAL) + x % width + start;
    }
    while x > 0 {
        line.push(digit(x % BASE));
        x /= BASE;
    }
    if line.len() == begin {
        line.push(digit(0));
    }
    line[begin..].reverse();
}

fn digit(value: u64) -> u8 {
    b' ' + u8::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The decoder, as Lua does it.
    fn decode(line: &[u8], expected: &[Slice]) {
        let digits: Vec<u64> = line.iter().map(|&b| u64::from(b) - 32).collect();
        let mut digits = digits.into_iter();
        let mut x = 0_u64;
        let mut refill = |x: &mut u64| {
            while *x < LOW {
                match digits.next() {
                    Some(d) => *x = *x * BASE + d,
                    None => break,
                }
            }
        };
        refill(&mut x);
        for (i, s) in expected.iter().enumerate() {
            let slot = u32::try_from(x % u64::from(TOTAL)).unwrap();
            assert!(slot >= s.start && slot < s.start + s.width, "symbol {i}");
            x = u64::from(s.width) * (x / u64::from(TOTAL)) + u64::from(slot - s.start);
            refill(&mut x);
        }
        assert_eq!(x, 0);
        assert_eq!(digits.next(), None);
    }

    proptest::proptest! {
        #[test]
        fn any_symbols_come_back(raw in proptest::collection::vec((0..TOTAL, 1..TOTAL), 0..300)) {
            let slices: Vec<Slice> =
                raw.iter().map(|&(start, width)| Slice { start, width: width.min(TOTAL - start) }).collect();
            let mut line = Vec::new();
            encode(&slices, &mut line);
            assert!(!line.is_empty());
            assert!(line.iter().all(|b| (b' '..=b'~').contains(b)));
            if line != b" " {
                decode(&line, &slices);
            }
        }
    }

    #[test]
    fn costs_what_information_theory_says() {
        let slices = vec![Slice { start: 1000, width: 512 }; 1000]; // 3 bits each
        let mut line = Vec::new();
        encode(&slices, &mut line);
        let ideal = 3000.0 / 95_f64.log2();
        assert!((line.len() as f64) < ideal + 2.5, "{} characters, ideal {ideal}", line.len());
    }
}

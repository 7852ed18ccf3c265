//! The entropy coder: a range coder with base-95 digits, two of them in one line.
//!
//! All that is still possible is a range of numbers; a symbol takes its share of it. Of the numbers left at the end, one
//! is written that begins with as few digits as suffice: whatever stands behind them, it stays among those left. So the
//! digits of one half need no end, and those of the other follow in the opposite direction, from the line's end. A
//! symbol that changes leaves all digits before it as they are.
//!
//! The decoder keeps a window of five to six digits, below 2^33, so that Lua's doubles hold it exactly.

/// All frequencies of a table add up to this.
pub const TOTAL: u32 = 1 << SCALE_BITS;
/// log2 of [`TOTAL`].
pub const SCALE_BITS: u32 = 12;
/// Number of printable characters in use.
const BASE: u64 = 95;
/// How many numbers are possible at first.
const WHOLE: u64 = LOW * BASE;
/// With fewer numbers left, another digit is looked at.
const LOW: u64 = BASE * BASE * BASE * BASE;

/// A slice of `0..TOTAL` that stands for one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// First slot.
    pub start: u32,
    /// Number of slots; never 0.
    pub width: u32,
}

/// Writes a line of printable characters, ` ` (0) to `~` (94): `forth` from its begin, `back` from its end.
pub fn encode(forth: &[Slice], back: &[Slice], line: &mut Vec<u8>) {
    let (forth, back) = (Digits::of(forth), Digits::of(back));
    // Where one digit can be the last of both, it is written once.
    let shared = (0..BASE).find(|digit| forth.last(*digit).is_some() && back.last(*digit).is_some());
    forth.write(shared, line);
    let mut rest = Vec::new();
    back.write(shared, &mut rest);
    if shared.is_some() {
        rest.pop();
    }
    line.extend(rest.into_iter().rev());
}

/// The digits of some symbols, and the ends among which may be chosen.
struct Digits {
    /// The digits that are sure, but that 1 may have to be added to their last.
    sure: Vec<u8>,
    /// How many digits follow.
    open: u32,
    /// They make a number from `least` up to, not including, `end`.
    least: u64,
    end: u64,
}

impl Digits {
    fn of(slices: &[Slice]) -> Self {
        let (mut sure, mut low, mut range) = (Vec::with_capacity(slices.len()), 0, WHOLE);
        for slice in slices {
            let unit = range / u64::from(TOTAL);
            low += u64::from(slice.start) * unit;
            range = u64::from(slice.width) * unit;
            if low >= WHOLE {
                low -= WHOLE;
                add_one(&mut sure);
            }
            while range < LOW {
                sure.push((low / LOW) as u8);
                (low, range) = (low % LOW * BASE, range * BASE);
            }
        }
        let (mut open, mut step) = (0, WHOLE);
        loop {
            let (least, end) = (low.div_ceil(step), (low + range) / step);
            if least < end {
                return Self { sure, open, least, end };
            }
            (open, step) = (open + 1, step / BASE);
        }
    }

    /// The least end with this last digit.
    fn last(&self, digit: u64) -> Option<u64> {
        let end = self.least + (digit + BASE - self.least % BASE) % BASE;
        (self.open > 0 && end < self.end).then_some(end)
    }

    /// Appends the digits, with a certain last one if there is one.
    fn write(mut self, last: Option<u64>, line: &mut Vec<u8>) {
        let mut end = last.and_then(|digit| self.last(digit)).unwrap_or(self.least);
        let whole = BASE.pow(self.open);
        if end >= whole {
            end -= whole;
            add_one(&mut self.sure);
        }
        let open = (0..self.open).rev().map(|place| (end / BASE.pow(place) % BASE) as u8);
        line.extend(self.sure.iter().copied().chain(open).map(|digit| b' ' + digit));
    }
}

fn add_one(digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        *digit += 1;
        if u64::from(*digit) < BASE {
            return;
        }
        *digit = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The decoder, as Lua does it: what stands behind the digits is as good as any.
    fn decode(line: impl Iterator<Item = u8>, behind: u8, expected: &[Slice]) {
        let mut digits = line.chain(std::iter::repeat(behind)).map(|byte| u64::from(byte) - 32);
        let mut code = digits.by_ref().take(5).fold(0, |code, digit| code * BASE + digit);
        let mut range = WHOLE;
        for (i, s) in expected.iter().enumerate() {
            let unit = range / u64::from(TOTAL);
            let slot = code / unit;
            assert!((s.start..s.start + s.width).contains(&u32::try_from(slot).unwrap()), "symbol {i}");
            (code, range) = (code - u64::from(s.start) * unit, u64::from(s.width) * unit);
            while range < LOW {
                (code, range) = (code * BASE + digits.next().unwrap(), range * BASE);
            }
        }
    }

    fn any_symbols() -> impl proptest::strategy::Strategy<Value = Vec<Slice>> {
        use proptest::prelude::*;
        let width = prop_oneof![1..TOTAL, Just(1), Just(TOTAL - 1), Just(TOTAL)];
        let start = prop_oneof![0..TOTAL, Just(0), Just(TOTAL - 1)];
        let slice = (start, width).prop_map(|(start, width)| Slice { start, width: width.min(TOTAL - start) });
        proptest::collection::vec(slice, 0..300)
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_symbols_come_back(forth in any_symbols(), back in any_symbols()) {
            let mut line = Vec::new();
            encode(&forth, &back, &mut line);
            assert!(line.iter().all(|b| (b' '..=b'~').contains(b)));
            for behind in [b' ', b'~', b'P'] {
                decode(line.iter().copied(), behind, &forth);
                decode(line.iter().rev().copied(), behind, &back);
            }
        }
    }

    #[test]
    fn costs_what_information_theory_says() {
        let slices = vec![Slice { start: 1000, width: 512 }; 1000]; // 3 bits each
        let mut line = Vec::new();
        encode(&slices, &slices, &mut line);
        let ideal = 6000.0 / 95_f64.log2();
        assert!((line.len() as f64) < ideal + 2.0, "{} characters, ideal {ideal}", line.len());
    }

    #[test]
    fn what_changes_leaves_the_digits_before_it_and_the_other_half() {
        let one = vec![Slice { start: 1000, width: 512 }; 200];
        let mut other = one.clone();
        other[100] = Slice { start: 1512, width: 512 };
        let (mut before, mut after) = (Vec::new(), Vec::new());
        encode(&one, &one, &mut before);
        encode(&other, &one, &mut after);
        let same = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
        let same_behind = before.iter().rev().zip(after.iter().rev()).take_while(|(a, b)| a == b).count();
        assert!(same >= 44 && same_behind >= 90, "{same} and {same_behind} of {}", before.len());
    }
}

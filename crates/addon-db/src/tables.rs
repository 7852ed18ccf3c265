//! The static prediction tables, read from the very file the addon ships (`Parsebook/Tables.lua`).
//!
//! They say how often each symbol follows in each situation ("row"). They never depend on the data of a run, so the
//! same character always takes the same bytes. `examples/train_tables.rs` writes the file.

use std::sync::{LazyLock, OnceLock};

use crate::range::{Slice, TOTAL};

/// The file as shipped.
pub const SOURCE: &str = include_str!("../addon/Parsebook/Tables.lua");

/// A kind of symbol, each with its own rows; described where it is written (block.rs, name.rs, record.rs).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Shared,
    Start,
    Latin,
    Accent,
    Cyrillic,
    Initial,
    Medial,
    Final,
    Han,
    HanStep,
    DiffStart,
    DiffLatin,
    DiffCyrillic,
    DiffInitial,
    DiffMedial,
    DiffFinal,
    Count,
    Class,
    Spec,
    SpecAgain,
    Raid,
    Shape,
    Mask,
    Killed,
    Kills,
    KillsForm,
    KillsStep,
    Rank,
}

/// A kind's name in the file, its number of rows and of symbols in each.
pub struct Form {
    pub kind: Kind,
    pub name: &'static str,
    pub rows: usize,
    pub symbols: usize,
    /// Number of rows in the table `<name>Plain`, which stand in for rows written as `-`: row `i` for every row that
    /// leaves the remainder `i`.
    pub plain: usize,
}

const fn form(kind: Kind, name: &'static str, rows: usize, symbols: usize) -> Form {
    Form { kind, name, rows, symbols, plain: 0 }
}

/// Every kind, in the order of the file.
pub const FORMS: [Form; 28] = [
    form(Kind::Shared, "shared", 48, 16),
    form(Kind::Start, "start", 5, 32),
    Form { plain: 26, ..form(Kind::Latin, "latin", 27 * 26, 28) },
    form(Kind::Accent, "accent", 27, 36),
    form(Kind::Cyrillic, "cyrillic", 34, 35),
    form(Kind::Initial, "initial", 1 + 3 * 28, 21),
    form(Kind::Medial, "medial", 19, 21),
    Form { plain: 21, ..form(Kind::Final, "final", 19 * 21, 28) },
    form(Kind::Han, "han", 12, 4),
    form(Kind::HanStep, "hanStep", 12, 25),
    form(Kind::DiffStart, "diffStart", 30, 32),
    form(Kind::DiffLatin, "diffLatin", 27, 28),
    form(Kind::DiffCyrillic, "diffCyrillic", 33, 35),
    form(Kind::DiffInitial, "diffInitial", 2 * 19, 21),
    form(Kind::DiffMedial, "diffMedial", 2 * 21, 21),
    form(Kind::DiffFinal, "diffFinal", 2 * 28, 28),
    form(Kind::Count, "count", 17, 16),
    form(Kind::Class, "class", 1, 16),
    form(Kind::Spec, "spec", 2 * 14 * 3, 6),
    form(Kind::SpecAgain, "specAgain", 2, 2),
    form(Kind::Raid, "raid", 2, 3),
    form(Kind::Shape, "shape", 4, 46),
    form(Kind::Mask, "mask", 7, 3),
    form(Kind::Killed, "killed", 72, 16),
    form(Kind::Kills, "kills", 19, 41),
    form(Kind::KillsForm, "killsForm", 33, 2),
    form(Kind::KillsStep, "killsStep", 7 * 21, 18),
    form(Kind::Rank, "rank", 2 * RANK_HALF, 101),
];

/// Rows of a rank: no rank before; mean of other groups; mean of 1, 2 or more in this group. Once for characters with few
/// kills, once for those with many.
pub const RANK_HALF: usize = 1 + 11 * 3;

/// A letter of the file is a weight: `a` is the least, and three letters double it.
pub const LETTERS: &[u8; 52] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The weight of a letter, 0 for anything else.
pub fn weight(letter: u8) -> u32 {
    const THIRDS: [u32; 3] = [16, 20, 25];
    match LETTERS.iter().position(|l| *l == letter) {
        Some(i) => THIRDS[i % 3] << (i / 3),
        None => 0,
    }
}

/// Lays the weights side by side so that they add up to [`TOTAL`]: each its share rounded down, but at least 1; what
/// is left goes to the heaviest (the first of several). What is missing is taken from it.
pub fn slices(weights: &[u64]) -> Vec<Slice> {
    let sum: u64 = weights.iter().sum::<u64>().max(1);
    let total = u64::from(TOTAL);
    let mut widths: Vec<u32> = weights
        .iter()
        .map(|&w| if w == 0 { 0 } else { u32::try_from(w * total / sum).unwrap_or(TOTAL).max(1) })
        .collect();
    let given: u32 = widths.iter().sum();
    let heaviest = (0..weights.len()).rev().max_by_key(|&i| weights[i]);
    if let Some(width) = heaviest.and_then(|i| widths.get_mut(i)) {
        *width = (*width + TOTAL).saturating_sub(given);
    }
    let mut start = 0;
    widths
        .into_iter()
        .map(|width| {
            let slice = Slice { start, width };
            start += width;
            slice
        })
        .collect()
}

/// The Chinese characters that have a weight, for one of the two ways of writing them.
pub struct Han {
    /// First place in the list of each group, and the list's length. A group holds about a 256th of all weight.
    pub starts: Vec<usize>,
    /// The slice of each group.
    pub groups: Vec<Slice>,
    /// The group of each character.
    pub group_of: Vec<usize>,
    /// The weight of each character.
    pub weights: Vec<u64>,
}

/// Most groups of Chinese characters.
const GROUPS: u64 = 256;

impl Han {
    fn new(weights: Vec<u64>) -> Self {
        let sum: u64 = weights.iter().sum::<u64>().max(1);
        let (mut starts, mut masses, mut group_of) = (Vec::new(), Vec::new(), Vec::new());
        let (mut before, mut last) = (0, None);
        for (i, weight) in weights.iter().enumerate() {
            let group = before * GROUPS / sum;
            if last != Some(group) {
                starts.push(i);
                masses.push(0);
                last = Some(group);
            }
            if let Some(mass) = masses.last_mut() {
                *mass += weight;
            }
            group_of.push(starts.len() - 1);
            before += weight;
        }
        starts.push(weights.len());
        Self { starts, groups: slices(&masses), group_of, weights }
    }

    /// The slice of character `at` among those of its group that stand behind place `after`.
    pub fn within(&self, at: usize, after: Option<usize>) -> Option<Slice> {
        let group = *self.group_of.get(at)?;
        let first = self.starts[group].max(after.map_or(0, |a| a + 1));
        let weights = self.weights.get(first..self.starts[group + 1])?;
        slices(weights).get(at.checked_sub(first)?).copied()
    }
}

/// All tables.
pub struct Tables {
    /// `rows[kind][row][symbol]`; width 0 where a symbol is impossible.
    rows: Vec<Vec<Vec<Slice>>>,
    /// The Chinese characters that have a number, sorted.
    pub han: Vec<char>,
    /// Their weights in the traditional and in the simplified way of writing.
    pub writing: [Han; 2],
}

/// Tables that are measured instead of the shipped ones; see [`crate::training::use_tables`].
pub static INSTEAD: OnceLock<String> = OnceLock::new();

/// The tables in use.
pub static TABLES: LazyLock<Tables> = LazyLock::new(|| parse(INSTEAD.get().map_or(SOURCE, String::as_str)));

impl Tables {
    /// The slice of a symbol, `None` if it cannot be there.
    pub fn slice(&self, kind: Kind, row: usize, symbol: usize) -> Option<Slice> {
        self.rows.get(kind as usize)?.get(row)?.get(symbol).copied().filter(|s| s.width > 0)
    }
}

/// Reads the file; lines that are no tables are skipped. The shipped file is checked by this module's tests.
fn parse(source: &str) -> Tables {
    let quoted = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
    let lines = |name: &str| {
        let start = format!("  {name} = {{");
        let table = source.lines().skip_while(move |l| *l != start).skip(1);
        table.take_while(|l| l.starts_with("    \"")).map(quoted).collect::<Vec<_>>()
    };
    let row = |letters: &str| slices(&letters.bytes().map(|b| weight(b).into()).collect::<Vec<_>>());
    let table = |name: &str| lines(name).iter().flat_map(|l| l.split(' ')).map(row).collect::<Vec<_>>();
    let rows = FORMS.iter().map(|form| {
        let mut rows = table(form.name);
        if form.plain > 0 {
            let plain = table(&format!("{}Plain", form.name));
            for (i, row) in rows.iter_mut().enumerate().filter(|(_, row)| row.len() == 1) {
                *row = plain.get(i % form.plain).cloned().unwrap_or_default();
            }
        }
        rows
    });
    let rows = rows.collect();
    let mut han: Vec<(char, [u64; 2])> = Vec::new();
    for line in lines("hanWeights") {
        let mut chars = line.chars();
        let weights = [(); 2].map(|()| chars.next().and_then(|c| u8::try_from(c).ok()).map_or(0, |b| weight(b).into()));
        han.extend(chars.map(|c| (c, weights)));
    }
    han.sort_unstable();
    let writing = [0, 1].map(|way| Han::new(han.iter().map(|(_, weights)| weights[way]).collect()));
    Tables { rows, han: han.into_iter().map(|(c, _)| c).collect(), writing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_shipped_tables_is_complete() {
        for form in &FORMS {
            let rows = &TABLES.rows[form.kind as usize];
            assert_eq!(rows.len(), form.rows, "{}", form.name);
            for (i, slices) in rows.iter().enumerate() {
                assert_eq!(slices.len(), form.symbols, "{}, row {i}", form.name);
                assert_eq!(slices.iter().map(|s| s.width).sum::<u32>(), TOTAL, "{}, row {i}", form.name);
            }
        }
        for (place, form) in FORMS.iter().enumerate() {
            assert_eq!(form.kind as usize, place, "{}", form.name);
        }
    }

    #[test]
    fn the_tables_are_below_64_kb() {
        assert!(SOURCE.len() < 64 * 1024, "{} bytes", SOURCE.len());
    }

    /// Data written with other tables would be misread, so a change of the tables is a change of the format.
    #[test]
    fn the_tables_are_those_of_this_format() {
        let known = (2, 0x1c88_a3c5);
        let now = (crate::FORMAT_VERSION, crate::hash::fnv1a(SOURCE.as_bytes()));
        assert_eq!(
            now, known,
            "the tables changed: raise FORMAT_VERSION here and in Database.lua, then note both here"
        );
    }

    /// Follows the README's table of one record row by row, with nothing but the shipped tables.
    #[test]
    fn the_record_decoded_in_the_readme_is_decoded_so() {
        let readme = include_str!("../README.md");
        let block = readme.lines().skip_while(|line| !line.starts_with("realm(\"Azjol-Nerub\"")).nth(1).unwrap();
        let number = |text: &str| text.trim().replace(',', "").parse::<u64>().unwrap();
        let mut digits = block.bytes().map(|byte| u64::from(byte) - 32);
        let mut range = 95_u64.pow(5);
        let mut code = digits.by_ref().take(5).fold(0, |code, digit| code * 95 + digit);
        assert!(readme.contains("`code` = 1,811,319,611") && code == 1_811_319_611);
        let table = readme.lines().skip_while(|line| !line.starts_with("| row | unit |")).skip(2);
        let rows: Vec<Vec<&str>> = table
            .take_while(|line| line.starts_with('|'))
            .map(|line| line.split('|').skip(1).map(str::trim).collect())
            .collect();
        assert_eq!(rows.len(), 19);
        for cells in rows {
            let (kind, row) = cells[0].split_once(' ').unwrap();
            let form = FORMS.iter().find(|form| form.name == kind.trim_matches('`')).unwrap();
            let row: usize = row.split(' ').next().unwrap().parse().unwrap();
            let symbol = cells[3].split([':', ' ']).next().unwrap();
            let (start, width) = cells[4].split_once(" + ").unwrap();
            let slice = TABLES.slice(form.kind, row, symbol.parse().unwrap()).unwrap();
            assert_eq!((u64::from(slice.start), u64::from(slice.width)), (number(start), number(width)), "{cells:?}");
            let unit = range / 4096;
            let slot = code / unit;
            assert_eq!((unit, slot), (number(cells[1]), number(cells[2])), "{cells:?}");
            assert!((slice.start..slice.start + slice.width).contains(&u32::try_from(slot).unwrap()), "{cells:?}");
            (code, range) = (code - u64::from(slice.start) * unit, u64::from(slice.width) * unit);
            assert_eq!((code, range), (number(cells[5]), number(cells[6])), "{cells:?}");
            assert_eq!(range < 95_u64.pow(4), !cells[7].is_empty(), "{cells:?}");
            if range < 95_u64.pow(4) {
                let digit = digits.next();
                let told = |digit| format!("`{}` {digit}", char::from(32 + u8::try_from(digit).unwrap()));
                assert_eq!(cells[7], digit.map_or("behind it".to_owned(), told));
                (code, range) = (code * 95 + digit.unwrap_or(0), range * 95);
            }
        }
        assert_eq!(digits.next(), None);
    }

    #[test]
    fn weights_are_shared_out_to_the_last_slot() {
        let widths = |weights: &[u64]| slices(weights).iter().map(|s| s.width).collect::<Vec<_>>();
        assert_eq!(widths(&[0, 7]), [0, TOTAL]);
        assert_eq!(widths(&[1, 1, 1]), [1366, 1365, 1365]);
        assert_eq!(widths(&[1, 1_000_000, 1]), [1, 4094, 1]);
        assert_eq!([b'-', b'a', b'd', b'Z'].map(weight), [0, 16, 32, 16 << 17]);
    }
}

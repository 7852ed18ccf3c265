//! The static prediction tables, read from the very file the addon ships (`Parsebook/Tables.lua`).
//!
//! They say how often each symbol follows in each situation ("context"). They never depend on the data of a run, so
//! the same character always takes the same bytes. `examples/train_tables.rs` writes the file.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::rans::{Slice, TOTAL};

/// The file as shipped.
pub const SOURCE: &str = include_str!("../addon/Parsebook/Tables.lua");

/// The alphabet's first symbols: end of the name, a raw code point, a Chinese character, 19 Hangul initials; then
/// the letters.
pub const END: usize = 0;
/// See [`END`].
pub const RAW: usize = 1;
/// See [`END`].
pub const HAN: usize = 2;
/// See [`END`].
pub const HANGUL: usize = 3;
/// See [`END`].
pub const LETTERS: usize = 22;
/// How the symbols before the letters are written in the file.
pub const SPECIAL: &str = ".?#ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
/// Letters with their own symbol, as they stand inside a name.
pub const SMALL_LETTERS: &str =
    "abcdefghijklmnopqrstuvwxyzßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿœšžабвгдежзийклмнопрстуфхцчшщъыьэюяё";
/// The same letters as they begin a name.
pub const CAPITAL_LETTERS: &str =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZẞÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞŸŒŠŽАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЁ";

/// A kind of symbol, each with its own list of contexts; described where it is written (block.rs, name.rs, record.rs).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Count,
    Shared,
    Char,
    DiffFirst,
    Diff,
    Medial,
    Final,
    DiffMedial,
    DiffFinal,
    Class,
    Raid,
    Shape,
    Mask,
    Killed,
    Kills,
    KillsForm,
    KillsPair,
    KillsFar,
    Rank,
}

/// Every kind with its name in the file, in the order of the file.
pub const KINDS: [(Kind, &str); 19] = [
    (Kind::Count, "count"),
    (Kind::Shared, "shared"),
    (Kind::Char, "char"),
    (Kind::DiffFirst, "diffFirst"),
    (Kind::Diff, "diff"),
    (Kind::Medial, "medial"),
    (Kind::Final, "final"),
    (Kind::DiffMedial, "diffMedial"),
    (Kind::DiffFinal, "diffFinal"),
    (Kind::Class, "class"),
    (Kind::Raid, "raid"),
    (Kind::Shape, "shape"),
    (Kind::Mask, "mask"),
    (Kind::Killed, "killed"),
    (Kind::Kills, "kills"),
    (Kind::KillsForm, "killsForm"),
    (Kind::KillsPair, "killsPair"),
    (Kind::KillsFar, "killsFar"),
    (Kind::Rank, "rank"),
];

/// Whether the symbols of a kind are characters of the alphabet, of which a context knows only some.
pub fn is_text(kind: Kind) -> bool {
    matches!(kind, Kind::Char | Kind::DiffFirst | Kind::Diff)
}

/// All tables and the alphabet.
pub struct Tables {
    /// `slices[kind][context][symbol]`; width 0 where a symbol is unknown in a context.
    slices: Vec<Vec<Vec<Slice>>>,
    /// Lower-case letter to its symbol.
    pub letters: HashMap<char, usize>,
    /// The same for the first letter of a name, in upper case.
    pub capitals: HashMap<char, usize>,
    /// Number of letters.
    pub letter_count: usize,
}

/// The shipped tables.
pub static TABLES: LazyLock<Tables> = LazyLock::new(|| parse(SOURCE));

impl Tables {
    /// The slice of a symbol, `None` if the context doesn't know it.
    pub fn slice(&self, kind: Kind, context: usize, symbol: usize) -> Option<Slice> {
        self.slices.get(kind as usize)?.get(context)?.get(symbol).copied().filter(|s| s.width > 0)
    }
}

/// Reads the file; lines that are no tables are skipped. The shipped file is checked by this module's tests.
fn parse(source: &str) -> Tables {
    let quoted = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
    let alphabet: Vec<char> = SPECIAL.chars().chain(SMALL_LETTERS.chars()).collect();
    let mut tables = Tables {
        slices: Vec::new(),
        letters: SMALL_LETTERS.chars().zip(LETTERS..).collect(),
        capitals: CAPITAL_LETTERS.chars().zip(LETTERS..).collect(),
        letter_count: SMALL_LETTERS.chars().count(),
    };
    for (kind, name) in KINDS {
        let start = format!("  {name} = {{");
        let lines = source.lines().skip_while(|l| *l != start).skip(1).take_while(|l| l.starts_with("    \""));
        let contexts =
            lines.map(quoted).map(|line| if is_text(kind) { sparse(&line, &alphabet) } else { dense(&line) });
        tables.slices.push(contexts.collect());
    }
    tables
}

/// "12 3 4081": one number for each symbol.
fn dense(line: &str) -> Vec<Slice> {
    slices(line.split(' ').filter_map(|n| n.parse().ok()))
}

/// "a12.3b4081": the symbols that the context knows, each followed by its number.
fn sparse(line: &str, alphabet: &[char]) -> Vec<Slice> {
    let mut widths = vec![0_u32; alphabet.len()];
    let mut at = 0;
    for c in line.chars() {
        match c.to_digit(10) {
            Some(digit) => widths[at] = widths[at] * 10 + digit,
            None => at = alphabet.iter().position(|&a| a == c).unwrap_or(RAW),
        }
    }
    slices(widths.into_iter())
}

/// Lays the widths side by side, in symbol order.
fn slices(widths: impl Iterator<Item = u32>) -> Vec<Slice> {
    let mut start = 0;
    widths
        .map(|width| {
            let slice = Slice { start, width };
            start = (start + width).min(TOTAL);
            slice
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_context_of_the_shipped_tables_is_complete() {
        for (kind, name) in KINDS {
            assert!(!TABLES.slices[kind as usize].is_empty(), "{name} has no contexts");
            for (context, slices) in TABLES.slices[kind as usize].iter().enumerate() {
                let total: u32 = slices.iter().map(|s| s.width).sum();
                assert_eq!(total, TOTAL, "{name}, context {context}");
                if is_text(kind) {
                    assert!(slices[RAW].width > 0, "{name}, context {context} has no way out");
                } else {
                    assert!(slices.iter().all(|s| s.width > 0), "{name}, context {context}");
                }
            }
        }
    }

    /// Data written with other tables would be misread, so a change of the tables is a change of the format.
    #[test]
    fn the_tables_are_those_of_this_format() {
        let known = (1, 0x6197_6e13);
        let now = (crate::FORMAT_VERSION, crate::hash::fnv1a(SOURCE.as_bytes()));
        assert_eq!(
            now, known,
            "the tables changed: raise FORMAT_VERSION here and in Database.lua, then note both here"
        );
    }

    #[test]
    fn every_letter_has_one_capital() {
        assert_eq!(TABLES.letters.len(), TABLES.letter_count);
        assert_eq!(TABLES.capitals.len(), TABLES.letter_count);
        assert!(SOURCE.contains(&format!("\n  letters = \"{SMALL_LETTERS}\",\n")));
        assert!(SOURCE.contains(&format!("\n  capitals = \"{CAPITAL_LETTERS}\",\n")));
    }
}

//! The scripts that names are written in, and how their characters are numbered. All numbers are part of the format.
//!
//! A name begins with a capital and goes on with small letters; letters that do so need no word about their case. Any
//! other character, and a letter of the wrong case, is *raw*: its code point is spelled out.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Accented Latin letters inside a name, in the order of their code points.
pub const ACCENTS: &str = "ßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿœšž";
/// The same at the begin of a name.
pub const CAPITAL_ACCENTS: &str = "ẞÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞŸŒŠŽ";
/// The plain letter that foretells the next letter as well.
pub const ACCENT_BASES: &str = "saaaaaaaceeeeiiiidnoooooouuuuytyosz";
/// Cyrillic letters inside a name, in the order of their code points.
pub const CYRILLIC: &str = "абвгдежзийклмнопрстуфхцчшщъыьэюяё";
/// The same at the begin of a name.
pub const CAPITAL_CYRILLIC: &str = "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЁ";

/// A character as the coder sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// A plain Latin letter, 1 (a) to 26.
    Latin(usize),
    /// An accented Latin letter: its number in [`ACCENTS`], from 1, and its plain letter.
    Accent(usize, usize),
    /// A Cyrillic letter: its number in [`CYRILLIC`], from 1.
    Cyrillic(usize),
    /// A Hangul syllable: initial 0..19, medial 0..21, final 0..28 (0 none).
    Hangul(usize, usize, usize),
    /// A Chinese character of the tables: its place in their list.
    Han(usize),
    /// Another Chinese character, U+4E00 to U+9FFF.
    OtherHan(u32),
    /// Anything else.
    Raw(u32),
}

static LETTERS: LazyLock<[HashMap<char, Glyph>; 2]> = LazyLock::new(|| {
    [(CAPITAL_ACCENTS, CAPITAL_CYRILLIC, 'A'), (ACCENTS, CYRILLIC, 'a')].map(|(accents, cyrillic, first)| {
        let mut letters: HashMap<char, Glyph> =
            (1_u8..=26).map(|i| (char::from(first as u8 + i - 1), Glyph::Latin(i.into()))).collect();
        let bases = ACCENT_BASES.bytes().map(|b| usize::from(b - b'a' + 1));
        letters.extend(accents.chars().zip(bases).zip(1..).map(|((c, base), i)| (c, Glyph::Accent(i, base))));
        letters.extend(cyrillic.chars().zip(1..).map(|(c, i)| (c, Glyph::Cyrillic(i))));
        letters
    })
});

/// What a character is at the begin of a name or inside; `han` lists the Chinese characters of the tables, sorted.
pub fn glyph(c: char, is_first: bool, han: &[char]) -> Glyph {
    let code = u32::from(c);
    if let 0xAC00..=0xD7A3 = code {
        let syllable = (code - 0xAC00) as usize;
        return Glyph::Hangul(syllable / 588, syllable / 28 % 21, syllable % 28);
    }
    if let Some(letter) = LETTERS[usize::from(!is_first)].get(&c) {
        return *letter;
    }
    match han.binary_search(&c) {
        Ok(place) => Glyph::Han(place),
        Err(_) if (0x4E00..=0x9FFF).contains(&code) => Glyph::OtherHan(code),
        Err(_) => Glyph::Raw(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_has_one_capital_and_one_place_in_the_order() {
        for (small, capital) in [(ACCENTS, CAPITAL_ACCENTS), (CYRILLIC, CAPITAL_CYRILLIC)] {
            assert!(small.chars().zip(small.chars().skip(1)).all(|(a, b)| a < b));
            assert_eq!(small.chars().count(), capital.chars().count());
            for (s, c) in small.chars().zip(capital.chars()) {
                assert_eq!(crate::fold::fold(c.into()), u32::from(s));
            }
        }
        assert_eq!(ACCENTS.chars().count(), ACCENT_BASES.len());
    }
}

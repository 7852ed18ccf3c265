//! How a character's name is written: what it shares with the name before it, then character by character.
//!
//! Each script has its own symbols, foretold by the characters before: two Latin letters, one Cyrillic letter, the
//! last sound and the place of a Hangul syllable (which is taken apart into initial, medial and final). Chinese
//! characters are chosen by how frequent they are. The first character after the shared part is foretold by the one
//! that it replaces: names are sorted (see [`crate::fold`]), so it comes later in the alphabet.

use crate::alphabet::{Glyph, glyph};
use crate::sink::Sink;
use crate::tables::{Kind, TABLES};

/// Longest name that is carried, in characters. The game allows 12.
pub const MAX_CHARS: usize = 48;

/// First symbols of the rows that begin a name (or go on after a raw character); Latin letters are 2 to 27.
const END: usize = 0;
const RAW: usize = 1;
const START_LATIN: usize = 1;
const START_ACCENT: usize = 28;
const START_CYRILLIC: usize = 29;
const START_HANGUL: usize = 30;
const START_HAN: usize = 31;
/// Row of `start` after a raw character.
const AFTER_RAW: usize = 4;
/// Symbol of the Latin rows for accented letters and everything raw.
const LATIN_OTHER: usize = 27;
/// Symbols of the Chinese rows for listed characters and for the others.
const HAN_LISTED: usize = 2;
const HAN_OTHER: usize = 3;
/// Longest step between groups of Chinese characters that has a symbol of its own.
const FAR: usize = 24;

/// What the whole realm tells about a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Row of `start`: 0, or 1 in KR, 2 in TW, 3 in CN.
    pub region: usize,
    /// How many names there are in the realm: 0 up to 31, 1 up to 127, 2 up to 511, and so on, at most 5.
    pub crowd: usize,
}

impl Place {
    /// The place of names in a realm of so many characters.
    pub fn new(region: &str, characters: u64) -> Self {
        let region = ["KR", "TW", "CN"].iter().position(|r| *r == region).map_or(0, |i| i + 1);
        Self { region, crowd: (characters.max(1).ilog2().saturating_sub(3) as usize / 2).min(5) }
    }

    /// Which way of writing Chinese to expect: 0 traditional, 1 simplified.
    fn writing(self) -> usize {
        usize::from(self.region == 3)
    }
}

/// Writes the names of one block; remembers the name before.
#[derive(Clone, Default)]
pub struct NameWriter {
    place: Place,
    before: Vec<(char, Glyph)>,
    now: Vec<(char, Glyph)>,
    shared_before: usize,
}

impl NameWriter {
    /// A writer for a new block.
    pub fn new(place: Place) -> Self {
        Self { place, ..Self::default() }
    }

    /// Writes the next name of the block. It must stand behind the one before and not be longer than [`MAX_CHARS`].
    pub fn write(&mut self, name: &str, sink: &mut impl Sink) {
        let mut shared = 0;
        if !self.before.is_empty() {
            shared = name.chars().zip(&self.before).take_while(|(c, (b, _))| c == b).count();
            let row = 8 * self.place.crowd + self.shared_before.min(7);
            sink.put(Kind::Shared, row, shared.min(15));
            if shared >= 15 {
                sink.raw(6, shared as u32);
            }
        }
        self.now.clear();
        self.now.extend_from_slice(&self.before[..shared]);
        let mut replaced = self.before.get(shared).map(|(_, glyph)| *glyph);
        for c in name.chars().skip(shared) {
            let mut glyph = glyph(c, self.now.is_empty(), &TABLES.han);
            if !self.write_char(glyph, replaced.take(), sink) {
                sink.raw(9, u32::from(c) >> 12);
                sink.raw(12, u32::from(c) & 0xfff);
                glyph = Glyph::Raw(c.into());
            }
            self.now.push((c, glyph));
        }
        let (kind, row) = self.row();
        sink.put(kind, row, END);
        std::mem::swap(&mut self.before, &mut self.now);
        self.shared_before = shared;
    }

    /// The row for what comes next, as the characters before foretell it.
    fn row(&self) -> (Kind, usize) {
        let at = self.now.len();
        match self.now.last().map(|(_, glyph)| *glyph) {
            None => (Kind::Start, self.place.region),
            Some(Glyph::Raw(_)) => (Kind::Start, AFTER_RAW),
            Some(Glyph::Latin(letter) | Glyph::Accent(_, letter)) => {
                (Kind::Latin, 26 * self.plain_letter(at.wrapping_sub(2)) + letter - 1)
            }
            Some(Glyph::Cyrillic(letter)) => (Kind::Cyrillic, letter),
            Some(Glyph::Hangul(_, _, last)) => (Kind::Initial, 1 + 28 * (at - 1).min(2) + last),
            Some(Glyph::Han(_) | Glyph::OtherHan(_)) => (Kind::Han, self.han_row()),
        }
    }

    /// The row where a character is replaced: of its script, so that only what comes later in the alphabet is likely.
    fn replacing_row(&self, replaced: Glyph) -> (Kind, usize) {
        match replaced {
            Glyph::Raw(_) => self.row(),
            _ if self.now.is_empty() => (Kind::DiffStart, start_symbol(replaced) - 2),
            Glyph::Latin(letter) => (Kind::DiffLatin, letter - 1),
            Glyph::Accent(..) => (Kind::DiffLatin, LATIN_OTHER - 1),
            Glyph::Cyrillic(letter) => (Kind::DiffCyrillic, letter - 1),
            Glyph::Hangul(initial, ..) => (Kind::DiffInitial, 19 + initial),
            Glyph::Han(_) | Glyph::OtherHan(_) => (Kind::Han, self.han_row()),
        }
    }

    fn han_row(&self) -> usize {
        6 * self.place.writing() + self.now.len().min(5)
    }

    /// The plain form, 1 to 26, of the Latin letter at a place of this name; 0 if there is none.
    fn plain_letter(&self, at: usize) -> usize {
        match self.now.get(at) {
            Some((_, Glyph::Latin(letter) | Glyph::Accent(_, letter))) => *letter,
            _ => 0,
        }
    }

    /// Writes a character. Answers false if its code point must follow.
    fn write_char(&self, glyph: Glyph, replaced: Option<Glyph>, sink: &mut impl Sink) -> bool {
        let (mut kind, mut row) = replaced.map_or_else(|| self.row(), |old| self.replacing_row(old));
        if matches!(kind, Kind::Start | Kind::DiffStart) {
            sink.put(kind, row, start_symbol(glyph));
            (kind, row) = match (glyph, replaced) {
                (Glyph::Raw(_), _) => return false,
                (Glyph::Latin(_), _) => return true,
                (Glyph::Accent(..), _) => return write_accent(glyph, 0, sink),
                (Glyph::Cyrillic(_), Some(Glyph::Cyrillic(old))) => (Kind::DiffCyrillic, old - 1),
                (Glyph::Cyrillic(_), _) => (Kind::Cyrillic, 0),
                (Glyph::Hangul(..), Some(Glyph::Hangul(old, ..))) => (Kind::DiffInitial, old),
                (Glyph::Hangul(..), _) => (Kind::Initial, 0),
                (Glyph::Han(_) | Glyph::OtherHan(_), _) => (Kind::Han, self.han_row()),
            };
        }
        match (kind, glyph) {
            (Kind::Latin | Kind::DiffLatin, Glyph::Latin(letter)) => sink.put(kind, row, letter),
            (Kind::Latin | Kind::DiffLatin, _) => {
                sink.put(kind, row, LATIN_OTHER);
                return write_accent(glyph, self.plain_letter(self.now.len().wrapping_sub(1)), sink);
            }
            (Kind::Cyrillic | Kind::DiffCyrillic, Glyph::Cyrillic(letter)) => sink.put(kind, row, 1 + letter),
            (Kind::Initial | Kind::DiffInitial, Glyph::Hangul(initial, medial, last)) => {
                sink.put(kind, row, 2 + initial);
                self.write_sounds([initial, medial, last], replaced, sink);
            }
            (Kind::Han, Glyph::Han(at)) => {
                sink.put(kind, row, HAN_LISTED);
                self.write_han(at, replaced, sink);
            }
            (Kind::Han, Glyph::OtherHan(code)) => {
                sink.put(kind, row, HAN_OTHER);
                sink.raw(7, (code - 0x4E00) >> 8);
                sink.raw(8, (code - 0x4E00) & 0xff);
            }
            _ => {
                sink.put(kind, row, RAW);
                return false;
            }
        }
        true
    }

    /// Medial and final of a syllable; where sounds of the replaced one stay the same, it foretells the next.
    fn write_sounds(&self, [initial, medial, last]: [usize; 3], replaced: Option<Glyph>, sink: &mut impl Sink) {
        let inner = usize::from(!self.now.is_empty());
        let old = match replaced {
            Some(Glyph::Hangul(i, m, l)) if i == initial => Some((m, l)),
            _ => None,
        };
        match old {
            Some((old, _)) => sink.put(Kind::DiffMedial, 21 * inner + old, medial),
            None => sink.put(Kind::Medial, initial, medial),
        }
        match old {
            Some((same, old)) if same == medial => sink.put(Kind::DiffFinal, 28 * inner + old, last),
            _ => sink.put(Kind::Final, 21 * initial + medial, last),
        }
    }

    /// A listed Chinese character: its group, then which of the group. Behind a replaced one, how many groups further.
    fn write_han(&self, at: usize, replaced: Option<Glyph>, sink: &mut impl Sink) {
        let writing = self.place.writing();
        let han = &TABLES.writing[writing];
        sink.han(at, writing);
        let group = han.group_of[at];
        let mut after = None;
        let mut far = true;
        if let Some(Glyph::Han(old)) = replaced {
            let step = group.saturating_sub(han.group_of[old]);
            let inner = usize::from(!self.now.is_empty());
            sink.put(Kind::HanStep, 6 * inner + self.place.crowd, step.min(FAR));
            far = step >= FAR;
            after = Some(old).filter(|_| step == 0);
        }
        if far {
            sink.choose(han.groups[group]);
        }
        if let Some(slice) = han.within(at, after) {
            sink.choose(slice);
        }
    }
}

/// The symbol with which a character begins in the rows of [`Kind::Start`].
fn start_symbol(glyph: Glyph) -> usize {
    match glyph {
        Glyph::Raw(_) => RAW,
        Glyph::Latin(letter) => START_LATIN + letter,
        Glyph::Accent(..) => START_ACCENT,
        Glyph::Cyrillic(_) => START_CYRILLIC,
        Glyph::Hangul(..) => START_HANGUL,
        Glyph::Han(_) | Glyph::OtherHan(_) => START_HAN,
    }
}

/// An accented letter, after the plain form of the letter before it (0 if there is none). False if it is none.
fn write_accent(glyph: Glyph, before: usize, sink: &mut impl Sink) -> bool {
    let number = match glyph {
        Glyph::Accent(number, _) => number,
        _ => 0,
    };
    sink.put(Kind::Accent, before, number);
    number > 0
}

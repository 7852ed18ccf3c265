//! How a character's name is written: what it shares with the name before it, then character by character.
//!
//! A character is an alphabet symbol predicted from the one before it. Hangul syllables are taken apart into initial,
//! medial and final; Chinese characters and anything unforeseen follow as plain bits. The first character after the
//! shared part is predicted from the character it replaces, because names are sorted.

use crate::sink::Sink;
use crate::tables::{END, HAN, HANGUL, Kind, LETTERS, RAW, TABLES};

/// Longest name that is carried, in characters. The game allows 12.
pub const MAX_CHARS: usize = 48;

const HAN_FIRST: u32 = 0x4E00;
const HAN_LAST: u32 = 0x9FFF;
const HANGUL_FIRST: u32 = 0xAC00;
const HANGUL_LAST: u32 = 0xD7A3;

/// One character as it was written.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Written {
    code: u32,
    /// Its alphabet symbol.
    symbol: usize,
    /// Hangul medial and final, else 0.
    medial: usize,
    last: usize,
}

/// Writes the names of one block; remembers the name before.
#[derive(Default)]
pub struct NameWriter {
    before: Vec<Written>,
    now: Vec<Written>,
    shared_before: usize,
    started: bool,
}

impl NameWriter {
    /// Writes the next name of the block. It must be greater than the one before and not longer than [`MAX_CHARS`].
    pub fn write(&mut self, name: &str, sink: &mut impl Sink) {
        let mut shared = 0;
        if self.started {
            shared = name.chars().zip(&self.before).take_while(|(c, w)| u32::from(*c) == w.code).count();
            let context = self.shared_before.min(7);
            if shared < 15 {
                sink.put(Kind::Shared, context, shared);
            } else {
                sink.put(Kind::Shared, context, 15);
                sink.raw(6, shared as u32);
            }
        }
        self.now.clear();
        self.now.extend_from_slice(&self.before[..shared]);
        let replaced = self.before.get(shared).copied();
        for c in name.chars().skip(shared) {
            let replaced = if self.now.len() == shared { replaced } else { None };
            let written = self.write_char(c, replaced, sink);
            self.now.push(written);
        }
        let replaced = if self.now.len() == shared { replaced } else { None };
        let (kind, context) = self.context(replaced);
        sink.put(kind, context, END);
        std::mem::swap(&mut self.before, &mut self.now);
        self.shared_before = shared;
        self.started = true;
    }

    /// Predict from the replaced character, else from the one before.
    fn context(&self, replaced: Option<Written>) -> (Kind, usize) {
        match (replaced, self.now.last()) {
            (Some(old), None) => (Kind::DiffFirst, old.symbol - 1),
            (Some(old), Some(_)) => (Kind::Diff, old.symbol - 1),
            (None, None) => (Kind::Char, 0),
            (None, Some(w)) if w.symbol >= LETTERS => (Kind::Char, w.symbol - LETTERS + 3),
            (None, Some(w)) if w.symbol >= HANGUL => (Kind::Char, 3 + TABLES.letter_count + w.last),
            (None, Some(w)) => (Kind::Char, w.symbol),
        }
    }

    fn write_char(&self, c: char, replaced: Option<Written>, sink: &mut impl Sink) -> Written {
        let code = u32::from(c);
        let (kind, context) = self.context(replaced);
        let letters = if self.now.is_empty() { &TABLES.capitals } else { &TABLES.letters };
        let mut written = Written { code, symbol: RAW, medial: 0, last: 0 };
        match code {
            HANGUL_FIRST..=HANGUL_LAST => {
                let syllable = (code - HANGUL_FIRST) as usize;
                written.symbol = HANGUL + syllable / 588;
                written.medial = syllable / 28 % 21;
                written.last = syllable % 28;
            }
            HAN_FIRST..=HAN_LAST => written.symbol = HAN,
            _ => written.symbol = letters.get(&c).copied().unwrap_or(RAW),
        }
        if !sink.knows(kind, context, written.symbol) {
            written = Written { code, symbol: RAW, medial: 0, last: 0 };
        }
        sink.put(kind, context, written.symbol);
        match written.symbol {
            RAW => {
                sink.raw(9, code >> 12);
                sink.raw(12, code & 0xfff);
            }
            HAN => {
                sink.raw(7, (code - HAN_FIRST) >> 8);
                sink.raw(8, (code - HAN_FIRST) & 0xff);
            }
            HANGUL..LETTERS => {
                let initial = written.symbol - HANGUL;
                match replaced.filter(|old| old.symbol == written.symbol) {
                    Some(old) => sink.put(Kind::DiffMedial, old.medial, written.medial),
                    None => sink.put(Kind::Medial, initial, written.medial),
                }
                match replaced.filter(|old| old.symbol == written.symbol && old.medial == written.medial) {
                    Some(old) => sink.put(Kind::DiffFinal, old.last, written.last),
                    None => sink.put(Kind::Final, written.medial, written.last),
                }
            }
            _ => {}
        }
        written
    }
}

//! The characters of a realm while the region is being read: packed to a fifth of their size, in any order.
//!
//! A region is written only when all of it has been seen, because players of one realm may come apart (two spellings
//! of its name) and which raids the region has is known at the end.

use std::collections::HashMap;

use crate::block::Entry;
use crate::character::Character;
use crate::fold::folded;
use crate::record::{Group, Reference};

/// Metrics and specialisations, each once; packed characters name them by number.
#[derive(Default)]
pub struct Words {
    list: Vec<String>,
    numbers: HashMap<String, u64>,
}

impl Words {
    fn number(&mut self, word: &str) -> u64 {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let number = self.list.len() as u64;
        self.list.push(word.to_owned());
        self.numbers.insert(word.to_owned(), number);
        number
    }
}

/// The packed characters of one realm.
#[derive(Default)]
pub struct Shelf {
    bytes: Vec<u8>,
    /// Where each character begins.
    pub starts: Vec<u32>,
}

/// Which of two with one name is kept: the greater.
type Claim = (bool, i64, i64);

impl Shelf {
    /// Packs a character whose ranks have been tidied.
    pub fn put(&mut self, character: &Character, groups: &[Group], reference: &Reference, words: &mut Words) {
        self.starts.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        let out = &mut self.bytes;
        let current = character.canonical_id.is_none() || character.canonical_id == character.id;
        put_text(out, &character.name);
        out.push(u8::from(current));
        put_number(out, zigzag(character.newest_kill.unwrap_or(character.ranked_at)));
        put_number(out, zigzag(character.ranked_at));
        out.push(character.class_id);
        put_number(out, groups.len() as u64);
        for group in groups {
            put_number(out, group.raid.into());
            out.push(group.difficulty);
            put_number(out, words.number(group.metric));
            put_number(out, group.spec.map_or(0, |spec| words.number(spec) + 1));
            let known = reference.encounters(group.raid);
            let place = |id: u32| known.iter().take(64).position(|e| e.id == id);
            let mask = group.encounters.iter().filter_map(|e| place(e.0)).fold(0_u64, |mask, i| mask | 1 << i);
            put_number(out, mask);
            let others = group.encounters.len() - mask.count_ones() as usize;
            put_number(out, others as u64);
            for &(id, rank, kills) in &group.encounters {
                if place(id).is_none() {
                    put_number(out, id.into());
                }
                out.extend([rank, kills]);
            }
        }
    }

    /// Gives back what growing has reserved.
    pub fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.starts.shrink_to_fit();
    }

    /// Sorts by name without regard to case, then by name; of equal names keeps one. Answers how many others went.
    pub fn sort(&mut self) -> u64 {
        let before = self.starts.len();
        let mut starts = std::mem::take(&mut self.starts);
        let key = |start: &u32| self.reader(*start).text();
        starts.sort_by(|a, b| {
            let (one, two) = (key(a), key(b));
            folded(one).cmp(folded(two)).then_with(|| one.cmp(two)).then_with(|| self.claim(*b).cmp(&self.claim(*a)))
        });
        starts.dedup_by(|b, a| key(a) == key(b));
        self.starts = starts;
        (before - self.starts.len()) as u64
    }

    /// Which is kept; what is left equal is decided by its bytes, so that the order of arrival never matters.
    fn claim(&self, start: u32) -> (Claim, &[u8]) {
        let mut reader = self.reader(start);
        reader.text();
        let claim = (reader.byte() == 1, unzigzag(reader.number()), unzigzag(reader.number()));
        (claim, reader.0)
    }

    /// The name of a character.
    pub fn name(&self, start: u32) -> &str {
        self.reader(start).text()
    }

    /// When a character was ranked last.
    pub fn ranked_at(&self, start: u32) -> i64 {
        self.claim(start).0.2
    }

    /// A character, unpacked.
    pub fn entry<'a>(&'a self, start: u32, reference: &Reference, words: &'a Words) -> Entry<'a> {
        let mut reader = self.reader(start);
        let name = reader.text();
        reader.byte();
        reader.number();
        reader.number();
        let class_id = reader.byte();
        let groups = (0..reader.number()).map(|_| {
            let raid = u32::try_from(reader.number()).unwrap_or(u32::MAX);
            let difficulty = reader.byte();
            let metric = words.list.get(reader.number() as usize).map_or("", String::as_str);
            let spec = reader.number().checked_sub(1).and_then(|i| words.list.get(i as usize)).map(String::as_str);
            let mask = reader.number();
            let others = reader.number();
            let known = reference.encounters(raid).iter().take(64).enumerate();
            let mut encounters: Vec<(u32, u8, u8)> =
                known.filter(|(i, _)| mask >> i & 1 == 1).map(|(_, e)| (e.id, reader.byte(), reader.byte())).collect();
            for _ in 0..others {
                let id = u32::try_from(reader.number()).unwrap_or(u32::MAX);
                encounters.push((id, reader.byte(), reader.byte()));
            }
            Group { raid, difficulty, metric, spec, encounters }
        });
        Entry { name, class_id, groups: groups.collect() }
    }

    fn reader(&self, start: u32) -> Reader<'_> {
        Reader(self.bytes.get(start as usize..).unwrap_or_default())
    }
}

/// Reads what `put` has written.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> u64 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return number;
            }
            shift += 7;
        }
    }

    fn text(&mut self) -> &'a str {
        let length = self.number() as usize;
        let (text, rest) = self.0.split_at_checked(length).unwrap_or_default();
        self.0 = rest;
        std::str::from_utf8(text).unwrap_or_default()
    }
}

/// Seven bits a byte, lowest first; the last byte is below 128.
fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 128 {
        out.push((number & 127) as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

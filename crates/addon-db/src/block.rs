//! Blocks: the few neighbouring characters that are written together, one line of text each.
//!
//! Where a block ends depends only on the names in it (and the distance from the block's begin), so a new or removed
//! name moves at most the next few ends, and a changed rank moves none. Names that differ in letter case only are
//! never in different blocks.

use crate::fold::folded;
use crate::hash::fnv1a;
use crate::name::{NameWriter, Place};
use crate::range;
use crate::record::{Group, RecordWriter, Reference, write_ranks};
use crate::sink::{Sink, Slices};
use crate::tables::Kind;

/// Least and most characters of a block, but for the last of a realm, and those that differ in letter case only. The
/// longer a block, the fewer bytes and the slower a lookup; where players have many ranks, it is the time that counts.
const LENGTHS: (usize, usize) = (9, 12);
/// The same for KR, TW and CN.
const ASIAN_LENGTHS: (usize, usize) = (5, 8);

/// A character as it is written: `groups` as [`Reference::tidy`] gives them.
pub struct Entry<'a> {
    pub name: &'a str,
    pub class_id: u8,
    pub groups: Vec<Group<'a>>,
}

/// Finds the places where blocks begin.
pub struct Ends {
    shortest: usize,
    longest: usize,
    length: usize,
}

impl Ends {
    /// For a realm of this region.
    pub fn new(place: Place) -> Self {
        let (shortest, longest) = if place.region == 0 { LENGTHS } else { ASIAN_LENGTHS };
        Self { shortest, longest, length: 0 }
    }

    /// Whether a new block begins with this name. Call once for each name of a realm, in order.
    pub fn begins(&mut self, before: Option<&str>, name: &str) -> bool {
        let full = self.length >= self.longest || (self.length >= self.shortest && fnv1a(name.as_bytes()) >> 30 == 0);
        let begins = before.is_none_or(|before| full && !folded(before).eq(folded(name)));
        self.length = if begins { 1 } else { self.length + 1 };
        begins
    }
}

/// Writes the characters of one realm, sorted by name, that start at a block's begin: one line for each block.
pub fn write_blocks(entries: &[Entry], place: Place, reference: &Reference) -> Vec<u8> {
    let mut text = Vec::new();
    let mut slices = Slices::default();
    for block in split(entries, place) {
        slices.clear();
        write_block(block, place, reference, &mut slices);
        range::encode(&slices.forth, &slices.back, &mut text);
        text.push(b'\n');
    }
    // Every batch of a region is kept until the last is done.
    text.shrink_to_fit();
    text
}

/// Cuts the characters into blocks.
pub fn split<'a, 'b>(entries: &'b [Entry<'a>], place: Place) -> impl Iterator<Item = &'b [Entry<'a>]> {
    let mut ends = Ends::new(place);
    entries.chunk_by(move |a, b| {
        if ends.length == 0 {
            ends.begins(None, a.name);
        }
        !ends.begins(Some(a.name), b.name)
    })
}

/// The symbols of one block, in two halves: of each, what rarely changes of all its characters (names, classes, which
/// encounters), then their kills and ranks. After the first name, how many more there are in the first half and how many
/// in the second, whose first name is told by what it shares with the first of all.
pub fn write_block(block: &[Entry], place: Place, reference: &Reference, sink: &mut impl Sink) {
    let (forth, back) = block.split_at(middle(block));
    let Some((first, others)) = forth.split_first() else { return };
    let mut names = NameWriter::new(place);
    names.write(first.name, sink);
    write_count(0, others.len(), sink);
    write_count(1 + others.len().min(COUNTED), back.len(), sink);
    let names_back = names.clone();
    write_half(forth, 1, names, reference, sink);
    sink.turn();
    write_half(back, 0, names_back, reference, sink);
}

/// How many characters the first half has; those that differ in letter case only are together.
fn middle(block: &[Entry]) -> usize {
    let half = block.len().div_ceil(2);
    let same = |i: &usize| folded(block[i - 1].name).eq(folded(block[*i].name));
    (half..block.len()).find(|i| !same(i)).unwrap_or(block.len())
}

/// Greatest number of characters with a symbol of its own, less one.
const COUNTED: usize = 15;

fn write_count(row: usize, count: usize, sink: &mut impl Sink) {
    sink.put(Kind::Count, row, count.min(COUNTED));
    if count >= COUNTED {
        sink.raw32(count as u32);
    }
}

/// The first `named` names have been written.
fn write_half(half: &[Entry], named: usize, mut names: NameWriter, reference: &Reference, sink: &mut impl Sink) {
    let mut records = RecordWriter::new(reference);
    for (i, entry) in half.iter().enumerate() {
        if i >= named {
            names.write(entry.name, sink);
        }
        records.write(entry.class_id, &entry.groups, sink);
    }
    half.iter().for_each(|entry| write_ranks(&entry.groups, sink));
}

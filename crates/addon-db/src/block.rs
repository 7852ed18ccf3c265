//! Blocks: the few neighbouring characters that are written together, one line of text each.
//!
//! Where a block ends depends only on the names in it (and the distance from the block's begin), so a new or removed
//! name moves at most the next few ends, and a changed rank moves none.

use crate::character::Character;
use crate::hash::fnv1a;
use crate::name::NameWriter;
use crate::rans;
use crate::record::{RecordWriter, Reference};
use crate::sink::{Sink, Slices};
use crate::tables::Kind;

/// A block has at least this many characters, unless the realm ends.
const SHORTEST: usize = 3;
/// A block has at most this many characters.
const LONGEST: usize = 4;

/// Counts the characters of the block being filled.
#[derive(Default)]
pub struct Ends {
    length: usize,
}

impl Ends {
    /// Whether a new block begins with this name. Call once for each name of a realm, in order.
    pub fn begins(&mut self, name: &str) -> bool {
        let begins = self.length >= LONGEST || (self.length >= SHORTEST && fnv1a(name.as_bytes()) >> 31 == 0);
        self.length = if begins { 1 } else { self.length + 1 };
        begins
    }
}

/// Writes the characters of one realm, sorted by name, that start at a block's begin: one line for each block.
pub fn write_blocks(characters: &[Character], reference: &Reference) -> Vec<u8> {
    let mut text = Vec::new();
    let mut slices = Slices::default();
    for block in split(characters) {
        slices.0.clear();
        write_block(block, reference, &mut slices);
        rans::encode(&slices.0, &mut text);
        text.push(b'\n');
    }
    text
}

/// Cuts the characters into blocks.
pub fn split(characters: &[Character]) -> impl Iterator<Item = &[Character]> {
    let mut ends = Ends::default();
    characters.chunk_by(move |a, b| {
        if ends.length == 0 {
            ends.begins(&a.name);
        }
        !ends.begins(&b.name)
    })
}

/// The symbols of one block: each character's name, class and ranks; after the first name, how many characters.
pub fn write_block(block: &[Character], reference: &Reference, sink: &mut impl Sink) {
    let mut names = NameWriter::default();
    let mut records = RecordWriter::new(reference);
    for (i, character) in block.iter().enumerate() {
        names.write(&character.name, sink);
        if i == 0 {
            sink.put(Kind::Count, 0, block.len() - 1);
        }
        records.write(character.class_id, &reference.tidy(character), sink);
    }
}

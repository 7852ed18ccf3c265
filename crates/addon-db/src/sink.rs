//! Where symbols go: into a block being coded, or into the counts from which the tables are made.

use crate::range::{SCALE_BITS, Slice, TOTAL};
use crate::tables::{Kind, TABLES};

/// Receives the symbols of a block in the order the decoder will read them.
pub trait Sink {
    /// What follows belongs to the second half of the block.
    fn turn(&mut self) {}

    /// A predicted symbol.
    fn put(&mut self, kind: Kind, row: usize, symbol: usize);

    /// A choice whose slice is worked out in place.
    fn choose(&mut self, slice: Slice);

    /// A listed Chinese character was written, by its place in the list and the way of writing.
    fn han(&mut self, _place: usize, _writing: usize) {}

    /// A number of `bits` (at most 12) bits without prediction.
    fn raw(&mut self, bits: u32, value: u32);

    /// A number of up to 32 bits without prediction, highest part first.
    fn raw32(&mut self, value: u32) {
        self.raw(12, value >> 20);
        self.raw(12, (value >> 8) & 0xfff);
        self.raw(8, value & 0xff);
    }
}

/// Collects the slices of a block for [`crate::range::encode`].
#[derive(Default)]
pub struct Slices {
    pub forth: Vec<Slice>,
    pub back: Vec<Slice>,
    is_back: bool,
}

impl Slices {
    pub fn clear(&mut self) {
        self.forth.clear();
        self.back.clear();
        self.is_back = false;
    }
}

impl Sink for Slices {
    fn turn(&mut self) {
        self.is_back = true;
    }

    fn put(&mut self, kind: Kind, row: usize, symbol: usize) {
        let slice = TABLES.slice(kind, row, symbol);
        debug_assert!(slice.is_some(), "{kind:?} row {row} has no symbol {symbol}");
        self.choose(slice.unwrap_or(Slice { start: 0, width: 1 }));
    }

    fn choose(&mut self, slice: Slice) {
        debug_assert!(slice.width > 0);
        if self.is_back { self.back.push(slice) } else { self.forth.push(slice) }
    }

    fn raw(&mut self, bits: u32, value: u32) {
        debug_assert!(bits <= SCALE_BITS && value >> bits == 0, "{value} in {bits} bits");
        let width = TOTAL >> bits;
        self.choose(Slice { start: value * width, width });
    }
}

//! Makes `Parsebook/Tables.lua` from real characters: counts symbols in their contexts, rounds to the coder's scale.
//!
//! Run by hand through `examples/train_tables.rs` when better statistics are at hand; a new file is a new format.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::block;
use crate::character::{Character, Raid};
use crate::rans::TOTAL;
use crate::record::{RANK_CONTEXTS, Reference};
use crate::sink::Sink;
use crate::tables::{CAPITAL_LETTERS, KINDS, Kind, LETTERS, RAW, SMALL_LETTERS, SPECIAL, TABLES, is_text};

/// Number of symbols of a kind that is not text, and of contexts of any kind.
fn shape(kind: Kind, letters: usize) -> (usize, usize) {
    match kind {
        Kind::Count => (4, 1),
        Kind::Shared => (16, 8),
        Kind::Char => (LETTERS + letters, 3 + letters + 28),
        Kind::DiffFirst | Kind::Diff => (LETTERS + letters, LETTERS + letters - 1),
        Kind::Medial => (21, 19),
        Kind::Final => (28, 21),
        Kind::DiffMedial => (21, 21),
        Kind::DiffFinal => (28, 28),
        Kind::Class => (16, 1),
        Kind::Raid => (3, 2),
        Kind::Shape => (46, 4),
        Kind::Mask => (3, 4),
        Kind::Killed => (16, 51),
        Kind::Kills => (41, 19),
        Kind::KillsForm => (2, 11),
        Kind::KillsPair => (82, 6),
        Kind::KillsFar => (41, 6),
        Kind::Rank => (101, 2 * RANK_CONTEXTS),
    }
}

/// A context with fewer counts than this takes the average of its kind; the decoder keeps equal contexts once.
const FEW: f64 = 1000.0;

/// Counts symbols.
pub struct Counter {
    letters: usize,
    weight: f64,
    names: bool,
    ranks: bool,
    counts: HashMap<(Kind, usize), Vec<f64>>,
}

impl Default for Counter {
    fn default() -> Self {
        Self { letters: SMALL_LETTERS.chars().count(), weight: 1.0, names: true, ranks: true, counts: HashMap::new() }
    }
}

impl Counter {
    /// Counts a realm's characters (sorted by name) with a weight; only the names if they have no ranks.
    pub fn add(&mut self, raids: &[Raid], characters: &[Character], name_weight: f64, rank_weight: f64) {
        let reference = Reference::new(raids);
        for block in block::split(characters) {
            (self.names, self.ranks, self.weight) = (true, false, name_weight);
            block::write_block(block, &reference, self);
            (self.names, self.ranks, self.weight) = (false, true, rank_weight);
            block::write_block(block, &reference, self);
        }
    }

    /// The text of `Tables.lua`.
    pub fn finish(mut self) -> String {
        self.assume();
        let alphabet: Vec<char> = SPECIAL.chars().chain(SMALL_LETTERS.chars()).collect();
        let mut text = HEADER.to_owned();
        _ = writeln!(text, "  letters = \"{SMALL_LETTERS}\",\n  capitals = \"{CAPITAL_LETTERS}\",");
        for (kind, name) in KINDS {
            _ = writeln!(text, "  {name} = {{");
            for widths in self.rounded(kind) {
                let line = if is_text(kind) {
                    alphabet.iter().zip(&widths).filter(|(_, w)| **w > 0).map(|(c, w)| format!("{c}{w}")).collect()
                } else {
                    widths.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
                };
                _ = writeln!(text, "    \"{line}\",");
            }
            text.push_str("  },\n");
        }
        text.push_str("}\n");
        text
    }

    /// What no sample has shown yet but will come: LFR, both metrics, older raids, unknown classes.
    fn assume(&mut self) {
        let mut expect = |kind, context, counts: &[f64]| {
            let (symbols, _) = shape(kind, self.letters);
            let seen = self.counts.entry((kind, context)).or_insert_with(|| vec![0.0; symbols]);
            let total: f64 = seen.iter().sum::<f64>().max(1000.0);
            for (have, add) in seen.iter_mut().zip(counts) {
                *have += add * total;
            }
        };
        expect(Kind::Class, 0, &[&[0.001][..], &[100.0; 13], &[0.05, 0.01]].concat());
        expect(Kind::Raid, 0, &[0.005, 0.0, 0.1]);
        expect(Kind::Raid, 1, &[0.5, 0.1, 0.3]);
        // Difficulty sets with dps, hps, both: LFR and both metrics are rare, the same metric follows itself.
        for context in 0..4 {
            let mut shares = vec![0.01];
            for set in 1..16_u32 {
                let share = if set % 2 == 0 && set != 10 { 0.02 } else { 0.004 };
                shares.extend((0..3).map(|metric| match context {
                    0 if metric < 2 => share / 2.0,
                    0 => share / 10.0,
                    _ => share * if metric + 1 == context { 0.9 } else { 0.05 },
                }));
            }
            expect(Kind::Shape, context, &shares);
        }
    }

    /// Counts as numbers that add up to [`TOTAL`]; a context with few counts leans on the kind's average.
    fn rounded(&self, kind: Kind) -> Vec<Vec<u32>> {
        let (symbols, contexts) = shape(kind, self.letters);
        let mut average = vec![1e-6; symbols];
        for ((_, _), counts) in self.counts.iter().filter(|((k, _), _)| *k == kind) {
            average.iter_mut().zip(counts).for_each(|(a, c)| *a += c);
        }
        let total: f64 = average.iter().sum();
        average.iter_mut().for_each(|a| *a /= total);
        let none = vec![0.0; symbols];
        let context = |context| {
            let counts = self.counts.get(&(kind, context)).filter(|c| c.iter().sum::<f64>() >= FEW).unwrap_or(&none);
            let total = counts.iter().sum::<f64>() + 4.0;
            let shares: Vec<f64> = counts.iter().zip(&average).map(|(c, a)| (c + 4.0 * a) / total).collect();
            round(&shares, is_text(kind))
        };
        (0..contexts).map(context).collect()
    }
}

/// Shares to whole numbers with the sum [`TOTAL`], each at least 1; in text, rare symbols get 0 but never RAW.
fn round(shares: &[f64], text: bool) -> Vec<u32> {
    let scale = f64::from(TOTAL);
    let least = |i: usize| u32::from(!text || i == RAW);
    let mut widths: Vec<u32> =
        shares.iter().enumerate().map(|(i, s)| ((s * scale).round() as u32).max(least(i))).collect();
    // Give or take where it costs least: from the widest.
    loop {
        let total: u32 = widths.iter().sum();
        let Some(widest) = (0..widths.len()).max_by_key(|&i| widths[i]) else { return widths };
        match total.cmp(&TOTAL) {
            std::cmp::Ordering::Equal => return widths,
            std::cmp::Ordering::Less => widths[widest] += TOTAL - total,
            std::cmp::Ordering::Greater => widths[widest] -= (total - TOTAL).min(widths[widest] / 16 + 1),
        }
    }
}

impl Sink for Counter {
    fn put(&mut self, kind: Kind, context: usize, symbol: usize) {
        let is_name = kind <= Kind::DiffFinal && kind != Kind::Count;
        if if is_name { self.names } else { self.ranks } {
            let (symbols, contexts) = shape(kind, self.letters);
            assert!(symbol < symbols && context < contexts, "{kind:?}: symbol {symbol} in context {context}");
            self.counts.entry((kind, context)).or_insert_with(|| vec![0.0; symbols])[symbol] += self.weight;
        }
    }

    fn raw(&mut self, _bits: u32, _value: u32) {}

    fn knows(&self, _kind: Kind, _context: usize, _symbol: usize) -> bool {
        true
    }
}

const HEADER: &str = "\
-- How often each symbol follows in each situation, in 4096ths. Written by `examples/train_tables.rs`, used by
-- Decoder.lua and by the encoder. One line for each situation; what the numbers stand for is told in Decoder.lua.
-- In letters and their followers, `.` ends a name, `?` is any code point, `#` a Chinese character.
-- A change here is a change of the format: raise formatVersion in Database.lua and FORMAT_VERSION in the encoder.
local _, ns = ...

ns.Tables = {
";

/// Adds up what symbols cost with the shipped tables, to see where the bytes go.
#[derive(Default)]
pub struct Costs {
    bits: HashMap<&'static str, f64>,
}

impl Costs {
    /// Adds a realm's characters, sorted by name.
    pub fn add(&mut self, raids: &[Raid], characters: &[Character]) {
        let reference = Reference::new(raids);
        block::split(characters).for_each(|b| block::write_block(b, &reference, self));
    }

    /// Bits by kind, the dearest first.
    pub fn finish(self) -> Vec<(&'static str, f64)> {
        let mut all: Vec<_> = self.bits.into_iter().collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all
    }
}

impl Sink for Costs {
    fn put(&mut self, kind: Kind, context: usize, symbol: usize) {
        let width = TABLES.slice(kind, context, symbol).map_or(1, |s| s.width);
        let name = KINDS[kind as usize].1;
        *self.bits.entry(name).or_default() += (f64::from(TOTAL) / f64::from(width)).log2();
    }

    fn raw(&mut self, bits: u32, _value: u32) {
        *self.bits.entry("raw").or_default() += f64::from(bits);
    }

    fn knows(&self, kind: Kind, context: usize, symbol: usize) -> bool {
        TABLES.slice(kind, context, symbol).is_some()
    }
}

//! Makes `Parsebook/Tables.lua` from real characters: counts symbols in their rows, writes the counts as letters.
//!
//! Run by hand through `examples/train_tables.rs` when better statistics are at hand; a new file is a new format.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use crate::block::{self, Entry};
use crate::character::{Character, Raid};
use crate::fold::folded;
use crate::name::Place;
use crate::range::{Slice, TOTAL};
use crate::record::Reference;
use crate::sink::Sink;
use crate::spec::{NO_SPEC, OTHER_SPEC, SPECS};
use crate::tables::{FORMS, Form, INSTEAD, Kind, LETTERS, TABLES, weight};

/// Uses other tables than the shipped ones in this process, to measure them. Call it before anything is encoded.
pub fn use_tables(source: String) {
    _ = INSTEAD.set(source);
}

/// A realm's characters as they are written: sorted, with their ranks tidied.
pub fn entries<'a>(reference: &Reference, characters: &'a [Character]) -> Vec<Entry<'a>> {
    let mut sorted: Vec<&Character> = characters.iter().collect();
    sorted.sort_by(|a, b| folded(&a.name).cmp(folded(&b.name)).then_with(|| a.name.cmp(&b.name)));
    sorted.into_iter().map(|c| Entry { name: &c.name, class_id: c.class_id, groups: reference.tidy(c) }).collect()
}

/// Counts symbols.
#[derive(Default)]
pub struct Counter {
    weight: f64,
    names: bool,
    ranks: bool,
    counts: HashMap<(Kind, usize), Vec<f64>>,
    /// How often each Chinese character was met, in the traditional and in the simplified way of writing.
    han: BTreeMap<char, [f64; 2]>,
}

impl Counter {
    /// Counts a realm's characters with a weight for names and one for ranks.
    pub fn add(&mut self, region: &str, raids: &[Raid], characters: &[Character], name_weight: f64, rank_weight: f64) {
        let reference = Reference::new(raids);
        let place = Place::new(region, characters.len() as u64);
        for block in block::split(&entries(&reference, characters), place) {
            (self.names, self.ranks, self.weight) = (true, false, name_weight);
            block::write_block(block, place, &reference, self);
            (self.names, self.ranks, self.weight) = (false, true, rank_weight);
            block::write_block(block, place, &reference, self);
        }
        for c in characters.iter().flat_map(|c| c.name.chars()).filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c)) {
            self.han.entry(c).or_default()[usize::from(region == "CN")] += name_weight;
        }
    }

    /// The text of `Tables.lua`.
    pub fn finish(mut self, han_at_least: f64) -> String {
        self.assume();
        let mut text = HEADER.to_owned();
        for form in &FORMS {
            if form.plain == 0 {
                write_table(form.name, &self.rows(form), per_line(form.kind), &mut text);
                continue;
            }
            let plain = self.plain(form, form.plain);
            let least = least(form.kind);
            let rows: Vec<String> =
                (0..form.rows).map(|row| self.row(form, row, &plain[row % form.plain], least)).collect();
            write_table(form.name, &rows, per_line(form.kind), &mut text);
            let plain: Vec<String> = plain.iter().map(|shares| shares.iter().map(|s| letter(*s)).collect()).collect();
            write_table(&format!("{}Plain", form.name), &plain, 1, &mut text);
        }
        text.push_str("  hanWeights = {\n");
        let mut by_weights: BTreeMap<[char; 2], String> = BTreeMap::new();
        for (c, counts) in self.han.iter().filter(|(_, counts)| counts[0] + counts[1] >= han_at_least) {
            by_weights.entry(counts.map(han_letter)).or_default().push(*c);
        }
        for ([traditional, simplified], chars) in by_weights {
            _ = writeln!(text, "    \"{traditional}{simplified}{chars}\",");
        }
        text.push_str("  },\n}\n");
        text
    }

    /// What no sample has shown yet but will come: LFR, both metrics, older raids, specialisations.
    fn assume(&mut self) {
        let mut expect = |kind, row, counts: &[f64]| {
            let seen = self.counts.entry((kind, row)).or_insert_with(|| vec![0.0; form(kind).symbols]);
            let total: f64 = seen.iter().sum::<f64>().max(1000.0);
            for (have, add) in seen.iter_mut().zip(counts) {
                *have += add * total;
            }
        };
        expect(Kind::Class, 0, &[&[0.001][..], &[100.0; 13], &[0.05, 0.01]].concat());
        expect(Kind::Raid, 0, &[0.005, 0.0, 0.1]);
        expect(Kind::Raid, 1, &[0.5, 0.1, 0.3]);
        // Difficulty sets with dps, hps, both: LFR and both metrics are rare, the same metric follows itself.
        for row in 0..4 {
            let mut shares = vec![0.01];
            for set in 1..16_u32 {
                let share = if set % 2 == 0 && set != 10 { 0.02 } else { 0.004 };
                shares.extend((0..3).map(|metric| match row {
                    0 if metric < 2 => share / 2.0,
                    0 => share / 10.0,
                    _ => share * if metric + 1 == row { 0.9 } else { 0.05 },
                }));
            }
            expect(Kind::Shape, row, &shares);
        }
        // Who is unknown stays so; a player has one specialisation; healing is done by healers, if there are any.
        for unknown in 0..2 {
            expect(Kind::SpecAgain, unknown, &[20.0, if unknown == 0 { 1.0 } else { 0.2 }]);
            for class in 0..14_usize {
                for metric in 0..3 {
                    let specs = SPECS.get(class.wrapping_sub(1)).copied().unwrap_or_default();
                    let fits = |healer: bool| metric == 2 || healer == (metric == 1);
                    let fitting = specs.iter().filter(|s| fits(s.1)).count();
                    let rare = if fitting == 0 { 1.0 } else { 0.02 };
                    let mut shares = vec![0.01; OTHER_SPEC + 1];
                    shares[NO_SPEC] = if unknown == 0 { 0.03 } else { 30.0 };
                    for (share, spec) in shares[1..].iter_mut().zip(specs) {
                        *share = if fits(spec.1) { 1.0 / fitting as f64 } else { rare / specs.len() as f64 };
                    }
                    expect(Kind::Spec, (unknown * 14 + class) * 3 + metric, &shares);
                }
            }
        }
    }

    /// The rows of a kind; one with few counts leans on the kind's average.
    fn rows(&self, form: &Form) -> Vec<String> {
        let plain = self.plain(form, 1).remove(0);
        (0..form.rows).map(|row| self.row(form, row, &plain, 0.0)).collect()
    }

    /// A row, leaning on the shares of a plainer one; `-` with less than so many counts.
    fn row(&self, form: &Form, row: usize, plain: &[f64], least: f64) -> String {
        let none = vec![0.0; form.symbols];
        let counts = self.counts.get(&(form.kind, row)).unwrap_or(&none);
        let seen = counts.iter().sum::<f64>();
        if seen < least {
            return "-".to_owned();
        }
        let lean = if least > 0.0 { 12.0 } else { 4.0 };
        counts.iter().zip(plain).map(|(c, share)| letter((c + lean * share) / (seen + lean))).collect()
    }

    /// The shares of all rows whose numbers leave the same remainder, together.
    fn plain(&self, form: &Form, remainders: usize) -> Vec<Vec<f64>> {
        let mut sums = vec![vec![1e-6; form.symbols]; remainders];
        for ((kind, row), counts) in &self.counts {
            if *kind == form.kind {
                sums[row % remainders].iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            }
        }
        for row in &mut sums {
            let total: f64 = row.iter().sum();
            row.iter_mut().for_each(|share| *share /= total);
        }
        sums
    }
}

/// How often a row of a kind with plain rows must have been met to be written.
fn least(kind: Kind) -> f64 {
    match kind {
        Kind::Latin => 1200.0,
        _ => 80.0,
    }
}

/// Rows of a kind that stand in one line of the file.
fn per_line(kind: Kind) -> usize {
    match kind {
        Kind::Latin => 26,
        Kind::Final => 21,
        Kind::Spec | Kind::SpecAgain | Kind::KillsForm | Kind::Mask | Kind::Han => 6,
        _ => 1,
    }
}

fn write_table(name: &str, rows: &[String], per_line: usize, text: &mut String) {
    _ = writeln!(text, "  {name} = {{");
    for line in rows.chunks(per_line) {
        _ = writeln!(text, "    \"{}\",", line.join(" "));
    }
    text.push_str("  },\n");
}

fn form(kind: Kind) -> &'static Form {
    &FORMS[kind as usize]
}

/// The letter whose weight comes nearest to a share, with the least at about an 8000th.
fn letter(share: f64) -> char {
    nearest(share * 16.0 * 8192.0)
}

/// The letter for a number of times that a Chinese character was met; every listed one can be written.
fn han_letter(count: f64) -> char {
    nearest((count + 0.05) * 256.0)
}

fn nearest(wanted: f64) -> char {
    let distance = |l: &u8| (f64::from(weight(*l)).ln() - wanted.max(1.0).ln()).abs();
    let best = LETTERS.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    char::from(*best.unwrap_or(&b'a'))
}

impl Sink for Counter {
    fn put(&mut self, kind: Kind, row: usize, symbol: usize) {
        if if kind < Kind::Count { self.names } else { self.ranks } {
            let form = form(kind);
            assert!(symbol < form.symbols && row < form.rows, "{kind:?}: symbol {symbol} in row {row}");
            self.counts.entry((kind, row)).or_insert_with(|| vec![0.0; form.symbols])[symbol] += self.weight;
        }
    }

    fn choose(&mut self, _slice: Slice) {}

    fn raw(&mut self, _bits: u32, _value: u32) {}
}

const HEADER: &str = "\
-- How often each symbol follows in each situation. Written by `examples/train_tables.rs`, used by Decoder.lua and by the
-- encoder. A row is a situation, a letter in it a symbol; what they stand for is told in Decoder.lua. Letters are
-- weights: `a` is 16, `b` 20, `c` 25, and three letters further is twice as much, up to `z` and on with `A` to `Z`.
-- In hanWeights, Chinese characters that are equally frequent stand together, after the weight of each of them in the
-- traditional and in the simplified way of writing.
-- A change here is a change of the format: raise FORMAT_VERSION in Database.lua and in the encoder.
local _, ns = ...

ns.Tables = {
";

/// Adds up what symbols cost with the shipped tables, to see where the bytes go.
#[derive(Default)]
pub struct Costs {
    bits: HashMap<&'static str, f64>,
}

impl Costs {
    /// Adds a realm's characters.
    pub fn add(&mut self, region: &str, raids: &[Raid], characters: &[Character]) {
        let reference = Reference::new(raids);
        let place = Place::new(region, characters.len() as u64);
        for block in block::split(&entries(&reference, characters), place) {
            block::write_block(block, place, &reference, self);
            *self.bits.entry("line end").or_default() += 95_f64.log2();
        }
    }

    /// Bits by kind, the dearest first.
    pub fn finish(self) -> Vec<(&'static str, f64)> {
        let mut all: Vec<_> = self.bits.into_iter().collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all
    }
}

impl Sink for Costs {
    fn put(&mut self, kind: Kind, row: usize, symbol: usize) {
        let width = TABLES.slice(kind, row, symbol).map_or(1, |s| s.width);
        *self.bits.entry(form(kind).name).or_default() += (f64::from(TOTAL) / f64::from(width)).log2();
    }

    fn choose(&mut self, slice: Slice) {
        *self.bits.entry("chinese").or_default() += (f64::from(TOTAL) / f64::from(slice.width)).log2();
    }

    fn raw(&mut self, bits: u32, _value: u32) {
        *self.bits.entry("raw").or_default() += f64::from(bits);
    }
}

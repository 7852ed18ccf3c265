//! Git's delta format (gitformat-pack, "Deltified representation"): a file told as pieces of its older version and the
//! bytes that are new. Made for files of lines of which few change, as the database's are.

use std::collections::HashMap;

/// Shorter lines stand in too many places: one that is the same is mostly found by extending a match over it.
const SHORTEST_LINE: usize = 16;
/// The longest piece that one instruction copies, the limit that git itself keeps to.
const LONGEST_COPY: usize = 0x1_0000;
/// The most bytes that one instruction inserts.
const LONGEST_INSERT: usize = 127;

/// What makes `new` from `old`. Needs the memory of an index of the lines of `old` besides its result.
pub fn delta(old: &[u8], new: &[u8]) -> Vec<u8> {
    let index = index_of_lines(old);
    let mut out = Vec::new();
    write_size(&mut out, old.len());
    write_size(&mut out, new.len());
    // What stands before `told` has its instructions; `at` is always the start of a line, or the end of a match.
    let (mut told, mut at) = (0, 0);
    while at < new.len() {
        let line = at + line_length(&new[at..]);
        let Some(&place) = index.get(&new[at..line]) else {
            at = line;
            continue;
        };
        let before = common(old[..place].iter().rev(), new[told..at].iter().rev());
        let length = before + common(old[place..].iter(), new[at..].iter());
        let begin = at - before;
        insert(&mut out, &new[told..begin]);
        copy(&mut out, place - before, length);
        told = begin + length;
        at = told;
        // The match ended within a line, which differs: the next line may be found again.
        if new[..at].last() != Some(&b'\n') {
            at += line_length(&new[at..]);
        }
    }
    insert(&mut out, &new[told..]);
    out
}

/// Where each line long enough stands first. Lines hold their line feed.
fn index_of_lines(old: &[u8]) -> HashMap<&[u8], usize> {
    let mut index = HashMap::new();
    let mut at = 0;
    for line in old.split_inclusive(|byte| *byte == b'\n') {
        if line.len() >= SHORTEST_LINE {
            index.entry(line).or_insert(at);
        }
        at += line.len();
    }
    index
}

fn line_length(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1)
}

/// How many bytes two sequences share from their start.
fn common<'a>(one: impl Iterator<Item = &'a u8>, other: impl Iterator<Item = &'a u8>) -> usize {
    one.zip(other).take_while(|(a, b)| a == b).count()
}

/// Seven bits a byte, the lowest first.
fn write_size(out: &mut Vec<u8>, mut size: usize) {
    while size >= 0x80 {
        out.push(0x80 | (size & 0x7f) as u8);
        size >>= 7;
    }
    out.push(size as u8);
}

fn insert(out: &mut Vec<u8>, bytes: &[u8]) {
    for piece in bytes.chunks(LONGEST_INSERT) {
        out.push(piece.len() as u8);
        out.extend_from_slice(piece);
    }
}

fn copy(out: &mut Vec<u8>, mut from: usize, mut length: usize) {
    while length > 0 {
        let piece = length.min(LONGEST_COPY);
        let instruction = out.len();
        out.push(0x80);
        // Bytes that are zero are left out; a length of exactly `LONGEST_COPY` has none.
        let size = piece % LONGEST_COPY;
        let bytes = (0..4).map(|byte| from >> (8 * byte)).chain((0..2).map(|byte| size >> (8 * byte)));
        for (bit, byte) in bytes.enumerate() {
            if byte & 0xff != 0 {
                out[instruction] |= 1 << bit;
                out.push((byte & 0xff) as u8);
            }
        }
        (from, length) = (from + piece, length - piece);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What git does with a delta.
    fn apply(old: &[u8], delta: &[u8]) -> Vec<u8> {
        let mut bytes = delta.iter().copied();
        let mut size = || {
            let (mut size, mut shift) = (0, 0);
            loop {
                let byte = bytes.next().unwrap();
                size |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    return size;
                }
            }
        };
        assert_eq!(size(), old.len());
        let expected = size();
        let mut new = Vec::new();
        while let Some(instruction) = bytes.next() {
            if instruction & 0x80 == 0 {
                assert_ne!(instruction, 0, "reserved");
                new.extend(bytes.by_ref().take(instruction.into()));
                continue;
            }
            let mut number = |bits: std::ops::Range<u32>| {
                let first = bits.start;
                bits.filter(|bit| instruction & (1 << bit) != 0)
                    .map(|bit| usize::from(bytes.next().unwrap()) << (8 * (bit - first)))
                    .sum::<usize>()
            };
            let (from, size) = (number(0..4), number(4..7));
            new.extend_from_slice(&old[from..from + if size == 0 { LONGEST_COPY } else { size }]);
        }
        assert_eq!(new.len(), expected);
        new
    }

    #[test]
    fn a_changed_line_costs_itself_and_two_copies() {
        let line = |number: usize| format!("{number:06} a line of some length\n");
        let old: String = (0..5_000).map(line).collect();
        let new = old.replace(&line(4_000), "something else\n");
        let delta = delta(old.as_bytes(), new.as_bytes());
        assert_eq!(apply(old.as_bytes(), &delta), new.as_bytes());
        assert!(delta.len() < 50, "{}", delta.len());
    }

    #[test]
    fn pieces_of_every_length_are_copied() {
        for length in [0, 15, 16, 127, 128, 0xffff, 0x1_0000, 0x1_0001, 0x2_0000, 0x101_0100] {
            let old = [vec![b'a'; length], b"\nthe end of the old one\n".to_vec()].concat();
            let new = [b"the start of the new one\n".to_vec(), old.clone()].concat();
            assert_eq!(apply(&old, &delta(&old, &new)), new, "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_pair_of_files_round_trips(
            lines in proptest::collection::vec("[ab]{0,24}", 0..40),
            kept in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
            rest in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let old = lines.join("\n").into_bytes();
            let mut new: Vec<u8> = Vec::new();
            for index in kept.iter().filter(|_| !lines.is_empty()) {
                new.extend_from_slice(index.get(&lines).as_bytes());
                new.push(b'\n');
            }
            new.extend(rest);
            prop_assert_eq!(apply(&old, &delta(&old, &new)), new.clone());
            prop_assert_eq!(apply(&new, &delta(&new, &old)), old);
        }
    }
}

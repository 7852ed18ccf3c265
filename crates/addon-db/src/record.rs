//! How a character's class and ranks are written, and the tidy form in which they are compared and shown.

use std::collections::BTreeSet;

use crate::character::{Character, Encounter, Raid};
use crate::sink::Sink;
use crate::spec;
use crate::tables::{Kind, RANK_HALF};

/// Metrics with a number of their own; the order is part of the format. Others are spelled out.
pub const METRICS: [&str; 12] = [
    "dps",
    "hps",
    "bossdps",
    "bosscdps",
    "cdps",
    "krsi",
    "ndps",
    "playerscore",
    "playerspeed",
    "rdps",
    "tankhps",
    "wdps",
];
/// Longest metric name that is carried, in bytes.
pub const MAX_METRIC_BYTES: usize = 63;

/// Whether the format can carry a metric's name.
pub fn is_usable(metric: &str) -> bool {
    (1..=MAX_METRIC_BYTES).contains(&metric.len())
}

/// Most encounters of a group.
const MAX_ENCOUNTERS: usize = 255;
/// Most groups of a character.
const MAX_GROUPS: usize = 4095;

/// Ranks of one raid, difficulty and metric in the order of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// Raid id.
    pub raid: u32,
    /// Difficulty.
    pub difficulty: u8,
    /// Metric name.
    pub metric: &'a str,
    /// Specialisation, if known.
    pub spec: Option<&'a str>,
    /// Encounter id, rank 0..=100, kills 0..=255 (255 or more), in the raid's order.
    pub encounters: Vec<(u32, u8, u8)>,
}

/// The reference data, newest raid (highest id) first.
pub struct Reference {
    /// Raids by descending id, each id once.
    pub raids: Vec<Raid>,
}

impl Reference {
    /// Sorts the raids; of several with one id the first counts, likewise for encounters of a raid.
    pub fn new(raids: &[Raid]) -> Self {
        let mut raids = raids.to_vec();
        raids.sort_by_key(|r| std::cmp::Reverse(r.id));
        raids.dedup_by_key(|r| r.id);
        for raid in &mut raids {
            let mut seen = std::collections::HashSet::new();
            raid.encounters.retain(|e| seen.insert(e.id));
        }
        Self { raids }
    }

    fn position(&self, raid: u32) -> Option<usize> {
        self.raids.binary_search_by(|r| raid.cmp(&r.id)).ok()
    }

    /// Checksum (FNV-1a, 32 bits) of everything the decoder takes from the reference data: ids and their order.
    pub fn checksum(&self) -> u32 {
        let mut text = String::new();
        for raid in &self.raids {
            text.push_str(&format!("{}:", raid.id));
            for encounter in &raid.encounters {
                text.push_str(&format!("{},", encounter.id));
            }
        }
        crate::hash::fnv1a(text.as_bytes())
    }

    /// The encounters of a raid in its order, none if it is unknown.
    pub fn encounters(&self, raid: u32) -> &[Encounter] {
        self.position(raid).map(|i| self.raids[i].encounters.as_slice()).unwrap_or_default()
    }

    /// The reference data of these raids only.
    pub fn only(&self, raids: &BTreeSet<u32>) -> Self {
        Self { raids: self.raids.iter().filter(|r| raids.contains(&r.id)).cloned().collect() }
    }

    /// A character's ranks as the addon will answer them: sorted, each once, rank and kills within their limits.
    /// Ranks with a metric that cannot be written are left out, and so is what is beyond 255 encounters or 4,095 groups.
    pub fn tidy<'a>(&self, character: &'a Character) -> Vec<Group<'a>> {
        let mut groups: Vec<Group> = Vec::with_capacity(character.ranks.len());
        for ranks in &character.ranks {
            let mut encounters: Vec<(u32, u8, u8)> = ranks
                .encounters
                .iter()
                .map(|e| (e.id, e.rank.min(100), u8::try_from(e.kills).unwrap_or(u8::MAX)))
                .collect();
            let known = self.encounters(ranks.raid);
            let place = |id: u32| (known.iter().position(|e| e.id == id).unwrap_or(usize::MAX), id);
            encounters.sort_by_key(|e| place(e.0));
            encounters.dedup_by_key(|e| e.0);
            encounters.truncate(MAX_ENCOUNTERS);
            if !encounters.is_empty() && is_usable(&ranks.metric) {
                let (raid, difficulty, metric) = (ranks.raid, ranks.difficulty, &*ranks.metric);
                let spec = ranks.spec.as_deref().filter(|s| (1..=spec::MAX_SPEC_BYTES).contains(&s.len()));
                groups.push(Group { raid, difficulty, metric, spec, encounters });
            }
        }
        groups.sort_by(|a, b| {
            b.raid.cmp(&a.raid).then(b.difficulty.cmp(&a.difficulty)).then_with(|| a.metric.cmp(b.metric))
        });
        groups.dedup_by(|b, a| a.raid == b.raid && a.difficulty == b.difficulty && a.metric == b.metric);
        groups.truncate(MAX_GROUPS);
        groups
    }
}

/// Writes the records of half a block; remembers which raid the last character began with, and whether its
/// specialisation was unknown.
pub struct RecordWriter<'a> {
    reference: &'a Reference,
    usual_raid: Option<u32>,
    spec_unknown: bool,
}

/// What earlier groups of the same character tell about the next: metric and specialisation of each so far.
type Specs<'a> = Vec<(&'a str, Option<&'a str>)>;

/// What the ranks of earlier groups of the same character tell about the next.
#[derive(Default)]
struct Past {
    rank_sum: usize,
    rank_count: usize,
    kills: Option<u8>,
    /// 0 before the first group, 1 if the kills of the last one were all the same, 2 if they differed.
    kills_form: usize,
}

impl<'a> RecordWriter<'a> {
    /// A writer for a new half of a block.
    pub fn new(reference: &'a Reference) -> Self {
        Self { reference, usual_raid: reference.raids.first().map(|r| r.id), spec_unknown: false }
    }

    /// Writes a character's class and of which encounters it has ranks; `groups` as [`Reference::tidy`] gives them.
    ///
    /// Raids: 0 none; 1 only the one with which the character before began; 2 a list, each 0 the expected one (first
    /// the same, then the next older), 1 another one, 2 no more.
    pub fn write(&mut self, class_id: u8, groups: &[Group], sink: &mut impl Sink) {
        sink.put(Kind::Class, 0, usize::from(class_id.min(15)));
        if class_id >= 15 {
            sink.raw(8, u32::from(class_id));
        }
        let mut specs = Specs::new();
        let (Some(first), Some(last)) = (groups.first(), groups.last()) else {
            sink.put(Kind::Raid, 0, 0);
            return;
        };
        if first.raid == last.raid && self.usual_raid == Some(first.raid) {
            sink.put(Kind::Raid, 0, 1);
            self.write_raid(class_id, groups, &mut specs, 0, sink);
            return;
        }
        sink.put(Kind::Raid, 0, 2);
        let (mut expected, mut context) = (self.usual_raid, 0);
        for raid in groups.chunk_by(|a, b| a.raid == b.raid) {
            let id = raid[0].raid;
            sink.put(Kind::Raid, 1, usize::from(expected != Some(id)));
            if expected != Some(id) {
                self.write_raid_id(id, sink);
            }
            context = self.write_raid(class_id, raid, &mut specs, context, sink);
            let older = self.reference.position(id).and_then(|i| self.reference.raids.get(i + 1));
            expected = older.map(|r| r.id);
        }
        sink.put(Kind::Raid, 1, 2);
        self.usual_raid = Some(first.raid);
    }

    fn write_raid_id(&self, raid: u32, sink: &mut impl Sink) {
        match self.reference.position(raid) {
            Some(i) if i < 63 => sink.raw(6, i as u32),
            _ => {
                sink.raw(6, 63);
                sink.raw32(raid);
            }
        }
    }

    /// Returns the context for the next raid's shape.
    fn write_raid<'g>(
        &mut self,
        class_id: u8,
        raid: &[Group<'g>],
        specs: &mut Specs<'g>,
        context: usize,
        sink: &mut impl Sink,
    ) -> usize {
        let next_context = write_shape(raid, context, sink);
        let known: &[_] = match self.reference.position(raid[0].raid) {
            Some(i) => &self.reference.raids[i].encounters,
            None => &[],
        };
        let mut masks: Vec<Mask> = Vec::new();
        for group in raid {
            let split = group.encounters.iter().position(|e| known.iter().all(|k| k.id != e.0));
            let (listed, extra) = group.encounters.split_at(split.unwrap_or(group.encounters.len()));
            let killed: Vec<bool> = known.iter().map(|k| listed.iter().any(|e| e.0 == k.id)).collect();
            let before = masks.iter().position(|m| m.metric == group.metric);
            let mask = write_mask(group, &killed, extra, before.map(|i| &masks[i]), sink);
            match before {
                Some(i) => masks[i] = mask,
                None => masks.push(mask),
            }
            self.write_spec(class_id, group, specs, sink);
        }
        next_context
    }

    /// Whether it is that of the last group with this metric; if not, or if there was none, which.
    fn write_spec<'g>(&mut self, class_id: u8, group: &Group<'g>, specs: &mut Specs<'g>, sink: &mut impl Sink) {
        let before = specs.iter().find(|(metric, _)| *metric == group.metric).map(|(_, spec)| spec);
        let again = before.map(|spec| *spec == group.spec);
        if let Some(again) = again {
            sink.put(Kind::SpecAgain, usize::from(self.spec_unknown), usize::from(!again));
        }
        if again != Some(true) {
            let symbol = spec::symbol(class_id, group.spec);
            sink.put(Kind::Spec, spec::row(class_id, group.metric, self.spec_unknown), symbol);
            if let (spec::OTHER_SPEC, Some(spelled)) = (symbol, group.spec) {
                spell(spelled, sink);
            }
        }
        self.spec_unknown = group.spec.is_none();
        specs.retain(|(metric, _)| *metric != group.metric);
        specs.push((group.metric, group.spec));
    }
}

/// Which encounters a group has, as it was written.
struct Mask<'a> {
    metric: &'a str,
    /// 0 all; 1 some; 2 some, and others that the reference data doesn't know.
    form: usize,
    /// Four encounters each, the first in the lowest bit; bits without an encounter are set.
    nibbles: Vec<usize>,
}

/// `before`: the mask of the next harder difficulty in the same metric.
fn write_mask<'a>(
    group: &Group<'a>,
    killed: &[bool],
    extra: &[(u32, u8, u8)],
    before: Option<&Mask>,
    sink: &mut impl Sink,
) -> Mask<'a> {
    let form = if extra.is_empty() { usize::from(killed.contains(&false)) } else { 2 };
    let bits = |four: &[bool]| (0..4).filter(|&i| *four.get(i).unwrap_or(&true)).map(|i| 1 << i).sum();
    let nibbles: Vec<usize> = killed.chunks(4).map(bits).collect();
    let alone = match group.difficulty {
        5 => 0,
        4 => 4,
        3 => 5,
        _ => 6,
    };
    sink.put(Kind::Mask, before.map_or(alone, |m| m.form + 1), form);
    if form > 0 {
        let mut last = 0;
        for (i, &nibble) in nibbles.iter().enumerate() {
            let row = before.map_or(if alone == 0 { 20 } else { 16 } + i.min(3), |m| m.nibbles[i]);
            sink.put(Kind::Killed, 3 * row + last, nibble);
            last = if nibble == 15 { 1 } else { 2 };
        }
    }
    if form == 2 {
        sink.raw(8, extra.len() as u32);
        extra.iter().for_each(|e| sink.raw32(e.0));
    }
    Mask { metric: group.metric, form, nibbles }
}

/// A text of at most 63 bytes.
fn spell(text: &str, sink: &mut impl Sink) {
    sink.raw(6, text.len() as u32);
    text.bytes().for_each(|b| sink.raw(8, u32::from(b)));
}

/// Which difficulties and metrics there are in a raid. Returns the context for the next raid.
fn write_shape(raid: &[Group], context: usize, sink: &mut impl Sink) -> usize {
    if let Some((difficulties, metrics)) = usual_shape(raid) {
        sink.put(Kind::Shape, context, 3 * (difficulties - 1) + metrics + 1);
        return metrics + 1;
    }
    sink.put(Kind::Shape, context, 0);
    sink.raw(12, raid.len() as u32);
    for group in raid {
        sink.raw(8, u32::from(group.difficulty));
        match METRICS.iter().position(|m| *m == group.metric) {
            Some(i) => sink.raw(4, i as u32),
            None => {
                sink.raw(4, 15);
                spell(group.metric, sink);
            }
        }
    }
    1
}

/// A set of difficulties (bits of LFR 1, Normal 2, Heroic 4, Mythic 8), all with dps (0), hps (1) or both (2).
fn usual_shape(raid: &[Group]) -> Option<(usize, usize)> {
    let mut sets = [0_usize; 2];
    for group in raid {
        let bit = match group.difficulty {
            1 => 1,
            3 => 2,
            4 => 4,
            5 => 8,
            _ => return None,
        };
        let metric = METRICS[..2].iter().position(|m| *m == group.metric)?;
        sets[metric] |= bit;
    }
    match sets {
        [dps, 0] => Some((dps, 0)),
        [0, hps] => Some((hps, 1)),
        [dps, hps] if dps == hps => Some((dps, 2)),
        _ => None,
    }
}

/// Writes the kills and ranks of a character.
pub fn write_ranks(groups: &[Group], sink: &mut impl Sink) {
    let mut past = Past::default();
    groups.iter().for_each(|group| write_group(&group.encounters, &mut past, sink));
}

/// Kills of all encounters, then their ranks, each predicted from those before.
fn write_group(encounters: &[(u32, u8, u8)], past: &mut Past, sink: &mut impl Sink) {
    write_kills(encounters, past, sink);
    let n = encounters.len();
    let kills: usize = encounters.iter().map(|e| usize::from(e.2)).sum();
    let contexts = if kills < 2 * n { 0 } else { RANK_HALF };
    let (mut sum, mut count) = (0, 0);
    for &(_, rank, _) in encounters {
        let context = match (count, past.rank_count) {
            (0, 0) => 0,
            (0, n) => 1 + past.rank_sum / (10 * n),
            (n, _) => 1 + 11 * n.min(2) + sum / (10 * n),
        };
        sink.put(Kind::Rank, contexts + context, usize::from(rank));
        sum += usize::from(rank);
        count += 1;
    }
    past.rank_sum += sum;
    past.rank_count += count;
    past.kills = encounters.last().map(|e| e.2).or(past.kills);
}

/// The first encounter's kills, then whether all are the same, else each as its distance from the most so far.
fn write_kills(encounters: &[(u32, u8, u8)], past: &mut Past, sink: &mut impl Sink) {
    let Some((&(_, _, first), rest)) = encounters.split_first() else { return };
    sink.put(Kind::Kills, past.kills.map_or(0, |k| 1 + usize::from(k).min(17)), usize::from(first.min(40)));
    if first >= 40 {
        sink.raw(8, u32::from(first));
    }
    if rest.is_empty() {
        return;
    }
    let differ = rest.iter().any(|e| e.2 != first);
    sink.put(Kind::KillsForm, 11 * past.kills_form + usize::from(first).min(10), usize::from(differ));
    past.kills_form = 1 + usize::from(differ);
    if !differ {
        return;
    }
    let (mut most, mut least, mut last) = (first, first, first);
    for &(_, _, kills) in rest {
        let row = kills_row(most, least, last);
        match usize::from(kills) + 10 {
            k if (usize::from(most)..usize::from(most) + 17).contains(&k) => {
                sink.put(Kind::KillsStep, row, k - usize::from(most));
            }
            _ => {
                sink.put(Kind::KillsStep, row, 17);
                sink.raw(8, u32::from(kills));
            }
        }
        (most, least, last) = (most.max(kills), least.min(kills), kills);
    }
}

/// How many kills come next, foretold by the most, the least and the last so far.
fn kills_row(most: u8, least: u8, last: u8) -> usize {
    let size = match most {
        0..4 => usize::from(most),
        4..6 => 4,
        6..10 => 5,
        _ => 6,
    };
    let spread = usize::from(most - least).min(5);
    21 * size + if spread == 0 { 0 } else { 4 * spread - 3 + usize::from(most - last).min(3) }
}

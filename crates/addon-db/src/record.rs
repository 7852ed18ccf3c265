//! How a character's class and ranks are written, and the tidy form in which they are compared and shown.

use std::borrow::Cow;

use crate::character::{Character, Raid};
use crate::sink::Sink;
use crate::tables::Kind;

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

/// Ranks of one raid, difficulty and metric in the order of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Raid id.
    pub raid: u32,
    /// Difficulty.
    pub difficulty: u8,
    /// Metric name.
    pub metric: Cow<'static, str>,
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

    /// A character's ranks as the addon will answer them: sorted, each once, rank and kills within their limits.
    pub fn tidy(&self, character: &Character) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::with_capacity(character.ranks.len());
        for ranks in &character.ranks {
            let mut encounters: Vec<(u32, u8, u8)> = ranks
                .encounters
                .iter()
                .map(|e| (e.id, e.rank.min(100), u8::try_from(e.kills).unwrap_or(u8::MAX)))
                .collect();
            let known = self.position(ranks.raid).map(|i| self.raids[i].encounters.as_slice()).unwrap_or_default();
            let place = |id: u32| (known.iter().position(|e| e.id == id).unwrap_or(usize::MAX), id);
            encounters.sort_by_key(|e| place(e.0));
            encounters.dedup_by_key(|e| e.0);
            if !encounters.is_empty() {
                let (raid, difficulty, metric) = (ranks.raid, ranks.difficulty, ranks.metric.clone());
                groups.push(Group { raid, difficulty, metric, encounters });
            }
        }
        groups.sort_by(|a, b| {
            b.raid.cmp(&a.raid).then(b.difficulty.cmp(&a.difficulty)).then_with(|| a.metric.cmp(&b.metric))
        });
        groups.dedup_by(|b, a| a.raid == b.raid && a.difficulty == b.difficulty && a.metric == b.metric);
        groups
    }
}

/// Writes the records of one block; remembers which raid the last character began with.
pub struct RecordWriter<'a> {
    reference: &'a Reference,
    usual_raid: Option<u32>,
}

/// What earlier groups of the same character tell about the next.
#[derive(Default)]
struct Past {
    rank_sum: usize,
    rank_count: usize,
    kills: Option<u8>,
}

impl<'a> RecordWriter<'a> {
    /// A writer for a new block.
    pub fn new(reference: &'a Reference) -> Self {
        Self { reference, usual_raid: reference.raids.first().map(|r| r.id) }
    }

    /// Writes a character's class and ranks; `groups` as [`Reference::tidy`] gives them.
    pub fn write(&mut self, class_id: u8, groups: &[Group], sink: &mut impl Sink) {
        sink.put(Kind::Class, 0, usize::from(class_id.min(15)));
        if class_id >= 15 {
            sink.raw(8, u32::from(class_id));
        }
        let mut past = Past::default();
        let mut raid_before = None;
        let mut metrics_before = 0;
        for raid in groups.chunk_by(|a, b| a.raid == b.raid) {
            self.write_raid_id(raid[0].raid, raid_before, sink);
            raid_before = Some(raid[0].raid);
            metrics_before = write_shape(raid, metrics_before, sink);
            self.write_raid(raid, &mut past, sink);
        }
        match raid_before {
            None => sink.put(Kind::Raid, 0, 0),
            Some(_) => {
                self.usual_raid = groups.first().map(|g| g.raid);
                sink.put(Kind::Raid, 1, 0);
            }
        }
    }

    /// First raid: 1 the same as the character before, 2 another. Next raids: 1 the next older one, 2 another.
    fn write_raid_id(&self, raid: u32, before: Option<u32>, sink: &mut impl Sink) {
        let expected = match before {
            None => self.usual_raid,
            Some(id) => self.reference.position(id).and_then(|i| self.reference.raids.get(i + 1)).map(|r| r.id),
        };
        let context = usize::from(before.is_some());
        if expected == Some(raid) {
            sink.put(Kind::Raid, context, 1);
            return;
        }
        sink.put(Kind::Raid, context, 2);
        match self.reference.position(raid) {
            Some(i) if i < 63 => sink.raw(6, i as u32),
            _ => {
                sink.raw(6, 63);
                sink.raw32(raid);
            }
        }
    }

    fn write_raid(&self, raid: &[Group], past: &mut Past, sink: &mut impl Sink) {
        let known: &[_] = match self.reference.position(raid[0].raid) {
            Some(i) => &self.reference.raids[i].encounters,
            None => &[],
        };
        // The mask before, by metric: which of the known encounters were killed.
        let mut masks: Vec<(&str, Vec<bool>, usize)> = Vec::new();
        for group in raid {
            let split = group.encounters.iter().position(|e| known.iter().all(|k| k.id != e.0));
            let (listed, extra) = group.encounters.split_at(split.unwrap_or(group.encounters.len()));
            let mask: Vec<bool> = known.iter().map(|k| listed.iter().any(|e| e.0 == k.id)).collect();
            let before = masks.iter().position(|m| m.0 == group.metric);
            let form = match (extra.is_empty(), listed.len() == known.len()) {
                (true, true) => 0,
                (true, false) => 1,
                (false, _) => 2,
            };
            sink.put(Kind::Mask, before.map_or(0, |i| masks[i].2 + 1), form);
            if form > 0 {
                let mut last = 2;
                for (i, &killed) in mask.iter().enumerate() {
                    let harder = before.map_or(2, |b| usize::from(masks[b].1[i]));
                    sink.put(Kind::Killed, harder * 3 + last, usize::from(killed));
                    last = usize::from(killed);
                }
            }
            if form == 2 {
                sink.raw(8, extra.len().min(255) as u32);
                extra.iter().take(255).for_each(|e| sink.raw32(e.0));
            }
            write_ranks(&group.encounters[..listed.len() + extra.len().min(255)], past, sink);
            match before {
                Some(i) => masks[i] = (&group.metric, mask, form),
                None => masks.push((&group.metric, mask, form)),
            }
        }
    }
}

/// Which difficulties and metrics there are in a raid. Returns the context for the next raid.
fn write_shape(raid: &[Group], metrics_before: usize, sink: &mut impl Sink) -> usize {
    let usual = usual_shape(raid);
    let context = usize::from(metrics_before > 0);
    match usual {
        Some((difficulties, metrics)) => {
            sink.put(Kind::Difficulties, context, difficulties);
            sink.put(Kind::Metrics, metrics_before, metrics);
            metrics + 1
        }
        None => {
            sink.put(Kind::Difficulties, context, 0);
            sink.raw(12, raid.len().min(4095) as u32);
            for group in raid.iter().take(4095) {
                sink.raw(8, u32::from(group.difficulty));
                match METRICS.iter().position(|m| *m == group.metric) {
                    Some(i) => sink.raw(4, i as u32),
                    None => {
                        sink.raw(4, 15);
                        sink.raw(6, group.metric.len() as u32);
                        group.metric.bytes().for_each(|b| sink.raw(8, u32::from(b)));
                    }
                }
            }
            1
        }
    }
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

/// Rank and kills of each encounter in turn; each is predicted from those before.
fn write_ranks(encounters: &[(u32, u8, u8)], past: &mut Past, sink: &mut impl Sink) {
    let (mut sum, mut count, mut kills_before) = (0, 0, None);
    for &(_, rank, kills) in encounters {
        let context = match (count, past.rank_count) {
            (0, 0) => 0,
            (0, n) => 1 + past.rank_sum / (6 * n),
            (n, _) => 1 + 17 * n.min(4) + sum / (6 * n),
        };
        sink.put(Kind::Rank, context, usize::from(rank));
        sum += usize::from(rank);
        count += 1;
        let context = match (kills_before, past.kills) {
            (None, None) => 0,
            (None, Some(k)) => 1 + usize::from(k).min(17),
            (Some(k), _) => 19 + usize::from(k).min(17),
        };
        sink.put(Kind::Kills, context, usize::from(kills.min(40)));
        if kills >= 40 {
            sink.raw(8, u32::from(kills));
        }
        kills_before = Some(kills);
    }
    past.rank_sum += sum;
    past.rank_count += count;
    past.kills = kills_before.or(past.kills);
}

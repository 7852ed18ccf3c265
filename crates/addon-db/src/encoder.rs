//! The generator: characters of one region in, files out, with bounded memory and all cores.
//!
//! `push` packs the characters, a shelf for each realm (about 60 bytes for each character). `finish` sorts the shelves,
//! cuts them into batches that begin at a block's begin, lets one thread for each core turn batches into text, and hands
//! the files over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::block::{Ends, Entry, write_blocks};
use crate::character::{Character, Raid};
use crate::file::File;
use crate::files::{Realm, region_files};
use crate::fold::realm_key;
use crate::name::{MAX_CHARS, Place};
use crate::record::{Reference, is_usable};
use crate::shelf::{Shelf, Words};

/// A batch ends at the first block's begin after this many characters.
const BATCH: usize = 512;
/// Longest realm name that is carried, in bytes.
const MAX_REALM_BYTES: usize = 100;

/// Why a region cannot be encoded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EncodeError {
    /// The region's name is not two to four capital letters.
    #[error("region {0:?} is not two to four capital letters")]
    Region(String),
}

/// Why a character, or some of its ranks, is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetAside {
    /// The name is empty or longer than 48 characters.
    Name,
    /// The realm's name is empty or longer than 100 bytes.
    Realm,
    /// A metric's name is empty or longer than 63 bytes: its ranks are missing, the character is there.
    Ranks,
    /// The same name and realm came again; one was kept, see [`Character`].
    Duplicate,
}

impl std::fmt::Display for SetAside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Name => "name empty or too long",
            Self::Realm => "realm name empty or too long",
            Self::Ranks => "ranks of a metric without a usable name",
            Self::Duplicate => "outdated or older duplicate",
        })
    }
}

/// What was encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Characters in the files.
    pub characters: u64,
    /// Realms in the files.
    pub realms: u64,
    /// Unix seconds of the newest rank, 0 without characters.
    pub generated_at: i64,
    /// How many characters were left out, or lack some ranks, by reason.
    pub set_aside: BTreeMap<SetAside, u64>,
}

/// A realm while the region is being read.
#[derive(Default)]
struct OpenRealm {
    shelf: Shelf,
    /// Display names as they came, and how often.
    displays: BTreeMap<String, u64>,
}

/// Encodes one region. See the module's text.
pub struct RegionEncoder {
    region: String,
    reference: Reference,
    realms: BTreeMap<String, OpenRealm>,
    words: Words,
    /// Raids in which somebody has ranks.
    met: BTreeSet<u32>,
    set_aside: BTreeMap<SetAside, u64>,
    /// The realm of the last character.
    last: Last,
}

/// Display name, normalized name and key: characters of one realm mostly follow each other.
#[derive(Default)]
struct Last {
    display: String,
    normalized: String,
    key: String,
}

impl RegionEncoder {
    /// An encoder for a region ("EU") with reference data; of raids in which nobody has ranks nothing is written.
    ///
    /// # Errors
    /// [`EncodeError::Region`] if the region's name cannot be a folder's name.
    pub fn new(region: &str, raids: &[Raid]) -> Result<Self, EncodeError> {
        if !(2..=4).contains(&region.len()) || !region.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(EncodeError::Region(region.to_owned()));
        }
        Ok(Self {
            region: region.to_owned(),
            reference: Reference::new(raids),
            realms: BTreeMap::new(),
            words: Words::default(),
            met: BTreeSet::new(),
            set_aside: BTreeMap::new(),
            last: Last::default(),
        })
    }

    /// Takes a character, in any order. One that cannot be carried is counted in [`Summary::set_aside`].
    pub fn push(&mut self, character: &Character) {
        if let Err(reason) = self.take(character) {
            *self.set_aside.entry(reason).or_default() += 1;
        }
    }

    fn take(&mut self, character: &Character) -> Result<(), SetAside> {
        if character.name.is_empty() || character.name.chars().nth(MAX_CHARS).is_some() {
            return Err(SetAside::Name);
        }
        self.enter_realm(&character.realm, &character.normalized_realm)?;
        if character.ranks.iter().any(|r| !r.encounters.is_empty() && !is_usable(&r.metric)) {
            *self.set_aside.entry(SetAside::Ranks).or_default() += 1;
        }
        let groups = self.reference.tidy(character);
        self.met.extend(groups.iter().map(|group| group.raid));
        let realm = self.realms.entry(self.last.key.clone()).or_default();
        realm.shelf.put(character, &groups, &self.reference, &mut self.words);
        let display = if character.realm.is_empty() { &character.normalized_realm } else { &character.realm };
        match realm.displays.get_mut(display) {
            Some(count) => *count += 1,
            None => _ = realm.displays.insert(display.clone(), 1),
        }
        Ok(())
    }

    /// Makes `last` the realm of these names.
    fn enter_realm(&mut self, display: &str, normalized: &str) -> Result<(), SetAside> {
        if self.last.display == display && self.last.normalized == normalized && !self.last.key.is_empty() {
            return Ok(());
        }
        let key = realm_key(normalized);
        if key.is_empty() || [&key, display, normalized].iter().any(|name| name.len() > MAX_REALM_BYTES) {
            return Err(SetAside::Realm);
        }
        if let Some(left) = self.realms.get_mut(&self.last.key).filter(|_| self.last.key != key) {
            left.shelf.shrink();
        }
        self.last = Last { display: display.to_owned(), normalized: normalized.to_owned(), key };
        Ok(())
    }

    /// Ends the region and hands over its files one by one: toc, raids, data.
    ///
    /// # Errors
    /// What `write` returns.
    pub fn finish<E>(self, write: impl FnMut(File) -> Result<(), E>) -> Result<Summary, E> {
        let mut summary = Summary { set_aside: self.set_aside, ..Summary::default() };
        let reference = self.reference.only(&self.met);
        let mut realms: Vec<(String, OpenRealm)> = self.realms.into_iter().collect();
        let duplicates: u64 = in_parallel(&mut realms, |(_, realm)| realm.shelf.sort()).into_iter().sum();
        if duplicates > 0 {
            summary.set_aside.insert(SetAside::Duplicate, duplicates);
        }
        let place = |shelf: &Shelf| Place::new(&self.region, shelf.starts.len() as u64);
        let mut written: Vec<Realm> = realms.iter().map(|(key, realm)| open(&self.region, key, realm)).collect();
        let batches = realms
            .iter()
            .enumerate()
            .flat_map(|(i, (_, realm))| cut(&realm.shelf, place(&realm.shelf)).map(move |batch| (i, batch)));
        let mut batches: Vec<(usize, &[u32])> = batches.collect();
        let texts = in_parallel(&mut batches, |(i, batch)| {
            let shelf = &realms[*i].1.shelf;
            let entries: Vec<Entry> =
                batch.iter().map(|start| shelf.entry(*start, &self.reference, &self.words)).collect();
            write_blocks(&entries, place(shelf), &reference)
        });
        for ((i, _), text) in batches.into_iter().zip(texts) {
            written[i].text.extend_from_slice(&text);
        }
        let version_at = version_at(realms.iter().map(|(_, realm)| &realm.shelf));
        drop(realms);
        summary.characters = written.iter().map(|realm| realm.characters).sum();
        summary.realms = written.len() as u64;
        summary.generated_at = written.iter().map(|realm| realm.newest).max().unwrap_or(0);
        region_files(&self.region, &reference, written, version_at).try_for_each(write)?;
        Ok(summary)
    }
}

/// The moment whose day is the version of the data: the newest day since which a hundredth of all characters was ranked.
/// So one character that is ranked anew does not make a new version, and changes no other file than its own.
fn version_at<'a>(shelves: impl Iterator<Item = &'a Shelf>) -> i64 {
    const DAY: i64 = 86_400;
    let mut days: BTreeMap<i64, u64> = BTreeMap::new();
    for shelf in shelves {
        for start in &shelf.starts {
            *days.entry(shelf.ranked_at(*start).div_euclid(DAY)).or_default() += 1;
        }
    }
    let enough = days.values().sum::<u64>().div_ceil(100);
    let mut ranked = 0;
    let day = days.into_iter().rev().find(|(_, count)| {
        ranked += count;
        ranked >= enough
    });
    day.map_or(0, |(day, _)| day * DAY)
}

/// A realm as it will be written, without its text: shown under its most frequent name, found under all.
fn open(region: &str, key: &str, realm: &OpenRealm) -> Realm {
    let shelf = &realm.shelf;
    let display = realm.displays.iter().rev().max_by_key(|(_, count)| **count).map_or(key, |(display, _)| display);
    let keys: BTreeSet<String> = realm.displays.keys().map(|display| realm_key(display)).collect();
    let characters = shelf.starts.len() as u64;
    Realm {
        key: key.to_owned(),
        display: display.to_owned(),
        aliases: keys.into_iter().filter(|other| other != key && !other.is_empty()).collect(),
        crowd: Place::new(region, characters).crowd,
        text: Vec::new(),
        newest: shelf.starts.iter().map(|start| shelf.ranked_at(*start)).max().unwrap_or(0),
        characters,
    }
}

/// Cuts a realm's sorted characters into batches that begin where a block begins.
fn cut(shelf: &Shelf, place: Place) -> impl Iterator<Item = &[u32]> {
    let mut ends = Ends::new(place);
    let mut length = 0;
    shelf.starts.chunk_by(move |a, b| {
        if length == 0 {
            ends.begins(None, shelf.name(*a));
        }
        length += 1;
        let ended = ends.begins(Some(shelf.name(*a)), shelf.name(*b)) && length >= BATCH;
        if ended {
            length = 1;
        }
        !ended
    })
}

/// Applies `f` to every item on all cores; the answers come in the order of the items.
fn in_parallel<T: Send, R: Send>(items: &mut [T], f: impl Fn(&mut T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let slots: Vec<Mutex<(&mut T, Option<R>)>> = items.iter_mut().map(|item| Mutex::new((item, None))).collect();
    let work = || {
        while let Some(slot) = slots.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = f(slot.0);
            slot.1 = Some(answer);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| _ = scope.spawn(work)));
    slots.into_iter().filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner).1).collect()
}

/// Encodes a region whose characters are all in memory, in any order. Returns its files and what they hold.
///
/// # Errors
/// As [`RegionEncoder::new`].
pub fn encode(region: &str, raids: &[Raid], characters: &[Character]) -> Result<(Vec<File>, Summary), EncodeError> {
    let mut encoder = RegionEncoder::new(region, raids)?;
    characters.iter().for_each(|c| encoder.push(c));
    let mut files = Vec::new();
    let summary = encoder.finish::<EncodeError>(|file| {
        files.push(file);
        Ok(())
    })?;
    Ok((files, summary))
}

//! The generator: characters of one region in, files out, with bounded memory and all cores.
//!
//! `push` collects neighbouring characters into batches that begin at a block's begin; worker threads turn batches into
//! text; what comes back is put into order. In memory are a few batches and the finished text (about 14 bytes for each
//! character), never the characters of a realm or region.

use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::block::{Ends, write_blocks};
use crate::character::{Character, Raid};
use crate::files::{File, Realm, realm_key, region_files};
use crate::name::MAX_CHARS;
use crate::record::{MAX_METRIC_BYTES, Reference};

/// A batch is sent off at the first block's begin after this many characters.
const BATCH: usize = 256;
/// Longest realm name that is carried, in bytes.
const MAX_REALM_BYTES: usize = 100;

/// Why a region cannot be encoded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EncodeError {
    /// The region's name is not two to four capital letters.
    #[error("region {0:?} is not two to four capital letters")]
    Region(String),
    /// Characters must come in bytewise order of (normalized realm, name).
    #[error("character {name:?} of realm {realm:?} comes after one it should precede")]
    OutOfOrder {
        /// Normalized realm.
        realm: String,
        /// Name.
        name: String,
    },
    /// A worker thread ended early.
    #[error("a worker of the encoder stopped")]
    Worker,
}

/// Why a character is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetAside {
    /// The name is empty or longer than 48 characters.
    Name,
    /// The realm's name is empty or longer than 100 bytes.
    Realm,
    /// Another realm of the region is found under the same name.
    RealmTaken,
    /// A metric's name is empty or longer than 63 bytes, or there are more ranks than any character can have.
    Ranks,
    /// The same name and realm came again; the newer one was kept.
    Duplicate,
}

impl std::fmt::Display for SetAside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Name => "name empty or too long",
            Self::Realm => "realm name empty or too long",
            Self::RealmTaken => "realm name taken by another realm",
            Self::Ranks => "ranks beyond all limits",
            Self::Duplicate => "older duplicate",
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
    /// How many characters were left out, by reason.
    pub set_aside: BTreeMap<SetAside, u64>,
}

struct Batch {
    number: usize,
    realm: usize,
    characters: Vec<Character>,
}

struct Encoded {
    number: usize,
    realm: usize,
    text: Vec<u8>,
}

/// Encodes one region. See the module's text.
pub struct RegionEncoder {
    region: String,
    reference: Arc<Reference>,
    realms: Vec<Realm>,
    taken: HashMap<String, usize>,
    /// Normalized name of the realm now coming, and its index unless it is set aside.
    current: Option<(String, Option<usize>)>,
    held: Option<Character>,
    ends: Ends,
    batch: Vec<Character>,
    sent: usize,
    placed: usize,
    early: BTreeMap<usize, Encoded>,
    to_workers: Option<SyncSender<Batch>>,
    from_workers: Receiver<Encoded>,
    workers: Vec<JoinHandle<()>>,
    summary: Summary,
}

impl RegionEncoder {
    /// An encoder for a region ("EU") with the reference data of its raids.
    ///
    /// # Errors
    /// [`EncodeError::Region`] if the region's name cannot be a folder's name.
    pub fn new(region: &str, raids: &[Raid]) -> Result<Self, EncodeError> {
        if !(2..=4).contains(&region.len()) || !region.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(EncodeError::Region(region.to_owned()));
        }
        let reference = Arc::new(Reference::new(raids));
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let (to_workers, queue) = sync_channel(2 * threads);
        let (results, from_workers) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let worker = |_| {
            let (queue, results, reference) = (Arc::clone(&queue), results.clone(), Arc::clone(&reference));
            std::thread::spawn(move || work(&queue, &results, &reference))
        };
        let workers = (0..threads).map(worker).collect();
        Ok(Self {
            region: region.to_owned(),
            reference,
            realms: Vec::new(),
            taken: HashMap::new(),
            current: None,
            held: None,
            ends: Ends::default(),
            batch: Vec::new(),
            sent: 0,
            placed: 0,
            early: BTreeMap::new(),
            to_workers: Some(to_workers),
            from_workers,
            workers,
            summary: Summary::default(),
        })
    }

    /// Takes the next character, in bytewise order of (normalized realm, name).
    ///
    /// Of several with the same realm and name the newest is kept. A character that cannot be carried is set aside
    /// and counted in [`Summary::set_aside`].
    ///
    /// # Errors
    /// [`EncodeError::OutOfOrder`], or [`EncodeError::Worker`] if a thread was lost.
    pub fn push(&mut self, character: Character) -> Result<(), EncodeError> {
        if let Some(held) = &mut self.held {
            let order = (&held.normalized_realm, &held.name).cmp(&(&character.normalized_realm, &character.name));
            match order {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => {
                    *self.summary.set_aside.entry(SetAside::Duplicate).or_default() += 1;
                    if character.ranked_at > held.ranked_at {
                        *held = character;
                    }
                    return Ok(());
                }
                std::cmp::Ordering::Greater => {
                    return Err(EncodeError::OutOfOrder { realm: character.normalized_realm, name: character.name });
                }
            }
        }
        match self.held.replace(character) {
            Some(ready) => self.take(ready),
            None => Ok(()),
        }
    }

    /// Ends the region and hands over its files one by one: toc, raids, data.
    ///
    /// # Errors
    /// What `write` returns, or [`EncodeError::Worker`].
    pub fn finish<E: From<EncodeError>>(mut self, mut write: impl FnMut(File) -> Result<(), E>) -> Result<Summary, E> {
        if let Some(last) = self.held.take() {
            self.take(last)?;
        }
        self.send()?;
        drop(self.to_workers.take());
        while self.placed < self.sent {
            let encoded = self.from_workers.recv().map_err(|_| EncodeError::Worker)?;
            self.place(encoded);
        }
        for worker in self.workers.drain(..) {
            worker.join().map_err(|_| EncodeError::Worker)?;
        }
        self.summary.realms = self.realms.len() as u64;
        region_files(&self.region, &self.reference, self.realms).try_for_each(&mut write)?;
        Ok(self.summary)
    }

    /// Checks a character and puts it into the batch.
    fn take(&mut self, character: Character) -> Result<(), EncodeError> {
        if self.current.as_ref().is_none_or(|(name, _)| *name != character.normalized_realm) {
            self.send()?;
            let realm = self.open_realm(&character);
            self.current = Some((character.normalized_realm.clone(), realm.ok()));
            self.ends = Ends::default();
        }
        let realm = self.current.as_ref().and_then(|(_, index)| *index);
        let verdict = match realm {
            None => Err(match realm_key(&character.normalized_realm).len() {
                1..=MAX_REALM_BYTES if character.realm.len() <= MAX_REALM_BYTES => SetAside::RealmTaken,
                _ => SetAside::Realm,
            }),
            Some(index) => check(&character).map(|()| index),
        };
        match verdict {
            Err(reason) => *self.summary.set_aside.entry(reason).or_default() += 1,
            Ok(index) => {
                if self.ends.begins(&character.name) && self.batch.len() >= BATCH {
                    self.send()?;
                }
                let realm = &mut self.realms[index];
                realm.characters += 1;
                realm.newest = realm.newest.max(character.ranked_at);
                self.summary.characters += 1;
                self.summary.generated_at = self.summary.generated_at.max(character.ranked_at);
                self.batch.push(character);
            }
        }
        Ok(())
    }

    fn open_realm(&mut self, character: &Character) -> Result<usize, SetAside> {
        let key = realm_key(&character.normalized_realm);
        if key.is_empty() || key.len() > MAX_REALM_BYTES || character.realm.len() > MAX_REALM_BYTES {
            return Err(SetAside::Realm);
        }
        if self.taken.contains_key(&key) {
            return Err(SetAside::RealmTaken);
        }
        self.taken.insert(key.clone(), self.realms.len());
        let display = if character.realm.is_empty() { &character.normalized_realm } else { &character.realm };
        let display = display.clone();
        self.realms.push(Realm { key, display, text: Vec::new(), newest: 0, characters: 0 });
        Ok(self.realms.len() - 1)
    }

    /// Sends the batch to the workers and takes what they have finished.
    fn send(&mut self) -> Result<(), EncodeError> {
        let realm = self.current.as_ref().and_then(|(_, index)| *index);
        if let (Some(realm), Some(to_workers)) = (realm, &self.to_workers)
            && !self.batch.is_empty()
        {
            let characters = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH + 8));
            to_workers.send(Batch { number: self.sent, realm, characters }).map_err(|_| EncodeError::Worker)?;
            self.sent += 1;
        }
        while let Ok(encoded) = self.from_workers.try_recv() {
            self.place(encoded);
        }
        Ok(())
    }

    /// Puts finished text at the end of its realm, in the order in which the batches were sent.
    fn place(&mut self, encoded: Encoded) {
        self.early.insert(encoded.number, encoded);
        while let Some(next) = self.early.remove(&self.placed) {
            self.realms[next.realm].text.extend_from_slice(&next.text);
            self.placed += 1;
        }
    }
}

/// Encodes a region whose characters are all in memory, in any order. Returns its files and what they hold.
///
/// # Errors
/// As [`RegionEncoder::new`] and [`RegionEncoder::finish`].
pub fn encode(
    region: &str,
    raids: &[Raid],
    mut characters: Vec<Character>,
) -> Result<(Vec<File>, Summary), EncodeError> {
    characters.sort_by(|a, b| (&a.normalized_realm, &a.name).cmp(&(&b.normalized_realm, &b.name)));
    let mut encoder = RegionEncoder::new(region, raids)?;
    characters.into_iter().try_for_each(|c| encoder.push(c))?;
    let mut files = Vec::new();
    let summary = encoder.finish::<EncodeError>(|file| {
        files.push(file);
        Ok(())
    })?;
    Ok((files, summary))
}

fn work(queue: &Mutex<Receiver<Batch>>, results: &Sender<Encoded>, reference: &Reference) {
    loop {
        let next = match queue.lock() {
            Ok(queue) => queue.recv(),
            Err(_) => return,
        };
        let Ok(Batch { number, realm, characters }) = next else { return };
        let text = write_blocks(&characters, reference);
        if results.send(Encoded { number, realm, text }).is_err() {
            return;
        }
    }
}

/// Whether the format can carry the character.
fn check(character: &Character) -> Result<(), SetAside> {
    if character.name.is_empty() || character.name.chars().nth(MAX_CHARS).is_some() {
        return Err(SetAside::Name);
    }
    let fits = |r: &crate::Ranks| {
        (1..=MAX_METRIC_BYTES).contains(&r.metric.len()) && r.encounters.len() <= usize::from(u8::MAX)
    };
    if character.ranks.len() > 4095 || !character.ranks.iter().all(fits) {
        return Err(SetAside::Ranks);
    }
    Ok(())
}

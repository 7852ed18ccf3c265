//! Each target on its corpus and on some mutations of it, always the same ones. `scripts/fuzz` searches further, guided by
//! coverage; where that cannot be built, `PARSEBOOK_FUZZ_SECONDS` makes each target here go on for so long, and tell how
//! many inputs it read.
#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use parsebook_fuzz::TARGETS;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Mutations for each target; the decoder of the addon is started anew for each, and gets a tenth.
const MUTATIONS: usize = 1000;
/// An input that is still read after this is read for ever.
const ENDLESS: Duration = Duration::from_secs(120);
/// All targets of this process together stay below.
const MOST_MEMORY_KB: u64 = 1 << 20;
/// What parsers stumble over.
const WORDS: [&str; 24] = [
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "1e18",
    "9223372036854775808",
    "4294967296",
    "2147483648",
    "NaN",
    "\"-\"",
    "\"\"",
    "{}",
    "[]",
    "\u{feff}",
    "\0",
    "\r\n",
    "\\u0000",
    "\\ud800",
    "$",
    "</table>",
    "<tr>",
    "0004",
    "ffff",
];

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.into_iter().map(|file| (file.clone(), std::fs::read(file).unwrap())).collect()
}

fn mutate(rng: &mut ChaCha8Rng, corpus: &[(PathBuf, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = corpus.choose(rng).unwrap().1.clone();
    for _ in 0..rng.random_range(1..=4) {
        let at = rng.random_range(0..=bytes.len());
        let end = rng.random_range(at..=bytes.len().min(at + 40));
        match rng.random_range(0..6) {
            0 => drop(bytes.splice(at..end, [])),
            1 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            2 => drop(bytes.splice(at..end, WORDS.choose(rng).unwrap().bytes())),
            3 => bytes.truncate(at),
            4 => {
                let other = &corpus.choose(rng).unwrap().1;
                let from = rng.random_range(0..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << rng.random_range(0..8)),
        }
    }
    bytes
}

/// The most memory that this process had, where the system tells it.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    peak.unwrap_or_default()
}

fn try_all(name: &'static str) {
    let (_, target) = *TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let corpus = corpus(name);
    let mut rng = ChaCha8Rng::seed_from_u64(name.bytes().map(u64::from).sum());
    let mutations = if name == "damaged-addon" { MUTATIONS / 10 } else { MUTATIONS };
    let seconds = std::env::var("PARSEBOOK_FUZZ_SECONDS").ok().map(|seconds| seconds.parse().unwrap());
    let long = seconds.map(|seconds| (Instant::now(), Duration::from_secs(seconds)));
    if long.is_some() {
        rng = ChaCha8Rng::from_os_rng();
    }
    let (begun, begins) = channel::<Vec<u8>>();
    let reader = std::thread::spawn(move || {
        for (_, input) in &corpus {
            begun.send(input.clone()).unwrap();
            target(input);
        }
        let mut read = 0;
        let goes_on = |read: usize| long.map_or(read < mutations, |(from, time)| from.elapsed() < time);
        while goes_on(read) {
            let input = mutate(&mut rng, &corpus);
            begun.send(input.clone()).unwrap();
            target(&input);
            read += 1;
        }
        if long.is_some() {
            eprintln!("{name}: {read} mutations read");
        }
    });
    let mut last = Vec::new();
    loop {
        match begins.recv_timeout(ENDLESS) {
            Ok(input) => last = input,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("does not end: {:?}", String::from_utf8_lossy(&last)),
        }
    }
    reader.join().unwrap_or_else(|_| panic!("{name} fails on {:?}", String::from_utf8_lossy(&last)));
    let peak = peak_kb();
    assert!(peak < MOST_MEMORY_KB, "{peak} kB");
}

macro_rules! targets {
    ($($test:ident: $name:literal),+ $(,)?) => {
        $(#[test] fn $test() { try_all($name); })+
        const TRIED: &[&str] = &[$($name),+];
    };
}

targets! {
    ranking_page: "ranking-page", git_answer: "git-answer", api_players: "api-players", api_reports: "api-reports",
    api_ranks: "api-ranks", api_list: "api-list", api_zone: "api-zone", api_points: "api-points", api_token: "api-token",
    api_calibrate: "api-calibrate", queue_message: "queue-message", event: "event", stored_document: "stored-document",
    stored_bytes: "stored-bytes", stored_json: "stored-json", keys: "keys", settings: "settings",
    world_file: "world-file", damaged_addon: "damaged-addon",
}

#[test]
fn no_target_is_left_out() {
    let all: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(all, TRIED);
}

//! Every parser of bytes that come from somebody else, each as a function of bytes.
//!
//! Whatever the bytes: no panic, a result within seconds, and memory within bounds. `scripts/fuzz` runs the corpus once more,
//! then searches; it sets the bounds of time and memory.

mod damaged_addon;
mod messages;
mod pages;
mod settings;
mod worlds;

/// A parser, by the name of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 8] = [
    ("ranking-page", pages::ranking_page),
    ("git-answer", pages::git_answer),
    ("queue-message", messages::queue_message),
    ("backfill-event", messages::backfill_event),
    ("keys", messages::keys),
    ("settings", settings::settings),
    ("world-file", worlds::world_file),
    ("damaged-addon", damaged_addon::lookup),
];

/// The target of this name.
pub fn target(name: &str) -> Option<fn(&[u8])> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, run)| *run)
}

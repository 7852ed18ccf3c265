//! Every parser of bytes that come from somebody else, each as a function of bytes.
//!
//! Whatever the bytes: no panic, a result within seconds, and memory within bounds. The tests here try each on its corpus
//! (`fuzz/corpus`) and on some thousand mutations of it; `scripts/fuzz` searches for hours, guided by coverage.

mod answers;
mod damaged_addon;
mod documents;
mod events;
mod messages;
mod pages;
mod settings;
mod worlds;

/// A parser, by the name of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 19] = [
    ("ranking-page", pages::ranking_page),
    ("git-answer", pages::git_answer),
    ("api-players", answers::players),
    ("api-reports", answers::reports),
    ("api-ranks", answers::ranks),
    ("api-list", answers::list),
    ("api-zone", answers::zone),
    ("api-points", answers::points),
    ("api-token", answers::token),
    ("api-calibrate", answers::calibrate),
    ("queue-message", messages::queue_message),
    ("event", events::event),
    ("stored-document", documents::document),
    ("stored-bytes", documents::bytes),
    ("stored-json", documents::json),
    ("keys", messages::keys),
    ("settings", settings::settings),
    ("world-file", worlds::world_file),
    ("damaged-addon", damaged_addon::lookup),
];

/// The target of this name.
pub fn target(name: &str) -> Option<fn(&[u8])> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, run)| *run)
}

//! The addon database: who has which ranks, in files that World of Warcraft can load.
//!
//! ```text
//! characters in name order ─▶ RegionEncoder ─▶ files of Parsebook_DB_<region> ─▶ Lua: Parsebook.Lookup(name, realm)
//!                              block: name + record ─▶ symbols ─▶ range coder ─▶ one line of printable characters
//! ```
//! Encoder (this crate), decoder (`addon/Parsebook/Decoder.lua`) and the tables both read (`Tables.lua`) live side by
//! side and are tested together. The crate knows nothing of Warcraft Logs, MongoDB or git, and does no I/O except in
//! the feature `reader`.

mod addon;
mod alphabet;
mod block;
mod character;
mod encoder;
mod file;
mod files;
mod fold;
mod hash;
mod meta;
mod name;
mod range;
#[cfg(feature = "reader")]
pub mod reader;
mod record;
mod repository;
mod shelf;
mod sink;
mod spec;
mod tables;
#[doc(hidden)]
pub mod training;

pub use addon::addon_files;
pub use character::{Character, Encounter, EncounterRank, Raid, Ranks};
pub use encoder::{EncodeError, RegionEncoder, SetAside, Summary, encode};
pub use file::File;
pub use files::FORMAT_VERSION;
pub use meta::{ADDON_TOC, AddonMeta, MetaError};
pub use repository::repository_files;

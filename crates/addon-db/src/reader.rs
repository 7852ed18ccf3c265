//! Reads an addon repository the way the game does: its Lua files run in Lua 5.1, and Lua gives the answers.

use std::path::{Path, PathBuf};

use mlua::{Function, Lua, LuaSerdeExt, Table, Value};
use serde::{Deserialize, Serialize};

/// Why the addon cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file is missing or unreadable.
    #[error("cannot read {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A Lua file failed.
    #[error("Lua: {0}")]
    Lua(#[from] mlua::Error),
    /// The addon refused the region's data; its own message.
    #[error("{0}")]
    Refused(String),
    /// There is no data for the region.
    #[error("no data for region {0}")]
    NoRegion(String),
}

/// An answer of `Parsebook.Lookup`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// Name as it is stored: with its own letter case.
    pub name: String,
    /// Display name of the realm.
    pub realm: String,
    /// Region.
    pub region: String,
    /// Warcraft Logs class id.
    pub class_id: u8,
    /// Newest raid first, hardest difficulty first, then by metric.
    #[serde(default)]
    pub ranks: Vec<FoundRanks>,
}

/// Ranks of one raid, difficulty and metric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundRanks {
    /// Raid id.
    pub raid: u32,
    /// Difficulty.
    pub difficulty: u8,
    /// Metric.
    pub metric: String,
    /// Warcraft Logs' slug of the specialisation, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<String>,
    /// In the raid's order.
    pub encounters: Vec<FoundEncounter>,
}

/// Rank on one encounter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundEncounter {
    /// Encounter id.
    pub id: u32,
    /// Rank percent, rounded down.
    pub rank: u8,
    /// Kills; 255 means 255 or more.
    pub kills: u8,
}

/// An answer of `Parsebook.GetInfo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Info {
    /// Number of the data's format.
    pub format_version: u32,
    /// Unix seconds of the newest rank.
    pub generated_at: i64,
    /// Number of characters.
    pub characters: u64,
    /// Number of realms.
    pub realms: u64,
    /// The raids of the reference data, newest first.
    #[serde(default)]
    pub raids: Vec<crate::Raid>,
}

/// An addon repository with the regions loaded so far.
pub struct Addon {
    lua: Lua,
    dir: PathBuf,
    loaded: Vec<String>,
}

impl Addon {
    /// Loads `Parsebook/Parsebook.toc` in the repository at `dir`; regions are loaded when first asked for.
    ///
    /// # Errors
    /// [`ReadError::File`] or [`ReadError::Lua`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, ReadError> {
        let lua = Lua::new();
        // Refusals are printed by the addon and reported by this type: once is enough.
        lua.globals().set("print", lua.create_function(|_, ()| Ok(()))?)?;
        let addon = Self { lua, dir: dir.as_ref().to_owned(), loaded: Vec::new() };
        addon.load("Parsebook")?;
        Ok(addon)
    }

    /// Regions with data in the repository, in alphabetical order.
    pub fn regions(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(&self.dir) else { return Vec::new() };
        let name = |e: std::fs::DirEntry| e.file_name().to_str()?.strip_prefix("Parsebook_DB_").map(str::to_owned);
        let mut regions: Vec<String> = entries.flatten().filter_map(name).collect();
        regions.sort();
        regions
    }

    /// Looks a character up. `realm` is a display or a normalized name.
    ///
    /// # Errors
    /// [`ReadError::NoRegion`], [`ReadError::Refused`], or an error while loading the region's files.
    pub fn lookup(&mut self, name: &str, realm: &str, region: &str) -> Result<Option<Found>, ReadError> {
        self.load_region(region)?;
        let lookup: Function = self.parsebook()?.get("Lookup")?;
        let (found, refused): (Value, Option<String>) = lookup.call((name, realm, region))?;
        match (found, refused) {
            (_, Some(message)) => Err(ReadError::Refused(message)),
            (Value::Nil, None) => Ok(None),
            (found, None) => Ok(Some(self.lua.from_value(found)?)),
        }
    }

    /// What is known about a region's data.
    ///
    /// # Errors
    /// As [`Addon::lookup`].
    pub fn info(&mut self, region: &str) -> Result<Info, ReadError> {
        self.load_region(region)?;
        let info: Function = self.parsebook()?.get("GetInfo")?;
        let (info, refused): (Value, Option<String>) = info.call(region)?;
        match (info, refused) {
            (_, Some(message)) => Err(ReadError::Refused(message)),
            (Value::Nil, None) => Err(ReadError::NoRegion(region.to_owned())),
            (info, None) => Ok(self.lua.from_value(info)?),
        }
    }

    /// The Lua state, for tests and measurements.
    pub fn lua(&self) -> &Lua {
        &self.lua
    }

    fn parsebook(&self) -> Result<Table, ReadError> {
        Ok(self.lua.globals().get("Parsebook")?)
    }

    fn load_region(&mut self, region: &str) -> Result<(), ReadError> {
        if self.loaded.iter().any(|r| r == region) {
            return Ok(());
        }
        let addon = format!("Parsebook_DB_{region}");
        let is_name = !region.is_empty() && region.bytes().all(|b| b.is_ascii_alphanumeric());
        if !is_name || !self.dir.join(&addon).is_dir() {
            return Err(ReadError::NoRegion(region.to_owned()));
        }
        self.load(&addon)?;
        self.loaded.push(region.to_owned());
        Ok(())
    }

    /// Runs the files of an addon's toc: `loadfile(path)(addonName, namespace)`.
    fn load(&self, addon: &str) -> Result<(), ReadError> {
        let folder = self.dir.join(addon);
        let toc = read(folder.join(format!("{addon}.toc")))?;
        let namespace = self.lua.create_table()?;
        for line in String::from_utf8_lossy(&toc).lines().map(str::trim) {
            if !line.is_empty() && !line.starts_with('#') {
                let path = folder.join(line.replace('\\', "/"));
                let chunk = self.lua.load(read(path)?).set_name(format!("@{addon}/{line}"));
                chunk.call::<()>((addon, &namespace))?;
            }
        }
        Ok(())
    }
}

fn read(path: PathBuf) -> Result<Vec<u8>, ReadError> {
    std::fs::read(&path).map_err(|source| ReadError::File { path, source })
}

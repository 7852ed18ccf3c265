//! The addon's decoder on data files that a download, a disk or a hand has damaged.

use std::cell::RefCell;
use std::path::PathBuf;

use mlua::{HookTriggers, VmState};
use parsebook_addon_db::reader::Addon;
use tempfile::TempDir;

/// Instructions of Lua after which a lookup counts as endless: a thousand times what one needs.
const MOST_INSTRUCTIONS: u32 = 50_000_000;
/// Memory that Lua may take.
const MOST_MEMORY: usize = 64 << 20;

/// The generated addon that the tests use.
fn fixture() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/addon-db/tests/lua/fixture"))
}

/// A copy of it with the addon's own Lua, made once.
struct Copy {
    folder: TempDir,
    data: PathBuf,
    whole: Vec<u8>,
}

impl Copy {
    fn make() -> std::io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let addon = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/addon-db/addon/Parsebook");
        let region = "Parsebook_DB_EU";
        for (from, name) in [(PathBuf::from(addon), "Parsebook"), (fixture().join(region), region)] {
            let to = folder.path().join(name);
            std::fs::create_dir(&to)?;
            for entry in std::fs::read_dir(from)?.flatten().filter(|entry| entry.path().is_file()) {
                std::fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        let data = folder.path().join(region).join("Realms1.lua");
        Ok(Self { whole: std::fs::read(&data)?, data, folder })
    }
}

thread_local! {
    static COPY: RefCell<Option<Copy>> = const { RefCell::new(None) };
}

/// Damages one data file and looks somebody up. The bytes are instructions: three for each place (which, and what instead).
pub fn lookup(bytes: &[u8]) {
    COPY.with_borrow_mut(|copy| {
        if copy.is_none() {
            *copy = Copy::make().ok();
        }
        let Some(copy) = copy else { return };
        let mut damaged = copy.whole.clone();
        for change in bytes.chunks_exact(3).take(64) {
            let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % damaged.len().max(1);
            damaged[at] = change[2];
        }
        if std::fs::write(&copy.data, &damaged).is_err() {
            return;
        }
        let Ok(mut addon) = Addon::open(copy.folder.path()) else { return };
        drop(addon.lua().set_memory_limit(MOST_MEMORY));
        let triggers = HookTriggers::new().every_nth_instruction(MOST_INSTRUCTIONS);
        let hooked = addon.lua().set_hook(triggers, |_, _| -> mlua::Result<VmState> {
            panic!("the decoder does not end");
        });
        drop(hooked);
        // Damage may be found or not; an error of Lua's out of the decoder is refused by the game's error window.
        for name in ["Chôgun", "Spicca", "Nobody"] {
            drop(addon.lookup(name, "Kazzak", "EU"));
        }
    });
}

//! World files of the simulator.

use std::io::Write;

use parsebook_simulator::World;

/// A world file: a line that cannot be read is counted, everything else stands.
pub fn world_file(bytes: &[u8]) {
    let Ok(mut file) = tempfile::NamedTempFile::new() else { return };
    if file.write_all(bytes).and_then(|()| file.flush()).is_err() {
        return;
    }
    let Ok(loaded) = World::load(&[file.path()]) else { return };
    let pairs: usize = loaded.world.players().map(|player| player.pairs().count()).sum();
    assert!(pairs <= bytes.len(), "more ranks than bytes");
}

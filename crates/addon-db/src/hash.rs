//! FNV-1a, for choices that must come out the same in every run and on every machine.

/// 32-bit FNV-1a (Fowler, Noll, Vo; draft-eastlake-fnv).
pub fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

//! libFuzzer over the target that `PARSEBOOK_FUZZ_TARGET` names.
#![no_main]

use std::sync::OnceLock;

static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();

libfuzzer_sys::fuzz_target!(init: {
    let name = std::env::var("PARSEBOOK_FUZZ_TARGET").unwrap_or_default();
    let Some(target) = parsebook_fuzz::target(&name) else {
        let known: Vec<&str> = parsebook_fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
        eprintln!("PARSEBOOK_FUZZ_TARGET is none of: {}", known.join(" "));
        std::process::exit(2)
    };
    let _ = TARGET.set(target);
}, |data: &[u8]| {
    if let Some(target) = TARGET.get() {
        target(data);
    }
});

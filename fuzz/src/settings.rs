//! The variables of every program.

use parsebook_adapters::settings::{
    AggregatorSettings, ConfigError, DbGeneratorSettings, DiscoverSettings, Environment, MachineSettings,
    PlayerRankSettings, ReviverSettings,
};

/// Lines `NAME=value`. An error names its variable in one line, and tells nothing of a secret.
pub fn settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let lines = || text.split('\n').filter_map(|line| line.split_once('='));
    // A secret alone in a variable that takes none cannot be told from anything else.
    let is_lost = |(name, value): (&str, &str)| {
        let is_secret = ["WCL_API_KEYS", "MONGODB_URI", "GIT_TOKEN"].contains(&name);
        let is_marked = ["@", "ecret"].iter().any(|sign| value.contains(sign));
        value.contains("hush") && !is_secret && !is_marked
    };
    if lines().any(is_lost) {
        return;
    }
    let lines = lines();
    let environment: Environment = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    check(MachineSettings::read(&environment));
    check(DiscoverSettings::read(&environment));
    check(AggregatorSettings::read(&environment));
    check(PlayerRankSettings::read(&environment));
    check(ReviverSettings::read(&environment));
    check(DbGeneratorSettings::read(&environment));
}

fn check<T>(read: Result<T, ConfigError>) {
    let Err(error) = read else { return };
    let told = error.to_string();
    assert!(!told.contains('\n') && told.len() < 4096, "{told:?}");
    assert!(!told.contains("hush"), "{told}");
}

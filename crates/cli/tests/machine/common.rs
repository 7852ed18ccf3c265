//! A machine with everything on it against a simulated Warcraft Logs, on a clock where waiting takes no time.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use parsebook_cli::local::Machine;
use parsebook_cli::settings::Settings;
use parsebook_core::discover::RuleSummary;
use parsebook_core::ports::{Clock, Rules};
use parsebook_core::rule::{Due, SourceKind, Target, schedule};
use parsebook_simulator::{Config, Handle, Simulator, World};
use parsebook_test_support::clock::SimulatedClock;
use tempfile::TempDir;

pub const REGIONS: [&str; 5] = ["US", "EU", "KR", "TW", "CN"];

pub fn regions() -> Vec<String> {
    REGIONS.map(str::to_owned).into()
}

/// A simulated Warcraft Logs, a data folder and an addon folder.
pub struct Bench {
    pub simulator: Handle,
    pub clock: SimulatedClock,
    pub folder: TempDir,
}

impl Bench {
    pub async fn start(world: World, change: impl FnOnce(&mut Config)) -> Self {
        let clock = SimulatedClock::starting_at(chrono::Utc::now());
        let mut config = Config::new(world);
        let shared = clock.clone();
        config.clock = Arc::new(move || shared.now());
        change(&mut config);
        let simulator = Simulator::start(config).await.unwrap();
        Self { simulator, clock, folder: tempfile::tempdir().unwrap() }
    }

    pub fn world(&self) -> Arc<World> {
        self.simulator.world().clone()
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn addon(&self) -> PathBuf {
        self.folder.path().join("addon")
    }

    /// The machine, with these variables on top of a key and an unlimited pace.
    pub fn machine(&self, variables: &[(&str, &str)]) -> Machine<SimulatedClock> {
        let keys = keys();
        let usual = [("WCL_API_KEYS", keys.as_str()), ("PAGES_PER_SECOND", "100000")];
        let settings = Settings::read(&usual.iter().chain(variables).copied().collect()).unwrap();
        Machine::open(&self.data(), &self.addon(), &self.simulator.url(), settings, self.clock.clone()).unwrap()
    }

    /// A rule for every raid and difficulty that somebody has.
    pub fn add_rules(&self, machine: &Machine<SimulatedClock>, source: SourceKind) {
        for (raid, difficulty) in boards(&self.world()) {
            machine.store().add_rule(&target(raid, difficulty, source)).unwrap();
        }
    }
}

pub fn keys() -> String {
    let (id, secret) = Config::DEFAULT_CLIENT;
    format!(r#"[{{"name":"test","clientId":"{id}","clientSecret":"{secret}"}}]"#)
}

pub fn target(raid: u32, difficulty: u8, source: SourceKind) -> Target {
    Target::new(raid, difficulty, source)
}

/// Every raid and difficulty that somebody has, in order.
pub fn boards(world: &World) -> Vec<(u32, u8)> {
    let mut boards: Vec<_> = world
        .players()
        .flat_map(|player| player.pairs().map(|(raid, difficulty)| (raid as u32, difficulty)).collect::<Vec<_>>())
        .collect();
    boards.sort_unstable();
    boards.dedup();
    boards
}

/// Works exactly `backfill`, or the most overdue rule alone, as one invocation of one rule tells it.
pub async fn discover_one<C: Clock + Clone>(
    machine: &Machine<C>,
    backfill: Option<Target>,
) -> anyhow::Result<RuleSummary> {
    let (rules, _) = machine.store().rules().await?;
    let due = schedule::due(&rules, machine.clock().now(), machine.settings().discover.delay, |_| true);
    let only = match due {
        Due::Rules(due) => due.first().map(|rule| BTreeSet::from([rule.id.clone()])),
        Due::NoPoints(_) | Due::Blocked(_) | Due::Nothing => None,
    };
    let mut summary = machine.discover(backfill, only).await?;
    match summary.failures.pop() {
        Some(failure) => Err(failure.into_anyhow()),
        None => Ok(summary.rules.swap_remove(0)),
    }
}

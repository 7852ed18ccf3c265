//! The command line.

pub mod simulate;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use parsebook_adapters::settings::checked_regions;
use parsebook_core::rule::{RanksKind, SourceKind, Target, first_page, last_page, parse_since};
use parsebook_core::scrap::MAX_ID;
use parsebook_core::{Timestamp, difficulty};
use simulate::{BehaviourArgs, SimulatedTimeArgs};

/// Warcraft Logs ranks for World of Warcraft addons: discover players, rank them, publish a Lua database per region.
#[derive(Debug, Parser)]
#[command(name = "parsebook", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "\
Try it without network or keys:    parsebook demo
Then, with a key of your own:      export WCL_API_KEYS='[{\"name\":\"main\",\"clientId\":\"…\",\"clientSecret\":\"…\"}]'
                                   parsebook rules add --raid 44 --difficulty 4
                                   parsebook run --once
Then look somebody up:             parsebook lookup Name Realm

Further settings are environment variables (WCL_USER_AGENT, PAGES_PER_SECOND, …): see the README.
Exit status: 0 done, 1 failed (one line says why), 2 wrong usage.")]
pub struct Args {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every subcommand.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// Folder of the embedded store: one SQLite file with rules, players and the queue.
    #[arg(long, global = true, value_name = "DIR", default_value = DEFAULT_DATA)]
    pub data: PathBuf,
    /// Addon repository: the folder that gets Parsebook/, Parsebook_DB_EU/ and so on. (To `report` it names the HTML file.)
    #[arg(long, global = true, value_name = "DIR", default_value = DEFAULT_OUT)]
    pub out: PathBuf,
    /// Base of the Warcraft Logs site and API [default: WCL_URL, or the public site].
    #[arg(long, global = true, value_name = "URL")]
    pub wcl_url: Option<String>,
    /// Which store: the file in --data, or the MongoDB of the deployed functions (MONGODB_URI, MONGODB_DATABASE). Rules,
    /// status, report, doctor and backfill's discovery part work on both.
    #[arg(long, global = true, value_enum, default_value = "sqlite")]
    pub store: StoreKind,
}

/// Where the embedded store is unless `--data` says otherwise.
const DEFAULT_DATA: &str = "./data";
/// Where addons go unless `--out` says otherwise.
const DEFAULT_OUT: &str = "./addon";

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StoreKind {
    Sqlite,
    Mongodb,
}

impl Common {
    /// What a further command must be told to work on the same store: ` --data DIR`, ` --store mongodb`, or nothing.
    pub fn store_flags(&self) -> String {
        match self.store {
            StoreKind::Mongodb => " --store mongodb".to_owned(),
            StoreKind::Sqlite => flag("--data", &self.data, DEFAULT_DATA),
        }
    }

    /// What a further command must be told to read the same addons: ` --out DIR`, or nothing.
    pub fn out_flags(&self) -> String {
        flag("--out", &self.out, DEFAULT_OUT)
    }

    /// `--out`, if it was given: to `report` it names a file.
    pub fn given_out(&self) -> Option<&Path> {
        (self.out != Path::new(DEFAULT_OUT)).then_some(self.out.as_path())
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole pipeline against a built-in simulated Warcraft Logs; ends with a result to look at.
    Demo(DemoArgs),
    /// Run the stages: discover, aggregate, rank, publish.
    #[command(after_help = "Needs WCL_API_KEYS. A run that was cut short, even by kill -9, goes on where it stopped.")]
    Run(RunArgs),
    /// List, add, pause, resume or remove discovery rules.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Discover one range now, rank what it finds, and publish. Touches no rule.
    Backfill(BackfillArgs),
    /// Look a player up in the generated database, the way the addon does.
    #[command(after_help = "Exit status 1 when the player is not in the database.")]
    Lookup(LookupArgs),
    /// How things stand: rules, players, queue, pace, and when all will be ranked.
    Status(StatusArgs),
    /// Set up the repository that the addon is released from.
    #[command(subcommand)]
    AddonRepo(AddonRepoCommand),
    /// What was done and how things stand, with plots: one HTML file (--out FILE), or live (--serve).
    #[command(
        after_help = "The file asks nothing of any server. --serve shows the same, refreshed while `parsebook run` works beside it."
    )]
    Report(ReportArgs),
    /// Check settings, store, keys, API, clock and addon repository: a line each, with the fix.
    #[command(after_help = "Exit status 1 when anything is wrong.")]
    Doctor(DoctorArgs),
    /// Ask the live API how it prices and behaves today, with at most 100 points of one key.
    #[command(after_help = "Needs WCL_API_KEYS. Keep what --json prints: --again FILE asks later for what needs time.")]
    Calibrate(CalibrateArgs),
    /// Serve a simulated Warcraft Logs on this machine until Ctrl-C.
    Simulate(Box<SimulateArgs>),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Players in the made-up world.
    #[arg(long, default_value_t = 2000)]
    pub players: usize,
    /// Another seed makes another world.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Rank everybody in a report by one question, or one player after the other.
    #[arg(long, value_parser = one_of::<RanksKind>(["players", "reports"]), default_value = "reports")]
    pub ranks: RanksKind,
}

#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Run every due stage to its end, then exit. Without it, the schedules run until Ctrl-C.
    #[arg(long)]
    pub once: bool,
    /// Regions to publish [default: REGIONS, or US,EU,KR,TW,CN].
    #[arg(long, value_name = "EU,US", value_delimiter = ',', value_parser = region)]
    pub regions: Vec<String>,
    /// Print the summary as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct CalibrateArgs {
    /// The raid to ask about: the newest one, which has the most reports.
    #[arg(long, required_unless_present = "again", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_ID)))]
    pub raid: Option<u32>,
    /// Ask again for the kill that was fresh in an earlier run: the file that its --json made.
    #[arg(long, value_name = "FILE", conflicts_with = "raid")]
    pub again: Option<PathBuf>,
    /// Print every question and answer, and what they mean, as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List the rules.
    List {
        /// Print one JSON document per rule.
        #[arg(long)]
        json: bool,
    },
    /// Add a rule; prints its id.
    Add(TargetArgs),
    /// Remove a rule.
    Remove {
        /// The id that `rules list` shows.
        id: String,
    },
    /// Let a rule rest until it is resumed.
    Pause {
        /// The id that `rules list` shows.
        id: String,
    },
    /// Work a rule again.
    Resume {
        /// The id that `rules list` shows.
        id: String,
    },
}

/// What to discover.
#[derive(Debug, Clone, clap::Args)]
pub struct TargetArgs {
    /// The raid: a Warcraft Logs zone id, such as 44 (Manaforge Omega).
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_ID)))]
    pub raid: u32,
    /// 1 LFR, 3 Normal, 4 Heroic, 5 Mythic.
    #[arg(long, value_parser = known_difficulty)]
    pub difficulty: u8,
    /// First and last page; the board's end ends it earlier.
    #[arg(long, value_name = "1-600", value_parser = pages)]
    pub pages: Option<(u32, u32)>,
    /// Where players are found: public reports through the API, or the site's ranking pages.
    #[arg(long, value_parser = one_of::<SourceKind>(["site", "reports"]), default_value = "reports")]
    pub source: SourceKind,
    /// How they are ranked: one question per player, or one per report for everybody in it.
    #[arg(long, value_parser = one_of::<RanksKind>(["players", "reports"]), default_value = "players")]
    pub ranks: RanksKind,
    /// How far a first reading of reports goes back [default: 14 days].
    #[arg(long, value_name = "2026-09-01", value_parser = parse_since)]
    pub since: Option<Timestamp>,
    /// Partition of the ranking; the raid's current one when left out.
    #[arg(long)]
    pub partition: Option<u32>,
}

/// A value of which help and completions show the names.
fn one_of<T: FromStr<Err = String> + Clone + Send + Sync + 'static>(
    names: [&'static str; 2],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

/// Arguments that only together make no sense: exit status 2, like those that clap refuses.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

impl Usage {
    /// As an error that may come from anywhere.
    pub fn of(problem: impl std::fmt::Display) -> anyhow::Error {
        Self(problem.to_string()).into()
    }
}

impl TargetArgs {
    /// The target, if it can be asked for.
    ///
    /// # Errors
    /// When raid, difficulty or pages are out of range.
    pub fn target(&self) -> anyhow::Result<Target> {
        let (start_page, end_page) = self.pages.unwrap_or((first_page(), last_page()));
        let target = Target {
            raid: self.raid,
            difficulty: self.difficulty,
            start_page,
            end_page,
            source: self.source,
            ranks: self.ranks,
            since: self.since,
            partition: self.partition,
        };
        target.checked().map_err(Usage::of)
    }
}

/// A flag and its folder as a shell takes them, unless it is the usual one.
fn flag(name: &str, folder: &Path, usual: &str) -> String {
    if folder == Path::new(usual) {
        return String::new();
    }
    let text = folder.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    if text.chars().all(is_plain) {
        format!(" {name} {text}")
    } else {
        format!(" {name} '{}'", text.replace('\'', r"'\''"))
    }
}

fn region(text: &str) -> Result<String, String> {
    checked_regions(vec![text.trim().to_uppercase()]).map(|regions| regions.concat())
}

fn known_difficulty(text: &str) -> Result<u8, String> {
    match text.parse() {
        Ok(number) if difficulty::is_known(number) => Ok(number),
        _ => Err(format!("none of {}", difficulty::LISTED)),
    }
}

fn pages(text: &str) -> Result<(u32, u32), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if 0 < first && first <= last && last < u32::MAX => Ok((first, last)),
        _ => Err("no range such as 1-600".to_owned()),
    }
}

#[derive(Debug, clap::Args)]
pub struct BackfillArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// Print the summary as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct LookupArgs {
    /// The character's name.
    pub name: String,
    /// Its realm, as displayed or as the game's addons see it: "Temple noir" or Templenoir.
    pub realm: String,
    /// Its region; may be left out when only one region knows the player.
    #[arg(long)]
    pub region: Option<String>,
    /// Print what the addon's Lookup returns, as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum AddonRepoCommand {
    /// Write what the repository needs besides the data into the folder of --out: README, licence, workflows, the addon.
    #[command(
        after_help = "Files that are there already stay as they are. ADDON_INTERFACE, ADDON_CURSE_ID, ADDON_WAGO_ID \
                            and ADDON_WOWI_ID go into the .toc."
    )]
    Init {
        /// The branch that releases come from [default: GIT_BRANCH, or main].
        #[arg(long, value_name = "NAME")]
        branch: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// Print it as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// Show it live at this address until Ctrl-C; port 0 takes a free one. An address other than this machine's own lets
    /// everybody who reaches it read along.
    #[arg(long, value_name = "127.0.0.1:PORT")]
    pub serve: Option<SocketAddr>,
}

#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Look at the deployed stack too (AWS_REGION and credentials as the AWS tools have them; MONGODB_URI for its store).
    #[arg(long)]
    pub aws: bool,
    /// What the stack's names begin with: its parameter NamePrefix.
    #[arg(long, value_name = "PREFIX", default_value = "")]
    pub name_prefix: String,
    /// The stack's parameter ConcurrencyLimit.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub concurrency_limit: i64,
    /// Most messages that may wait in the queue.
    #[arg(long, value_name = "N", default_value_t = 80_000)]
    pub queue_limit: i64,
}

#[derive(Debug, clap::Args)]
pub struct SimulateArgs {
    /// A world of players and ranks, one JSON object per line; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub world: Vec<PathBuf>,
    /// Players of a made-up world, when no file is given.
    #[arg(long, default_value_t = 2000)]
    pub players: usize,
    /// Another seed makes another world.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where to listen; port 0 takes a free one, which is printed.
    #[arg(long, value_name = "127.0.0.1:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Points of each key per hour; unlimited when left out.
    #[arg(long, value_name = "N")]
    pub points_per_hour: Option<u32>,
    /// How long an hour of points lasts: a small number makes pauses short.
    #[arg(long, value_name = "N", default_value_t = 3600)]
    pub hour_seconds: u64,
    /// Added to every answer.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub latency_ms: u64,
    /// A key that is accepted; may be given several times.
    #[arg(long, value_name = "ID:SECRET")]
    pub client: Vec<String>,
    /// Serve ranking tables alone, or inside a whole page.
    #[arg(long, value_enum, default_value = "fragment")]
    pub layout: Layout,
    /// Switch a fault on; may be given several times. `--fault list` prints them.
    #[arg(long, value_name = "NAME[=WHEN]")]
    pub fault: Vec<String>,
    #[command(flatten)]
    pub time: SimulatedTimeArgs,
    #[command(flatten)]
    pub behaviour: BehaviourArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Layout {
    Fragment,
    Page,
}

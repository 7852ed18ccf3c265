//! What the stages ask of the world. One trait per need; `parsebook-adapters` implements them.
#![expect(async_fn_in_trait, reason = "stages are generic over their ports and await them in place")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::Stream;

use crate::left_out::LeftOut;
use crate::moment::minute;
use crate::player::{MetricRanks, Player, PlayerUpdate, Raid, RaidRanks, RankedPart};
use crate::report::{DetailOutcome, ListPage, ReportOutcome, ReportQuestion, Window};
use crate::report_ranks::{REMEMBERED, SAME_KILL};
use crate::report_state::{Settled, StoredReport};
use crate::rule::{Block, Lease, Refusals, Rule, RuleId, RuleState, SourceKind};
use crate::scrap::{Discovered, Message, RaidsToScrap};
use crate::{Difficulty, EncounterId, PlayerId, RaidId, Timestamp};

/// A failure nobody branches on: the chain is logged at the edge.
pub type Error = anyhow::Error;
/// A result that fails as a whole.
pub type Result<T> = std::result::Result<T, Error>;

/// The store does not answer. In the chain of an [`Error`], so that a shell can tell it from other failures.
#[derive(Debug, thiserror::Error)]
#[error("the store does not answer: {0}")]
pub struct StoreAway(pub String);

/// Whether an error says that the store does not answer: nothing more is to be asked of it then.
pub fn is_store_away(error: &Error) -> bool {
    error.chain().any(|cause| cause.is::<StoreAway>())
}

/// The only source of time.
pub trait Clock {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration);
}

/// Something read from a store that is not what it should be: skipped by name, left where it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{document}: {reason}")]
pub struct Malformed {
    /// Collection and id.
    pub document: String,
    /// What is wrong.
    pub reason: String,
}

/// `discovery_schedules`.
pub trait Rules {
    /// All rules that can be read, and what could not.
    async fn rules(&self) -> Result<(Vec<Rule>, Vec<Malformed>)>;
    /// Takes the rule if it is enabled, its `lastRun` is still the one in `rule`, and nobody holds a lease at `now`.
    /// Answers the rule as it stands with the lease in it, or `None` if it was not to be had. Atomic.
    async fn claim(&self, rule: &Rule, lease: &Lease, now: Timestamp) -> Result<Option<Rule>>;
    /// Lengthens the lease while its owner still holds it; `false` if it does not.
    async fn renew(&self, rule: &RuleId, lease: &Lease) -> Result<bool>;
    /// Replaces the rule's state while `owner` still holds the lease; `false` if it does not.
    async fn save_state(&self, rule: &RuleId, owner: &str, state: &RuleState) -> Result<bool>;
    /// Like `save_state`, and moves `lastRun`.
    async fn finish(&self, rule: &RuleId, owner: &str, last_run: Timestamp, state: &RuleState) -> Result<bool>;
    /// Refusals that are kept with no rule. What cannot be read is left out.
    async fn refusals(&self) -> Result<Refusals>;
    /// Keeps the source's refusal, or forgets it.
    async fn keep_refusal(&self, source: SourceKind, block: Option<&Block>) -> Result<()>;
}

/// `discovers`.
pub trait Discoveries {
    /// Adds what was found to what is stored.
    async fn merge(&self, found: &[Discovered]) -> Result<()>;
    /// Up to `limit` documents in order of id after `after`, and the last id looked at (`None` at the end).
    async fn discovered_after(&self, after: Option<PlayerId>, limit: usize) -> Result<DiscoveredPage>;
    /// The documents of these players, those that can be read.
    async fn discovered(&self, players: &[PlayerId]) -> Result<Vec<Discovered>>;
    /// Removes exactly these pairs; pairs added since stay. Idempotent.
    async fn remove(&self, sent: &[Discovered]) -> Result<()>;
    /// How many players wait.
    async fn discovered_count(&self) -> Result<u64>;
}

/// A stretch of `discovers`.
#[derive(Debug, Default)]
pub struct DiscoveredPage {
    /// What can be read.
    pub discovered: Vec<Discovered>,
    /// What holds nothing to rank: left by a removal that was cut short, and to be removed.
    pub empty: Vec<Discovered>,
    /// What cannot.
    pub malformed: Vec<Malformed>,
    /// Where to go on; `None` at the end.
    pub next: Option<PlayerId>,
}

/// `players`.
pub trait Players {
    /// Applies the updates; one outcome per update, in order. Applying one twice does no harm.
    async fn save(&self, updates: &[PlayerUpdate]) -> Result<Vec<std::result::Result<(), String>>>;
    /// What is stored of players, by id; nothing for those that are not. A document that cannot be read, or not be
    /// written to, is named.
    async fn known(&self, ids: &[PlayerId]) -> Result<KnownPlayers>;
    /// The same without the ends of kills, so that a few thousand players at a time take little memory.
    async fn known_without_ends(&self, ids: &[PlayerId]) -> Result<KnownPlayers>;
    /// The players of a region in order of (`normalizedServer`, `name`), both compared as bytes, then id.
    fn players(&self, region: &str) -> impl Stream<Item = Result<std::result::Result<Player, Malformed>>>;
}

/// What is stored of players, or why it cannot be read.
pub type KnownPlayers = BTreeMap<PlayerId, std::result::Result<Known, Malformed>>;

/// What is stored of a player, without the ranks themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// WCL's class number.
    pub class_id: Option<u8>,
    /// By raid and difficulty: when it was last read wholly in its newest partition; no entry without such a reading. The
    /// oldest where metrics differ.
    pub read_at: BTreeMap<(RaidId, Difficulty), Timestamp>,
    /// By raid and difficulty that are known from reports alone: since when, by the first kill that is remembered.
    pub met_at: BTreeMap<(RaidId, Difficulty), Timestamp>,
    /// By raid and difficulty, the newest partition seen.
    pub partitions: BTreeMap<(RaidId, Difficulty), i32>,
    /// Raids and difficulties of which something stored is not understood, and what. Nothing can be folded into them; a
    /// full reading replaces them.
    pub odd: BTreeMap<(RaidId, Difficulty), String>,
    /// By raid, difficulty and metric: the ends of kills that are remembered of its newest partition, see
    /// [`MetricRanks::ends`](crate::player::MetricRanks::ends). No entry without any.
    pub ends: BTreeMap<(RaidId, Difficulty), BTreeMap<String, EndsOfKills>>,
}

/// By boss, when kills of it ended, in order.
pub type EndsOfKills = BTreeMap<EncounterId, Vec<Timestamp>>;

impl Known {
    /// What is known of a player with these ranks.
    pub fn of(class_id: u8, ranks: &RaidRanks) -> Self {
        let mut known = Self { class_id: Some(class_id), ..Self::default() };
        for (&raid, difficulties) in ranks {
            for (&difficulty, metrics) in difficulties {
                let pair = (raid, difficulty);
                let Some(newest) = metrics.values().map(|metric| metric.partition).max() else { continue };
                known.partitions.insert(pair, newest);
                // A reading is of all metrics: what was folded since into one alone had no ranks then.
                let of_newest = metrics.iter().filter(|(_, metric)| metric.partition == newest);
                if let Some(oldest) = of_newest.clone().filter_map(|(_, metric)| metric.read_at).min() {
                    known.read_at.insert(pair, oldest);
                } else {
                    let first = |metric: &MetricRanks| metric.ends.values().flatten().min().copied();
                    let met_at = of_newest.clone().map(|(_, metric)| first(metric).unwrap_or(metric.ranked_at)).min();
                    known.met_at.extend(met_at.map(|met_at| (pair, met_at)));
                }
                let remembered = of_newest.filter(|(_, metric)| !metric.ends.is_empty());
                let ends: BTreeMap<_, _> =
                    remembered.map(|(name, metric)| (name.clone(), metric.ends.clone())).collect();
                if !ends.is_empty() {
                    known.ends.insert(pair, ends);
                }
            }
        }
        known
    }

    /// Adds to a full reading of the player, made at `now`, the ends that are remembered of the same partition. A kill that is
    /// folded in after this was read from the store is not among them: a second log of it costs another full reading.
    pub fn remember(&self, parts: &mut [RankedPart], now: Timestamp) {
        for RankedPart { raid, difficulty, ranks } in parts {
            let pair = (*raid, *difficulty);
            let (Some(remembered), Some(partition)) = (self.ends.get(&pair), self.partitions.get(&pair)) else {
                continue;
            };
            for (name, metric) in ranks.iter_mut().filter(|(_, metric)| metric.partition == *partition) {
                let Some(ends) = remembered.get(name) else { continue };
                metric.ends = ends.clone();
                metric.ends.values_mut().for_each(|ends| ends.retain(|end| *end >= now - REMEMBERED));
                metric.ends.retain(|_, ends| !ends.is_empty());
            }
        }
    }

    /// Whether the kill of a boss is remembered, by this end or that in another upload.
    pub fn is_remembered(&self, pair: (RaidId, Difficulty), (boss, end): (EncounterId, Timestamp)) -> bool {
        let metrics = self.ends.get(&pair).into_iter().flat_map(BTreeMap::values);
        let mut ends = metrics.filter_map(|ends| ends.get(&boss)).flatten();
        ends.any(|remembered| (*remembered - end).abs() <= SAME_KILL)
    }
}

/// What waits in the queue of one player.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InQueue {
    /// What is to be ranked.
    pub raids_to_scrap: RaidsToScrap,
    /// When the newest of it was sent, where that is known. What was read since does not wait any more, even if nobody
    /// wrote that down.
    pub sent_at: Option<Timestamp>,
}

/// What waits in the queue, so that nobody waits twice.
pub trait Waiting {
    /// Every player that waits, with what is to be ranked of it. What was sent so long ago that the queue has dropped it
    /// does not count.
    async fn waiting(&self, now: Timestamp) -> Result<BTreeMap<PlayerId, InQueue>>;
    /// Remembers that these were sent.
    async fn mark_waiting(&self, sent: &[Discovered], now: Timestamp) -> Result<()>;
    /// Forgets exactly these pairs: their message has ended.
    async fn forget_waiting(&self, ended: &[Discovered]) -> Result<()>;
}

/// `raids`.
pub trait Raids {
    /// Reference data of one raid, if stored.
    async fn raid(&self, id: RaidId) -> Result<Option<Raid>>;
    /// All reference data stored.
    async fn raids(&self) -> Result<Vec<Raid>>;
    /// Stores or replaces it.
    async fn save_raid(&self, raid: &Raid) -> Result<()>;
}

/// The queue `wcl-discovered-players`, from its sending end.
pub trait MessageQueue {
    /// Sends up to [`Self::BATCH`] messages; one outcome per message, in order. `Ok` means the queue confirmed it.
    async fn send(&self, messages: &[Message]) -> Result<Vec<std::result::Result<(), String>>>;
    /// About how many messages wait or are under way.
    async fn length(&self) -> Result<u64>;
    /// Most messages per call.
    const BATCH: usize = 10;
}

/// A report that discovery has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenReport {
    /// Its code.
    pub code: String,
    /// The revision that was read.
    pub revision: u32,
    /// For which difficulties it was read.
    pub difficulties: BTreeSet<Difficulty>,
    /// When its log ended.
    pub end: Timestamp,
}

/// Which reports discovery has read, so that none is asked for twice at one revision.
pub trait SeenReports {
    /// Those of the reports that were read for the raid, by code.
    async fn seen_reports(&self, raid: RaidId, codes: &[String]) -> Result<BTreeMap<String, SeenReport>>;
    /// Remembers them. The same revision's difficulties add up; another revision replaces what was remembered.
    async fn mark_seen(&self, raid: RaidId, reports: &[SeenReport]) -> Result<()>;
    /// Forgets those whose logs ended before.
    async fn forget_seen(&self, raid: RaidId, ended_before: Timestamp) -> Result<()>;
}

/// How many reports wait for their ranks to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportLag {
    /// Reports that are due and not done.
    pub due: u64,
    /// Since when the oldest of them is due.
    pub oldest_due: Option<Timestamp>,
    /// Reports that were read and whose percentages were missing.
    pub again: u64,
    /// Reports that were read in part because points did not suffice, by what was left out.
    pub left_out: BTreeMap<LeftOut, u64>,
    /// Reports in all.
    pub all: u64,
}

/// `reports`: those whose ranks are read for everybody in them.
pub trait ReportBacklog {
    /// Those of the reports that are stored, by code.
    async fn reports(&self, codes: &[String]) -> Result<BTreeMap<String, StoredReport>>;
    /// Stores each report, unless one of a higher revision is stored. Atomic for each.
    async fn raise_reports(&self, reports: &[StoredReport]) -> Result<()>;
    /// Up to `limit` open reports that are due at `now` and were not sent after `sent_before`, newest end first: those that
    /// were read `in_part` for want of points, or the others.
    async fn due_reports(
        &self,
        now: Timestamp,
        sent_before: Timestamp,
        in_part: bool,
        limit: usize,
    ) -> Result<Vec<StoredReport>>;
    /// Remembers that they were sent to the queue.
    async fn mark_sent(&self, codes: &[String], at: Timestamp) -> Result<()>;
    /// Stores what became of each report, by code, if the revision is still the stored one.
    async fn settle_reports(&self, settled: &[(String, u32, Settled)]) -> Result<()>;
    /// Forgets the reports of a raid that ended before and are not open, or were found before then and are open for want of
    /// points; answers how many were never read whole.
    async fn forget_reports(&self, raid: RaidId, ended_before: Timestamp) -> Result<u64>;
    /// How many wait.
    async fn report_lag(&self, now: Timestamp) -> Result<ReportLag>;
}

/// What a raid's zone says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Name and bosses.
    pub raid: Raid,
    /// The partition that counts now; `None` where the zone has none, which boards of the site need and reports don't.
    pub partition: Option<u32>,
}

/// Reference data from the API.
pub trait Zones {
    /// The zone, or `None` if WCL has none of that number.
    async fn zone(&self, raid: RaidId) -> std::result::Result<Option<Zone>, ApiError>;
}

/// Why the API did not answer, by what the caller does about it.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No key has points left: wait for the reset.
    #[error("no points left until {}", minute(*resets_at))]
    PointsExhausted {
        /// When the first key has points again.
        resets_at: Timestamp,
    },
    /// The API refuses this program (403, HTML in place of JSON): stop and say so.
    #[error("refused by the API: {0}")]
    Refused(String),
    /// Wrong credentials: only a person can help.
    #[error("key {key:?} is not accepted: {reason}")]
    BadKey {
        /// The key's name.
        key: String,
        /// What the server said.
        reason: String,
    },
    /// Anything else, after retries.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Ranks of many reports.
#[derive(Debug, Default)]
pub struct RankedReports {
    /// One outcome per report that was reached, by code, in any order.
    pub outcomes: Vec<(String, ReportOutcome)>,
    /// Points spent, as far as known.
    pub points_spent: f64,
    /// Why it ended early: reports without an outcome were not reached.
    pub stopped: Option<ApiError>,
}

/// Lists of public reports, and who was in them.
pub trait ReportLists {
    /// Reads page `page` (from 1, at most [`LAST_LIST_PAGE`](crate::report::LAST_LIST_PAGE)) of the window. An error when no report on it can be
    /// understood.
    async fn list(&self, window: &Window, page: u32) -> std::result::Result<ListPage, ApiError>;
    /// Reads the details of reports; one outcome per code, in any order. An error only for what hits all of them.
    async fn details(&self, codes: &[String]) -> std::result::Result<Vec<(String, DetailOutcome)>, ApiError>;
}

/// Ranks of everyone in a report by one request.
pub trait ReportRanks {
    /// Ranks the players of the reports with the points of `key`.
    async fn rank_reports(&self, key: &str, questions: &[ReportQuestion]) -> RankedReports;
}

/// One page of a discovery source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourcePage {
    /// Players found; a player may stand in it twice.
    pub players: Vec<PlayerId>,
    /// Rows that could not be understood.
    pub skipped: u32,
    /// Whether there is no page after this one.
    pub is_last: bool,
}

/// A board of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// The raid.
    pub raid: RaidId,
    /// The difficulty.
    pub difficulty: Difficulty,
    /// The partition.
    pub partition: u32,
}

/// Why a discovery source gave no page, by what the caller does about it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The source refuses this program: stop at once, pause, never evade.
    #[error("{0}")]
    Refused(String),
    /// No points left: nothing was refused, go on after the reset.
    #[error("no points left until {}", minute(*resets_at))]
    NoPoints {
        /// When points are there again.
        resets_at: Timestamp,
    },
    /// Broken, and perhaps not when asked again.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl From<ApiError> for SourceError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::PointsExhausted { resets_at } => Self::NoPoints { resets_at },
            ApiError::Refused(_) => Self::Refused(error.to_string()),
            other => Self::Failed(other.into()),
        }
    }
}

/// The ranking pages of the site.
pub trait RankingSite {
    /// Reads page `page` (from 1). One request, no retries of a refusal.
    async fn ranking_page(&self, board: &Board, page: u32) -> std::result::Result<SourcePage, SourceError>;
}

/// What a key has.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyPoints {
    /// The key's name.
    pub key: String,
    /// Points per hour.
    pub limit_per_hour: f64,
    /// Points left now.
    pub remaining: f64,
    /// When all points are there again.
    pub resets_at: Timestamp,
}

/// The pool of keys.
pub trait KeyPool {
    /// What each key has, in the pool's order. A key that cannot be asked is left out and logged; an error only if
    /// none could be asked for a reason that waiting does not cure. A fresh reading attached to an earlier answer is
    /// as good as asking.
    async fn points(&self) -> std::result::Result<Vec<KeyPoints>, ApiError>;
}

/// What became of one player's question.
#[derive(Debug, Clone, PartialEq)]
pub enum RankOutcome {
    /// Save this.
    Update(PlayerUpdate),
    /// WCL keeps the character under this number now: what is stored under the old one goes, the new one is asked.
    Moved(PlayerId),
    /// Never succeeds: no class set.
    Never(&'static str),
    /// Ask again later.
    Failed(String),
}

/// A player whose ranks are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Who, and what of it.
    pub discovered: Discovered,
    /// WCL's class number, where the store knows it: a class that cannot heal is not asked for its healing, and one
    /// that is unknown costs a question of its own.
    pub class_id: Option<u8>,
}

/// Ranks of many players.
#[derive(Debug, Default)]
pub struct Ranked {
    /// One outcome per player that was reached.
    pub outcomes: Vec<(PlayerId, RankOutcome)>,
    /// One line for each raid + difficulty, or boss in it, that was left out: what, and why. What is stored of it
    /// stays.
    pub skipped: Vec<String>,
    /// Points spent, as far as known.
    pub points_spent: f64,
    /// Why it ended early: players without an outcome were not reached.
    pub stopped: Option<ApiError>,
}

/// A source of ranks for many players at once, each asked for by id.
pub trait RankSource {
    /// Ranks `players` with the points of `key`; outcomes may come in any order.
    async fn rank(&self, key: &str, players: &[Wanted]) -> Ranked;
}

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The repository refuses the push: only a person can help.
    #[error("the addon repository refused the push: {0}")]
    PushRejected(String),
    /// Others kept pushing faster.
    #[error("the addon repository moved on {0} times while publishing")]
    LostRaces(u32),
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// What publishing did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// The tree is the one already there: no commit.
    Unchanged,
    /// A commit was made (and pushed, where there is a remote).
    Commit(String),
}

/// The repository that players' addons come from.
pub trait AddonRepo {
    /// The content of a file as last published, whoever published it; `None` where there is none.
    async fn read(&mut self, path: &str) -> std::result::Result<Option<Vec<u8>>, PublishError>;
    /// Replaces the whole content of top-level folder (or file) `name` in the next publication by `files`
    /// (path below the repository's root, content). Nothing is visible before [`Self::publish`].
    async fn stage(&mut self, name: &str, files: Vec<(String, Vec<u8>)>) -> std::result::Result<(), PublishError>;
    /// Publishes everything staged as one commit.
    async fn publish(&mut self, message: &str) -> std::result::Result<Published, PublishError>;
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::player::MetricRanks;
    use crate::testing::noon;

    #[test]
    fn a_store_that_is_away_is_known_in_any_context() {
        let away = Error::new(StoreAway("no answer".to_owned())).context("reading players");
        assert!(is_store_away(&away) && !is_store_away(&Error::msg("no answer")));
    }

    #[test]
    fn a_raid_counts_as_read_since_the_oldest_metric_of_its_newest_partition() {
        let metric = |partition, hours_ago: Option<i64>| {
            let read_at = hours_ago.map(|hours| noon() - TimeDelta::hours(hours));
            MetricRanks { partition, read_at, ..MetricRanks::default() }
        };
        let both = |dps, hps| BTreeMap::from([("dps".to_owned(), dps), ("hps".to_owned(), hps)]);
        let ranks = BTreeMap::from([(
            31,
            BTreeMap::from([
                (4, both(metric(2, Some(5)), metric(1, Some(9)))),
                (5, both(metric(1, Some(5)), metric(3, None))),
                (3, both(metric(2, Some(7)), metric(2, None))),
                (1, both(metric(2, Some(7)), metric(2, Some(8)))),
            ]),
        )]);
        let known = Known::of(9, &ranks);
        assert_eq!(known.class_id, Some(9));
        let read_at =
            [(1, 8), (3, 7), (4, 5)].map(|(difficulty, hours)| ((31, difficulty), noon() - TimeDelta::hours(hours)));
        assert_eq!(known.read_at, BTreeMap::from(read_at));
        assert_eq!(known.partitions, BTreeMap::from([((31, 1), 2), ((31, 3), 2), ((31, 4), 2), ((31, 5), 3)]));
    }

    #[test]
    fn a_raid_that_was_never_read_is_known_since_its_first_kill() {
        let ago = |hours| noon() - TimeDelta::hours(hours);
        let metric = |ends: &[i64]| MetricRanks {
            ranked_at: ago(1),
            ends: BTreeMap::from([(7, ends.iter().map(|hours| ago(*hours)).collect())]),
            ..MetricRanks::default()
        };
        let read = MetricRanks { read_at: Some(ago(3)), ..metric(&[8]) };
        let part = |metric| BTreeMap::from([("dps".to_owned(), metric)]);
        let both = BTreeMap::from([("dps".to_owned(), metric(&[])), ("hps".to_owned(), metric(&[9, 5]))]);
        let ranks = BTreeMap::from([(31, BTreeMap::from([(3, part(metric(&[]))), (4, both), (5, part(read))]))]);
        let known = Known::of(9, &ranks);
        assert_eq!(known.met_at, BTreeMap::from([((31, 3), ago(1)), ((31, 4), ago(9))]));
    }

    #[test]
    fn what_the_api_answers_is_told_apart_by_what_discovery_does_about_it() {
        let refused = SourceError::from(ApiError::Refused("a human check".to_owned()));
        assert!(matches!(refused, SourceError::Refused(why) if why == "refused by the API: a human check"));
        let resets_at = noon();
        assert!(matches!(SourceError::from(ApiError::PointsExhausted { resets_at }), SourceError::NoPoints { .. }));
        let bad_key = ApiError::BadKey { key: "main".to_owned(), reason: "401".to_owned() };
        assert_eq!(SourceError::from(bad_key).to_string(), "key \"main\" is not accepted: 401");
    }
}

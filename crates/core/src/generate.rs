//! db-generator: the players of each region as a Lua database in the addon repository.
//!
//! One region is streamed at a time, in name order, into the encoder of `parsebook-addon-db`; its finished files go to
//! the repository before the next region is read.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use chrono::{DurationRound, TimeDelta};
use futures::{StreamExt, pin_mut};
use parsebook_addon_db::{self as addon_db, ADDON_TOC, EncodeError, RegionEncoder, addon_files};
use serde::Serialize;

use crate::changelog::{self, CHANGELOG};
use crate::moment::is_ahead;
use crate::player::{Player, Raid};
use crate::ports::{AddonRepo, ApiError, Error, Players, PublishError, Published, Raids, Result, Zones};
use crate::{RaidId, Timestamp};

pub use parsebook_addon_db::{AddonMeta, MetaError};

/// What to generate.
#[derive(Debug, Clone)]
pub struct GenerateConfig {
    /// `REGIONS`, or the event's: WCL's compact names.
    pub regions: Vec<String>,
    /// Encode everything, publish nothing.
    pub dry_run: bool,
    /// `ADDON_*`: what stands in the `.toc` files.
    pub addon: AddonMeta,
    /// Ranks that were read or confirmed before this are left out; none if absent.
    pub confirmed_since: Option<Timestamp>,
    /// Now: ranks that are dated ahead of it are left out.
    pub now: Timestamp,
}

/// The moment for [`GenerateConfig::confirmed_since`] from `KEEP_RANKS_DAYS` (0: for ever). It counts from the beginning of
/// the day (UTC) of the run: the same data on the same day make the same bytes.
pub fn confirmed_since(now: Timestamp, keep_ranks_days: u32) -> Option<Timestamp> {
    let today = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    (keep_ranks_days > 0).then(|| today - TimeDelta::days(keep_ranks_days.into()))
}

/// What db-generator did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerateSummary {
    /// Each region that has players.
    pub regions: Vec<RegionSummary>,
    /// Regions of which the store holds no player: what was published of them before stays.
    pub empty_regions: Vec<String>,
    /// The commit, if one was made.
    pub commit: Option<String>,
    /// How it ended.
    pub stopped: StopReason,
}

/// How db-generator ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StopReason {
    /// A commit was published.
    Published,
    /// The repository holds exactly this already.
    Unchanged,
    /// It was a dry run.
    DryRun,
}

/// One region's database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionSummary {
    /// WCL's compact name.
    pub region: String,
    /// Characters in it.
    pub characters: u64,
    /// Realms in it.
    pub realms: u64,
    /// Size of its files together.
    pub bytes: u64,
    /// When its newest rank was read.
    pub generated_at: Option<Timestamp>,
    /// Documents that cannot be read, and characters that the format cannot carry, by reason.
    pub set_aside: BTreeMap<String, u64>,
}

/// Why db-generator failed.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The repository did not take it.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<EncodeError> for GenerateError {
    fn from(error: EncodeError) -> Self {
        Self::Failed(error.into())
    }
}

/// Generates and publishes the regions.
///
/// # Errors
/// When the store fails, a region's name is no region's, or the repository does not take the commit.
pub async fn generate<P: Players, S: Raids, A: Zones, R: AddonRepo>(
    players: &P,
    raids: &S,
    api: &A,
    repo: &mut R,
    config: &GenerateConfig,
) -> std::result::Result<GenerateSummary, GenerateError> {
    let mut summary =
        GenerateSummary { regions: vec![], empty_regions: vec![], commit: None, stopped: StopReason::DryRun };
    let mut reference = Reference::load(raids).await?;
    let toc = if config.dry_run { None } else { read_text(repo, ADDON_TOC).await? };
    for region in config.regions.iter().collect::<BTreeSet<_>>() {
        let (mut encoded, met) = encode_region(players, &reference, region, config).await?;
        // The first time a raid is met, its names are asked for and the region is encoded with them.
        if !config.dry_run && reference.complete(raids, api, &met).await {
            (encoded, _) = encode_region(players, &reference, region, config).await?;
        }
        if encoded.summary.characters == 0 && !is_to_be_emptied(repo, &encoded).await? {
            tracing::warn!(%region, "no ranked player: what was published before stays");
            summary.empty_regions.push(region.clone());
            continue;
        }
        if !config.dry_run {
            config.addon.apply(&mut encoded.files, toc.as_deref(), None);
            stage(repo, encoded.files).await?;
        }
        summary.regions.push(encoded.summary);
    }
    if !config.dry_run {
        let newest = summary.regions.iter().filter_map(|region| region.generated_at).max();
        let mut files = addon_files();
        config.addon.apply(&mut files, toc.as_deref(), newest.map(|newest| newest.timestamp()));
        files.extend(changelog_file(repo, &summary.regions, newest).await?);
        stage(repo, files).await?;
        (summary.stopped, summary.commit) = match repo.publish(&commit_message(&summary.regions)).await? {
            Published::Unchanged => (StopReason::Unchanged, None),
            Published::Commit(commit) => (StopReason::Published, Some(commit)),
        };
    }
    Ok(summary)
}

/// Whether a published region lost its last ranked player: hidden and outdated ranks do not stay. A store that holds nobody
/// of the region, or hardly anybody who can be read, is more likely the wrong store.
async fn is_to_be_emptied<R: AddonRepo>(
    repo: &mut R,
    encoded: &EncodedRegion,
) -> std::result::Result<bool, PublishError> {
    let EncodedRegion { files, players, unreadable, .. } = encoded;
    let Some(toc) = files.iter().find(|file| file.path.ends_with(".toc")) else { return Ok(false) };
    Ok(players > unreadable && repo.read(&toc.path).await?.is_some())
}

/// A file of the repository as text; `None` where it has none, or one that is no text.
async fn read_text<R: AddonRepo>(repo: &mut R, path: &str) -> std::result::Result<Option<String>, PublishError> {
    Ok(repo.read(path).await?.and_then(|bytes| String::from_utf8(bytes).ok()))
}

async fn stage<R: AddonRepo>(repo: &mut R, files: Vec<addon_db::File>) -> std::result::Result<(), PublishError> {
    for (name, files) in by_top_level_name(files) {
        repo.stage(&name, files).await?;
    }
    Ok(())
}

/// The changelog with what is published now; `None` if no region has ranks.
async fn changelog_file<R: AddonRepo>(
    repo: &mut R,
    regions: &[RegionSummary],
    newest: Option<Timestamp>,
) -> std::result::Result<Option<addon_db::File>, PublishError> {
    let Some(newest) = newest else { return Ok(None) };
    let published = read_text(repo, CHANGELOG).await?;
    let characters = regions.iter().map(|region| (region.region.clone(), region.characters)).collect();
    let text = changelog::updated(published.as_deref(), &newest.format("%Y.%m.%d").to_string(), &characters);
    Ok(Some(addon_db::File { path: CHANGELOG.to_owned(), bytes: text.into_bytes() }))
}

/// Reference data, and the raids for which the API had none.
struct Reference {
    raids: BTreeMap<RaidId, Raid>,
    unknown: BTreeSet<RaidId>,
}

impl Reference {
    async fn load<S: Raids>(store: &S) -> Result<Self> {
        let raids = store.raids().await.context("reading raids")?;
        let raids = raids.into_iter().map(|raid| (raid.id, raid)).collect();
        Ok(Self { raids, unknown: BTreeSet::new() })
    }

    /// Asks the API for what is missing; whether anything was found. What cannot be had is shown by its number.
    async fn complete<S: Raids, A: Zones>(&mut self, store: &S, api: &A, met: &BTreeSet<RaidId>) -> bool {
        let mut found = false;
        for &raid in met {
            if self.raids.contains_key(&raid) || !self.unknown.insert(raid) {
                continue;
            }
            match api.zone(raid).await {
                Ok(Some(zone)) => {
                    if let Err(error) = store.save_raid(&zone.raid).await {
                        tracing::warn!(raid, error = format!("{error:#}"), "the raid's names could not be stored");
                    }
                    self.raids.insert(raid, zone.raid);
                    found = true;
                }
                Ok(None) => tracing::warn!(raid, "WCL has no such raid; shown by its number"),
                Err(error @ (ApiError::PointsExhausted { .. } | ApiError::Refused(_))) => {
                    tracing::warn!(raid, %error, "raids without names are shown by their number this time");
                    self.unknown.extend(met);
                    break;
                }
                Err(error) => {
                    tracing::warn!(raid, error = format!("{error:#}"), "the raid is shown by its number this time");
                }
            }
        }
        found
    }
}

struct EncodedRegion {
    files: Vec<addon_db::File>,
    summary: RegionSummary,
    /// Documents that could be read, with ranks or without.
    players: u64,
    /// Documents that could not.
    unreadable: u64,
}

/// Whether a clock that was wrong dated ranks: the same all day long.
fn is_dated_ahead(ranked_at: Timestamp, now: Timestamp) -> bool {
    is_ahead(ranked_at, now.duration_round_up(TimeDelta::days(1)).unwrap_or(now))
}

/// Streams a region through the encoder; also answers which raids its players have ranks in.
async fn encode_region<S: Players>(
    store: &S,
    reference: &Reference,
    region: &str,
    config: &GenerateConfig,
) -> std::result::Result<(EncodedRegion, BTreeSet<RaidId>), GenerateError> {
    let raids: Vec<_> = reference.raids.values().cloned().collect();
    let mut encoder = RegionEncoder::new(region, &raids)?;
    let mut met = BTreeSet::new();
    let (mut readable, mut unreadable, mut dated_ahead) = (0, 0, 0);
    let players = store.players(region);
    pin_mut!(players);
    while let Some(player) = players.next().await {
        match player.with_context(|| format!("reading the players of {region}"))? {
            Ok(player) => {
                readable += 1;
                met.extend(player.ranks.keys());
                let parts = || player.ranks.values().flat_map(BTreeMap::values).flat_map(BTreeMap::values);
                dated_ahead += u64::from(parts().any(|part| is_dated_ahead(part.ranked_at, config.now)));
                if let Some(character) = to_character(player, config) {
                    encoder.push(&character);
                }
            }
            Err(malformed) => {
                tracing::error!(document = %malformed.document, reason = %malformed.reason, "document skipped");
                unreadable += 1;
            }
        }
    }
    let mut files = Vec::new();
    let encoded = encoder.finish(|file| {
        files.push(file);
        Ok::<_, EncodeError>(())
    })?;
    let mut set_aside: BTreeMap<String, u64> =
        encoded.set_aside.into_iter().map(|(reason, count)| (reason.to_string(), count)).collect();
    if unreadable > 0 {
        set_aside.insert("the document cannot be read".to_owned(), unreadable);
    }
    if dated_ahead > 0 {
        set_aside.insert("ranks are dated in the future until they are read again".to_owned(), dated_ahead);
    }
    let summary = RegionSummary {
        region: region.to_owned(),
        characters: encoded.characters,
        realms: encoded.realms,
        bytes: files.iter().map(|file| file.bytes.len() as u64).sum(),
        generated_at: Timestamp::from_timestamp(encoded.generated_at, 0).filter(|_| encoded.characters > 0),
        set_aside,
    };
    Ok((EncodedRegion { files, summary, players: readable, unreadable }, met))
}

/// A player as the database keeps it; `None` for one without ranks that were confirmed lately.
fn to_character(player: Player, config: &GenerateConfig) -> Option<addon_db::Character> {
    let is_unconfirmed = |ranked_at| {
        // A date from a wrong clock would be the addon's version, which never goes back.
        config.confirmed_since.is_some_and(|since| ranked_at < since) || is_dated_ahead(ranked_at, config.now)
    };
    let mut ranks = Vec::new();
    let mut newest = None;
    let mut newest_kill = None;
    for (raid, difficulties) in player.ranks {
        for (difficulty, metrics) in difficulties {
            for (metric, of_metric) in metrics {
                let killed: Vec<_> = of_metric.encounters.into_iter().filter(|(_, rank)| rank.kills > 0).collect();
                if killed.is_empty() || is_unconfirmed(of_metric.ranked_at) {
                    continue;
                }
                newest_kill = newest_kill.max(of_metric.ends.values().flatten().map(|end| end.timestamp()).max());
                newest = newest.max(Some(of_metric.ranked_at.timestamp()));
                let encounters = killed.into_iter().map(|(id, rank)| addon_db::EncounterRank {
                    id,
                    rank: rounded_down(rank.rank_percent),
                    kills: rank.kills,
                });
                ranks.push(addon_db::Ranks {
                    raid,
                    difficulty,
                    metric: metric.into(),
                    spec: of_metric.spec.map(Into::into),
                    encounters: encounters.collect(),
                });
            }
        }
    }
    let identity = player.identity;
    newest.map(|ranked_at| addon_db::Character {
        name: identity.name,
        realm: identity.server,
        normalized_realm: identity.normalized_server,
        class_id: identity.class_id,
        ranked_at,
        ranks,
        id: Some(player.id),
        canonical_id: None,
        newest_kill,
    })
}

fn rounded_down(percent: f64) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100; NaN becomes 0")]
    let whole = percent.clamp(0.0, 100.0).floor() as u8;
    whole
}

/// Files grouped by the folder, or the file, at the repository's root.
fn by_top_level_name(files: Vec<addon_db::File>) -> BTreeMap<String, Vec<(String, Vec<u8>)>> {
    let mut groups: BTreeMap<String, Vec<(String, Vec<u8>)>> = BTreeMap::new();
    for file in files {
        let name = file.path.split('/').next().unwrap_or(&file.path).to_owned();
        groups.entry(name).or_default().push((file.path, file.bytes));
    }
    groups
}

fn commit_message(regions: &[RegionSummary]) -> String {
    let counts: Vec<_> = regions.iter().map(|region| format!("{} {}", region.region, region.characters)).collect();
    match regions.iter().filter_map(|region| region.generated_at).max() {
        Some(newest) => format!("Ranks up to {}: {} characters", newest.format("%Y-%m-%d"), counts.join(", ")),
        None => "Update the addon".to_owned(),
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::player::{EncounterRank, MetricRanks, RaidRanks};
    use crate::testing::{Asked, Memory, TestApi, TestWcl, identity, noon};

    #[test]
    fn ranks_are_rounded_down() {
        let given = [0.0, 0.99, 91.3, 99.999, 100.0, 130.0, -1.0, f64::NAN];
        assert_eq!(given.map(rounded_down), [0, 0, 91, 99, 100, 100, 0, 0]);
    }

    #[test]
    fn the_days_that_ranks_are_kept_count_from_midnight() {
        let midnight = noon() - TimeDelta::hours(12);
        assert_eq!(confirmed_since(noon(), 90), Some(midnight - TimeDelta::days(90)));
        assert_eq!(confirmed_since(noon() + TimeDelta::hours(11), 90), Some(midnight - TimeDelta::days(90)));
        assert_eq!(confirmed_since(noon(), 0), None);
    }

    /// What was published, by path.
    #[derive(Default)]
    struct TestRepo {
        files: BTreeMap<String, Vec<u8>>,
        staged: BTreeMap<String, Vec<u8>>,
    }

    impl AddonRepo for TestRepo {
        async fn read(&mut self, path: &str) -> std::result::Result<Option<Vec<u8>>, PublishError> {
            Ok(self.files.get(path).cloned())
        }

        async fn stage(&mut self, _: &str, files: Vec<(String, Vec<u8>)>) -> std::result::Result<(), PublishError> {
            self.staged.extend(files);
            Ok(())
        }

        async fn publish(&mut self, message: &str) -> std::result::Result<Published, PublishError> {
            let before = self.files.clone();
            self.files.append(&mut self.staged);
            Ok(if self.files == before { Published::Unchanged } else { Published::Commit(message.to_owned()) })
        }
    }

    /// Player `id` with a rank that was confirmed so many days ago.
    fn add(store: &Memory, id: u32, region: &str, days_ago: i64) {
        let metric = MetricRanks {
            ranked_at: noon() - TimeDelta::days(days_ago),
            spec: Some("Frost".to_owned()),
            encounters: BTreeMap::from([(1, EncounterRank { rank_percent: 91.3, kills: 3 })]),
            ..MetricRanks::default()
        };
        let ranks = RaidRanks::from([(44, BTreeMap::from([(4, BTreeMap::from([("dps".to_owned(), metric)]))]))]);
        let identity = crate::player::Identity { region: region.to_owned(), ..identity(id) };
        store.players.borrow_mut().insert(id, Player { id, identity, ranks });
    }

    /// A store with a ranked player, and an empty repository.
    fn with_one_of_eu() -> (Memory, TestRepo) {
        let store = Memory::default();
        add(&store, 1, "EU", 3);
        (store, TestRepo::default())
    }

    async fn run(store: &Memory, repo: &mut TestRepo, dry_run: bool) -> GenerateSummary {
        generate(store, store, &TestApi::default(), repo, &config(dry_run)).await.unwrap()
    }

    fn config(dry_run: bool) -> GenerateConfig {
        GenerateConfig {
            regions: vec!["EU".to_owned(), "KR".to_owned()],
            dry_run,
            addon: AddonMeta::default(),
            confirmed_since: confirmed_since(noon(), 90),
            now: noon(),
        }
    }

    /// Whether a word stands in a file of the folder.
    fn contains(repo: &TestRepo, folder: &str, word: &str) -> bool {
        let mut files = repo.files.iter().filter(|(path, _)| path.starts_with(folder));
        files.any(|(_, bytes)| String::from_utf8_lossy(bytes).contains(word))
    }

    #[tokio::test]
    async fn ranks_that_nobody_confirmed_are_left_out_and_the_same_data_is_no_commit() {
        let store = Memory::default();
        add(&store, 1, "EU", 3);
        add(&store, 2, "EU", 91);
        let mut repo = TestRepo::default();
        let first = run(&store, &mut repo, false).await;
        assert_eq!((first.regions[0].characters, first.stopped), (1, StopReason::Published));
        assert_eq!(first.empty_regions, ["KR"]);
        assert_eq!(run(&store, &mut repo, false).await.stopped, StopReason::Unchanged);
        add(&store, 2, "EU", 1);
        assert_eq!(run(&store, &mut repo, false).await.regions[0].characters, 2, "ranked again, it is back");
    }

    #[tokio::test]
    async fn a_region_that_lost_its_last_rank_is_published_empty_unless_the_store_holds_nobody() {
        let (store, mut repo) = with_one_of_eu();
        run(&store, &mut repo, false).await;
        let published = repo.files.clone();
        let hidden = store.players.borrow_mut().remove(&1).unwrap();
        let nobody = run(&store, &mut repo, false).await;
        assert_eq!((nobody.stopped, nobody.empty_regions.len()), (StopReason::Unchanged, 2));
        assert_eq!(repo.files, published);
        store.players.borrow_mut().insert(1, Player { ranks: RaidRanks::new(), ..hidden });
        store.broken_players.borrow_mut().push(1);
        assert_eq!(run(&store, &mut repo, false).await.stopped, StopReason::Unchanged, "it may have ranks");
        // One broken document among others does not keep the ranks of those that hide.
        add(&store, 2, "EU", 3);
        add(&store, 3, "EU", 3);
        store.players.borrow_mut().values_mut().for_each(|player| player.ranks = RaidRanks::new());
        let emptied = run(&store, &mut repo, false).await;
        assert_eq!((emptied.regions[0].characters, emptied.stopped), (0, StopReason::Published));
        assert_eq!(emptied.regions[0].generated_at, None, "no rank, no date");
        assert!(repo.files != published);
    }

    #[tokio::test]
    async fn a_dry_run_publishes_and_stores_nothing() {
        let (store, mut repo) = with_one_of_eu();
        let summary = run(&store, &mut repo, true).await;
        assert_eq!((summary.regions[0].characters, summary.stopped), (1, StopReason::DryRun));
        assert!(repo.files.is_empty() && repo.staged.is_empty() && store.raids.borrow().is_empty());
    }

    #[tokio::test]
    async fn a_regions_files_depend_on_its_own_players_only() {
        let store = Memory::default();
        add(&store, 1, "EU", 3);
        let mut alone = TestRepo::default();
        run(&store, &mut alone, false).await;
        add(&store, 7, "KR", 2);
        store
            .save_raid(&crate::player::Raid { id: 45, name: "Elsewhere".to_owned(), encounters: vec![] })
            .await
            .unwrap();
        let mut beside = TestRepo::default();
        run(&store, &mut beside, false).await;
        let of_eu = |repo: &TestRepo| {
            let files = repo.files.iter().filter(|(path, _)| path.starts_with("Parsebook_DB_EU/"));
            files.map(|(path, bytes)| (path.clone(), bytes.clone())).collect::<Vec<_>>()
        };
        assert!(!of_eu(&alone).is_empty());
        assert_eq!(of_eu(&beside), of_eu(&alone));
    }

    #[tokio::test]
    async fn a_raid_that_another_region_brings_in_the_first_run_makes_no_second_commit() {
        let store = Memory::default();
        add(&store, 1, "EU", 3);
        add(&store, 7, "KR", 3);
        let ranks = store.players.borrow_mut().get_mut(&7).unwrap().ranks.remove(&44).unwrap();
        store.players.borrow_mut().get_mut(&7).unwrap().ranks.insert(45, ranks);
        let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
        wcl.zone.as_mut().unwrap().raid.id = 45;
        let mut repo = TestRepo::default();
        for stopped in [StopReason::Published, StopReason::Unchanged] {
            assert_eq!(generate(&store, &store, &wcl, &mut repo, &config(false)).await.unwrap().stopped, stopped);
        }
        assert!(contains(&repo, "Parsebook_DB_KR/", "Vault") && !contains(&repo, "Parsebook_DB_EU/", "Vault"));
    }

    #[tokio::test]
    async fn a_publication_is_told_in_figures() {
        let store = Memory::default();
        [(1, 3), (2, 5), (3, 4)].into_iter().for_each(|(id, days)| add(&store, id, "EU", days));
        add(&store, 7, "KR", 40);
        store.broken_players.borrow_mut().extend([2, 3]);
        let mut repo = TestRepo::default();
        let summary = run(&store, &mut repo, false).await;
        let newest = noon() - TimeDelta::days(3);
        let [eu, kr] = summary.regions.as_slice() else { panic!("{summary:?}") };
        assert_eq!((eu.characters, eu.realms, eu.generated_at), (1, 1, Some(newest)));
        assert_eq!(eu.set_aside, BTreeMap::from([("the document cannot be read".to_owned(), 2)]));
        assert!(kr.set_aside.is_empty());
        let of_eu =
            repo.files.iter().filter(|(path, _)| path.starts_with("Parsebook_DB_EU/") && !path.ends_with(".toc"));
        let bytes: usize = of_eu.map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes > 0 && eu.bytes >= bytes as u64, "{} {bytes}", eu.bytes);
        assert_eq!(summary.commit.as_deref(), Some("Ranks up to 2024-10-01: EU 1, KR 1 characters"));
        let changelog = String::from_utf8(repo.files[CHANGELOG].clone()).unwrap();
        assert_eq!(changelog, "# Changelog\n\n## 2024.10.01\n\n- EU: 1 characters\n- KR: 1 characters\n");
    }

    #[tokio::test]
    async fn the_changelog_and_the_games_versions_of_the_repository_are_gone_on_with() {
        let store = Memory::default();
        add(&store, 1, "EU", 3);
        let mut repo = TestRepo::default();
        run(&store, &mut repo, false).await;
        let toc = String::from_utf8(repo.files[ADDON_TOC].clone()).unwrap();
        let newer: Vec<_> = toc
            .lines()
            .map(|line| if line.starts_with("## Interface:") { "## Interface: 990100" } else { line })
            .collect();
        repo.files.insert(ADDON_TOC.to_owned(), newer.join("\n").into_bytes());
        add(&store, 2, "EU", 1);
        run(&store, &mut repo, false).await;
        let changelog = String::from_utf8(repo.files[CHANGELOG].clone()).unwrap();
        let days: Vec<_> = changelog.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(days, ["## 2024.10.03", "## 2024.10.01"]);
        assert!(contains(&repo, ADDON_TOC, "## Interface: 990100"));
        assert!(contains(&repo, "Parsebook_DB_EU/", "## Interface: 990100"), "of the database, too");
    }

    #[tokio::test]
    async fn without_a_ranked_player_there_is_the_addon_alone() {
        let mut repo = TestRepo::default();
        let summary = run(&Memory::default(), &mut repo, false).await;
        assert_eq!((summary.regions.len(), summary.commit.as_deref()), (0, Some("Update the addon")));
        assert!(repo.files.contains_key(ADDON_TOC) && !repo.files.contains_key(CHANGELOG));
    }

    #[tokio::test]
    async fn what_was_confirmed_on_the_last_day_counts_and_a_part_without_a_boss_does_not() {
        let store = Memory::default();
        add(&store, 1, "EU", 0);
        add(&store, 2, "EU", 0);
        let since = confirmed_since(noon(), 90).unwrap();
        let change = |id: u32, change: &dyn Fn(&mut MetricRanks)| {
            let mut players = store.players.borrow_mut();
            change(
                players.get_mut(&id).unwrap().ranks.get_mut(&44).unwrap().get_mut(&4).unwrap().get_mut("dps").unwrap(),
            );
        };
        let characters = async || run(&store, &mut TestRepo::default(), true).await.regions[0].characters;
        change(1, &|part| part.ranked_at = since);
        assert_eq!(characters().await, 2);
        change(1, &|part| part.ranked_at = since - TimeDelta::milliseconds(1));
        assert_eq!(characters().await, 1);
        change(1, &|part| (part.ranked_at, part.encounters) = (noon(), BTreeMap::new()));
        assert_eq!(characters().await, 1);
        change(1, &|part| part.encounters = BTreeMap::from([(1, EncounterRank { rank_percent: 91.3, kills: 0 })]));
        assert_eq!(characters().await, 1, "only bosses with a kill count");
    }

    #[tokio::test]
    async fn ranks_of_a_clock_that_was_wrong_are_left_out_and_do_not_date_the_addon() {
        let store = Memory::default();
        add(&store, 1, "EU", 2);
        add(&store, 2, "EU", -400);
        let mut repo = TestRepo::default();
        let summary = run(&store, &mut repo, false).await;
        let eu = &summary.regions[0];
        assert_eq!((eu.characters, eu.generated_at), (1, Some(noon() - TimeDelta::days(2))));
        let reason = "ranks are dated in the future until they are read again".to_owned();
        assert_eq!(eu.set_aside, BTreeMap::from([(reason, 1)]));
        assert!(contains(&repo, ADDON_TOC, "## Version: 2024.10.02"));
        // The run is at noon.
        for (hours_ahead, characters) in [(12, 2), (36, 2), (37, 1)] {
            add(&store, 2, "EU", 0);
            store.players.borrow_mut().entry(2).and_modify(|player| {
                let parts = player.ranks.values_mut().flat_map(BTreeMap::values_mut).flat_map(BTreeMap::values_mut);
                parts.for_each(|part| part.ranked_at += TimeDelta::hours(hours_ahead));
            });
            assert_eq!(run(&store, &mut repo, true).await.regions[0].characters, characters, "{hours_ahead}");
        }
    }

    #[tokio::test]
    async fn of_two_with_one_name_the_one_with_the_newest_kill_is_published() {
        // In either order of arrival, and whoever was ranked last.
        for (newer, older) in [(1, 2), (2, 1)] {
            let store = Memory::default();
            for (id, days_ago) in [(newer, 9), (older, 1)] {
                add(&store, id, "EU", days_ago);
                let mut players = store.players.borrow_mut();
                let player = players.get_mut(&id).unwrap();
                player.identity = identity(1);
                let part =
                    player.ranks.get_mut(&44).and_then(|raid| raid.get_mut(&4)).and_then(|part| part.get_mut("dps"));
                let part = part.unwrap();
                let kill = noon() - TimeDelta::days(if id == newer { 10 } else { 40 });
                part.ends = BTreeMap::from([(1, vec![kill])]);
            }
            let summary = run(&store, &mut TestRepo::default(), false).await;
            let eu = &summary.regions[0];
            assert_eq!((eu.characters, eu.set_aside.values().sum::<u64>()), (1, 1));
            assert_eq!(eu.generated_at, Some(noon() - TimeDelta::days(9)), "{newer}");
        }
    }

    #[tokio::test]
    async fn the_names_of_a_raid_are_asked_for_when_it_is_first_met() {
        let store = Memory::default();
        add(&store, 1, "EU", 3);
        add(&store, 7, "KR", 3);
        let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
        wcl.zone.as_mut().unwrap().raid.id = 44;
        let mut dry = TestRepo::default();
        generate(&store, &store, &wcl, &mut dry, &config(true)).await.unwrap();
        assert!(wcl.asked.borrow().is_empty(), "a dry run asks nothing");
        let mut repo = TestRepo::default();
        for _ in 0..2 {
            generate(&store, &store, &wcl, &mut repo, &config(false)).await.unwrap();
            assert_eq!(*wcl.asked.borrow(), [Asked::Zone(44)]);
        }
        assert_eq!(store.raids.borrow()[&44].name, "Vault");
        assert!(contains(&repo, "Parsebook_DB_EU/", "Vault") && contains(&repo, "Parsebook_DB_KR/", "Vault"));
    }

    #[tokio::test]
    async fn a_raid_without_names_is_asked_for_once_in_a_run_and_holds_nothing_up() {
        let store = Memory::default();
        [(1, "EU"), (7, "KR")].into_iter().for_each(|(id, region)| add(&store, id, region, 3));
        let ranks = store.players.borrow()[&1].ranks[&44].clone();
        store.players.borrow_mut().get_mut(&1).unwrap().ranks.insert(45, ranks);
        let resets_at = noon();
        for (error, questions) in [(None, 2), (Some(false), 2), (Some(true), 1)] {
            let wcl = TestWcl::new(async |_: &Asked| match error {
                None => Ok(()),
                Some(false) => Err(anyhow::anyhow!("HTTP 500").into()),
                Some(true) => Err(ApiError::PointsExhausted { resets_at }),
            });
            let summary = generate(&store, &store, &wcl, &mut TestRepo::default(), &config(false)).await.unwrap();
            assert_eq!((wcl.asked.borrow().len(), summary.regions.len()), (questions, 2), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_name_that_is_no_regions_is_an_error() {
        let config = GenerateConfig { regions: vec!["../EU".to_owned()], ..config(false) };
        let error =
            generate(&Memory::default(), &Memory::default(), &TestApi::default(), &mut TestRepo::default(), &config)
                .await
                .unwrap_err();
        assert!(matches!(&error, GenerateError::Failed(cause) if cause.to_string().contains("../EU")), "{error}");
    }
}

//! db-generator: the players of each region as a Lua database in the addon repository.
//!
//! One region is streamed at a time, in name order, into the encoder of `parsebook-addon-db`; its finished files go to
//! the repository before the next region is read.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use futures::{StreamExt, pin_mut};
use parsebook_addon_db::{self as addon_db, EncodeError, RegionEncoder, addon_files};
use serde::Serialize;

use crate::player::Player;
use crate::ports::{AddonRepo, ApiError, Error, Players, PublishError, Published, Raids, Result, Zones};
use crate::{RaidId, Timestamp};

/// What to generate.
#[derive(Debug, Clone)]
pub struct GenerateConfig {
    /// `REGIONS`, or the event's: WCL's compact names.
    pub regions: Vec<String>,
    /// Encode everything, publish nothing.
    pub dry_run: bool,
}

/// What db-generator did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerateSummary {
    /// Each region that has players.
    pub regions: Vec<RegionSummary>,
    /// Regions without a ranked player: what was published of them before stays.
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
pub async fn generate<S, A, R>(
    store: &S,
    api: &A,
    repo: &mut R,
    config: &GenerateConfig,
) -> std::result::Result<GenerateSummary, GenerateError>
where
    S: Players + Raids,
    A: Zones,
    R: AddonRepo,
{
    let mut summary =
        GenerateSummary { regions: vec![], empty_regions: vec![], commit: None, stopped: StopReason::DryRun };
    let mut reference = Reference::load(store).await?;
    for region in config.regions.iter().collect::<BTreeSet<_>>() {
        let (mut encoded, met) = encode_region(store, &reference, region).await?;
        // The first time a raid is met, its names are asked for and the region is encoded with them.
        if reference.complete(store, api, &met).await {
            (encoded, _) = encode_region(store, &reference, region).await?;
        }
        if encoded.summary.characters == 0 {
            tracing::warn!(%region, "no ranked player: what was published before stays");
            summary.empty_regions.push(region.clone());
            continue;
        }
        if !config.dry_run {
            for (name, files) in by_top_level_name(encoded.files) {
                repo.stage(&name, files).await?;
            }
        }
        summary.regions.push(encoded.summary);
    }
    if !config.dry_run {
        for (name, files) in by_top_level_name(addon_files()) {
            repo.stage(&name, files).await?;
        }
        (summary.stopped, summary.commit) = match repo.publish(&commit_message(&summary.regions)).await? {
            Published::Unchanged => (StopReason::Unchanged, None),
            Published::Commit(commit) => (StopReason::Published, Some(commit)),
        };
    }
    Ok(summary)
}

/// Reference data, and the raids for which the API had none.
struct Reference {
    raids: BTreeMap<RaidId, addon_db::Raid>,
    unknown: BTreeSet<RaidId>,
}

impl Reference {
    async fn load<S: Raids>(store: &S) -> Result<Self> {
        let raids = store.raids().await.context("reading raids")?;
        let raids = raids.into_iter().map(|raid| (raid.id, to_reference(raid))).collect();
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
                    self.raids.insert(raid, to_reference(zone.raid));
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

fn to_reference(raid: crate::player::Raid) -> addon_db::Raid {
    let encounters = raid.encounters.into_iter().map(|boss| addon_db::Encounter { id: boss.id, name: boss.name });
    addon_db::Raid { id: raid.id, name: raid.name, encounters: encounters.collect() }
}

struct EncodedRegion {
    files: Vec<addon_db::File>,
    summary: RegionSummary,
}

/// Streams a region through the encoder; also answers which raids its players have ranks in.
async fn encode_region<S: Players>(
    store: &S,
    reference: &Reference,
    region: &str,
) -> std::result::Result<(EncodedRegion, BTreeSet<RaidId>), GenerateError> {
    let raids: Vec<_> = reference.raids.values().cloned().collect();
    let mut encoder = RegionEncoder::new(region, &raids)?;
    let mut met = BTreeSet::new();
    let mut unreadable = 0;
    let players = store.players(region);
    pin_mut!(players);
    while let Some(player) = players.next().await {
        match player.with_context(|| format!("reading the players of {region}"))? {
            Ok(player) => {
                met.extend(player.ranks.keys());
                if let Some(character) = to_character(player) {
                    encoder.push(&character);
                }
            }
            Err(malformed) => {
                tracing::error!(document = %malformed.document, reason = %malformed.reason, "document set aside");
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
    let summary = RegionSummary {
        region: region.to_owned(),
        characters: encoded.characters,
        realms: encoded.realms,
        bytes: files.iter().map(|file| file.bytes.len() as u64).sum(),
        generated_at: Timestamp::from_timestamp(encoded.generated_at, 0).filter(|_| encoded.characters > 0),
        set_aside,
    };
    Ok((EncodedRegion { files, summary }, met))
}

/// A player as the database keeps it; `None` for one without ranks.
fn to_character(player: Player) -> Option<addon_db::Character> {
    let mut ranks = Vec::new();
    let mut newest = None;
    for (raid, difficulties) in player.ranks {
        for (difficulty, metrics) in difficulties {
            for (metric, of_metric) in metrics {
                if of_metric.encounters.is_empty() {
                    continue;
                }
                newest = newest.max(Some(of_metric.ranked_at.timestamp()));
                let encounters = of_metric.encounters.into_iter().map(|(id, rank)| addon_db::EncounterRank {
                    id,
                    rank: rounded_down(rank.rank_percent),
                    kills: rank.kills,
                });
                ranks.push(addon_db::Ranks {
                    raid,
                    difficulty,
                    metric: metric.into(),
                    spec: None,
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
        ..addon_db::Character::default()
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

    #[test]
    fn ranks_are_rounded_down() {
        let given = [0.0, 0.99, 91.3, 99.999, 100.0, 130.0, -1.0, f64::NAN];
        assert_eq!(given.map(rounded_down), [0, 0, 91, 99, 100, 100, 0, 0]);
    }
}

//! Reads the API's answers. Everything inside a `JSON` scalar may change without notice, so each value is checked.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, anyhow};
use parsebook_core::player::{
    DifficultyRanks, Encounter, EncounterRank, Identity, MetricRanks, PlayerUpdate, Raid, RankedPart, normalized_realm,
};
use parsebook_core::ports::{RankOutcome, Report, Zone};
use parsebook_core::scrap::{Discovered, MAX_ID};
use parsebook_core::{RaidId, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::questions::pair_alias;
use super::transport::{Body, NO_CLASS, message_of};
use crate::text::excerpt;

/// What the answer says of one of the players it was asked for; `None` where only asking for that player alone tells.
pub fn player(asked: &Discovered, body: &Body, is_alone: bool, ranked_at: Timestamp) -> Option<RankOutcome> {
    let alias = format!("p{}", asked.id);
    let character = body.data.get("characterData").and_then(|data| data.get(&alias));
    if character.and_then(|character| character.get("hidden")).and_then(Value::as_bool) == Some(true) {
        return Some(RankOutcome::Update(PlayerUpdate::Hidden { id: asked.id }));
    }
    if let Some(error) = body.errors.iter().find(|error| concerns(error, &alias)).map(message_of) {
        return Some(if error.contains(NO_CLASS) { no_class() } else { RankOutcome::Failed(error) });
    }
    match character {
        None => Some(RankOutcome::Failed("left out of the answer".to_owned())),
        // An error that names nobody may be the reason.
        Some(Value::Null) if body.errors.iter().any(|error| path(error).is_empty()) => {
            Some(RankOutcome::Failed(body.first_error().unwrap_or_default()))
        }
        Some(Value::Null) => Some(RankOutcome::Never("no such character")),
        Some(character) => ranks(asked, character, body.says_no_class, is_alone, ranked_at)
            .unwrap_or_else(|error| Some(RankOutcome::Failed(format!("{error:#}")))),
    }
}

fn no_class() -> RankOutcome {
    RankOutcome::Never("no class set")
}

/// Where in the answer an entry of `errors` belongs.
fn path(error: &Value) -> &[Value] {
    error.get("path").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn concerns(error: &Value, alias: &str) -> bool {
    path(error).iter().any(|step| step.as_str() == Some(alias))
}

fn ranks(
    asked: &Discovered,
    character: &Value,
    says_no_class: bool,
    is_alone: bool,
    ranked_at: Timestamp,
) -> anyhow::Result<Option<RankOutcome>> {
    let class_id = character.get("classID").and_then(Value::as_u64).context("no classID in the answer")?;
    if class_id == 0 {
        return Ok(Some(no_class()));
    }
    let mut parts = Vec::with_capacity(asked.raids_to_scrap.pair_count());
    for (raid, difficulty) in asked.raids_to_scrap.pairs() {
        let what = || format!("raid {raid}, difficulty {difficulty}");
        let answer = match character.get(pair_alias(raid, difficulty)) {
            // The scalar may come as text that holds JSON.
            Some(Value::String(text)) => serde_json::from_str(text).with_context(|| format!("{}: not JSON", what()))?,
            // The sentence does not say whom it means.
            Some(Value::Null) | None if says_no_class => return Ok(is_alone.then(no_class)),
            Some(Value::Null) | None => return Err(anyhow!("{}: no answer", what())),
            Some(answer) => answer.clone(),
        };
        if let Some(error) = answer.get("error").and_then(Value::as_str) {
            if error.contains("permission") {
                return Ok(Some(RankOutcome::Update(PlayerUpdate::Hidden { id: asked.id })));
            }
            if error.contains(NO_CLASS) {
                return Ok(Some(no_class()));
            }
            return Err(anyhow!("{}: {}", what(), excerpt(error)));
        }
        parts.push(RankedPart { raid, difficulty, ranks: part(&answer, ranked_at).with_context(what)? });
    }
    let identity = identity(character, class_id)?;
    Ok(Some(RankOutcome::Update(PlayerUpdate::Ranked { id: asked.id, identity, parts })))
}

fn identity(character: &Value, class_id: u64) -> anyhow::Result<Identity> {
    let text = |pointer: &str| {
        let found = character.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
        found.map(str::to_owned).with_context(|| format!("no {} in the answer", pointer.trim_start_matches('/')))
    };
    let server = text("/server/name")?;
    Ok(Identity {
        name: text("/name")?,
        region: text("/server/region/compactName")?.to_uppercase(),
        normalized_server: text("/server/normalizedName").unwrap_or_else(|_| normalized_realm(&server)),
        server,
        class_id: u8::try_from(class_id).with_context(|| format!("class {class_id}"))?,
    })
}

/// One `zoneRankings` answer. Numbers come as integers or floats, and as null for a boss that was not killed.
fn part(answer: &Value, ranked_at: Timestamp) -> anyhow::Result<DifficultyRanks> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ZoneRankings {
        metric: String,
        partition: Option<f64>,
        rankings: Vec<Row>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Row {
        encounter: RowEncounter,
        rank_percent: Option<f64>,
        total_kills: Option<f64>,
    }
    #[derive(Deserialize)]
    struct RowEncounter {
        id: f64,
    }
    let answer = ZoneRankings::deserialize(answer).context("not a zoneRankings answer")?;
    let mut encounters = BTreeMap::new();
    for row in answer.rankings {
        let (Some(rank_percent), Some(kills)) = (row.rank_percent, row.total_kills) else { continue };
        if kills < 1.0 {
            continue;
        }
        anyhow::ensure!((0.0..=100.0).contains(&rank_percent), "encounter {}: rank {rank_percent} %", row.encounter.id);
        let encounter = whole(row.encounter.id).context("encounter id")?;
        encounters.insert(encounter, EncounterRank { rank_percent, kills: whole(kills).context("kills")? });
    }
    if encounters.is_empty() {
        return Ok(DifficultyRanks::new());
    }
    let partition = answer.partition.map_or(Ok(0), |partition| signed(partition).context("partition"))?;
    Ok(BTreeMap::from([(answer.metric, MetricRanks { partition, ranked_at, encounters })]))
}

fn whole(number: f64) -> anyhow::Result<u32> {
    u32::try_from(signed(number)?).with_context(|| format!("{number} is negative"))
}

fn signed(number: f64) -> anyhow::Result<i32> {
    let fits = number.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number);
    anyhow::ensure!(fits, "{number} is not a whole number of 32 bits");
    #[expect(clippy::cast_possible_truncation, reason = "checked above")]
    Ok(number as i32)
}

/// The answer to a question for a zone.
pub fn zone(raid: RaidId, data: &Value) -> anyhow::Result<Option<Zone>> {
    #[derive(Deserialize)]
    struct ZoneAnswer {
        name: String,
        encounters: Option<Vec<Option<EncounterAnswer>>>,
        partitions: Option<Vec<Option<PartitionAnswer>>>,
    }
    #[derive(Deserialize)]
    struct EncounterAnswer {
        id: u32,
        name: String,
    }
    #[derive(Deserialize)]
    struct PartitionAnswer {
        id: u32,
        default: bool,
    }
    let Some(answer) = data.pointer("/worldData/zone").filter(|zone| !zone.is_null()) else { return Ok(None) };
    let answer = ZoneAnswer::deserialize(answer).with_context(|| format!("zone {raid}"))?;
    let partitions: Vec<_> = answer.partitions.unwrap_or_default().into_iter().flatten().collect();
    let partition = partitions
        .iter()
        .find(|partition| partition.default)
        .or_else(|| partitions.last())
        .with_context(|| format!("zone {raid} has no partition"))?
        .id;
    let encounters = answer.encounters.unwrap_or_default().into_iter().flatten();
    let encounters = encounters.map(|boss| Encounter { id: boss.id, name: boss.name }).collect();
    Ok(Some(Zone { raid: Raid { id: raid, name: answer.name, encounters }, partition }))
}

/// One page of reports, without those that ended before `since`; and whether it is the last. A report that cannot be
/// read is set aside alone.
pub fn reports(body: &Body, since: Option<Timestamp>) -> anyhow::Result<(Vec<Report>, bool)> {
    #[derive(Deserialize)]
    struct Page {
        has_more_pages: bool,
        data: Option<Vec<Value>>,
    }
    let page = body.data.pointer("/reportData/reports").filter(|page| !page.is_null());
    let page = page.with_context(|| body.first_error().unwrap_or_else(|| "no list of reports in the answer".into()))?;
    let page = Page::deserialize(page).context("list of reports")?;
    let since_millis = since.map_or(f64::MIN, |since| since.timestamp_millis() as f64);
    let mut reports = Vec::new();
    for report in page.data.iter().flatten().filter(|report| !report.is_null()) {
        match ReportAnswer::deserialize(report) {
            Ok(report) if report.end_time >= since_millis => reports.push(report.into()),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "a report is set aside"),
        }
    }
    Ok((reports, !page.has_more_pages))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReportAnswer {
    end_time: f64,
    ranked_characters: Option<Vec<Option<CharacterAnswer>>>,
    fights: Option<Vec<Option<FightAnswer>>>,
}

#[derive(Deserialize)]
struct CharacterAnswer {
    id: u32,
    #[serde(default)]
    hidden: Option<bool>,
}

#[derive(Deserialize)]
struct FightAnswer {
    #[serde(rename = "encounterID")]
    encounter_id: u32,
    difficulty: Option<u8>,
}

impl From<ReportAnswer> for Report {
    fn from(report: ReportAnswer) -> Self {
        let characters = report.ranked_characters.unwrap_or_default().into_iter().flatten();
        let fights = report.fights.unwrap_or_default().into_iter().flatten();
        Self {
            players: characters
                .filter(|character| character.hidden != Some(true) && (1..=MAX_ID).contains(&character.id))
                .map(|character| character.id)
                .collect(),
            kills: fights.filter_map(|fight| Some((fight.encounter_id, fight.difficulty?))).collect::<BTreeSet<_>>(),
        }
    }
}

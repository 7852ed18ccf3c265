//! Reads what an answer says of one character.

use std::collections::BTreeMap;

use anyhow::Context;
use parsebook_core::player::{DifficultyRanks, Identity, PlayerUpdate, RankedPart, normalized_realm};
use parsebook_core::ports::RankOutcome;
use parsebook_core::{Difficulty, PlayerId, RaidId};
use serde_json::Value;

use super::super::json;
use super::super::reply::{Body, NO_CLASS};
use super::part::{Asked, Dates, NoPart, metric_ranks};
use super::question::{Ask, alias};
use crate::text::excerpt;

/// What an answer says of one character.
#[derive(Debug)]
pub enum Said {
    /// All there is to know.
    Outcome(RankOutcome),
    /// Ranks, perhaps not yet in every metric.
    Character(Box<Character>),
    /// Only a question for this character alone tells.
    AskAlone,
}

impl Said {
    /// Why nothing of the ranks in an answer is understood, if that is so.
    pub fn why_odd(&self) -> Option<&str> {
        match self {
            Self::Character(character) if character.is_odd => {
                character.parts.values().find_map(|part| part.as_ref().err().map(String::as_str))
            }
            _ => None,
        }
    }
}

/// A character and the ranks read so far.
#[derive(Debug)]
pub struct Character {
    pub identity: Identity,
    parts: BTreeMap<(RaidId, Difficulty), Result<DifficultyRanks, String>>,
    skipped_rows: Vec<String>,
    /// Whether nothing of what was asked for could be understood.
    is_odd: bool,
}

impl Character {
    /// Adds what another question told of the same character.
    pub fn merge(&mut self, other: Self) {
        for (pair, other) in other.parts {
            match (self.parts.get_mut(&pair), other) {
                (Some(Ok(ranks)), Ok(other)) => ranks.extend(other),
                (Some(Err(_)), _) => {}
                (_, other) => {
                    self.parts.insert(pair, other);
                }
            }
        }
        self.skipped_rows.extend(other.skipped_rows);
    }

    /// What to store, and a line for all that is left out.
    pub fn finish(self, id: PlayerId) -> (RankOutcome, Vec<String>) {
        let mut parts = Vec::new();
        let mut skipped = Vec::new();
        for ((raid, difficulty), part) in self.parts {
            match part {
                Ok(ranks) => parts.push(RankedPart { raid, difficulty, ranks: without_empty(ranks) }),
                Err(reason) => skipped.push(line(id, raid, difficulty, &reason)),
            }
        }
        skipped.extend(self.skipped_rows);
        (RankOutcome::Update(PlayerUpdate::Ranked { id, identity: self.identity, parts }), skipped)
    }
}

/// The metrics with a boss; of none, one that tells when there was nothing.
fn without_empty(mut ranks: DifficultyRanks) -> DifficultyRanks {
    let nothing = ranks.first_key_value().map(|(metric, ranks)| (metric.clone(), ranks.clone()));
    ranks.retain(|_, metric| !metric.encounters.is_empty());
    if ranks.is_empty() {
        ranks.extend(nothing)
    }
    ranks
}

fn line(id: PlayerId, raid: RaidId, difficulty: Difficulty, reason: &str) -> String {
    format!("player {id}, raid {raid}, difficulty {difficulty}: {reason}")
}

/// Reads the answer to `ask`, one of several in one request unless it `is_alone`.
pub fn read(ask: &Ask<'_>, body: &Body, is_alone: bool, dates: Dates) -> Said {
    let player = format!("p{}", ask.id);
    let character = body.part("characterData", &player);
    if character.and_then(|character| character.get("hidden")).and_then(Value::as_bool) == Some(true) {
        return hidden(ask.id);
    }
    if let Some(error) = body.error_at(&[&player]) {
        return if error.contains(NO_CLASS) { no_class() } else { failed(excerpt(&error)) };
    }
    match character {
        None => failed("left out of the answer".to_owned()),
        Some(Value::Null) => match body.error_of_nobody() {
            // It may be the reason.
            Some(error) if is_alone => failed(excerpt(&error)),
            Some(_) => Said::AskAlone,
            None => Said::Outcome(RankOutcome::Update(PlayerUpdate::Gone { id: ask.id })),
        },
        Some(character) => match identity(character) {
            Ok(_) if let Some(id) = newer_id(character, ask.id) => Said::Outcome(RankOutcome::Moved(id)),
            Ok(identity) if identity.class_id == 0 => no_class(),
            Ok(identity) => ranks(ask, &player, character, identity, body, is_alone, dates),
            Err(error) => failed(format!("{error:#}")),
        },
    }
}

fn ranks(
    ask: &Ask<'_>,
    player: &str,
    character: &Value,
    identity: Identity,
    body: &Body,
    is_alone: bool,
    dates: Dates,
) -> Said {
    let mut parts: BTreeMap<_, Result<DifficultyRanks, String>> = BTreeMap::new();
    let mut skipped_rows = Vec::new();
    let mut is_odd = !ask.raids.is_empty();
    for (raid, difficulty) in ask.raids.pairs() {
        for &metric in ask.metrics {
            let part = parts.entry((raid, difficulty)).or_insert_with(|| Ok(DifficultyRanks::new()));
            let alias = alias(raid, difficulty, metric);
            let answer = character.get(&alias).unwrap_or(&Value::Null);
            // The sentence does not say whom it means.
            if answer.is_null() && body.says_no_class {
                return if is_alone { no_class() } else { Said::AskAlone };
            }
            let read = match body.error_in(&[player, &alias]) {
                Some(error) if error.contains(NO_CLASS) => Err(NoPart::NoClass),
                Some(error) => Err(NoPart::Refused(excerpt(&error))),
                None => metric_ranks(answer, Asked { metric, class_id: identity.class_id, dates }),
            };
            is_odd &= matches!(read, Err(NoPart::Odd(_)));
            match read {
                Ok((ranks, skipped)) => {
                    skipped_rows.extend(skipped.iter().map(|reason| line(ask.id, raid, difficulty, reason)));
                    if let Ok(part) = part {
                        part.insert(metric.to_string(), ranks);
                    }
                }
                Err(NoPart::Hidden) => return hidden(ask.id),
                Err(NoPart::NoClass) => return no_class(),
                // Half of a part would take the other half from the store.
                Err(NoPart::Refused(reason) | NoPart::Nothing(reason) | NoPart::Odd(reason)) => *part = Err(reason),
            }
        }
    }
    Said::Character(Box::new(Character { identity, parts, skipped_rows, is_odd }))
}

fn hidden(id: PlayerId) -> Said {
    Said::Outcome(RankOutcome::Update(PlayerUpdate::Hidden { id }))
}

fn no_class() -> Said {
    Said::Outcome(RankOutcome::Never("no class set"))
}

fn failed(reason: String) -> Said {
    Said::Outcome(RankOutcome::Failed(reason))
}

/// The number that WCL keeps the character under now, if that is another one: after a transfer, or when two records of one
/// character were joined.
fn newer_id(character: &Value, asked: PlayerId) -> Option<PlayerId> {
    character.get("canonicalID").and_then(json::id).filter(|&id| id != asked)
}

/// Who it is; class 0 where none is set.
fn identity(character: &Value) -> anyhow::Result<Identity> {
    let text = |pointer: &str| {
        let told = pointer.trim_start_matches('/');
        json::text(character, pointer).map(str::to_owned).with_context(|| format!("no {told} in the answer"))
    };
    let class_id = character.get("classID").and_then(json::whole::<u8>);
    let server = text("/server/name")?;
    Ok(Identity {
        name: text("/name")?,
        region: text("/server/region/compactName")?.to_uppercase(),
        normalized_server: text("/server/normalizedName").unwrap_or_else(|_| normalized_realm(&server)),
        server,
        class_id: class_id.with_context(|| format!("classID {}", json::told_field(character, "/classID")))?,
    })
}

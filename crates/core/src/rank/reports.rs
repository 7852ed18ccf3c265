//! Ranking everybody in a report by one question, and folding the rows into `players`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use chrono::TimeDelta;

use super::batch::{Batch, Outcome, Subject};
use super::{RankConfig, RankStore, boards_of_rules};
use crate::left_out::{LeftOut, parts};
use crate::player::{Identity, PlayerUpdate};
use crate::ports::{ApiError, Clock, Error, Known};
use crate::report::{Percent, ReportOutcome, ReportQuestion, ReportRanks, ReportReading};
use crate::report_ranks::RankedKill;
use crate::report_state::StoredReport;
use crate::scrap::{Discovered, RaidsToScrap};
use crate::{Difficulty, PlayerId, RaidId, Timestamp};

/// The batch's reports that are not read yet at their revision. The others' messages are finished without a question; so
/// is a second message for a report that was read in part, before it is due again.
pub async fn unread<S: RankStore>(store: &S, now: Timestamp, batch: &mut Batch) -> Result<Vec<String>, Error> {
    let codes = batch.reports();
    if codes.is_empty() {
        return Ok(codes);
    }
    let stored = store.reports(&codes).await.context("reading reports")?;
    let is_unread = |report: &StoredReport| {
        let is_in_part = report.left_out != LeftOut::NOTHING && report.due_at > now;
        report.state.is_open() && !is_in_part
    };
    let (unread, read) = codes.into_iter().partition(|code| stored.get(code).is_none_or(is_unread));
    batch.outcomes.extend(Vec::into_iter(read).map(|code| (Subject::Report(code), Outcome::Done)));
    Ok(unread)
}

/// Asks for the reports and stores what they tell; answers why it ended early, if it did.
pub async fn rank<S: RankStore, A: ReportRanks, C: Clock>(
    store: &S,
    api: &A,
    clock: &C,
    config: &RankConfig,
    key: &str,
    codes: &[String],
    batch: &mut Batch,
) -> Result<Option<ApiError>, Error> {
    let now = clock.now();
    let boards = boards_of_rules(store).await?;
    let wanted: BTreeSet<Difficulty> = boards.iter().map(|(_, difficulty)| *difficulty).collect();
    let stored = store.reports(codes).await.context("reading reports")?;
    let mut questions = Vec::with_capacity(codes.len());
    for code in codes {
        let (read, before) = stored.get(code).map(StoredReport::read_before).unwrap_or_default();
        let parts = parts(&wanted, &read, before, left_out(stored.get(code), now));
        if !parts.is_empty() {
            questions.push(ReportQuestion { code: code.clone(), parts });
            continue;
        }
        // Where no rule wants anything it stays as it is, for a rule that is still to come.
        if let Some(report) = stored.get(code).filter(|_| !wanted.is_empty()) {
            let deferred = report.deferred(now);
            store.settle_report(code, report.revision, &deferred).await.context("writing to reports")?;
        }
        batch.outcomes.insert(Subject::Report(code.clone()), Outcome::Done);
    }
    if questions.is_empty() {
        return Ok(None);
    }
    let rules = Wanted { boards, difficulties: wanted };
    let ranked = api.rank_reports(key, &questions).await;
    batch.summary.points_spent += ranked.points_spent;
    for (code, outcome) in ranked.outcomes {
        let stored = stored.get(&code);
        let outcome = match outcome {
            ReportOutcome::Read(reading) => {
                let stamp = config.stamp;
                match take(store, (now, clock.now()), stamp, &rules, stored, reading, batch).await? {
                    None => Outcome::Done,
                    Some(reason) => Outcome::Failed(reason),
                }
            }
            ReportOutcome::Gone(how) => {
                if let Some(report) = stored {
                    store.settle_report(&code, report.revision, &report.gone()).await.context("writing to reports")?;
                }
                Outcome::Never(how)
            }
            ReportOutcome::Failed(reason) => {
                if let Some(report) = stored {
                    let failed = report.failed();
                    store.settle_report(&code, report.revision, &failed).await.context("writing to reports")?;
                }
                Outcome::Failed(reason)
            }
        };
        batch.outcomes.insert(Subject::Report(code), outcome);
    }
    Ok(ranked.stopped)
}

/// What the rules ask of reports now.
struct Wanted {
    boards: BTreeSet<(RaidId, Difficulty)>,
    difficulties: BTreeSet<Difficulty>,
}

/// What is left out of a report whose message is taken from the queue at `now`.
fn left_out(stored: Option<&StoredReport>, now: Timestamp) -> LeftOut {
    stored.and_then(|report| report.sent_at).map_or(LeftOut::NOTHING, |sent_at| LeftOut::when_waited(now - sent_at))
}

/// Stores what one report tells, then what became of the report: a crash in between folds the same rows once more, which
/// changes nothing. Answers why a player could not be stored.
async fn take<S: RankStore>(
    store: &S,
    (asked_at, now): (Timestamp, Timestamp),
    stamp: Option<Timestamp>,
    wanted: &Wanted,
    stored: Option<&StoredReport>,
    reading: ReportReading,
    batch: &mut Batch,
) -> Result<Option<String>, Error> {
    let code = reading.code.clone();
    batch.summary.skipped.extend(reading.skipped.iter().map(|line| format!("report {code}: {line}")));
    let Told { mut updates, first_readings } = told(&reading, &wanted.boards, now, stamp.unwrap_or(now));
    let ids: Vec<PlayerId> = updates.iter().map(PlayerUpdate::id).collect();
    let known = store.known(&ids).await.context("reading players")?;
    updates.retain(|update| match known.get(&update.id()) {
        Some(Err(malformed)) => {
            batch.summary.skipped.push(format!("report {code}: {malformed}"));
            false
        }
        // Who is not stored has nothing that could be removed.
        None => matches!(update, PlayerUpdate::Folded { .. }),
        Some(Ok(_)) => true,
    });
    let saved = store.save(&updates).await.context("writing to players")?;
    let failure = saved.into_iter().zip(&updates).find_map(|(saved, update)| {
        saved.err().map(|reason| format!("player {} is not stored: {reason}", update.id()))
    });
    let found_at = stored.and_then(|report| report.found_at);
    let mut asked_again_at = None;
    let mut unread = Vec::new();
    for (id, pairs) in first_readings {
        let known = known.get(&id).and_then(|known| known.as_ref().ok());
        let (to_read, fresh_until) = without_reading(pairs, known, found_at, now);
        asked_again_at = asked_again_at.max(fresh_until);
        unread.extend((!to_read.is_empty()).then_some(Discovered { id, raids_to_scrap: to_read }));
    }
    store.merge(&unread).await.context("writing to discovers")?;
    if failure.is_some() {
        return Ok(failure);
    }
    let folded = updates.iter().filter(|update| matches!(update, PlayerUpdate::Folded { .. })).count();
    batch.summary.reports += 1;
    batch.summary.players_of_reports += u32::try_from(folded).unwrap_or(u32::MAX);
    if let Some(report) = stored {
        let settled = report.settled(&reading, &wanted.difficulties, left_out(stored, asked_at), now);
        let settled = asked_again_at.map_or(settled.clone(), |at| report.repeated(settled, at));
        let revision = reading.revision.min(report.revision);
        store.settle_report(&code, revision, &settled).await.context("writing to reports")?;
    }
    Ok(None)
}

/// What a report tells of players.
struct Told {
    updates: Vec<PlayerUpdate>,
    /// By player: raid and difficulty, and what was met there.
    first_readings: BTreeMap<PlayerId, BTreeMap<(RaidId, Difficulty), Met>>,
}

/// What a report tells of a player in one raid and difficulty.
#[derive(Debug, Clone, Copy)]
struct Met {
    /// The newest partition.
    partition: i32,
    /// When the first kill ended.
    first_end: Timestamp,
}

/// The rows that count: of a raid and difficulty that a rule names, of a ranked character that does not hide, not struck
/// out by WCL, and of a kill that the report has.
fn told(
    reading: &ReportReading,
    boards: &BTreeSet<(RaidId, Difficulty)>,
    now: Timestamp,
    ranked_at: Timestamp,
) -> Told {
    let mut removed = BTreeMap::new();
    let mut shown: BTreeMap<PlayerId, PlayerId> = BTreeMap::new();
    for character in &reading.characters {
        let id = character.canonical_id.unwrap_or(character.id);
        if id != character.id {
            removed.insert(character.id, PlayerUpdate::Gone { id: character.id });
        }
        if character.hidden {
            removed.insert(id, PlayerUpdate::Hidden { id });
        } else {
            shown.insert(character.id, id);
        }
    }
    shown.retain(|_, id| !removed.contains_key(id));
    let ended_at: BTreeMap<u32, Timestamp> = reading.kills.iter().map(|kill| (kill.fight, kill.ended_at)).collect();
    let mut kills: BTreeMap<PlayerId, (Timestamp, Identity, Vec<RankedKill>)> = BTreeMap::new();
    let mut first_readings: BTreeMap<PlayerId, BTreeMap<(RaidId, Difficulty), Met>> = BTreeMap::new();
    for row in reading.rows.iter().filter(|row| !row.banned && boards.contains(&(row.raid, row.difficulty))) {
        let (Some(&id), Some(&ended_at)) = (shown.get(&row.player), ended_at.get(&row.fight)) else { continue };
        let percent = match row.percent {
            Percent::Known(percent) => Some(percent),
            // A kill counts whether WCL ranks it or not.
            Percent::NotYet | Percent::Unranked => None,
        };
        // A row of an older number tells who the player was, not who it is.
        let row_seen_at = if row.player == id { ended_at } else { Timestamp::UNIX_EPOCH };
        let (seen_at, identity, of_player) =
            kills.entry(id).or_insert_with(|| (row_seen_at, row.identity.clone(), Vec::new()));
        if row_seen_at > *seen_at {
            (*seen_at, *identity) = (row_seen_at, row.identity.clone());
        }
        of_player.push(RankedKill {
            raid: row.raid,
            difficulty: row.difficulty,
            metric: row.metric,
            encounter: row.encounter,
            partition: row.partition,
            percent,
            spec: row.spec.clone(),
            ended_at,
        });
        if row.percent == Percent::Unranked {
            continue;
        }
        let of_player = first_readings.entry(id).or_default();
        let new = Met { partition: row.partition, first_end: ended_at };
        let met = of_player.entry((row.raid, row.difficulty)).or_insert(new);
        *met = Met { partition: met.partition.max(row.partition), first_end: met.first_end.min(ended_at) };
    }
    let folded = kills.into_iter().map(|(id, (seen_at, identity, kills))| PlayerUpdate::Folded {
        id,
        identity,
        seen_at,
        kills,
        now,
        ranked_at,
    });
    Told { updates: removed.into_values().chain(folded).collect(), first_readings }
}

/// A full reading is taken for fresh this long, and no other is asked for: longer than the default of
/// `RERANK_AFTER_HOURS`.
const FRESH_FOR: TimeDelta = TimeDelta::hours(24);

/// Of a player's raids and difficulties those to be read in full now: they never were in their newest partition, or were
/// before the report was found and after a kill in it, which the reading cannot have counted, then. Where such a reading
/// is fresh, nothing else would be asked: also answers until when that is so.
fn without_reading(
    pairs: BTreeMap<(RaidId, Difficulty), Met>,
    known: Option<&Known>,
    found_at: Option<Timestamp>,
    now: Timestamp,
) -> (RaidsToScrap, Option<Timestamp>) {
    let mut to_read = RaidsToScrap::default();
    let mut fresh_until = None;
    for (pair, met) in pairs {
        let is_newest = |known: &&Known| known.partitions.get(&pair).is_some_and(|seen| *seen >= met.partition);
        let read_at = known.filter(is_newest).and_then(|known| known.read_at.get(&pair));
        match read_at {
            Some(read_at) if *read_at < met.first_end || found_at.is_none_or(|found_at| found_at <= *read_at) => {}
            Some(read_at) if now - *read_at < FRESH_FOR => fresh_until = fresh_until.max(Some(*read_at + FRESH_FOR)),
            _ => to_read.insert(pair.0, pair.1),
        }
    }
    (to_read, fresh_until)
}

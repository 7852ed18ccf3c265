//! Ranking everybody in a report by one question, and folding the rows into `players`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use chrono::TimeDelta;

use super::batch::{Batch, Outcome, Subject};
use super::{RankConfig, RankStore, boards_of_rules};
use crate::left_out::{LeftOut, parts};
use crate::moment::is_ahead;
use crate::player::{Folding, Identity, PlayerUpdate, RankedKill};
use crate::ports::{ApiError, Clock, Error, Known, Malformed, ReportRanks};
use crate::report::{Percent, ReportOutcome, ReportQuestion, ReportReading};
use crate::report_ranks::REMEMBERED;
use crate::report_state::{Settled, StoredReport};
use crate::rule::schedule::delta;
use crate::scrap::{Discovered, RaidsToScrap};
use crate::{Difficulty, EncounterId, PlayerId, RaidId, Timestamp};

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
    let (mut questions, mut settled) = (Vec::with_capacity(codes.len()), Vec::new());
    for code in codes {
        let (read, before) = stored.get(code).map(StoredReport::read_before).unwrap_or_default();
        let parts = parts(&wanted, &read, before, left_out(stored.get(code), now));
        if !parts.is_empty() {
            questions.push(ReportQuestion { code: code.clone(), parts });
            continue;
        }
        // Where no rule wants anything it stays as it is, for a rule that is still to come.
        if let Some(report) = stored.get(code).filter(|_| !wanted.is_empty()) {
            settled.push((code.clone(), report.revision, report.deferred(now)));
        }
        batch.outcomes.insert(Subject::Report(code.clone()), Outcome::Done);
    }
    settle(store, &settled).await?;
    if questions.is_empty() {
        return Ok(None);
    }
    let ranked = api.rank_reports(key, &questions).await;
    batch.summary.points_spent += ranked.points_spent;
    let (mut readings, mut settled) = (Vec::new(), Vec::new());
    for (code, outcome) in ranked.outcomes {
        let report = stored.get(&code);
        let mut closes = |closed: fn(&StoredReport) -> Settled| {
            settled.extend(report.map(|report| (code.clone(), report.revision, closed(report))));
        };
        let outcome = match outcome {
            ReportOutcome::Read(reading) => {
                readings.push(reading);
                continue;
            }
            ReportOutcome::Gone(how) => {
                closes(StoredReport::gone);
                Outcome::Never(how)
            }
            ReportOutcome::Failed(reason) => {
                closes(StoredReport::failed);
                Outcome::Failed(reason)
            }
        };
        batch.outcomes.insert(Subject::Report(code), outcome);
    }
    settle(store, &settled).await?;
    let rules = Wanted { boards, difficulties: wanted };
    take(store, (now, clock.now()), config, &rules, &stored, readings, batch).await?;
    Ok(ranked.stopped)
}

async fn settle<S: RankStore>(store: &S, settled: &[(String, u32, Settled)]) -> Result<(), Error> {
    if settled.is_empty() {
        return Ok(());
    }
    store.settle_reports(settled).await.context("writing to reports")
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

/// Stores what the reports tell, with as few writes as the store can do it, then what became of the reports: a crash in
/// between folds the same rows once more, which changes nothing. A report of which a player could not be stored has failed.
async fn take<S: RankStore>(
    store: &S,
    (asked_at, now): (Timestamp, Timestamp),
    config: &RankConfig,
    wanted: &Wanted,
    stored: &BTreeMap<String, StoredReport>,
    readings: Vec<ReportReading>,
    batch: &mut Batch,
) -> Result<(), Error> {
    let found_at = |code: &String| stored.get(code).and_then(|report| report.found_at);
    let fresh_for = delta(config.rerank_after);
    let (mut updates, mut first_readings) = (Vec::new(), Vec::with_capacity(readings.len()));
    for (place, reading) in readings.iter().enumerate() {
        let code = &reading.code;
        batch.summary.skipped.extend(reading.skipped.iter().map(|line| format!("report {code}: {line}")));
        let folding = Folding { found_at: found_at(code), now, ranked_at: config.stamp.unwrap_or(now) };
        let changes = changes(reading, &wanted.boards, folding);
        updates.extend(changes.updates.into_iter().map(|update| (place, update)));
        first_readings.push(changes.first_readings);
    }
    // What two reports tell of one player makes one document in any order; what removes its ranks comes last.
    updates.sort_by_key(|(_, update)| !matches!(update, PlayerUpdate::Folded { .. }));
    let ids: BTreeSet<PlayerId> = updates.iter().map(|(_, update)| update.id()).collect();
    let known = store.known(&Vec::from_iter(ids)).await.context("reading players")?;
    updates.retain(|(place, update)| {
        let odd = known.get(&update.id()).and_then(|known| why_not_foldable(update, known));
        if let Some(odd) = &odd {
            batch.summary.skipped.push(format!("report {}: {odd}", readings[*place].code));
        }
        odd.is_none()
    });
    let (places, updates): (Vec<usize>, Vec<PlayerUpdate>) = updates.into_iter().unzip();
    let saved = store.save(&updates).await.context("writing to players")?;
    let mut unread: BTreeMap<PlayerId, RaidsToScrap> = BTreeMap::new();
    let mut repeated_at = vec![None; readings.len()];
    for (place, of_players) in first_readings.into_iter().enumerate() {
        let found_at = found_at(&readings[place].code);
        for (id, pairs) in of_players {
            let known = known.get(&id).and_then(|known| known.as_ref().ok());
            let (to_read, fresh_until) = without_reading(pairs, known, found_at, (now, fresh_for));
            repeated_at[place] = repeated_at[place].max(fresh_until);
            if !to_read.is_empty() {
                unread.entry(id).or_default().merge(&to_read);
            }
        }
    }
    let unread: Vec<_> = unread.into_iter().map(|(id, raids_to_scrap)| Discovered { id, raids_to_scrap }).collect();
    store.merge(&unread).await.context("writing to discovers")?;
    let (mut folded, mut failures) = (vec![0; readings.len()], BTreeMap::new());
    for ((place, update), saved) in places.into_iter().zip(&updates).zip(saved) {
        folded[place] += u32::from(matches!(update, PlayerUpdate::Folded { .. }));
        if let Err(reason) = saved {
            failures.entry(place).or_insert_with(|| format!("player {} is not stored: {reason}", update.id()));
        }
    }
    let mut settled = Vec::new();
    for (place, reading) in readings.into_iter().enumerate() {
        let subject = Subject::Report(reading.code.clone());
        if let Some(reason) = failures.remove(&place) {
            batch.outcomes.insert(subject, Outcome::Failed(reason));
            continue;
        }
        batch.summary.reports += 1;
        batch.summary.players_of_reports += folded[place];
        if let Some(report) = stored.get(&reading.code) {
            let what = report.settled(&reading, &wanted.difficulties, left_out(Some(report), asked_at), now);
            let what = match repeated_at[place] {
                Some(at) => report.repeated(what, at),
                None => what,
            };
            settled.push((reading.code, reading.revision.min(report.revision), what));
        }
        batch.outcomes.insert(subject, Outcome::Done);
    }
    settle(store, &settled).await
}

/// By player: raid and difficulty, and what was met there.
type FirstReadings = BTreeMap<PlayerId, BTreeMap<(RaidId, Difficulty), Met>>;

/// What a report changes for players.
struct Changes {
    updates: Vec<PlayerUpdate>,
    first_readings: FirstReadings,
}

/// What a report tells of a player in one raid and difficulty.
#[derive(Debug, Clone)]
struct Met {
    /// The newest partition.
    partition: i32,
    /// Boss and end of each kill.
    kills: Vec<(EncounterId, Timestamp)>,
}

/// The rows that count: of a raid and difficulty that a rule names, of a ranked character that does not hide, not struck
/// out by WCL, and of a kill that the report has.
fn changes(reading: &ReportReading, boards: &BTreeSet<(RaidId, Difficulty)>, folding: Folding) -> Changes {
    let mut removed = BTreeMap::new();
    let mut shown: BTreeMap<PlayerId, PlayerId> = BTreeMap::new();
    for character in &reading.characters {
        if let Some(id) = character.note_removals(&mut removed) {
            // A row may carry either number.
            shown.extend([(character.id, id), (id, id)]);
        }
    }
    shown.retain(|_, id| !removed.contains_key(id));
    let ended_at: BTreeMap<u32, Timestamp> = reading.kills.iter().map(|kill| (kill.fight, kill.ended_at)).collect();
    let mut kills: BTreeMap<PlayerId, (Timestamp, Identity, Vec<RankedKill>)> = BTreeMap::new();
    let mut first_readings = FirstReadings::new();
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
        let new = || Met { partition: row.partition, kills: Vec::new() };
        let met = of_player.entry((row.raid, row.difficulty)).or_insert_with(new);
        met.partition = met.partition.max(row.partition);
        met.kills.push((row.encounter, ended_at));
    }
    let folded = kills.into_iter().map(|(id, (seen_at, identity, kills))| PlayerUpdate::Folded {
        id,
        identity,
        seen_at,
        kills,
        folding,
    });
    Changes { updates: removed.into_values().chain(folded).collect(), first_readings }
}

/// Why an update cannot be written to what is stored, if so.
fn why_not_foldable(update: &PlayerUpdate, known: &Result<Known, Malformed>) -> Option<String> {
    let known = match known {
        Ok(known) => known,
        Err(malformed) => return Some(malformed.to_string()),
    };
    let PlayerUpdate::Folded { id, kills, .. } = update else { return None };
    let odd = kills.iter().find_map(|kill| known.odd.get(&(kill.raid, kill.difficulty)))?;
    Some(format!("player {id}: {odd}"))
}

/// Which of a player's raids and difficulties need a full reading now: those never read in their newest partition, and those
/// read before this report was found that hold a kill which neither that reading nor the folding counts. A reading that is
/// still fresh delays another: then also returns until when.
fn without_reading(
    pairs: BTreeMap<(RaidId, Difficulty), Met>,
    known: Option<&Known>,
    found_at: Option<Timestamp>,
    (now, fresh_for): (Timestamp, TimeDelta),
) -> (RaidsToScrap, Option<Timestamp>) {
    let mut to_read = RaidsToScrap::default();
    let mut fresh_until = None;
    for (pair, met) in pairs {
        let is_newest = |known: &&Known| {
            !known.odd.contains_key(&pair) && known.partitions.get(&pair).is_some_and(|seen| *seen >= met.partition)
        };
        let read_at = known.filter(is_newest).and_then(|known| known.read_at.get(&pair));
        let read_at = read_at.filter(|read_at| !is_ahead(**read_at, now));
        let is_counted = |read_at: Timestamp| {
            let is_folded_in = |end: Timestamp| end > read_at && end >= now - REMEMBERED;
            let is_remembered = |kill| known.is_some_and(|known| known.is_remembered(pair, kill));
            found_at.is_none_or(|found_at| found_at <= read_at)
                || met.kills.iter().all(|kill| is_folded_in(kill.1) || is_remembered(*kill))
        };
        match read_at {
            Some(read_at) if is_counted(*read_at) => {}
            Some(read_at) if now - *read_at < fresh_for => fresh_until = fresh_until.max(Some(*read_at + fresh_for)),
            _ => to_read.insert(pair.0, pair.1),
        }
    }
    (to_read, fresh_until)
}

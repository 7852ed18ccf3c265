//! player-rank: one batch of messages → ranks in `players`, inside the points budget.
//!
//! Every message has its own outcome: a message that fails is returned alone, one that can never succeed is finished.
//! When no key can pay, the whole batch goes back and the error says what it needs and when points are there again; how
//! to wait for that is the caller's business. The store is tried before points are spent.

mod batch;
mod reports;
mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;

use self::batch::{Batch, Outcome};
pub use self::summary::{Delivery, FailedMessage, Fault, RankSummary};
use crate::budget::{self, Choice};
use crate::player::PlayerUpdate;
use crate::ports::{
    ApiError, Clock, Discoveries, Error, KeyPool, KnownPlayers, Players, RankOutcome, RankSource, ReportBacklog,
    ReportRanks, Rules, Waiting, Wanted,
};
use crate::scrap::Discovered;
use crate::{PlayerId, Timestamp};

/// Settings of player-rank.
#[derive(Debug, Clone)]
pub struct RankConfig {
    /// `WCL_CALL_BUDGET`: points for one player in one raid in one difficulty.
    pub call_budget: f64,
    /// `REPORT_CALL_BUDGET`: points for the ranks of one report.
    pub report_budget: f64,
    /// `RERANK_AFTER_HOURS`: a full reading that is younger is not repeated.
    pub rerank_after: Duration,
    /// The date that ranks from reports get, instead of the moment they are read: the same answers then make the same
    /// files.
    pub stamp: Option<Timestamp>,
}

/// Why the whole batch goes back to the queue.
#[derive(Debug, thiserror::Error)]
pub enum RankError {
    /// No key can pay now.
    #[error("no key has the {required} points this batch needs")]
    NoBudget {
        /// Points the batch needs.
        required: f64,
        /// The most points that one key has in an hour, if known: a batch that needs more is never paid whole.
        most_in_an_hour: Option<f64>,
        /// When the first key has all its points again, if known.
        earliest_reset: Option<Timestamp>,
        /// What every key has left.
        points_left: BTreeMap<String, f64>,
    },
    /// The API refuses this program.
    #[error("refused by the API: {0}")]
    Refused(String),
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<ApiError> for RankError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Refused(reason) => Self::Refused(reason),
            other => Self::Failed(other.into()),
        }
    }
}

/// Everything that player-rank keeps.
pub trait RankStore: Players + Discoveries + Waiting + Rules + ReportBacklog {}
impl<S: Players + Discoveries + Waiting + Rules + ReportBacklog> RankStore for S {}

/// Ranks one batch, of which up to `concurrency` run at the same time.
///
/// # Errors
/// [`RankError`] sends the whole batch back. Some of it may be stored by then: to rank that again changes nothing.
pub async fn rank_batch<S: RankStore, A: KeyPool + RankSource + ReportRanks, C: Clock>(
    store: &S,
    api: &A,
    clock: &C,
    config: &RankConfig,
    concurrency: u32,
    deliveries: &[Delivery],
) -> Result<RankSummary, RankError> {
    let mut batch = Batch::parse(deliveries);
    let (wanted, known) = known_players(store, &mut batch).await?;
    let reports = reports::unread(store, clock.now(), &mut batch).await?;
    if wanted.is_empty() && reports.is_empty() {
        end_messages(store, &mut batch).await?;
        return Ok(batch.summary);
    }
    let keys = api.points().await?;
    batch.summary.points_left = keys.iter().map(|key| (key.key.clone(), key.remaining)).collect();
    let limited = keys.iter().filter(|key| key.limit_per_hour > 0.0);
    batch.summary.points_limit = limited.map(|key| (key.key.clone(), key.limit_per_hour)).collect();
    let pairs = wanted.iter().map(|player| player.discovered.raids_to_scrap.pair_count()).sum();
    let required = budget::required_points(config.call_budget, concurrency, pairs)
        + budget::required_points(config.report_budget, concurrency, reports.len());
    let no_budget = |earliest_reset, points_left: &BTreeMap<String, f64>| RankError::NoBudget {
        required,
        most_in_an_hour: budget::most_in_an_hour(&keys),
        earliest_reset,
        points_left: points_left.clone(),
    };
    let key = match budget::choose_key(&keys, required) {
        Choice::Key(key) => key,
        Choice::NoBudget { earliest_reset } => return Err(no_budget(earliest_reset, &batch.summary.points_left)),
    };
    let mut stopped = None;
    if !wanted.is_empty() {
        let ranked = api.rank(&key, &wanted).await;
        batch.summary.points_spent += ranked.points_spent;
        batch.summary.skipped.extend(ranked.skipped);
        stopped = ranked.stopped;
        let mut outcomes = ranked.outcomes;
        remember(&mut outcomes, &known, clock.now());
        save_players(store, &mut batch, &wanted, outcomes).await?;
    }
    if !reports.is_empty() && stopped.is_none() {
        stopped = reports::rank(store, api, clock, config, &key, &reports, &mut batch).await?;
    }
    match stopped {
        Some(ApiError::PointsExhausted { resets_at }) if batch.outcomes.is_empty() => {
            return Err(no_budget(Some(resets_at), &batch.summary.points_left));
        }
        Some(error) if batch.outcomes.is_empty() => return Err(error.into()),
        Some(error) => {
            batch.summary.refused = matches!(error, ApiError::Refused(_));
            batch.summary.stopped = Some(error.to_string());
        }
        None => {}
    }
    batch.summary.key = Some(key);
    end_messages(store, &mut batch).await?;
    Ok(batch.summary)
}

/// The batch's players, and what the store knows of them. One whose document could not be written to is not paid for.
async fn known_players<S: RankStore>(store: &S, batch: &mut Batch) -> Result<(Vec<Wanted>, KnownPlayers), Error> {
    let players = batch.players();
    let ids: Vec<_> = players.iter().map(|player| player.id).collect();
    let known = store.known(&ids).await.context("reading players")?;
    let mut wanted = Vec::with_capacity(players.len());
    for discovered in players {
        match known.get(&discovered.id) {
            Some(Err(malformed)) => {
                batch.outcomes.insert(batch::Subject::Player(discovered.id), Outcome::Failed(malformed.to_string()));
            }
            Some(Ok(known)) => wanted.push(Wanted { discovered, class_id: known.class_id }),
            None => wanted.push(Wanted { discovered, class_id: None }),
        }
    }
    Ok((wanted, known))
}

/// Adds to full readings of `now` what the store remembers of kills.
fn remember(outcomes: &mut [(PlayerId, RankOutcome)], known: &KnownPlayers, now: Timestamp) {
    for (id, outcome) in outcomes {
        let RankOutcome::Update(PlayerUpdate::Ranked { parts, .. }) = outcome else { continue };
        if let Some(Ok(known)) = known.get(id) {
            known.remember(parts, now);
        }
    }
}

/// Stores what was told of players. Whoever goes by another number now is discovered under that first, so that a kill
/// between the two steps loses nobody.
async fn save_players<S: Players + Discoveries>(
    store: &S,
    batch: &mut Batch,
    wanted: &[Wanted],
    outcomes: Vec<(PlayerId, RankOutcome)>,
) -> Result<(), Error> {
    let mut updates = Vec::with_capacity(outcomes.len());
    let mut moved: BTreeMap<PlayerId, Option<Discovered>> = BTreeMap::new();
    for (player, outcome) in outcomes {
        let subject = batch::Subject::Player(player);
        match outcome {
            RankOutcome::Update(update) => updates.push(update),
            RankOutcome::Moved(id) => {
                // The newest record has the highest number; following others could lead round in a circle.
                let of_player = wanted.iter().filter(|wanted| wanted.discovered.id == player && id > player);
                moved.insert(player, of_player.map(|wanted| Discovered { id, ..wanted.discovered.clone() }).next());
                updates.push(PlayerUpdate::Gone { id: player });
            }
            RankOutcome::Never(reason) => {
                batch.outcomes.insert(subject, Outcome::Never(reason));
            }
            RankOutcome::Failed(reason) => {
                batch.outcomes.insert(subject, Outcome::Failed(reason));
            }
        }
    }
    let found: Vec<_> = moved.values().flatten().cloned().collect();
    if !found.is_empty() {
        store.merge(&found).await.context("writing to discovers")?;
    }
    let saved = store.save(&updates).await.context("writing to players")?;
    for (update, saved) in updates.iter().zip(saved) {
        let outcome = match (saved, update) {
            (Ok(()), PlayerUpdate::Gone { id }) if moved.contains_key(id) => {
                Outcome::Never("goes by another number now")
            }
            (Ok(()), PlayerUpdate::Gone { .. }) => Outcome::Never("no such character"),
            (Ok(()), PlayerUpdate::Hidden { .. }) => Outcome::Hidden,
            (Ok(()), PlayerUpdate::Ranked { .. } | PlayerUpdate::Folded { .. }) => Outcome::Done,
            (Err(reason), _) => Outcome::Failed(format!("not stored: {reason}")),
        };
        batch.outcomes.insert(batch::Subject::Player(update.id()), outcome);
    }
    Ok(())
}

/// Gives every message its outcome; players whose messages have ended wait no more.
async fn end_messages<S: Waiting>(store: &S, batch: &mut Batch) -> Result<(), Error> {
    let ended = batch.settle();
    if !ended.is_empty() {
        store.forget_waiting(&ended).await.context("writing down that players wait no more")?;
    }
    Ok(())
}

/// The raids and difficulties that an enabled rule names.
async fn boards_of_rules<S: Rules>(store: &S) -> Result<BTreeSet<(crate::RaidId, crate::Difficulty)>, Error> {
    let (rules, _) = store.rules().await.context("reading discovery_schedules")?;
    let enabled = rules.iter().filter(|rule| rule.enabled);
    Ok(enabled.map(|rule| (rule.target.raid, rule.target.difficulty)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::left_out::LeftOut;
    use crate::player::{DifficultyRanks, EncounterRank, MetricRanks, Player, RankedPart};
    use crate::report::{Kill, Metric, Percent, RankPart, RankRow, RankedCharacter, ReportOutcome, ReportReading};
    use crate::report_state::{ReportState, StoredReport};
    use crate::rule::tests::rule;
    use crate::testing::{Memory, TestApi, TestClock, found, identity, key, noon};

    const CONFIG: RankConfig =
        RankConfig { call_budget: 6.0, report_budget: 26.0, rerank_after: Duration::from_secs(20 * 3600), stamp: None };

    async fn run(
        store: &Memory,
        api: &TestApi,
        concurrency: u32,
        batch: &[Delivery],
    ) -> Result<RankSummary, RankError> {
        rank_batch(store, api, &TestClock::at(noon()), &CONFIG, concurrency, batch).await
    }

    fn message(id: &str, player: PlayerId) -> Delivery {
        Delivery { message_id: id.to_owned(), body: serde_json::to_string(&found(player)).unwrap() }
    }

    fn ranked(id: PlayerId) -> RankOutcome {
        let part = RankedPart { raid: 31, difficulty: 4, ranks: DifficultyRanks::new() };
        RankOutcome::Update(PlayerUpdate::Ranked { id, identity: identity(id), parts: vec![part] })
    }

    fn api(keys: &[(&str, f64)], outcomes: impl IntoIterator<Item = (PlayerId, RankOutcome)>) -> TestApi {
        TestApi {
            keys: keys.iter().map(|(name, points)| key(name, *points)).collect(),
            outcomes: outcomes.into_iter().collect(),
            ..TestApi::default()
        }
    }

    #[tokio::test]
    async fn the_first_key_that_can_pay_for_all_at_once_pays() {
        let api = api(&[("a", 35.0), ("b", 36.0)], [(1, ranked(1)), (2, ranked(2))]);
        let store = Memory::default();
        let summary = run(&store, &api, 3, &[message("x", 1), message("y", 2)]).await.unwrap();
        assert_eq!((summary.done, summary.key.as_deref(), summary.points_spent), (2, Some("b"), 12.0));
        assert_eq!(api.asked.into_inner(), [("b".to_owned(), vec![1, 2])]);
        assert_eq!(store.players.into_inner().into_keys().collect::<Vec<_>>(), [1, 2]);
    }

    #[tokio::test]
    async fn without_points_nothing_is_asked_and_the_reset_is_told() {
        let api = api(&[("a", 35.9)], [(1, ranked(1))]);
        let error = run(&Memory::default(), &api, 6, &[message("x", 1)]).await.unwrap_err();
        let RankError::NoBudget { required, most_in_an_hour, earliest_reset, points_left } = error else {
            panic!("{error}")
        };
        assert_eq!((required, most_in_an_hour), (36.0, Some(3600.0)));
        assert_eq!((earliest_reset, points_left["a"]), (Some(noon() + chrono::TimeDelta::minutes(30)), 35.9));
        assert!(api.asked.into_inner().is_empty());
    }

    #[tokio::test]
    async fn points_that_run_out_before_anything_was_done_send_the_batch_back() {
        let api = api(&[("a", 3600.0)], []);
        let resets_at = noon();
        *api.stops.borrow_mut() = Some(ApiError::PointsExhausted { resets_at });
        let error = run(&Memory::default(), &api, 1, &[message("x", 1)]).await.unwrap_err();
        assert!(matches!(error, RankError::NoBudget { earliest_reset: Some(at), .. } if at == resets_at), "{error}");
    }

    #[tokio::test]
    async fn each_message_has_its_own_outcome() {
        let outcomes = [
            (1, ranked(1)),
            (2, RankOutcome::Never("no class set")),
            (3, RankOutcome::Failed("HTTP 500".to_owned())),
            (4, RankOutcome::Update(PlayerUpdate::Hidden { id: 4 })),
            (5, ranked(5)),
        ];
        let store = Memory::default();
        store.rejects.borrow_mut().push(5);
        let mut batch: Vec<_> = (1..=6).map(|player| message(&format!("m{player}"), player)).collect();
        batch.push(message("twin", 1));
        batch.push(Delivery { message_id: "bad".to_owned(), body: "nonsense".to_owned() });
        let api = api(&[("a", 3600.0)], outcomes);
        let summary = run(&store, &api, 1, &batch).await.unwrap();
        assert_eq!((summary.done, summary.hidden), (3, 1), "1, its twin, and 4");
        assert_eq!(summary.finished, ["player 2: no class set"]);
        let failed: Vec<_> = summary.failed.iter().map(|failed| failed.message_id.as_str()).collect();
        assert_eq!(failed, ["bad", "m3", "m5", "m6"]);
        assert!(summary.failed[0].reason.starts_with("not a message:"), "{}", summary.failed[0].reason);
        assert_eq!(api.asked.into_inner()[0].1, [1, 2, 3, 4, 5, 6], "each player once");
    }

    #[tokio::test]
    async fn who_goes_by_a_newer_number_is_discovered_under_it_and_who_is_gone_is_told_so() {
        let outcomes = [
            (1, RankOutcome::Moved(10)),
            (2, RankOutcome::Moved(2)),
            (3, RankOutcome::Update(PlayerUpdate::Gone { id: 3 })),
        ];
        let api = api(&[("a", 3600.0)], outcomes);
        let other = Discovered { id: 2, raids_to_scrap: crate::scrap::RaidsToScrap::one(31, 5) };
        let other = Delivery { message_id: "y".to_owned(), body: serde_json::to_string(&other).unwrap() };
        let store = Memory::default();
        let summary = run(&store, &api, 1, &[message("x", 1), other, message("z", 3)]).await.unwrap();
        let told = ["1: goes by another number now", "2: goes by another number now", "3: no such character"];
        assert_eq!(summary.finished, told.map(|told| format!("player {told}")));
        let found = [(10, found(1).raids_to_scrap)];
        assert_eq!(*store.discovers.borrow(), found.into(), "nobody is followed in a circle");
    }

    #[tokio::test]
    async fn what_a_key_has_in_an_hour_is_told_where_it_is_known() {
        let mut api = api(&[("a", 3600.0), ("b", 9.0)], [(1, ranked(1))]);
        api.keys[1].limit_per_hour = 0.0;
        let summary = run(&Memory::default(), &api, 1, &[message("x", 1)]).await.unwrap();
        assert_eq!(summary.points_limit, [("a".to_owned(), 3600.0)].into());
        assert_eq!(summary.points_left.len(), 2);
    }

    #[tokio::test]
    async fn what_was_paid_for_is_stored_although_the_api_refuses_in_the_middle() {
        let store = Memory::default();
        let api = api(&[("a", 3600.0)], [(1, ranked(1))]);
        *api.stops.borrow_mut() = Some(ApiError::Refused("403".to_owned()));
        let summary = run(&store, &api, 1, &[message("x", 1), message("y", 2)]).await.unwrap();
        assert!(summary.refused && store.players.borrow().contains_key(&1));
        assert_eq!(summary.failed[0].reason, "player 2: not reached");
    }

    #[tokio::test]
    async fn a_refusal_before_anything_was_asked_is_told_apart() {
        let api = TestApi::default();
        *api.points_error.borrow_mut() = Some(ApiError::Refused("human check".to_owned()));
        let error = run(&Memory::default(), &api, 1, &[message("x", 1)]).await.unwrap_err();
        assert!(matches!(error, RankError::Refused(_)), "{error}");
    }

    #[tokio::test]
    async fn a_player_whose_document_is_broken_is_not_paid_for() {
        let store = Memory::default();
        store.broken_players.borrow_mut().push(2);
        let api = api(&[("a", 3600.0)], [(1, ranked(1)), (2, ranked(2))]);
        let summary = run(&store, &api, 1, &[message("x", 1), message("y", 2)]).await.unwrap();
        assert_eq!(api.asked.into_inner()[0].1, [1]);
        assert_eq!((summary.done, summary.failed[0].fault), (1, Fault::Own));
    }

    #[tokio::test]
    async fn what_is_done_waits_in_the_queue_no_more() {
        let store = Memory::default();
        store.mark_waiting(&[found(1), found(2)], noon()).await.unwrap();
        let api = api(&[("a", 3600.0)], [(1, ranked(1)), (2, RankOutcome::Failed("HTTP 500".to_owned()))]);
        run(&store, &api, 1, &[message("x", 1), message("y", 2)]).await.unwrap();
        assert_eq!(store.waiting.into_inner().into_keys().collect::<Vec<_>>(), [2]);
    }

    #[tokio::test]
    async fn who_goes_by_another_number_now_is_asked_under_that() {
        let api = api(&[("a", 3600.0)], [(1, RankOutcome::Moved(10)), (2, ranked(2))]);
        let store = Memory::default();
        let stored = Player { id: 1, identity: identity(1), ranks: [(31, BTreeMap::new())].into() };
        store.players.borrow_mut().insert(1, stored);
        store.merge(&[Discovered { id: 10, raids_to_scrap: crate::scrap::RaidsToScrap::one(7, 5) }]).await.unwrap();
        let summary = run(&store, &api, 1, &[message("x", 1), message("y", 2)]).await.unwrap();
        assert_eq!((summary.done, summary.failed.len()), (1, 0));
        assert_eq!(summary.finished, ["player 1: goes by another number now"]);
        assert!(store.players.into_inner()[&1].ranks.is_empty());
        let mut both = found(10).raids_to_scrap;
        both.insert(7, 5);
        assert_eq!(store.discovers.into_inner(), [(10, both)].into());
    }

    fn report_message(id: &str) -> Delivery {
        Delivery { message_id: id.to_owned(), body: r#"{"report":"aBcD","raid":31}"#.to_owned() }
    }

    /// A kill of boss 7 with five characters: 1 shown, 2 hidden, 3 under another number now, 4 struck out, 5 not ranked.
    fn reading() -> ReportReading {
        let row = |player, difficulty| RankRow {
            raid: 31,
            player,
            identity: identity(player),
            metric: Metric::Dps,
            spec: Some("Fury".to_owned()),
            fight: 1,
            encounter: 7,
            difficulty,
            partition: 1,
            percent: Percent::Known(80.0),
            banned: player == 4,
        };
        let character = |id, canonical_id| RankedCharacter { id, canonical_id, hidden: id == 2 };
        ReportReading {
            code: "aBcD".to_owned(),
            revision: 3,
            end: noon() - chrono::TimeDelta::hours(26),
            is_partial: false,
            characters: vec![character(1, None), character(2, None), character(3, Some(30)), character(4, None)],
            kills: vec![Kill {
                fight: 1,
                encounter: 7,
                difficulty: 4,
                ended_at: noon() - chrono::TimeDelta::hours(27),
            }],
            rows: (1..=5).map(|player| row(player, 4)).chain([row(1, 5)]).collect(),
            skipped: vec![],
        }
    }

    fn with_report(state: ReportState) -> Memory {
        let store = Memory::default();
        store.rules.borrow_mut().push(rule("heroic", None));
        let report = StoredReport {
            code: "aBcD".to_owned(),
            raid: 31,
            region: "EU".to_owned(),
            start: noon(),
            end: noon(),
            revision: 3,
            state,
            due_at: noon(),
            sent_at: Some(noon()),
            found_at: Some(noon()),
            tries: 0,
            difficulties: BTreeSet::new(),
            left_out: LeftOut::NOTHING,
        };
        store.reports.borrow_mut().insert("aBcD".to_owned(), report);
        store
    }

    fn api_with_report(outcome: ReportOutcome) -> TestApi {
        TestApi { reports: BTreeMap::from([("aBcD".to_owned(), outcome)]), ..api(&[("a", 3600.0)], []) }
    }

    #[tokio::test]
    async fn rows_of_a_report_that_count_are_folded_and_new_players_get_a_full_reading() {
        let store = with_report(ReportState::New);
        let api = api_with_report(ReportOutcome::Read(reading()));
        let summary = run(&store, &api, 1, &[report_message("r")]).await.unwrap();
        assert_eq!((summary.done, summary.reports, summary.players_of_reports), (1, 1, 2));
        let players = store.players.borrow().clone();
        assert_eq!(players.keys().copied().collect::<Vec<_>>(), [1, 30], "and nobody in a difficulty without a rule");
        assert_eq!(players[&1].ranks[&31][&4]["dps"].encounters[&7].kills, 1);
        assert_eq!(store.discovers.borrow().keys().copied().collect::<Vec<_>>(), [1, 30]);
        assert_eq!(store.reports.borrow()["aBcD"].state, ReportState::Done);
        let again = run(&store, &api, 1, &[report_message("r")]).await.unwrap();
        assert_eq!((again.done, api.asked_reports.into_inner().len()), (1, 1), "done at its revision: not asked again");
    }

    #[tokio::test]
    async fn a_row_may_carry_the_older_or_the_newer_number() {
        let store = with_report(ReportState::New);
        let mut reading = reading();
        reading.rows.iter_mut().filter(|row| row.player == 3).for_each(|row| row.player = 30);
        run(&store, &api_with_report(ReportOutcome::Read(reading)), 1, &[report_message("r")]).await.unwrap();
        assert_eq!(store.players.borrow().keys().copied().collect::<Vec<_>>(), [1, 30]);
    }

    #[tokio::test]
    async fn numbers_that_lead_in_a_circle_are_not_followed() {
        let api = api(&[("a", 3600.0)], [(9, RankOutcome::Moved(2))]);
        let store = Memory::default();
        let summary = run(&store, &api, 1, &[message("x", 9)]).await.unwrap();
        assert_eq!(summary.finished, ["player 9: goes by another number now"]);
        assert!(store.discovers.into_inner().is_empty());
        assert_eq!(summary.points_limit["a"], 3600.0, "what a key has in an hour is told");
    }

    #[tokio::test]
    async fn a_report_that_no_rule_wants_waits_for_one_unchanged() {
        let store = with_report(ReportState::New);
        store.rules.borrow_mut().clear();
        let before = store.reports.borrow().clone();
        let api = api_with_report(ReportOutcome::Read(reading()));
        let summary = run(&store, &api, 1, &[report_message("r")]).await.unwrap();
        assert_eq!((summary.done, summary.reports, api.asked_reports.borrow().len()), (1, 0, 0));
        assert_eq!(*store.reports.borrow(), before);
    }

    #[tokio::test]
    async fn a_kill_that_is_not_ranked_counts_as_a_kill() {
        let store = with_report(ReportState::New);
        run(&store, &api_with_report(ReportOutcome::Read(reading())), 1, &[report_message("r")]).await.unwrap();
        let mut unranked = reading();
        unranked.rows.iter_mut().for_each(|row| row.percent = Percent::Unranked);
        unranked.kills[0].ended_at += chrono::TimeDelta::hours(1);
        let raised = with_report(ReportState::New).reports.into_inner();
        *store.reports.borrow_mut() = raised;
        store.discovers.borrow_mut().clear();
        run(&store, &api_with_report(ReportOutcome::Read(unranked)), 1, &[report_message("r")]).await.unwrap();
        let players = store.players.borrow();
        let rank = players[&1].ranks[&31][&4]["dps"].encounters[&7];
        assert_eq!((rank.rank_percent, rank.kills), (80.0, 2));
        assert!(store.discovers.borrow().is_empty(), "WCL has nothing to read in full");
    }

    #[tokio::test]
    async fn a_report_that_is_gone_is_finished_and_one_that_fails_comes_again() {
        let store = with_report(ReportState::New);
        let summary =
            run(&store, &api_with_report(ReportOutcome::Gone("deleted")), 1, &[report_message("r")]).await.unwrap();
        assert_eq!(summary.finished, ["report aBcD: deleted"]);
        assert_eq!(store.reports.borrow()["aBcD"].state, ReportState::Gone);
        let failing = api_with_report(ReportOutcome::Failed("too large".to_owned()));
        let summary = run(&with_report(ReportState::New), &failing, 1, &[report_message("r")]).await.unwrap();
        assert_eq!(
            (summary.failed[0].reason.as_str(), summary.failed[0].fault),
            ("report aBcD: too large", Fault::Own)
        );
    }

    #[tokio::test]
    async fn of_a_report_that_waited_long_what_is_worth_least_is_left_out_and_asked_for_later() {
        let store = with_report(ReportState::New);
        let sent = |hours_ago| {
            let sent_at = Some(noon() - chrono::TimeDelta::hours(hours_ago));
            store.reports.borrow_mut().get_mut("aBcD").unwrap().sent_at = sent_at;
        };
        let api = api_with_report(ReportOutcome::Read(reading()));
        sent(10);
        run(&store, &api, 1, &[report_message("r")]).await.unwrap();
        let report = store.reports.borrow()["aBcD"].clone();
        assert_eq!((report.state, report.left_out.number(), report.sent_at), (ReportState::Again, 2, None));
        let lag = store.report_lag(noon()).await.unwrap();
        assert_eq!((lag.again, lag.left_out), (0, BTreeMap::from([(LeftOut::of_number(2), 1)])), "shown, not hidden");
        let again = run(&store, &api, 1, &[report_message("twin")]).await.unwrap();
        assert_eq!((again.done, api.asked_reports.borrow().len()), (1, 1), "a second message");
        store.reports.borrow_mut().get_mut("aBcD").unwrap().due_at = noon();
        sent(12);
        let summary = run(&store, &api, 1, &[report_message("r")]).await.unwrap();
        assert_eq!((summary.done, api.asked_reports.borrow().len()), (1, 1), "nothing of it may be asked");
        store.reports.borrow_mut().get_mut("aBcD").unwrap().due_at = noon();
        sent(1);
        run(&store, &api, 1, &[report_message("r")]).await.unwrap();
        assert_eq!(store.reports.borrow()["aBcD"].state, ReportState::Done);
        let part = |metric, difficulty| RankPart { metric, difficulty };
        let asked: Vec<_> = api.asked_reports.borrow().iter().map(|questions| questions[0].parts.clone()).collect();
        assert_eq!(asked, [[part(Metric::Dps, None)], [part(Metric::Hps, None)]]);
    }

    #[tokio::test]
    async fn an_old_kill_does_not_give_a_player_its_old_name_back() {
        let store = with_report(ReportState::New);
        let named = |name: &str, hours_ago| {
            let mut reading = reading();
            reading.rows.iter_mut().for_each(|row| row.identity.name = name.to_owned());
            reading.kills[0].ended_at = noon() - chrono::TimeDelta::hours(hours_ago);
            ReportOutcome::Read(reading)
        };
        for (name, hours_ago) in [("New", 30), ("Old", 60)] {
            store.reports.borrow_mut().get_mut("aBcD").unwrap().state = ReportState::New;
            run(&store, &api_with_report(named(name, hours_ago)), 1, &[report_message("r")]).await.unwrap();
        }
        assert_eq!(store.players.borrow()[&1].identity.name, "New");
    }

    #[tokio::test]
    async fn a_reports_budget_is_asked_of_the_key_beside_the_players() {
        let api = TestApi { keys: vec![key("a", 63.9)], ..api_with_report(ReportOutcome::Read(reading())) };
        let batch = [message("x", 1), report_message("r")];
        let error = run(&with_report(ReportState::New), &api, 2, &batch).await.unwrap_err();
        assert!(matches!(error, RankError::NoBudget { required: 64.0, .. }), "{error}");
    }

    #[tokio::test]
    async fn a_hostile_body_cannot_break_out_of_the_line_that_quotes_it() {
        let body = format!(r#"{{"report":"a\u0007\n{}"}}"#, "ä".repeat(2000));
        let batch = [Delivery { message_id: "x".to_owned(), body }];
        let summary = run(&Memory::default(), &TestApi::default(), 1, &batch).await.unwrap();
        let reason = &summary.failed[0].reason;
        assert!(reason.starts_with("report \"a") && !reason.contains(char::is_control), "{reason}");
        assert!(reason.chars().count() <= 500);
        assert_eq!(summary.failed[0].fault, Fault::Malformed);
    }

    #[tokio::test]
    async fn an_api_that_refuses_the_first_question_sends_the_batch_back() {
        let api = api(&[("a", 3600.0)], []);
        *api.stops.borrow_mut() = Some(ApiError::Refused("403".to_owned()));
        let error = run(&Memory::default(), &api, 1, &[message("x", 1)]).await.unwrap_err();
        assert!(matches!(error, RankError::Refused(_)), "{error}");
    }

    #[tokio::test]
    async fn points_that_run_out_in_the_middle_send_back_only_what_was_not_reached() {
        let api = TestApi {
            reports: api_with_report(ReportOutcome::Gone("deleted")).reports,
            ..api(&[("a", 3600.0)], [(1, ranked(1))])
        };
        let resets_at = noon();
        *api.stops.borrow_mut() = Some(ApiError::PointsExhausted { resets_at });
        let batch = [message("x", 1), message("y", 2), report_message("r")];
        let summary = run(&with_report(ReportState::New), &api, 1, &batch).await.unwrap();
        assert_eq!((summary.done, summary.refused), (1, false));
        let told: Vec<_> = summary.failed.iter().map(|failed| (failed.reason.as_str(), failed.fault)).collect();
        let not_reached = ["player 2: not reached", "report aBcD: not reached"];
        assert_eq!(told, not_reached.map(|reason| (reason, Fault::NotReached)));
        assert!(summary.stopped.unwrap().starts_with("no points left until"));
        assert!(api.asked_reports.borrow().is_empty(), "nothing further is asked");
    }

    #[tokio::test]
    async fn players_and_reports_of_a_batch_are_paid_for_together() {
        let api = TestApi {
            outcomes: BTreeMap::from([(1, ranked(1))]),
            ..api_with_report(ReportOutcome::Read(ReportReading { skipped: vec!["a row".to_owned()], ..reading() }))
        };
        let summary =
            run(&with_report(ReportState::New), &api, 1, &[message("x", 1), report_message("r")]).await.unwrap();
        assert_eq!((summary.done, summary.reports, summary.points_spent), (2, 1, 32.0));
        assert_eq!(summary.skipped, ["report aBcD: a row"]);
        let told = serde_json::to_value(summary).unwrap();
        assert_eq!(
            (told["reports"].as_u64(), told["playersOfReports"].as_u64(), told.get("stopped")),
            (Some(1), Some(2), None)
        );
    }

    #[tokio::test]
    async fn a_summary_tells_nothing_of_reports_where_there_were_none() {
        let api = api(&[("a", 3600.0)], [(1, ranked(1))]);
        let summary = run(&Memory::default(), &api, 1, &[message("x", 1)]).await.unwrap();
        let told = serde_json::to_value(summary).unwrap();
        for name in ["reports", "playersOfReports", "skipped", "stopped", "refused"] {
            assert_eq!(told.get(name), None, "{name}");
        }
    }

    #[tokio::test]
    async fn a_report_with_a_player_that_cannot_be_stored_comes_again() {
        let store = with_report(ReportState::New);
        store.rejects.borrow_mut().push(1);
        let api = api_with_report(ReportOutcome::Read(reading()));
        let summary = run(&store, &api, 1, &[report_message("r")]).await.unwrap();
        assert_eq!(summary.failed[0].reason, "report aBcD: player 1 is not stored: the document is broken");
        assert_eq!((summary.reports, store.reports.borrow()["aBcD"].state), (0, ReportState::New));
        assert!(store.players.borrow().contains_key(&30), "the others are");
    }

    /// A batch of two reports: the one of [`reading`], and another's kill with player 1 alone.
    fn two_reports(adapt: impl FnOnce(&mut ReportReading, &mut ReportReading)) -> (Memory, TestApi, [Delivery; 2]) {
        let store = with_report(ReportState::New);
        let other = StoredReport { code: "eFgH".to_owned(), ..store.reports.borrow()["aBcD"].clone() };
        store.reports.borrow_mut().insert(other.code.clone(), other);
        let (mut first, mut second) = (reading(), ReportReading { code: "eFgH".to_owned(), ..reading() });
        second.kills[0].ended_at -= chrono::TimeDelta::hours(1);
        second.rows.truncate(1);
        second.characters.truncate(1);
        adapt(&mut first, &mut second);
        let mut api = api_with_report(ReportOutcome::Read(first));
        api.reports.insert("eFgH".to_owned(), ReportOutcome::Read(second));
        let body = r#"{"report":"eFgH","raid":31}"#.to_owned();
        (store, api, [report_message("r"), Delivery { message_id: "s".to_owned(), body }])
    }

    #[tokio::test]
    async fn of_a_batch_of_reports_only_one_with_a_player_that_cannot_be_stored_comes_again() {
        let (store, api, batch) = two_reports(|_, _| {});
        store.rejects.borrow_mut().push(30);
        let summary = run(&store, &api, 1, &batch).await.unwrap();
        assert_eq!((summary.done, summary.reports, summary.players_of_reports), (1, 1, 1));
        assert_eq!((summary.failed.len(), summary.failed[0].message_id.as_str()), (1, "r"));
        let states: Vec<_> = store.reports.borrow().values().map(|report| report.state).collect();
        assert_eq!(states, [ReportState::New, ReportState::Done]);
        assert_eq!(store.players.borrow()[&1].ranks[&31][&4]["dps"].encounters[&7].kills, 2, "one in each report");
    }

    #[tokio::test]
    async fn who_hides_in_one_report_of_a_batch_keeps_no_ranks_of_another() {
        let hides: [fn(&mut ReportReading, &mut ReportReading); 2] =
            [|first, _| first.characters[0].hidden = true, |_, second| second.characters[0].hidden = true];
        for adapt in hides {
            let (store, api, batch) = two_reports(adapt);
            run(&store, &api, 1, &batch).await.unwrap();
            assert!(store.players.borrow()[&1].ranks.is_empty());
        }
    }

    #[tokio::test]
    async fn a_player_is_read_wholly_once_in_each_partition() {
        for (partition, read_before, unread) in [(1, 1, vec![]), (2, 1, vec![1]), (1, 2, vec![])] {
            let store = with_report(ReportState::New);
            let metric = MetricRanks { partition: read_before, read_at: Some(noon()), ..MetricRanks::default() };
            let ranks = BTreeMap::from([(31, BTreeMap::from([(4, BTreeMap::from([("dps".to_owned(), metric)]))]))]);
            store.players.borrow_mut().insert(1, Player { id: 1, identity: identity(1), ranks });
            let mut reading = reading();
            reading.rows.truncate(1);
            reading.rows[0].partition = partition;
            run(&store, &api_with_report(ReportOutcome::Read(reading)), 1, &[report_message("r")]).await.unwrap();
            let waiting: Vec<_> = store.discovers.borrow().keys().copied().collect();
            assert_eq!(waiting, unread, "partition {partition}, read in {read_before}");
        }
    }

    /// A store with player 1, whose dps is of partition 1, was read so many hours ago and remembers kills of boss 7 that
    /// ended so many seconds before that of [`reading`].
    fn with_player(read_hours_ago: i64, seconds_before: &[i64]) -> Memory {
        let store = with_report(ReportState::New);
        let end = |seconds: &i64| reading().kills[0].ended_at - chrono::TimeDelta::seconds(*seconds);
        let metric = MetricRanks {
            partition: 1,
            read_at: Some(noon() - chrono::TimeDelta::hours(read_hours_ago)),
            encounters: BTreeMap::from([(7, EncounterRank { rank_percent: 50.0, kills: 3 })]),
            ends: BTreeMap::from([(7, seconds_before.iter().map(end).collect())]),
            ..MetricRanks::default()
        };
        let ranks = BTreeMap::from([(31, BTreeMap::from([(4, BTreeMap::from([("dps".to_owned(), metric)]))]))]);
        store.players.borrow_mut().insert(1, Player { id: 1, identity: identity(1), ranks });
        store
    }

    #[tokio::test]
    async fn a_log_found_after_a_full_reading_leads_to_another_unless_its_kills_are_known() {
        // The log is found at noon; the kill was 27 hours before.
        for (read_hours_ago, remembered, is_read_again, state) in [
            (26, &[] as &[i64], true, ReportState::Done),
            (26, &[90], false, ReportState::Done),
            (26, &[-90], false, ReportState::Done),
            (26, &[121], true, ReportState::Done),
            (2, &[], false, ReportState::Again),
            (2, &[90], false, ReportState::Done),
            (0, &[], false, ReportState::Done),
            (28, &[], false, ReportState::Done),
            (27, &[], true, ReportState::Done),
        ] {
            let told = format!("read {read_hours_ago} hours ago, {remembered:?} remembered");
            let store = with_player(read_hours_ago, remembered);
            let mut reading = reading();
            reading.rows.truncate(1);
            run(&store, &api_with_report(ReportOutcome::Read(reading)), 1, &[report_message("r")]).await.unwrap();
            assert_eq!(store.discovers.borrow().contains_key(&1), is_read_again, "{told}");
            assert_eq!(store.reports.borrow()["aBcD"].state, state, "{told}");
            let kills = store.players.borrow()[&1].ranks[&31][&4]["dps"].encounters[&7].kills;
            assert_eq!(kills, if read_hours_ago == 28 { 4 } else { 3 }, "{told}");
        }
    }

    #[tokio::test]
    async fn a_kill_that_is_too_old_to_be_folded_in_leads_to_a_full_reading() {
        for (ended_days_ago, seconds, is_read_again) in [(35, 0, false), (35, 1, true), (39, 0, true), (41, 0, true)] {
            let store = with_player(40 * 24, &[]);
            let mut reading = reading();
            reading.rows.truncate(1);
            reading.kills[0].ended_at =
                noon() - chrono::TimeDelta::days(ended_days_ago) - chrono::TimeDelta::seconds(seconds);
            run(&store, &api_with_report(ReportOutcome::Read(reading)), 1, &[report_message("r")]).await.unwrap();
            assert_eq!(store.discovers.borrow().contains_key(&1), is_read_again, "{ended_days_ago} days, {seconds} s");
        }
    }

    #[tokio::test]
    async fn nothing_is_folded_into_a_player_that_cannot_be_read() {
        let store = with_report(ReportState::New);
        store.broken_players.borrow_mut().push(1);
        let summary =
            run(&store, &api_with_report(ReportOutcome::Read(reading())), 1, &[report_message("r")]).await.unwrap();
        assert_eq!(summary.skipped, ["report aBcD: players 1: ranks is an array"]);
        assert_eq!((summary.done, summary.players_of_reports), (1, 1));
        assert_eq!(store.players.borrow().keys().copied().collect::<Vec<_>>(), [30]);
    }

    #[tokio::test]
    async fn a_log_found_late_waits_as_long_as_aggregator_takes_a_reading_for_fresh() {
        for (hours, state) in [(20, ReportState::Done), (48, ReportState::Again)] {
            let store = with_player(26, &[]);
            let api = api_with_report(ReportOutcome::Read(reading()));
            let config = RankConfig { rerank_after: Duration::from_secs(hours * 3600), ..CONFIG };
            rank_batch(&store, &api, &TestClock::at(noon()), &config, 1, &[report_message("r")]).await.unwrap();
            let report = store.reports.borrow()["aBcD"].clone();
            assert_eq!(report.state, state, "{hours} hours");
            assert!(hours == 20 || report.due_at == noon() + chrono::TimeDelta::hours(22), "{}", report.due_at);
        }
    }

    #[tokio::test]
    async fn a_full_reading_keeps_the_ends_of_kills_of_its_partition() {
        let days = |days: i64| days * 86_400;
        for (partition, left) in [(1, 1), (2, 0)] {
            let store = with_player(30, &[days(36), days(1)]);
            let metric = MetricRanks { partition, read_at: Some(noon()), ..MetricRanks::default() };
            let ranks = DifficultyRanks::from([("dps".to_owned(), metric.clone()), ("hps".to_owned(), metric)]);
            let parts = vec![RankedPart { raid: 31, difficulty: 4, ranks }];
            let update = PlayerUpdate::Ranked { id: 1, identity: identity(1), parts };
            let api = api(&[("a", 3600.0)], [(1, RankOutcome::Update(update))]);
            run(&store, &api, 1, &[message("x", 1)]).await.unwrap();
            let metrics = &store.players.borrow()[&1].ranks[&31][&4];
            assert_eq!(metrics["dps"].ends.values().flatten().count(), left, "partition {partition}");
            assert!(metrics["hps"].ends.is_empty() && metrics["dps"].encounters.is_empty());
        }
    }

    #[tokio::test]
    async fn of_a_reports_kills_the_newest_tells_who_a_player_is() {
        for order in [["Old", "New"], ["New", "Old"]] {
            let store = with_report(ReportState::New);
            let mut reading = reading();
            let (kill, row) = (reading.kills[0], reading.rows[0].clone());
            let ended_at = kill.ended_at - chrono::TimeDelta::minutes(20);
            reading.kills.push(Kill { fight: 2, ended_at, ..kill });
            reading.rows = order
                .iter()
                .map(|name| RankRow {
                    identity: crate::player::Identity { name: (*name).to_owned(), ..identity(1) },
                    fight: if *name == "New" { 1 } else { 2 },
                    ..row.clone()
                })
                .collect();
            run(&store, &api_with_report(ReportOutcome::Read(reading)), 1, &[report_message("r")]).await.unwrap();
            assert_eq!(store.players.borrow()[&1].identity.name, "New", "{order:?}");
        }
    }
}

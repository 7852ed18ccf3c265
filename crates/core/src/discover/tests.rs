//! Whole invocations over fakes: which rules are worked, for how long, and what is remembered of them.

mod reports;

use std::time::Duration;

use anyhow::anyhow;
use chrono::{SubsecRound, TimeDelta};
use serde_json::json;

use super::pages::{Pace, PagesConfig};
use super::run::lease;
use super::*;
use crate::ports::{ApiError, Board};
use crate::report::{DetailOutcome, Kill, ListedReport, RankedCharacter, ReportDetails};
use crate::rule::tests::rule;
use crate::rule::{Lease, PageRange, Progress, RanksKind, RuleId, RuleState, Share, SourceKind, Wait};
use crate::scrap::RaidsToScrap;
use crate::testing::{Asked, Memory, TestClock, TestWcl, TokioClock, noon};

/// Anything that may happen when WCL is asked.
trait OnAsk: AsyncFn(&Asked) -> std::result::Result<(), ApiError> {}
impl<F: AsyncFn(&Asked) -> std::result::Result<(), ApiError>> OnAsk for F {}

fn config() -> DiscoverConfig {
    DiscoverConfig {
        delay: Duration::from_secs(24 * 3600),
        pages: PagesConfig { pages_per_thread: 200, max_threads: 1, pace: Pace::per_second(1e6) },
        lookback: Duration::from_secs(72 * 3600),
        report_delay: Duration::from_secs(26 * 3600),
        regions: BTreeSet::new(),
    }
}

fn invocation() -> Invocation {
    Invocation { owner: "me".to_owned(), deadline: None, renew_every: None, only: None }
}

fn until(deadline: Timestamp) -> Invocation {
    Invocation { deadline: Some(deadline), ..invocation() }
}

async fn run<F: OnAsk, C: Clock>(
    store: &Memory,
    wcl: &TestWcl<F>,
    clock: &C,
    backfill: Option<Target>,
    invocation: &Invocation,
) -> Result<DiscoverSummary> {
    let ports = DiscoverPorts { store, api: wcl, site: wcl, clock };
    discover(&ports, &config(), backfill, invocation).await
}

/// An invocation at noon that has all the time it needs.
async fn work<F: OnAsk>(store: &Memory, wcl: &TestWcl<F>) -> DiscoverSummary {
    run(store, wcl, &TestClock::at(noon()), None, &invocation()).await.unwrap()
}

/// A rule for the reports of raid 31.
fn by_reports(id: &str, difficulty: u8, hours_ago: Option<i64>) -> Rule {
    let mut rule = rule(id, hours_ago);
    (rule.target.source, rule.target.difficulty) = (SourceKind::Reports, difficulty);
    rule
}

fn with_rules(rules: impl IntoIterator<Item = Rule>) -> Memory {
    let store = Memory::default();
    store.rules.borrow_mut().extend(rules);
    store
}

/// A report of three hours that began so many hours ago.
fn listed(code: &str, began_hours_ago: i64) -> ListedReport {
    let start = noon() - TimeDelta::hours(began_hours_ago);
    let (code, region) = (code.to_owned(), Some("EU".to_owned()));
    ListedReport { code, revision: 1, region, start, end: start + TimeDelta::hours(3) }
}

fn details(players: &[u32], difficulties: &[u8]) -> ReportDetails {
    let character = |&id: &u32| RankedCharacter { id, canonical_id: None, hidden: false };
    let kill = |&difficulty: &u8| Kill { fight: 1, encounter: 7, difficulty, ended_at: noon() };
    ReportDetails {
        characters: players.iter().map(character).collect(),
        kills: difficulties.iter().map(kill).collect(),
        skipped: vec![],
    }
}

/// Adds a report of two hours ago in which these players killed a boss in these difficulties.
fn add_report<F>(wcl: &mut TestWcl<F>, code: &str, players: &[u32], difficulties: &[u8]) {
    wcl.reports.push(listed(code, 2));
    wcl.details.insert(code.to_owned(), DetailOutcome::Read(details(players, difficulties)));
}

/// A board of so many pages with two players each.
fn board(pages: u32) -> Vec<Vec<u32>> {
    (0..pages).map(|page| vec![2 * page + 1, 2 * page + 2]).collect()
}

fn pages_asked<F>(wcl: &TestWcl<F>) -> Vec<u32> {
    let page = |asked: &Asked| if let Asked::Page(_, page) = asked { Some(*page) } else { None };
    wcl.asked.borrow().iter().filter_map(page).collect()
}

fn state(store: &Memory, rule: usize) -> RuleState {
    store.rules.borrow()[rule].state.clone()
}

/// To the second: the pace of ranking pages takes its microseconds.
fn last_run(store: &Memory, rule: usize) -> Option<Timestamp> {
    store.rules.borrow()[rule].last_run.map(|last_run| last_run.trunc_subsecs(0))
}

fn refusal() -> ApiError {
    ApiError::Refused("a human check".to_owned())
}

fn block(minutes_left: i64) -> Block {
    let until = noon() + TimeDelta::minutes(minutes_left);
    Block { at: noon(), since: noon(), until, refusals: 1, reason: "a human check".to_owned() }
}

#[tokio::test]
async fn a_board_is_read_to_its_end_and_its_rule_is_done_until_it_is_due_again() {
    let store = with_rules([rule("a", None)]);
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    wcl.board = board(3);
    let summary = serde_json::to_value(work(&store, &wcl).await).unwrap();
    let expected = json!({ "rule": "a", "raid": 31, "difficulty": 4, "startPage": 1, "endPage": 600, "source": "site",
                           "pages": 3, "players": 6, "skipped": 0, "stopped": "endOfBoard" });
    assert_eq!(summary, expected);
    let board = Board { raid: 31, difficulty: 4, partition: 2 };
    assert_eq!(wcl.asked.borrow()[..2], [Asked::Zone(31), Asked::Page(board, 1)], "of the partition that counts now");
    assert_eq!(*store.discovers.borrow(), (1..=6).map(|id| (id, RaidsToScrap::one(31, 4))).collect());
    assert!(store.raids.borrow().contains_key(&31), "the raid's names are kept");
    assert_eq!((state(&store, 0), last_run(&store, 0)), (RuleState::default(), Some(noon())));
    assert_eq!(work(&store, &wcl).await.stopped(), StopReason::NothingDue);
}

#[tokio::test]
async fn rules_that_are_due_are_worked_one_after_the_other_and_summed_up() {
    let mut mythic = rule("b", Some(50));
    mythic.target.difficulty = 5;
    mythic.target.end_page = 2;
    let store = with_rules([rule("a", Some(30)), mythic, rule("fresh", Some(3))]);
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    wcl.board = board(3);
    let clock = TestClock::at(noon());
    let summary = run(&store, &wcl, &clock, None, &until(noon() + TimeDelta::minutes(15))).await.unwrap();
    let told: Vec<_> = summary.rules.iter().map(|rule| (rule.rule.clone().unwrap().0, rule.stopped)).collect();
    let expected = [("b".to_owned(), StopReason::Complete), ("a".to_owned(), StopReason::EndOfBoard)];
    assert_eq!(told, expected, "the most overdue first");
    let json = serde_json::to_value(summary).unwrap();
    assert_eq!((&json["pages"], &json["players"], &json["skipped"]), (&json!(5), &json!(10), &json!(0)));
    assert_eq!((json["stopped"].as_str(), json.get("reports")), (Some("complete"), None));
    assert_eq!(json["rules"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn only_the_rules_that_the_invocation_names_are_worked() {
    let store = with_rules([rule("a", None), by_reports("b", 4, None), by_reports("c", 5, None)]);
    let wcl = TestWcl::new(async |_: &Asked| Ok(()));
    let only = Invocation { only: Some(BTreeSet::from([RuleId("b".to_owned())])), ..invocation() };
    run(&store, &wcl, &TestClock::at(noon()), None, &only).await.unwrap();
    assert_eq!([0, 1, 2].map(|rule| last_run(&store, rule)), [None, Some(noon()), None]);
}

#[tokio::test]
async fn a_rule_is_worked_once_in_an_invocation_although_it_is_due_again() {
    let store = with_rules([rule("a", None), by_reports("b", 4, None)]);
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    wcl.board = board(2);
    let clock = TestClock::at(noon());
    let config = DiscoverConfig { delay: Duration::ZERO, ..config() };
    let ports = DiscoverPorts { store: &store, api: &wcl, site: &wcl, clock: &clock };
    let summary = discover(&ports, &config, None, &invocation()).await.unwrap();
    let worked: Vec<_> = summary.rules.iter().map(|rule| rule.rule.clone().unwrap().0).collect();
    assert_eq!(worked, ["a", "b"]);
}

#[test]
fn of_several_rules_the_first_that_did_not_end_says_why() {
    let stopped = |reasons: &[StopReason]| {
        let rules = reasons.iter().map(|reason| RuleSummary::new(None, None, *reason)).collect();
        DiscoverSummary { rules, ..DiscoverSummary::default() }.stopped()
    };
    use StopReason::{Blocked, Complete, Deadline, EndOfBoard, NothingDue};
    assert_eq!(stopped(&[Complete, Deadline, Blocked]), Deadline);
    assert_eq!(stopped(&[EndOfBoard, Complete]), EndOfBoard);
    assert_eq!(stopped(&[]), NothingDue);
}

#[tokio::test]
async fn why_no_rule_is_worked_is_told() {
    let wcl = TestWcl::new(async |_: &Asked| Ok(()));
    let idle = async |rule: Rule| {
        let summary = work(&with_rules([rule]), &wcl).await;
        assert!(wcl.asked.borrow().is_empty());
        serde_json::to_value(summary).unwrap()
    };
    let nothing = json!({ "rule": null, "pages": 0, "players": 0, "skipped": 0, "stopped": "nothingDue" });
    assert_eq!(idle(rule("fresh", Some(2))).await, nothing);

    let mut refused = rule("refused", None);
    refused.state.block = Some(block(20));
    let until = noon() + TimeDelta::minutes(20);
    let blocked = json!({ "rule": null, "pages": 0, "players": 0, "skipped": 0, "stopped": "blocked", "reason": "a human check",
                          "blockedUntil": until, "refused": true });
    assert_eq!(idle(refused).await, blocked);

    let mut poor = rule("poor", None);
    poor.state.wait = Some(Wait::for_points(until));
    let told = idle(poor).await;
    assert_eq!((told["stopped"].as_str(), &told["blockedUntil"]), (Some("blocked"), &json!(until)));
    assert!(told["reason"].as_str().unwrap().starts_with("no points left until") && told.get("refused").is_none());
}

/// How many pages of a board are begun before a deadline in so many seconds, where each answer takes so long.
async fn pages_before(deadline: i64, answer: i64) -> (usize, StopReason) {
    let store = with_rules([rule("a", None), rule("b", None)]);
    let clock = TestClock::at(noon());
    let mut wcl = TestWcl::new(async |_: &Asked| {
        clock.advance(TimeDelta::seconds(answer));
        Ok(())
    });
    wcl.board = board(100);
    let invocation = until(noon() + TimeDelta::seconds(deadline));
    let summary = run(&store, &wcl, &clock, None, &invocation).await.unwrap();
    assert_eq!(summary.rules.len(), 1, "and no other rule");
    (pages_asked(&wcl).len(), summary.stopped())
}

#[tokio::test]
async fn no_page_is_begun_whose_answer_may_come_too_late() {
    // One answer is the zone's. The margin is 40 seconds, and of a short time a quarter.
    assert_eq!(pages_before(900, 170).await, (5, StopReason::Deadline));
    assert_eq!(pages_before(80, 10).await, (5, StopReason::Deadline));
}

#[tokio::test]
async fn a_run_that_is_cut_short_goes_on_where_it_stopped() {
    let store = with_rules([rule("a", None)]);
    let clock = TestClock::at(noon());
    let mut wcl = TestWcl::new(async |asked: &Asked| {
        if let Asked::Page(_, 3) = asked {
            clock.advance(TimeDelta::minutes(14));
        }
        Ok(())
    });
    wcl.board = board(5);
    let first = run(&store, &wcl, &clock, None, &until(noon() + TimeDelta::minutes(14))).await.unwrap();
    assert_eq!((first.stopped(), first.rules[0].pages, first.rules[0].players), (StopReason::Deadline, 3, 6));
    let kept = state(&store, 0);
    assert_eq!((kept.lease, kept.progress.unwrap().remaining), (None, vec![PageRange { next: 4, end: 600 }]));
    assert_eq!(last_run(&store, 0), None);
    let second = run(&store, &wcl, &clock, None, &invocation()).await.unwrap();
    assert_eq!((second.stopped(), second.rules[0].pages, second.rules[0].players), (StopReason::EndOfBoard, 2, 4));
    assert_eq!(pages_asked(&wcl), [1, 2, 3, 4, 5]);
    assert_eq!(store.discovers.borrow().len(), 10);
}

#[tokio::test]
async fn how_far_a_run_came_is_stored_with_each_page_and_its_lease_lasts_longer() {
    let store = with_rules([rule("a", None)]);
    let clock = TestClock::at(noon());
    let mut wcl = TestWcl::new(async |asked: &Asked| {
        if let Asked::Page(_, page) = asked {
            // Storing the page before goes on while this one is on its way.
            tokio::task::yield_now().await;
            let state = state(&store, 0);
            let lease = state.lease.unwrap();
            assert_eq!(lease.owner, "me");
            let age = (lease.expires_at - clock.now().trunc_subsecs(0)).num_minutes();
            assert_eq!(
                (age, state.progress.map(|progress| progress.pages)),
                (10, page.checked_sub(1).filter(|read| *read > 0))
            );
            clock.advance(TimeDelta::minutes(6));
        }
        Ok(())
    });
    wcl.board = board(4);
    assert_eq!(run(&store, &wcl, &clock, None, &invocation()).await.unwrap().stopped(), StopReason::EndOfBoard);
}

#[test]
fn a_lease_lasts_for_four_heartbeats_or_until_just_after_the_deadline() {
    let lasts = |deadline: Option<i64>, renew_every: Option<u64>| {
        let deadline = deadline.map(|minutes| noon() + TimeDelta::minutes(minutes));
        let invocation = Invocation { deadline, renew_every: renew_every.map(Duration::from_secs), ..invocation() };
        (lease(noon(), &invocation).expires_at - noon()).num_seconds()
    };
    assert_eq!(lasts(Some(15), None), 16 * 60);
    assert_eq!(lasts(Some(15), Some(30)), 120);
    assert_eq!(lasts(None, Some(30)), 120);
    assert_eq!(lasts(None, None), 600);
}

fn with_heartbeat() -> Invocation {
    Invocation { renew_every: Some(Duration::from_secs(10)), ..invocation() }
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_keeps_the_leases_while_an_answer_takes_long() {
    let store = with_rules([by_reports("a", 4, None), by_reports("b", 5, None)]);
    let clock = TokioClock::at_noon();
    let wcl = TestWcl::new(async |_: &Asked| {
        tokio::time::sleep(Duration::from_secs(300)).await;
        for rule in [0, 1] {
            let lease = state(&store, rule).lease.unwrap();
            assert!(lease.owner == "me" && lease.expires_at > clock.now(), "{lease:?} at {}", clock.now());
        }
        Ok(())
    });
    let summary = run(&store, &wcl, &clock, None, &with_heartbeat()).await.unwrap();
    assert!(summary.failures.is_empty() && summary.stopped() == StopReason::Complete, "{summary:?}");
}

/// Another invocation takes the rule over while WCL is asked for the raid, which takes `minutes`.
async fn taken_over(rule: usize, minutes: u64) -> (Memory, DiscoverSummary) {
    let store = with_rules([by_reports("a", 4, None), by_reports("b", 5, None)]);
    let clock = TokioClock::at_noon();
    let wcl = TestWcl::new(async |asked: &Asked| {
        if let Asked::Zone(_) = asked {
            let expires_at = noon() + TimeDelta::days(1);
            let lease = Some(Lease { owner: "another".to_owned(), expires_at });
            store.rules.borrow_mut()[rule].state.lease = lease;
            tokio::time::sleep(Duration::from_secs(60 * minutes)).await;
        }
        Ok(())
    });
    let invocation = with_heartbeat();
    let running = run(&store, &wcl, &clock, None, &invocation);
    let summary = tokio::time::timeout(Duration::from_secs(3600), running).await.unwrap().unwrap();
    drop(wcl);
    (store, summary)
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_rule_was_taken_over_ends_and_changes_nothing() {
    let (store, summary) = taken_over(0, 24 * 60).await;
    let failure = &summary.failures[0];
    assert_eq!(failure.to_string(), "rule a (raid 31, difficulty 4)");
    assert_eq!(failure.cause.to_string(), "rule a was removed, or another invocation took it over");
    assert_eq!((state(&store, 0).lease.unwrap().owner.as_str(), last_run(&store, 0)), ("another", None));
}

#[tokio::test(start_paused = true)]
async fn a_run_goes_on_without_a_rule_that_only_shared_its_reading() {
    let (store, summary) = taken_over(1, 1).await;
    assert!(summary.failures.is_empty(), "{summary:?}");
    assert!(last_run(&store, 0).is_some());
    assert_eq!((state(&store, 1).lease.unwrap().owner.as_str(), last_run(&store, 1)), ("another", None));
}

#[tokio::test]
async fn rules_of_one_raid_are_served_by_one_reading_of_its_reports() {
    let mut waits = by_reports("waits", 1, None);
    waits.state.wait = Some(Wait::after_failure(None, noon(), "no such raid".to_owned()));
    let paused = Rule { enabled: false, ..by_reports("paused", 3, None) };
    let store = with_rules([by_reports("a", 4, Some(40)), by_reports("fresh", 5, Some(2)), waits, paused]);
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    add_report(&mut wcl, "x", &[1, 2], &[4, 5]);
    add_report(&mut wcl, "y", &[3], &[1, 3, 5]);
    wcl.garbled.borrow_mut().push("report z: no start".to_owned());
    let summary = work(&store, &wcl).await;
    assert!(wcl.asked.borrow().iter().filter(|asked| matches!(asked, Asked::Details(_))).count() == 1);
    let [leader, sibling] = summary.rules.as_slice() else { panic!("{summary:?}") };
    // A list of the last day, and one of the three days and sixteen hours before.
    assert_eq!((leader.pages, leader.players, leader.skipped), (2, 2, 1));
    assert_eq!((sibling.pages, sibling.players, sibling.skipped, sibling.reports), (0, 3, 0, None));
    let who = |rule: &RuleSummary| (rule.rule.clone().unwrap().0, rule.target.as_ref().unwrap().difficulty);
    assert_eq!((who(leader), who(sibling)), (("a".to_owned(), 4), ("fresh".to_owned(), 5)));
    assert_eq!([0, 1, 2, 3].map(|rule| last_run(&store, rule) == Some(noon())), [true, true, false, false]);
    assert_eq!(store.discovers.borrow()[&1].pairs().collect::<Vec<_>>(), [(31, 4), (31, 5)]);
    assert_eq!(store.discovers.borrow()[&3], RaidsToScrap::one(31, 5));
}

#[tokio::test]
async fn a_rule_that_came_after_a_reading_was_begun_is_worked_another_time() {
    let store = with_rules([by_reports("a", 4, None), by_reports("new", 5, None)]);
    let target = by_reports("a", 4, None).target;
    let begun = Progress {
        windows: vec![crate::rule::WindowLeft::unread(noon() - TimeDelta::hours(9), noon())],
        shares: vec![Share {
            rule: Some(RuleId("a".to_owned())),
            target: target.clone(),
            from: noon() - TimeDelta::hours(9),
            left_behind: None,
        }],
        pages: 3,
        players: 20,
        skipped: 2,
        ..Progress::of(target, noon())
    };
    store.rules.borrow_mut()[0].state.progress = Some(begun);
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    add_report(&mut wcl, "x", &[1], &[4, 5]);
    wcl.garbled.borrow_mut().push("report z: no start".to_owned());
    let summary = work(&store, &wcl).await;
    let [begun, new] = summary.rules.as_slice() else { panic!("{summary:?}") };
    assert_eq!((begun.pages, begun.players, begun.skipped), (1, 1, 1), "of this invocation");
    assert_eq!(
        (new.rule.clone().unwrap().0.as_str(), new.pages, new.players),
        ("new", 3, 1),
        "by a reading of its own"
    );
    assert_eq!([0, 1].map(|rule| last_run(&store, rule)), [Some(noon()); 2]);
}

#[tokio::test]
async fn missing_points_let_all_rules_of_a_reading_wait_for_the_reset() {
    let resets_at = noon() + TimeDelta::minutes(20);
    let store = with_rules([by_reports("a", 4, None), by_reports("b", 5, None)]);
    let wcl = TestWcl::new(async |_: &Asked| Err(ApiError::PointsExhausted { resets_at }));
    let summary = work(&store, &wcl).await;
    for rule in [0, 1] {
        assert_eq!(summary.rules[rule].blocked_until, Some(resets_at));
        assert!(summary.rules[rule].stopped == StopReason::Blocked && !summary.rules[rule].refused);
        let state = state(&store, rule);
        assert_eq!((state.wait.unwrap().until, state.lease, state.block), (resets_at, None, None));
        assert_eq!(last_run(&store, rule), None);
    }
    assert_eq!(wcl.asked.borrow().len(), 1, "nothing further is asked");
}

#[tokio::test]
async fn a_refusal_stops_every_rule_of_its_source_and_the_others_are_worked() {
    let mut reports = by_reports("c", 4, None);
    reports.target.raid = 30;
    let store = with_rules([rule("a", Some(60)), rule("b", None), reports]);
    let wcl = TestWcl::new(async |asked: &Asked| if let Asked::Page(..) = asked { Err(refusal()) } else { Ok(()) });
    store.raids.borrow_mut().insert(30, crate::player::Raid { id: 30, name: String::new(), encounters: vec![] });
    let summary = work(&store, &wcl).await;
    let told: Vec<_> = summary.rules.iter().map(|rule| (rule.stopped, rule.refused)).collect();
    assert_eq!(told, [(StopReason::Blocked, true), (StopReason::Complete, false)]);
    assert_eq!(pages_asked(&wcl), [1], "asked once, and for no other rule");
    assert_eq!(state(&store, 1).block.unwrap().reason, "refused by the API: a human check");
    assert_eq!((last_run(&store, 1), last_run(&store, 2)), (None, Some(noon())));
}

#[tokio::test]
async fn a_rule_that_fails_is_told_and_the_others_are_worked_all_the_same() {
    let mut unknown = rule("a", None);
    unknown.target.raid = 99;
    let store = with_rules([unknown, rule("b", None)]);
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    wcl.board = board(1);
    let summary = work(&store, &wcl).await;
    let error = format!("{:#}", summary.failures.into_iter().next().unwrap().into_anyhow());
    assert_eq!(error, "rule a (raid 99, difficulty 4): WCL has no raid 99");
    assert_eq!((summary.rules.len(), last_run(&store, 1)), (1, Some(noon())));
    let state = state(&store, 0);
    assert_eq!((state.lease, state.wait.unwrap().failures), (None, 1));
}

#[tokio::test]
async fn rows_that_are_not_understood_are_counted() {
    let store = with_rules([rule("a", None)]);
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    (wcl.board, wcl.odd_rows) = (board(3), 2);
    let summary = work(&store, &wcl).await;
    assert_eq!((summary.rules[0].players, summary.rules[0].skipped), (6, 6));
}

#[tokio::test]
async fn a_page_that_stays_broken_is_counted_and_named() {
    let store = with_rules([rule("a", None)]);
    let mut wcl = TestWcl::new(async |asked: &Asked| match asked {
        Asked::Page(_, 2) => Err(anyhow!("garbled").into()),
        _ => Ok(()),
    });
    wcl.board = board(40);
    let summary = serde_json::to_value(work(&store, &wcl).await).unwrap();
    assert_eq!(
        (&summary["pages"], &summary["skipped"], &summary["skippedPages"]),
        (&json!(39), &json!(1), &json!([2]))
    );
    assert_eq!((state(&store, 0), last_run(&store, 0)), (RuleState::default(), Some(noon() + TimeDelta::seconds(12))));
}

#[tokio::test]
async fn a_backfill_reads_exactly_its_pages_and_touches_no_rule() {
    let store = with_rules([rule("a", None)]);
    let before = store.rules.borrow().clone();
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    wcl.board = board(9);
    let target = Target { start_page: 3, end_page: 5, partition: Some(7), ..rule("a", None).target };
    let backfill = async |target| run(&store, &wcl, &TestClock::at(noon()), Some(target), &invocation()).await;
    let summary = backfill(target.clone()).await.unwrap();
    assert_eq!((summary.rules[0].pages, summary.rules[0].rule.as_ref()), (3, None));
    let asked = |page| Asked::Page(Board { raid: 31, difficulty: 4, partition: 7 }, page);
    assert_eq!(*wcl.asked.borrow(), [3, 4, 5].map(asked));
    assert_eq!(*store.rules.borrow(), before);
    let error = backfill(Target { difficulty: 2, ..target }).await.unwrap_err();
    assert!(error.to_string().starts_with("difficulty 2 is none of"), "{error}");
}

#[tokio::test]
async fn a_backfill_that_is_refused_pauses_the_rules_of_its_source() {
    let held = Lease { owner: "another".to_owned(), expires_at: noon() + TimeDelta::minutes(5) };
    let mut of_another = rule("held", Some(2));
    of_another.state.lease = Some(held.clone());
    let store =
        with_rules([by_reports("reports", 4, Some(3)), of_another, rule("free", Some(2)), rule("next", Some(2))]);
    let wcl = TestWcl::new(async |asked: &Asked| if let Asked::Page(..) = asked { Err(refusal()) } else { Ok(()) });
    let backfill =
        async || run(&store, &wcl, &TestClock::at(noon()), Some(rule("any", None).target), &invocation()).await;
    let first = backfill().await.unwrap();
    assert_eq!((first.stopped(), first.rules[0].refused), (StopReason::Blocked, true));
    let states: Vec<_> = (0..4).map(|rule| state(&store, rule)).collect();
    let blocked: Vec<_> = states.iter().map(|state| state.block.is_some()).collect();
    assert_eq!(blocked, [false, false, true, false], "kept with the first that is free");
    assert_eq!((states[1].lease.as_ref(), &states[2].lease), (Some(&held), &None));
    let asked = wcl.asked.borrow().len();
    let second = backfill().await.unwrap();
    assert_eq!(
        (second.stopped(), second.rules[0].reason.as_deref()),
        (StopReason::Blocked, Some("refused by the API: a human check"))
    );
    assert_eq!(second.rules[0].blocked_until, Some(noon() + TimeDelta::hours(1)));
    assert_eq!(wcl.asked.borrow().len(), asked, "the pause holds for backfills, too");
}

#[tokio::test]
async fn a_backfill_that_is_refused_is_remembered_although_no_rule_can_keep_it() {
    let mut busy = rule("busy", Some(30));
    busy.state.lease = Some(Lease { owner: "another".to_owned(), expires_at: noon() + TimeDelta::hours(9) });
    for rules in [vec![], vec![busy]] {
        let store = with_rules(rules);
        let refuses = std::cell::Cell::new(true);
        let wcl = TestWcl::new(async |asked: &Asked| match asked {
            Asked::Page(..) if refuses.get() => Err(refusal()),
            _ => Ok(()),
        });
        let clock = TestClock::at(noon());
        let backfill = async || run(&store, &wcl, &clock, Some(rule("any", None).target), &invocation()).await.unwrap();
        let until = |summary: DiscoverSummary| summary.rules[0].blocked_until.map(|until| (until - noon()).num_hours());
        assert_eq!(until(backfill().await), Some(1));
        let asked = wcl.asked.borrow().len();
        assert_eq!((until(backfill().await), wcl.asked.borrow().len()), (Some(1), asked), "it is not asked again");
        store.rules.borrow_mut().push(rule("new", Some(30)));
        let summary = run(&store, &wcl, &clock, None, &invocation()).await.unwrap();
        assert_eq!((until(summary), wcl.asked.borrow().len()), (Some(1), asked), "nor for a rule that came since");
        store.rules.borrow_mut().pop();
        clock.advance(TimeDelta::hours(1));
        assert_eq!(until(backfill().await), Some(3), "the pause grows");
        // A rule whose own refusal is long over.
        let old = Block::after(None, noon() - TimeDelta::days(1), "403".to_owned());
        let mut resumed = rule("resumed", Some(30));
        resumed.state.block = Some(old);
        store.rules.borrow_mut().push(resumed);
        assert_eq!(until(run(&store, &wcl, &clock, None, &invocation()).await.unwrap()), Some(3));
        store.rules.borrow_mut().pop();
        refuses.set(false);
        clock.advance(TimeDelta::hours(2));
        assert_eq!(backfill().await.stopped(), StopReason::EndOfBoard);
        assert!(store.refusals.borrow().is_empty());
    }
}

#[tokio::test]
async fn a_refusal_that_is_kept_is_forgotten_when_a_rule_of_its_source_is_finished() {
    let store = with_rules([rule("a", Some(30))]);
    let kept = Block::after(None, noon() - TimeDelta::hours(2), "403".to_owned());
    store.refusals.borrow_mut().insert(SourceKind::Site, kept.clone());
    let clock = TestClock::at(noon());
    let mut wcl = TestWcl::new(async |_: &Asked| {
        clock.advance(TimeDelta::minutes(10));
        Ok(())
    });
    wcl.board = board(2);
    run(&store, &wcl, &clock, None, &until(noon() + TimeDelta::minutes(15))).await.unwrap();
    assert_eq!(store.refusals.borrow().len(), 1, "it was cut short");
    run(&store, &wcl, &clock, None, &invocation()).await.unwrap();
    assert!(store.refusals.borrow().is_empty() && last_run(&store, 0).is_some());
    // One that was written down before the rule's success holds nobody up.
    store.refusals.borrow_mut().insert(SourceKind::Site, Block { until: noon() + TimeDelta::hours(9), ..kept });
    let refuses = TestWcl::new(async |asked: &Asked| if let Asked::Page(..) = asked { Err(refusal()) } else { Ok(()) });
    let backfill =
        run(&store, &refuses, &TestClock::at(noon()), Some(rule("any", None).target), &invocation()).await.unwrap();
    assert_eq!(backfill.rules[0].blocked_until, Some(noon() + TimeDelta::hours(1)), "the first refusal of a row");
}

#[tokio::test]
async fn a_rule_that_was_edited_since_starts_anew() {
    let store = with_rules([rule("a", None)]);
    let target = Target { end_page: 3, ..rule("a", None).target };
    let remaining = vec![PageRange { next: 2, end: 3 }];
    let before = Progress { remaining, pages: 1, ..Progress::of(target, noon() - TimeDelta::hours(1)) };
    store.rules.borrow_mut()[0].state.progress = Some(before);
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    wcl.board = board(4);
    work(&store, &wcl).await;
    assert_eq!(pages_asked(&wcl), [1, 2, 3, 4]);
}

use std::collections::BTreeMap;

use serde_json::json;

use super::census::{Boss, Counter, age_group, rank_group};
use super::*;
use crate::journal::Run;
use crate::left_out::LeftOut;
use crate::player::{EncounterRank, Identity, MetricRanks, Player, RaidRanks};
use crate::ports::ReportLag;
use crate::rule::{Block, Lease, RuleId, RuleState, Target, Wait};

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::days(20_001)
}

fn player(id: u32, region: &str, days_ago: i64, rank_percent: f64) -> Player {
    let ranked_at = now() - TimeDelta::days(days_ago);
    let encounters = BTreeMap::from([(2587, EncounterRank { rank_percent, kills: 1 })]);
    let metric = MetricRanks { partition: 1, ranked_at, encounters, ..MetricRanks::default() };
    let identity = Identity {
        name: "A".into(),
        region: region.into(),
        server: "B".into(),
        normalized_server: "B".into(),
        class_id: 9,
    };
    let ranks = RaidRanks::from([(31, BTreeMap::from([(4, BTreeMap::from([("dps".to_owned(), metric)]))]))]);
    Player { id, identity, ranks }
}

fn rule(id: &str, state: RuleState) -> Rule {
    let target: Target = serde_json::from_value(json!({ "raid": 31, "difficulty": 4 })).unwrap();
    Rule { id: RuleId(id.into()), target, last_run: None, enabled: true, state }
}

#[test]
fn ages_and_ranks_fall_into_their_groups() {
    let group = |hours| age_group(now() - TimeDelta::hours(hours), now());
    assert_eq!([-5, 0, 23, 24, 71, 72, 24 * 90].map(group), [0, 0, 0, 1, 1, 2, 6]);
    assert_eq!([-1.0, 0.0, 4.99, 5.0, 99.9, 100.0, 1e9, f64::NAN].map(rank_group), [0, 0, 0, 1, 19, 19, 19, 0]);
}

#[test]
fn players_are_counted_by_region_age_and_boss() {
    let mut counter = Counter::default();
    for (id, region, days, rank) in [(1, "EU", 0, 91.0), (2, "EU", 5, 12.0), (3, "US", 100, 91.0)] {
        counter.add(&player(id, region, days, rank), now());
    }
    counter.add(&Player { ranks: BTreeMap::new(), ..player(4, "EU", 0, 1.0) }, now());
    let (regions, bosses) = counter.finish();
    assert_eq!(
        regions.iter().map(|region| (region.region.as_str(), region.players)).collect::<Vec<_>>(),
        [("EU", 2), ("US", 1)]
    );
    assert_eq!(regions[0].freshness[0].players + regions[0].freshness[2].players, 2);
    assert_eq!(regions[1].freshness[6], AgeGroup { under_days: None, players: 1 });
    assert_eq!(regions[0].oldest, Some(now() - TimeDelta::days(5)));
    assert_eq!(bosses.len(), 1);
    assert_eq!(bosses[0].boss, Boss { raid: 31, difficulty: 4, metric: "dps".into(), encounter: 2587 });
    assert_eq!((bosses[0].players[18], bosses[0].players[2]), (2, 1));
    assert_eq!(bosses[0].players.iter().sum::<u64>(), 3);
}

#[test]
fn the_forecast_follows_from_what_waits_and_from_the_pace() {
    let mut counter = Counter::default();
    (0..30).for_each(|id| counter.add(&player(id, "EU", 0, 50.0), now()));
    (30..40).for_each(|id| counter.add(&player(id, "US", 40, 50.0), now()));
    let (regions, bosses) = counter.finish();
    let census = Census { discovered: 60, queued: Some(20), regions, bosses, ..Census::default() };
    let mut history = History::new(now());
    let begun = Run::begin("a".into(), "player-rank", now() - TimeDelta::days(1), None);
    history.add(&begun.ended(begun.started_at, json!({ "done": 30, "pointsSpent": 330.0 })));
    let status = Status::of("test".into(), &census, &(vec![], vec![]), &history);
    assert_eq!((status.due, status.players, status.players_a_day), (80, 40, Some(30.0)));
    assert_eq!(status.points.a_player, Some(11.0));
    assert!((status.days_until_all_ranked.unwrap() - 80.0 / 30.0).abs() < 1e-9);
    let [eu, us] = status.regions.as_slice() else { panic!("{:?}", status.regions) };
    assert_eq!((eu.due, us.due), (60, 20));
    assert_eq!(status.all_ranked_by, Some(now() + TimeDelta::hours(64)));
    assert_eq!(eu.ranked_by, Some(now() + TimeDelta::days(2)));
    assert_eq!(us.ranked_by, None, "nothing of it was ranked last week");
    assert_eq!((eu.players_a_day, us.players_a_day), (Some(30.0), None));
    assert_eq!(status.oldest_rank, Some(now() - TimeDelta::days(40)));
}

#[test]
fn a_rule_says_in_one_line_why_it_waits() {
    let later = now() + TimeDelta::hours(1);
    let block = Block { at: now(), since: now(), until: later, refusals: 1, reason: "a human check".into() };
    let wait = |failures| Wait { since: now(), until: later, failures, reason: "no such raid".into() };
    let over = Wait { until: now(), ..wait(1) };
    let lifted = Block { until: now(), ..block.clone() };
    let lease = Lease { owner: "a".into(), expires_at: later };
    let line = |state: RuleState| {
        let rule = rule("a", state);
        let status = RuleStatus::of(&rule, std::slice::from_ref(&rule), now());
        (status.state, status.is_failing)
    };
    for (state, words, is_failing) in [
        (RuleState { block: Some(block), ..Default::default() }, "refused: a human check", true),
        (RuleState { wait: Some(wait(3)), ..Default::default() }, "failed 3 times: no such raid", true),
        (RuleState { wait: Some(wait(0)), ..Default::default() }, "waits for points", false),
        (
            RuleState { wait: Some(over.clone()), ..Default::default() },
            "failed once: no such raid; tried again with",
            true,
        ),
        (RuleState { block: Some(lifted), ..Default::default() }, "was refused: a human check", true),
        (RuleState { lease: Some(lease), wait: Some(over), ..Default::default() }, "at work", false),
        (RuleState::default(), "first run", false),
    ] {
        let told = line(state);
        assert!(told.0.contains(words) && told.1 == is_failing, "{told:?}");
    }
    let points = RuleState { wait: Some(Wait { until: now(), ..wait(0) }), ..Default::default() };
    assert!(line(points).0.contains("first run"), "the points are back at this moment");
    let paused = Rule { enabled: false, ..rule("a", RuleState::default()) };
    assert_eq!(RuleStatus::of(&paused, &[], now()).state, "paused by hand");
}

#[test]
fn rules_that_fail_come_first_then_the_newest_raid_and_the_hardest_difficulty() {
    let of = |id: &str, raid, difficulty, state| {
        let rule = rule(id, state);
        Rule { target: crate::rule::Target { raid, difficulty, ..rule.target.clone() }, ..rule }
    };
    let wait = Wait { since: now(), until: now() + TimeDelta::hours(1), failures: 1, reason: "no such raid".into() };
    let failing = RuleState { wait: Some(wait), ..Default::default() };
    let rules = vec![
        of("old", 31, 5, RuleState::default()),
        of("heroic", 44, 4, RuleState::default()),
        of("mythic", 44, 5, RuleState::default()),
        of("failing", 31, 3, failing),
    ];
    let status = Status::of(String::new(), &Census::default(), &(rules, vec![]), &History::new(now()));
    let ids: Vec<_> = status.discovery.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["failing", "mythic", "heroic", "old"]);
}

#[test]
fn the_lag_of_reports_is_told_with_its_share() {
    let lag = ReportsCensus {
        total: 40,
        due: 7,
        oldest_due: Some(now() - TimeDelta::hours(9)),
        not_yet_ranked: 10,
        ..ReportsCensus::default()
    };
    let census = Census { reports: lag.clone(), ..Census::default() };
    let status = Status::of("x".into(), &census, &(vec![], vec![]), &History::new(now()));
    assert_eq!((status.reports.census, status.reports.share_not_yet_ranked), (lag, Some(0.25)));
    let none = Status::of("x".into(), &Census::default(), &(vec![], vec![]), &History::new(now()));
    assert_eq!(none.reports.share_not_yet_ranked, None);
}

#[test]
fn status_as_json_has_the_documented_names() {
    let status = Status::of("x".into(), &Census::default(), &(vec![], vec![]), &History::new(now()));
    let json = serde_json::to_value(status).unwrap();
    for name in [
        "store",
        "rules",
        "discovered",
        "queued",
        "setAside",
        "players",
        "database",
        "due",
        "playersADay",
        "points",
        "daysUntilAllRanked",
        "allRankedBy",
        "oldestRank",
        "regions",
        "reports",
        "discovery",
    ] {
        assert!(json.get(name).is_some(), "{name}: {json}");
    }
    for name in ["total", "due", "oldestDue", "notYetRanked", "shareNotYetRanked"] {
        assert!(json["reports"].get(name).is_some(), "{name}: {json}");
    }
    for name in ["anHour", "usedThisHour", "aPlayer"] {
        assert!(json["points"].get(name).is_some(), "{name}: {json}");
    }
}

#[test]
fn a_rule_tells_until_when_it_waits_and_how_far_it_came() {
    let at = |minutes| now() + TimeDelta::minutes(minutes);
    let line = |state: RuleState| {
        let rule = rule("a", state);
        RuleStatus::of(&rule, std::slice::from_ref(&rule), now()).state
    };
    let block = Block { at: now(), since: now(), until: at(60), refusals: 1, reason: "a human check".into() };
    let refused = RuleState { block: Some(block), ..Default::default() };
    assert_eq!(line(refused), "refused: a human check; asked again after 2024-10-05 01:00 UTC");
    let wait = |failures, minutes| RuleState {
        wait: Some(Wait { since: now(), until: at(minutes), failures, reason: "no such raid".into() }),
        ..Default::default()
    };
    assert_eq!(line(wait(0, 20)), "waits for points until 2024-10-05 00:20 UTC");
    assert_eq!(line(wait(2, 20)), "failed 2 times: no such raid; tried again after 2024-10-05 00:20 UTC");
    assert_eq!(line(wait(2, 0)), "failed 2 times: no such raid; tried again with the next run", "the wait is over");
    let target: Target = serde_json::from_value(json!({ "raid": 31, "difficulty": 4 })).unwrap();
    let progress = Some(crate::rule::Progress { pages: 7, ..crate::rule::Progress::of(target, now()) });
    let lease = |minutes| Some(Lease { owner: "a".into(), expires_at: at(minutes) });
    let working = RuleState { progress, lease: lease(1), ..Default::default() };
    assert_eq!(line(working.clone()), "at work, 7 pages read");
    assert_eq!(line(RuleState { lease: lease(0), ..working }), "interrupted after 7 pages, goes on from there");
    let done = Rule { last_run: Some(now()), ..rule("a", RuleState::default()) };
    assert_eq!(RuleStatus::of(&done, &[], now()).state, "done, waits until it is due again");
}

#[test]
fn nothing_that_waits_takes_no_time_and_what_does_not_move_takes_for_ever() {
    assert_eq!((days_for(0, None), days_for(0, Some(5.0))), (Some(0.0), Some(0.0)));
    assert_eq!((days_for(9, Some(0.0)), days_for(9, None)), (None, None));
    assert_eq!(days_for(9, Some(4.0)), Some(2.25));
    assert_eq!(after(now(), 0.5), Some(now() + TimeDelta::hours(12)));
    assert_eq!(after(now(), 0.0001), Some(now() + TimeDelta::minutes(1)), "minutes are rounded up");
    assert_eq!(after(now(), 36_499.0), Some(now() + TimeDelta::days(36_499)));
    assert_eq!((after(now(), 36_500.0), after(now(), f64::INFINITY)), (None, None));
}

#[test]
fn of_a_region_it_is_known_who_was_ranked_within_a_week() {
    let mut region = RegionCensus::new("EU".into());
    region.add(0, 10, now(), now());
    region.add(2, 4, now() - TimeDelta::days(6), now() - TimeDelta::days(4));
    region.add(99, 50, now() - TimeDelta::days(400), now() - TimeDelta::days(100));
    assert_eq!((region.players, region.freshness[6].players), (64, 50));
    assert_eq!((region.oldest, region.newest), (Some(now() - TimeDelta::days(400)), Some(now())));
    assert_eq!(region.ranked_within_a_week(), 14);
    let mut old = RegionCensus::new("US".into());
    old.add(3, 50, now(), now());
    assert_eq!(old.ranked_within_a_week(), 0);
}

#[test]
fn reports_that_were_read_in_part_are_shown_by_what_was_left_out() {
    let left_out = BTreeMap::from([(LeftOut::of_number(2), 3)]);
    let lag = ReportLag { due: 5, oldest_due: Some(now()), again: 2, left_out, all: 90 };
    let expected = ReportsCensus {
        total: 90,
        due: 5,
        oldest_due: Some(now()),
        not_yet_ranked: 2,
        left_out: BTreeMap::from([("healing", 3)]),
    };
    assert_eq!(ReportsCensus::from(lag), expected);
}

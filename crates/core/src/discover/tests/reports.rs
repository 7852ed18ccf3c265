//! Rules that read public reports: windows, pages, what is known, what is skipped, who is found and who is removed.

use super::*;
use crate::player::{Encounter, MetricRanks, Player, Raid};
use crate::ports::SeenReport;
use crate::report::Window;
use crate::report_state::{ReportState, StoredReport};
use crate::testing::identity;

/// The lists that were asked for: how many hours ago each window began and ended, and the page.
fn lists<F>(wcl: &TestWcl<F>) -> Vec<(i64, i64, u32)> {
    let ago = |at: Timestamp| (noon() - at).num_hours();
    let list = |asked: &Asked| match asked {
        Asked::List(Window { from, to, .. }, page) => Some((ago(*from), ago(*to), *page)),
        _ => None,
    };
    wcl.asked.borrow().iter().filter_map(list).collect()
}

/// The codes of each question for details.
fn detailed<F>(wcl: &TestWcl<F>) -> Vec<Vec<String>> {
    let codes = |asked: &Asked| if let Asked::Details(codes) = asked { Some(codes.clone()) } else { None };
    wcl.asked.borrow().iter().filter_map(codes).collect()
}

fn raid(encounters: &[u32]) -> Raid {
    let encounters = encounters.iter().map(|&id| Encounter { id, name: String::new() }).collect();
    Raid { id: 31, name: "Vault".to_owned(), encounters }
}

/// The reports of the last day.
fn of_last_day(difficulty: u8) -> Target {
    Target { since: Some(noon() - TimeDelta::hours(24)), ..by_reports("any", difficulty, None).target }
}

/// A rule that reads the reports of the last day and was never run.
fn daily(ranks: RanksKind) -> Rule {
    Rule { target: Target { ranks, ..of_last_day(4) }, ..by_reports("a", 4, None) }
}

/// Three reports of today on a page of a list each, with a player each who killed a boss in these difficulties.
fn three_pages<F: OnAsk>(on_ask: F, difficulties: &[u8]) -> TestWcl<F> {
    let mut wcl = TestWcl { per_page: 1, ..TestWcl::new(on_ask) };
    (1..=3).for_each(|id| add_report(&mut wcl, &format!("r{id}"), &[id], difficulties));
    wcl
}

/// That page of a list takes fourteen minutes.
fn late_at(asked: &Asked, page: u32, clock: &TestClock) -> std::result::Result<(), ApiError> {
    if matches!(asked, Asked::List(_, of) if *of == page) {
        clock.advance(TimeDelta::minutes(14));
    }
    Ok(())
}

/// A report of a raid that is read for its ranks, and ended then.
fn read_report(code: &str, raid: u32, state: ReportState, end: Timestamp, found_at: Timestamp) -> StoredReport {
    StoredReport {
        code: code.to_owned(),
        raid,
        region: String::new(),
        start: end,
        end,
        revision: 1,
        state,
        due_at: end,
        sent_at: None,
        found_at: Some(found_at),
        tries: 1,
        difficulties: BTreeSet::new(),
        left_out: Default::default(),
    }
}

async fn backfill<F: OnAsk>(store: &Memory, wcl: &TestWcl<F>, target: Target) -> Result<RuleSummary> {
    let summary = run(store, wcl, &TestClock::at(noon()), Some(target), &invocation()).await?;
    Ok(summary.rules.into_iter().next().unwrap())
}

#[tokio::test]
async fn lists_are_read_window_by_window_and_page_by_page_the_newest_first() {
    let store = with_rules([by_reports("a", 4, Some(30))]);
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    wcl.per_page = 2;
    for (code, players) in [("x", [1]), ("y", [2]), ("z", [3])] {
        add_report(&mut wcl, code, &players, &[4]);
    }
    wcl.reports.push(listed("old", 100));
    wcl.details.insert("old".to_owned(), DetailOutcome::Read(details(&[4], &[4])));
    let summary = work(&store, &wcl).await;
    // The last run was 30 hours ago, and logs may be uploaded 72 hours late.
    // Two pages for a day leave room for three days in a list.
    let windows = [(24, 0, 1), (24, 0, 2), (96, 24, 1), (102, 96, 1)];
    assert_eq!(lists(&wcl), windows);
    assert_eq!(detailed(&wcl), [vec!["x", "y"], vec!["z"], vec!["old"]]);
    assert_eq!((summary.rules[0].pages, summary.rules[0].players), (4, 4));
    assert_eq!(store.discovers.borrow().keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn the_names_of_a_raid_are_asked_for_once() {
    let wcl = TestWcl::new(async |_: &Asked| Ok(()));
    let store = Memory::default();
    for _ in 0..2 {
        backfill(&store, &wcl, of_last_day(4)).await.unwrap();
    }
    let zones = wcl.asked.borrow().iter().filter(|asked| **asked == Asked::Zone(31)).count();
    assert_eq!((zones, store.raids.borrow().contains_key(&31)), (1, true));
}

#[tokio::test]
async fn details_are_asked_for_twenty_reports_at_once() {
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    (1..=21).for_each(|id| add_report(&mut wcl, &format!("r{id}"), &[id], &[4]));
    let summary = backfill(&Memory::default(), &wcl, of_last_day(4)).await.unwrap();
    assert_eq!(detailed(&wcl).iter().map(Vec::len).collect::<Vec<_>>(), [20, 1]);
    assert_eq!(summary.players, 21);
}

#[tokio::test]
async fn a_report_is_asked_for_again_only_if_it_changed_or_another_difficulty_is_wanted() {
    let store = Memory::default();
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    add_report(&mut wcl, "x", &[1], &[4, 5]);
    add_report(&mut wcl, "y", &[2], &[4]);
    let mut asked = Vec::new();
    for (revision, difficulty) in [(2, 4), (2, 4), (3, 4), (3, 5), (3, 4)] {
        wcl.reports[0].revision = revision;
        let skipped = backfill(&store, &wcl, of_last_day(difficulty)).await.unwrap().skipped;
        assert_eq!(skipped, 0, "revision {revision}, difficulty {difficulty}");
        asked.push(detailed(&wcl).concat().join(" "));
        wcl.asked.borrow_mut().clear();
    }
    assert_eq!(asked, ["x y", "", "x", "x y", ""]);
    assert_eq!(store.seen.borrow()[&(31, "x".to_owned())].difficulties, BTreeSet::from([4, 5]));
    wcl.reports[0].revision = 1;
    let backwards = backfill(&store, &wcl, of_last_day(4)).await.unwrap();
    assert_eq!((backwards.skipped, detailed(&wcl).len()), (1, 0), "a revision that went back is told, and not read");
}

#[tokio::test]
async fn reports_of_other_regions_are_left_out_before_they_cost_anything() {
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    for code in ["eu", "us", "nowhere"] {
        add_report(&mut wcl, code, &[1], &[4]);
    }
    (wcl.reports[1].region, wcl.reports[2].region) = (Some("US".to_owned()), None);
    for (regions, asked) in [(&["EU", "KR"][..], vec!["eu", "nowhere"]), (&[], vec!["eu", "us", "nowhere"])] {
        let (store, clock) = (Memory::default(), TestClock::at(noon()));
        let config = DiscoverConfig { regions: regions.iter().map(|&region| region.to_owned()).collect(), ..config() };
        let ports = DiscoverPorts { store: &store, api: &wcl, site: &wcl, clock: &clock };
        discover(&ports, &config, Some(of_last_day(4)), &invocation()).await.unwrap();
        assert_eq!(detailed(&wcl), [asked], "{regions:?}");
        wcl.asked.borrow_mut().clear();
    }
}

#[tokio::test]
async fn the_rules_pages_count_over_all_windows_and_what_is_left_is_told() {
    let store = Memory::default();
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    wcl.per_page = 1;
    for (id, began_hours_ago) in [(1, 2), (2, 30), (3, 50), (4, 80)] {
        wcl.reports.push(listed(&format!("r{id}"), began_hours_ago));
        wcl.details.insert(format!("r{id}"), DetailOutcome::Read(details(&[id], &[4])));
    }
    let since = Some(noon() - TimeDelta::hours(96));
    let target = Target { start_page: 2, end_page: 3, since, ..of_last_day(4) };
    let summary = backfill(&store, &wcl, target.clone()).await.unwrap();
    assert_eq!(detailed(&wcl).concat(), ["r2", "r3"]);
    assert_eq!((summary.pages, summary.stopped), (3, StopReason::Complete));
    let (from, to) = (noon() - TimeDelta::hours(96), noon() - TimeDelta::hours(24));
    let left = format!("page 3 was the rule's last; not every report of {from} to {to} was looked at");
    assert_eq!(summary.reason, Some(left));
    let all = backfill(&store, &wcl, Target { start_page: 1, end_page: 4, ..target }).await.unwrap();
    assert_eq!((all.pages, all.reason), (4, None));
}

#[tokio::test]
async fn a_reading_that_is_cut_short_goes_on_with_the_next_page() {
    let store = with_rules([daily(RanksKind::Players)]);
    let clock = TestClock::at(noon());
    let wcl = three_pages(async |asked: &Asked| late_at(asked, 2, &clock), &[4]);
    let old =
        SeenReport { code: "old".to_owned(), revision: 1, difficulties: BTreeSet::new(), end: Timestamp::UNIX_EPOCH };
    store.seen.borrow_mut().insert((31, "old".to_owned()), old);
    let first = run(&store, &wcl, &clock, None, &until(noon() + TimeDelta::minutes(14))).await.unwrap();
    assert_eq!((first.stopped(), first.rules[0].pages), (StopReason::Deadline, 2));
    assert!(store.seen.borrow().contains_key(&(31, "old".to_owned())), "nothing is forgotten before the end");
    let second = run(&store, &wcl, &clock, None, &invocation()).await.unwrap();
    assert_eq!((second.stopped(), second.rules[0].pages), (StopReason::Complete, 1));
    assert_eq!(lists(&wcl), [(24, 0, 1), (24, 0, 2), (24, 0, 3)]);
    assert!(!store.seen.borrow().contains_key(&(31, "old".to_owned())));
}

#[tokio::test]
async fn more_reports_at_one_moment_than_can_be_listed_are_told() {
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    wcl.per_page = 1;
    for id in 1..=26 {
        let listed = ListedReport { start: noon() - TimeDelta::seconds(5), ..listed(&format!("r{id}"), 0) };
        wcl.reports.push(listed);
        wcl.details.insert(format!("r{id}"), DetailOutcome::Read(details(&[id], &[4])));
    }
    let since = Some(noon() - TimeDelta::seconds(10));
    let summary = backfill(&Memory::default(), &wcl, Target { since, ..of_last_day(4) }).await.unwrap();
    assert_eq!((summary.pages, summary.players, summary.skipped), (25, 25, 1));
}

#[tokio::test]
async fn a_list_that_fails_is_asked_for_again_after_a_while_and_a_refusal_is_not() {
    let (from, to) = (noon() - TimeDelta::hours(24), noon());
    let broken = format!("reports of {from} to {to}: listing reports: HTTP 500");
    for (failures, outcome, asked, seconds) in
        [(2, "Complete", 3, 17), (3, "Complete", 4, 17), (99, broken.as_str(), 9, 51)]
    {
        let failed = std::cell::Cell::new(0);
        let wcl = TestWcl::new(async |asked: &Asked| {
            let fails = matches!(asked, Asked::List(..)) && failed.get() < failures;
            failed.set(failed.get() + u32::from(fails));
            if fails { Err(anyhow!("HTTP 500").into()) } else { Ok(()) }
        });
        let clock = TestClock::at(noon());
        let ended = run(&Memory::default(), &wcl, &clock, Some(of_last_day(4)), &invocation()).await;
        let told = ended.map_or_else(|error| format!("{error:#}"), |summary| format!("{:?}", summary.stopped()));
        assert_eq!((told.as_str(), lists(&wcl).len(), (clock.now() - noon()).num_seconds()), (outcome, asked, seconds));
    }
    let wcl = TestWcl::new(async |asked: &Asked| if let Asked::List(..) = asked { Err(refusal()) } else { Ok(()) });
    let refused = backfill(&Memory::default(), &wcl, of_last_day(4)).await.unwrap();
    assert_eq!((refused.refused, lists(&wcl).len()), (true, 1));
}

/// Reports of the last 40 hours, one a day, and lists of three windows of which the one that begins so many hours ago is
/// broken.
async fn with_a_broken_list(store: &Memory, clock: &TestClock, began_hours_ago: &[i64]) -> (DiscoverSummary, Vec<i64>) {
    let broken: Vec<_> = began_hours_ago.iter().map(|hours| noon() - TimeDelta::hours(*hours)).collect();
    let mut wcl = TestWcl::new(async |asked: &Asked| match asked {
        Asked::List(Window { from, .. }, _) if broken.contains(from) => Err(anyhow!("HTTP 502").into()),
        _ => Ok(()),
    });
    // Full pages, so that each day stays a window.
    wcl.per_page = 1;
    for (id, began_hours_ago) in (1..).zip((0..96).step_by(3)) {
        let report = ListedReport { start: noon() - TimeDelta::minutes(60 * began_hours_ago + 30), ..listed("", 0) };
        wcl.reports.push(ListedReport { code: format!("r{id}"), ..report });
        wcl.details.insert(format!("r{id}"), DetailOutcome::Read(details(&[id], &[4])));
    }
    let summary = run(store, &wcl, clock, None, &invocation()).await.unwrap();
    let mut asked: Vec<i64> = lists(&wcl).into_iter().map(|(from, ..)| from).collect();
    asked.dedup();
    (summary, asked)
}

/// What is remembered of a rule whose reading began at noon and is done.
fn done() -> RuleState {
    RuleState { read_until: Some(noon()), ..RuleState::default() }
}

#[tokio::test]
async fn a_list_that_stays_broken_is_set_aside_and_the_others_are_read() {
    let store = with_rules([since("a", 4, 96)]);
    let (summary, asked) = with_a_broken_list(&store, &TestClock::at(noon()), &[48]).await;
    assert_eq!(asked, [24, 48, 72, 96, 48], "it is asked for again at the end");
    let only = &summary.rules[0];
    assert_eq!((only.stopped, only.pages, only.players, only.skipped), (StopReason::Complete, 24, 24, 1));
    assert_eq!(only.skipped_pages, [0; 0]);
    let (from, to) = (noon() - TimeDelta::hours(48), noon() - TimeDelta::hours(24));
    let reason = format!("page 1 skipped: reports of {from} to {to}: listing reports: HTTP 502");
    assert_eq!(only.reason.as_deref(), Some(reason.as_str()));
    assert_eq!(state(&store, 0), done());
    assert!(last_run(&store, 0).is_some());
}

#[tokio::test]
async fn where_no_list_can_be_read_the_rule_fails_and_another_time_reads_what_is_left() {
    let store = with_rules([since("a", 4, 96)]);
    let clock = TestClock::at(noon());
    let (summary, asked) = with_a_broken_list(&store, &clock, &[24, 48, 72, 96]).await;
    assert_eq!(asked, [24, 48, 72, 96], "the fourth failure without a success says enough");
    assert_eq!((summary.failures.len(), last_run(&store, 0)), (1, None));
    let wait = state(&store, 0).wait.unwrap();
    assert!(wait.reason.ends_with("listing reports: HTTP 502"), "{}", wait.reason);
    clock.advance(TimeDelta::hours(1));
    let (summary, asked) = with_a_broken_list(&store, &clock, &[96]).await;
    assert_eq!(asked, [96, 24, 48, 72, 96], "where it stopped, then what was set aside, the newest first");
    assert_eq!((summary.rules[0].stopped, summary.rules[0].skipped), (StopReason::Complete, 1));
}

#[tokio::test]
async fn rules_of_other_pages_ranks_and_days_take_their_own_of_one_reading() {
    let rule = |id: &str, difficulty, target: Target| Rule {
        target: Target { difficulty, ..target },
        ..by_reports(id, 4, None)
    };
    let since = |hours| Some(noon() - TimeDelta::hours(hours));
    let whole = Target { since: since(24), ..of_last_day(4) };
    let by_reports_rule = Target { ranks: RanksKind::Reports, ..whole.clone() };
    let store = with_rules([
        rule("a", 4, whole.clone()),
        rule("b", 5, Target { end_page: 2, ..whole.clone() }),
        rule("c", 3, by_reports_rule.clone()),
        rule("d", 1, Target { since: since(4), ..whole }),
        rule("e", 5, by_reports_rule),
    ]);
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    wcl.per_page = 1;
    for (id, began_hours_ago) in [(1, 1), (2, 5), (3, 9)] {
        wcl.reports.push(listed(&format!("r{id}"), began_hours_ago));
        wcl.details.insert(format!("r{id}"), DetailOutcome::Read(details(&[id], &[1, 3, 4, 5])));
    }
    let summary = work(&store, &wcl).await;
    assert_eq!((lists(&wcl).len(), detailed(&wcl).len()), (3, 3), "each list and each report once");
    let pairs = |id: u32| store.discovers.borrow()[&id].pairs().map(|(_, difficulty)| difficulty).collect::<Vec<_>>();
    assert_eq!([1, 2, 3].map(pairs), [vec![1, 4, 5], vec![4, 5], vec![4]]);
    let listed: Vec<_> = store.reports.borrow().keys().cloned().collect();
    assert_eq!(listed, ["r1", "r2", "r3"]);
    let told: Vec<_> = summary.rules.iter().map(|rule| (rule.pages, rule.players, rule.reports)).collect();
    assert_eq!(told, [(3, 3, None), (0, 2, None), (0, 0, Some(3)), (0, 1, None), (0, 0, Some(0))]);
    let reasons: Vec<_> = summary.rules.iter().map(|rule| rule.reason.is_some()).collect();
    assert_eq!(reasons, [false, true, false, false, false], "page 2 was b's last");
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!((&json["reports"], &json["players"], &json["pages"]), (&json!(3), &json!(6), &json!(3)));
    assert!((0..5).all(|rule| last_run(&store, rule) == Some(noon()) && state(&store, rule) == done()));
}

/// A daily rule of its own difficulty and days.
fn since(id: &str, difficulty: u8, hours: i64) -> Rule {
    let since = Some(noon() - TimeDelta::hours(hours));
    Rule { target: Target { difficulty, since, ..of_last_day(4) }, ..by_reports(id, difficulty, None) }
}

#[tokio::test]
async fn a_rule_that_got_all_it_asks_for_is_done_although_the_reading_goes_on() {
    let store = with_rules([since("a", 4, 96), since("b", 5, 24)]);
    let clock = TestClock::at(noon());
    let mut wcl = TestWcl::new(async |asked: &Asked| {
        if let Asked::List(Window { to, .. }, _) = asked
            && *to < noon()
        {
            clock.advance(TimeDelta::minutes(14));
        }
        Ok(())
    });
    wcl.per_page = 1;
    for (id, began_hours_ago) in (1..).zip([1, 2, 3, 4, 5, 6, 7, 8, 30, 60, 90]) {
        wcl.reports.push(listed(&format!("r{id}"), began_hours_ago));
        wcl.details.insert(format!("r{id}"), DetailOutcome::Read(details(&[id], &[4, 5])));
    }
    let summary = run(&store, &wcl, &clock, None, &until(noon() + TimeDelta::minutes(14))).await.unwrap();
    let told: Vec<_> = summary.rules.iter().map(|rule| (rule.stopped, rule.players)).collect();
    assert_eq!(told, [(StopReason::Deadline, 9), (StopReason::Complete, 8)]);
    assert_eq!((last_run(&store, 0), last_run(&store, 1).is_some()), (None, true));
    let second = run(&store, &wcl, &clock, None, &invocation()).await.unwrap();
    let told: Vec<_> = second.rules.iter().map(|rule| (rule.rule.clone().unwrap().0, rule.players)).collect();
    assert_eq!(told, [("a".to_owned(), 2)], "the other is not due, and nothing more is read for it");
    assert!((1..=8).all(|id| store.discovers.borrow()[&id].pairs().count() == 2));
    assert_eq!(store.discovers.borrow()[&11], RaidsToScrap::one(31, 4));
}

#[tokio::test]
async fn nothing_more_is_read_for_a_rule_that_was_paused_or_made_anew_meanwhile() {
    let store = with_rules([since("a", 4, 24), since("b", 5, 24), since("c", 3, 24)]);
    let clock = TestClock::at(noon());
    let wcl = three_pages(async |asked: &Asked| late_at(asked, 1, &clock), &[3, 4, 5]);
    run(&store, &wcl, &clock, None, &until(noon() + TimeDelta::minutes(14))).await.unwrap();
    store.rules.borrow_mut()[1].enabled = false;
    store.rules.borrow_mut()[2].id = RuleId("made anew".to_owned());
    let summary = run(&store, &wcl, &clock, None, &until(noon() + TimeDelta::minutes(29))).await.unwrap();
    let told: Vec<_> = summary.rules.iter().map(|rule| (rule.rule.clone().unwrap().0, rule.players)).collect();
    assert_eq!(told, [("a".to_owned(), 2), ("made anew".to_owned(), 2)]);
    let pairs = |id: u32| store.discovers.borrow()[&id].pairs().map(|(_, difficulty)| difficulty).collect::<Vec<_>>();
    assert_eq!([1, 2, 3].map(pairs), [vec![3, 4, 5], vec![3, 4], vec![3, 4]], "the one made anew reads its own");
}

#[tokio::test]
async fn a_page_whose_details_found_no_points_is_read_again() {
    let first = Rule { target: Target { end_page: 1, ..since("a", 4, 24).target }, ..since("a", 4, 24) };
    let store = with_rules([first]);
    let clock = TestClock::at(noon());
    let is_poor = std::cell::Cell::new(true);
    let mut wcl = TestWcl::new(async |asked: &Asked| match asked {
        Asked::Details(_) if is_poor.get() => Err(ApiError::PointsExhausted { resets_at: noon() }),
        _ => Ok(()),
    });
    add_report(&mut wcl, "x", &[1], &[4]);
    let poor = run(&store, &wcl, &clock, None, &invocation()).await.unwrap();
    assert_eq!((poor.stopped(), poor.rules[0].pages), (StopReason::Blocked, 0));
    is_poor.set(false);
    let rich = run(&store, &wcl, &clock, None, &invocation()).await.unwrap();
    assert_eq!((rich.stopped(), rich.rules[0].pages, rich.rules[0].players), (StopReason::Complete, 1, 1));
    assert_eq!(store.discovers.borrow().len(), 1);
}

#[tokio::test]
async fn a_wrong_key_is_no_broken_list_and_a_stored_reading_of_before_is_begun_anew() {
    let store = with_rules([since("a", 4, 96)]);
    let wcl = TestWcl::new(async |asked: &Asked| match asked {
        Asked::List(..) => Err(ApiError::BadKey { key: "main".to_owned(), reason: "401".to_owned() }),
        _ => Ok(()),
    });
    let summary = work(&store, &wcl).await;
    assert_eq!((summary.failures.len(), lists(&wcl).len(), last_run(&store, 0)), (1, 1, None));
    // As the version before stored it.
    let window = json!({ "from": noon() - TimeDelta::hours(20), "to": noon() - TimeDelta::hours(10), "nextPage": 7 });
    let old = json!({ "target": since("a", 4, 96).target, "startedAt": noon(), "pages": 6, "players": 9,
                      "windows": [window], "difficulties": [4] });
    let state = RuleState { progress: Some(serde_json::from_value(old).unwrap()), ..RuleState::default() };
    store.rules.borrow_mut()[0].state = state;
    let wcl = TestWcl::new(async |_: &Asked| Ok(()));
    let summary = work(&store, &wcl).await;
    assert_eq!((summary.rules[0].stopped, lists(&wcl)[0]), (StopReason::Complete, (24, 0, 1)));
}

#[tokio::test]
async fn details_that_a_gateway_keeps_failing_on_are_left_to_the_next_run() {
    let store = with_rules([since("a", 4, 24)]);
    let mut wcl = TestWcl::new(async |asked: &Asked| match asked {
        Asked::Details(codes) if codes.iter().any(|code| code == "r07") => Err(anyhow!("HTTP 504").into()),
        _ => Ok(()),
    });
    (1..=21).for_each(|id| add_report(&mut wcl, &format!("r{id:02}"), &[id], &[4]));
    let summary = work(&store, &wcl).await;
    assert_eq!(
        (summary.rules[0].stopped, summary.rules[0].players, summary.rules[0].skipped),
        (StopReason::Complete, 1, 20)
    );
    assert_eq!(store.seen.borrow().len(), 1, "the others are asked for again");
    // Where nothing of a page can be read, the rule fails.
    wcl.reports.truncate(20);
    let error = backfill(&Memory::default(), &wcl, of_last_day(4)).await.unwrap_err();
    let expected = "none of 20 reports could be read; r01: asking for reports: HTTP 504";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_run_of_nothing_but_one_odd_report_is_a_failure_and_reads_it_again() {
    let store = with_rules([since("a", 4, 24)]);
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    wcl.reports.push(listed("x", 2));
    wcl.details.insert("x".to_owned(), DetailOutcome::Failed("rankedCharacters {}".to_owned()));
    let clock = TestClock::at(noon());
    let summary = run(&store, &wcl, &clock, None, &invocation()).await.unwrap();
    let failure = format!("{:#}", summary.failures[0].cause);
    assert_eq!(
        (failure.as_str(), last_run(&store, 0)),
        ("none of 1 reports could be read; x: rankedCharacters {}", None)
    );
    wcl.details.insert("x".to_owned(), DetailOutcome::Read(details(&[1], &[4])));
    clock.advance(TimeDelta::hours(1));
    let summary = run(&store, &wcl, &clock, None, &invocation()).await.unwrap();
    assert_eq!((summary.rules[0].stopped, summary.rules[0].players), (StopReason::Complete, 1));
}

/// So many reports of today, on a page of a list each, of which these pages stay broken.
fn with_broken_pages(broken: std::ops::RangeInclusive<u32>, reports: u32) -> TestWcl<impl OnAsk> {
    let on_ask = async move |asked: &Asked| match asked {
        Asked::List(_, page) if broken.contains(page) => Err(anyhow!("HTTP 502").into()),
        _ => Ok(()),
    };
    let mut wcl = TestWcl { per_page: 1, ..TestWcl::new(on_ask) };
    (1..=reports).for_each(|id| add_report(&mut wcl, &format!("r{id}"), &[id], &[4]));
    wcl
}

#[tokio::test]
async fn a_page_that_stays_broken_hides_no_page_behind_it() {
    let store = with_rules([since("a", 4, 24)]);
    let wcl = with_broken_pages(2..=2, 4);
    let summary = work(&store, &wcl).await;
    let mut pages: Vec<u32> = lists(&wcl).into_iter().map(|(.., page)| page).collect();
    pages.dedup();
    assert_eq!(pages, [1, 2, 3, 4]);
    assert_eq!(
        (summary.rules[0].stopped, summary.rules[0].players, summary.rules[0].skipped),
        (StopReason::Complete, 3, 1)
    );
    assert_eq!(*store.discovers.borrow().keys().collect::<Vec<_>>(), [&1, &3, &4]);
}

#[tokio::test]
async fn a_page_behind_one_that_failed_at_first_is_set_aside_like_any() {
    let store = with_rules([since("a", 4, 24)]);
    let failures = std::cell::Cell::new([3, 3]);
    let mut wcl = TestWcl::new(async |asked: &Asked| match asked {
        Asked::List(_, page @ 1..=2) => {
            let mut left = failures.get();
            let of_page = &mut left[*page as usize - 1];
            let fails = *of_page > 0;
            *of_page -= i32::from(fails);
            failures.set(left);
            if fails { Err(anyhow!("HTTP 502").into()) } else { Ok(()) }
        }
        _ => Ok(()),
    });
    wcl.per_page = 1;
    (1..=2).for_each(|id| add_report(&mut wcl, &format!("r{id}"), &[id], &[4]));
    let only = work(&store, &wcl).await.rules.remove(0);
    assert_eq!((only.stopped, only.players, only.skipped), (StopReason::Complete, 2, 0));
}

#[tokio::test]
async fn no_page_is_asked_for_behind_the_last_that_can_be_listed() {
    let store = with_rules([since("a", 4, 24)]);
    let wcl = with_broken_pages(25..=u32::MAX, 30);
    let only = work(&store, &wcl).await.rules.remove(0);
    assert_eq!((only.stopped, only.players, only.skipped), (StopReason::Complete, 24, 1));
    assert_eq!(lists(&wcl).into_iter().map(|(.., page)| page).max(), Some(25));
}

#[tokio::test]
async fn details_that_there_is_no_time_for_are_asked_for_by_the_next_run() {
    let store = with_rules([since("a", 4, 24)]);
    let clock = TestClock::at(noon());
    let mut wcl = TestWcl::new(async |asked: &Asked| {
        if matches!(asked, Asked::Details(_)) {
            clock.advance(TimeDelta::minutes(14));
        }
        Ok(())
    });
    (1..=41).for_each(|id| add_report(&mut wcl, &format!("r{id:02}"), &[id], &[4]));
    let mut read = Vec::new();
    for _ in 0..3 {
        let summary = run(&store, &wcl, &clock, None, &until(clock.now() + TimeDelta::minutes(13))).await.unwrap();
        let players = state(&store, 0).progress.map(|progress| progress.players);
        read.push((summary.stopped(), detailed(&wcl).iter().map(Vec::len).collect::<Vec<_>>(), players));
        wcl.asked.borrow_mut().clear();
    }
    let expected = [
        (StopReason::Deadline, vec![20], Some(20)),
        (StopReason::Deadline, vec![20], Some(40)),
        (StopReason::Complete, vec![1], None),
    ];
    assert_eq!(read, expected);
}

#[tokio::test]
async fn a_page_of_which_no_report_can_be_read_fails_the_rule_unless_there_is_only_one() {
    for (second_page, failure) in
        [(&["b", "c"] as &[&str], Some("none of 2 reports could be read; x: too large")), (&["b"], None)]
    {
        let store = with_rules([since("a", 4, 24)]);
        let mut wcl = TestWcl { per_page: 2, ..TestWcl::new(async |_: &Asked| Ok(())) };
        let broken = DetailOutcome::Failed("too large".to_owned());
        for code in ["a", "x"].iter().chain(second_page) {
            add_report(&mut wcl, code, &[1], &[4]);
            if *code != "a" {
                wcl.details.insert((*code).to_owned(), broken.clone());
            }
        }
        let summary = work(&store, &wcl).await;
        let failed = summary.failures.first().map(|failure| format!("{:#}", failure.cause));
        assert_eq!(failed.as_deref(), failure, "{second_page:?}");
    }
}

#[tokio::test]
async fn the_next_reading_looks_back_from_when_the_last_one_began() {
    let store = with_rules([since("a", 4, 96)]);
    let clock = TestClock::at(noon());
    let wcl = TestWcl::new(async |_: &Asked| {
        clock.advance(TimeDelta::hours(20));
        Ok(())
    });
    run(&store, &wcl, &clock, None, &invocation()).await.unwrap();
    assert!(last_run(&store, 0).unwrap() - noon() >= TimeDelta::hours(60), "it took long");
    assert_eq!(state(&store, 0), done());
    wcl.asked.borrow_mut().clear();
    clock.advance(TimeDelta::hours(24));
    run(&store, &wcl, &clock, None, &invocation()).await.unwrap();
    let oldest = lists(&wcl).into_iter().map(|(from, ..)| from).max();
    assert_eq!(oldest, Some(72), "a log of then may have been uploaded while the reading went on");
}

#[tokio::test]
async fn a_rule_whose_last_page_was_its_last_list_leaves_nothing_behind() {
    let short = Rule { target: Target { end_page: 3, ..since("short", 5, 24).target }, ..since("short", 5, 24) };
    let store = with_rules([since("long", 4, 96), short]);
    let wcl = three_pages(async |_: &Asked| Ok(()), &[4, 5]);
    let summary = work(&store, &wcl).await;
    assert_eq!(lists(&wcl)[..4], [(24, 0, 1), (24, 0, 2), (24, 0, 3), (72, 24, 1)]);
    assert!(summary.rules.iter().all(|rule| rule.reason.is_none()), "{summary:?}");
}

#[tokio::test]
async fn lists_that_no_rule_asks_for_any_more_are_not_bought() {
    let long = Rule { target: Target { end_page: 2, ..since("long", 4, 96).target }, ..since("long", 4, 96) };
    let store = with_rules([long, since("short", 5, 24)]);
    let wcl = three_pages(async |_: &Asked| Ok(()), &[4, 5]);
    let summary = work(&store, &wcl).await;
    assert_eq!(lists(&wcl), [(24, 0, 1), (24, 0, 2), (24, 0, 3)]);
    let (from, to) = (noon() - TimeDelta::hours(96), noon());
    let left = format!("page 2 was the rule's last; not every report of {from} to {to} was looked at");
    let reasons: Vec<_> = summary.rules.iter().map(|rule| rule.reason.as_deref()).collect();
    assert_eq!(reasons, [Some(left.as_str()), None]);
    assert!((0..2).all(|rule| last_run(&store, rule) == Some(noon())));
}

#[tokio::test]
async fn what_cannot_be_understood_is_skipped_and_counted() {
    let store = with_rules([daily(RanksKind::Players)]);
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    wcl.garbled.borrow_mut().extend(["report u: no start".to_owned(), "report v: no end".to_owned()]);
    add_report(&mut wcl, "x", &[1], &[4]);
    let in_part = ReportDetails { skipped: vec!["a character without a number".to_owned()], ..details(&[2], &[4]) };
    wcl.details.insert("x".to_owned(), DetailOutcome::Read(in_part));
    for (code, outcome) in [
        ("gone", Some(DetailOutcome::Gone("deleted"))),
        ("large", Some(DetailOutcome::Failed("too large".to_owned()))),
        ("absent", None),
    ] {
        wcl.reports.push(listed(code, 2));
        wcl.details.extend(outcome.map(|outcome| (code.to_owned(), outcome)));
    }
    let summary = work(&store, &wcl).await;
    assert_eq!((summary.rules[0].players, summary.rules[0].skipped), (1, 5));
    let seen: Vec<_> = store.seen.borrow().keys().map(|(_, code)| code.clone()).collect();
    assert_eq!(seen, ["gone", "x"], "the others are asked for again");
    let left_over = backfill(&store, &wcl, of_last_day(4)).await.unwrap();
    assert_eq!((left_over.stopped, left_over.skipped), (StopReason::Complete, 2), "what stays broken holds nothing up");
    assert_eq!(detailed(&wcl), [vec!["x", "gone", "large", "absent"], vec!["large", "absent"]]);
    assert_eq!(store.discovers.borrow().keys().copied().collect::<Vec<_>>(), [2]);
    wcl.reports.retain(|report| ["large", "absent"].contains(&report.code.as_str()));
    assert_eq!(
        backfill(&store, &wcl, of_last_day(4)).await.unwrap_err().to_string(),
        "none of 2 reports could be read; large: too large"
    );
}

#[tokio::test]
async fn who_hides_loses_what_is_stored_and_the_others_keep_it() {
    let store = Memory::default();
    store.raids.borrow_mut().insert(31, raid(&[7]));
    for id in [1, 2, 3] {
        let ranks = [(31, [(4, [("dps".to_owned(), MetricRanks::default())].into())].into())].into();
        store.players.borrow_mut().insert(id, Player { id, identity: identity(id), ranks });
    }
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    add_report(&mut wcl, "x", &[1, 2, 3], &[4]);
    let mut told = details(&[1, 2, 3], &[4]);
    told.characters[1].hidden = true;
    told.characters[2].canonical_id = Some(30);
    told.kills.push(Kill { fight: 2, encounter: 99, difficulty: 5, ended_at: noon() });
    wcl.details.insert("x".to_owned(), DetailOutcome::Read(told));
    backfill(&store, &wcl, of_last_day(4)).await.unwrap();
    let stored: Vec<_> = store.players.borrow().values().map(|player| !player.ranks.is_empty()).collect();
    assert_eq!(stored, [true, false, false]);
    assert_eq!(*store.discovers.borrow(), [1, 30].map(|id| (id, RaidsToScrap::one(31, 4))).into());
    backfill(&store, &wcl, of_last_day(5)).await.unwrap();
    assert_eq!(store.discovers.borrow()[&1], RaidsToScrap::one(31, 4), "boss 99 is of another raid");
}

#[tokio::test]
async fn reports_whose_ranks_are_read_are_listed_and_not_asked_for_in_detail() {
    let mut rules = [daily(RanksKind::Reports), daily(RanksKind::Reports)];
    (rules[1].id, rules[1].target.difficulty) = (RuleId("b".to_owned()), 5);
    let store = with_rules(rules);
    let mut wcl = TestWcl::new(async |_: &Asked| Ok(()));
    wcl.per_page = 2;
    wcl.reports = vec![listed("x", 2), listed("y", 5), listed("z", 9)];
    let summary = work(&store, &wcl).await;
    assert_eq!((summary.rules[0].reports, summary.rules[1].reports), (Some(3), Some(0)));
    assert_eq!(serde_json::to_value(&summary).unwrap()["reports"], 3);
    assert!(detailed(&wcl).is_empty() && store.discovers.borrow().is_empty());
    let x = store.reports.borrow()["x"].clone();
    assert_eq!((x.state, x.raid, x.due_at), (ReportState::New, 31, noon() + TimeDelta::hours(1 + 26)));

    wcl.reports[0].revision = 2;
    wcl.reports[1].revision = 0;
    let again = backfill(&store, &wcl, Target { ranks: RanksKind::Reports, ..of_last_day(4) }).await.unwrap();
    assert_eq!((again.reports, again.skipped), (Some(1), 1), "one changed, one went back, one is known");
    let nothing = Target { since: Some(noon()), ranks: RanksKind::Reports, ..of_last_day(4) };
    assert_eq!(backfill(&store, &wcl, nothing).await.unwrap().reports, Some(0));
}

/// Codes of what is remembered after a rule was finished that looks so far back: of reports that were seen, then of
/// those that were ranked.
async fn remembered(lookback_days: u64, ended_hours_ago: &[i64]) -> (Vec<String>, Vec<String>) {
    let store = with_rules([daily(RanksKind::Players)]);
    for &hours in ended_hours_ago {
        let end = noon() - TimeDelta::hours(hours);
        for raid in [31, 30] {
            let code = if raid == 31 { hours.to_string() } else { format!("of {raid}: {hours}") };
            let seen = SeenReport { code: code.clone(), revision: 1, difficulties: BTreeSet::new(), end };
            store.seen.borrow_mut().insert((raid, code.clone()), seen);
            let report = read_report(&code, raid, ReportState::Done, end, noon());
            store.reports.borrow_mut().insert(code, report);
        }
    }
    let (wcl, clock) = (TestWcl::new(async |_: &Asked| Ok(())), TestClock::at(noon()));
    let config = DiscoverConfig { lookback: Duration::from_secs(lookback_days * 24 * 3600), ..config() };
    let ports = DiscoverPorts { store: &store, api: &wcl, site: &wcl, clock: &clock };
    discover(&ports, &config, None, &invocation()).await.unwrap();
    let others = ended_hours_ago.len();
    let of_raid = |codes: Vec<String>| {
        let (other, own): (Vec<_>, Vec<_>) = codes.into_iter().partition(|code| code.starts_with("of 30"));
        assert_eq!(other.len(), others, "another raid's are its own rules' business");
        own
    };
    let seen = store.seen.borrow().keys().map(|(_, code)| code.clone()).collect();
    let read = store.reports.borrow().keys().cloned().collect();
    (of_raid(seen), of_raid(read))
}

#[tokio::test]
async fn reports_that_were_never_read_whole_are_told_when_they_are_given_up() {
    let store = with_rules([daily(RanksKind::Reports)]);
    let report = |code: &str, state, days| {
        let end = noon() - TimeDelta::days(days);
        (code.to_owned(), read_report(code, 31, state, end, end))
    };
    let reports = [
        report("new", ReportState::New, 36),
        report("done", ReportState::Done, 36),
        report("young", ReportState::New, 9),
    ];
    store.reports.borrow_mut().extend(reports);
    let summary = work(&store, &TestWcl::new(async |_: &Asked| Ok(()))).await;
    let told = "1 reports were never read whole: points did not suffice";
    assert_eq!((summary.rules[0].skipped, summary.rules[0].reason.as_deref()), (1, Some(told)));
    assert_eq!(*store.reports.borrow().keys().collect::<Vec<_>>(), ["young"]);
}

#[tokio::test]
async fn what_no_window_reaches_any_more_is_forgotten() {
    const DAY: i64 = 24;
    // A first run reaches two weeks back, and the ends of kills are remembered for 35 days.
    let ends = [10 * DAY, 14 * DAY, 14 * DAY + 1, 35 * DAY, 35 * DAY + 1];
    let codes = |hours: &[i64]| hours.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(remembered(3, &ends).await, (codes(&ends[..2]), codes(&ends[..4])));
    // Twenty days' lookback, two delays of a day, and two days to spare.
    let ends = [24 * DAY, 24 * DAY + 1];
    assert_eq!(remembered(20, &ends).await, (codes(&ends[..1]), codes(&ends)));
    let ends = [54 * DAY, 54 * DAY + 1];
    assert_eq!(remembered(50, &ends).await, (codes(&ends[..1]), codes(&ends[..1])));
}

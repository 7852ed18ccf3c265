//! discover against the simulated site and API: polite, stopped by a refusal, resumed where it stopped.

use std::collections::BTreeSet;
use std::time::Duration;

use parsebook_cli::local::Machine;
use parsebook_core::discover::{DiscoverPorts, DiscoverSummary, Invocation, StopReason, discover};
use parsebook_core::ports::{Board, Clock, Discoveries, RankingSite, Rules, SourceError, SourcePage};
use parsebook_core::rule::{PageRange, SourceKind, Target};
use parsebook_simulator::{Fault, Player, When, World};
use parsebook_test_support::clock::SimulatedClock;

use crate::common::{Bench, boards, discover_one, target};

/// A world, and its largest board.
async fn one_board(seed: u64) -> (Bench, u32, u8) {
    let bench = Bench::start(World::generate(3000, seed), |_| {}).await;
    let (raid, difficulty) = largest_board(&bench);
    (bench, raid, difficulty)
}

fn largest_board(bench: &Bench) -> (u32, u8) {
    boards(&bench.world()).into_iter().max_by_key(|board| on_board(bench, board.0, board.1).len()).unwrap()
}

/// Everybody who shows on a board: hidden players do not.
fn on_board(bench: &Bench, raid: u32, difficulty: u8) -> BTreeSet<u32> {
    let is_there =
        |player: &Player<'_>| !player.is_hidden() && player.pairs().any(|pair| pair == (raid as i32, difficulty));
    bench.world().players().filter(is_there).map(|player| player.id() as u32).collect()
}

async fn discovered(machine: &Machine<SimulatedClock>) -> BTreeSet<u32> {
    let page = machine.store().discovered_after(None, usize::MAX >> 1).await.unwrap();
    page.discovered.into_iter().map(|player| player.id).collect()
}

fn with_rule(bench: &Bench, variables: &[(&str, &str)], raid: u32, difficulty: u8) -> Machine<SimulatedClock> {
    let machine = bench.machine(variables);
    machine.store().add_rule(&target(raid, difficulty, SourceKind::Site)).unwrap();
    machine
}

#[tokio::test]
async fn the_pace_and_the_readers_stay_within_their_bounds() {
    // Pages that take longer than the pace keep the readers waiting for each other.
    let bench = Bench::start(World::generate(3000, 21), |config| config.latency = Duration::from_millis(600)).await;
    let (raid, difficulty) = largest_board(&bench);
    let variables = [("PAGES_PER_SECOND", "8"), ("MAX_THREADS", "3"), ("PAGES_PER_THREAD", "4")];
    let machine = with_rule(&bench, &variables, raid, difficulty);
    assert_eq!(discover_one(&machine, None).await.unwrap().stopped, StopReason::EndOfBoard);
    let stats = bench.simulator.stats();
    assert!(stats.site_requests > 8, "{} pages are too few to tell", stats.site_requests);
    assert!(stats.max_site_per_second <= 9, "{} pages in one second", stats.max_site_per_second);
    assert_eq!(stats.max_site_at_once, 3, "as many as MAX_THREADS, and no more");
}

#[tokio::test]
async fn many_short_rules_keep_the_pace_of_one() {
    let (bench, raid, difficulty) = one_board(31).await;
    let machine = bench.machine(&[("PAGES_PER_SECOND", "8")]);
    for page in 1..=14 {
        let one_page = Target { start_page: page, end_page: page, ..target(raid, difficulty, SourceKind::Site) };
        machine.store().add_rule(&one_page).unwrap();
    }
    let begun = bench.clock.now();
    assert_eq!(machine.discover_due(&mut Vec::new()).await.unwrap().len(), 14);
    let took = (bench.clock.now() - begun).as_seconds_f64();
    let requests = bench.simulator.stats().site_requests;
    assert!(requests >= 14 && took >= (requests - 1) as f64 / 8.0, "{requests} requests in {took} s");
}

#[tokio::test]
async fn a_refused_backfill_makes_the_rules_of_its_source_wait() {
    let (bench, raid, difficulty) = one_board(32).await;
    let machine = with_rule(&bench, &[], raid, difficulty);
    bench.simulator.faults().set(Fault::SiteHumanCheck, When::Always);
    let backfill = target(raid, difficulty, SourceKind::Site);
    assert!(discover_one(&machine, Some(backfill.clone())).await.unwrap().refused);
    let asked = bench.simulator.stats().site_requests;
    assert!(discover_one(&machine, Some(backfill)).await.unwrap().refused);
    assert!(discover_one(&machine, None).await.unwrap().refused);
    assert_eq!(bench.simulator.stats().site_requests, asked);
}

#[tokio::test]
async fn a_rule_that_always_fails_starves_nobody() {
    let (bench, raid, difficulty) = one_board(33).await;
    let machine = bench.machine(&[]);
    machine.store().add_rule(&target(999_999, 4, SourceKind::Site)).unwrap();
    machine.store().add_rule(&target(raid, difficulty, SourceKind::Site)).unwrap();
    let summary = machine.run_once(&crate::common::regions()).await.unwrap();
    assert_eq!(summary.errors.len(), 1, "{:?}", summary.errors);
    assert!(summary.errors[0].contains("no raid 999999"), "{:?}", summary.errors);
    assert_eq!(
        discovered_or_ranked(&machine, &bench, raid, difficulty).await,
        on_board(&bench, raid, difficulty).len()
    );
}

/// The gate keeps players waiting while a rule fails: they are found, and wait.
async fn discovered_or_ranked(machine: &Machine<SimulatedClock>, bench: &Bench, raid: u32, difficulty: u8) -> usize {
    let waiting = discovered(machine).await;
    on_board(bench, raid, difficulty).intersection(&waiting).count()
}

#[tokio::test]
async fn every_form_of_refusal_stops_all_readers_and_is_not_asked_again_before_a_pause() {
    let refusals = [
        Fault::SiteHumanCheck,
        Fault::SiteHumanPage,
        Fault::SiteUseApi,
        Fault::SiteCloudflare,
        Fault::SiteJustAMoment,
        Fault::Site403,
        Fault::Site429,
        Fault::SiteTiny,
        Fault::SiteEmpty,
        Fault::SiteGarbage,
    ];
    for refusal in refusals {
        let (bench, raid, difficulty) = one_board(22).await;
        bench.simulator.faults().set(refusal, When::After(6));
        let machine = with_rule(&bench, &[("MAX_THREADS", "4"), ("PAGES_PER_THREAD", "2")], raid, difficulty);
        let summary = discover_one(&machine, None).await.unwrap();
        assert_eq!(summary.stopped, StopReason::Blocked, "{refusal}");
        assert!(summary.refused && summary.reason.is_some(), "{refusal}: {summary:?}");
        let stats = bench.simulator.stats();
        assert!(stats.site_requests_after_refusal <= 4, "{refusal}: {}", stats.site_requests_after_refusal);
        assert!(summary.players > 0, "{refusal}: what was read before is kept");
        assert_eq!(machine.store().rules().await.unwrap().0[0].last_run, None, "{refusal}");

        // During the pause nothing is asked, not even for a backfill; after it, the run goes on where it stopped.
        assert_eq!(discover_one(&machine, None).await.unwrap().stopped, StopReason::Blocked);
        let backfill = discover_one(&machine, Some(target(raid, difficulty, SourceKind::Site))).await.unwrap();
        assert_eq!(backfill.stopped, StopReason::Blocked);
        assert_eq!(bench.simulator.stats().site_requests, stats.site_requests, "{refusal}: asked during the pause");
        bench.simulator.faults().clear_all();
        bench.clock.advance(Duration::from_secs(3601));
        let resumed = discover_one(&machine, None).await.unwrap();
        assert_eq!(resumed.stopped, StopReason::EndOfBoard, "{refusal}");
        assert_eq!(discovered(&machine).await, on_board(&bench, raid, difficulty), "{refusal}");
        let rule = &machine.store().rules().await.unwrap().0[0];
        assert!(rule.last_run.is_some() && rule.state.block.is_none(), "{refusal}");
    }
}

#[tokio::test]
async fn a_second_refusal_pauses_longer() {
    let (bench, raid, difficulty) = one_board(23).await;
    bench.simulator.faults().set(Fault::SiteHumanCheck, When::Always);
    let machine = with_rule(&bench, &[], raid, difficulty);
    let mut pauses = Vec::new();
    for _ in 0..3 {
        let summary = discover_one(&machine, None).await.unwrap();
        let pause = summary.blocked_until.unwrap() - bench.clock.now();
        pauses.push(pause.num_minutes() + 1);
        bench.clock.advance(pause.to_std().unwrap() + Duration::from_secs(1));
    }
    assert_eq!(pauses, [60, 120, 240]);
}

#[tokio::test]
async fn a_page_that_breaks_is_asked_again_and_a_site_that_stays_broken_loses_nothing() {
    let (bench, raid, difficulty) = one_board(24).await;
    let machine = with_rule(&bench, &[], raid, difficulty);
    for fault in [Fault::SiteTruncated, Fault::SiteCutOff, Fault::SiteDropped] {
        bench.simulator.faults().set(fault, When::After(3));
        let error = discover_one(&machine, None).await.unwrap_err();
        assert!(format!("{error:#}").contains("ranking page"), "{fault}: {error:#}");
        bench.simulator.faults().clear_all();
        assert_eq!(
            discover_one(&machine, None).await.unwrap().stopped,
            StopReason::NothingDue,
            "it waits before it tries again"
        );
        bench.clock.advance(Duration::from_secs(24 * 3600));
    }
    bench.simulator.faults().set(Fault::SiteTruncated, When::Next(1));
    bench.simulator.faults().set(Fault::SiteDropped, When::Next(1));
    assert_eq!(discover_one(&machine, None).await.unwrap().stopped, StopReason::EndOfBoard);
    assert_eq!(discovered(&machine).await, on_board(&bench, raid, difficulty));
}

#[tokio::test]
async fn a_page_that_stays_broken_is_set_aside_for_the_next_run() {
    let (bench, raid, difficulty) = one_board(32).await;
    let machine = with_rule(&bench, &[], raid, difficulty);
    bench.simulator.faults().set(Fault::SiteTruncated, When::Ids(vec![2]));
    let summary = discover_one(&machine, None).await.unwrap();
    assert_eq!((summary.stopped, summary.skipped_pages), (StopReason::EndOfBoard, vec![2]));
    let rule = &machine.store().rules().await.unwrap().0[0];
    assert!(rule.last_run.is_some() && rule.state.progress.is_none(), "{rule:?}");
    assert!(discovered(&machine).await.len() < on_board(&bench, raid, difficulty).len());
    bench.simulator.faults().clear_all();
    bench.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(discover_one(&machine, None).await.unwrap().stopped, StopReason::EndOfBoard);
    assert_eq!(discovered(&machine).await, on_board(&bench, raid, difficulty));
}

#[tokio::test]
async fn a_board_half_of_which_stays_broken_is_finished_when_it_is_due_again() {
    let (bench, raid, difficulty) = one_board(35).await;
    let machine = bench.machine(&[]);
    machine.store().add_rule(&Target { end_page: 8, ..target(raid, difficulty, SourceKind::Site) }).unwrap();
    bench.simulator.faults().set(Fault::SiteTruncated, When::Ids(vec![1, 3, 5, 7]));
    let begun = bench.clock.now();
    let finished = loop {
        match discover_one(&machine, None).await {
            Ok(summary) if summary.stopped == StopReason::Complete => break summary,
            Ok(summary) => assert_eq!(summary.stopped, StopReason::NothingDue),
            Err(error) => assert!(format!("{error:#}").contains("ranking page"), "{error:#}"),
        }
        assert!(bench.clock.now() - begun < chrono::TimeDelta::hours(72), "no end in sight");
        bench.clock.advance(Duration::from_secs(3600));
    };
    let mut set_aside = finished.skipped_pages;
    set_aside.sort_unstable();
    assert_eq!(set_aside, [1, 3, 5, 7]);
    assert!(bench.clock.now() - begun > chrono::TimeDelta::hours(24));
    let found = discovered(&machine).await.len();
    assert!((301..=400).contains(&found), "{found} players of four pages");
}

/// discover while this page is broken, which does not finish the rule; a day later the page is whole. Answers what remains.
async fn fails_for_a_day(bench: &Bench, machine: &Machine<SimulatedClock>, page: i32) -> Vec<PageRange> {
    bench.simulator.faults().set(Fault::SiteTruncated, When::Ids(vec![page]));
    let error = discover_one(machine, None).await.unwrap_err();
    assert!(format!("{error:#}").contains(&format!("ranking page {page}")), "{error:#}");
    bench.simulator.faults().clear_all();
    bench.clock.advance(Duration::from_secs(24 * 3600));
    let rule = machine.store().rules().await.unwrap().0.remove(0);
    assert_eq!(rule.last_run, None);
    rule.state.progress.unwrap().remaining
}

#[tokio::test]
async fn a_board_whose_only_page_is_broken_is_not_finished() {
    let bench = Bench::start(World::generate(40, 34), |_| {}).await;
    let (raid, difficulty) = largest_board(&bench);
    let machine = with_rule(&bench, &[], raid, difficulty);
    fails_for_a_day(&bench, &machine, 1).await;
    assert_eq!(discover_one(&machine, None).await.unwrap().stopped, StopReason::EndOfBoard);
    assert_eq!(discovered(&machine).await, on_board(&bench, raid, difficulty));
}

#[tokio::test]
async fn a_board_with_no_more_pages_to_read_than_broken_ones_is_not_finished() {
    let (bench, raid, difficulty) = one_board(33).await;
    let machine = bench.machine(&[]);
    let rule = Target { end_page: 2, ..target(raid, difficulty, SourceKind::Site) };
    machine.store().add_rule(&rule).unwrap();
    let left = fails_for_a_day(&bench, &machine, 2).await;
    assert_eq!(left, [PageRange { next: 2, end: 2 }]);
    assert_eq!(discover_one(&machine, None).await.unwrap().stopped, StopReason::Complete);
}

#[tokio::test]
async fn hostile_names_on_a_page_change_nothing() {
    let (bench, raid, difficulty) = one_board(25).await;
    bench.simulator.faults().set(Fault::SiteHostileNames, When::Always);
    let machine = with_rule(&bench, &[], raid, difficulty);
    discover_one(&machine, None).await.unwrap();
    assert_eq!(discovered(&machine).await, on_board(&bench, raid, difficulty));
}

#[tokio::test]
async fn a_run_that_is_out_of_time_resumes_without_reading_a_page_twice() {
    resumes(&[("PAGES_PER_THREAD", "3"), ("MAX_THREADS", "2")]).await;
    // One chunk with several readers leaves gaps in what remains.
    resumes(&[("PAGES_PER_THREAD", "200"), ("MAX_THREADS", "3")]).await;
}

async fn resumes(variables: &[(&str, &str)]) {
    let (bench, raid, difficulty) = one_board(26).await;
    let machine = with_rule(&bench, variables, raid, difficulty);
    let mut pages = 0;
    let mut runs = 0;
    loop {
        // Each page takes the clock on, so that the deadline falls into the middle of the board.
        let deadline = bench.clock.now() + chrono::TimeDelta::seconds(60);
        let ticking = Ticking { clock: bench.clock.clone(), machine: &machine };
        let summary = ticking.discover(deadline).await;
        pages += summary.rules[0].pages;
        runs += 1;
        if summary.stopped() == StopReason::EndOfBoard {
            break;
        }
        assert_eq!(summary.stopped(), StopReason::Deadline);
        assert!(runs < 50, "no end in sight");
    }
    assert!(runs > 2, "{runs} runs");
    assert_eq!(discovered(&machine).await, on_board(&bench, raid, difficulty));
    let stats = bench.simulator.stats();
    assert_eq!(u64::from(pages), stats.site_requests, "each page was asked for once");
}

/// discover with a site whose every page takes ten simulated seconds.
struct Ticking<'a> {
    clock: SimulatedClock,
    machine: &'a Machine<SimulatedClock>,
}

impl RankingSite for Ticking<'_> {
    async fn ranking_page(&self, board: &Board, page: u32) -> Result<SourcePage, SourceError> {
        self.clock.advance(Duration::from_secs(10));
        self.machine.site().ranking_page(board, page).await
    }
}

impl Ticking<'_> {
    async fn discover(&self, deadline: parsebook_core::Timestamp) -> DiscoverSummary {
        let (store, api) = (self.machine.store(), self.machine.api());
        let ports = DiscoverPorts { store, api, site: self, clock: &self.clock };
        let invocation =
            Invocation { owner: "test".to_owned(), deadline: Some(deadline), renew_every: None, only: None };
        discover(&ports, &self.machine.settings().discover, None, &invocation).await.unwrap()
    }
}

#[tokio::test]
async fn a_backfill_reads_exactly_its_pages_and_touches_no_rule() {
    let (bench, raid, difficulty) = one_board(27).await;
    let machine = with_rule(&bench, &[], raid, difficulty);
    let before = machine.store().rules().await.unwrap().0;
    let range = Target { start_page: 2, end_page: 3, ..target(raid, difficulty, SourceKind::Site) };
    let summary = discover_one(&machine, Some(range)).await.unwrap();
    assert_eq!((summary.pages, summary.stopped, summary.rule), (2, StopReason::Complete, None));
    assert_eq!(bench.simulator.stats().site_requests, 2);
    assert_eq!(machine.store().rules().await.unwrap().0, before);
}

#[tokio::test]
async fn the_current_partition_comes_from_the_api_unless_the_rule_names_one() {
    let (bench, raid, difficulty) = one_board(28).await;
    let machine = bench.machine(&[]);
    let current = bench.world().raid(raid as i32).unwrap().partition as u32;
    let named = Target { partition: Some(current + 1), ..target(raid, difficulty, SourceKind::Site) };
    assert_eq!(discover_one(&machine, Some(named)).await.unwrap().players, 0, "another partition is another board");
    assert_eq!(bench.simulator.stats().api_requests, 0);
    discover_one(&machine, Some(target(raid, difficulty, SourceKind::Site))).await.unwrap();
    assert_eq!(discovered(&machine).await, on_board(&bench, raid, difficulty));
    let missing = discover_one(&machine, Some(target(999, 4, SourceKind::Site))).await.unwrap_err();
    assert!(format!("{missing:#}").contains("no raid 999"), "{missing:#}");
}

#[tokio::test]
async fn reports_of_the_next_run_are_those_since_the_last() {
    let (bench, raid, difficulty) = one_board(29).await;
    let machine = bench.machine(&[]);
    machine.store().add_rule(&target(raid, difficulty, SourceKind::Reports)).unwrap();
    let first = discover_one(&machine, None).await.unwrap();
    assert!(first.players > 0);
    bench.clock.advance(Duration::from_secs(48 * 3600));
    let second = discover_one(&machine, None).await.unwrap();
    assert_eq!(second.stopped, StopReason::Complete);
    assert!(second.players < first.players / 2, "{} after {}", second.players, first.players);
}

#[tokio::test]
async fn discovery_by_reports_without_points_waits_for_them() {
    let bench = Bench::start(World::generate(2000, 30), |config| config.points_per_hour = Some(200)).await;
    let machine = bench.machine(&[]);
    let (raid, difficulty) = boards(&bench.world())[1];
    machine.store().add_rule(&target(raid, difficulty, SourceKind::Reports)).unwrap();
    let summaries = machine.discover_due(&mut Vec::new()).await.unwrap();
    assert!(summaries.len() > 1, "{summaries:?}");
    assert!(summaries.iter().all(|summary| !summary.refused));
    assert_eq!(summaries.last().unwrap().stopped, StopReason::Complete);
}

#[tokio::test]
async fn a_failing_gateway_of_the_site_is_no_refusal() {
    for fault in Fault::SITE_GATEWAY {
        let (bench, raid, difficulty) = one_board(35).await;
        let machine = with_rule(&bench, &[], raid, difficulty);
        bench.simulator.faults().set(fault, When::Ids(vec![7, 14]));
        let mut summary = discover_one(&machine, None).await.unwrap();
        summary.skipped_pages.sort_unstable();
        assert_eq!((summary.stopped, summary.skipped_pages), (StopReason::EndOfBoard, vec![7, 14]), "{fault}");
        assert!(!summary.refused && machine.store().rules().await.unwrap().0[0].state.block.is_none(), "{fault}");
    }
}

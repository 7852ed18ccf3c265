//! The whole pipeline on one machine: what comes out is what the world holds.

use parsebook_adapters::embedded::EmbeddedStore;
use parsebook_core::generate::StopReason;
use parsebook_core::rule::SourceKind;
use parsebook_simulator::{PageLayout, World};
use parsebook_test_support::oracle;

use crate::common::{Bench, regions};

#[tokio::test]
async fn every_player_of_both_layouts_is_looked_up_exactly() {
    for layout in [PageLayout::Fragment, PageLayout::Page] {
        let bench = Bench::start(World::generate(1500, 7), |config| config.layout = layout).await;
        let machine = bench.machine(&[]);
        bench.add_rules(&machine, SourceKind::Site);
        machine.run_once(&regions()).await.unwrap();
        let world = bench.world();
        let ranked = world.players().filter(|player| player.is_rankable() && player.pairs().next().is_some());
        assert_eq!(oracle::verify(&bench.addon(), &world).unwrap(), ranked.count());
    }
}

#[tokio::test]
async fn reports_find_everybody_who_stands_in_one() {
    let bench = Bench::start(World::generate(1500, 8), |_| {}).await;
    let machine = bench.machine(&[]);
    bench.add_rules(&machine, SourceKind::Reports);
    let summary = machine.run_once(&regions()).await.unwrap();
    let standing = bench.simulator.reports().standing(&bench.world());
    assert!(!standing.is_empty());
    assert!(oracle::verify_standing(&bench.addon(), &bench.world(), &standing).unwrap() > 0);
    assert_eq!(bench.simulator.stats().site_requests, 0);
    assert_eq!(summary.player_rank.dead_lettered, 0);
}

#[tokio::test]
async fn the_oracle_notices_a_difference() {
    let bench = Bench::start(World::generate(200, 7), |_| {}).await;
    let machine = bench.machine(&[]);
    bench.add_rules(&machine, SourceKind::Site);
    machine.run_once(&regions()).await.unwrap();
    assert!(oracle::verify(&bench.addon(), &World::generate(200, 6)).is_err());
}

#[tokio::test]
async fn the_same_data_makes_no_second_commit() {
    let bench = Bench::start(World::generate(300, 9), |_| {}).await;
    let machine = bench.machine(&[]);
    bench.add_rules(&machine, SourceKind::Site);
    let first = machine.run_once(&regions()).await.unwrap().db_generator.unwrap();
    assert_eq!(first.stopped, StopReason::Published);
    let second = machine.run_once(&regions()).await.unwrap();
    assert_eq!(second.db_generator.unwrap().stopped, StopReason::Unchanged);
    assert!(second.discover.is_empty(), "no rule is due again within the delay");
}

#[tokio::test]
async fn points_are_the_documented_minimum_and_hours_are_used_up() {
    const LIMIT: u32 = 3600;
    let bench = Bench::start(World::generate(2500, 10), |config| config.points_per_hour = Some(LIMIT)).await;
    // Whose class can heal is asked by two metrics.
    let machine = bench.machine(&[("WCL_CALL_BUDGET", "12")]);
    bench.add_rules(&machine, SourceKind::Site);
    let summary = machine.run_once(&regions()).await.unwrap();
    oracle::verify(&bench.addon(), &bench.world()).unwrap();

    let stats = bench.simulator.stats();
    let least = oracle::least_points(&bench.world());
    let spent = stats.points_spent[0];
    assert!(spent <= least * 1.05, "spent {spent} where {least} would do");
    assert!(summary.player_rank.pauses >= 5, "{} pauses", summary.player_rank.pauses);
    assert_eq!(stats.points_refusals, 0, "the budget is known, not run into");
    let hours = &stats.points_windows;
    for hour in &hours[..hours.len() - 1] {
        assert!(hour.spent >= 0.95 * f64::from(LIMIT), "hour {}: {} of {LIMIT} points", hour.hour, hour.spent);
    }
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused() {
    let bench = Bench::start(World::generate(50, 1), |_| {}).await;
    let _machine = bench.machine(&[]);
    let second = EmbeddedStore::open(&bench.data()).unwrap().lock_for_stages().unwrap_err();
    assert!(second.to_string().contains("another parsebook works on"), "{second}");
}

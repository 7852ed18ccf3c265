//! Ranks read from reports: a season on a clock where days take no time, from the first list to the addon.

use std::time::Duration;

use parsebook_core::ports::ReportBacklog;
use parsebook_core::rule::{RanksKind, SourceKind, Target};
use parsebook_simulator::{Season, World};
use parsebook_test_support::oracle;

use crate::common::{Bench, boards, regions};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn after_a_season_everybody_in_its_reports_has_exactly_the_worlds_ranks() {
    // Every log is there as soon as its raid is over: what a full reading knows, then, is what its reports tell.
    let season = Season { length: DAY * 30, late_percent: 0, live_percent: 100, ..Season::default() };
    let bench = Bench::start(World::generate(250, 21), |config| config.season = Some(season)).await;
    let machine = bench.machine(&[]);
    for (raid, difficulty) in boards(&bench.world()) {
        let target = Target { ranks: RanksKind::Reports, ..Target::new(raid, difficulty, SourceKind::Reports) };
        machine.store().add_rule(&target).unwrap();
    }
    let mut points = 0.0;
    for _ in 0..40 {
        bench.clock.advance(DAY);
        let summary = machine.run_once(&regions()).await.unwrap();
        assert!(summary.errors.is_empty(), "{:?}", summary.errors);
        points += summary.player_rank.points.values().sum::<f64>();
    }
    let now = parsebook_core::ports::Clock::now(&bench.clock);
    let lag = machine.store().report_lag(now).await.unwrap();
    assert!(lag.all > 10 && lag.due == 0 && lag.again == 0, "{lag:?}");
    assert!(oracle::verify(&bench.addon(), &bench.world()).unwrap() > 150);
    assert!(points > 0.0);
}

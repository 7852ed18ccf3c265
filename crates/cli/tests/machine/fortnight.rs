//! Discovery from reports over a fortnight: nobody is missed, hardly anything is asked twice, nothing of other regions.

use std::collections::BTreeSet;
use std::time::Duration;

use parsebook_core::ports::{Clock, Discoveries};
use parsebook_core::rule::SourceKind;
use parsebook_simulator::{Season, World};

use crate::common::{Bench, target};

const HALF_AN_HOUR: Duration = Duration::from_secs(1800);
const DAYS: usize = 14;
const WANTED: [&str; 2] = ["EU", "KR"];

#[tokio::test]
async fn everybody_is_found_within_one_run_of_an_upload_and_no_report_is_asked_twice() {
    // Five regions, a fifth of the reports uploaded up to three days late, live logs that grow.
    let length = Duration::from_secs(DAYS as u64 * 86_400);
    let season = Season { length, falls_to: 1.0, ..Season::default() };
    let bench = Bench::start(World::generate(6000, 61), |config| config.season = Some(season)).await;
    let (world, reports) = (bench.world(), bench.simulator.reports());
    assert!(reports.len() >= 12_000, "{} reports", reports.len());
    let machine = bench.machine(&[("DELAY_DISCOVERY_IN_HOURS", "1"), ("REGIONS", "EU,KR")]);
    let raid = world.raids()[0].id as u32;
    for difficulty in [3, 4, 5] {
        machine.store().add_rule(&target(raid, difficulty, SourceKind::Reports)).unwrap();
    }
    let mut found = BTreeSet::new();
    for run in 0..DAYS * 48 {
        bench.clock.advance(HALF_AN_HOUR);
        let now = bench.clock.now();
        let mut errors = Vec::new();
        let worked = machine.discover_due(&mut errors).await.unwrap();
        assert!(errors.is_empty(), "{errors:?}");
        // Every rule is due each hour, and looked at here every quarter of a day.
        if worked.is_empty() || run % 12 > 1 {
            continue;
        }
        let page = machine.store().discovered_after(None, usize::MAX >> 1).await.unwrap();
        for player in &page.discovered {
            found.extend(player.raids_to_scrap.pairs().map(|(_, difficulty)| (player.id as i32, difficulty)));
        }
        let there = reports.standing_now(&world, &WANTED, now);
        let missing: Vec<_> = there
            .iter()
            .filter(|standing| standing.raid == raid as i32 && [3, 4, 5].contains(&standing.difficulty))
            .filter(|standing| !found.contains(&(standing.player, standing.difficulty)))
            .collect();
        assert!(missing.is_empty(), "run {run}: {} are missing: {:?}", missing.len(), missing[0]);
    }
    assert!(found.len() > 500, "{} found", found.len());
    let stats = bench.simulator.stats();
    let asked: u64 = stats.details.values().sum();
    assert!(stats.details_again * 50 <= asked, "{} of {asked} asked at a revision that was known", stats.details_again);
    assert_eq!(stats.details.keys().copied().collect::<Vec<_>>(), WANTED, "other regions cost nothing");
}

//! `calibrate` finds out how the simulator was set, with at most 100 points.

use std::collections::BTreeMap;

use parsebook_core::calibrate::judge;
use parsebook_simulator::{Behaviour, Best, Compare, DefaultMetric, HpsRows, Price, Shown, Timeframe, World};

use crate::common::{Bench, boards};

/// Findings that no setting may leave open: the others need a report that shows them.
const ALWAYS: [&str; 7] = ["list-price", "page-cap", "price", "alias-discount", "best", "hps-rows", "default-metric"];

fn settings() -> [Behaviour; 4] {
    let default = Behaviour::default;
    [
        default(),
        Behaviour {
            price: Price::Flat,
            alias_discount: true,
            default_metric: DefaultMetric::Dps,
            hps_rows: HpsRows::Healers,
            best: Best::Always,
            ..default()
        },
        Behaviour {
            list_price: 2.0,
            page_cap: 10,
            default_compare: Compare::Parses,
            shown: Shown::BestAmount,
            hidden_rows: true,
            ..default()
        },
        Behaviour { default_timeframe: Timeframe::Today, lfr_ranked: false, ..default() },
    ]
}

/// What a calibration has to say of a setting, if it says anything.
fn truth(set: &Behaviour) -> BTreeMap<&'static str, String> {
    let word = |is: bool, yes: &str, no: &str| if is { yes.to_owned() } else { no.to_owned() };
    BTreeMap::from([
        ("list-price", set.list_price.to_string()),
        ("page-cap", set.page_cap.to_string()),
        ("price", word(set.price == Price::Flat, "flat", "per-kill")),
        ("alias-discount", set.alias_discount.to_string()),
        ("best", word(set.best == Best::Always, "always", "best-kill")),
        ("hps-rows", word(set.hps_rows == HpsRows::Healers, "healers", "everybody")),
        ("hidden-rows", set.hidden_rows.to_string()),
        ("lfr-ranked", set.lfr_ranked.to_string()),
        ("default-metric", word(set.default_metric == DefaultMetric::Dps, "dps", "character")),
        ("shown", word(set.shown == Shown::BestAmount, "best-amount", "best-percent")),
        ("default-compare", word(set.default_compare == Compare::Parses, "parses", "rankings")),
        ("default-timeframe", word(set.default_timeframe == Timeframe::Today, "today", "historical")),
        ("zone-timeframe", word(set.default_timeframe == Timeframe::Today, "today", "historical")),
    ])
}

#[tokio::test]
async fn a_calibration_finds_how_the_simulator_is_set() {
    for behaviour in settings() {
        let truth = truth(&behaviour);
        let bench = Bench::start(World::generate(3000, 5), |config| config.behaviour = behaviour.clone()).await;
        let machine = bench.machine(&[]);
        let raid = boards(&bench.world()).into_iter().map(|(raid, _)| raid).max().unwrap();
        let calibrated = machine.api().calibrate(raid).await.unwrap();
        let spent: f64 = bench.simulator.stats().points_spent.iter().sum();
        assert!(spent <= 100.0, "{spent} points: {behaviour:?}");
        let findings = judge(&calibrated.observations).findings;
        for finding in &findings {
            if let Some(value) = truth.get(finding.name) {
                assert_eq!(&finding.value, value, "{finding:?}: {behaviour:?}");
            }
        }
        for name in ALWAYS {
            assert!(findings.iter().any(|finding| finding.name == name), "{name} is left open: {findings:?}");
        }
    }
}

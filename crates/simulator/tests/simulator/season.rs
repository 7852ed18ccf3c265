//! A season of reports: kills happen with time, and after the season everything is the world's.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use parsebook_simulator::{Metric, Season, SimulatedClock, World};
use serde_json::{Value, json};

use crate::common::{Site, test_clock};

const DAY: Duration = Duration::from_secs(86_400);

async fn season(players: usize, clock: &SimulatedClock) -> Site {
    Site::of(World::generate(players, 5), |config| {
        config.simulated_clock = Some(clock.clone());
        config.season = Some(Season { length: 28 * DAY, ..Season::default() });
    })
    .await
}

/// The reports of a raid that can be seen now, cut into pages of 100, and into windows where there are more than 25.
async fn visible(site: &Site, raid: i32, fields: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for day in -1..30_i64 {
        let start = 1_790_000_000_000 + day * 86_400_000;
        for page in 1..=25 {
            let query = format!(
                "{{ reportData {{ reports(zoneID: {raid}, startTime: {start}, endTime: {}, page: {page}) {{ has_more_pages \
                 data {{ {fields} }} }} }} }}",
                start + 86_399_999
            );
            let answer = site.ask(&query).await["data"]["reportData"]["reports"].clone();
            all.extend(answer["data"].as_array().unwrap().clone());
            if answer["has_more_pages"] == false {
                break;
            }
        }
    }
    all
}

/// One player's ranks of one boss, folded as a reader of reports does it.
#[derive(Default)]
struct Folded {
    percent: u64,
    ends: Vec<f64>,
    spec: String,
}

#[tokio::test]
async fn after_the_season_reports_tell_exactly_the_worlds_ranks_kills_and_specs() {
    let clock = test_clock();
    let site = season(700, &clock).await;
    clock.advance(40 * DAY);
    let fields = "code startTime dps: rankings(playerMetric: dps) hps: rankings(playerMetric: hps) \
                  fights(killType: Kills) { id encounterID difficulty endTime }";
    let mut folded: HashMap<(i64, i64, i64, &str), Folded> = HashMap::new();
    let (mut rows, mut seen_twice) = (0, 0);
    for raid in [61, 62] {
        for report in visible(&site, raid, fields).await {
            let ends: HashMap<i64, f64> = report["fights"]
                .as_array()
                .unwrap()
                .iter()
                .map(|fight| (fight["id"].as_i64().unwrap(), fight["endTime"].as_f64().unwrap()))
                .collect();
            for metric in ["dps", "hps"] {
                for fight in report[metric]["data"].as_array().unwrap() {
                    let end = report["startTime"].as_f64().unwrap() + ends[&fight["fightID"].as_i64().unwrap()];
                    for row in characters(fight).filter(|row| row.get("banned").is_none()) {
                        let boss = fight["encounter"]["id"].as_i64().unwrap();
                        let key = (row["id"].as_i64().unwrap(), boss, fight["difficulty"].as_i64().unwrap(), metric);
                        let known = folded.entry(key).or_default();
                        known.percent = known.percent.max(row["rankPercent"].as_u64().unwrap());
                        known.spec = row["spec"].as_str().unwrap().to_owned();
                        rows += 1;
                        if known.ends.iter().any(|other| (other - end).abs() <= 120_000.0) {
                            seen_twice += 1;
                        } else {
                            known.ends.push(end);
                        }
                    }
                }
            }
        }
    }
    let mut checked = 0;
    for player in site.world().players().filter(|player| player.is_rankable()) {
        for rank in player.ranks() {
            let key = (player.id().into(), rank.encounter.into(), rank.difficulty.into(), rank.metric.name());
            let found = folded.remove(&key).unwrap_or_default();
            assert_eq!(
                (found.percent, found.ends.len(), found.spec.as_str()),
                (rank.rank.into(), rank.kills.into(), rank.spec),
                "{key:?}"
            );
            checked += 1;
        }
    }
    assert!(checked > 3_000 && seen_twice * 100 > rows * 8, "{checked} ranks, {seen_twice} of {rows} rows seen twice");
}

fn characters(fight: &Value) -> impl Iterator<Item = &Value> {
    ["tanks", "healers", "dps"].into_iter().flat_map(|role| fight["roles"][role]["characters"].as_array().unwrap())
}

#[tokio::test]
async fn each_kill_has_its_size_and_nobody_stands_in_it_twice() {
    let clock = test_clock();
    let site = season(4_000, &clock).await;
    clock.advance(40 * DAY);
    let (mut people, mut kills) = (0, 0);
    for report in visible(&site, 62, "rankings").await {
        for fight in report["rankings"]["data"].as_array().unwrap() {
            let ids: Vec<&Value> = characters(fight).map(|row| &row["id"]).collect();
            let distinct: HashSet<String> = ids.iter().map(ToString::to_string).collect();
            assert_eq!(ids.len(), distinct.len());
            let size = fight["size"].as_u64().unwrap();
            assert!(size <= 30 && ids.len() as u64 <= size + 1, "{} rows of {size}", ids.len());
            people += size;
            kills += 1;
        }
    }
    assert!(people > 5 * kills, "{people} in {kills} kills");
}

#[tokio::test]
async fn reports_appear_late_or_live_and_grow() {
    let clock = test_clock();
    let site = season(3_000, &clock).await;
    assert_eq!(visible(&site, 62, "code").await, Vec::<Value>::new());
    clock.advance(5 * DAY);
    let fields = "code revision segments exportedSegments startTime endTime";
    let by_code = |reports: Vec<Value>| -> BTreeMap<String, Value> {
        reports.into_iter().map(|report| (report["code"].as_str().unwrap().to_owned(), report)).collect()
    };
    let before = by_code(visible(&site, 62, fields).await);
    clock.advance(Duration::from_secs(1_800));
    let after = by_code(visible(&site, 62, fields).await);
    let grown: Vec<&String> =
        before.keys().filter(|code| after[*code]["endTime"].as_f64() > before[*code]["endTime"].as_f64()).collect();
    assert!(!grown.is_empty());
    assert!(grown.iter().all(|code| after[*code]["revision"].as_i64() > before[*code]["revision"].as_i64()));
    assert!(before.values().any(|report| report["exportedSegments"].as_i64() < report["segments"].as_i64()));
    let late = after.values().filter(|report| {
        let code = report["code"].as_str().unwrap();
        !before.contains_key(code) && report["endTime"].as_f64().unwrap() < 1_790_000_000_000.0 + 4.9 * 86_400_000.0
    });
    assert!(late.count() > 0, "logs are uploaded days after the raid");
}

#[tokio::test]
async fn ranks_are_null_for_a_day_and_not_locked_for_as_long() {
    let clock = test_clock();
    let site = season(700, &clock).await;
    clock.advance(2 * DAY);
    let fresh_and_old = async || {
        let (mut fresh, mut old) = (Vec::new(), 0);
        for report in visible(&site, 62, "rankings").await {
            for fight in report["rankings"]["data"].as_array().unwrap() {
                for row in characters(fight) {
                    if row["rankPercent"].is_null() { fresh.push(row["id"].clone()) } else { old += 1 }
                }
            }
        }
        (fresh, old)
    };
    let (fresh, old) = fresh_and_old().await;
    assert!(!fresh.is_empty() && old > 0, "{} {old}", fresh.len());
    let mut unlocked = 0;
    for id in fresh.iter().take(40) {
        for difficulty in [3, 4] {
            let answer =
                site.rankings(id.as_i64().unwrap() as i32, &format!("zoneID: 62, difficulty: {difficulty}")).await;
            for row in answer["rankings"].as_array().unwrap().iter().filter(|row| row["lockedIn"] == false) {
                assert_eq!((&row["allStars"]["rank"], &row["allStars"]["total"]), (&json!("-"), &json!(0)));
                unlocked += 1;
            }
        }
    }
    assert!(unlocked > 0);
    clock.advance(40 * DAY);
    assert!(fresh_and_old().await.0.is_empty());
}

#[tokio::test]
async fn zone_rankings_know_the_kills_so_far_and_at_the_end_all() {
    let clock = test_clock();
    let site = season(400, &clock).await;
    let kills = async || {
        let mut sum = 0;
        for player in site.world().players().filter(|player| player.is_rankable()).take(60) {
            for (raid, difficulty) in player.pairs() {
                let answer = site.rankings(player.id(), &format!("zoneID: {raid}, difficulty: {difficulty}")).await;
                let rows = answer["rankings"].as_array().unwrap();
                sum += rows.iter().map(|row| row["totalKills"].as_u64().unwrap()).sum::<u64>();
            }
        }
        sum
    };
    assert_eq!(kills().await, 0);
    clock.advance(10 * DAY);
    let middle = kills().await;
    clock.advance(30 * DAY);
    let players = || site.world().players().filter(|player| player.is_rankable()).take(60);
    let all: u64 = players().flat_map(|player| player.ranks()).map(|rank| u64::from(rank.kills)).sum();
    assert_eq!(kills().await, all);
    assert!((all / 5..all).contains(&middle), "{middle} of {all}");
    let player = players().find(|player| player.ranks().any(|rank| rank.metric == Metric::Hps)).unwrap();
    let rank = player.ranks().find(|rank| rank.metric == Metric::Hps).unwrap();
    let arguments = format!("zoneID: {}, difficulty: {}, metric: hps, role: Healer", rank.raid, rank.difficulty);
    let answer = site.rankings(player.id(), &arguments).await;
    let row =
        answer["rankings"].as_array().unwrap().iter().find(|row| row["encounter"]["id"] == rank.encounter).unwrap();
    assert_eq!((&row["rankPercent"], &row["spec"]), (&json!(rank.rank_percent), &json!(rank.spec)));
}

#[tokio::test]
async fn the_clock_is_moved_over_http() {
    let clock = test_clock();
    let site = season(50, &clock).await;
    let post = async |site: &Site, query: &str| {
        site.http.post(format!("{}/simulator/clock?{query}", site.handle.url())).send().await.unwrap()
    };
    let answer: Value = post(&site, "advance=86400").await.json().await.unwrap();
    assert_eq!(answer["now"], "2026-09-22T14:13:20Z");
    assert_eq!(clock.now().timestamp(), 1_790_086_400);
    assert_eq!(post(&site, "advance=soon").await.status(), 400);
    let real = Site::start(|_| {}).await;
    assert_eq!(post(&real, "advance=1").await.status(), 404);
}

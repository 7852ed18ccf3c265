//! A made-up journal and store, as a deployment with one key leaves them after five weeks.

use chrono::{TimeDelta, Timelike};
use parsebook_core::Timestamp;
use parsebook_core::journal::Run;
use parsebook_core::player::{
    DifficultyRanks, Encounter, EncounterRank, Identity, MetricRanks, PlayerUpdate, Raid, RankedPart,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// Days that the journal goes back.
const DAYS: i64 = 35;

/// Numbers that look like chance and are the same each time.
pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new() -> Self {
        Self(ChaCha8Rng::seed_from_u64(1))
    }

    fn roll(&mut self) -> f64 {
        self.0.random()
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.roll()
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
    fn count(&mut self, low: f64, high: f64) -> u64 {
        self.between(low, high).round() as u64
    }
}

fn run(stage: &str, index: u32, begun: Timestamp, seconds: f64, summary: Value) -> Run {
    #[expect(clippy::cast_possible_truncation, reason = "a duration in milliseconds")]
    let ended = begun + TimeDelta::milliseconds((seconds * 1000.0) as i64);
    Run::begin(format!("{stage}/{index}"), stage, begun, None).ended(ended, summary)
}

/// `count` runs until `now`, oldest first.
pub fn runs(count: u32, now: Timestamp) -> impl Iterator<Item = Run> {
    let mut dice = Dice::new();
    let from = now - TimeDelta::days(DAYS);
    let step = TimeDelta::days(DAYS) / i32::try_from(count).unwrap_or(i32::MAX);
    let mut left_this_hour = 3600.0;
    let mut hour = 25;
    (0..count).map(move |index| {
        let at = from + step * i32::try_from(index).unwrap_or_default();
        if at.hour() != hour {
            (hour, left_this_hour) = (at.hour(), 3600.0);
        }
        one(&mut dice, index, at, &mut left_this_hour)
    })
}

fn one(dice: &mut Dice, index: u32, at: Timestamp, left: &mut f64) -> Run {
    let grown = f64::from(index % 100_000) / 100_000.0;
    match index % 1000 {
        0 | 500 => {
            let rule = |raid: u32, difficulty: u8, source: &str, dice: &mut Dice| {
                json!({ "raid": raid, "difficulty": difficulty, "source": source, "pages": dice.count(20.0, 90.0),
                        "players": dice.count(300.0, 2400.0), "skipped": dice.count(0.0, 1.2), "stopped": "complete" })
            };
            let mut rules = vec![rule(44, 5, "reports", dice), rule(44, 4, "reports", dice), rule(42, 5, "site", dice)];
            if index.is_multiple_of(3000) {
                rules[2]["stopped"] = json!("blocked");
                rules[2]["refused"] = json!(true);
                rules[2]["reason"] = json!("the site shows a human check");
            }
            let players: u64 = rules.iter().filter_map(|rule| rule["players"].as_u64()).sum();
            let summary = json!({ "rules": rules, "players": players, "pointsSpent": dice.between(40.0, 130.0) });
            run("discover", index, at, 240.0, summary)
        }
        1 | 251 | 501 | 751 => {
            let summary = json!({ "sent": dice.count(1180.0, 1290.0), "left": dice.count(4000.0, 9000.0), "stopped": "complete" });
            run("aggregator", index, at, 9.0, summary)
        }
        2 => run("reviver", index, at, 0.6, json!({ "concurrencyLimit": 5 })),
        3 => {
            let regions =
                ["CN", "EU", "KR", "TW", "US"].into_iter().zip([9e3, 96e3, 14e3, 6e3, 78e3]).map(|(name, most)| {
                    let characters = dice.count(most * (0.35 + 0.6 * grown), most * (0.37 + 0.61 * grown));
                    json!({ "region": name, "characters": characters, "realms": 90, "bytes": characters * 13 })
                });
            let summary = json!({ "regions": regions.collect::<Vec<_>>(), "stopped": "published", "commit": "0f3a" });
            run("db-generator", index, at, 140.0, summary)
        }
        400 => Run::begin(format!("k/{index}"), "discover", at, Some(at + TimeDelta::minutes(15)))
            .alive(at + TimeDelta::minutes(4)),
        401 if index.is_multiple_of(7) => {
            Run::begin(format!("h/{index}"), "db-generator", at, Some(at + TimeDelta::minutes(15)))
                .alive(at + TimeDelta::minutes(15))
        }
        index_of_day if index_of_day % 90 == 7 => {
            let known = serde_json::Map::from_iter([("pointsLeft".to_owned(), json!({ "main": 41.0 }))]);
            let message = "no key has the 450 points this batch needs; concurrency limit is now 4";
            Run::begin(format!("n/{index}"), "player-rank", at, None).failed(at, "NoBudget", message, known)
        }
        _ => {
            let points = dice.between(21.0, 37.0).min(*left);
            *left -= points;
            let mut summary = json!({ "done": 5, "finished": [], "failed": [], "hidden": 0, "key": "main",
                "pointsSpent": points, "pointsLeft": { "main": *left } });
            if index.is_multiple_of(1700) {
                let reason = format!("player {index}: the API answered 502");
                summary["failed"] = json!([{ "messageId": "m", "reason": reason }]);
            }
            run("player-rank", index, at, 2.4, summary)
        }
    }
}

/// Players `from` to `to` with the ranks that go with it, read over the last weeks.
pub fn players(ids: std::ops::Range<u32>, now: Timestamp) -> Vec<PlayerUpdate> {
    let mut dice = Dice::new();
    ids.map(|id| {
        let region = match id % 20 {
            0 => "TW",
            1 => "CN",
            2 | 3 => "KR",
            4..=11 => "EU",
            _ => "US",
        };
        let ranked_at = now - TimeDelta::minutes(i64::from(id.wrapping_mul(7919) % 40_000));
        let part = |difficulty: u8, dice: &mut Dice| {
            let encounters = (3129..3137)
                .map(|boss| (boss, EncounterRank::clamped(dice.between(0.0, 100.0), dice.between(1.0, 9.0).floor())))
                .collect();
            let read_at = Some(ranked_at);
            let metric = MetricRanks { partition: 1, ranked_at, read_at, encounters, ..MetricRanks::default() };
            RankedPart { raid: 44, difficulty, ranks: DifficultyRanks::from([("dps".to_owned(), metric)]) }
        };
        let identity = Identity {
            name: format!("Player{id}"),
            region: region.into(),
            server: "Made Up".into(),
            normalized_server: "MadeUp".into(),
            class_id: 9,
        };
        PlayerUpdate::Ranked { id, identity, parts: vec![part(4, &mut dice), part(5, &mut dice)] }
    })
    .collect()
}

/// Names for it, made up.
pub fn raids() -> Vec<Raid> {
    let names = [
        "Gatekeeper Vorn",
        "The Loom",
        "Twin Embers",
        "Ashmaw",
        "Queen Sirath",
        "The Silent Choir",
        "Old Marrow",
        "Dawnbreaker",
    ];
    let encounters = (3129..).zip(names).map(|(id, name)| Encounter { id, name: name.into() }).collect();
    vec![
        Raid { id: 44, name: "Hollow of Embers".into(), encounters },
        Raid { id: 42, name: "The Drowned Court".into(), encounters: Vec::new() },
    ]
}

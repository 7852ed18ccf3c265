//! The page as a whole: it stands alone, shows everything, and cannot be broken by what it shows.

#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use chrono::TimeDelta;
use parsebook_core::Timestamp;
use parsebook_core::history::History;
use parsebook_core::journal::Run;
use parsebook_core::player::Raid;
use parsebook_core::status::census::{Boss, RANK_GROUPS};
use parsebook_core::status::{BossRanks, Census, RegionCensus, Status};
use parsebook_report::{Report, live_page, page, sections};
use serde_json::{Value, json};

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::days(20_001)
}

fn run(stage: &str, hours_ago: i64, summary: Value) -> Run {
    let begun = Run::begin(format!("{stage}{hours_ago}"), stage, now() - TimeDelta::hours(hours_ago), None);
    begun.ended(begun.started_at + TimeDelta::seconds(3), summary)
}

struct World {
    census: Census,
    history: History,
    raids: Vec<Raid>,
}

impl World {
    fn empty() -> Self {
        Self { census: Census::default(), history: History::new(now()), raids: Vec::new() }
    }

    fn full() -> Self {
        let mut world = Self::empty();
        for hours in (1..200).rev() {
            world.history.add(&run(
                "player-rank",
                hours,
                json!({ "done": 5, "pointsSpent": 30.0, "pointsLeft": { "main": 900.0 } }),
            ));
            world.history.add(&run("aggregator", hours, json!({ "sent": 4, "left": 10 })));
        }
        world.history.add(&run(
            "discover",
            5,
            json!({ "raid": 31, "difficulty": 4, "pages": 3, "players": 9, "skipped": 2 }),
        ));
        let regions = json!([{ "region": "EU", "characters": 10, "bytes": 900 }]);
        world.history.add(&run("db-generator", 4, json!({ "stopped": "published", "regions": regions })));
        let mut eu = RegionCensus::new("EU".into());
        eu.add(0, 7, now(), now());
        world.census = Census {
            discovered: 12,
            queued: Some(34),
            regions: vec![eu],
            bosses: vec![BossRanks {
                boss: Boss { raid: 31, difficulty: 4, metric: "dps".into(), encounter: 2587 },
                players: [3; RANK_GROUPS],
            }],
            ..Census::default()
        };
        world
    }

    fn with<T>(&self, make: impl Fn(&Report<'_>) -> anyhow::Result<T>) -> T {
        let status = Status::of("a store".into(), &self.census, &(vec![], vec![]), &self.history);
        make(&Report { status: &status, history: &self.history, bosses: &self.census.bosses, raids: &self.raids })
            .unwrap()
    }
}

#[test]
fn the_page_asks_nothing_of_anybody() {
    let html = World::full().with(page);
    for request in ["src=", "url(", "@import", "<script", "<iframe", "<form", "<a "] {
        assert!(!html.contains(request), "{request}");
    }
    let links: Vec<_> = html.match_indices("href=").map(|(at, _)| &html[at..at + 14]).collect();
    assert_eq!(links, [r#"href="data:,">"#]);
    assert!(!html.contains("http://") && !html.contains("https://"));
}

#[test]
fn every_plot_comes_in_two_widths_with_its_numbers() {
    for world in [World::empty(), World::full()] {
        let html = world.with(page);
        let count = |what: &str| html.matches(what).count();
        assert!(count("<figure") >= 8);
        assert_eq!(count(r#"<svg class="wide""#), count("<figure"));
        assert_eq!(count(r#"<svg class="narrow""#), count("<figure"));
        assert_eq!(count("<details"), count("<figure"));
        assert!(!html.contains("NaN") && !html.contains("inf\""));
    }
    assert!(World::empty().with(page).contains("Nothing in the journal yet"));
}

#[test]
fn the_numbers_are_those_of_the_status() {
    let html = World::full().with(page);
    for (id, value) in [("players", "7"), ("due", "46"), ("pointsAPlayer", "6")] {
        assert!(html.contains(&format!(r#"<dd data-value="{id}">{value}</dd>"#)), "{id}");
    }
}

#[test]
fn hostile_names_are_shown_as_text() {
    let mut world = World::full();
    let hostile = r#"<script>alert("x")</script>&"#;
    world.raids = vec![Raid { id: 31, name: hostile.into(), encounters: vec![] }];
    let begun = Run::begin("x".into(), hostile, now() - TimeDelta::hours(1), None);
    world.history.add(&begun.failed(now(), hostile, hostile, Default::default()));
    world.census.regions[0].region = hostile.into();
    let html = world.with(page);
    assert!(!html.contains("<script"));
    assert!(html.contains("&lt;script&gt;"));
}

#[test]
fn the_live_page_asks_only_its_own_server() {
    let world = World::full();
    let html = world.with(|report| live_page(report, "/sections"));
    assert!(html.contains(r#"data-live="/sections""#));
    assert!(html.contains(&world.with(sections)));
    assert!(!html.contains("http://") && !html.contains("https://"));
}

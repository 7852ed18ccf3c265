//! Points and the request limiter, by a clock that the test moves.

use std::time::Duration;

use parsebook_simulator::{Behaviour, Client, Fault, Player, Price, RequestLimit, UNLIMITED, When};
use serde_json::Value;

use crate::common::{Site, test_clock};

#[tokio::test]
async fn each_part_of_a_query_has_its_price() {
    let site = Site::start(|_| {}).await;
    let mut players = site.world().players().filter(Player::is_rankable).map(|player| player.id());
    let (a, b) = (players.next().unwrap(), players.next().unwrap());
    let (code, kills) = report_with_kills(&site).await;
    let character = |fields: &str| format!("{{ characterData {{ character(id: {a}) {{ {fields} }} }} }}");
    let report = |fields: &str| format!("{{ reportData {{ report(code: \"{code}\") {{ {fields} }} }} }}");
    let cases = [
        ("{ rateLimitData { limitPerHour } }".to_owned(), 1.0),
        (character("id"), 1.0),
        (character("zoneRankings"), 6.0),
        (character("x: zoneRankings(difficulty: 3) y: zoneRankings(difficulty: 4) z: zoneRankings"), 16.0),
        (character("zoneRankings encounterRankings(encounterID: 6203)"), 7.0),
        (
            format!("{{ rateLimitData {{ limitPerHour }} characterData {{ character(id: {a}) {{ zoneRankings }} }} }}"),
            6.0,
        ),
        (
            format!(
                "{{ characterData {{ a: character(id: {a}) {{ zoneRankings }} b: character(id: {b}) {{ zoneRankings }} }} }}"
            ),
            12.0,
        ),
        ("{ characterData { character(id: 3) { zoneRankings } } }".to_owned(), 1.0),
        ("{ worldData { zone(id: 62) { name } } }".to_owned(), 1.0),
        (report("code"), 1.0),
        (report("rankings"), 2.0 * kills),
        (report("rankings(fightIDs: [0])"), 2.0),
        (report("dps: rankings(playerMetric: dps) hps: rankings(playerMetric: hps)"), 4.0 * kills),
        (report("fights { id } rankedCharacters { id }"), 3.0),
        (report("rankings fights { id } rankedCharacters { id }"), 2.0 * kills + 2.0),
        ("{ reportData { reports(zoneID: 62) { data { code } } } }".to_owned(), 1.0),
        (
            "{ reportData { reports(zoneID: 62, limit: 3) { data { fights { id } rankedCharacters { id } } } } }"
                .to_owned(),
            7.0,
        ),
        ("{ nonsense }".to_owned(), 0.0),
    ];
    let mut spent = 0.0;
    for (query, price) in cases {
        assert_eq!(site.send(&query).await.status(), 200);
        let total = site.handle.stats().points_spent[0];
        assert_eq!(total - spent, price, "{query}");
        spent = total;
    }
}

/// A report and how many kills it has: more than one.
async fn report_with_kills(site: &Site) -> (String, f64) {
    for code in site.handle.reports().codes() {
        let query = format!("{{ reportData {{ report(code: \"{code}\") {{ fights(killType: Kills) {{ id }} }} }} }}");
        let kills = site.ask(&query).await["data"]["reportData"]["report"]["fights"].as_array().unwrap().len();
        if kills > 1 {
            site.handle.reset_stats();
            return (code, kills as f64);
        }
    }
    panic!("no report has two kills");
}

#[tokio::test]
async fn prices_can_be_flat_and_aliases_cheaper() {
    let price = async |adapt: fn(&mut Behaviour), fields: &str| {
        let site = Site::start(|config| adapt(&mut config.behaviour)).await;
        let (code, _) = report_with_kills(&site).await;
        site.ask(&format!("{{ reportData {{ report(code: \"{code}\") {{ {fields} }} }} }}")).await;
        site.handle.stats().points_spent[0]
    };
    let both = "dps: rankings(playerMetric: dps) hps: rankings(playerMetric: hps) rankedCharacters { id }";
    assert_eq!(price(|behaviour| behaviour.price = Price::Flat, both).await, 5.0);
    let two = "a: rankings(fightIDs: [0]) b: rankings(fightIDs: [0])";
    assert_eq!(price(|_| {}, two).await, 4.0);
    assert_eq!(price(|behaviour| behaviour.alias_discount = true, two).await, 3.0);
    let site = Site::start(|config| config.behaviour.list_price = 1.25).await;
    site.ask("{ reportData { reports { data { code } } } }").await;
    assert_eq!(site.handle.stats().points_spent[0], 1.25);
}

#[tokio::test]
async fn a_reading_shows_what_was_spent_before_its_own_query() {
    let site = Site::start(|_| {}).await;
    let query = "{ rateLimitData { limitPerHour pointsSpentThisHour } worldData { zone(id: 62) { id } } }";
    let mut readings = Vec::new();
    for _ in 0..3 {
        let answer = site.ask(query).await;
        readings.push(answer["data"]["rateLimitData"]["pointsSpentThisHour"].as_f64().unwrap());
        assert_eq!(answer["data"]["rateLimitData"]["limitPerHour"], UNLIMITED);
    }
    assert_eq!(readings, [0.0, 1.0, 2.0]);
}

#[tokio::test]
async fn without_points_nothing_is_answered_until_the_hour_is_over() {
    let clock = test_clock();
    let site = Site::start(|config| {
        config.clock = clock.clock();
        config.points_per_hour = Some(10);
        config.clients.push(Client { id: "second".to_owned(), secret: "s".to_owned() });
    })
    .await;
    clock.advance(Duration::from_secs(600));
    let id = site.world().players().find(Player::is_rankable).unwrap().id();
    let query = format!(
        "{{ rateLimitData {{ limitPerHour pointsSpentThisHour pointsResetIn }} \
         characterData {{ character(id: {id}) {{ zoneRankings }} }} }}"
    );
    for spent in [0.0, 6.0] {
        let reading = site.ask(&query).await["data"]["rateLimitData"].clone();
        assert_eq!((&reading["limitPerHour"], &reading["pointsResetIn"]), (&10.into(), &3000.into()));
        assert_eq!(reading["pointsSpentThisHour"], spent);
    }
    // The second query was still admitted and overdrew the account.
    let refused = site.send(&query).await;
    assert_eq!(refused.status(), 429);
    let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(seconds > 60, "long, and not the 3000 it should be: {seconds}");
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["status"], 429);
    assert!(body["error"].is_string());
    assert_eq!(site.send("{ rateLimitData { limitPerHour } }").await.status(), 429);

    let other = Site { token: site.token_for("second", "s").await, ..site };
    assert_eq!(other.spent().await, 0.0, "points are counted by client");
    other.handle.faults().set(Fault::TokenExhausted, When::Always);
    assert_eq!(other.token_for("demo", "demo-secret").await, "");
    assert_ne!(other.token_for("second", "s").await, "");

    clock.advance(Duration::from_secs(3000));
    let first = Site { token: other.token_for("demo", "demo-secret").await, ..other };
    assert_eq!(first.spent().await, 0.0);
    let windows: Vec<_> =
        first.handle.stats().points_windows.iter().map(|window| (window.client, window.hour, window.spent)).collect();
    assert_eq!(windows, [(0, 0, 12.0), (0, 1, 1.0), (1, 0, 1.0)]);
    assert_eq!(first.handle.stats().points_refusals, 2);
}

#[tokio::test]
async fn an_hour_can_be_compressed() {
    let clock = test_clock();
    let site = Site::start(|config| {
        config.clock = clock.clock();
        config.points_per_hour = Some(1);
        config.hour = Duration::from_secs(20);
    })
    .await;
    clock.advance(Duration::from_secs(5));
    let reading = site.ask("{ rateLimitData { pointsResetIn } }").await["data"]["rateLimitData"].clone();
    assert_eq!(reading["pointsResetIn"], 15);
    assert_eq!(site.send("{ rateLimitData { pointsResetIn } }").await.status(), 429);
    clock.advance(Duration::from_secs(15));
    assert_eq!(site.spent().await, 0.0);
}

#[tokio::test]
async fn the_request_limiter_refuses_briefly_and_says_so() {
    let clock = test_clock();
    let site = Site::start(|config| {
        config.clock = clock.clock();
        config.request_limit = Some(RequestLimit { requests: 3, window: Duration::from_secs(60) });
    })
    .await;
    for left in ["2", "1", "0"] {
        let answer = site.send("{ rateLimitData { limitPerHour } }").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-ratelimit-limit"], "3");
        assert_eq!(answer.headers()["x-ratelimit-remaining"], left);
    }
    clock.advance(Duration::from_secs(20));
    let refused = site.send("{ rateLimitData { limitPerHour } }").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "40");
    assert_eq!(refused.headers()["x-ratelimit-remaining"], "0");
    clock.advance(Duration::from_secs(40));
    assert_eq!(site.spent().await, 3.0);
    assert_eq!(site.handle.stats().limiter_refusals, 1);
}

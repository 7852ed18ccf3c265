//! The API: lookups, shapes, and what an invalid query gets.

mod common;

use common::Site;
use serde_json::Value;

#[tokio::test]
async fn every_rank_is_served_exactly_under_the_players_own_metric() {
    let site = Site::start(|_| {}).await;
    let mut checked = 0;
    for player in site.world().players().filter(parsebook_simulator::Player::is_rankable).take(120) {
        for (raid, difficulty) in player.pairs() {
            let answer = site.rankings(player.id(), &format!("zoneID: {raid}, difficulty: {difficulty}")).await;
            let mut ranks = player.ranks().filter(|rank| (rank.raid, rank.difficulty) == (raid, difficulty)).peekable();
            let metric = ranks.peek().unwrap().metric;
            assert_eq!(answer["metric"], metric.name());
            for row in answer["rankings"].as_array().unwrap() {
                match ranks.next_if(|rank| row["encounter"]["id"] == rank.encounter) {
                    Some(rank) => {
                        let percent = row["rankPercent"].as_f64().unwrap();
                        assert_eq!((percent, percent.floor()), (rank.rank_percent, f64::from(rank.rank)));
                        assert_eq!(row["totalKills"], rank.kills);
                        checked += 1;
                    }
                    None => assert_eq!((&row["rankPercent"], &row["totalKills"]), (&Value::Null, &Value::from(0))),
                }
            }
            assert!(ranks.next().is_none());
        }
    }
    assert!(checked > 500, "{checked}");
}

#[tokio::test]
async fn an_invalid_query_fails() {
    let site = Site::start(|_| {}).await;
    let answer = site.ask("{ worldData { zone(id: 62) { id slug } } }").await;
    assert_eq!(answer["errors"][0]["message"], "Cannot query field \"slug\" on type \"Zone\".");
    assert_eq!(answer["data"], Value::Null);
}

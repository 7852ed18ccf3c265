//! The API: lookups, shapes, and what an invalid query gets.

use crate::common::Site;
use parsebook_simulator::{DefaultMetric, Metric, NO_CLASS, Player, Shown};
use serde_json::{Value, json};

#[tokio::test]
async fn every_rank_is_served_exactly_under_the_players_own_metric() {
    let site = Site::start(|_| {}).await;
    let mut checked = 0;
    for player in site.world().players().filter(Player::is_rankable).take(120) {
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

#[tokio::test]
async fn the_answer_has_the_recorded_shape() {
    let site = Site::start(|_| {}).await;
    let (id, kills) = site
        .world()
        .players()
        .filter(Player::is_rankable)
        .map(|player| (player.id(), player.ranks().filter(|rank| (rank.raid, rank.difficulty) == (62, 3)).count()))
        .find(|(_, kills)| (2..8).contains(kills))
        .unwrap();
    let answer = site.rankings(id, "zoneID: 62, difficulty: 3").await;
    assert_eq!(
        keys(&answer),
        "allStars bestPerformanceAverage difficulty medianPerformanceAverage metric partition rankings size zone"
    );
    assert_eq!(
        keys(&answer["allStars"][0]),
        "partition points possiblePoints rank rankPercent rankTooltip regionRank serverRank spec total"
    );
    let rows = answer["rankings"].as_array().unwrap();
    assert_eq!(rows.len(), 9);
    assert_eq!(rows.iter().filter(|row| row["totalKills"] != 0).count(), kills);
    for row in rows {
        assert_eq!(
            keys(row),
            "allStars bestAmount bestRank bestSpec encounter fastestKill lockedIn medianPercent rankPercent \
             rankTooltip spec totalKills"
        );
        if row["totalKills"] == 0 {
            for field in ["rankPercent", "medianPercent", "allStars", "spec", "bestRank"] {
                assert_eq!(row[field], Value::Null, "{field}");
            }
        } else {
            assert_eq!(
                keys(&row["allStars"]),
                "partition points possiblePoints rank rankPercent regionRank serverRank total"
            );
            assert_eq!(keys(&row["bestRank"]), "class fight_metadata ilvl per_second_amount rank_id spec");
            assert!(row["medianPercent"].as_f64() <= row["rankPercent"].as_f64());
        }
    }
}

fn keys(value: &Value) -> String {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys.join(" ")
}

#[tokio::test]
async fn percentages_mix_integers_and_floats() {
    let site = Site::start(|_| {}).await;
    let (mut whole, mut broken) = (0, 0);
    for player in site.world().players().filter(Player::is_rankable).take(30) {
        let (raid, difficulty) = player.pairs().next().unwrap();
        let answer = site.rankings(player.id(), &format!("zoneID: {raid}, difficulty: {difficulty}")).await;
        for row in answer["rankings"].as_array().unwrap() {
            whole += usize::from(row["rankPercent"].is_u64());
            broken += usize::from(row["rankPercent"].is_f64());
        }
    }
    assert!(whole > 5 && broken > 5 * whole, "{whole} {broken}");
}

/// A player with kills in Normal of raid 62, and the metric of them.
fn somebody(site: &Site) -> (i32, Metric) {
    let player =
        site.world().players().find(|player| player.is_rankable() && player.pairs().any(|pair| pair == (62, 3)));
    let player = player.unwrap();
    let metric = player.ranks().find(|rank| (rank.raid, rank.difficulty) == (62, 3)).unwrap().metric;
    (player.id(), metric)
}

fn kills(answer: &Value) -> u64 {
    answer["rankings"].as_array().unwrap().iter().map(|row| row["totalKills"].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn arguments_narrow_the_answer_without_an_error() {
    let site = Site::start(|_| {}).await;
    let (id, metric) = somebody(&site);
    let role = if metric == Metric::Hps { "Healer" } else { "DPS" };
    let other_role = if metric == Metric::Hps { "DPS" } else { "Healer" };
    let base = "zoneID: 62, difficulty: 3";
    for (more, found) in [
        (String::new(), true),
        (", metric: default".to_owned(), true),
        (", metric: dps".to_owned(), true),
        (", metric: hps".to_owned(), true),
        (format!(", metric: {}, role: {role}", metric.name()), true),
        (", role: Any, compare: Parses, timeframe: Today".to_owned(), true),
        (", partition: 2".to_owned(), true),
        (", partition: -1".to_owned(), true),
        (", size: 10".to_owned(), true),
        (format!(", role: {other_role}"), false),
        (", metric: playerspeed".to_owned(), false),
        (", partition: 1".to_owned(), false),
        (", specName: \"Beast Mastery\"".to_owned(), false),
    ] {
        let answer = site.rankings(id, &format!("{base}{more}")).await;
        assert_eq!(kills(&answer) > 0, found, "{more}");
        assert_eq!(answer["rankings"].as_array().unwrap().len(), 9, "{more}");
    }
}

#[tokio::test]
async fn odd_difficulties_sizes_and_pairs_are_refused() {
    let site = Site::start(|config| config.behaviour.odd_pairs = vec![(62, 4)]).await;
    let (id, _) = somebody(&site);
    for (arguments, refused) in [
        ("zoneID: 62, difficulty: 4", true),
        ("zoneID: 61, difficulty: 4", false),
        ("zoneID: 62, difficulty: 2", true),
        ("zoneID: 62, difficulty: 3, size: 20", true),
        ("zoneID: 62, difficulty: 3", false),
    ] {
        let answer = site.rankings(id, arguments).await;
        assert_eq!(answer == json!({"error": "Invalid difficulty/size specified."}), refused, "{arguments}: {answer}");
    }
    assert_eq!(site.rankings(id, "zoneID: 7").await, json!({"error": "Invalid zone specified."}));
}

/// A healer with kills in Normal of raid 62.
fn healer(site: &Site) -> i32 {
    let heals = |player: &Player<'_>| {
        player.is_rankable()
            && player.ranks().any(|rank| (rank.raid, rank.difficulty, rank.metric) == (62, 3, Metric::Hps))
    };
    site.world().players().find(heals).unwrap().id()
}

#[tokio::test]
async fn a_healer_has_damage_too_in_a_healing_spec() {
    let site = Site::start(|_| {}).await;
    let id = healer(&site);
    let dps = site.rankings(id, "zoneID: 62, difficulty: 3, metric: dps").await;
    let hps = site.rankings(id, "zoneID: 62, difficulty: 3, metric: hps, role: Healer").await;
    assert_eq!((&dps["metric"], &hps["metric"]), (&"dps".into(), &"hps".into()));
    assert_eq!(kills(&dps), kills(&hps));
    let killed = |answer: &Value| {
        answer["rankings"].as_array().unwrap().iter().find(|row| row["totalKills"] != 0).unwrap().clone()
    };
    assert_eq!(killed(&dps)["spec"], killed(&hps)["spec"]);
    assert_eq!(dps["allStars"][0]["spec"], hps["allStars"][0]["spec"]);
    assert_eq!(kills(&site.rankings(id, "zoneID: 62, difficulty: 3, metric: dps, role: DPS").await), 0);
}

#[tokio::test]
async fn the_metric_that_nobody_named_is_a_switch() {
    for (default, told) in [(DefaultMetric::Character, "hps"), (DefaultMetric::Dps, "dps")] {
        let site = Site::start(|config| config.behaviour.default_metric = default).await;
        assert_eq!(site.rankings(healer(&site), "zoneID: 62, difficulty: 3").await["metric"], told);
    }
}

#[tokio::test]
async fn the_best_amount_may_have_a_lesser_percentage() {
    let by_percent = Site::start(|_| {}).await;
    let by_amount = Site::start(|config| config.behaviour.shown = Shown::BestAmount).await;
    let (mut less, mut all) = (0, 0);
    for player in by_percent.world().players().filter(Player::is_rankable).take(150) {
        for (raid, difficulty) in player.pairs() {
            let arguments = format!("zoneID: {raid}, difficulty: {difficulty}");
            let rows = async |site: &Site| site.rankings(player.id(), &arguments).await["rankings"].clone();
            let (percent, amount) = (rows(&by_percent).await, rows(&by_amount).await);
            for (percent, amount) in percent.as_array().unwrap().iter().zip(amount.as_array().unwrap()) {
                assert!(percent["rankPercent"].as_f64() >= amount["rankPercent"].as_f64());
                assert!(percent["bestAmount"].as_f64() <= amount["bestAmount"].as_f64());
                less += usize::from(percent["rankPercent"].as_f64() > amount["rankPercent"].as_f64());
                all += usize::from(percent["totalKills"].as_u64() > Some(1));
            }
        }
    }
    assert!((20..200).contains(&(1000 * less / all)), "{less} of {all}");
}

#[tokio::test]
async fn encounter_rankings_list_every_kill_best_first() {
    let site = Site::start(|_| {}).await;
    let often = |player: &Player<'_>| player.ranks().find(|rank| rank.kills > 3 && player.is_rankable());
    let (id, rank) = site.world().players().find_map(|player| Some((player.id(), often(&player)?))).unwrap();
    let query = format!(
        "{{ characterData {{ character(id: {id}) {{ encounterRankings(encounterID: {}, difficulty: {}, metric: {}) }} }} }}",
        rank.encounter,
        rank.difficulty,
        rank.metric.name()
    );
    let answer = site.ask(&query).await["data"]["characterData"]["character"]["encounterRankings"].clone();
    let percents: Vec<f64> =
        answer["ranks"].as_array().unwrap().iter().map(|rank| rank["rankPercent"].as_f64().unwrap()).collect();
    assert_eq!((percents.len(), &answer["totalKills"]), (rank.kills.into(), &rank.kills.into()));
    assert!(percents[0] == rank.rank_percent && percents.is_sorted_by(|a, b| a >= b));
}

#[tokio::test]
async fn what_is_left_out_means_the_newest_raid_and_the_highest_difficulty() {
    let site = Site::start(|_| {}).await;
    let answer = site.rankings(somebody(&site).0, "metric: default").await;
    assert_eq!((&answer["zone"], &answer["difficulty"], &answer["partition"]), (&62.into(), &5.into(), &2.into()));
}

#[tokio::test]
async fn hidden_unknown_and_classless_characters_answer_in_their_ways() {
    let site = Site::start(|_| {}).await;
    let hidden = site.world().players().find(Player::is_hidden).unwrap().id();
    let answer =
        site.ask(&format!("{{ characterData {{ character(id: {hidden}) {{ hidden zoneRankings }} }} }}")).await;
    let character = &answer["data"]["characterData"]["character"];
    assert_eq!(character["hidden"], true);
    assert_eq!(
        character["zoneRankings"],
        json!({"error": "You do not have permission to see this character's rankings."})
    );

    let unknown = site.ask("{ characterData { character(id: 3) { id } } }").await;
    assert_eq!(unknown, json!({"data": {"characterData": {"character": null}}}));

    let classless = site.world().players().find(|player| player.class_id() == 0).unwrap().id();
    let query = format!("{{ characterData {{ character(id: {classless}) {{ classID zoneRankings }} }} }}");
    let answer = site.send(&query).await;
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    assert!(text.starts_with(NO_CLASS) && text.contains("\"classID\":0"), "{text}");
    assert!(serde_json::from_str::<Value>(&text).is_err());
    // Without rankings the character can be looked at.
    let plain = site.ask(&format!("{{ characterData {{ character(id: {classless}) {{ classID }} }} }}")).await;
    assert_eq!(plain["data"]["characterData"]["character"]["classID"], 0);
}

#[tokio::test]
async fn characters_tell_their_realm_and_region() {
    let site = Site::start(|_| {}).await;
    for player in site.world().players().step_by(37) {
        let (id, realm, region) = (player.id(), player.realm(), player.realm().region);
        let query = format!(
            "{{ characterData {{ character(id: {id}) {{ id canonicalID name classID server {{ id name normalizedName slug \
             region {{ id compactName slug }} }} }} }} }}"
        );
        let found = site.ask(&query).await["data"]["characterData"]["character"].clone();
        assert_eq!((&found["id"], &found["name"]), (&id.into(), &player.name().into()));
        assert_eq!(
            found["server"],
            json!({
                "id": realm.id, "name": realm.name, "normalizedName": realm.normalized_name, "slug": realm.slug,
                "region": {"id": region.id(), "compactName": region.compact_name(), "slug": region.slug()},
            })
        );
    }
}

#[tokio::test]
async fn zones_tell_bosses_and_the_current_partition() {
    let site = Site::start(|_| {}).await;
    let query = "{ worldData { zone(id: 62) { id name frozen encounters { id name } partitions { id default } } \
                 missing: zone(id: 7) { id } } }";
    let world = site.ask(query).await["data"]["worldData"].clone();
    let zone = &world["zone"];
    assert_eq!(zone["partitions"], json!([{"id": 1, "default": false}, {"id": 2, "default": true}]));
    assert_eq!(zone["encounters"][0], json!({"id": 6203, "name": "Cinderhound"}));
    assert_eq!(world["missing"], Value::Null);
}

#[tokio::test]
async fn invalid_queries_fail_each_for_its_reason() {
    let site = Site::start(|_| {}).await;
    for (query, reason) in [
        ("{ characterData { character(id: \"x\") { id } } }", "Invalid value"),
        ("{ characterData { character(id: 1) { zoneRankings(metric: fastest) } } }", "Invalid value"),
        ("{ characterData { character(id: 1) { zoneRankings(zone: 31) } } }", "Unknown argument"),
        ("{ characterData { character(id: 1) } }", "must have a selection"),
        ("{ characterData { character(id: 1) { zoneRankings { rankings } } } }", "must not have a selection"),
        (
            "query($m: CharacterRankingMetricType) { characterData { character(id: 1) { zoneRankings(metric: $m) } } }",
            "used in position expecting type \"CharacterPageRankingMetricType\"",
        ),
        ("{ characterData {", "expected"),
    ] {
        let answer = site.ask(query).await;
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains(reason) && answer["data"].is_null(), "{query}: {answer}");
    }
    assert_eq!(site.spent().await, 0.0, "an invalid query costs nothing");
}

//! Every fault shows itself as described, and only when switched on.

use std::time::{Duration, Instant};

use futures::future::join_all;
use parsebook_simulator::{Fault, NO_CLASS, Player, When};
use serde_json::{Value, json};

use crate::common::{NORMAL, Site, linked_ids};

const READING: &str = "{ rateLimitData { limitPerHour pointsSpentThisHour } }";

fn three(site: &Site) -> [i32; 3] {
    let mut ids = site.world().players().filter(Player::is_rankable).map(|player| player.id());
    std::array::from_fn(|_| ids.next().unwrap())
}

/// One query for three characters, each under its own alias.
fn batch(ids: [i32; 3]) -> String {
    let part = |id: &i32| {
        format!("c{id}: character(id: {id}) {{ id hidden classID r: zoneRankings(zoneID: 62, difficulty: 3) }}")
    };
    format!("{{ characterData {{ {} }} }}", ids.iter().map(part).collect::<Vec<_>>().join(" "))
}

#[tokio::test]
async fn answers_of_the_api_fail_by_status() {
    let site = Site::start(|_| {}).await;
    for (fault, status, part) in [
        (Fault::ApiUnauthenticated, 401, "Unauthenticated."),
        (Fault::ApiBurst, 429, "Too Many"),
        (Fault::ApiExhausted, 429, "\"status\":429"),
        (Fault::ApiExhausted200, 200, "\"status\":429"),
        (Fault::ApiBare429, 429, "<html>"),
        (Fault::ApiInternalError, 200, "Internal server error"),
        (Fault::Api500, 500, "Server Error"),
        (Fault::Api502, 502, "<html>"),
        (Fault::Api520, 520, "<html>"),
        (Fault::ApiBlocked, 403, "Just a moment"),
        (Fault::ApiTooLarge, 413, "413"),
        (Fault::ApiNotJson, 200, "<!DOCTYPE html>"),
    ] {
        site.handle.faults().set(fault, When::Next(1));
        let answer = site.send(READING).await;
        assert_eq!(answer.status(), status, "{fault}");
        assert_eq!(answer.headers().contains_key("cf-mitigated"), fault == Fault::ApiBlocked, "{fault}");
        assert!(answer.text().await.unwrap().contains(part), "{fault}");
        assert_eq!(site.handle.faults().shown(fault), 1);
    }
    for fault in Fault::API_GATEWAY {
        site.handle.faults().set(fault, When::Next(1));
        let answer = site.send(READING).await;
        assert_eq!(answer.status(), fault.status(), "{fault}");
        assert!(fault.name().ends_with(&fault.status().to_string()) && answer.text().await.unwrap().contains("<html>"));
    }
    assert_eq!(site.spent().await, 0.0, "what is not answered costs nothing");
}

#[tokio::test]
async fn something_stands_before_good_json() {
    let site = Site::start(|_| {}).await;
    for (fault, before) in [(Fault::ApiByteOrderMark, "\u{feff}"), (Fault::ApiHtmlFirst, "<p>")] {
        site.handle.faults().set(fault, When::Next(1));
        let text = site.send(READING).await.bytes().await.unwrap();
        let text = std::str::from_utf8(&text).unwrap();
        assert!(text.starts_with(before), "{fault}");
        let json: Value = serde_json::from_str(&text[text.find('{').unwrap()..]).unwrap();
        assert!(json["data"]["rateLimitData"].is_object(), "{fault}");
    }
}

#[tokio::test]
async fn rankings_are_odd_for_one_character() {
    let site = Site::start(|_| {}).await;
    let faults = site.handle.faults();
    let [id, ..] = three(&site);
    let arguments = "zoneID: 62, difficulty: 3";
    let healthy = site.rankings(id, arguments).await;
    let at = healthy["rankings"].as_array().unwrap().iter().position(|row| row["totalKills"] != 0).unwrap_or(0);
    for (fault, expected) in [
        (Fault::RankingsRefused, json!({"error": "Invalid difficulty/size specified."})),
        (Fault::RankingsFalse, json!(false)),
        (Fault::RankingsEmptyText, json!("")),
        (Fault::RankingsEmptyList, json!([])),
        (Fault::RankingsEmptyObject, json!({})),
        (Fault::RankingsNoRows, json!({"rankings": null})),
        (Fault::RankingsOddRow, changed(&healthy, at, "encounter", Value::Null)),
        (Fault::RankingsDash, changed(&healthy, at, "rankPercent", json!("-"))),
    ] {
        faults.set(fault, When::Ids(vec![id]));
        assert_eq!(site.rankings(id, arguments).await, expected, "{fault}");
        faults.clear(fault);
    }
    faults.set(Fault::RankingsText, When::Next(1));
    assert_eq!(site.rankings(id, arguments).await["zone"], "62");
    faults.set(Fault::RankingsNotLocked, When::Next(1));
    let row = site.rankings(id, arguments).await["rankings"][at].clone();
    if row["totalKills"] != 0 {
        assert_eq!((&row["lockedIn"], &row["allStars"]["rankPercent"]), (&json!(false), &json!("-")));
    }
    assert_eq!(faults.shown(Fault::RankingsNotLocked), 1);
}

fn changed(answer: &Value, at: usize, field: &str, value: Value) -> Value {
    let mut answer = answer.clone();
    answer["rankings"][at][field] = value;
    answer
}

#[tokio::test]
async fn rankings_of_a_report_are_odd() {
    let site = Site::start(|_| {}).await;
    let faults = site.handle.faults();
    let mut answer = Value::Null;
    let mut code = String::new();
    for report in site.handle.reports().codes() {
        answer = rankings_of(&site, &report).await;
        code = report;
        if answer.pointer("/data/0/roles/dps/characters/0").is_some() {
            break;
        }
    }
    let row = "/data/0/roles/dps/characters/0";
    assert!(answer.pointer(row).is_some());
    for (fault, field, expected) in [
        (Fault::ReportRankingsFresh, "rankPercent", Value::Null),
        (Fault::ReportRankingsHugeId, "id", json!(2_147_483_648_u64)),
        (Fault::ReportRankingsOddRow, "server", Value::Null),
        (Fault::ReportRankingsText, "id", json!(answer.pointer(row).unwrap()["id"].to_string())),
    ] {
        faults.set(fault, When::Next(1));
        assert_eq!(rankings_of(&site, &code).await.pointer(row).unwrap()[field], expected, "{fault}");
    }
    faults.set(Fault::ReportRankingsNull, When::Next(1));
    assert!(rankings_of(&site, &code).await.is_null());
    faults.set(Fault::ReportRankingsHuge, When::Next(1));
    let huge = rankings_of(&site, &code).await;
    assert_eq!(huge.pointer("/data/0/roles/dps/characters").unwrap().as_array().unwrap().len(), 10_000);
    faults.set(Fault::ReportCrowded, When::Next(1));
    let query = format!("{{ reportData {{ report(code: \"{code}\") {{ rankedCharacters {{ id }} }} }} }}");
    let crowd = site.ask(&query).await["data"]["reportData"]["report"]["rankedCharacters"].clone();
    assert_eq!(crowd.as_array().unwrap().len(), 10_000);
    faults.set(Fault::ReportArchived, When::Next(1));
    let query = format!("{{ reportData {{ report(code: \"{code}\") {{ rankings }} }} }}");
    assert!(site.ask(&query).await["errors"][0]["message"].as_str().unwrap().contains("archived"));
}

async fn rankings_of(site: &Site, code: &str) -> Value {
    let query = format!("{{ reportData {{ report(code: \"{code}\") {{ rankings }} }} }}");
    site.ask(&query).await["data"]["reportData"]["report"]["rankings"].clone()
}

#[tokio::test]
async fn both_429_can_be_told_apart_by_retry_after() {
    let site = Site::start(|_| {}).await;
    let mut seconds = Vec::new();
    for fault in [Fault::ApiBurst, Fault::ApiExhausted] {
        site.handle.faults().set(fault, When::Next(1));
        let answer = site.send(READING).await;
        seconds.push(answer.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap());
    }
    assert!(seconds[0] <= 60 && seconds[1] > 60, "{seconds:?}");
}

#[tokio::test]
async fn bodies_of_the_api_break_on_the_way() {
    let site = Site::start(|_| {}).await;
    let query = batch(three(&site));
    let whole = site.send(&query).await.text().await.unwrap();
    let faults = site.handle.faults();

    faults.set(Fault::ApiTruncated, When::Next(1));
    let truncated = site.send(&query).await.text().await.unwrap();
    assert!(whole.starts_with(&truncated) && truncated.len() < whole.len());

    faults.set(Fault::ApiCutOff, When::Next(1));
    let cut = site.send(&query).await;
    assert_eq!(cut.status(), 200);
    assert!(cut.text().await.is_err());

    faults.set(Fault::ApiDropped, When::Next(1));
    assert!(site.try_send(&query).await.is_err());

    faults.set(Fault::ApiSlowBody, When::Next(1));
    let started = Instant::now();
    assert_eq!(site.send(&query).await.text().await.unwrap(), whole);
    assert!(started.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn one_character_of_a_batch_can_fail_in_every_way() {
    let site = Site::start(|_| {}).await;
    let ids = three(&site);
    let faults = site.handle.faults();
    let healthy = site.ask(&batch(ids)).await["data"]["characterData"].clone();
    let victim = format!("c{}", ids[1]);
    for fault in [
        Fault::AliasError,
        Fault::CharacterMissing,
        Fault::CharacterHidden,
        Fault::RankingsError,
        Fault::RankingsNull,
        Fault::RankingsString,
    ] {
        faults.set(fault, When::Ids(vec![ids[1]]));
        let answer = site.ask(&batch(ids)).await;
        faults.clear(fault);
        let data = &answer["data"]["characterData"];
        for id in [ids[0], ids[2]] {
            assert_eq!(data[format!("c{id}")], healthy[format!("c{id}")], "{fault}");
        }
        let character = &data[&victim];
        let rankings = &character["r"];
        match fault {
            Fault::AliasError => {
                assert!(character.is_null());
                assert_eq!(answer["errors"][0]["path"], serde_json::json!(["characterData", victim]));
            }
            Fault::CharacterMissing => assert!(character.is_null() && answer.get("errors").is_none()),
            Fault::CharacterHidden => {
                assert_eq!(character["hidden"], true);
                assert!(rankings["error"].as_str().unwrap().contains("permission"));
            }
            Fault::RankingsError => assert!(rankings["error"].is_string()),
            Fault::RankingsNull => assert!(rankings.is_null() && !character.is_null()),
            _ => {
                let inner: Value = serde_json::from_str(rankings.as_str().unwrap()).unwrap();
                assert_eq!(inner, healthy[&victim]["r"]);
            }
        }
    }
}

#[tokio::test]
async fn a_body_is_poisoned_by_one_character() {
    let site = Site::start(|_| {}).await;
    let ids = three(&site);
    let faults = site.handle.faults();
    let whole = site.send(&batch(ids)).await.text().await.unwrap();
    faults.set(Fault::PoisonedBody, When::Ids(vec![ids[2]]));
    assert_eq!(site.send(&batch(ids)).await.text().await.unwrap(), format!("{NO_CLASS}{whole}"));
    faults.set(Fault::PoisonAlone, When::Always);
    assert_eq!(site.send(&batch(ids)).await.text().await.unwrap(), NO_CLASS);
    faults.clear_all();
    faults.set(Fault::CharacterNoClass, When::Ids(vec![ids[2]]));
    let text = site.send(&batch(ids)).await.text().await.unwrap();
    let json: Value = serde_json::from_str(text.strip_prefix(NO_CLASS).unwrap()).unwrap();
    assert_eq!(json["data"]["characterData"][format!("c{}", ids[2])]["classID"], 0);
    assert!(json["data"]["characterData"][format!("c{}", ids[2])]["r"].is_null());
}

#[tokio::test]
async fn probabilities_follow_the_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let site = Site::start(|config| config.faults = parsebook_simulator::Faults::seeded(5)).await;
        site.handle.faults().set_text("api-502=30%").unwrap();
        let mut failed = Vec::new();
        for number in 0..60 {
            if site.send(READING).await.status() == 502 {
                failed.push(number);
            }
        }
        runs.push(failed);
    }
    assert_eq!(runs[0], runs[1]);
    assert!((8..30).contains(&runs[0].len()), "{:?}", runs[0]);
}

#[tokio::test]
async fn the_site_refuses_in_every_form() {
    let site = Site::start(|_| {}).await;
    for (fault, status, part) in [
        (Fault::SiteHumanCheck, 302, ""),
        (Fault::SiteHumanPage, 200, "human-challenge"),
        (Fault::SiteUseApi, 200, "Use the API at /v1/docs"),
        (Fault::SiteCloudflare, 403, "Just a moment"),
        (Fault::SiteJustAMoment, 200, "challenges.cloudflare.com"),
        (Fault::Site403, 403, "403"),
        (Fault::Site429, 429, "Too Many"),
        (Fault::Site502, 502, "502"),
        (Fault::Site520, 520, "520"),
        (Fault::SiteTiny, 200, "<div>"),
        (Fault::SiteEmpty, 200, ""),
    ] {
        site.handle.faults().set(fault, When::Next(1));
        let answer = site.page(&NORMAL, 1).await;
        assert_eq!(answer.status(), status, "{fault}");
        assert_eq!(answer.headers().contains_key("cf-mitigated"), fault == Fault::SiteCloudflare);
        if fault == Fault::SiteHumanCheck {
            let target = answer.headers()["location"].to_str().unwrap().to_owned();
            let page = site.http.get(format!("{}{target}", site.handle.url())).send().await.unwrap();
            assert_eq!(page.status(), 200);
            assert!(page.text().await.unwrap().contains("human-challenge"));
        }
        if fault != Fault::SiteHumanCheck {
            let answer_text = answer.text().await.unwrap();
            assert!(answer_text.contains(part) && !answer_text.contains("<table"), "{fault}: {answer_text}");
        }
    }
    assert_eq!(site.handle.stats().site_refusals, 11);
    assert!(linked_ids(&site.page_text(&NORMAL, 1).await).len() > 90, "afterwards everything works again");
}

#[tokio::test]
async fn pages_of_the_site_break_on_the_way() {
    let site = Site::start(|_| {}).await;
    let whole = site.page_text(&NORMAL, 1).await;
    let faults = site.handle.faults();
    faults.set(Fault::SiteTruncated, When::Next(1));
    let truncated = site.page_text(&NORMAL, 1).await;
    assert!(whole.starts_with(&truncated) && truncated.len() < whole.len());
    faults.set(Fault::SiteCutOff, When::Next(1));
    assert!(site.page(&NORMAL, 1).await.text().await.is_err());
    faults.set(Fault::SiteDropped, When::Next(1));
    assert!(site.try_page(&NORMAL, 1).await.is_err());
    faults.set(Fault::SiteGarbage, When::Next(1));
    let garbage = site.page(&NORMAL, 1).await.bytes().await.unwrap();
    assert!(std::str::from_utf8(&garbage).is_err() && garbage.len() > 500);
    faults.set(Fault::SiteHostileNames, When::Next(1));
    let hostile = site.page_text(&NORMAL, 1).await;
    assert_eq!(linked_ids(&hostile), linked_ids(&whole), "names change, links do not");
    assert!(hostile.contains("&lt;script&gt;alert(1)") && !hostile.contains("<script>alert(1)"));
    faults.set(Fault::SiteSlowBody, When::Next(1));
    let started = Instant::now();
    assert_eq!(site.page_text(&NORMAL, 1).await, whole);
    assert!(started.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn refusals_start_at_a_page_or_after_some_requests() {
    let site = Site::start(|_| {}).await;
    let faults = site.handle.faults();
    faults.set(Fault::Site403, When::FromPage(3));
    let mut statuses = Vec::new();
    for page in 1..=4 {
        statuses.push(site.page(&NORMAL, page).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 403, 403]);
    faults.clear(Fault::Site403);
    faults.set(Fault::SiteHumanCheck, When::After(2));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(site.page(&NORMAL, 1).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 302, 302]);
}

#[tokio::test]
async fn haste_is_punished_and_counted() {
    let site = Site::start(|config| config.latency = Duration::from_millis(60)).await;
    site.handle.faults().set_text("site-human-check=rate:100/4").unwrap();
    let statuses = |answers: Vec<reqwest::Response>| -> Vec<u16> {
        answers.iter().map(|answer| answer.status().as_u16()).collect()
    };
    let calm = statuses(join_all((1..=4).map(|page| site.page(&NORMAL, page))).await);
    assert_eq!(calm, [200; 4]);
    assert_eq!(site.handle.stats().max_site_at_once, 4);
    let hasty = statuses(join_all((1..=6).map(|page| site.page(&NORMAL, page))).await);
    assert!(hasty.contains(&302));
    assert_eq!(site.page(&NORMAL, 1).await.status(), 302, "once refused, always refused");
    let stats = site.handle.stats();
    assert_eq!((stats.site_requests, stats.max_site_at_once), (11, 6));
    assert!(stats.max_site_per_second >= 6);
    assert!(stats.site_requests_after_refusal >= 1);
}

#[tokio::test]
async fn latency_is_waited_before_every_answer() {
    let site = Site::start(|config| config.latency = Duration::from_millis(80)).await;
    let started = Instant::now();
    site.send(READING).await;
    assert!(started.elapsed() >= Duration::from_millis(80));
    let started = Instant::now();
    site.page(&NORMAL, 1).await;
    assert!(started.elapsed() >= Duration::from_millis(80));
    assert!(site.handle.stats().api_busy < Duration::from_millis(60), "waiting is not work");
}

#[tokio::test]
async fn a_shut_down_simulator_answers_no_more() {
    let Site { handle, http, .. } = Site::start(|_| {}).await;
    let url = handle.url();
    handle.shutdown().await;
    assert!(http.get(url).send().await.is_err());
}

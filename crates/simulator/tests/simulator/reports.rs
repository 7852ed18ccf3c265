//! Reports: the list, what a report holds, and that the oracle tells exactly what can be found.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use parsebook_simulator::{CharacterEdit, Edit, Fault, Metric, Standing, When, World};
use serde_json::Value;

use crate::common::{Site, test_clock};

/// A world with enough players for odd reports of every kind, at a fixed time.
async fn big() -> Site {
    Site::of(World::generate(8_000, 3), |config| config.clock = test_clock().clock()).await
}

/// All reports of a raid with these fields, page by page.
async fn list(site: &Site, raid: i32, more: &str, fields: &str) -> Vec<Value> {
    let (mut page, mut all) = (1, Vec::new());
    loop {
        let query = format!(
            "{{ reportData {{ reports(zoneID: {raid}, limit: 100, page: {page}{more}) {{ total per_page current_page from to \
             last_page has_more_pages data {{ {fields} }} }} }} }}"
        );
        let answer = site.ask(&query).await["data"]["reportData"]["reports"].clone();
        let data = answer["data"].as_array().unwrap().clone();
        assert_eq!((&answer["current_page"], &answer["per_page"]), (&page.into(), &100.into()));
        assert_eq!((&answer["last_page"], &answer["total"]), (&(-1).into(), &(-1).into()));
        all.extend(data);
        if answer["has_more_pages"] == false {
            return all;
        }
        page += 1;
    }
}

#[tokio::test]
async fn the_list_keeps_its_order_follows_no_time_and_is_bounded_by_it() {
    let site = big().await;
    let fields = "code startTime endTime zone { id } region { compactName }";
    let all = list(&site, 62, "", fields).await;
    assert_eq!(list(&site, 62, "", fields).await, all);
    let mut starts: Vec<f64> = all.iter().map(|report| report["startTime"].as_f64().unwrap()).collect();
    assert!(!starts.is_sorted() && !starts.is_sorted_by(|a, b| a >= b) && starts.len() > 200);
    starts.sort_by(f64::total_cmp);
    let now = 1_790_000_000_000.0;
    assert!(all.iter().all(|report| report["endTime"].as_f64().unwrap() < now && report["zone"]["id"] == 62));
    let day = 86_400_000.0;
    assert!(starts[starts.len() - 1] > now - day);
    let in_time = starts.iter().filter(|&&start| start > now - 14.0 * day).count();
    assert_eq!(starts.len() - in_time, 5, "one report of the year before in each region");

    let middle = starts[starts.len() / 2];
    let later = list(&site, 62, &format!(", startTime: {middle:.1}"), "startTime").await;
    let earlier = list(&site, 62, &format!(", endTime: {:.1}", middle - 1.0), "startTime").await;
    assert_eq!(later.len(), starts.iter().filter(|&&start| start >= middle).count());
    assert_eq!(later.len() + earlier.len(), starts.len());
}

#[tokio::test]
async fn no_page_beyond_the_cap_is_given() {
    let site = Site::start(|_| {}).await;
    let ask = async |page: i32| {
        site.ask(&format!(
            "{{ reportData {{ reports(limit: 1, page: {page}) {{ has_more_pages data {{ code }} }} }} }}"
        ))
        .await
    };
    let last = ask(25).await["data"]["reportData"]["reports"].clone();
    assert_eq!((last["has_more_pages"].as_bool(), last["data"].as_array().unwrap().len()), (Some(true), 1));
    let refused = ask(26).await;
    assert_eq!(
        refused["errors"][0]["message"],
        "The maximum allowed page is 25 until the performance of paginated queries can be improved."
    );
    assert!(refused["data"]["reportData"]["reports"].is_null());
}

#[tokio::test]
async fn limits_and_pages_out_of_range() {
    let site = Site::start(|_| {}).await;
    let ask = async |arguments: &str| {
        site.ask(&format!("{{ reportData {{ reports({arguments}) {{ from data {{ code }} }} }} }}")).await
    };
    assert!(ask("zoneID: 62, limit: 101").await["errors"][0]["message"].is_string());
    let past = ask("zoneID: 62, page: 25").await["data"]["reportData"]["reports"].clone();
    assert_eq!((&past["data"], &past["from"]), (&Value::Array(Vec::new()), &Value::Null));
    assert_eq!(ask("zoneID: 1").await["data"]["reportData"]["reports"]["data"], Value::Array(Vec::new()));
    assert_eq!(ask("guildID: 1").await["data"]["reportData"]["reports"]["data"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn the_oracle_tells_what_reading_all_reports_finds() {
    let site = big().await;
    let (mut by_fight, mut by_report, mut odd, mut two) = (BTreeSet::new(), BTreeSet::new(), 0, 0);
    for raid in [61, 62] {
        let bosses: BTreeSet<i64> =
            site.world().raid(raid).unwrap().encounters.iter().map(|boss| boss.id.into()).collect();
        let fields = "rankedCharacters { id canonicalID hidden } fights(killType: Kills) { encounterID difficulty kill } rankings";
        for report in list(&site, raid, "", fields).await {
            let kills: Vec<&Value> = report["fights"].as_array().unwrap().iter().collect();
            assert!(kills.iter().all(|kill| kill["kill"] == true));
            let difficulties: BTreeSet<u8> = kills
                .iter()
                .filter(|kill| bosses.contains(&kill["encounterID"].as_i64().unwrap()))
                .map(|kill| kill["difficulty"].as_u64().unwrap() as u8)
                .collect();
            odd += usize::from(difficulties.is_empty());
            let people = report["rankedCharacters"].as_array().unwrap().len();
            assert!(people <= 250, "{people} in one report");
            two += usize::from(difficulties.len() > 1);
            for character in report["rankedCharacters"].as_array().unwrap() {
                let player = character["id"].as_i64().unwrap() as i32;
                by_report.extend(difficulties.iter().map(|&difficulty| Standing { player, raid, difficulty }));
            }
            for fight in report["rankings"]["data"].as_array().unwrap() {
                let difficulty = fight["difficulty"].as_u64().unwrap() as u8;
                if bosses.contains(&fight["encounter"]["id"].as_i64().unwrap()) {
                    for player in characters(fight).map(|character| character["id"].as_i64().unwrap() as i32) {
                        by_fight.insert(Standing { player, raid, difficulty });
                    }
                }
            }
        }
    }
    let world = site.world();
    let rankable = |set: BTreeSet<Standing>| -> BTreeSet<Standing> {
        set.into_iter().filter(|standing| world.player(standing.player).unwrap().is_rankable()).collect()
    };
    let standing = rankable(site.handle.reports().standing(world));
    assert_eq!(by_fight, standing);
    assert_eq!(by_report, site.handle.reports().standing_by_report(world));
    assert!(by_report.len() > by_fight.len(), "some nights hold two difficulties");
    assert!(odd > 0, "some reports carry a wrong zone tag");
    assert!(two > 3, "{two} nights of two difficulties");
    let pairs: usize = world.players().filter(|player| player.is_rankable()).map(|player| player.pairs().count()).sum();
    let share = standing.len() as f64 / pairs as f64;
    assert!((0.8..1.0).contains(&share), "most players stand in a report: {share}");
}

fn characters(fight: &Value) -> impl Iterator<Item = &Value> {
    ["tanks", "healers", "dps"].into_iter().flat_map(|role| fight["roles"][role]["characters"].as_array().unwrap())
}

#[tokio::test]
async fn the_best_rank_over_all_reports_is_the_worlds_rounded_down() {
    let site = Site::of(World::generate(2_500, 7), |config| config.behaviour.ranked_after = Duration::ZERO).await;
    let (mut best, mut worse) = (BTreeMap::new(), 0);
    let fields = "code dps: rankings(playerMetric: dps) hps: rankings(playerMetric: hps) \
                  fights { id encounterID difficulty kill startTime endTime size name }";
    for report in list(&site, 62, "", fields).await {
        let fights: BTreeMap<i64, &Value> =
            report["fights"].as_array().unwrap().iter().map(|fight| (fight["id"].as_i64().unwrap(), fight)).collect();
        for metric in [Metric::Dps, Metric::Hps] {
            // Reports of the other raid's kills may carry this raid's tag.
            let own = report[metric.name()]["data"].as_array().unwrap().iter().filter(|ranked| ranked["zone"] == 62);
            for ranked in own {
                let fight = fights[&ranked["fightID"].as_i64().unwrap()];
                assert_eq!((&fight["encounterID"], &fight["kill"]), (&ranked["encounter"]["id"], &true.into()));
                assert_eq!((&ranked["kill"], &ranked["difficulty"]), (&1.into(), &fight["difficulty"]));
                for row in characters(ranked).filter(|row| row.get("banned").is_none()) {
                    let player = site.world().player(row["id"].as_i64().unwrap() as i32).unwrap();
                    let rank = player
                        .ranks()
                        .find(|rank| fight["encounterID"] == rank.encounter && fight["difficulty"] == rank.difficulty)
                        .unwrap();
                    assert_eq!((&row["spec"], &row["name"]), (&rank.spec.into(), &player.name().into()));
                    if rank.metric == metric {
                        let percent = row["rankPercent"].as_u64().unwrap() as u8;
                        assert!(percent <= rank.rank);
                        worse += usize::from(percent < rank.rank);
                        let known =
                            best.entry((player.id(), rank.encounter, rank.difficulty)).or_insert((0, rank.rank));
                        known.0 = known.0.max(percent);
                    }
                }
            }
        }
    }
    let wrong: Vec<_> = best.iter().filter(|(_, (best, expected))| best != expected).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(best.len() > 1000 && worse > 50, "{} ranks, {worse} of a worse night", best.len());
}

#[tokio::test]
async fn a_reports_fights_and_rankings_can_be_narrowed() {
    let site = Site::start(|_| {}).await;
    let all = list(&site, 62, "", "code rankings").await;
    let has_kills = |report: &&Value| !report["rankings"]["data"].as_array().unwrap().is_empty();
    let code = all.iter().find(has_kills).unwrap()["code"].as_str().unwrap().to_owned();
    let query = format!(
        "{{ reportData {{ report(code: \"{code}\") {{ all: fights {{ id kill encounterID }} wipes: fights(killType: Wipes) \
         {{ kill }} trash: fights(killType: Trash) {{ encounterID }} none: fights(difficulty: 2) {{ id }} one: \
         fights(fightIDs: [2]) {{ id }} whole: rankings hps: rankings(playerMetric: hps) other: rankings(difficulty: 2) }} \
         }} }}"
    );
    let report = site.ask(&query).await["data"]["reportData"]["report"].clone();
    let count = |field: &str| report[field].as_array().unwrap().len();
    assert!(count("all") > count("trash") && count("trash") > 0);
    assert!(report["wipes"].as_array().unwrap().iter().all(|fight| fight["kill"] == false));
    assert_eq!((count("none"), count("one")), (0, 1));
    assert_eq!(report["other"]["data"], Value::Array(Vec::new()));
    let people = |field: &str| -> usize {
        report[field]["data"].as_array().unwrap().iter().map(|fight| characters(fight).count()).sum()
    };
    assert_eq!(people("hps"), people("whole"), "everybody has both");
    let healers = report["hps"]["data"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|fight| fight["roles"]["healers"]["characters"].as_array().unwrap());
    assert!(healers.clone().all(|row| {
        ["Restoration", "Holy", "Discipline", "Mistweaver", "Preservation"].contains(&row["spec"].as_str().unwrap())
    }));
    assert_eq!(report["whole"]["data"][0]["roles"]["dps"]["name"], "Damage Dealers");
}

#[tokio::test]
async fn private_and_missing_reports_are_errors() {
    let site = Site::start(|_| {}).await;
    let message = async |code: &str| {
        let answer = site.ask(&format!("{{ reportData {{ report(code: \"{code}\") {{ code }} }} }}")).await;
        assert!(answer["data"]["reportData"]["report"].is_null());
        answer["errors"][0]["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(message("nonsense").await, "This report does not exist.");
    let private = &site.handle.reports().private_codes()[0];
    assert_eq!(message(private).await, "You do not have permission to view this report.");
    let public = site.handle.reports().codes().next().unwrap();
    site.handle.faults().set(Fault::ReportPrivate, When::Next(1));
    assert_eq!(message(&public).await, "You do not have permission to view this report.");
    site.handle.faults().set(Fault::ReportMissing, When::Next(1));
    assert_eq!(message(&public).await, "This report does not exist.");
    let listed = async || {
        let all = [list(&site, 61, "", "code").await, list(&site, 62, "", "code").await].concat();
        all.iter().any(|report| report["code"] == public)
    };
    assert!(listed().await);
    for (edit, sentence) in [
        (Edit { is_deleted: true, ..Edit::default() }, "This report does not exist."),
        (Edit { is_private: true, ..Edit::default() }, "You do not have permission to view this report."),
    ] {
        site.handle.edit_report(&public, edit);
        assert_eq!(message(&public).await, sentence);
        assert!(!listed().await);
    }
    site.handle.edit_report(&public, Edit { revisions: 2, ..Edit::default() });
    let answer = site.ask(&format!("{{ reportData {{ report(code: \"{public}\") {{ revision }} }} }}")).await;
    assert_eq!(answer["data"]["reportData"]["report"]["revision"], 3);
}

#[tokio::test]
async fn characters_hide_leave_and_move() {
    let site = Site::start(|_| {}).await;
    let has_rows = |report: &&Value| report.pointer("/rankings/data/0/roles/dps/characters/0").is_some();
    let all = list(&site, 62, "", "code rankings").await;
    let report = all.iter().find(has_rows).unwrap();
    let id = report.pointer("/rankings/data/0/roles/dps/characters/0/id").unwrap().as_i64().unwrap() as i32;
    let fields = format!(
        "{{ reportData {{ report(code: {}) {{ rankings rankedCharacters {{ id canonicalID hidden name server {{ name }} }} }} \
         }} characterData {{ character(id: {id}) {{ hidden }} }} }}",
        report["code"]
    );
    let ask = async |edit: CharacterEdit| {
        site.handle.edit_character(id, edit);
        let answer = site.ask(&fields).await["data"].clone();
        let report = &answer["reportData"]["report"];
        let of_id = |row: &&Value| row["id"] == id;
        let ranked = report["rankedCharacters"].as_array().unwrap().iter().find(of_id).cloned();
        let fights = report["rankings"]["data"].as_array().unwrap();
        let row = fights.iter().flat_map(characters).find(of_id).cloned();
        (ranked, row, answer["characterData"]["character"].clone())
    };
    let (ranked, row, character) = ask(CharacterEdit { is_hidden: true, ..CharacterEdit::default() }).await;
    assert_eq!((ranked.unwrap()["hidden"].clone(), row, &character["hidden"]), (true.into(), None, &true.into()));
    let gone = ask(CharacterEdit { is_gone: true, ..CharacterEdit::default() }).await;
    assert_eq!(gone, (None, None, Value::Null));
    let realm = site.world().realms()[3].clone();
    let moved = CharacterEdit {
        name: Some("Other".to_owned()),
        realm: Some(realm.clone()),
        canonical_id: Some(7),
        ..CharacterEdit::default()
    };
    let (ranked, row, _) = ask(moved).await;
    let (ranked, row) = (ranked.unwrap(), row.unwrap());
    assert_eq!((&ranked["canonicalID"], &ranked["server"]["name"]), (&7.into(), &realm.name.clone().into()));
    assert_eq!((&row["name"], &row["server"]["name"]), (&"Other".into(), &realm.name.into()));
}

#[tokio::test]
async fn the_same_world_has_the_same_reports() {
    let (a, b) = (big().await, big().await);
    let codes = |site: &Site| site.handle.reports().codes().collect::<Vec<_>>();
    assert_eq!(codes(&a), codes(&b));
    let distinct: BTreeSet<String> = codes(&a).into_iter().collect();
    assert_eq!(distinct.len(), a.handle.reports().len());
}

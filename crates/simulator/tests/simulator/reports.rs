//! Reports: the list, what a report holds, and that the oracle tells exactly what can be found.

use std::collections::{BTreeMap, BTreeSet};

use parsebook_simulator::{Fault, Standing, When, World};
use serde_json::Value;

use crate::common::{Site, TestClock};

/// A world with enough players for odd reports of every kind, at a fixed time.
async fn big() -> Site {
    Site::of(World::generate(8_000, 3), |config| config.clock = TestClock::new().clock()).await
}

/// All reports of a raid with these fields, page by page.
async fn list(site: &Site, raid: i32, more: &str, fields: &str) -> Vec<Value> {
    let (mut page, mut all) = (1, Vec::new());
    loop {
        let query = format!(
            "{{ reportData {{ reports(zoneID: {raid}, limit: 40, page: {page}{more}) {{ total per_page current_page from to \
             last_page has_more_pages data {{ {fields} }} }} }} }}"
        );
        let answer = site.ask(&query).await["data"]["reportData"]["reports"].clone();
        let data = answer["data"].as_array().unwrap().clone();
        assert_eq!((&answer["current_page"], &answer["per_page"]), (&page.into(), &40.into()));
        all.extend(data);
        if answer["has_more_pages"] == false {
            assert_eq!((&answer["last_page"], &answer["total"]), (&page.into(), &all.len().into()));
            return all;
        }
        page += 1;
    }
}

#[tokio::test]
async fn the_list_is_newest_first_and_bounded_by_time() {
    let site = big().await;
    let all = list(&site, 62, "", "code startTime endTime zone { id } region { compactName }").await;
    let starts: Vec<f64> = all.iter().map(|report| report["startTime"].as_f64().unwrap()).collect();
    assert!(starts.is_sorted_by(|a, b| a >= b) && starts.len() > 100);
    let now = 1_790_000_000_000.0;
    assert!(all.iter().all(|report| report["endTime"].as_f64().unwrap() < now && report["zone"]["id"] == 62));
    assert!(starts[0] > now - 86_400_000.0 && starts[starts.len() - 1] < now - 12.0 * 86_400_000.0);

    let middle = starts[starts.len() / 2];
    let later = list(&site, 62, &format!(", startTime: {middle:.1}"), "startTime").await;
    let earlier = list(&site, 62, &format!(", endTime: {:.1}", middle - 1.0), "startTime").await;
    assert_eq!(later.len(), starts.iter().filter(|&&start| start >= middle).count());
    assert_eq!(later.len() + earlier.len(), starts.len());
}

#[tokio::test]
async fn limits_and_pages_out_of_range() {
    let site = Site::start(|_| {}).await;
    let ask = async |arguments: &str| {
        site.ask(&format!("{{ reportData {{ reports({arguments}) {{ from data {{ code }} }} }} }}")).await
    };
    assert!(ask("zoneID: 62, limit: 101").await["errors"][0]["message"].is_string());
    let past = ask("zoneID: 62, page: 9999").await["data"]["reportData"]["reports"].clone();
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
            assert!((5..=50).contains(&people), "{people} in one report");
            two += usize::from(people > 25);
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
    let site = Site::of(World::generate(2_500, 7), |_| {}).await;
    let (mut best, mut worse) = (BTreeMap::new(), 0);
    for report in
        list(&site, 62, "", "code rankings fights { id encounterID difficulty kill startTime endTime size name }").await
    {
        let fights: BTreeMap<i64, &Value> =
            report["fights"].as_array().unwrap().iter().map(|fight| (fight["id"].as_i64().unwrap(), fight)).collect();
        assert!(fights.values().any(|fight| fight["encounterID"] == 0 && fight["kill"].is_null()), "there is trash");
        for ranked in report["rankings"]["data"].as_array().unwrap() {
            let fight = fights[&ranked["fightID"].as_i64().unwrap()];
            assert_eq!((&fight["encounterID"], &fight["kill"]), (&ranked["encounter"]["id"], &true.into()));
            assert_eq!((&ranked["kill"], &ranked["difficulty"]), (&1.into(), &fight["difficulty"]));
            for character in characters(ranked) {
                let player = site.world().player(character["id"].as_i64().unwrap() as i32).unwrap();
                let rank = player
                    .ranks()
                    .find(|rank| fight["encounterID"] == rank.encounter && fight["difficulty"] == rank.difficulty);
                let (rank, percent) = (rank.unwrap(), character["rankPercent"].as_u64().unwrap() as u8);
                assert!(percent <= rank.rank);
                worse += usize::from(percent < rank.rank);
                let key = (player.id(), rank.encounter, rank.difficulty);
                let known = best.entry(key).or_insert((percent, rank.rank));
                known.0 = known.0.max(percent);
                assert_eq!(character["name"], player.name());
                assert_eq!(character["server"]["region"], player.realm().region.compact_name());
                assert!(character["rank"].as_str().unwrap().starts_with('~') && character["best"].is_string());
            }
        }
    }
    assert!(best.values().all(|(best, expected)| best == expected));
    assert!(best.len() > 1000 && worse > 50, "{} ranks, {worse} of a worse night", best.len());
}

#[tokio::test]
async fn a_reports_fights_and_rankings_can_be_narrowed() {
    let site = Site::start(|_| {}).await;
    let code = list(&site, 62, "", "code").await[0]["code"].as_str().unwrap().to_owned();
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
    assert!(people("hps") < people("whole"));
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
    let public = site.handle.reports().codes().next().unwrap().to_owned();
    site.handle.faults().set(Fault::ReportPrivate, When::Next(1));
    assert_eq!(message(&public).await, "You do not have permission to view this report.");
    site.handle.faults().set(Fault::ReportMissing, When::Next(1));
    assert_eq!(message(&public).await, "This report does not exist.");
}

#[tokio::test]
async fn the_same_world_has_the_same_reports() {
    let (a, b) = (big().await, big().await);
    let codes = |site: &Site| site.handle.reports().codes().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(codes(&a), codes(&b));
    let distinct: BTreeSet<String> = codes(&a).into_iter().collect();
    assert_eq!(distinct.len(), a.handle.reports().len());
}

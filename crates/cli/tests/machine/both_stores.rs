//! The commands that work on both stores, against a real MongoDB.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use parsebook_adapters::embedded::EmbeddedStore;
use parsebook_adapters::mongo::{MongoConfig, MongoStore};
use parsebook_adapters::stored;
use parsebook_core::Timestamp;
use parsebook_core::history::History;
use parsebook_core::journal::{Journal, Run};
use parsebook_core::player::{Encounter, EncounterRank, Identity, PlayerUpdate, Raid, RankedPart};
use parsebook_core::ports::{Discoveries, Players, Raids, ReportBacklog, Rules};
use parsebook_core::report_state::{ReportState, StoredReport};
use parsebook_core::rule::{SourceKind, Target};
use parsebook_core::scrap::{Discovered, RaidsToScrap};
use parsebook_core::status::{Census, Status, StatusSource};
use parsebook_report::{Report, page};
use parsebook_simulator::{Config, Simulator, World};
use parsebook_test_support::mongod;
use serde_json::{Value, json};

use crate::common::{boards, keys};
use crate::program::{failure, out, run};

async fn mongo() -> Option<(MongoStore, String, String)> {
    let (uri, database) = mongod::shared().unwrap()?;
    let config =
        MongoConfig { uri: uri.clone().into(), database: database.clone(), app_name: "cli".into(), max_connections: 4 };
    Some((MongoStore::connect(&config).await.unwrap(), uri, database))
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::days(20_500)
}

/// Ranks as they are stored, read from their documented form.
fn ranked(id: u32, region: &str, days_ago: i64, percent: f64) -> PlayerUpdate {
    let metric = json!({ "partition": 1, "rankedAt": now() - TimeDelta::days(days_ago),
                         "encounters": { "2587": { "rankPercent": percent, "kills": 2 } } });
    let ranks = stored::ranks::strict(&json!({ "dps": metric })).unwrap();
    assert_eq!(ranks["dps"].encounters, BTreeMap::from([(2587, EncounterRank { rank_percent: percent, kills: 2 })]));
    let identity = Identity {
        name: format!("Player{id}"),
        region: region.into(),
        server: "Temple noir".into(),
        normalized_server: "Templenoir".into(),
        class_id: 9,
    };
    PlayerUpdate::Ranked { id, identity, parts: vec![RankedPart { raid: 31, difficulty: 4, ranks }] }
}

async fn fill<S: Players + Journal + Discoveries + Raids + ReportBacklog>(store: &S) {
    let updates: Vec<_> = (1..60)
        .map(|id| ranked(id, if id % 3 == 0 { "US" } else { "EU" }, i64::from(id), f64::from(id) * 1.6))
        .collect();
    assert!(store.save(&updates).await.unwrap().iter().all(Result::is_ok));
    let waiting: Vec<_> = (500..530).map(|id| Discovered { id, raids_to_scrap: RaidsToScrap::one(31, 4) }).collect();
    store.merge(&waiting).await.unwrap();
    for hours in 1..50 {
        let begun = Run::begin(format!("rank{hours}"), "player-rank", now() - TimeDelta::hours(hours), None);
        let summary = json!({ "done": 5, "pointsSpent": 31.5, "pointsLeft": { "main": 3000.0 }, "finished": ["x"] });
        store.record(&begun.ended(begun.started_at + TimeDelta::seconds(4), summary)).await.unwrap();
    }
    let begun = |id: &str, stage: &str, hours: i64| {
        let at = now() - TimeDelta::hours(hours);
        Run::begin(id.into(), stage, at, Some(at + TimeDelta::minutes(15)))
    };
    let rule = json!({ "raid": 31, "difficulty": 4, "source": "site", "pages": 7, "players": 90, "skipped": 2,
                       "refused": true, "stopped": "blocked", "reason": "a human check" });
    let region = json!({ "region": "EU", "characters": 40, "realms": 1, "bytes": 4321, "generatedAt": now() });
    let published = json!({ "stopped": "published", "regions": [region] });
    let hung = begun("hung", "aggregator", 5);
    for run in [
        begun("killed", "discover", 3),
        hung.alive(hung.started_at + TimeDelta::minutes(15)),
        begun("failed", "db-generator", 9).failed(
            now() - TimeDelta::hours(8),
            "PushRejected",
            "protected",
            Default::default(),
        ),
        begun("refused", "discover", 7).ended(now() - TimeDelta::hours(7), rule),
        begun("sent", "aggregator", 6).ended(now() - TimeDelta::hours(6), json!({ "sent": 60, "left": 12 })),
        begun("published", "db-generator", 30).ended(now() - TimeDelta::hours(30), published),
    ] {
        store.record(&run).await.unwrap();
    }
    let report = |code: &str, state, due_in: i64| StoredReport {
        code: code.into(),
        raid: 31,
        region: "EU".into(),
        start: now() - TimeDelta::hours(40),
        end: now() - TimeDelta::hours(36),
        revision: 2,
        state,
        due_at: now() + TimeDelta::hours(due_in),
        sent_at: None,
        found_at: Some(now()),
        tries: 1,
        difficulties: Default::default(),
        left_out: Default::default(),
    };
    let reports = [
        report("aaaa", ReportState::New, -9),
        report("bbbb", ReportState::Again, 5),
        report("cccc", ReportState::Done, -20),
        report("dddd", ReportState::Again, -2),
    ];
    store.raise_reports(&reports).await.unwrap();
    let encounters = vec![Encounter { id: 2587, name: "Eranog".into() }];
    store.save_raid(&Raid { id: 31, name: "Vault of the Incarnates".into(), encounters }).await.unwrap();
}

async fn html<S: StatusSource + Journal + Rules + Raids>(store: &S) -> String {
    use futures::TryStreamExt;
    let runs: Vec<Run> = store.runs_since(now() - TimeDelta::days(90)).try_collect().await.unwrap();
    let mut history = History::new(now());
    runs.iter().for_each(|run| history.add(run));
    // Dead letters lie beside MongoDB, in SQS.
    let census = Census { dead_letters: None, ..store.census(now()).await.unwrap() };
    let status = Status::of("the store".into(), &census, &store.rules().await.unwrap(), &history);
    let raids = store.raids().await.unwrap();
    page(&Report { status: &status, history: &history, bosses: &census.bosses, raids: &raids }).unwrap()
}

#[tokio::test]
async fn the_same_data_give_the_same_report() {
    let Some((mongo, ..)) = mongo().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let embedded = EmbeddedStore::open(folder.path()).unwrap();
    fill(&mongo).await;
    fill(&embedded).await;
    let target = Target::new(31, 4, SourceKind::Site);
    mongo.add_rule(&target).await.unwrap();
    embedded.add_rule(&target).unwrap();
    let (of_mongo, of_embedded) = (html(&mongo).await, html(&embedded).await);
    let shown = [">killed<", ">hung<", ">failed<", "Eranog", "a human check", "PushRejected", "50 % not yet ranked"];
    for words in shown {
        assert!(of_mongo.contains(words), "{words}");
    }
    let differs = of_mongo.split('<').zip(of_embedded.split('<')).find(|(mongo, embedded)| mongo != embedded);
    assert_eq!(differs, None);
    assert_eq!(of_mongo.len(), of_embedded.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_for_operators_works_on_mongodb() {
    let Some((store, uri, database)) = mongo().await else { return };
    let simulator = Simulator::start(Config::new(World::generate(200, 4))).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (url, keys) = (simulator.url(), keys());
    let variables = [
        ("MONGODB_URI", uri.as_str()),
        ("MONGODB_DATABASE", database.as_str()),
        ("WCL_URL", url.as_str()),
        ("WCL_API_KEYS", keys.as_str()),
        ("PAGES_PER_SECOND", "1000"),
    ];
    let on_mongo = |args: &[&str]| {
        let output = run(folder.path(), &variables, &[args, &["--store", "mongodb"]].concat());
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        out(&output)
    };
    let (raid, difficulty) = boards(simulator.world())[0];
    let (raid, difficulty) = (raid.to_string(), difficulty.to_string());
    let id = on_mongo(&["rules", "add", "--raid", &raid, "--difficulty", &difficulty, "--source", "site"]);
    let id = id.trim();
    on_mongo(&["rules", "pause", id]);
    assert!(on_mongo(&["rules", "list"]).contains("paused"));
    on_mongo(&["rules", "resume", id]);
    let found = on_mongo(&["backfill", "--raid", &raid, "--difficulty", &difficulty, "--source", "site", "--json"]);
    let found: Value = serde_json::from_str(&found).unwrap();
    let waiting = store.discovered_count().await.unwrap();
    assert!(waiting > 0);
    assert_eq!(found["discover"][0]["players"], waiting);
    let status: Value = serde_json::from_str(&on_mongo(&["status", "--json"])).unwrap();
    assert_eq!((&status["discovered"], &status["queued"]), (&json!(waiting), &json!(0)));
    on_mongo(&["report", "--out", "r.html"]);
    let report = std::fs::read_to_string(folder.path().join("r.html")).unwrap();
    assert!(report.contains(&format!("MongoDB, database {database}")));
    assert!(report.contains(r#"<th scope="row">discover</th><td class="number">1</td>"#), "the backfill left its run");
    assert!(on_mongo(&["doctor"]).lines().all(|line| line.starts_with('✓')));
    on_mongo(&["rules", "remove", id]);

    let unreachable = [("MONGODB_URI", "mongodb://keeper:hush@127.0.0.1:1/?serverSelectionTimeoutMS=300")];
    let failed = failure(&run(folder.path(), &unreachable, &["rules", "list", "--store", "mongodb"]));
    assert!(!failed.contains("hush"), "{failed}");
    assert!(failure(&run(folder.path(), &[], &["status", "--store", "mongodb"])).contains("MONGODB_URI"));
}

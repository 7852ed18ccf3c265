//! What only a real MongoDB shows: the documents as people see them, documents that people wrote, and restarts.

#![expect(clippy::unwrap_used, reason = "a test stops at once")]

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{TimeDelta, TimeZone, Utc};
use futures::{StreamExt, TryStreamExt};
use mongodb::bson::{Bson, DateTime, Document, RawDocumentBuf, doc, oid::ObjectId};
use parsebook_adapters::mongo::{Leased, Leases, Lowered, MongoConfig, MongoStore, Turns};
use parsebook_core::player::{DifficultyRanks, EncounterRank, Identity, MetricRanks, PlayerUpdate, RankedPart};
use parsebook_core::ports::{Discoveries, InQueue, Players, Raids, Rules, Waiting, is_store_away};
use parsebook_core::rule::{Lease, RuleState, SourceKind};
use parsebook_core::scrap::{Discovered, RaidsToScrap};
use parsebook_test_support::mongod::{self, Mongod};
use parsebook_test_support::switch::{Line, Switch};

async fn connect(uri: String, database: String) -> MongoStore {
    let config = MongoConfig { uri: uri.into(), database, app_name: "mongo".into(), max_connections: 4 };
    let store = MongoStore::connect(&config).await.unwrap();
    store.ensure_indexes().await.unwrap();
    store
}

async fn store() -> Option<MongoStore> {
    let (uri, database) = mongod::shared().unwrap()?;
    Some(connect(uri, database).await)
}

async fn insert(store: &MongoStore, collection: &str, documents: Vec<Document>) {
    store.database().await.unwrap().collection::<Document>(collection).insert_many(documents).await.unwrap();
}

async fn stored(store: &MongoStore, collection: &str) -> Vec<Document> {
    let collection = store.database().await.unwrap().collection::<Document>(collection);
    collection.find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap().try_collect().await.unwrap()
}

fn found(id: u32) -> Discovered {
    Discovered { id, raids_to_scrap: RaidsToScrap::one(31, 4) }
}

fn ranked(id: u32, name: &str) -> PlayerUpdate {
    let ranks = MetricRanks {
        partition: 1,
        ranked_at: Utc.timestamp_millis_opt(1_700_000_000_123).unwrap(),
        read_at: Some(Utc.timestamp_millis_opt(1_700_000_000_123).unwrap()),
        spec: Some("Elemental".into()),
        encounters: BTreeMap::from([(2587, EncounterRank { rank_percent: 91.3, kills: 3 })]),
        ends: BTreeMap::new(),
        specs: BTreeMap::new(),
    };
    let identity = Identity {
        name: name.into(),
        region: "EU".into(),
        server: "Temple noir".into(),
        normalized_server: "Templenoir".into(),
        class_id: 9,
    };
    let part = RankedPart { raid: 31, difficulty: 4, ranks: DifficultyRanks::from([("dps".into(), ranks)]) };
    PlayerUpdate::Ranked { id, identity, parts: vec![part] }
}

#[tokio::test]
async fn documents_have_the_documented_form() {
    let Some(store) = store().await else { return };
    store.save(&[ranked(57_147_396, "Chôgun")]).await.unwrap();
    let ranked_at = DateTime::from_millis(1_700_000_000_123);
    let expected = doc! {
        "_id": 57_147_396, "name": "Chôgun", "region": "EU", "server": "Temple noir", "normalizedServer": "Templenoir",
        "classId": 9, "seenAt": ranked_at,
        "ranks": { "31": { "4": { "dps": { "partition": 1, "rankedAt": ranked_at, "readAt": ranked_at,
            "encounters": { "2587": { "rankPercent": 91.3, "kills": 3 } }, "spec": "Elemental" } } } },
    };
    let mut players = stored(&store, "players").await;
    let sorted = |document: &Document| BTreeMap::from_iter(document.iter().map(|(k, v)| (k.clone(), v.to_string())));
    assert_eq!(sorted(&players.remove(0)), sorted(&expected));

    store.save(&[PlayerUpdate::Hidden { id: 57_147_396 }]).await.unwrap();
    assert_eq!(stored(&store, "players").await[0].get("ranks"), Some(&Bson::from(doc! {})));

    store.merge(&[found(7)]).await.unwrap();
    assert_eq!(stored(&store, "discovers").await, [doc! { "_id": 7, "raidsToScrap": { "31": [4] } }]);
}

#[tokio::test]
async fn a_rule_written_by_hand_works_and_its_state_has_dates() {
    let Some(store) = store().await else { return };
    let id = ObjectId::new();
    insert(&store, "discovery_schedules", vec![doc! {
        "_id": id, "raid": 26.0, "difficulty": 3_i64, "startPage": 1, "endPage": 600.0, "lastRun": DateTime::from_millis(5),
    }])
    .await;
    let (rules, malformed) = store.rules().await.unwrap();
    assert_eq!(malformed, []);
    let target = &rules[0].target;
    assert_eq!((target.raid, target.difficulty, target.end_page, target.source), (26, 3, 600, SourceKind::Site));
    assert!(rules[0].enabled);
    let now = Utc.timestamp_millis_opt(1_700_000_000_500).unwrap();
    let lease = Lease { owner: "a".into(), expires_at: now };
    assert!(store.claim(&rules[0], &lease, now).await.unwrap().is_some());
    assert!(
        store.claim(&rules[0], &lease, now).await.unwrap().is_some(),
        "the same claim sent again is the same claim"
    );
    let document = stored(&store, "discovery_schedules").await.remove(0);
    let lease = document.get_document("state").unwrap().get_document("lease").unwrap();
    assert_eq!(lease.get_datetime("expiresAt").unwrap().timestamp_millis(), 1_700_000_000_500);
    assert_eq!(document.get("raid"), Some(&Bson::Double(26.0)), "what a person wrote stays as it is");
}

#[tokio::test]
async fn a_rule_that_a_person_set_back_by_hand_can_be_claimed() {
    let Some(store) = store().await else { return };
    let rule = |name: &str, value: Bson| {
        let mut document = doc! { "raid": 31, "difficulty": 4, "startPage": 1, "endPage": 2 };
        document.insert(name, value);
        document
    };
    let documents = vec![rule("lastRun", Bson::DateTime(DateTime::from_millis(0))), rule("state", Bson::Null)];
    insert(&store, "discovery_schedules", documents).await;
    let now = Utc.timestamp_opt(1_700_000_000, 0).unwrap();
    for rule in store.rules().await.unwrap().0 {
        let lease = Lease { owner: "a".to_owned(), expires_at: now + TimeDelta::minutes(1) };
        let claimed = store.claim(&rule, &lease, now).await.unwrap().unwrap();
        assert_eq!((claimed.last_run, claimed.state.lease), (rule.last_run, Some(lease.clone())));
        assert!(store.finish(&rule.id, "a", now, &RuleState::default()).await.unwrap());
        assert_eq!(store.claim(&rule, &lease, now).await.unwrap(), None, "it was not run when that was read");
    }
}

#[tokio::test]
async fn malformed_rules_are_set_aside_by_name() {
    let Some(store) = store().await else { return };
    let good = doc! { "raid": 31, "difficulty": 4, "startPage": 1, "endPage": 2 };
    let with = |name: &str, value: Bson| {
        let mut document = good.clone();
        document.insert(name, value);
        document
    };
    let bad = [
        ("raid", Bson::from("31")),
        ("raid", Bson::Double(0.5)),
        ("difficulty", 2.into()),
        ("difficulty", 300.into()),
        ("startPage", 0.into()),
        ("endPage", Bson::Int64(1 << 40)),
        ("source", "elsewhere".into()),
        ("partition", Bson::from("x")),
        ("enabled", "yes".into()),
        ("lastRun", "yesterday".into()),
        ("lastRun", Bson::DateTime(DateTime::from_millis(-1))),
        ("since", Bson::DateTime(DateTime::from_millis(253_402_300_799_000))),
        ("state", Bson::Array(vec![])),
        ("state", Bson::from(doc! { "lease": "mine" })),
        ("_id", "not an ObjectId".into()),
    ];
    let documents = bad.iter().map(|(name, value)| with(name, value.clone())).chain([good.clone()]).collect();
    insert(&store, "discovery_schedules", documents).await;
    let (rules, malformed) = store.rules().await.unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!(malformed.len(), bad.len(), "{malformed:#?}");
    for (name, _) in &bad {
        let names_it = |reason: &str| reason.contains(name) || reason.contains("page");
        assert!(malformed.iter().any(|entry| names_it(&entry.reason)), "{name}: {malformed:#?}");
    }
}

#[tokio::test]
async fn malformed_discovers_are_set_aside_and_stay() {
    let Some(store) = store().await else { return };
    let raids = doc! { "31": [4_i64, 3.0] };
    let bad = vec![
        doc! { "_id": -5, "raidsToScrap": &raids },
        doc! { "_id": 1.5, "raidsToScrap": &raids },
        doc! { "_id": 2, "raidsToScrap": "31" },
        doc! { "_id": 3, "raidsToScrap": { "x": [3] } },
        doc! { "_id": 4, "raidsToScrap": { "31": 4 } },
        doc! { "_id": 5, "raidsToScrap": { "31": [400] } },
        doc! { "_id": 6 },
        doc! { "_id": "text", "raidsToScrap": &raids },
        doc! { "_id": ObjectId::new(), "raidsToScrap": &raids },
        doc! { "_id": Bson::Int64(1 << 40), "raidsToScrap": &raids },
    ];
    insert(&store, "discovers", bad.clone()).await;
    insert(
        &store,
        "discovers",
        vec![
            doc! { "_id": 10.0, "raidsToScrap": &raids },
            doc! { "_id": 11_i64, "raidsToScrap": { "31": [5] } },
            doc! { "_id": 12, "raidsToScrap": {} },
            doc! { "_id": 13, "raidsToScrap": { "31": [] } },
            doc! { "_id": 14, "raidsToScrap": { "31": [4, 2] } },
        ],
    )
    .await;
    for limit in [1, 3, 100] {
        let mut page = store.discovered_after(None, limit).await.unwrap();
        let (mut players, mut empty, mut malformed) = (page.discovered, page.empty, page.malformed);
        while let Some(next) = page.next {
            page = store.discovered_after(Some(next), limit).await.unwrap();
            players.append(&mut page.discovered);
            empty.append(&mut page.empty);
            malformed.append(&mut page.malformed);
        }
        assert_eq!(empty.iter().map(|player| player.id).collect::<Vec<_>>(), [12, 13], "reading removes nothing");
        if limit == 100 {
            store.remove(&empty).await.unwrap();
        }
        assert_eq!(players.iter().map(|player| player.id).collect::<Vec<_>>(), [10, 11, 14], "limit {limit}");
        assert_eq!(players[2], found(14), "what can be asked for is");
        if limit == 100 {
            assert_eq!(malformed.len(), bad.len(), "{malformed:#?}");
        }
        store.merge(&[]).await.unwrap();
    }
    // Merging into a malformed document leaves it alone and stores its neighbours.
    store.merge(&[found(2), found(4), found(20)]).await.unwrap();
    let two = stored(&store, "discovers").await.into_iter().find(|document| document.get("_id") == Some(&2.into()));
    assert_eq!(two, Some(doc! { "_id": 2, "raidsToScrap": "31" }));
    let all = store.discovered_after(None, 100).await.unwrap().discovered;
    assert_eq!(all.iter().map(|player| player.id).collect::<Vec<_>>(), [10, 11, 14, 20]);
    store.remove(&all).await.unwrap();
    let left = stored(&store, "discovers").await;
    assert_eq!(left.len(), bad.len() + 1, "what cannot be read or asked for stays, nothing else: {left:#?}");
    assert!(left.contains(&doc! { "_id": 14, "raidsToScrap": { "31": [2] } }), "{left:#?}");
}

#[tokio::test]
async fn who_waits_in_the_queue_already_waits_with_more() {
    let Some(store) = store().await else { return };
    let in_mythic = Discovered { id: 1, raids_to_scrap: RaidsToScrap::one(31, 5) };
    let first = Utc.with_ymd_and_hms(2026, 9, 1, 12, 0, 0).unwrap();
    let second = first + TimeDelta::hours(3);
    store.mark_waiting(&[found(1), found(2)], first).await.unwrap();
    store.mark_waiting(&[in_mythic.clone(), found(3)], second).await.unwrap();
    let mut both = found(1).raids_to_scrap;
    both.insert(31, 5);
    let in_queue = |raids_to_scrap, sent_at| InQueue { raids_to_scrap, sent_at: Some(sent_at) };
    let heroic = || found(1).raids_to_scrap;
    let expected = [(1, in_queue(both, second)), (2, in_queue(heroic(), first)), (3, in_queue(heroic(), second))];
    assert_eq!(store.waiting(second).await.unwrap(), BTreeMap::from(expected));
    store.forget_waiting(&[found(1), found(2), found(3)]).await.unwrap();
    let left = [(1, in_queue(in_mythic.raids_to_scrap, second))];
    assert_eq!(store.waiting(second).await.unwrap(), BTreeMap::from(left));
}

/// A text that is no UTF-8: the server stores it, and no document can be made of it.
fn with_broken_text(mut document: Document, field: &str) -> RawDocumentBuf {
    document.insert(field, "broken text");
    let mut bytes = RawDocumentBuf::try_from(&document).unwrap().into_bytes();
    let at = bytes.windows(11).position(|window| window == b"broken text").unwrap();
    bytes[at] = 0xff;
    RawDocumentBuf::from_bytes(bytes).unwrap()
}

#[tokio::test]
async fn a_text_that_is_no_utf8_is_set_aside_with_its_document() {
    let Some(store) = store().await else { return };
    let insert = async |collection: &str, document: RawDocumentBuf| {
        store.database().await.unwrap().collection::<RawDocumentBuf>(collection).insert_one(document).await.unwrap();
    };
    store.merge(&[found(1), found(3)]).await.unwrap();
    insert("discovers", with_broken_text(doc! { "_id": 2 }, "raidsToScrap")).await;
    let page = store.discovered_after(None, 10).await.unwrap();
    assert_eq!((page.discovered, page.malformed.len()), (vec![found(1), found(3)], 1));
    assert!(page.malformed[0].document.contains('2'), "{:?}", page.malformed);

    store.save(&[ranked(1, "A"), ranked(3, "C")]).await.unwrap();
    let player = doc! { "_id": 2, "region": "EU", "server": "R", "normalizedServer": "Templenoir", "classId": 9 };
    insert("players", with_broken_text(player, "name")).await;
    let read: Vec<_> = store.players("EU").try_collect().await.unwrap();
    assert_eq!(read.iter().filter(|player| player.is_ok()).count(), 2);
    assert!(read.iter().any(|player| player.as_ref().is_err_and(|aside| aside.document.contains('2'))), "{read:?}");

    insert("discovery_schedules", with_broken_text(doc! { "_id": ObjectId::new(), "raid": 31 }, "difficulty")).await;
    let (rules, malformed) = store.rules().await.unwrap();
    assert_eq!((rules.len(), malformed.len()), (0, 1));
}

#[tokio::test]
async fn malformed_players_fail_alone() {
    let Some(store) = store().await else { return };
    let good = doc! {
        "name": "A", "region": "EU", "server": "R", "normalizedServer": "R", "classId": 9.0,
        "ranks": { "31": { "4": { "dps": { "partition": 1.0, "rankedAt": DateTime::from_millis(0),
            "encounters": { "2587": { "rankPercent": 91, "kills": 3.0 } }, "median": 5 } }, "5": {} }, "28": {} },
        "spec": "Frost",
    };
    let with = |id: i32, name: &str, value: Bson| {
        let mut document = good.clone();
        document.insert("_id", id);
        document.insert(name, value);
        document
    };
    insert(
        &store,
        "players",
        vec![
            with(1, "classId", 9.into()),
            with(2, "name", 7.into()),
            with(3, "ranks", "none".into()),
            with(4, "ranks", doc! { "31": { "4": { "dps": { "partition": 1 } } } }.into()),
            with(5, "ranks", doc! { "x": {} }.into()),
            with(6, "ranks", Bson::Null),
            with(7, "classId", Bson::Double(f64::NAN)),
            with(8, "normalizedServer", Bson::from(doc! { "$gt": "" })),
        ],
    )
    .await;
    let read: Vec<_> = store.players("EU").try_collect().await.unwrap();
    let (players, malformed): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
    let players: Vec<_> = players.into_iter().map(Result::unwrap).collect();
    assert_eq!(players.iter().map(|player| player.id).collect::<Vec<_>>(), [1, 4, 5, 6]);
    assert!(players[1].ranks[&31][&4].is_empty() && players[2].ranks.is_empty());
    assert_eq!(players[0].ranks[&31][&4]["dps"].encounters[&2587], EncounterRank { rank_percent: 91.0, kills: 3 });
    assert_eq!(malformed.len(), 4);
    // A document that cannot be written into fails alone and stays.
    let outcomes = store.save(&[ranked(100, "B"), ranked(3, "A"), ranked(6, "A")]).await.unwrap();
    assert!(outcomes[0].is_ok() && outcomes[1].is_err() && outcomes[2].is_err(), "{outcomes:?}");
    let three = stored(&store, "players").await.into_iter().find(|document| document.get("_id") == Some(&3.into()));
    assert_eq!(three.unwrap().get("ranks"), Some(&Bson::from("none")));
}

#[tokio::test]
async fn a_value_out_of_range_is_brought_into_it_and_an_odd_boss_is_left_out_alone() {
    let Some(store) = store().await else { return };
    let rank = |percent: Bson, kills: Bson| Bson::from(doc! { "rankPercent": percent, "kills": kills });
    let huge: Bson = 1_099_511_627_776_i64.into();
    let decimal: Bson = Bson::Decimal128("1E+300".parse().unwrap());
    let encounters = doc! {
        "1": rank(91.into(), huge),
        "2": rank(Bson::Double(250.0), Bson::Int32(-4)),
        "3": rank(Bson::Double(-1.5), Bson::Double(2.9)),
        "4": rank(50.into(), Bson::Double(1e18)),
        "5": rank(50.into(), decimal),
        "6": rank(50.into(), Bson::Double(f64::NAN)),
        "7": rank("50".into(), 1.into()),
        "8": Bson::Null,
        "x": rank(50.into(), 1.into()),
    };
    let part = doc! { "partition": 1, "rankedAt": DateTime::from_millis(0), "encounters": encounters };
    let player = doc! { "_id": 1, "name": "A", "region": "EU", "server": "R", "normalizedServer": "R", "classId": 9,
    "ranks": { "31": { "4": { "dps": part } } } };
    insert(&store, "players", vec![player]).await;
    let read: Vec<_> = store.players("EU").try_collect().await.unwrap();
    let read = &read[0].as_ref().unwrap().ranks[&31][&4]["dps"].encounters;
    let told: Vec<_> = read.iter().map(|(boss, rank)| (*boss, rank.rank_percent, rank.kills)).collect();
    let most = u32::MAX;
    assert_eq!(told, [(1, 91.0, most), (2, 100.0, 0), (3, 0.0, 2), (4, 50.0, most), (5, 50.0, most)]);
    assert!(store.known(&[1]).await.unwrap()[&1].is_ok(), "it can be written to");
}

#[tokio::test]
async fn what_is_odd_in_stored_ranks_costs_nothing_beside_it() {
    let Some(store) = store().await else { return };
    let part = || {
        let encounters = doc! { "2587": { "rankPercent": 91, "kills": 3 } };
        doc! { "partition": 1, "rankedAt": DateTime::from_millis(0), "encounters": encounters }
    };
    let with = |name: &str, value: Bson| {
        let mut part = part();
        part.insert(name, value);
        Bson::from(part)
    };
    let ranks = doc! {
        "31": { "3": Bson::Null, "4": { "dps": part(), "hps": Bson::Null }, "x": {} },
        "32": [],
        "33": { "1": { "dps": with("rankedAt", "soon".into()) }, "3": { "dps": with("encounters", Bson::Array(vec![])) } },
        "34": { "1": { "dps": with("partition", Bson::Null), "hps": with("readAt", "then".into()) },
            "3": { "dps": with("ends", 7.into()), "hps": with("specs", doc! { "2587": 7 }.into()) } },
        "abc": {},
    };
    let player = doc! { "_id": 1, "name": "A", "region": "EU", "server": "R", "normalizedServer": "R", "classId": 9, "ranks": ranks };
    insert(&store, "players", vec![player]).await;
    let read: Vec<_> = store.players("EU").try_collect().await.unwrap();
    let read = &read[0].as_ref().unwrap().ranks;
    let mut kept = Vec::new();
    for (raid, difficulties) in read {
        for (difficulty, metrics) in difficulties {
            for (metric, ranks) in metrics {
                assert_eq!(ranks.encounters[&2587].kills, 3);
                kept.push((*raid, *difficulty, metric.as_str()));
            }
        }
    }
    assert_eq!(kept, [(31, 4, "dps"), (33, 1, "dps"), (34, 1, "dps"), (34, 1, "hps"), (34, 3, "dps"), (34, 3, "hps")]);
    assert!(store.known(&[1]).await.unwrap()[&1].is_err(), "raid 32 cannot be written to");
}

#[tokio::test]
async fn ranks_that_cannot_be_written_into_are_told_before_anything_is_paid() {
    let Some(store) = store().await else { return };
    let with = |id: i32, ranks: Bson| doc! { "_id": id, "name": "A", "region": "EU", "ranks": ranks };
    let odd = vec![
        with(1, Bson::Array(vec![])),
        with(2, doc! { "44": [] }.into()),
        with(3, Bson::Null),
        with(4, doc! { "44": { "4": 7 } }.into()),
        with(5, doc! { "44": { "4": { "dps": [] } } }.into()),
        with(6, "none".into()),
    ];
    insert(&store, "players", odd).await;
    let good = vec![with(7, doc! {}.into()), doc! { "_id": 8 }];
    insert(&store, "players", good).await;
    let known = store.known(&(1..=9).collect::<Vec<_>>()).await.unwrap();
    let is_known: Vec<_> = known.iter().map(|(id, known)| (*id, known.is_ok())).collect();
    let expected = [(1, false), (2, false), (3, false), (4, true), (5, true), (6, false), (7, true), (8, true)];
    assert_eq!(is_known, expected);
    // What is odd in a difficulty is replaced whole by a full reading, and folded into by no report.
    for id in [4, 5] {
        let odd = &known[&id].as_ref().unwrap().odd;
        assert_eq!(odd.keys().collect::<Vec<_>>(), [&(44, 4)], "{odd:?}");
    }
    // In discovers, an array in place of raids is set aside by name and stays.
    insert(
        &store,
        "discovers",
        vec![doc! { "_id": 2, "raidsToScrap": [] }, doc! { "_id": 3, "raidsToScrap": { "44": {} } }],
    )
    .await;
    let page = store.discovered_after(None, 10).await.unwrap();
    assert_eq!((page.discovered.len(), page.malformed.len()), (0, 2), "{page:?}");
    assert_eq!(stored(&store, "discovers").await.len(), 2);
}

#[tokio::test]
async fn a_malformed_raid_counts_as_absent() {
    let Some(store) = store().await else { return };
    let good = doc! { "_id": 31_i64, "name": "Vault", "encounters": [{ "id": 2587.0, "name": "Eranog" }] };
    insert(&store, "raids", vec![good, doc! { "_id": 28, "name": 5, "encounters": [] }]).await;
    assert_eq!(store.raid(28).await.unwrap(), None);
    assert_eq!(store.raid(31).await.unwrap().unwrap().encounters[0].id, 2587);
    assert_eq!(store.raids().await.unwrap().len(), 1);
}

#[tokio::test]
async fn reading_a_region_uses_the_index_for_its_order() {
    let Some(store) = store().await else { return };
    store.save(&[ranked(1, "A")]).await.unwrap();
    store.ensure_indexes().await.unwrap();
    let explain = doc! { "explain": {
        "find": "players", "filter": { "region": "EU" }, "sort": { "normalizedServer": 1, "name": 1, "_id": 1 },
    } };
    let plan = store.database().await.unwrap().run_command(explain).await.unwrap().to_string();
    assert!(plan.contains("IXSCAN") && plan.contains("players_in_order"), "{plan}");
    assert!(!plan.contains(r#""stage": "SORT""#), "{plan}");
}

#[tokio::test]
async fn more_statements_than_one_command_holds_are_all_stored() {
    let Some(store) = store().await else { return };
    insert(&store, "discovers", vec![doc! { "_id": 1500, "raidsToScrap": "broken" }]).await;
    let players: Vec<_> = (1..=2500).map(found).collect();
    store.merge(&players).await.unwrap();
    assert_eq!(store.discovered_count().await.unwrap(), 2500);
    let page = store.discovered_after(None, 5000).await.unwrap();
    assert_eq!((page.discovered.len(), page.malformed.len(), page.next), (2499, 1, None));
}

#[tokio::test]
async fn writers_and_readers_outlive_a_restart() {
    let Some(mut server) = Mongod::start().unwrap() else { return };
    let store = connect(server.uri(), "restart".into()).await;
    let updates: Vec<_> = (1..=3000).map(|id| ranked(id, "Same")).collect();
    store.save(&updates).await.unwrap();
    let mut stream = std::pin::pin!(store.players("EU"));
    let mut read = Vec::new();
    for _ in 0..1200 {
        read.push(stream.next().await.unwrap().unwrap().unwrap().id);
    }
    let writer = async {
        for id in 1..=400 {
            store.merge(&[found(id)]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let restarts = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        tokio::task::spawn_blocking(move || {
            server.stop().unwrap();
            server.restart().unwrap();
            server
        })
        .await
        .unwrap()
    };
    let ((), server) = tokio::join!(writer, restarts);
    while let Some(player) = stream.next().await {
        read.push(player.unwrap().unwrap().id);
    }
    assert_eq!(read, (1..=3000).collect::<Vec<_>>(), "each player once");
    assert_eq!(store.discovered_count().await.unwrap(), 400);
    drop(server);
}

#[tokio::test]
async fn a_region_whose_server_falls_silent_is_given_up() {
    let Some(server) = Mongod::start().unwrap() else { return };
    let switch = Switch::before(server.port()).unwrap();
    let uri = format!("mongodb://127.0.0.1:{}/?directConnection=true", switch.port());
    let store = connect(uri, "silent".into()).await;
    let updates: Vec<_> = (1..=2500).map(|id| ranked(id, &format!("P{id}"))).collect();
    store.save(&updates).await.unwrap();
    let mut stream = std::pin::pin!(store.players("EU"));
    stream.next().await.unwrap().unwrap().unwrap();
    switch.turn(Line::Silent);
    let rest = async {
        while let Some(player) = stream.next().await {
            if let Err(error) = player {
                return error;
            }
        }
        panic!("everybody was read");
    };
    let error = tokio::time::timeout(Duration::from_secs(22), rest).await.expect("given up in time");
    assert!(is_store_away(&error), "{error:#}");
}

#[tokio::test]
async fn a_program_starts_without_its_server_and_the_first_call_says_that_it_is_away() {
    let port = parsebook_test_support::process::free_port().unwrap();
    let config = MongoConfig {
        uri: format!("mongodb://keeper:hush@127.0.0.1:{port}/?serverSelectionTimeoutMS=200").into(),
        database: "wcl".into(),
        app_name: "nobody".into(),
        max_connections: 1,
    };
    let store = MongoStore::connect(&config).await.unwrap();
    let error = store.rules().await.unwrap_err();
    assert!(is_store_away(&error), "{error:#}");
    assert!(!format!("{error:#}").contains("hush"), "{error:#}");
}

#[tokio::test]
async fn a_lease_is_one_owners_until_it_ends_or_expires() {
    const LONG: Duration = Duration::from_secs(60);
    let Some(store) = store().await else { return };
    let asks: Vec<_> = (0..8).map(|number| format!("owner-{number}")).collect();
    let asked = futures::future::join_all(asks.iter().map(|owner| store.lease("x", owner, LONG))).await;
    let leased: Vec<_> = asked.into_iter().map(Result::unwrap).collect();
    let winners: Vec<_> = leased.iter().zip(&asks).filter(|(leased, _)| **leased == Leased::Own).collect();
    let [(_, winner)] = winners.as_slice() else { panic!("{leased:?}") };
    for other in leased.iter().filter(|leased| **leased != Leased::Own) {
        let Leased::Others { owner, until } = other else { panic!("{other:?}") };
        let left = (*until - Utc::now()).num_seconds();
        assert!(owner == *winner && (1..=60).contains(&left), "{other:?}");
    }
    assert_eq!(store.lease("y", "owner-9", LONG).await.unwrap(), Leased::Own, "another name is another lease");

    // Renewed by its owner, and given back by nobody else.
    assert_eq!(store.lease("x", winner, LONG).await.unwrap(), Leased::Own);
    store.end_lease("x", "owner-9").await.unwrap();
    assert!(matches!(store.lease("x", "owner-9", LONG).await.unwrap(), Leased::Others { .. }));
    store.end_lease("x", winner).await.unwrap();
    assert_eq!(
        store.lease("x", "$owner", Duration::from_millis(100)).await.unwrap(),
        Leased::Own,
        "a text, not a field"
    );

    // Expired, it is whoever's asks first.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(store.lease("x", "owner-9", LONG).await.unwrap(), Leased::Own);
    assert!(matches!(store.lease("x", "$owner", LONG).await.unwrap(), Leased::Others { .. }));
    let documents = stored(&store, "leases").await;
    assert_eq!(documents.len(), 2);
    assert!(documents[0].get_datetime("expiresAt").is_ok(), "{documents:?}");
}

#[tokio::test]
async fn a_turn_ends_with_its_holder_or_with_its_time() {
    let Some(store) = store().await else { return };
    let dead = store.take_turn("player-rank").await.unwrap();
    let asked = tokio::time::timeout(Duration::from_millis(700), store.take_turn("player-rank")).await;
    assert!(asked.is_err(), "one at a time");
    store.take_turn("another").await.unwrap();
    // Its time is up.
    let throttle = store.database().await.unwrap().collection::<Document>("throttle");
    let past = DateTime::from_millis(0);
    throttle.update_one(doc! { "_id": "player-rank" }, doc! { "$set": { "heldUntil": past } }).await.unwrap();
    let next = store.take_turn("player-rank").await.unwrap();
    // What the dead one still says counts no more.
    store.end_turn("player-rank", dead, Some(Lowered { limit: 9, told: 10 })).await.unwrap();
    let asked = tokio::time::timeout(Duration::from_millis(700), store.take_turn("player-rank")).await;
    assert!(asked.is_err(), "the turn is still taken");
    store.end_turn("player-rank", next, Some(Lowered { limit: 3, told: 5 })).await.unwrap();
    let turn = store.take_turn("player-rank").await.unwrap();
    assert_eq!(turn.last, Some(Lowered { limit: 3, told: 5 }));
    assert_eq!([3, 4, 5].map(|told| turn.limit(told)), [3, 3, 3], "AWS may tell the limit of before");
    assert_eq!([2, 6, 10].map(|told| turn.limit(told)), [2, 6, 10], "somebody else has set it since");
}

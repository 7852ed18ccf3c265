//! Ranks of players.

use std::time::Duration;

use parsebook_core::player::PlayerUpdate;
use parsebook_core::ports::{RankOutcome, RankSource, Ranked};
use parsebook_core::scrap::{Discovered, RaidsToScrap};

use super::*;

const PALADIN: u8 = 6;
const ROGUE: u8 = 8;

fn failed(ranked: &Ranked) -> Vec<u32> {
    let failed = ranked.outcomes.iter().filter(|(_, outcome)| matches!(outcome, RankOutcome::Failed(_)));
    failed.map(|(id, _)| *id).collect()
}

/// Raid, difficulty and metrics of each stored part.
fn stored(ranked: &Ranked, id: u32) -> Vec<(u32, u8, String)> {
    let outcome = ranked.outcomes.iter().find(|(player, _)| *player == id).map(|(_, outcome)| outcome);
    let Some(RankOutcome::Update(PlayerUpdate::Ranked { parts, .. })) = outcome else { panic!("{ranked:?}") };
    let metrics = |ranks: &parsebook_core::player::DifficultyRanks| ranks.keys().cloned().collect::<Vec<_>>().join("+");
    parts.iter().map(|part| (part.raid, part.difficulty, metrics(&part.ranks))).collect()
}

#[tokio::test]
async fn a_class_that_is_unknown_costs_a_second_question_if_it_can_heal() {
    let server = Server::start(|query, _| {
        characters(query, |id| {
            let class_id = if id == 1 { PALADIN } else { ROGUE };
            let answers = [("z44d4", rankings("dps", "Retribution")), ("z44d4h", rankings("hps", "Holy"))];
            character(class_id, &answers)
        })
    })
    .await;
    let api = server.api();
    let ranked = api.rank("main", &wanted(1..=2, None)).await;
    assert_eq!(
        (stored(&ranked, 1), stored(&ranked, 2)),
        (vec![(44, 4, "dps+hps".into())], vec![(44, 4, "dps".into())])
    );
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert!(!asked[0].contains("hps") && asked[1].contains("metric: hps, role: Healer"), "{asked:?}");
    assert!(!asked[1].contains("p2:") && !asked[1].contains("metric: dps"), "{asked:?}");
    assert_eq!(ranked.points_spent, 18.0);

    let ranked = api.rank("main", &wanted([1], Some(PALADIN))).await;
    assert_eq!(stored(&ranked, 1), [(44, 4, "dps+hps".to_owned())]);
    let ranked = api.rank("main", &wanted([2], Some(ROGUE))).await;
    assert_eq!(stored(&ranked, 2), [(44, 4, "dps".to_owned())]);
    assert_eq!(server.asked().len(), 4, "one question each");
}

#[tokio::test]
async fn an_odd_pair_is_left_out_by_name_and_the_rest_is_stored() {
    let oddities = [
        json!({"error": "Invalid difficulty/size specified."}),
        Value::Null,
        json!(false),
        json!(""),
        json!([]),
        json!({}),
        json!({"rankings": null}),
        json!({"rankings": [{"encounter": null, "rankPercent": 1, "totalKills": 1}]}),
    ];
    for odd in oddities {
        let told = odd.to_string();
        let server = Server::start(move |query, _| {
            characters(query, |_| character(ROGUE, &[("z40d5", odd.clone()), ("z44d4", rankings("dps", "Outlaw"))]))
        })
        .await;
        let mut raids_to_scrap = RaidsToScrap::one(40, 5);
        raids_to_scrap.insert(44, 4);
        let player = Wanted { discovered: Discovered { id: 3, raids_to_scrap }, class_id: None };
        let ranked = server.api().rank("main", &[player]).await;
        assert_eq!(stored(&ranked, 3), [(44, 4, "dps".to_owned())], "{told}");
        assert_eq!(server.asked().len(), 1, "{told}");
        let [skipped] = ranked.skipped.as_slice() else { panic!("{told}: {:?}", ranked.skipped) };
        assert!(skipped.starts_with("player 3, raid 40, difficulty 5: "), "{skipped}");
    }
}

#[tokio::test]
async fn an_odd_row_is_left_out_by_name_and_the_rest_is_stored() {
    let server = Server::start(|query, _| {
        let mut answer = rankings("dps", "Outlaw");
        let rows = answer["rankings"].as_array_mut().unwrap();
        rows.push(json!({"encounter": {"id": 3130}, "rankPercent": "-", "totalKills": 1, "spec": "Outlaw"}));
        rows.push(json!({"encounter": {"id": 3131}, "rankPercent": "50", "totalKills": "2", "spec": "Outlaw"}));
        characters(query, |_| character(ROGUE, &[("z44d4", answer.clone())]))
    })
    .await;
    let ranked = server.api().rank("main", &wanted([3], None)).await;
    assert_eq!(ranked.skipped, ["player 3, raid 44, difficulty 4: encounter 3130: rankPercent \"-\""]);
    let (_, RankOutcome::Update(PlayerUpdate::Ranked { parts, .. })) = &ranked.outcomes[0] else {
        panic!("{ranked:?}")
    };
    let ranks = &parts[0].ranks["dps"];
    assert_eq!(ranks.encounters.keys().copied().collect::<Vec<_>>(), [3129, 3131]);
    assert_eq!(ranks.spec.as_deref(), Some("Outlaw"));
}

#[tokio::test]
async fn a_full_reading_that_finds_nothing_is_remembered() {
    let server = Server::start(|query, _| {
        let unkilled = json!({"encounter": {"id": 1, "name": "B"}, "rankPercent": null, "totalKills": 0, "spec": null});
        let dash = json!({"encounter": {"id": 2, "name": "C"}, "rankPercent": "-", "totalKills": 1, "spec": "Outlaw"});
        characters(query, |id| match id {
            1 => character(ROGUE, &[("z44d4", json!({"metric": "dps", "rankings": []}))]),
            2 => character(ROGUE, &[("z44d4", json!({"metric": "dps", "rankings": [unkilled]}))]),
            3 => character(ROGUE, &[("z44d4", json!({"metric": "dps", "rankings": [dash]}))]),
            _ => {
                let nothing = |metric: &str| json!({"metric": metric, "rankings": []});
                character(PALADIN, &[("z44d4", nothing("dps")), ("z44d4h", nothing("hps"))])
            }
        })
    })
    .await;
    let ranked = server.api().rank("main", &wanted(1..=4, None)).await;
    assert!(ranked.stopped.is_none(), "{:?}", ranked.stopped);
    for id in 1..=4 {
        assert_eq!(stored(&ranked, id), [(44, 4, "dps".to_owned())], "{id}");
    }
    let (_, RankOutcome::Update(PlayerUpdate::Ranked { parts, .. })) = &ranked.outcomes[0] else {
        panic!("{ranked:?}")
    };
    assert!(parts[0].ranks["dps"].encounters.is_empty() && parts[0].ranks["dps"].read_at.is_some());
    assert_eq!(ranked.skipped, ["player 3, raid 44, difficulty 4: encounter 2: rankPercent \"-\""]);
}

#[tokio::test]
async fn half_of_a_pair_does_not_take_the_other_half_from_the_store() {
    let server = Server::start(|query, _| {
        let answers = [("z44d4", rankings("dps", "Holy")), ("z44d4h", json!({"error": "Invalid role"}))];
        characters(query, |_| character(PALADIN, &answers))
    })
    .await;
    let ranked = server.api().rank("main", &wanted([1], Some(PALADIN))).await;
    assert_eq!(stored(&ranked, 1), []);
    assert_eq!(ranked.skipped, ["player 1, raid 44, difficulty 4: Invalid role"]);
}

#[tokio::test]
async fn who_is_gone_hidden_moved_or_without_a_class_is_told_apart() {
    let server = Server::start(|query, _| {
        characters(query, |id| match id {
            1 => Value::Null,
            2 => json!({"hidden": true}),
            3 => character(
                ROGUE,
                &[("z44d4", json!({"error": "You do not have permission to see this character's rankings."}))],
            ),
            4 => character(0, &[]),
            6 | 7 => {
                let mut character = character(ROGUE, &[("z44d4", rankings("dps", "Outlaw"))]);
                character["canonicalID"] = json!(if id == 6 { 6 } else { 70 });
                character
            }
            _ => character(ROGUE, &[("z44d4", rankings("dps", "Outlaw"))]),
        })
    })
    .await;
    let ranked = server.api().rank("main", &wanted(1..=7, None)).await;
    let update = |at: usize| match &ranked.outcomes[at].1 {
        RankOutcome::Update(update) => update.clone(),
        other => panic!("{other:?}"),
    };
    let at = |id: u32| ranked.outcomes.iter().position(|(player, _)| *player == id).unwrap();
    assert_eq!(update(at(1)), PlayerUpdate::Gone { id: 1 });
    assert_eq!((update(at(2)), update(at(3))), (PlayerUpdate::Hidden { id: 2 }, PlayerUpdate::Hidden { id: 3 }));
    assert_eq!(ranked.outcomes[at(4)].1, RankOutcome::Never("no class set"));
    assert_eq!((stored(&ranked, 5).len(), stored(&ranked, 6).len()), (1, 1));
    assert_eq!(ranked.outcomes[at(7)].1, RankOutcome::Moved(70));
}

#[tokio::test]
async fn ranks_that_nobody_understands_are_no_players_fault() {
    let server =
        Server::start(|query, _| characters(query, |_| character(ROGUE, &[("z44d4", json!({"v3": []}))]))).await;
    let ranked = server.api().rank("main", &wanted(1..=5, None)).await;
    assert!(ranked.outcomes.is_empty(), "{:?}", ranked.outcomes);
    let stopped = ranked.stopped.unwrap().to_string();
    assert!(stopped.contains("no ranks of 5 players can be understood"), "{stopped}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn players_of_whom_wcl_has_nothing_in_a_raid_are_finished_without_it() {
    for nothing in [Value::Null, json!(false), json!(""), json!([]), json!({}), json!({"rankings": null})] {
        let server =
            Server::start(move |query, _| characters(query, |_| character(ROGUE, &[("z44d4", nothing.clone())]))).await;
        let ranked = server.api().rank("main", &wanted(1..=5, None)).await;
        assert!(ranked.stopped.is_none(), "{:?}", ranked.stopped);
        let updates = ranked.outcomes.iter().filter(|(_, outcome)| matches!(outcome, RankOutcome::Update(_)));
        assert_eq!((updates.count(), ranked.skipped.len()), (5, 5));
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_character_that_takes_too_long_is_alone_with_it() {
    let server = Server::start(|query, _| {
        let mut answer = characters(query, |_| Value::Null);
        if query.contains("p3:") {
            answer.delay = Duration::from_secs(60);
        }
        answer
    })
    .await;
    let mut api = server.api();
    api.client = crate::http::builder().timeout(Duration::from_secs(2)).build().unwrap();
    let ranked = api.rank("main", &wanted(1..=5, None)).await;
    assert!(ranked.stopped.is_none(), "{:?}", ranked.stopped);
    assert_eq!((ranked.outcomes.len(), failed(&ranked)), (5, vec![3]));
    let about_it = server.asked().iter().filter(|query| query.contains("p3:")).count();
    assert_eq!(about_it, 3, "all five, half of the rest, the one");
}

#[tokio::test]
async fn a_character_that_the_gateway_never_answers_for_is_alone_with_it() {
    let server = Server::start(|query, _| match query {
        query if query.contains("p4:") => Answer::text(502, "<html>Bad gateway</html>"),
        query if query.contains("characterData") => characters(query, |_| Value::Null),
        _ => Answer::json(&json!({"data": {"rateLimitData": points(10.0)}})),
    })
    .await;
    let ranked = server.api().rank("main", &wanted(1..=5, None)).await;
    assert!(ranked.stopped.is_none(), "{:?}", ranked.stopped);
    assert_eq!((ranked.outcomes.len(), failed(&ranked)), (5, vec![4]));
}

#[tokio::test]
async fn a_character_whose_sentence_is_the_whole_answer_never_has_ranks() {
    let sentence = "No class set for this character. Click the Update button in the upper right.";
    let server = Server::start(move |query, _| match query.contains("p2:") {
        true => Answer::text(200, sentence),
        false => characters(query, |_| character(ROGUE, &[("z44d4", rankings("dps", "Outlaw"))])),
    })
    .await;
    let ranked = server.api().rank("main", &wanted(1..=5, None)).await;
    assert_eq!(ranked.outcomes.len(), 5);
    let never: Vec<_> =
        ranked.outcomes.iter().filter(|(_, outcome)| matches!(outcome, RankOutcome::Never(_))).collect();
    assert_eq!(never, [&(2, RankOutcome::Never("no class set"))]);
}

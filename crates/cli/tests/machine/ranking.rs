//! player-rank against every trap of the API: each message has its own outcome, and nothing is lost.

use std::time::Duration;

use parsebook_cli::local::{Machine, RankTotals};
use parsebook_core::player::{PlayerUpdate, Raid};
use parsebook_core::ports::{Clock, Discoveries, KeyPool, Players};
use parsebook_core::scrap::{Discovered, RaidsToScrap};
use parsebook_simulator::{Fault, RequestLimit, When, World};
use parsebook_test_support::clock::SimulatedClock;

use crate::common::Bench;

/// The players with ranks, each with all it has to rank, handed to the queue.
async fn queued(bench: &Bench, variables: &[(&str, &str)]) -> (Machine<SimulatedClock>, Vec<Discovered>) {
    let machine = bench.machine(variables);
    let wanted: Vec<Discovered> = bench
        .world()
        .players()
        .filter(|player| player.is_rankable() && player.pairs().next().is_some())
        .map(|player| {
            let mut raids_to_scrap = RaidsToScrap::default();
            player.pairs().for_each(|(raid, difficulty)| raids_to_scrap.insert(raid as u32, difficulty));
            Discovered { id: player.id() as u32, raids_to_scrap }
        })
        .collect();
    machine.store().merge(&wanted).await.unwrap();
    machine.aggregate(true).await.unwrap();
    (machine, wanted)
}

fn ids(players: &[Discovered]) -> Vec<i32> {
    players.iter().map(|player| player.id as i32).collect()
}

/// Runs the queue with faults on; answers the totals and which of the wanted players have ranks afterwards.
async fn rank_with(bench: &Bench, faults: &[(Fault, When)]) -> (RankTotals, Vec<bool>) {
    let (machine, wanted) = queued(bench, &[]).await;
    for (fault, when) in faults {
        bench.simulator.faults().set(*fault, when.clone());
    }
    let totals = machine.rank_all().await.unwrap();
    let is_ranked =
        |player: &Discovered| machine.store().player(player.id).unwrap().is_some_and(|stored| !stored.ranks.is_empty());
    (totals, wanted.iter().map(is_ranked).collect())
}

async fn small_world() -> Bench {
    Bench::start(World::generate(60, 5), |_| {}).await
}

#[tokio::test]
async fn faults_that_pass_cost_nobody_its_ranks() {
    let passing = [
        (Fault::Api500, When::Next(2)),
        (Fault::Api502, When::Next(2)),
        (Fault::Api520, When::Next(1)),
        (Fault::ApiTruncated, When::Next(1)),
        (Fault::ApiCutOff, When::Next(1)),
        (Fault::ApiDropped, When::Next(1)),
        (Fault::ApiTooLarge, When::Next(1)),
        (Fault::ApiBurst, When::Next(2)),
        (Fault::ApiUnauthenticated, When::Next(1)),
        (Fault::ApiInternalError, When::Next(1)),
        (Fault::TokenFails, When::Next(1)),
        (Fault::TokenEmpty, When::Next(1)),
        (Fault::RankingsString, When::Always),
        (Fault::PoisonedBody, When::Always),
    ];
    for (fault, when) in passing {
        let bench = small_world().await;
        let (totals, ranked) = rank_with(&bench, &[(fault, when)]).await;
        assert!(ranked.iter().all(|is_ranked| *is_ranked), "{fault}: {ranked:?}");
        assert_eq!((totals.done, totals.dead_lettered), (ranked.len() as u64, 0), "{fault}: {totals:?}");
    }
}

#[tokio::test]
async fn one_character_that_fails_is_alone_with_it() {
    for fault in [
        Fault::AliasError,
        Fault::RankingsError,
        Fault::RankingsNull,
        Fault::CharacterMissing,
        Fault::CharacterNoClass,
        Fault::CharacterHidden,
    ] {
        let bench = small_world().await;
        let (machine, wanted) = queued(&bench, &[]).await;
        let victim = wanted[3].id;
        bench.simulator.faults().set(fault, When::Ids(vec![victim as i32]));
        let totals = machine.rank_all().await.unwrap();
        for player in &wanted {
            let stored = machine.store().player(player.id).unwrap();
            let is_ranked = stored.is_some_and(|stored| !stored.ranks.is_empty());
            assert_eq!(is_ranked, player.id != victim, "{fault}: player {}", player.id);
        }
        let (finished, dead_lettered, hidden) = match fault {
            Fault::CharacterMissing | Fault::CharacterNoClass => (1, 0, 0),
            Fault::CharacterHidden => (0, 0, 1),
            // A pair that is refused or odd is left out, and its message is done with.
            Fault::RankingsError | Fault::RankingsNull => (0, 0, 0),
            _ => (0, 1, 0),
        };
        assert_eq!(
            (totals.finished, totals.dead_lettered, totals.hidden),
            (finished, dead_lettered, hidden),
            "{fault}"
        );
        assert_eq!(machine.store().queue_length().unwrap(), 0, "{fault}");
    }
}

#[tokio::test]
async fn the_sentence_alone_in_place_of_an_answer_is_narrowed_down() {
    let bench = small_world().await;
    let (machine, wanted) = queued(&bench, &[]).await;
    let victim = wanted[7].id as i32;
    bench.simulator.faults().set(Fault::CharacterNoClass, When::Ids(vec![victim]));
    bench.simulator.faults().set(Fault::PoisonAlone, When::Always);
    let totals = machine.rank_all().await.unwrap();
    assert_eq!((totals.done, totals.finished), (wanted.len() as u64 - 1, 1));
}

#[tokio::test]
async fn a_player_that_hides_loses_its_stored_ranks_and_keeps_nothing_else() {
    let bench = small_world().await;
    let (totals, _) = rank_with(&bench, &[]).await;
    assert_eq!(totals.hidden, 0);
    bench.clock.advance(Duration::from_secs(24 * 3600));
    let (machine, wanted) = queued(&bench, &[]).await;
    bench.simulator.faults().set(Fault::CharacterHidden, When::Ids(ids(&wanted[..2])));
    let totals = machine.rank_all().await.unwrap();
    assert_eq!(totals.hidden, 2);
    assert!(machine.store().player(wanted[0].id).unwrap().unwrap().ranks.is_empty());
    assert!(!machine.store().player(wanted[2].id).unwrap().unwrap().ranks.is_empty());
}

#[tokio::test]
async fn a_refusal_by_the_api_stops_and_loses_nothing() {
    for fault in [Fault::ApiBlocked, Fault::ApiNotJson, Fault::TokenBlocked] {
        let bench = small_world().await;
        let (machine, wanted) = queued(&bench, &[]).await;
        bench.simulator.faults().set(fault, When::Always);
        let error = machine.rank_all().await.unwrap_err();
        assert!(error.to_string().contains("refused by the API"), "{fault}: {error:#}");
        assert_eq!(machine.store().queue_length().unwrap(), wanted.len() as u64, "{fault}");
        let asked = bench.simulator.stats().api_requests + bench.simulator.stats().token_requests;
        assert!(asked <= 8, "{fault}: asked {asked} times");
        bench.simulator.faults().clear_all();
        assert_eq!(machine.rank_all().await.unwrap().done, wanted.len() as u64, "{fault}");
    }
}

#[tokio::test]
async fn after_a_refusal_the_next_call_waits_and_no_other_key_is_tried() {
    let bench = small_world().await;
    let keys = r#"[{"name":"a","clientId":"demo","clientSecret":"demo-secret"},{"name":"b","clientId":"demo","clientSecret":"demo-secret"}]"#;
    let (machine, wanted) = queued(&bench, &[("WCL_API_KEYS", keys)]).await;
    bench.simulator.faults().set(Fault::TokenBlocked, When::Next(1));
    let before = bench.clock.now();
    machine.rank_all().await.unwrap_err();
    let stats = bench.simulator.stats();
    assert_eq!((stats.token_requests, stats.api_requests), (1, 0), "the second key is not tried");
    assert_eq!(machine.rank_all().await.unwrap().done, wanted.len() as u64);
    assert!(bench.clock.now() - before >= chrono::TimeDelta::hours(1), "the pause is kept");
}

#[tokio::test]
async fn a_gateway_that_never_answers_ends_the_run_and_loses_nothing() {
    let bench = small_world().await;
    let (machine, wanted) = queued(&bench, &[]).await;
    machine.api().points().await.unwrap();
    bench.simulator.faults().set(Fault::Api502, When::Always);
    let error = machine.rank_all().await.unwrap_err();
    assert!(format!("{error:#}").contains("502"), "{error:#}");
    bench.simulator.faults().clear_all();
    assert_eq!(machine.rank_all().await.unwrap().done, wanted.len() as u64);
}

#[tokio::test]
async fn a_batch_that_no_hour_can_pay_is_worked_in_parts() {
    let bench = Bench::start(World::generate(30, 5), |config| config.points_per_hour = Some(60)).await;
    let (machine, wanted) = queued(&bench, &[("WCL_CALL_BUDGET", "7")]).await;
    let payable = wanted.iter().filter(|player| player.raids_to_scrap.pair_count() * 7 <= 60).count() as u64;
    let totals = machine.rank_all().await.unwrap();
    assert_eq!((totals.done, totals.dead_lettered), (payable, wanted.len() as u64 - payable));
}

#[tokio::test]
async fn a_poisoned_body_condemns_only_those_it_is_about() {
    let bench = small_world().await;
    let (machine, wanted) = queued(&bench, &[]).await;
    bench.simulator.faults().set(Fault::CharacterNoClass, When::Ids(vec![wanted[1].id as i32]));
    bench.simulator.faults().set(Fault::RankingsNull, When::Ids(vec![wanted[2].id as i32]));
    let totals = machine.rank_all().await.unwrap();
    assert_eq!((totals.done, totals.finished, totals.dead_lettered), (wanted.len() as u64 - 1, 1, 0));
    assert!(machine.store().player(wanted[2].id).unwrap().unwrap().ranks.is_empty());
}

#[tokio::test]
async fn keys_that_are_not_accepted_are_named_without_their_secret() {
    let bench = small_world().await;
    let keys = r#"[{"name":"old","clientId":"demo","clientSecret":"not-the-secret"}]"#;
    let (machine, _) = queued(&bench, &[("WCL_API_KEYS", keys)]).await;
    let error = format!("{:#}", machine.rank_all().await.unwrap_err());
    assert!(error.contains("\"old\"") && !error.contains("not-the-secret"), "{error}");
}

#[tokio::test]
async fn a_key_that_is_not_accepted_leaves_the_work_to_the_next() {
    let bench = small_world().await;
    let keys = r#"[{"name":"old","clientId":"demo","clientSecret":"x"},{"name":"new","clientId":"demo","clientSecret":"demo-secret"}]"#;
    let (machine, wanted) = queued(&bench, &[("WCL_API_KEYS", keys)]).await;
    let totals = machine.rank_all().await.unwrap();
    assert_eq!(totals.done, wanted.len() as u64);
    assert!(totals.points.contains_key("new") && !totals.points.contains_key("old"));
}

#[tokio::test]
async fn the_limiter_of_requests_is_waited_for() {
    let bench = Bench::start(World::generate(120, 5), |config| {
        config.request_limit = Some(RequestLimit { requests: 10, window: std::time::Duration::from_secs(30) });
    })
    .await;
    let (machine, wanted) = queued(&bench, &[]).await;
    let totals = machine.rank_all().await.unwrap();
    assert_eq!(totals.done, wanted.len() as u64);
    assert!(bench.simulator.stats().limiter_refusals > 0);
}

#[tokio::test]
async fn points_that_run_out_unforeseen_are_waited_for() {
    let bench = Bench::start(World::generate(120, 5), |config| config.points_per_hour = Some(600)).await;
    let (machine, wanted) = queued(&bench, &[]).await;
    bench.simulator.faults().set(Fault::ApiExhausted, When::Next(1));
    bench.simulator.faults().set(Fault::TokenExhausted, When::Always);
    let totals = machine.rank_all().await.unwrap();
    assert_eq!(totals.done, wanted.len() as u64);
    assert!(totals.pauses > 0);
}

#[tokio::test]
async fn a_malformed_message_is_dead_lettered_and_its_neighbours_are_ranked() {
    let bench = small_world().await;
    let (machine, wanted) = queued(&bench, &[]).await;
    machine.store().send_raw("{\"id\":\"x\"}").unwrap();
    let totals = machine.rank_all().await.unwrap();
    assert_eq!((totals.done, totals.dead_lettered), (wanted.len() as u64, 1));
    let letters = machine.store().dead_letters(5).unwrap();
    assert!(letters[0].reason.contains("not a message"), "{letters:?}");
}

#[tokio::test]
async fn ranks_of_one_raid_and_difficulty_replace_only_those() {
    let bench = small_world().await;
    let (machine, wanted) = queued(&bench, &[]).await;
    machine.rank_all().await.unwrap();
    let several = wanted.iter().find(|player| player.raids_to_scrap.pair_count() > 1).unwrap();
    let before = machine.store().player(several.id).unwrap().unwrap();
    let (raid, difficulty) = several.raids_to_scrap.pairs().next().unwrap();
    let update = PlayerUpdate::Ranked {
        id: several.id,
        identity: before.identity.clone(),
        parts: vec![parsebook_core::player::RankedPart { raid, difficulty, ranks: Default::default() }],
    };
    machine.store().save(&[update]).await.unwrap();
    let after = machine.store().player(several.id).unwrap().unwrap();
    let pairs = |ranks: &parsebook_core::player::RaidRanks| ranks.values().map(|raid| raid.len()).sum::<usize>();
    assert_eq!(pairs(&after.ranks), pairs(&before.ranks) - 1);
}

#[tokio::test]
async fn a_raid_without_reference_data_is_named_by_the_api_when_it_is_first_met() {
    use parsebook_core::ports::Raids;
    let bench = small_world().await;
    let (machine, _) = queued(&bench, &[]).await;
    machine.rank_all().await.unwrap();
    assert!(machine.store().raids().await.unwrap().is_empty());
    machine.generate(&crate::common::regions()).await.unwrap();
    let raids: Vec<Raid> = machine.store().raids().await.unwrap();
    let world = bench.world();
    assert!(!raids.is_empty());
    for raid in raids {
        assert_eq!(raid.name, world.raid(raid.id as i32).unwrap().name);
    }
}

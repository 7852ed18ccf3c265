//! Encoding and decoding in Lua 5.1 gives back exactly what went in.

use std::collections::BTreeMap;

use crate::support::*;
use parsebook_addon_db::{Character, EncounterRank, Ranks};
use proptest::prelude::*;

/// Names as players and attackers would choose them.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Z][a-zàéîøß]{1,11}",
        "[А-ЯЁ][а-яё]{1,11}",
        "[가-힣]{1,6}",
        "[一-龥]{1,6}",
        "[A-Ca-c]{1,3}",
        "[A-Za-z가나丶小]{1,4}",
        "\\PC{1,12}",
        proptest::collection::vec(any::<char>(), 1..48).prop_map(|c| c.into_iter().collect::<String>()),
        Just("]=]..os.exit()..[=[".to_owned()),
        Just("\"\\\n\r\0--[[".to_owned()),
    ]
}

fn any_ranks() -> impl Strategy<Value = Ranks> {
    let raid = prop_oneof![Just(31_u32), Just(31), Just(33), Just(26), Just(99), any::<u32>()];
    let difficulty = prop_oneof![Just(3_u8), Just(4), Just(5), Just(1), 1..=10_u8, any::<u8>()];
    let metric = prop_oneof![Just("dps"), Just("dps"), Just("hps"), Just("bossdps"), Just("made \"up\" ]=]")];
    let id =
        prop_oneof![Just(2587_u32), Just(2639), Just(2590), Just(2607), Just(2688), Just(2398), Just(7), any::<u32>()];
    let kills = prop_oneof![1..5_u32, 30..50_u32, 250..260_u32, any::<u32>()];
    let spec = prop_oneof![
        Just(None),
        Just(Some("Frost")),
        Just(Some("Holy")),
        Just(Some("Restoration")),
        Just(Some("never \"seen\" ]=]")),
    ];
    let rank = (id, 0..=110_u8, kills).prop_map(|(id, rank, kills)| EncounterRank { id, rank, kills });
    (raid, difficulty, metric, spec, proptest::collection::vec(rank, 0..9)).prop_map(
        |(raid, difficulty, metric, spec, encounters)| Ranks {
            raid,
            difficulty,
            metric: metric.into(),
            spec: spec.map(Into::into),
            encounters,
        },
    )
}

fn any_characters() -> impl Strategy<Value = Vec<Character>> {
    let realm = prop_oneof![Just("Aegwynn"), Just("Temple noir"), Just("Aggra (Português)"), Just("아즈샤라")];
    let one = (
        any_name(),
        realm,
        prop_oneof![0..16_u8, any::<u8>()],
        0..2_000_000_000_i64,
        proptest::collection::vec(any_ranks(), 0..7),
    );
    proptest::collection::vec(one, 1..40).prop_map(|all| {
        let mut by_name = BTreeMap::new();
        for (name, realm, class_id, ranked_at, ranks) in all {
            let c = Character { class_id, ranked_at, ..character(realm, &name, ranks) };
            by_name.insert((c.normalized_realm.clone(), c.name.clone()), c);
        }
        by_name.into_values().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_in_comes_out(characters in any_characters(), region in prop_oneof!["EU", "KR", "TW", "CN"]) {
        assert_round_trip(&region, &raids(), &characters);
    }
}

#[test]
fn limits_are_exact() {
    let every = |kills| [(2587, 0, 0), (2639, 100, kills), (2590, 99, 39), (2592, 1, 40), (2635, 50, 41)];
    let characters = [
        character("A", "Least", vec![ranks(31, 3, "dps", &[(2587, 0, 1)])]),
        character("A", "Most", vec![ranks(31, 5, "dps", &every(255)), ranks(31, 4, "hps", &every(256))]),
        character("A", "None", vec![]),
        character("A", "Still", vec![ranks(31, 1, "dps", &every(u32::MAX)), ranks(26, 3, "dps", &[])]),
    ];
    assert_round_trip("EU", &raids(), &characters);
}

#[test]
fn a_player_with_every_raid_difficulty_and_metric() {
    let mut all = Vec::new();
    for raid in (20..70).chain([0, u32::MAX]) {
        for difficulty in 1..=10 {
            for metric in ["dps", "hps", "tankhps", "unheard-of"] {
                let known: Vec<_> =
                    raids().iter().filter(|r| r.id == raid).flat_map(|r| r.encounters.clone()).collect();
                let ids = known.iter().map(|e| e.id).chain([1, 9_999]);
                all.push(ranks(
                    raid,
                    difficulty,
                    metric,
                    &ids.map(|id| (id, difficulty * 9, raid)).collect::<Vec<_>>(),
                ));
            }
        }
    }
    let neighbours = (0..20).map(|i| character("A", &format!("N{i:02}"), vec![ranks(31, 4, "dps", &[(2587, i, 2)])]));
    let characters: Vec<_> = std::iter::once(character("A", "Every", all)).chain(neighbours).collect();
    assert_round_trip("EU", &raids(), &characters);
}

#[test]
fn one_player_and_no_player_at_all() {
    assert_round_trip("TW", &raids(), &[character("A", "Alone", vec![ranks(31, 4, "dps", &[(2587, 90, 2)])])]);
    let (mut addon, summary, _dir) = open("TW", &raids(), &[]);
    assert_eq!((summary.characters, summary.generated_at), (0, 0));
    assert_eq!(addon.info("TW").unwrap().characters, 0);
    assert_eq!(addon.lookup("Alone", "A", "TW").unwrap(), None);
}

#[test]
fn a_realm_with_two_hundred_thousand() {
    let name = |i: u32| {
        let letters: String = (0..5).map(|d| char::from(b'a' + (i / 13_u32.pow(d) % 13) as u8)).collect();
        format!("X{letters}")
    };
    let mut characters: Vec<_> = (0..200_000)
        .map(|i| character("Big", &name(i), vec![ranks(31, 3, "dps", &[(2587, (i % 101) as u8, i % 300)])]))
        .collect();
    characters.sort_by(|a, b| a.name.cmp(&b.name));
    let (mut addon, summary, _dir) = open("EU", &raids(), &characters);
    assert_eq!(summary.characters, 200_000);
    for c in characters.iter().step_by(97) {
        assert_eq!(addon.lookup(&c.name, "Big", "EU").unwrap(), Some(expected("EU", &raids(), c)));
        assert_eq!(addon.lookup(&format!("{}z", c.name), "Big", "EU").unwrap(), None);
    }
}

//! What every store must do, whatever it is made of: run against the embedded store and a real MongoDB.
//!
//! Each function takes an empty store and fails with an error or a failed assertion.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use chrono::{TimeDelta, TimeZone, Utc};
use futures::TryStreamExt;
use parsebook_core::journal::{Journal, KEPT, Run};
use parsebook_core::player::{
    DifficultyRanks, Encounter, EncounterRank, Identity, MetricRanks, Player, PlayerUpdate, Raid, RaidRanks, RankedPart,
};
use parsebook_core::ports::{Discoveries, Players, Raids, Rules};
use parsebook_core::rule::{
    Block, Lease, PageRange, Progress, Rule, RuleId, RuleState, Share, SourceKind, Target, Wait, WindowLeft,
};
use parsebook_core::scrap::{Discovered, RaidsToScrap};
use parsebook_core::status::{Census, StatusSource};
use parsebook_core::{PlayerId, Timestamp};

/// A store, and what the suite needs besides the ports.
pub trait Store: Rules + Discoveries + Players + Raids + Journal + StatusSource {
    /// Adds a rule as a person would.
    async fn add(&self, target: &Target) -> Result<RuleId>;
}

impl Store for parsebook_adapters::embedded::EmbeddedStore {
    async fn add(&self, target: &Target) -> Result<RuleId> {
        self.add_rule(target)
    }
}

impl Store for parsebook_adapters::mongo::MongoStore {
    async fn add(&self, target: &Target) -> Result<RuleId> {
        self.add_rule(target).await
    }
}

pub fn now() -> Timestamp {
    Utc.timestamp_opt(1_800_000_000, 0).single().unwrap_or_default()
}

fn target() -> Target {
    Target { partition: Some(2), ..Target::new(31, 4, SourceKind::Site) }
}

async fn only_rule<S: Store>(store: &S) -> Result<Rule> {
    let (mut rules, malformed) = store.rules().await?;
    ensure!(malformed.is_empty() && rules.len() == 1, "{rules:?} {malformed:?}");
    rules.pop().context("no rule")
}

fn lease(owner: &str, minutes: i64) -> Lease {
    Lease { owner: owner.to_owned(), expires_at: now() + TimeDelta::minutes(minutes) }
}

/// A rule is claimed by one at a time, and only as it was seen.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn a_rule_is_claimed_by_one<S: Store>(store: &S) -> Result<()> {
    let id = store.add(&target()).await?;
    let rule = only_rule(store).await?;
    assert_eq!((&rule.id, &rule.target, rule.enabled, rule.last_run), (&id, &target(), true, None));
    assert_eq!(rule.state, RuleState::default());

    let (a, b) = (lease("a", 10), lease("b", 10));
    let (first, second) = futures::join!(store.claim(&rule, &a, now()), store.claim(&rule, &b, now()));
    let claimed: Vec<Rule> = [first?, second?].into_iter().flatten().collect();
    assert_eq!(claimed.len(), 1, "one of two gets the rule");
    let owner = claimed[0].state.lease.as_ref().context("no lease")?.owner.clone();
    assert_eq!(only_rule(store).await?, claimed[0]);

    assert!(!store.renew(&id, &lease("nobody", 20)).await?);
    assert!(store.renew(&id, &lease(&owner, 10)).await?, "its holder lengthens a lease");
    let late = now() + TimeDelta::minutes(9);
    assert_eq!(store.claim(&rule, &lease("c", 20), late).await?, None, "the lease holds");
    let expired = now() + TimeDelta::minutes(10);
    let taken = store.claim(&rule, &lease("c", 20), expired).await?.context("an expired lease is free")?;
    assert_eq!(taken.state.lease, Some(lease("c", 20)));
    assert!(!store.save_state(&id, &owner, &RuleState::default()).await?, "the first owner lost it");
    assert!(!store.finish(&id, &owner, now(), &RuleState::default()).await?);
    assert_eq!(only_rule(store).await?.last_run, None);

    let done = now() + TimeDelta::seconds(1);
    assert!(store.finish(&id, "c", done, &RuleState::default()).await?);
    let finished = only_rule(store).await?;
    assert_eq!((finished.last_run, &finished.state), (Some(done), &RuleState::default()));
    assert_eq!(store.claim(&rule, &lease("d", 30), expired).await?, None, "seen before it was finished");
    assert!(store.claim(&finished, &lease("d", 30), expired).await?.is_some());
    Ok(())
}

/// Everything in a rule's state comes back as it was saved.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn a_rules_state_comes_back<S: Store>(store: &S) -> Result<()> {
    let id = store.add(&Target { partition: None, source: SourceKind::Reports, ..target() }).await?;
    let rule = only_rule(store).await?;
    store.claim(&rule, &lease("a", 10), now()).await?.context("claim")?;
    let state = RuleState {
        lease: Some(lease("a", 12)),
        progress: Some(Progress {
            failed: vec![17],
            filled: 2,
            remaining: vec![PageRange { next: 3, end: 200 }, PageRange { next: 201, end: 600 }],
            windows: vec![WindowLeft {
                next_page: 3,
                set_aside: true,
                ..WindowLeft::unread(now() - TimeDelta::hours(24), now())
            }],
            shares: vec![Share {
                rule: Some(id.clone()),
                target: rule.target.clone(),
                from: now(),
                left_behind: Some("page 3".into()),
            }],
            pages: 2,
            players: 200,
            skipped: 1,
            ..Progress::of(Target { since: Some(now()), ..rule.target.clone() }, now())
        }),
        block: Some(Block {
            at: now(),
            until: now() + TimeDelta::hours(2),
            since: now() - TimeDelta::hours(1),
            refusals: 2,
            reason: "\"human\" check $x".into(),
        }),
        read_until: Some(now()),
        wait: Some(Wait {
            until: now() + TimeDelta::hours(1),
            since: now() - TimeDelta::hours(3),
            failures: 3,
            reason: "no such raid".into(),
        }),
    };
    assert!(store.save_state(&id, "a", &state).await?);
    assert!(store.save_state(&id, "a", &state).await?, "saving twice does no harm");
    assert_eq!(only_rule(store).await?.state, state);
    Ok(())
}

/// A refusal that no rule keeps comes back until it is forgotten; each source has one.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn refusals_without_a_rule_are_kept<S: Store>(store: &S) -> Result<()> {
    ensure!(store.refusals().await?.is_empty());
    let block = |reason: &str| Block::after(None, now(), reason.to_owned());
    for (source, reason) in
        [(SourceKind::Site, "first"), (SourceKind::Site, "\"human\" check $x"), (SourceKind::Reports, "403")]
    {
        store.keep_refusal(source, Some(&block(reason))).await?;
    }
    let kept = [(SourceKind::Site, block("\"human\" check $x")), (SourceKind::Reports, block("403"))];
    assert_eq!(store.refusals().await?, kept.into());
    store.keep_refusal(SourceKind::Site, None).await?;
    store.keep_refusal(SourceKind::Site, None).await?;
    assert_eq!(store.refusals().await?, [(SourceKind::Reports, block("403"))].into());
    Ok(())
}

fn player(id: PlayerId, raids: &[(u32, &[u8])]) -> Discovered {
    let raids = raids.iter().map(|(raid, set)| (*raid, set.iter().copied().collect::<BTreeSet<_>>()));
    Discovered { id, raids_to_scrap: RaidsToScrap(raids.collect::<BTreeMap<_, _>>()) }
}

/// Everything in `discovers`, read in pages of `page_size`.
async fn all<S: Discoveries>(store: &S, page_size: usize) -> Result<Vec<Discovered>> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.discovered_after(after, page_size).await?;
        ensure!(page.malformed.is_empty(), "{:?}", page.malformed);
        found.extend(page.discovered);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}

/// Finds add up, in any order and any number of times, and are read in order of id.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn finds_are_merged<S: Store>(store: &S) -> Result<()> {
    store.merge(&[player(7, &[(31, &[4])]), player(2_147_483_647, &[(26, &[5])])]).await?;
    store.merge(&[player(7, &[(31, &[3, 4]), (28, &[5])]), player(1, &[(31, &[5])])]).await?;
    store.merge(&[player(7, &[(31, &[4])])]).await?;
    store.merge(&[]).await?;
    let expected =
        [player(1, &[(31, &[5])]), player(7, &[(28, &[5]), (31, &[3, 4])]), player(2_147_483_647, &[(26, &[5])])];
    for page_size in [1, 2, 3, 100] {
        assert_eq!(all(store, page_size).await?, expected, "in pages of {page_size}");
    }
    assert_eq!(store.discovered_count().await?, 3);
    Ok(())
}

/// Many writers at once lose nothing of each other.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn concurrent_merges_lose_nothing<S: Store>(store: &S) -> Result<()> {
    let writer = |writer: u32| async move {
        for round in 0..10 {
            let found: Vec<_> = (1..=20).map(|id| player(id, &[(writer * 10 + round, &[3])])).collect();
            store.merge(&found).await?;
        }
        anyhow::Ok(())
    };
    futures::future::try_join_all((1..=8).map(writer)).await?;
    let found = all(store, 7).await?;
    assert_eq!(found.len(), 20);
    assert!(found.iter().all(|player| player.raids_to_scrap.pair_count() == 80), "{found:?}");
    Ok(())
}

/// Removing takes exactly what was sent and leaves no empty documents.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn removing_is_exact<S: Store>(store: &S) -> Result<()> {
    // Found in an order that is not the numbers' own.
    store.merge(&[player(1, &[(31, &[5])]), player(2, &[(31, &[4])]), player(3, &[(28, &[3])])]).await?;
    store.merge(&[player(1, &[(31, &[3]), (26, &[4])])]).await?;
    let sent = all(store, 10).await?;
    // Found while the batch was on its way: a difficulty, a raid, and a player.
    store.merge(&[player(2, &[(31, &[3])]), player(3, &[(31, &[5])]), player(4, &[(31, &[3])])]).await?;
    store.remove(&sent).await?;
    let left = [player(2, &[(31, &[3])]), player(3, &[(31, &[5])]), player(4, &[(31, &[3])])];
    assert_eq!(all(store, 10).await?, left);
    store.remove(&sent).await?;
    store.remove(&[]).await?;
    assert_eq!(all(store, 10).await?, left, "removing twice does no harm");
    store.remove(&left).await?;
    assert_eq!(store.discovered_count().await?, 0);
    // Part of what is stored.
    store.merge(&[player(5, &[(31, &[3, 4]), (28, &[5])])]).await?;
    store.remove(&[player(5, &[(31, &[4]), (28, &[5])])]).await?;
    assert_eq!(all(store, 10).await?, [player(5, &[(31, &[3])])]);
    Ok(())
}

/// A discover that adds while an aggregator removes what it read: every pair is either removed or still there.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn adding_while_removing_loses_nothing<S: Store>(store: &S) -> Result<()> {
    let rounds = 40;
    let add = async {
        for round in 1..=rounds {
            let found: Vec<_> = (1..=10).map(|id| player(id, &[(round, &[3, 4])])).collect();
            store.merge(&found).await?;
        }
        anyhow::Ok(())
    };
    let mut removed: BTreeMap<PlayerId, RaidsToScrap> = BTreeMap::new();
    let mut take = async |store: &S| {
        let sent = all(store, 100).await?;
        store.remove(&sent).await?;
        for player in sent {
            removed.entry(player.id).or_default().merge(&player.raids_to_scrap);
        }
        anyhow::Ok(())
    };
    let remove = async {
        for _ in 0..rounds {
            take(store).await?;
        }
        take(store).await
    };
    let (added, taken) = futures::join!(add, remove);
    added?;
    taken?;
    take(store).await?;
    assert_eq!(removed.len(), 10);
    for (id, raids) in removed {
        assert_eq!(raids.pair_count(), rounds as usize * 2, "player {id}");
    }
    assert_eq!(store.discovered_count().await?, 0);
    Ok(())
}

fn identity(name: &str, server: &str, region: &str) -> Identity {
    Identity {
        name: name.to_owned(),
        region: region.to_owned(),
        server: server.to_owned(),
        normalized_server: parsebook_core::player::normalized_realm(server),
        class_id: 9,
    }
}

fn part(raid: u32, difficulty: u8, percent: f64) -> RankedPart {
    let metric = MetricRanks {
        partition: -1,
        ranked_at: now(),
        read_at: (difficulty == 4).then(now),
        spec: (difficulty == 4).then(|| "BeastMastery".to_owned()),
        encounters: BTreeMap::from([
            (2587, EncounterRank { rank_percent: percent, kills: 3 }),
            (2590, EncounterRank { rank_percent: 0.0, kills: 1000 }),
        ]),
        ends: BTreeMap::new(),
        specs: BTreeMap::new(),
    };
    RankedPart { raid, difficulty, ranks: DifficultyRanks::from([("dps".to_owned(), metric)]) }
}

fn ranked(id: PlayerId, identity: Identity, parts: Vec<RankedPart>) -> PlayerUpdate {
    PlayerUpdate::Ranked { id, identity, parts }
}

async fn region<S: Players>(store: &S, region: &str) -> Result<Vec<Player>> {
    store
        .players(region)
        .map_ok(|player| player.map_err(anyhow::Error::from))
        .try_collect::<Vec<_>>()
        .await?
        .into_iter()
        .collect()
}

async fn saved<S: Players>(store: &S, updates: &[PlayerUpdate]) -> Result<()> {
    assert_eq!(store.save(updates).await?, vec![Ok(()); updates.len()]);
    Ok(())
}

/// Puts a part in place of the same raid and difficulty; one without ranks takes it away.
pub fn put(part: &RankedPart, ranks: &mut RaidRanks) {
    let difficulties = ranks.entry(part.raid).or_default();
    difficulties.remove(&part.difficulty);
    if !part.ranks.is_empty() {
        difficulties.insert(part.difficulty, part.ranks.clone());
    }
    ranks.retain(|_, difficulties| !difficulties.is_empty());
}

/// Saving one raid + difficulty replaces just that.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn a_part_replaces_only_itself<S: Store>(store: &S) -> Result<()> {
    let chogun = identity("Chôgun", "Temple noir", "EU");
    saved(store, &[ranked(1, chogun.clone(), vec![part(31, 4, 50.0), part(31, 3, 60.0), part(28, 5, 70.0)])]).await?;
    let renamed = identity("Chogun", "Azjol-Nerub", "EU");
    let update = ranked(1, renamed.clone(), vec![part(31, 4, 91.25)]);
    saved(store, std::slice::from_ref(&update)).await?;
    saved(store, &[update]).await?;
    let mut expected = Player { id: 1, identity: renamed.clone(), ranks: Default::default() };
    for part in [part(31, 4, 91.25), part(31, 3, 60.0), part(28, 5, 70.0)] {
        put(&part, &mut expected.ranks);
    }
    assert_eq!(region(store, "EU").await?, std::slice::from_ref(&expected));

    // Asked again without a kill: the part goes, and the raid with its last part.
    let none = |raid, difficulty| RankedPart { raid, difficulty, ranks: DifficultyRanks::new() };
    saved(store, &[ranked(1, renamed.clone(), vec![none(28, 5), none(31, 3), none(29, 1)])]).await?;
    expected.ranks.remove(&28);
    expected.ranks.get_mut(&31).context("raid 31")?.remove(&3);
    assert_eq!(region(store, "EU").await?, [expected]);
    Ok(())
}

/// A hidden player loses its ranks, keeps its name, and comes back when it shows them again.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn hidden_players_lose_their_ranks<S: Store>(store: &S) -> Result<()> {
    let a = identity("A", "R", "EU");
    saved(store, &[ranked(1, a.clone(), vec![part(31, 4, 1.0)]), ranked(4, a.clone(), vec![part(31, 4, 1.0)])]).await?;
    let updates = [
        PlayerUpdate::Hidden { id: 1 },
        PlayerUpdate::Hidden { id: 2 },
        ranked(3, a.clone(), vec![]),
        PlayerUpdate::Gone { id: 4 },
        PlayerUpdate::Gone { id: 5 },
    ];
    saved(store, &updates).await?;
    saved(store, &updates).await?;
    let bare = |id| Player { id, identity: a.clone(), ranks: Default::default() };
    assert_eq!(region(store, "EU").await?, [bare(1), bare(3), bare(4)], "no document for a player never seen");
    saved(store, &[ranked(1, a.clone(), vec![part(31, 4, 2.0)])]).await?;
    assert_eq!(region(store, "EU").await?[0].ranks.len(), 1);
    Ok(())
}

/// A region comes in order of realm, name (as bytes) and id, whatever the names hold, and alone.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn a_region_comes_in_order<S: Store>(store: &S) -> Result<()> {
    let names =
        ["Zed", "ab", "Éa", "Ab", "é", "가나", "中文", "$set.x", "\"quote\\", "-- drop", "😀", "a\u{301}", "ａ"];
    let mut updates = Vec::new();
    for (index, name) in (0_u32..).zip(names) {
        updates.push(ranked(1000 - index, identity(name, "Temple noir", "EU"), vec![part(31, 4, 5.0)]));
        updates.push(ranked(2000 + index, identity(name, "Aggra (Português)", "EU"), vec![part(31, 4, 6.0)]));
        updates.push(ranked(3000 + index, identity(name, "하이잘", "KR"), vec![part(31, 4, 7.0)]));
    }
    updates.push(ranked(5, identity("Zed", "Temple noir", "EU"), vec![part(31, 5, 8.0)]));
    saved(store, &updates).await?;
    let players = region(store, "EU").await?;
    assert_eq!(players.len(), names.len() * 2 + 1);
    let keys: Vec<_> = players
        .iter()
        .map(|player| (player.identity.normalized_server.clone(), player.identity.name.clone(), player.id))
        .collect();
    let mut sorted = keys.clone();
    sorted.sort();
    assert_eq!(keys, sorted);
    assert_eq!(region(store, "KR").await?.len(), names.len());
    assert_eq!(region(store, "US").await?, []);
    Ok(())
}

/// More players than any page or batch hold are all read, each once.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn a_large_region_is_read_whole<S: Store>(store: &S) -> Result<()> {
    let updates: Vec<_> =
        (1..=5000).map(|id| ranked(id, identity("Same", "Same", "EU"), vec![part(31, 4, 5.0)])).collect();
    saved(store, &updates).await?;
    let ids: Vec<_> = region(store, "EU").await?.into_iter().map(|player| player.id).collect();
    assert_eq!(ids, (1..=5000).collect::<Vec<_>>());
    Ok(())
}

/// Reference data is stored, replaced, and kept in the raid's own order.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn raids_are_kept<S: Store>(store: &S) -> Result<()> {
    assert_eq!(store.raid(31).await?, None);
    let raid = |id, name: &str| Raid {
        id,
        name: name.to_owned(),
        encounters: vec![
            Encounter { id: 2590, name: "Eranog".into() },
            Encounter { id: 2587, name: "Sennarth, \"the\" $Cold.Breath".into() },
        ],
    };
    store.save_raid(&raid(31, "Vault")).await?;
    store.save_raid(&raid(26, "Castle")).await?;
    store.save_raid(&raid(31, "Vault of the Incarnates")).await?;
    assert_eq!(store.raid(31).await?, Some(raid(31, "Vault of the Incarnates")));
    assert_eq!(store.raids().await?, [raid(26, "Castle"), raid(31, "Vault of the Incarnates")]);
    Ok(())
}

/// The journal gives back what was recorded, in order, each run once, and forgets what is too old.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn the_journal_keeps_what_it_is_given<S: Store>(store: &S) -> Result<()> {
    let begin = |id: &str, minutes| Run::begin(id.into(), "discover", now() - TimeDelta::minutes(minutes), Some(now()));
    let first = begin("a", 30);
    store.record(&first).await?;
    store.record(&first.alive(now())).await?;
    let summary = serde_json::json!({ "pages": 3, "points": 1.5, "left": { "my.key": 7.5, "$b": 2.5 }, "list": ["\u{e9}", null] });
    let ended = first.ended(now(), summary);
    store.record(&ended).await?;
    let failed = begin("b", 10).failed(now(), "NoBudget", "no points", Default::default());
    store.record(&failed).await?;
    let many: Vec<Run> = (0..1200).map(|index| begin(&format!("c{index:04}"), 20)).collect();
    for run in &many {
        store.record(run).await?;
    }
    let runs: Vec<Run> = store.runs_since(now() - TimeDelta::minutes(25)).try_collect().await?;
    assert_eq!(runs.len(), many.len() + 1, "each once, none older");
    assert_eq!(runs.last(), Some(&failed));
    let all: Vec<Run> = store.runs_since(now() - TimeDelta::hours(1)).try_collect().await?;
    assert_eq!(all.first(), Some(&ended), "one document an invocation");
    assert!(KEPT > TimeDelta::days(89));
    Ok(())
}

/// The same data make the same census in every store.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn a_census_counts_everything<S: Store>(store: &S) -> Result<()> {
    let aged = |days, percent| {
        let mut part = part(31, 4, percent);
        part.ranks.values_mut().for_each(|metric| metric.ranked_at = now() - TimeDelta::days(days));
        part
    };
    let eu = || identity("Ana", "Temple noir", "EU");
    let mythic = RankedPart { difficulty: 5, ..aged(40, 99.9) };
    saved(
        store,
        &[
            ranked(1, eu(), vec![aged(0, 0.0)]),
            ranked(2, eu(), vec![aged(5, 100.0), mythic]),
            ranked(3, identity("Bo", "Tichondrius", "US"), vec![aged(100, 52.5)]),
            ranked(4, eu(), vec![aged(1, 10.0)]),
            PlayerUpdate::Hidden { id: 4 },
        ],
    )
    .await?;
    let found = |id| Discovered { id, raids_to_scrap: RaidsToScrap::one(31, 4) };
    store.merge(&[found(7), found(8)]).await?;
    let Census { discovered, regions, bosses, reports, .. } = store.census(now()).await?;
    assert_eq!((discovered, reports.total), (2, 0));
    let told: Vec<_> = regions
        .iter()
        .map(|region| {
            let groups: Vec<_> = region.freshness.iter().map(|group| group.players).collect();
            (region.region.as_str(), region.players, groups)
        })
        .collect();
    assert_eq!(told, [("EU", 2, vec![1, 0, 1, 0, 0, 0, 0]), ("US", 1, vec![0, 0, 0, 0, 0, 0, 1])]);
    assert_eq!(regions[0].oldest, Some(now() - TimeDelta::days(5)), "as fresh as its newest part");
    assert_eq!(regions[0].newest, Some(now()));
    let told: Vec<_> = bosses
        .iter()
        .map(|ranks| {
            let filled = ranks.players.iter().enumerate().filter(|(_, players)| **players > 0);
            (ranks.boss.difficulty, filled.map(|(group, players)| (group, *players)).collect::<Vec<_>>())
        })
        .collect();
    let ranked_0 = |players| vec![(0, players)];
    let first = vec![(0, 1), (10, 1), (19, 1)];
    assert_eq!(told, [(4, first), (4, ranked_0(3)), (5, vec![(19, 1)]), (5, ranked_0(1))]);
    Ok(())
}

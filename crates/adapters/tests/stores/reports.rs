//! What every store must do with reports, with what waits in the queue, and with kills that are folded in.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use chrono::TimeDelta;
use futures::TryStreamExt;
use parsebook_core::left_out::LeftOut;
use parsebook_core::player::{
    EncounterRank, Folding, Identity, MetricRanks, PlayerUpdate, RaidRanks, RankedKill, RankedPart,
};
use parsebook_core::ports::{Known, Players, ReportBacklog, ReportLag, SeenReport, SeenReports, Waiting};
use parsebook_core::report::Metric;
use parsebook_core::report_ranks::fold;
use parsebook_core::report_state::{ReportState, Settled, StoredReport};
use parsebook_core::scrap::{Discovered, RaidsToScrap};
use parsebook_core::{PlayerId, Timestamp};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng as Random;

use crate::contract::{Store, now, put};

/// A store that keeps everything.
pub trait WholeStore: Store + SeenReports + ReportBacklog + Waiting {}
impl<S: Store + SeenReports + ReportBacklog + Waiting> WholeStore for S {}

fn identity(name: &str) -> Identity {
    Identity {
        name: name.to_owned(),
        region: "EU".to_owned(),
        server: "$Temple noir".to_owned(),
        normalized_server: "Templenoir".to_owned(),
        class_id: 9,
    }
}

fn some_kill(random: &mut Random) -> RankedKill {
    RankedKill {
        raid: 44,
        difficulty: random.random_range(3..5),
        metric: if random.random_bool(0.8) { Metric::Dps } else { Metric::Hps },
        encounter: random.random_range(1..4),
        partition: random.random_range(1..3),
        percent: random.random_bool(0.8).then(|| f64::from(random.random_range(0..100_u32)) + 0.5),
        spec: [None, Some("Frost".to_owned()), Some("$Fire".to_owned())][random.random_range(0..3)].clone(),
        // Twins lie within two minutes; some kills are too old to count.
        ended_at: now()
            - TimeDelta::seconds(random.random_range(0..100) * 50 + random.random_range(0..2) * 36 * 86_400),
    }
}

fn folding() -> Folding {
    Folding { found_at: None, now: now(), ranked_at: now() }
}

async fn ranks_of<S: Players>(store: &S, id: PlayerId) -> Result<RaidRanks> {
    let players: Vec<_> = store.players("EU").try_collect().await?;
    let found = players.into_iter().filter_map(std::result::Result::ok).find(|player| player.id == id);
    Ok(found.context("the player is not stored")?.ranks)
}

/// Kills folded in by a store, in any cut and repeated, into a full reading or none, are what the pure fold makes of them.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn folding_is_what_the_pure_fold_does<S: WholeStore>(store: &S) -> Result<()> {
    let mut random = Random::seed_from_u64(44);
    for id in 1..=60 {
        let mut expected = RaidRanks::new();
        if id % 2 == 0 {
            let kills = [some_kill(&mut random), some_kill(&mut random)];
            let part = some_reading(&mut random, &kills);
            put(&part, &mut expected);
            let update = PlayerUpdate::Ranked { id, identity: identity("$Name"), parts: vec![part] };
            assert_eq!(store.save(&[update]).await?, [Ok(())]);
        }
        let kills: Vec<_> = (0..random.random_range(1..9)).map(|_| some_kill(&mut random)).collect();
        let (first, second) = kills.split_at(random.random_range(0..=kills.len()));
        let mut found = || Folding { found_at: random.random_bool(0.8).then(|| some_time(&mut random)), ..folding() };
        let (first, second) = ((first, found()), (second, found()));
        for (kills, folding) in [first, second, first].into_iter().filter(|(kills, _)| !kills.is_empty()) {
            let identity = identity("$Name");
            let update = PlayerUpdate::Folded { id, identity, seen_at: now(), kills: kills.to_vec(), folding };
            assert_eq!(store.save(&[update]).await?, [Ok(())]);
            fold(&mut expected, kills, &folding);
        }
        assert_eq!(ranks_of(store, id).await?, expected, "{kills:#?}");
    }
    Ok(())
}

/// Within the time in which [`some_kill`] ends.
fn some_time(random: &mut Random) -> Timestamp {
    now() - TimeDelta::seconds(random.random_range(0..5_000))
}

/// A full reading that remembers kills.
fn some_reading(random: &mut Random, kills: &[RankedKill]) -> RankedPart {
    let mut ends: BTreeMap<_, Vec<_>> = BTreeMap::new();
    kills.iter().for_each(|kill| ends.entry(kill.encounter).or_default().push(kill.ended_at));
    ends.values_mut().for_each(|ends| ends.sort_unstable());
    let metric = MetricRanks {
        partition: random.random_range(1..3),
        ranked_at: now(),
        read_at: Some(some_time(random)),
        encounters: BTreeMap::from([(1, EncounterRank { rank_percent: 40.0, kills: 9 })]),
        ends,
        ..MetricRanks::default()
    };
    RankedPart { raid: 44, difficulty: 4, ranks: BTreeMap::from([("dps".to_owned(), metric)]) }
}

/// Two invocations on one player at once lose nothing of each other.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn kills_folded_in_at_once_all_count<S: WholeStore>(store: &S) -> Result<()> {
    let kill = |index: i64| RankedKill {
        raid: 44,
        difficulty: 4,
        metric: Metric::Dps,
        encounter: 1,
        partition: 1,
        percent: Some(index as f64),
        spec: Some("Frost".to_owned()),
        ended_at: now() - TimeDelta::hours(index),
    };
    let fold_in = |index: i64| async move {
        let identity = identity("A");
        let update =
            PlayerUpdate::Folded { id: 7, identity, seen_at: now(), kills: vec![kill(index)], folding: folding() };
        store.save(&[update]).await
    };
    futures::future::try_join_all((1..=12).map(fold_in)).await?;
    let rank = ranks_of(store, 7).await?[&44][&4]["dps"].encounters[&1];
    assert_eq!((rank.rank_percent, rank.kills), (12.0, 12));
    Ok(())
}

/// What is known of players: class, full readings, partitions; nothing of who is not stored.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn what_is_known_is_told<S: WholeStore>(store: &S) -> Result<()> {
    let kill = some_kill(&mut Random::seed_from_u64(1));
    let kill = RankedKill { percent: Some(1.0), partition: 2, difficulty: 4, ..kill };
    let update = PlayerUpdate::Folded {
        id: 1,
        identity: identity("A"),
        seen_at: now(),
        kills: vec![kill.clone()],
        folding: folding(),
    };
    store.save(&[update]).await?;
    let known = store.known(&[1, 2]).await?;
    let pair = (44, 4);
    let ends = BTreeMap::from([(kill.metric.to_string(), BTreeMap::from([(kill.encounter, vec![kill.ended_at])]))]);
    let expected = Known {
        class_id: Some(9),
        met_at: BTreeMap::from([(pair, kill.ended_at)]),
        partitions: BTreeMap::from([(pair, 2)]),
        ends: BTreeMap::from([(pair, ends)]),
        ..Known::default()
    };
    assert_eq!(known, BTreeMap::from([(1, Ok(expected.clone()))]));
    let without_ends = Known { ends: BTreeMap::new(), ..expected };
    assert_eq!(store.known_without_ends(&[1, 2]).await?, BTreeMap::from([(1, Ok(without_ends))]));
    Ok(())
}

fn report(code: &str, revision: u32, due_hours: i64) -> StoredReport {
    StoredReport {
        code: code.to_owned(),
        raid: 44,
        region: "$EU".to_owned(),
        start: now() + TimeDelta::hours(due_hours - 30),
        end: now() + TimeDelta::hours(due_hours - 26),
        revision,
        state: ReportState::New,
        due_at: now() + TimeDelta::hours(due_hours),
        sent_at: None,
        found_at: Some(now()),
        tries: 0,
        difficulties: BTreeSet::new(),
        left_out: LeftOut::NOTHING,
    }
}

/// Reports wait for their day, newest first; a higher revision begins anew and a lower one changes nothing.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn reports_wait_for_their_day<S: WholeStore>(store: &S) -> Result<()> {
    store.raise_reports(&[report("old", 1, -9), report("new", 1, -2), report("later", 1, 3)]).await?;
    let due = async |sent_before: Timestamp, limit| -> Result<Vec<String>> {
        let due = store.due_reports(now(), sent_before, false, limit).await?;
        Ok(due.into_iter().map(|report| report.code).collect())
    };
    let yesterday = now() - TimeDelta::hours(24);
    assert_eq!(due(yesterday, 10).await?, ["new", "old"]);
    assert_eq!(due(yesterday, 1).await?, ["new"]);
    assert!(due(yesterday, 0).await?.is_empty());
    store.mark_sent(&["new".to_owned()], now()).await?;
    assert_eq!(due(yesterday, 10).await?, ["old"]);
    assert_eq!(due(now(), 10).await?, ["new", "old"], "a day later");
    let oldest_due = Some(now() - TimeDelta::hours(9));
    let lag = store.report_lag(now()).await?;
    assert_eq!(lag, ReportLag { due: 2, oldest_due, all: 3, ..ReportLag::default() });

    let healing = LeftOut::of_number(2);
    let settled = |state, sent_at| Settled {
        state,
        due_at: now(),
        tries: 1,
        sent_at,
        difficulties: BTreeSet::from([3, 5]),
        left_out: healing,
    };
    store.settle_reports(&[("old".to_owned(), 2, settled(ReportState::Done, None))]).await?;
    let codes = ["old".to_owned(), "new".to_owned(), "absent".to_owned()];
    assert_eq!(store.reports(&codes).await?["old"].state, ReportState::New, "of another revision");
    store.settle_reports(&[("old".to_owned(), 1, settled(ReportState::Done, None))]).await?;
    store.settle_reports(&[("new".to_owned(), 1, settled(ReportState::Again, Some(now())))]).await?;
    let stored = store.reports(&codes).await?;
    assert_eq!((stored.len(), stored["old"].state, stored["old"].tries), (2, ReportState::Done, 1));
    assert_eq!((&stored["old"].difficulties, stored["old"].left_out), (&BTreeSet::from([3, 5]), healing));
    assert_eq!((stored["old"].sent_at, stored["new"].sent_at), (None, Some(now())));
    let lag = store.report_lag(now()).await?;
    assert_eq!((lag.again, lag.left_out), (0, BTreeMap::from([(healing, 2)])), "what was left out is told apart");
    store.settle_reports(&[("new".to_owned(), 1, settled(ReportState::Again, None))]).await?;
    assert!(due(yesterday, 10).await?.is_empty(), "what was read in part is asked for apart");
    let in_part = store.due_reports(now(), yesterday, true, 10).await?;
    assert_eq!(in_part.len(), 1, "its message has ended: it may be sent at once");
    store.raise_reports(&[report("old", 0, -1), report("new", 5, -1)]).await?;
    assert_eq!(store.reports(&codes).await?["old"].state, ReportState::Done, "a revision that goes back");
    assert_eq!(due(yesterday, 10).await?, ["new"], "raised, it was not sent");
    let later = now() + TimeDelta::days(9);
    assert_eq!(store.forget_reports(31, later).await?, 0);
    assert_eq!(store.report_lag(now()).await?.all, 3, "of another raid");
    assert_eq!(store.forget_reports(44, now()).await?, 1, "the old one was never read whole");
    assert_eq!(store.report_lag(now()).await?.all, 2, "what was found only now is kept, however old it is");
    assert_eq!(store.forget_reports(44, later).await?, 2, "they were never read");
    assert_eq!(store.report_lag(now()).await?.all, 0);
    Ok(())
}

/// Kills come in any order: a player has the name and realm of the newest, or of a full reading after it.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn an_older_kill_renames_nobody<S: WholeStore>(store: &S) -> Result<()> {
    let told = |name: &str, hours_ago: i64| PlayerUpdate::Folded {
        id: 1,
        identity: identity(name),
        seen_at: now() - TimeDelta::hours(hours_ago),
        kills: vec![RankedKill { percent: Some(1.0), ..some_kill(&mut Random::seed_from_u64(hours_ago as u64)) }],
        folding: folding(),
    };
    let name = async || -> Result<String> {
        let players: Vec<_> = store.players("EU").try_collect().await?;
        let player = players.into_iter().flatten().next().context("the player is not stored")?;
        Ok(player.identity.name)
    };
    store.save(&[told("$Second", 20)]).await?;
    store.save(&[told("First", 30)]).await?;
    assert_eq!(name().await?, "$Second");
    store.save(&[told("Third", 10)]).await?;
    assert_eq!(name().await?, "Third");
    let read_at = Some(now() - TimeDelta::hours(5));
    let metric = MetricRanks {
        read_at,
        encounters: BTreeMap::from([(1, EncounterRank { rank_percent: 1.0, kills: 1 })]),
        ..MetricRanks::default()
    };
    let ranks = BTreeMap::from([("dps".to_owned(), metric)]);
    let parts = vec![RankedPart { raid: 44, difficulty: 4, ranks }];
    store.save(&[PlayerUpdate::Ranked { id: 1, identity: identity("Read"), parts }]).await?;
    store.save(&[told("Third", 10)]).await?;
    assert_eq!(name().await?, "Read");
    store.save(&[told("Fourth", 1)]).await?;
    assert_eq!(name().await?, "Fourth");
    Ok(())
}

/// Which reports were read, at which revision and for which difficulties.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn reports_that_were_read_are_known<S: WholeStore>(store: &S) -> Result<()> {
    let seen = |revision, difficulties: &[u8]| SeenReport {
        code: "aBcD".to_owned(),
        revision,
        difficulties: difficulties.iter().copied().collect(),
        end: now(),
    };
    let known = async || -> Result<Option<SeenReport>> {
        Ok(store.seen_reports(44, &["aBcD".to_owned(), "other".to_owned()]).await?.remove("aBcD"))
    };
    assert_eq!(known().await?, None);
    store.mark_seen(44, &[seen(1, &[4])]).await?;
    store.mark_seen(44, &[seen(1, &[3, 4])]).await?;
    assert_eq!(known().await?, Some(seen(1, &[3, 4])));
    store.mark_seen(44, &[seen(2, &[5])]).await?;
    assert_eq!(known().await?, Some(seen(2, &[5])));
    assert!(store.seen_reports(38, &["aBcD".to_owned()]).await?.is_empty(), "of another raid");
    store.forget_seen(44, now()).await?;
    assert!(known().await?.is_some());
    store.forget_seen(44, now() + TimeDelta::seconds(1)).await?;
    assert_eq!(known().await?, None);
    Ok(())
}

/// The documents of some players, whatever else waits.
///
/// # Errors
/// When the store fails or breaks the contract.
pub async fn some_players_of_discovers_are_read<S: WholeStore>(store: &S) -> Result<()> {
    let found = |id| Discovered { id, raids_to_scrap: RaidsToScrap::one(44, 4) };
    store.merge(&[found(1), found(2), found(3)]).await?;
    let read: BTreeSet<_> = store.discovered(&[3, 1, 9]).await?.into_iter().map(|player| player.id).collect();
    assert_eq!(read, BTreeSet::from([1, 3]));
    assert!(store.discovered(&[]).await?.is_empty());
    Ok(())
}

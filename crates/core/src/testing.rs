//! In-memory fakes of the ports, for the tests of the stages.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use futures::{Stream, stream};

use crate::player::{Identity, Player, PlayerUpdate, Raid};
use crate::ports::{
    ApiError, Clock, DiscoveredPage, Discoveries, KeyPoints, KeyPool, Malformed, PlayerQueue, Players, Raids,
    RankOutcome, RankSource, Ranked, Result, Rules,
};
use crate::rule::{Lease, Rule, RuleId, RuleState};
use crate::scrap::{Discovered, RaidsToScrap};
use crate::{PlayerId, RaidId, Timestamp};

/// A moment of the tests.
pub fn noon() -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(12)
}

/// One player to rank in one raid and difficulty.
pub fn found(id: PlayerId) -> Discovered {
    Discovered { id, raids_to_scrap: RaidsToScrap::one(31, 4) }
}

/// A clock that moves only when somebody sleeps.
pub struct TestClock(Cell<Timestamp>);

impl TestClock {
    pub fn at(now: Timestamp) -> Self {
        Self(Cell::new(now))
    }

    pub fn advance(&self, by: TimeDelta) {
        self.0.set(self.0.get() + by);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.0.get()
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(TimeDelta::from_std(duration).unwrap());
    }
}

/// A store in memory.
#[derive(Default)]
pub struct Memory {
    pub rules: RefCell<Vec<Rule>>,
    pub discovers: RefCell<BTreeMap<PlayerId, RaidsToScrap>>,
    pub malformed: RefCell<Vec<Malformed>>,
    pub players: RefCell<BTreeMap<PlayerId, Player>>,
    pub raids: RefCell<BTreeMap<RaidId, Raid>>,
    /// Players whose documents take no update.
    pub rejects: RefCell<Vec<PlayerId>>,
    /// Whether removing from `discovers` fails.
    pub removes_nothing: Cell<bool>,
}

impl Memory {
    /// A store in which players 1 to `count` wait.
    pub fn with_discovered(count: u32) -> Self {
        let store = Self::default();
        store.discovers.borrow_mut().extend((1..=count).map(|id| (id, RaidsToScrap::one(31, 4))));
        store
    }

    fn held<T>(&self, id: &RuleId, owner: &str, change: impl FnOnce(&mut Rule) -> T) -> Option<T> {
        let mut rules = self.rules.borrow_mut();
        let rule = rules.iter_mut().find(|rule| rule.id == *id)?;
        rule.state.lease.as_ref().is_some_and(|lease| lease.owner == owner).then(|| change(rule))
    }
}

impl Rules for Memory {
    async fn rules(&self) -> Result<(Vec<Rule>, Vec<Malformed>)> {
        Ok((self.rules.borrow().clone(), Vec::new()))
    }

    async fn claim(&self, seen: &Rule, lease: &Lease, now: Timestamp) -> Result<Option<Rule>> {
        let mut rules = self.rules.borrow_mut();
        let is_free = |rule: &&mut Rule| {
            rule.id == seen.id
                && rule.enabled
                && rule.last_run == seen.last_run
                && rule.state.lease.as_ref().is_none_or(|lease| lease.expires_at <= now)
        };
        Ok(rules.iter_mut().find(is_free).map(|rule| {
            rule.state.lease = Some(lease.clone());
            rule.clone()
        }))
    }

    async fn renew(&self, id: &RuleId, lease: &Lease) -> Result<bool> {
        Ok(self.held(id, &lease.owner, |rule| rule.state.lease = Some(lease.clone())).is_some())
    }

    async fn save_state(&self, id: &RuleId, owner: &str, state: &RuleState) -> Result<bool> {
        Ok(self.held(id, owner, |rule| rule.state = state.clone()).is_some())
    }

    async fn finish(&self, id: &RuleId, owner: &str, last_run: Timestamp, state: &RuleState) -> Result<bool> {
        let finish = |rule: &mut Rule| {
            rule.state = state.clone();
            rule.last_run = Some(last_run);
        };
        Ok(self.held(id, owner, finish).is_some())
    }
}

impl Discoveries for Memory {
    async fn merge(&self, found: &[Discovered]) -> Result<()> {
        let mut discovers = self.discovers.borrow_mut();
        found.iter().for_each(|player| discovers.entry(player.id).or_default().merge(&player.raids_to_scrap));
        Ok(())
    }

    async fn discovered_after(&self, after: Option<PlayerId>, limit: usize) -> Result<DiscoveredPage> {
        let discovers = self.discovers.borrow();
        let behind = discovers.iter().filter(|(id, _)| after.is_none_or(|after| **id > after)).take(limit);
        let discovered: Vec<_> = behind.map(|(&id, raids)| Discovered { id, raids_to_scrap: raids.clone() }).collect();
        let next = discovered.last().map(|last| last.id).filter(|_| discovered.len() == limit);
        Ok(DiscoveredPage { discovered, malformed: self.malformed.take(), next })
    }

    async fn remove(&self, sent: &[Discovered]) -> Result<()> {
        anyhow::ensure!(!self.removes_nothing.get(), "not authorised");
        let mut discovers = self.discovers.borrow_mut();
        for player in sent {
            if let Some(waiting) = discovers.get_mut(&player.id) {
                waiting.remove(&player.raids_to_scrap);
            }
        }
        discovers.retain(|_, waiting| !waiting.is_empty());
        Ok(())
    }

    async fn discovered_count(&self) -> Result<u64> {
        Ok(self.discovers.borrow().len() as u64)
    }
}

impl Players for Memory {
    async fn save(&self, updates: &[PlayerUpdate]) -> Result<Vec<std::result::Result<(), String>>> {
        let mut players = self.players.borrow_mut();
        let mut save = |update: &PlayerUpdate| {
            if self.rejects.borrow().contains(&update.id()) {
                return Err("the document is broken".to_owned());
            }
            match update {
                PlayerUpdate::Hidden { id } => {
                    players.entry(*id).and_modify(|player| player.ranks.clear());
                }
                PlayerUpdate::Ranked { id, identity, parts } => {
                    let new = || Player { id: *id, identity: identity.clone(), ranks: Default::default() };
                    let player = players.entry(*id).or_insert_with(new);
                    player.identity = identity.clone();
                    parts.iter().for_each(|part| part.apply_to(&mut player.ranks));
                }
            }
            Ok(())
        };
        Ok(updates.iter().map(&mut save).collect())
    }

    fn players(&self, region: &str) -> impl Stream<Item = Result<std::result::Result<Player, Malformed>>> {
        let players = self.players.borrow();
        let mut players: Vec<_> = players.values().filter(|player| player.identity.region == region).cloned().collect();
        let key =
            |player: &Player| (player.identity.normalized_server.clone(), player.identity.name.clone(), player.id);
        players.sort_by_key(key);
        stream::iter(players.into_iter().map(|player| Ok(Ok(player))))
    }
}

impl Raids for Memory {
    async fn raid(&self, id: RaidId) -> Result<Option<Raid>> {
        Ok(self.raids.borrow().get(&id).cloned())
    }

    async fn raids(&self) -> Result<Vec<Raid>> {
        Ok(self.raids.borrow().values().cloned().collect())
    }

    async fn save_raid(&self, raid: &Raid) -> Result<()> {
        self.raids.borrow_mut().insert(raid.id, raid.clone());
        Ok(())
    }
}

/// What a queue does on a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueAnswer {
    Confirm,
    /// Refuse the entries at even places.
    RefuseHalf,
    /// Take all, but the answer never arrives: as a process that is killed sees it.
    TakeAndDie,
}

/// A queue that keeps what it took, and what to do on each call (from 1).
pub struct TestQueue<F> {
    pub taken: RefCell<Vec<Discovered>>,
    pub calls: Cell<usize>,
    pub on_call: F,
}

impl<F: AsyncFn(usize) -> QueueAnswer> TestQueue<F> {
    pub fn new(on_call: F) -> Self {
        Self { taken: RefCell::default(), calls: Cell::new(0), on_call }
    }

    /// How often each player was taken.
    pub fn times(&self) -> BTreeMap<PlayerId, usize> {
        let mut times = BTreeMap::new();
        self.taken.borrow().iter().for_each(|message| *times.entry(message.id).or_default() += 1);
        times
    }
}

impl<F: AsyncFn(usize) -> QueueAnswer> PlayerQueue for TestQueue<F> {
    async fn send(&self, messages: &[Discovered]) -> Result<Vec<std::result::Result<(), String>>> {
        assert!(messages.len() <= Self::BATCH && !messages.is_empty());
        self.calls.set(self.calls.get() + 1);
        let answer = (self.on_call)(self.calls.get()).await;
        let mut outcomes = Vec::new();
        for (place, message) in messages.iter().enumerate() {
            if answer == QueueAnswer::RefuseHalf && place % 2 == 0 {
                outcomes.push(Err("throttled".to_owned()));
            } else {
                self.taken.borrow_mut().push(message.clone());
                outcomes.push(Ok(()));
            }
        }
        if answer == QueueAnswer::TakeAndDie { Err(anyhow::anyhow!("killed")) } else { Ok(outcomes) }
    }
}

/// Keys and what the API says of each player.
#[derive(Default)]
pub struct TestApi {
    pub keys: Vec<KeyPoints>,
    pub points_error: RefCell<Option<ApiError>>,
    pub outcomes: BTreeMap<PlayerId, RankOutcome>,
    pub stops: RefCell<Option<ApiError>>,
    /// Key and players of each question.
    pub asked: RefCell<Vec<(String, Vec<PlayerId>)>>,
}

/// A key with `remaining` of 3,600 points, full again in half an hour.
pub fn key(name: &str, remaining: f64) -> KeyPoints {
    let resets_at = noon() + TimeDelta::minutes(30);
    KeyPoints { key: name.to_owned(), limit_per_hour: 3600.0, remaining, resets_at }
}

/// Who player `id` is.
pub fn identity(id: PlayerId) -> Identity {
    Identity {
        name: format!("Player{id}"),
        region: "EU".to_owned(),
        server: "Temple noir".to_owned(),
        normalized_server: "Templenoir".to_owned(),
        class_id: 9,
    }
}

impl KeyPool for TestApi {
    async fn points(&self) -> std::result::Result<Vec<KeyPoints>, ApiError> {
        match self.points_error.take() {
            Some(error) => Err(error),
            None => Ok(self.keys.clone()),
        }
    }
}

impl RankSource for TestApi {
    async fn rank(&self, key: &str, players: &[Discovered]) -> Ranked {
        self.asked.borrow_mut().push((key.to_owned(), players.iter().map(|player| player.id).collect()));
        let outcome = |player: &Discovered| Some((player.id, self.outcomes.get(&player.id)?.clone()));
        let outcomes: Vec<_> = players.iter().filter_map(outcome).collect();
        Ranked { points_spent: outcomes.len() as f64 * 6.0, outcomes, stopped: self.stops.take() }
    }
}

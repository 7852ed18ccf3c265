//! The hand-over from `discovers` to the queue: whatever dies or is refused, no player is lost.

use std::cell::RefCell;
use std::collections::BTreeMap;

use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::embedded::EmbeddedStore;
use parsebook_core::aggregate::{AggregateConfig, AggregateSummary, StopReason, aggregate};
use parsebook_core::ports::{DiscoveredPage, Discoveries, Go, Malformed, PlayerQueue, Result, Rules};
use parsebook_core::rule::{Lease, Rule, RuleId, RuleState, SourceKind};
use parsebook_core::scrap::{Discovered, RaidsToScrap};

use parsebook_core::Timestamp;

use crate::common::target;

/// A queue that keeps what it confirmed, and what to do on each call.
struct TestQueue<F> {
    confirmed: RefCell<Vec<Discovered>>,
    calls: RefCell<usize>,
    on_call: F,
}

enum Answer {
    Confirm,
    /// Refuse the entries at even places.
    RefuseHalf,
    /// Take all, but the answer never arrives: as a process that is killed sees it.
    TakeAndDie,
}

impl<F: AsyncFn(usize) -> Answer> PlayerQueue for TestQueue<F> {
    async fn send(&self, messages: &[Discovered], go: Go) -> Result<Vec<std::result::Result<(), String>>> {
        go.await;
        assert!(messages.len() <= Self::BATCH && !messages.is_empty());
        *self.calls.borrow_mut() += 1;
        let call = *self.calls.borrow();
        let answer = (self.on_call)(call).await;
        let mut outcomes = Vec::new();
        for (place, message) in messages.iter().enumerate() {
            if matches!(answer, Answer::RefuseHalf) && place % 2 == 0 {
                outcomes.push(Err("throttled".to_owned()));
            } else {
                self.confirmed.borrow_mut().push(message.clone());
                outcomes.push(Ok(()));
            }
        }
        if matches!(answer, Answer::TakeAndDie) { Err(anyhow::anyhow!("killed")) } else { Ok(outcomes) }
    }
}

fn queue<F: AsyncFn(usize) -> Answer>(on_call: F) -> TestQueue<F> {
    TestQueue { confirmed: RefCell::default(), calls: RefCell::default(), on_call }
}

async fn store(players: u32) -> (tempfile::TempDir, EmbeddedStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    let found: Vec<_> = (1..=players).map(|id| Discovered { id, raids_to_scrap: RaidsToScrap::one(31, 4) }).collect();
    store.merge(&found).await.unwrap();
    (folder, store)
}

/// A store whose removals come to nothing: they fail, or (`hang`) never end.
struct NothingIsRemoved<'a> {
    store: &'a EmbeddedStore,
    hang: bool,
}

impl Discoveries for NothingIsRemoved<'_> {
    async fn merge(&self, found: &[Discovered]) -> Result<()> {
        self.store.merge(found).await
    }

    async fn discovered_after(&self, after: Option<u32>, limit: usize) -> Result<DiscoveredPage> {
        self.store.discovered_after(after, limit).await
    }

    async fn remove(&self, _: Vec<Discovered>) -> Result<impl Future<Output = Result<()>>> {
        let hang = self.hang;
        Ok(async move { if hang { std::future::pending().await } else { Err(anyhow::anyhow!("not authorised")) } })
    }

    async fn discovered_count(&self) -> Result<u64> {
        self.store.discovered_count().await
    }
}

impl Rules for NothingIsRemoved<'_> {
    async fn rules(&self) -> Result<(Vec<Rule>, Vec<Malformed>)> {
        self.store.rules().await
    }

    async fn claim(&self, rule: &Rule, lease: &Lease, now: Timestamp) -> Result<Option<Rule>> {
        self.store.claim(rule, lease, now).await
    }

    async fn renew(&self, rule: &RuleId, lease: &Lease) -> Result<bool> {
        self.store.renew(rule, lease).await
    }

    async fn save_state(&self, rule: &RuleId, owner: &str, state: &RuleState) -> Result<bool> {
        self.store.save_state(rule, owner, state).await
    }

    async fn finish(&self, rule: &RuleId, owner: &str, last_run: Timestamp, state: &RuleState) -> Result<bool> {
        self.store.finish(rule, owner, last_run, state).await
    }
}

async fn run<S: Rules + Discoveries, Q: PlayerQueue>(store: &S, queue: &Q, force: bool) -> Result<AggregateSummary> {
    let config = AggregateConfig { delay: std::time::Duration::from_secs(24 * 3600), page_size: 50 };
    aggregate(store, queue, &SystemClock, &config, force, None).await
}

fn times_sent(confirmed: &[Discovered]) -> BTreeMap<u32, usize> {
    let mut times = BTreeMap::new();
    confirmed.iter().for_each(|message| *times.entry(message.id).or_default() += 1);
    times
}

#[tokio::test]
async fn every_player_is_sent_once_and_removed() {
    let (_folder, store) = store(1234).await;
    let queue = queue(async |_| Answer::Confirm);
    let summary = run(&store, &queue, false).await.unwrap();
    assert_eq!((summary.sent, summary.failed, summary.left, summary.stopped), (1234, 0, 0, StopReason::Complete));
    assert!(times_sent(&queue.confirmed.borrow()).values().all(|times| *times == 1));
}

#[tokio::test]
async fn what_the_queue_does_not_take_stays() {
    let (_folder, store) = store(100).await;
    let summary = run(&store, &queue(async |_| Answer::RefuseHalf), false).await.unwrap();
    assert_eq!((summary.sent, summary.failed, summary.left), (50, 50, 50));
    let again = run(&store, &queue(async |_| Answer::Confirm), false).await.unwrap();
    assert_eq!((again.sent, again.left), (50, 0));
}

#[tokio::test]
async fn a_death_at_any_batch_sends_at_most_that_batch_twice() {
    for death in 1..=13 {
        let (_folder, store) = store(125).await;
        let first = queue(async |call| if call == death { Answer::TakeAndDie } else { Answer::Confirm });
        run(&store, &first, false).await.unwrap_err();
        let second = queue(async |_| Answer::Confirm);
        run(&store, &second, false).await.unwrap();
        let all = [first.confirmed.into_inner(), second.confirmed.into_inner()].concat();
        let times = times_sent(&all);
        assert_eq!(times.len(), 125, "death at batch {death}");
        assert!(times.values().filter(|times| **times > 1).count() <= 10, "death at batch {death}");
        assert_eq!(store.discovered_count().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn little_is_sent_while_nothing_is_removed() {
    let (_folder, store) = store(500).await;
    let failing = queue(async |_| Answer::Confirm);
    let error = run(&NothingIsRemoved { store: &store, hang: false }, &failing, false).await.unwrap_err();
    assert_eq!(format!("{error:#}"), "removing what was sent from discovers: not authorised");
    assert_eq!(failing.calls.into_inner(), 2, "the failure is known when the second batch is confirmed");

    let hanging = queue(async |_| Answer::Confirm);
    let stuck = NothingIsRemoved { store: &store, hang: true };
    let run = tokio::time::timeout(std::time::Duration::from_millis(200), run(&stuck, &hanging, false));
    run.await.unwrap_err();
    assert_eq!(hanging.calls.into_inner(), 5, "four are being removed, and one more was confirmed");
}

#[tokio::test]
async fn what_discover_adds_meanwhile_is_not_forgotten() {
    let (_folder, store) = store(30).await;
    // While player 5's message is under way, discover finds it in another difficulty.
    let queue = queue(async |call| {
        if call == 1 {
            let found = Discovered { id: 5, raids_to_scrap: RaidsToScrap::one(31, 5) };
            store.merge(&[found]).await.unwrap();
        }
        Answer::Confirm
    });
    let summary = run(&store, &queue, false).await.unwrap();
    assert_eq!((summary.sent, summary.left), (30, 1));
    let left = store.discovered_after(None, 10).await.unwrap().discovered;
    assert_eq!(left, [Discovered { id: 5, raids_to_scrap: RaidsToScrap::one(31, 5) }]);
}

#[tokio::test]
async fn the_gate_waits_for_every_enabled_rule_unless_forced() {
    let (_folder, store) = store(10).await;
    let rule = store.add_rule(&target(31, 4, SourceKind::Site)).unwrap();
    let waiting = run(&store, &queue(async |_| Answer::Confirm), false).await.unwrap();
    assert_eq!((waiting.sent, waiting.left, waiting.stopped), (0, 10, StopReason::NotFresh));
    assert!(waiting.reason.unwrap().contains(&rule.0));
    let forced = run(&store, &queue(async |_| Answer::Confirm), true).await.unwrap();
    assert_eq!((forced.sent, forced.stopped), (10, StopReason::Complete));
}

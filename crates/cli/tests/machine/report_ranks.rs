//! Ranks read from reports: a season on a clock where days take no time, from the first list to the addon.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use parsebook_adapters::addon_repo::LocalRepo;
use parsebook_adapters::mongo::{MongoConfig, MongoStore};
use parsebook_cli::local::Machine;
use parsebook_core::aggregate::{self, AggregateConfig, AggregateStore};
use parsebook_core::discover::{self, DiscoverPorts, DiscoverStore, Invocation};
use parsebook_core::generate::{GenerateConfig, generate};
use parsebook_core::ports::{Clock, MessageQueue, ReportBacklog};
use parsebook_core::rank::{Delivery, RankConfig, rank_batch};
use parsebook_core::rule::{RanksKind, SourceKind, Target};
use parsebook_core::scrap::Message;
use parsebook_simulator::{Season, World};
use parsebook_test_support::clock::SimulatedClock;
use parsebook_test_support::deployed::world_of;
use parsebook_test_support::{mongod, oracle};

use crate::common::{Bench, boards, regions};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A season with late uploads, twins, and logs that grow while the raid lasts; of recorded players, where there are any.
async fn season() -> Bench {
    let season = Season { length: DAY * 30, ..Season::default() };
    Bench::start(world_of(250).unwrap(), |config| config.season = Some(season)).await
}

fn targets(world: &World) -> impl Iterator<Item = Target> {
    boards(world).into_iter().map(|(raid, difficulty)| Target {
        ranks: RanksKind::Reports,
        ..Target::new(raid, difficulty, SourceKind::Reports)
    })
}

async fn verify(bench: &Bench, store: &impl ReportBacklog) {
    let lag = store.report_lag(bench.clock.now()).await.unwrap();
    assert!(lag.all > 10 && lag.due == 0 && lag.again == 0, "{lag:?}");
    assert!(oracle::verify(&bench.addon(), &bench.world()).unwrap() > 150);
}

#[tokio::test]
async fn after_a_season_everybody_in_its_reports_has_exactly_the_worlds_ranks() {
    let bench = season().await;
    let machine = bench.machine(&[]);
    for target in targets(&bench.world()) {
        machine.store().add_rule(&target).unwrap();
    }
    let mut points = 0.0;
    for _ in 0..40 {
        bench.clock.advance(DAY);
        let summary = machine.run_once(&regions()).await.unwrap();
        assert!(summary.errors.is_empty(), "{:?}", summary.errors);
        points += summary.player_rank.points.values().sum::<f64>();
    }
    assert!(points > 0.0);
    verify(&bench, machine.store()).await;
}

/// A queue without faults.
#[derive(Default)]
struct Queue(RefCell<VecDeque<String>>);

impl MessageQueue for Queue {
    async fn send(&self, messages: &[Message]) -> anyhow::Result<Vec<Result<(), String>>> {
        let bodies = messages.iter().map(|message| serde_json::to_string(message).unwrap());
        self.0.borrow_mut().extend(bodies);
        Ok(vec![Ok(()); messages.len()])
    }

    async fn length(&self) -> anyhow::Result<u64> {
        Ok(self.0.borrow().len() as u64)
    }
}

/// The first three stages over `store`, until nothing waits.
async fn a_day<S: DiscoverStore + AggregateStore>(store: &S, queue: &Queue, machine: &Machine<SimulatedClock>) {
    let (settings, clock) = (machine.settings(), machine.clock());
    let ports = DiscoverPorts { store, api: machine.api(), site: machine.site(), clock };
    let invocation = Invocation { owner: "test".to_owned(), deadline: None, renew_every: None, only: None };
    let found = discover::discover(&ports, &settings.discover, None, &invocation).await.unwrap();
    assert!(found.failures.is_empty(), "{:?}", found.failures);
    let config = AggregateConfig {
        delay: settings.discover.delay,
        rerank_after: settings.queue.rerank_after,
        queue_limit: settings.queue.limit,
        page_size: 100,
    };
    loop {
        let sent = aggregate::aggregate(store, queue, clock, &config, false, None).await.unwrap();
        if sent.sent == 0 {
            return;
        }
        loop {
            let bodies: Vec<String> = queue.0.borrow_mut().drain(..).collect();
            if bodies.is_empty() {
                break;
            }
            for batch in bodies.chunks(5) {
                let delivery =
                    |(at, body): (usize, &String)| Delivery { message_id: at.to_string(), body: body.clone() };
                let batch: Vec<_> = batch.iter().enumerate().map(delivery).collect();
                let rerank_after = settings.queue.rerank_after;
                let config = RankConfig { call_budget: 6.0, report_budget: 26.0, rerank_after, stamp: None };
                let ranked = rank_batch(store, machine.api(), clock, &config, 1, &batch).await.unwrap();
                assert!(ranked.failed.is_empty(), "{:?}", ranked.failed);
            }
        }
    }
}

#[tokio::test]
async fn the_same_season_in_mongodb_ends_with_the_same_ranks() {
    let Some((uri, database)) = mongod::shared().unwrap() else { return };
    let config = MongoConfig { uri: uri.into(), database, app_name: "season".into(), max_connections: 4 };
    let store = MongoStore::connect(&config).await.unwrap();
    store.ensure_indexes().await.unwrap();
    let bench = season().await;
    let machine = bench.machine(&[]);
    for target in targets(&bench.world()) {
        store.add_rule(&target).await.unwrap();
    }
    let queue = Queue::default();
    for _ in 0..40 {
        bench.clock.advance(DAY);
        a_day(&store, &queue, &machine).await;
    }
    let mut repo = LocalRepo::open(&bench.addon()).unwrap();
    let config = GenerateConfig {
        regions: regions(),
        dry_run: false,
        addon: machine.settings().addon.meta.clone(),
        confirmed_since: None,
        now: bench.clock.now(),
    };
    generate(&store, &store, machine.api(), &mut repo, &config).await.unwrap();
    verify(&bench, &store).await;
}

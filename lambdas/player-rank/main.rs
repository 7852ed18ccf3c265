//! player-rank on AWS: batches of five messages of the queue, inside the points budget.

#![recursion_limit = "256"]

mod handler;

use std::process::ExitCode;
use std::sync::atomic::AtomicU32;

use parsebook_adapters::aws::queue::SqsQueue;
use parsebook_adapters::aws::throttle::{Consumer, Throttle, WakeUp};
use parsebook_adapters::aws::{sdk_config, secrets::Secrets};
use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::settings::PlayerRankSettings;
use parsebook_core::rank::RankConfig;
use parsebook_lambda::{connect, run, start};

use crate::handler::PlayerRank;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start(async |environment| {
        let settings = PlayerRankSettings::read(&environment)?;
        let secrets = Secrets::default();
        let sdk = sdk_config().await?;
        let consumer = Consumer::new(&sdk, settings.function);
        let wake_up = WakeUp::new(&sdk, settings.reviver, SystemClock);
        let player_rank = PlayerRank {
            store: connect::store(settings.store, &secrets, "player-rank").await?,
            api: connect::wcl_api(settings.wcl, &secrets).await?,
            throttle: Throttle::new(consumer, wake_up, settings.concurrency_limit, SystemClock),
            dead_letters: settings.dead_letter_queue_url.map(|url| SqsQueue::new(&sdk, url)),
            config: RankConfig {
                call_budget: settings.call_budget,
                report_budget: settings.report_call_budget,
                rerank_after: settings.rerank_after,
                stamp: None,
            },
            store_away: AtomicU32::new(0),
        };
        run("player-rank", &player_rank.store, async |invocation| player_rank.handle(invocation).await).await
    })
    .await
}

//! player-rank on AWS: batches of five messages of the queue, inside the points budget.

#![recursion_limit = "256"]

mod config;
mod handler;

use std::process::ExitCode;

use parsebook_adapters::aws::throttle::{Consumer, Throttle, WakeUp};
use parsebook_adapters::aws::{sdk_config, secrets::Secrets};
use parsebook_adapters::clock::SystemClock;
use parsebook_lambda::{connect, run, start};

use crate::config::Config;
use crate::handler::PlayerRank;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start(async |environment| {
        let config = Config::read(&environment)?;
        let secrets = Secrets::default();
        let store = connect::store(config.store, &secrets, "player-rank").await?;
        let sdk = sdk_config().await;
        let consumer = Consumer::new(&sdk, config.function);
        let wake_up = WakeUp::new(&sdk, config.reviver, SystemClock);
        let player_rank = PlayerRank {
            store,
            api: connect::wcl_api(config.wcl, &secrets).await?,
            throttle: Throttle::new(consumer, wake_up, config.concurrency_limit, SystemClock),
            config: config.rank,
        };
        run("player-rank", &player_rank.store, async |invocation| player_rank.handle(invocation).await).await
    })
    .await
}

//! player-rank on AWS: batches of five messages of the queue, inside the points budget.

#![recursion_limit = "256"]

mod handler;

use std::process::ExitCode;

use parsebook_adapters::aws::consumer_switch::LambdaSwitch;
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
        let store = connect::store(settings.store, &secrets, "player-rank").await?;
        store.ensure_indexes().await?;
        let player_rank = PlayerRank {
            store,
            api: connect::wcl_api(settings.wcl, &secrets).await?,
            switch: LambdaSwitch::new(&sdk_config().await, settings.function, Some(settings.revival), SystemClock),
            // The queue owns the batch: what cannot be paid goes back whole.
            config: RankConfig { call_budget: settings.call_budget, works_in_parts: false },
        };
        run("player-rank", async |invocation| player_rank.handle(invocation).await).await
    })
    .await
}

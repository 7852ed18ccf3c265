//! reviver on AWS: lets player-rank work again after a pause. Whatever the event, it does the same.

#![recursion_limit = "256"]

use std::process::ExitCode;

use parsebook_adapters::aws::sdk_config;
use parsebook_adapters::aws::throttle::Consumer;
use parsebook_adapters::settings::ReviverSettings;
use parsebook_core::journal::NoJournal;
use parsebook_lambda::{Answer, Metrics, run, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    start(async |environment| {
        let settings = ReviverSettings::read(&environment)?;
        let consumer = Consumer::new(&sdk_config().await?, settings.function);
        // It knows no store, so that it is small and starts at once; its summary is in the log.
        run("reviver", &NoJournal, async |_| {
            let summary = consumer.wake(settings.concurrency_limit).await?;
            Answer::of(&summary, Metrics::default())
        })
        .await
    })
    .await
}

//! Asks AWS about a deployed stack.

use parsebook_adapters::aws::sdk_config;
use parsebook_adapters::aws::stack::Stack as Clients;
use parsebook_core::Timestamp;

use super::aws::{Stack, Told};
use crate::args::DoctorArgs;

const CONSUMER: &str = "player-rank";
const QUEUE: &str = "wcl-discovered-players";
const DEAD_LETTERS: &str = "wcl-discovered-players-dead-letters";
const LOST_WAKE_UPS: &str = "parsebook-schedule-dead-letters";
const ALARMS: &str = "parsebook-alarms";
const SCHEDULES: [&str; 4] = ["discover", "aggregator", "db-generator", "reviver"];
/// The one-time schedule of a pause.
const REVIVAL: &str = "parsebook-wake-reviver";

fn told<T>(answer: anyhow::Result<T>) -> Told<T> {
    let words = |error: anyhow::Error| {
        let text = format!("{error:#}");
        // Behind it stands the same again, as the SDK's developers read it.
        text.split(" (DispatchFailure(").next().unwrap_or_default().to_owned()
    };
    Told(answer.map_err(words))
}

/// Asks for everything; `published_at` is what the journal says.
///
/// # Errors
/// When this system trusts no certificate authority.
pub async fn ask(args: &DoctorArgs, published_at: Option<Timestamp>) -> anyhow::Result<Stack> {
    let clients = Clients::new(&sdk_config().await?, &args.name_prefix);
    let mut schedules = Vec::new();
    for name in SCHEDULES {
        let state = clients.schedule(name).await;
        let state = state.and_then(|state| state.ok_or_else(|| anyhow::anyhow!("there is no such schedule")));
        schedules.push((name.to_owned(), told(state)));
    }
    Ok(Stack {
        account_concurrency: told(clients.account_concurrency().await),
        limit: told(clients.reserved_concurrency(CONSUMER).await),
        wanted_limit: args.concurrency_limit,
        mapping: told(clients.mapping_state(CONSUMER).await),
        is_revival_scheduled: clients.schedule(REVIVAL).await.is_ok_and(|state| state == Some(true)),
        queued: told(clients.messages(QUEUE).await),
        queue_limit: args.queue_limit,
        dead_letters: told(clients.messages(DEAD_LETTERS).await),
        lost_wake_ups: told(clients.messages(LOST_WAKE_UPS).await),
        schedules,
        subscriptions: told(clients.subscriptions(ALARMS, QUEUE).await),
        published_at,
    })
}

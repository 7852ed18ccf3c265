//! Adapters that several Lambdas are made of, from their settings.

use std::time::Duration;

use parsebook_adapters::aws::secrets::Secrets;
use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::mongo::{MongoConfig, MongoStore};
use parsebook_adapters::settings::{StoreSettings, WclSettings};
use parsebook_adapters::wcl_api::{WclApi, parse_keys};
use secrecy::ExposeSecret;

/// Connections of one environment: it works one invocation at a time, and an invocation sends a few commands at once.
const CONNECTIONS: u32 = 4;

/// How long the store is waited for at the beginning: a new connection takes less, and each second is billed.
pub const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// The store, as `function`; the first call connects.
///
/// # Errors
/// When the secret cannot be read or is no address.
pub async fn store(settings: StoreSettings, secrets: &Secrets, function: &str) -> anyhow::Result<MongoStore> {
    let uri = secrets.read(settings.uri).await?;
    let app_name = function.to_owned();
    MongoStore::connect(&MongoConfig { uri, database: settings.database, app_name, max_connections: CONNECTIONS }).await
}

/// The API with its pool of keys; an empty pool where no keys are set.
///
/// # Errors
/// When the secret cannot be read or is no pool of keys.
pub async fn wcl_api(settings: WclSettings, secrets: &Secrets) -> anyhow::Result<WclApi<SystemClock>> {
    let keys = match settings.keys {
        Some(keys) => parse_keys(secrets.read(keys).await?.expose_secret())?,
        None => Vec::new(),
    };
    WclApi::new(&settings.url, &settings.user_agent, keys, SystemClock)
}

//! What `parsebook` is told by environment variables.

#[cfg(feature = "aws")]
use anyhow::bail;
#[cfg(feature = "aws")]
use parsebook_adapters::mongo::MongoConfig;
pub use parsebook_adapters::settings::MachineSettings as Settings;
#[cfg(feature = "aws")]
use parsebook_adapters::settings::{Environment, SecretSource, StoreSettings};

/// How to reach the store of the deployed functions: `MONGODB_URI`, `MONGODB_DATABASE`.
///
/// # Errors
/// When `MONGODB_URI` is missing or one of them is malformed.
#[cfg(feature = "aws")]
pub fn mongo_config() -> anyhow::Result<MongoConfig> {
    let settings = StoreSettings::read(&Environment::of_process())?;
    let SecretSource::Value(uri) = settings.uri else {
        bail!("MONGODB_URI_PARAMETER is for the Lambdas: set MONGODB_URI");
    };
    Ok(MongoConfig { uri, database: settings.database, app_name: "parsebook".to_owned(), max_connections: 4 })
}

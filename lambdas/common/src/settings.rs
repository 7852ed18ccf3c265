//! Settings that several Lambdas share.

use std::time::Duration;

use parsebook_adapters::secret_source::SecretSource;

use crate::environment::{ConfigError, Environment};

/// The store.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// `MONGODB_URI` or `MONGODB_URI_PARAMETER`: required.
    pub uri: SecretSource,
    /// `MONGODB_DATABASE`: default `wcl`.
    pub database: String,
}

impl StoreSettings {
    /// Reads them.
    ///
    /// # Errors
    /// Names the variable.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            uri: environment.required_secret("MONGODB_URI")?,
            database: environment.optional("MONGODB_DATABASE").unwrap_or_else(|| "wcl".to_owned()),
        })
    }
}

/// Warcraft Logs.
#[derive(Debug, Clone)]
pub struct WclSettings {
    /// `WCL_URL`: base of site and API, default `https://www.warcraftlogs.com`.
    pub url: String,
    /// `WCL_USER_AGENT`: default `parsebook/<version> (+contact address)`, never empty.
    pub user_agent: String,
    /// `WCL_API_KEYS` or `WCL_API_KEYS_PARAMETER`: the pool.
    pub keys: Option<SecretSource>,
}

impl WclSettings {
    /// Reads them; the keys may be absent.
    ///
    /// # Errors
    /// Names the variable.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let user_agent = match environment.optional("WCL_USER_AGENT") {
            Some(user_agent) => user_agent,
            None if environment.is_set("WCL_USER_AGENT") => {
                return Err(ConfigError::new("WCL_USER_AGENT", "is empty: name your program and a contact address"));
            }
            None => format!("parsebook/{} (+contact address)", env!("CARGO_PKG_VERSION")),
        };
        Ok(Self {
            url: environment.optional("WCL_URL").unwrap_or_else(|| "https://www.warcraftlogs.com".to_owned()),
            user_agent,
            keys: environment.secret("WCL_API_KEYS")?,
        })
    }

    /// Reads them; there must be keys.
    ///
    /// # Errors
    /// Names the variable.
    pub fn with_keys(environment: &Environment) -> Result<Self, ConfigError> {
        environment.required_secret("WCL_API_KEYS")?;
        Self::read(environment)
    }
}

/// `DELAY_DISCOVERY_IN_HOURS`: default 24.
///
/// # Errors
/// When it is no whole number above 0.
pub fn delay(environment: &Environment) -> Result<Duration, ConfigError> {
    let hours: u32 = environment.positive("DELAY_DISCOVERY_IN_HOURS", 24)?;
    Ok(Duration::from_secs(u64::from(hours) * 3600))
}

/// Concurrency limit of a stack that names none.
const DEFAULT_CONCURRENCY: u32 = 50;

/// `CONCURRENCY_LIMIT`: default 50. It is the product of this and the budget that a batch must find on a key.
///
/// # Errors
/// When it is no number, or 0, which would revive nothing.
pub fn concurrency_limit(environment: &Environment) -> Result<u32, ConfigError> {
    environment.positive("CONCURRENCY_LIMIT", DEFAULT_CONCURRENCY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_user_agent_is_refused_and_an_absent_one_is_ours() {
        let environment = |value: Option<&str>| {
            value.map(|value| ("WCL_USER_AGENT".to_owned(), value.to_owned())).into_iter().collect::<Environment>()
        };
        assert_eq!(WclSettings::read(&environment(Some(""))).unwrap_err().variable, "WCL_USER_AGENT");
        assert!(WclSettings::read(&environment(None)).unwrap().user_agent.starts_with("parsebook/"));
        assert_eq!(WclSettings::with_keys(&environment(None)).unwrap_err().variable, "WCL_API_KEYS");
    }
}

//! The variables of aggregator.

use parsebook_core::aggregate::AggregateConfig;
use parsebook_lambda::settings::{StoreSettings, delay};
use parsebook_lambda::{ConfigError, Environment};

/// Players read from the store at a time: two pages of this are in memory at most, half a megabyte.
const PAGE_SIZE: usize = 1000;

/// Everything aggregator is told from outside.
#[derive(Debug, Clone)]
pub struct Config {
    /// `MONGODB_*`.
    pub store: StoreSettings,
    /// `QUEUE_URL`: required.
    pub queue_url: String,
    /// `DELAY_DISCOVERY_IN_HOURS`: default 24.
    pub aggregate: AggregateConfig,
}

impl Config {
    /// Reads them.
    ///
    /// # Errors
    /// Names the variable that is missing, malformed or contradictory.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            store: StoreSettings::read(environment)?,
            queue_url: environment.required("QUEUE_URL")?,
            aggregate: AggregateConfig { delay: delay(environment)?, page_size: PAGE_SIZE },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_must_be_named() {
        let read = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Config::read(&variables.collect())
        };
        assert_eq!(read(&[("MONGODB_URI", "mongodb://h")]).unwrap_err().variable, "QUEUE_URL");
        assert_eq!(read(&[("QUEUE_URL", "http://q")]).unwrap_err().variable, "MONGODB_URI");
        let config = read(&[("MONGODB_URI", "mongodb://h"), ("QUEUE_URL", "http://q")]).unwrap();
        assert_eq!(config.aggregate.delay.as_secs(), 24 * 3600);
    }
}

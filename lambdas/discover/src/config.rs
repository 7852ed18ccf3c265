//! The variables of discover.

use parsebook_core::discover::DiscoverConfig;
use parsebook_core::discover::pages::{Pace, PagesConfig};
use parsebook_lambda::settings::{StoreSettings, WclSettings, delay};
use parsebook_lambda::{ConfigError, Environment};

/// Everything discover is told from outside.
#[derive(Debug, Clone)]
pub struct Config {
    /// `MONGODB_*`.
    pub store: StoreSettings,
    /// `WCL_*`. Keys may be absent while every rule is of the site and names its partition.
    pub wcl: WclSettings,
    /// `DELAY_DISCOVERY_IN_HOURS` (24), `PAGES_PER_THREAD` (200), `MAX_THREADS` (5), `PAGES_PER_SECOND` (2).
    pub discover: DiscoverConfig,
}

impl Config {
    /// Reads them.
    ///
    /// # Errors
    /// Names the variable that is missing, malformed or contradictory.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let max_threads: u32 = environment.positive("MAX_THREADS", 5)?;
        let pages_per_second: f64 = environment.positive("PAGES_PER_SECOND", 2.0)?;
        if !pages_per_second.is_finite() {
            return Err(ConfigError::new("PAGES_PER_SECOND", "is not finite"));
        }
        Ok(Self {
            store: StoreSettings::read(environment)?,
            wcl: WclSettings::read(environment)?,
            discover: DiscoverConfig {
                delay: delay(environment)?,
                pages: PagesConfig {
                    pages_per_thread: environment.positive("PAGES_PER_THREAD", 200)?,
                    max_threads: max_threads as usize,
                    pace: Pace::per_second(pages_per_second),
                },
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let variables = [("MONGODB_URI", "mongodb://h")].iter().chain(variables);
        Config::read(&variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let config = read(&[]).unwrap();
        let pages = &config.discover.pages;
        assert_eq!((pages.pages_per_thread, pages.max_threads), (200, 5));
        assert_eq!((config.discover.delay.as_secs(), config.store.database.as_str()), (24 * 3600, "wcl"));
        assert_eq!(config.wcl.url, "https://www.warcraftlogs.com");
    }

    #[test]
    fn errors_name_the_variable() {
        for (name, value) in [
            ("PAGES_PER_SECOND", "inf"),
            ("PAGES_PER_SECOND", "0"),
            ("MAX_THREADS", "-1"),
            ("PAGES_PER_THREAD", "x"),
            ("DELAY_DISCOVERY_IN_HOURS", "0"),
            ("WCL_USER_AGENT", ""),
        ] {
            assert_eq!(read(&[(name, value)]).unwrap_err().variable, name, "{value}");
        }
        assert_eq!(read(&[("MONGODB_URI_PARAMETER", "/p")]).unwrap_err().variable, "MONGODB_URI");
    }
}

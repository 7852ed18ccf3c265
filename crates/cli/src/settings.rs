//! The environment variables that `parsebook` reads, once and wholly.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};
use parsebook_adapters::mongo::MongoConfig;
use parsebook_adapters::wcl_api::{ApiKey, parse_keys};
use parsebook_core::Timestamp;
use parsebook_core::discover::DiscoverConfig;
use parsebook_core::discover::pages::{Pace, PagesConfig};

/// Settings of the stages on one machine.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `WCL_USER_AGENT`.
    pub user_agent: String,
    /// `WCL_API_KEYS`.
    pub keys: Vec<ApiKey>,
    /// `DELAY_DISCOVERY_IN_HOURS`, `PAGES_PER_THREAD`, `MAX_THREADS`, `PAGES_PER_SECOND`.
    pub discover: DiscoverConfig,
    /// `WCL_CALL_BUDGET`: points for one player in one raid and difficulty; 6 is 1 for the question and 5 for its ranks.
    pub call_budget: f64,
    /// `SOURCE_DATE_EPOCH`, seconds since 1970: every rank is dated so, and the same answers make the same files
    /// (reproducible-builds.org). The moment of reading when absent.
    pub stamp: Option<Timestamp>,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// Names the variable that is missing or malformed.
    pub fn from_env() -> anyhow::Result<Self> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads variables from anywhere.
    ///
    /// # Errors
    /// Names the variable that is missing or malformed.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let Some(keys) = variable("WCL_API_KEYS") else {
            bail!(
                "WCL_API_KEYS is not set: make a client at warcraftlogs.com/api/clients and set it to \
                 [{{\"name\":\"main\",\"clientId\":\"…\",\"clientSecret\":\"…\"}}]"
            );
        };
        let default_agent = || format!("parsebook/{} (+contact address)", env!("CARGO_PKG_VERSION"));
        let user_agent = variable("WCL_USER_AGENT").unwrap_or_else(default_agent);
        if user_agent.trim().is_empty() {
            bail!("WCL_USER_AGENT is empty: name your program and a contact address");
        }
        let hours: u32 = number(&variable, "DELAY_DISCOVERY_IN_HOURS", 24)?;
        let pages_per_second: f64 = number(&variable, "PAGES_PER_SECOND", 2.0)?;
        if !(pages_per_second > 0.0 && pages_per_second.is_finite()) {
            bail!("PAGES_PER_SECOND is {pages_per_second}, not a positive number");
        }
        let call_budget: f64 = number(&variable, "WCL_CALL_BUDGET", 6.0)?;
        if !(call_budget > 0.0 && call_budget.is_finite()) {
            bail!("WCL_CALL_BUDGET is {call_budget}, not a positive number");
        }
        let stamp = match variable("SOURCE_DATE_EPOCH") {
            Some(text) => {
                let seconds = text.trim().parse().ok().and_then(|seconds| Timestamp::from_timestamp(seconds, 0));
                Some(seconds.with_context(|| format!("SOURCE_DATE_EPOCH is {text:?}, not seconds since 1970"))?)
            }
            None => None,
        };
        Ok(Self {
            user_agent,
            keys: parse_keys(&keys)?,
            discover: DiscoverConfig {
                delay: Duration::from_secs(u64::from(hours) * 3600),
                pages: PagesConfig {
                    pages_per_thread: positive(&variable, "PAGES_PER_THREAD", 200)?,
                    max_threads: positive(&variable, "MAX_THREADS", 5)? as usize,
                    pace: Pace::per_second(pages_per_second),
                },
            },
            call_budget,
            stamp,
        })
    }
}

/// How to reach the store of the deployed functions: `MONGODB_URI`, `MONGODB_DATABASE` (default `wcl`).
///
/// # Errors
/// When `MONGODB_URI` is missing.
pub fn mongo_config() -> anyhow::Result<MongoConfig> {
    let variable =
        |name| std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let uri = variable("MONGODB_URI").context("MONGODB_URI is not set: --store mongodb needs it")?;
    Ok(MongoConfig {
        uri: uri.into(),
        database: variable("MONGODB_DATABASE").unwrap_or_else(|| "wcl".to_owned()),
        app_name: "parsebook".to_owned(),
        max_connections: 4,
    })
}

fn number<T: FromStr>(variable: &impl Fn(&str) -> Option<String>, name: &str, default: T) -> anyhow::Result<T> {
    match variable(name) {
        Some(text) => text.trim().parse().ok().with_context(|| format!("{name} is {text:?}, not a number")),
        None => Ok(default),
    }
}

fn positive(variable: &impl Fn(&str) -> Option<String>, name: &str, default: u32) -> anyhow::Result<u32> {
    match number(variable, name, default)? {
        0 => bail!("{name} is 0: at least 1"),
        number => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: (&str, &str) = ("WCL_API_KEYS", r#"[{"name":"a","clientId":"i","clientSecret":"s"}]"#);

    fn read(variables: &[(&str, &str)]) -> anyhow::Result<Settings> {
        Settings::read(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let settings = read(&[KEYS]).unwrap();
        assert_eq!(settings.discover.delay, Duration::from_secs(24 * 3600));
        let pages = settings.discover.pages;
        assert_eq!((pages.pages_per_thread, pages.max_threads), (200, 5));
        assert!(settings.user_agent.starts_with("parsebook/"));
    }

    #[test]
    fn errors_name_the_variable() {
        for (name, value) in [
            ("PAGES_PER_SECOND", "0"),
            ("PAGES_PER_SECOND", "NaN"),
            ("MAX_THREADS", "0"),
            ("MAX_THREADS", "many"),
            ("WCL_USER_AGENT", " "),
            ("WCL_CALL_BUDGET", "-1"),
            ("SOURCE_DATE_EPOCH", "today"),
            ("DELAY_DISCOVERY_IN_HOURS", "99999999999"),
        ] {
            let error = read(&[KEYS, (name, value)]).unwrap_err().to_string();
            assert!(error.contains(name), "{name}={value}: {error}");
        }
        assert!(read(&[]).unwrap_err().to_string().contains("WCL_API_KEYS"));
    }
}

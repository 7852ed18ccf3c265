//! Settings that the program and the Lambdas have in common.

use std::collections::BTreeMap;
use std::time::Duration;

use parsebook_core::discover::DiscoverConfig;
use parsebook_core::discover::pages::{Pace, PagesConfig};
use parsebook_core::generate::AddonMeta;

use super::{ConfigError, Environment, SecretSource};
use crate::text::{HIDDEN, may_hold_a_secret, shown};

/// WCL's compact names, in the order in which they are published.
pub const REGIONS: [&str; 5] = ["US", "EU", "KR", "TW", "CN"];

/// A century: who wants to keep ranks for longer keeps them for ever, by 0.
const MOST_DAYS: u32 = 36_500;

/// Warcraft Logs.
#[derive(Debug, Clone)]
pub struct WclSettings {
    /// `WCL_URL`: base of site and API, default `https://www.warcraftlogs.com`.
    pub url: String,
    /// `WCL_USER_AGENT`: default `parsebook/<version> (+contact address)`. Set but blank is an error.
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
        let default_agent = format!("parsebook/{} (+contact address)", env!("CARGO_PKG_VERSION"));
        if environment.is_set("WCL_USER_AGENT") && environment.optional("WCL_USER_AGENT")?.is_none() {
            return Err(ConfigError::new("WCL_USER_AGENT", "is blank: name your program and a contact address"));
        }
        Ok(Self {
            url: environment.text("WCL_URL", "https://www.warcraftlogs.com")?,
            user_agent: environment.text("WCL_USER_AGENT", &default_agent)?,
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

/// How pages and reports are read: `DELAY_DISCOVERY_IN_HOURS` (24), `PAGES_PER_THREAD` (200), `MAX_THREADS` (5),
/// `PAGES_PER_SECOND` (2, over all readers together), `REPORT_DELAY_HOURS` (26: WCL ranks in daily cycles),
/// `REPORTS_LOOKBACK_HOURS` (72: logs are uploaded late), `REGIONS` (reports of others are left out).
pub(super) fn discover(environment: &Environment) -> Result<DiscoverConfig, ConfigError> {
    let max_threads: u32 = environment.number("MAX_THREADS", 5, 1..)?;
    Ok(DiscoverConfig {
        delay: delay(environment)?,
        pages: PagesConfig {
            pages_per_thread: environment.number("PAGES_PER_THREAD", 200, 1..)?,
            max_threads: max_threads as usize,
            pace: Pace::per_second(environment.positive("PAGES_PER_SECOND", Some(2.0))?),
        },
        report_delay: environment.hours("REPORT_DELAY_HOURS", 26, 0)?,
        lookback: environment.hours("REPORTS_LOOKBACK_HOURS", 72, 0)?,
        regions: regions(environment)?.into_iter().collect(),
    })
}

/// `DELAY_DISCOVERY_IN_HOURS`: default 24, at least 1: at 0 a rule would be due again while it is being worked.
pub(super) fn delay(environment: &Environment) -> Result<Duration, ConfigError> {
    environment.hours("DELAY_DISCOVERY_IN_HOURS", 24, 1)
}

/// How much waits in the queue, and who is sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueSettings {
    /// `QUEUE_LIMIT`: most messages waiting in the queue; default 80000, nine to ten days of one key.
    pub limit: u64,
    /// `RERANK_AFTER_HOURS`: what was read more recently than this is not sent again; default 20.
    pub rerank_after: Duration,
}

impl QueueSettings {
    /// Reads them.
    ///
    /// # Errors
    /// Names the variable.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { limit: environment.number("QUEUE_LIMIT", 80_000, 1..)?, rerank_after: rerank_after(environment)? })
    }
}

/// `RERANK_AFTER_HOURS`; default 20.
pub(super) fn rerank_after(environment: &Environment) -> Result<Duration, ConfigError> {
    environment.hours("RERANK_AFTER_HOURS", 20, 0)
}

/// `REPORT_CALL_BUDGET`: points for the ranks of one report; default 26.
pub(super) fn report_call_budget(environment: &Environment) -> Result<f64, ConfigError> {
    environment.positive("REPORT_CALL_BUDGET", Some(26.0))
}

/// What is published, and what the addon's files say of themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddonSettings {
    /// `ADDON_INTERFACE`, `ADDON_CURSE_ID`, `ADDON_WAGO_ID`, `ADDON_WOWI_ID`: lines of the `.toc` files.
    pub meta: AddonMeta,
    /// `KEEP_RANKS_DAYS`: ranks that nobody confirmed for so many days are not published; default 90, 0 is for ever.
    pub keep_ranks_days: u32,
}

impl AddonSettings {
    /// Reads them.
    ///
    /// # Errors
    /// Names the variable.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let mut values = BTreeMap::new();
        for variable in ["ADDON_INTERFACE", "ADDON_CURSE_ID", "ADDON_WAGO_ID", "ADDON_WOWI_ID"] {
            values.insert(variable, environment.optional(variable)?);
        }
        let meta = AddonMeta::read(|variable| values.get(variable).cloned().flatten());
        let meta = meta.map_err(|error| {
            let value = values.get(error.variable).and_then(Option::as_deref);
            let is_hidden = value.is_some_and(may_hold_a_secret);
            ConfigError::new(error.variable, if is_hidden { HIDDEN.to_owned() } else { error.problem })
        });
        Ok(Self { meta: meta?, keep_ranks_days: environment.number("KEEP_RANKS_DAYS", 90, 0..=MOST_DAYS)? })
    }
}

/// `REGIONS`: default all five, `US,EU,KR,TW,CN`.
///
/// # Errors
/// Names what is no region.
pub fn regions(environment: &Environment) -> Result<Vec<String>, ConfigError> {
    let text = environment.text("REGIONS", &REGIONS.join(","))?;
    let regions = text.split(',').map(|region| region.trim().to_uppercase()).collect();
    checked_regions(regions).map_err(|problem| ConfigError::new("REGIONS", problem))
}

/// `regions`, if there is one and WCL knows each by this name.
///
/// # Errors
/// Names the one that it does not know.
pub fn checked_regions(regions: Vec<String>) -> Result<Vec<String>, String> {
    match regions.iter().find(|region| !REGIONS.contains(&region.as_str())) {
        // Several regions of one text: a login in it may be in pieces.
        Some(_) if regions.iter().any(|region| may_hold_a_secret(region)) => Err(HIDDEN.to_owned()),
        Some(bad) => Err(format!("{} is none of {}", shown(bad), REGIONS.join(", "))),
        None if regions.is_empty() => Err("names no region".to_owned()),
        None => Ok(regions),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_user_agent_is_refused_and_an_absent_one_is_ours() {
        let blank = Environment::from_iter([("WCL_USER_AGENT", " ")]);
        assert_eq!(WclSettings::read(&blank).unwrap_err().variable, "WCL_USER_AGENT");
        let absent = Environment::from_iter([("WCL_URL", "")]);
        let settings = WclSettings::read(&absent).unwrap();
        assert!(settings.user_agent.starts_with("parsebook/") && settings.url == "https://www.warcraftlogs.com");
        assert_eq!(WclSettings::with_keys(&absent).unwrap_err().variable, "WCL_API_KEYS");
    }

    #[test]
    fn what_is_out_of_range_or_no_number_names_the_variable() {
        for (variable, value) in [
            ("DELAY_DISCOVERY_IN_HOURS", "0"),
            ("DELAY_DISCOVERY_IN_HOURS", "99999999999"),
            ("PAGES_PER_THREAD", "0"),
            ("MAX_THREADS", "-1"),
            ("PAGES_PER_SECOND", "inf"),
            ("PAGES_PER_SECOND", "0"),
            ("REPORT_DELAY_HOURS", "1.5"),
            ("REPORTS_LOOKBACK_HOURS", "three"),
            ("REPORTS_LOOKBACK_HOURS", "4294967295"),
            ("REPORT_DELAY_HOURS", "4294967295"),
            ("DELAY_DISCOVERY_IN_HOURS", "4294967295"),
        ] {
            let environment = Environment::from_iter([(variable, value)]);
            assert_eq!(discover(&environment).unwrap_err().variable, variable, "{value}");
        }
        let rerank = Environment::from_iter([("RERANK_AFTER_HOURS", "4294967295")]);
        assert_eq!(QueueSettings::read(&rerank).unwrap_err().variable, "RERANK_AFTER_HOURS");
        for value in ["-1", "NaN", "six"] {
            let environment = Environment::from_iter([("REPORT_CALL_BUDGET", value)]);
            assert_eq!(report_call_budget(&environment).unwrap_err().variable, "REPORT_CALL_BUDGET");
        }
    }

    #[test]
    fn the_addons_versions_and_ids_are_looked_at() {
        let read = |variable, value| AddonSettings::read(&Environment::from_iter([(variable, value)]));
        assert_ne!(read("ADDON_INTERFACE", " 110207, 120000 ").unwrap().meta, AddonMeta::default());
        assert_ne!(read("ADDON_WAGO_ID", "aB3xYz").unwrap().meta, AddonMeta::default());
        assert_eq!(read("KEEP_RANKS_DAYS", "0").unwrap().keep_ranks_days, 0);
        for (variable, value) in [
            ("ADDON_INTERFACE", "11.2.7"),
            ("ADDON_INTERFACE", "110207,"),
            ("ADDON_CURSE_ID", "1\u{7}2"),
            ("KEEP_RANKS_DAYS", "4294967295"),
        ] {
            assert_eq!(read(variable, value).unwrap_err().variable, variable);
        }
    }

    #[test]
    fn regions_are_those_that_exist() {
        let read = |value| regions(&Environment::from_iter([("REGIONS", value)]));
        assert_eq!(read("").unwrap(), REGIONS);
        assert_eq!(read(" eu , US").unwrap(), ["EU", "US"]);
        for bad in ["EU,../x", "XX", "EU,"] {
            assert_eq!(read(bad).unwrap_err().variable, "REGIONS", "{bad}");
        }
    }
}

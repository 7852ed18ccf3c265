//! The settings of `parsebook run` and `parsebook backfill`.

use parsebook_core::Timestamp;
use parsebook_core::discover::DiscoverConfig;
use secrecy::ExposeSecret;

use super::shared::{discover, regions, report_call_budget};
use super::{AddonSettings, ConfigError, Environment, QueueSettings, SecretSource, WclSettings};
use crate::text::shown;
use crate::wcl_api::{ApiKey, parse_keys};

/// Points for one player in one raid and difficulty: 1 for the question and 5 for its ranks.
const CALL_BUDGET: f64 = 6.0;

/// Settings of the stages on one machine.
#[derive(Debug, Clone)]
pub struct MachineSettings {
    /// `WCL_URL`: default `https://www.warcraftlogs.com`.
    pub wcl_url: String,
    /// `WCL_USER_AGENT`.
    pub user_agent: String,
    /// `WCL_API_KEYS`: required.
    pub keys: Vec<ApiKey>,
    /// `DELAY_DISCOVERY_IN_HOURS`, `PAGES_PER_THREAD`, `MAX_THREADS`, `PAGES_PER_SECOND`, `REPORT_DELAY_HOURS`,
    /// `REPORTS_LOOKBACK_HOURS`, `REGIONS`.
    pub discover: DiscoverConfig,
    /// `QUEUE_LIMIT`, `RERANK_AFTER_HOURS`.
    pub queue: QueueSettings,
    /// `WCL_CALL_BUDGET`: points for one player in one raid and difficulty; default 6.
    pub call_budget: f64,
    /// `REPORT_CALL_BUDGET`: points for the ranks of one report; default 26.
    pub report_call_budget: f64,
    /// `ADDON_…`, `KEEP_RANKS_DAYS`.
    pub addon: AddonSettings,
    /// `REGIONS`: default all.
    pub regions: Vec<String>,
    /// `SOURCE_DATE_EPOCH`, seconds since 1970: every rank is dated so, and the same answers make the same files
    /// (reproducible-builds.org). The moment of reading when absent.
    pub stamp: Option<Timestamp>,
}

impl MachineSettings {
    /// Reads them.
    ///
    /// # Errors
    /// Names the variable that is missing or malformed.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let wcl = WclSettings::read(environment)?;
        let keys = match wcl.keys {
            Some(SecretSource::Value(keys)) => parse_keys(keys.expose_secret())?,
            Some(SecretSource::Parameter { variable, .. }) => {
                return Err(ConfigError::new(&variable, "is for the Lambdas: set WCL_API_KEYS"));
            }
            None => {
                return Err(ConfigError::new(
                    "WCL_API_KEYS",
                    "is not set: make a client at warcraftlogs.com/api/clients and set it to \
                     [{\"name\":\"main\",\"clientId\":\"…\",\"clientSecret\":\"…\"}]",
                ));
            }
        };
        let stamp = environment.optional("SOURCE_DATE_EPOCH")?.map(|text| {
            let stamp = text.parse().ok().and_then(|seconds| Timestamp::from_timestamp(seconds, 0));
            stamp.ok_or_else(|| {
                ConfigError::new("SOURCE_DATE_EPOCH", format!("{} is not seconds since 1970", shown(&text)))
            })
        });
        Ok(Self {
            wcl_url: wcl.url,
            user_agent: wcl.user_agent,
            keys,
            discover: discover(environment)?,
            queue: QueueSettings::read(environment)?,
            call_budget: environment.positive("WCL_CALL_BUDGET", Some(CALL_BUDGET))?,
            report_call_budget: report_call_budget(environment)?,
            addon: AddonSettings::read(environment)?,
            regions: regions(environment)?,
            stamp: stamp.transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: (&str, &str) = ("WCL_API_KEYS", r#"[{"name":"a","clientId":"i","clientSecret":"hush"}]"#);

    #[test]
    fn defaults_are_the_documented_ones() {
        let settings = MachineSettings::read(&Environment::from_iter([KEYS])).unwrap();
        assert_eq!(settings.discover.delay.as_secs(), 24 * 3600);
        assert_eq!((settings.discover.pages.pages_per_thread, settings.discover.pages.max_threads), (200, 5));
        assert_eq!((settings.call_budget, settings.report_call_budget), (6.0, 26.0));
        assert_eq!((settings.keys.len(), settings.stamp), (1, None));
    }

    #[test]
    fn errors_name_the_variable_and_hide_the_secret() {
        let missing = MachineSettings::read(&Environment::from_iter([("PAGES_PER_SECOND", "2")])).unwrap_err();
        assert_eq!(missing.variable, "WCL_API_KEYS");
        for (variable, value) in [
            ("SOURCE_DATE_EPOCH", "today"),
            ("REGIONS", "XX"),
            ("WCL_API_KEYS", r#"[{"name":"a","clientSecret":"hush"}]"#),
            ("WCL_API_KEYS", "[\n\"hush\"]"),
            ("WCL_API_KEYS", "hush"),
        ] {
            let error = MachineSettings::read(&Environment::from_iter([KEYS, (variable, value)])).unwrap_err();
            assert_eq!(error.variable, variable);
            assert!(!error.to_string().contains("hush"), "{error}");
        }
    }
}

//! The settings of each Lambda.

use std::time::Duration;

use parsebook_core::discover::DiscoverConfig;
use url::Url;

use super::shared::{delay, discover, regions, report_call_budget, rerank_after};
use super::{AddonSettings, ConfigError, Environment, QueueSettings, SecretSource, WclSettings};
use crate::addon_repo::{History, check_address};

/// The default of reviver and player-rank; the template sets 5.
const CONCURRENCY_LIMIT: u32 = 50;

/// What a value must look like, and what is wrong with any other. The value is not repeated: what is no address may be
/// anything, also a secret.
struct Form {
    fits: fn(&str) -> bool,
    problem: &'static str,
}

const QUEUE_URL: Form = Form {
    fits: |value| Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host()),
    problem: "is not the URL of a queue",
};
const ARN: Form =
    Form { fits: |value| value.starts_with("arn:") && !value.contains(char::is_whitespace), problem: "is not an ARN" };
/// Scheduler's own rule.
const SCHEDULE_NAME: Form = Form {
    fits: |value| value.len() <= 64 && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)),
    problem: "is not a schedule's name, which has at most 64 letters, digits, hyphens, dots and underscores",
};
const BRANCH: Form = Form {
    fits: |value| git2::Branch::name_is_valid(value).unwrap_or(false) && !value.starts_with("refs/"),
    problem: "is not the name of a branch, such as main",
};

impl Form {
    fn check(&self, variable: &str, value: String) -> Result<String, ConfigError> {
        if (self.fits)(&value) { Ok(value) } else { Err(ConfigError::new(variable, self.problem)) }
    }

    fn required(&self, environment: &Environment, variable: &str) -> Result<String, ConfigError> {
        self.check(variable, environment.required(variable)?)
    }

    fn optional(&self, environment: &Environment, variable: &str) -> Result<Option<String>, ConfigError> {
        environment.optional(variable)?.map(|value| self.check(variable, value)).transpose()
    }
}

/// The store: all but reviver.
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
            database: environment.text("MONGODB_DATABASE", "wcl")?,
        })
    }
}

/// Everything discover is told from outside.
#[derive(Debug, Clone)]
pub struct DiscoverSettings {
    /// `MONGODB_*`.
    pub store: StoreSettings,
    /// `WCL_*`. Keys may be absent while every rule is of the site and names its partition.
    pub wcl: WclSettings,
    /// `DELAY_DISCOVERY_IN_HOURS`, `PAGES_PER_THREAD`, `MAX_THREADS`, `PAGES_PER_SECOND`, `REPORT_DELAY_HOURS`,
    /// `REPORTS_LOOKBACK_HOURS`, `REGIONS`.
    pub discover: DiscoverConfig,
}

impl DiscoverSettings {
    /// Reads them.
    ///
    /// # Errors
    /// Names the variable that is missing, malformed or contradictory.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            store: StoreSettings::read(environment)?,
            wcl: WclSettings::read(environment)?,
            discover: discover(environment)?,
        })
    }
}

/// Everything aggregator is told from outside.
#[derive(Debug, Clone)]
pub struct AggregatorSettings {
    /// `MONGODB_*`.
    pub store: StoreSettings,
    /// `QUEUE_URL`: required.
    pub queue_url: String,
    /// `DELAY_DISCOVERY_IN_HOURS`: default 24, at least 1.
    pub delay: Duration,
    /// `QUEUE_LIMIT`, `RERANK_AFTER_HOURS`.
    pub queue: QueueSettings,
}

impl AggregatorSettings {
    /// Reads them.
    ///
    /// # Errors
    /// Names the variable that is missing, malformed or contradictory.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            store: StoreSettings::read(environment)?,
            queue_url: QUEUE_URL.required(environment, "QUEUE_URL")?,
            delay: delay(environment)?,
            queue: QueueSettings::read(environment)?,
        })
    }
}

/// Whom the schedule calls, and as what.
#[derive(Debug, Clone)]
pub struct Reviver {
    /// `REVIVER_SCHEDULE_NAME`, in the group `default`.
    pub schedule_name: String,
    /// `REVIVER_FUNCTION_ARN`.
    pub function_arn: String,
    /// `SCHEDULER_ROLE_ARN`: the role with which the schedule calls the reviver.
    pub role_arn: String,
    /// Where a wake-up goes that could not be delivered: the ARN of a queue.
    pub dead_letters_arn: Option<String>,
}

/// Everything player-rank is told from outside.
#[derive(Debug, Clone)]
pub struct PlayerRankSettings {
    /// `MONGODB_*`.
    pub store: StoreSettings,
    /// `WCL_*`, keys required.
    pub wcl: WclSettings,
    /// `WCL_CALL_BUDGET`, required: points for one player in one raid in one difficulty.
    pub call_budget: f64,
    /// `REPORT_CALL_BUDGET`: points for the ranks of one report; default 26.
    pub report_call_budget: f64,
    /// `RERANK_AFTER_HOURS`: a full reading that is younger is not repeated; default 20.
    pub rerank_after: Duration,
    /// `AWS_LAMBDA_FUNCTION_NAME`, which Lambda itself sets: whose concurrency limit is read and lowered.
    pub function: String,
    /// `CONCURRENCY_LIMIT`: what counts where the function has no limit; default 50.
    pub concurrency_limit: u32,
    /// `REVIVER_SCHEDULE_NAME`, `REVIVER_FUNCTION_ARN`, `SCHEDULER_ROLE_ARN`: required.
    pub reviver: Reviver,
    /// `DEAD_LETTER_QUEUE_URL`: where messages go that never succeed.
    pub dead_letter_queue_url: Option<String>,
}

impl PlayerRankSettings {
    /// Reads them.
    ///
    /// # Errors
    /// Names the variable that is missing, malformed or contradictory.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            store: StoreSettings::read(environment)?,
            wcl: WclSettings::with_keys(environment)?,
            call_budget: environment.positive("WCL_CALL_BUDGET", None)?,
            report_call_budget: report_call_budget(environment)?,
            rerank_after: rerank_after(environment)?,
            function: environment.required("AWS_LAMBDA_FUNCTION_NAME")?,
            concurrency_limit: concurrency_limit(environment)?,
            reviver: Reviver {
                schedule_name: SCHEDULE_NAME.required(environment, "REVIVER_SCHEDULE_NAME")?,
                function_arn: ARN.required(environment, "REVIVER_FUNCTION_ARN")?,
                role_arn: ARN.required(environment, "SCHEDULER_ROLE_ARN")?,
                dead_letters_arn: ARN.optional(environment, "REVIVER_DEAD_LETTERS_ARN")?,
            },
            dead_letter_queue_url: QUEUE_URL.optional(environment, "DEAD_LETTER_QUEUE_URL")?,
        })
    }
}

/// Everything reviver is told from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviverSettings {
    /// `LAMBDA_TO_REVIVE`, required: the function's name.
    pub function: String,
    /// `CONCURRENCY_LIMIT`: default 50. The product of this and the budget is what a batch must find on a key.
    pub concurrency_limit: u32,
}

impl ReviverSettings {
    /// Reads them.
    ///
    /// # Errors
    /// Names the variable that is missing or malformed.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            function: environment.required("LAMBDA_TO_REVIVE")?,
            concurrency_limit: concurrency_limit(environment)?,
        })
    }
}

/// A limit of 0 would revive nothing.
fn concurrency_limit(environment: &Environment) -> Result<u32, ConfigError> {
    environment.number("CONCURRENCY_LIMIT", CONCURRENCY_LIMIT, 1..)
}

/// Everything db-generator is told from outside.
#[derive(Debug, Clone)]
pub struct DbGeneratorSettings {
    /// `MONGODB_*`.
    pub store: StoreSettings,
    /// `WCL_*`, keys required: raids met for the first time get their names from the API.
    pub wcl: WclSettings,
    /// `GIT_REPOSITORY_URL`: required; without a password in it, which would show in logs.
    pub url: String,
    /// `GIT_BRANCH`: default `main`.
    pub branch: String,
    /// `GIT_TOKEN` or `GIT_TOKEN_PARAMETER`: needed for https.
    pub token: Option<SecretSource>,
    /// `GIT_HISTORY`: `append` (default) or `replace`.
    pub history: History,
    /// `REGIONS`: default all five.
    pub regions: Vec<String>,
    /// `ADDON_*`, `KEEP_RANKS_DAYS`.
    pub addon: AddonSettings,
}

impl DbGeneratorSettings {
    /// Reads them.
    ///
    /// # Errors
    /// Names the variable that is missing, malformed or contradictory.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let url = environment.required("GIT_REPOSITORY_URL")?;
        let token = environment.secret("GIT_TOKEN")?;
        let host = url.split_once("://").and_then(|(_, rest)| rest.split('/').next());
        if host.is_some_and(|host| host.contains('@')) {
            return Err(ConfigError::new("GIT_REPOSITORY_URL", "holds a login: put the token into GIT_TOKEN"));
        }
        if let Err(error) = check_address(&url) {
            let problem = format!("{error:#}");
            let problem = problem.strip_prefix("GIT_REPOSITORY_URL ").unwrap_or(&problem);
            return Err(ConfigError::new("GIT_REPOSITORY_URL", problem));
        }
        if url.starts_with("https://") && token.is_none() {
            let problem = "is not set, and neither is GIT_TOKEN_PARAMETER: https needs one";
            return Err(ConfigError::new("GIT_TOKEN", problem));
        }
        let history = environment.text("GIT_HISTORY", "append")?;
        Ok(Self {
            store: StoreSettings::read(environment)?,
            wcl: WclSettings::with_keys(environment)?,
            url,
            branch: BRANCH.check("GIT_BRANCH", environment.text("GIT_BRANCH", "main")?)?,
            token,
            history: history.parse().map_err(|error| ConfigError::new("GIT_HISTORY", error))?,
            regions: regions(environment)?,
            addon: AddonSettings::read(environment)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each needs, and a value for it.
    const NEEDED: [(&str, &str); 9] = [
        ("MONGODB_URI", "mongodb://h"),
        ("WCL_API_KEYS", "[]"),
        ("QUEUE_URL", "http://q"),
        ("WCL_CALL_BUDGET", "6.5"),
        ("AWS_LAMBDA_FUNCTION_NAME", "player-rank"),
        ("REVIVER_SCHEDULE_NAME", "wake"),
        ("REVIVER_FUNCTION_ARN", "arn:reviver"),
        ("SCHEDULER_ROLE_ARN", "arn:role"),
        ("LAMBDA_TO_REVIVE", "player-rank"),
    ];

    fn with(variables: &[(&'static str, &'static str)]) -> Environment {
        NEEDED.iter().chain(variables).copied().collect()
    }

    #[test]
    fn what_is_no_address_stops_the_start_and_is_named() {
        type Read = fn(&Environment) -> Option<ConfigError>;
        let aggregator: Read = |environment| AggregatorSettings::read(environment).err();
        let player_rank: Read = |environment| PlayerRankSettings::read(environment).err();
        let db_generator: Read = |environment| DbGeneratorSettings::read(environment).err();
        for (variable, wrong, read) in [
            ("QUEUE_URL", "nonsense", aggregator),
            ("QUEUE_URL", "ftp://q/x", aggregator),
            ("DEAD_LETTER_QUEUE_URL", "nonsense", player_rank),
            ("REVIVER_FUNCTION_ARN", "reviver", player_rank),
            ("SCHEDULER_ROLE_ARN", "arn:aws:iam::0:role/a b", player_rank),
            ("REVIVER_DEAD_LETTERS_ARN", "nonsense", player_rank),
            ("REVIVER_SCHEDULE_NAME", "a b/c", player_rank),
            ("GIT_BRANCH", "refs/heads/main", db_generator),
            ("GIT_BRANCH", "a b", db_generator),
            ("GIT_BRANCH", "a..b", db_generator),
        ] {
            let environment = with(&[("GIT_REPOSITORY_URL", "file:///addon.git"), (variable, wrong)]);
            let error = read(&environment).unwrap_or_else(|| panic!("{variable}={wrong} is taken")).to_string();
            assert!(error.starts_with(&format!("{variable}: ")) && !error.contains(&format!("{wrong:?}")), "{error}");
        }
        for (url, is_good) in [
            ("https://github.com/a/b.git", true),
            ("/srv/addon.git", true),
            ("file:///addon.git", true),
            ("git@github.com:a/b.git", false),
            ("ssh://github.com/a/b.git", false),
            ("http://", false),
        ] {
            let read = DbGeneratorSettings::read(&with(&[("GIT_REPOSITORY_URL", url), ("GIT_TOKEN", "hush")]));
            assert_eq!(read.is_ok(), is_good, "{url}: {:?}", read.err());
        }
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let environment = with(&[("GIT_REPOSITORY_URL", "file:///addon.git")]);
        let discover = DiscoverSettings::read(&environment).unwrap();
        assert_eq!((discover.store.database.as_str(), discover.discover.regions.len()), ("wcl", 5));
        let aggregator = AggregatorSettings::read(&environment).unwrap();
        assert_eq!((aggregator.queue.limit, aggregator.queue.rerank_after.as_secs()), (80_000, 20 * 3600));
        let player_rank = PlayerRankSettings::read(&environment).unwrap();
        assert_eq!((player_rank.call_budget, player_rank.concurrency_limit), (6.5, 50));
        assert_eq!(ReviverSettings::read(&environment).unwrap().concurrency_limit, 50);
        let generator = DbGeneratorSettings::read(&environment).unwrap();
        assert_eq!((generator.branch.as_str(), generator.history), ("main", History::Append));
    }

    #[test]
    fn each_variable_that_is_missing_is_named() {
        let read = |missing: &str| {
            let environment = &NEEDED.into_iter().filter(|(name, _)| *name != missing).collect();
            AggregatorSettings::read(environment).err().or_else(|| {
                PlayerRankSettings::read(environment).err().or_else(|| ReviverSettings::read(environment).err())
            })
        };
        for (missing, _) in NEEDED {
            assert_eq!(read(missing).unwrap().variable, missing);
        }
    }

    #[test]
    fn errors_name_the_variable_and_hide_the_login() {
        let url = ("GIT_REPOSITORY_URL", "https://host/a.git");
        for (variables, named) in [
            (vec![], "GIT_REPOSITORY_URL"),
            (vec![url], "GIT_TOKEN"),
            (vec![url, ("GIT_TOKEN", "t"), ("GIT_TOKEN_PARAMETER", "/p")], "GIT_TOKEN"),
            (vec![("GIT_REPOSITORY_URL", "https://me:hush@host/a.git"), ("GIT_TOKEN", "t")], "GIT_REPOSITORY_URL"),
            (vec![url, ("GIT_TOKEN", "t"), ("GIT_HISTORY", "rewrite")], "GIT_HISTORY"),
            (vec![url, ("GIT_TOKEN", "t"), ("REGIONS", "EU,../x")], "REGIONS"),
        ] {
            let error = DbGeneratorSettings::read(&with(&variables)).unwrap_err();
            assert_eq!(error.variable, named);
            assert!(!error.to_string().contains("hush"), "{error}");
        }
        let nothing = ReviverSettings::read(&with(&[("CONCURRENCY_LIMIT", "0")])).unwrap_err();
        assert_eq!(nothing.variable, "CONCURRENCY_LIMIT");
    }
}

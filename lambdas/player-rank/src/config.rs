//! The variables of player-rank.

use parsebook_adapters::aws::throttle::Reviver;
use parsebook_core::rank::RankConfig;
use parsebook_lambda::settings::{StoreSettings, WclSettings, concurrency_limit};
use parsebook_lambda::{ConfigError, Environment};

/// Everything player-rank is told from outside.
#[derive(Debug, Clone)]
pub struct Config {
    /// `MONGODB_*`.
    pub store: StoreSettings,
    /// `WCL_*`, keys required.
    pub wcl: WclSettings,
    /// `WCL_CALL_BUDGET`, required: points for one player in one raid in one difficulty.
    pub rank: RankConfig,
    /// `CONCURRENCY_LIMIT`: default 50; assumed where AWS has no limit for the function.
    pub concurrency_limit: u32,
    /// `AWS_LAMBDA_FUNCTION_NAME`, which Lambda itself sets: whose concurrency limit is read and lowered.
    pub function: String,
    /// `REVIVER_SCHEDULE_NAME`, `REVIVER_FUNCTION_ARN`, `SCHEDULER_ROLE_ARN`: required.
    pub reviver: Reviver,
}

impl Config {
    /// Reads them.
    ///
    /// # Errors
    /// Names the variable that is missing, malformed or contradictory.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let call_budget: f64 = environment.required_parsed("WCL_CALL_BUDGET")?;
        if !(call_budget > 0.0 && call_budget.is_finite()) {
            return Err(ConfigError::new(
                "WCL_CALL_BUDGET",
                format!("{call_budget} is not a positive number of points"),
            ));
        }
        Ok(Self {
            store: StoreSettings::read(environment)?,
            wcl: WclSettings::with_keys(environment)?,
            rank: RankConfig { call_budget },
            concurrency_limit: concurrency_limit(environment)?,
            function: environment.required("AWS_LAMBDA_FUNCTION_NAME")?,
            reviver: Reviver {
                schedule_name: environment.required("REVIVER_SCHEDULE_NAME")?,
                function_arn: environment.required("REVIVER_FUNCTION_ARN")?,
                role_arn: environment.required("SCHEDULER_ROLE_ARN")?,
                dead_letters_arn: environment.optional("REVIVER_DEAD_LETTERS_ARN"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 7] = [
        ("MONGODB_URI", "mongodb://h"),
        ("WCL_API_KEYS", "[]"),
        ("WCL_CALL_BUDGET", "6.5"),
        ("AWS_LAMBDA_FUNCTION_NAME", "player-rank"),
        ("REVIVER_SCHEDULE_NAME", "wake"),
        ("REVIVER_FUNCTION_ARN", "arn:reviver"),
        ("SCHEDULER_ROLE_ARN", "arn:role"),
    ];

    fn read(variables: impl Iterator<Item = (&'static str, &'static str)>) -> Result<Config, ConfigError> {
        Config::read(&variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn each_variable_that_is_missing_is_named() {
        assert_eq!(read(ALL.into_iter()).unwrap().rank.call_budget, 6.5);
        for (missing, _) in ALL {
            let error = read(ALL.into_iter().filter(|(name, _)| *name != missing)).unwrap_err();
            assert_eq!(error.variable, missing);
        }
    }

    #[test]
    fn a_budget_that_buys_nothing_is_refused() {
        for bad in ["0", "-1", "NaN", "inf", "six"] {
            let variables = ALL.into_iter().filter(|(name, _)| *name != "WCL_CALL_BUDGET");
            assert_eq!(read(variables.chain([("WCL_CALL_BUDGET", bad)])).unwrap_err().variable, "WCL_CALL_BUDGET");
        }
    }
}

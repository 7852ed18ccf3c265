//! The variables of reviver.

use parsebook_lambda::settings::concurrency_limit;
use parsebook_lambda::{ConfigError, Environment};

/// Everything reviver is told from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `LAMBDA_TO_REVIVE`, required: the function's name.
    pub function: String,
    /// `CONCURRENCY_LIMIT`: default 50. It is the product of this and the budget that a batch must find on a key.
    pub concurrency_limit: u32,
}

impl Config {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_zero_would_revive_nothing() {
        let read = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Config::read(&variables.collect())
        };
        let config = read(&[("LAMBDA_TO_REVIVE", "player-rank")]).unwrap();
        assert_eq!((config.function.as_str(), config.concurrency_limit), ("player-rank", 50));
        let error = read(&[("LAMBDA_TO_REVIVE", "p"), ("CONCURRENCY_LIMIT", "0")]).unwrap_err();
        assert_eq!(error.variable, "CONCURRENCY_LIMIT");
        assert_eq!(read(&[]).unwrap_err().variable, "LAMBDA_TO_REVIVE");
    }
}

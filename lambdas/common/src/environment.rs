//! Environment variables, read with errors that name them.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use parsebook_adapters::secret_source::SecretSource;
use secrecy::SecretString;

/// A setting that is missing, malformed or contradictory: the program does not start. Never holds a secret's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}")]
pub struct ConfigError {
    /// The variable.
    pub variable: String,
    /// What is wrong with it.
    pub problem: String,
}

impl ConfigError {
    /// An error about `variable`.
    pub fn new(variable: &str, problem: impl Display) -> Self {
        Self { variable: variable.to_owned(), problem: problem.to_string() }
    }
}

/// The environment variables of the process. A variable that is empty counts as absent, as templates write it.
#[derive(Clone)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// Those of this process. Variables that are not UTF-8 count as absent.
    pub fn of_process() -> Self {
        Self::from_iter(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    fn get(&self, variable: &str) -> Option<&str> {
        self.variables.get(variable).map(String::as_str).filter(|value| !value.trim().is_empty())
    }

    /// Whether the variable is there, be it empty.
    pub fn is_set(&self, variable: &str) -> bool {
        self.variables.contains_key(variable)
    }

    /// A text, if it is there.
    pub fn optional(&self, variable: &str) -> Option<String> {
        self.get(variable).map(str::to_owned)
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// When it is absent or empty.
    pub fn required(&self, variable: &str) -> Result<String, ConfigError> {
        self.optional(variable).ok_or_else(|| ConfigError::new(variable, "is not set"))
    }

    /// A value of type `T`, or `default` when the variable is absent.
    ///
    /// # Errors
    /// When it is there and malformed.
    pub fn parsed<T: FromStr<Err: Display>>(&self, variable: &str, default: T) -> Result<T, ConfigError> {
        match self.get(variable) {
            Some(text) => parse(variable, text),
            None => Ok(default),
        }
    }

    /// A value of type `T` that must be there.
    ///
    /// # Errors
    /// When it is absent or malformed.
    pub fn required_parsed<T: FromStr<Err: Display>>(&self, variable: &str) -> Result<T, ConfigError> {
        parse(variable, &self.required(variable)?)
    }

    /// A positive number, or `default`.
    ///
    /// # Errors
    /// When it is there and not above zero.
    pub fn positive<T>(&self, variable: &str, default: T) -> Result<T, ConfigError>
    where
        T: FromStr<Err: Display> + PartialOrd + Default + Display,
    {
        let value: T = self.parsed(variable, default)?;
        // `NaN > 0` is false too.
        if value > T::default() {
            Ok(value)
        } else {
            Err(ConfigError::new(variable, format!("{value} is not above 0")))
        }
    }

    /// A secret: in the variable, or in the SSM parameter that `<variable>_PARAMETER` names.
    ///
    /// # Errors
    /// When both are there.
    pub fn secret(&self, variable: &str) -> Result<Option<SecretSource>, ConfigError> {
        let other = format!("{variable}_PARAMETER");
        match (self.get(variable), self.get(&other)) {
            (Some(_), Some(_)) => {
                Err(ConfigError::new(variable, format!("{other} is set too: exactly one of the two")))
            }
            (Some(value), None) => Ok(Some(SecretSource::Value(SecretString::from(value)))),
            (None, Some(name)) => Ok(Some(SecretSource::Parameter { variable: other, name: name.to_owned() })),
            (None, None) => Ok(None),
        }
    }

    /// A secret that must be there.
    ///
    /// # Errors
    /// When both forms are there, or none.
    pub fn required_secret(&self, variable: &str) -> Result<SecretSource, ConfigError> {
        let missing = || ConfigError::new(variable, format!("is not set, and neither is {variable}_PARAMETER"));
        self.secret(variable)?.ok_or_else(missing)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self { variables: variables.into_iter().collect() }
    }
}

fn parse<T: FromStr<Err: Display>>(variable: &str, text: &str) -> Result<T, ConfigError> {
    text.trim().parse().map_err(|error| ConfigError::new(variable, format!("{text:?}: {error}")))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_wrong_names_the_variable() {
        let environment = environment(&[("N", "many"), ("ZERO", "0"), ("NAN", "NaN"), ("EMPTY", " ")]);
        for (error, said) in [
            (environment.parsed::<u32>("N", 1).unwrap_err(), "N: \"many\""),
            (environment.positive::<u32>("ZERO", 1).unwrap_err(), "ZERO: 0 is not above 0"),
            (environment.positive::<f64>("NAN", 1.0).unwrap_err(), "NAN: NaN is not above 0"),
            (environment.required("EMPTY").unwrap_err(), "EMPTY: is not set"),
            (environment.required_secret("MONGODB_URI").unwrap_err(), "MONGODB_URI: is not set, and neither"),
        ] {
            assert!(error.to_string().starts_with(said), "{error}");
        }
        assert_eq!(environment.positive("ABSENT", 24_u32), Ok(24));
    }

    #[test]
    fn a_secret_stands_in_one_place_and_shows_in_none() {
        let both = environment(&[("GIT_TOKEN", "hush"), ("GIT_TOKEN_PARAMETER", "/p")]);
        let error = both.secret("GIT_TOKEN").unwrap_err().to_string();
        assert!(error.contains("GIT_TOKEN_PARAMETER") && !error.contains("hush"), "{error}");
        let value =
            environment(&[("GIT_TOKEN", "hush"), ("GIT_TOKEN_PARAMETER", "")]).required_secret("GIT_TOKEN").unwrap();
        assert!(!format!("{value:?}").contains("hush"));
        assert!(matches!(value, SecretSource::Value(value) if value.expose_secret() == "hush"));
        let named = environment(&[("GIT_TOKEN_PARAMETER", "/p")]).secret("GIT_TOKEN").unwrap().unwrap();
        assert!(matches!(named, SecretSource::Parameter { name, .. } if name == "/p"));
    }
}

//! Environment variables, read with errors that name them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Display;
use std::ops::{Bound, RangeBounds};
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use crate::text::shown;

/// A setting that is missing, malformed or contradictory: the program does not start. Never holds a secret's value.
#[derive(Debug, Clone, PartialEq, Eq)]
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

impl Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.variable, self.problem)
    }
}

impl std::error::Error for ConfigError {}

/// Where a secret is, before anyone has read it. `Debug` shows no value.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// In the variable itself.
    Value(SecretString),
    /// In the SSM SecureString of this name.
    Parameter {
        /// The variable that names the parameter, for messages.
        variable: String,
        /// The parameter's name or ARN.
        name: String,
    },
}

/// A value without the white space around it; `None` when nothing is left.
///
/// # Errors
/// Names `variable` when a line break is left inside: two lines were pasted where one belongs.
pub fn clean<'a>(variable: &str, value: &'a str) -> Result<Option<&'a str>, ConfigError> {
    let value = value.trim();
    if value.contains(['\n', '\r']) {
        return Err(ConfigError::new(variable, "holds a line break"));
    }
    Ok(Some(value).filter(|value| !value.is_empty()))
}

/// The directives of a log filter such as `warn, hyper=debug`, as loggers read them: in small letters, without white space,
/// empty ones left out. `None` where nothing is left, and for what they have no meaning for: spans and fields.
pub fn log_directives(value: &str) -> Option<String> {
    let directives: Vec<String> =
        value.split(',').map(|directive| directive.trim().to_lowercase()).filter(|text| !text.is_empty()).collect();
    let is_understood = !directives.is_empty() && directives.iter().all(|directive| !directive.contains('['));
    is_understood.then(|| directives.join(","))
}

/// Ten years: no pause or look back is meant to be longer, and sums of moments stay within any calendar.
const MOST_HOURS: u32 = 87_600;

/// Environment variables. White space around a value is removed, and a blank value counts as a missing one.
#[derive(Debug, Clone)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    /// Each variable that was read, and its default.
    #[cfg(test)]
    pub(super) read: std::cell::RefCell<BTreeMap<String, Option<String>>>,
}

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        std::env::vars_os().collect()
    }

    /// Whether the variable is there, even if blank.
    pub fn is_set(&self, variable: &str) -> bool {
        self.variables.contains_key(OsString::from(variable).as_os_str())
    }

    fn get(&self, variable: &str, default: Option<&dyn Display>) -> Result<Option<&str>, ConfigError> {
        #[cfg(test)]
        self.read.borrow_mut().insert(variable.to_owned(), default.map(ToString::to_string));
        #[cfg(not(test))]
        let _ = default;
        match self.variables.get(OsString::from(variable).as_os_str()) {
            Some(value) => {
                let value = value.to_str().ok_or_else(|| ConfigError::new(variable, "is not UTF-8"))?;
                clean(variable, value)
            }
            None => Ok(None),
        }
    }

    /// A text, if there is one.
    ///
    /// # Errors
    /// When it holds a line break or is not UTF-8, as for every method here.
    pub fn optional(&self, variable: &str) -> Result<Option<String>, ConfigError> {
        Ok(self.get(variable, None)?.map(str::to_owned))
    }

    /// A text, or `default`.
    ///
    /// # Errors
    /// As [`Self::optional`].
    pub fn text(&self, variable: &str, default: &str) -> Result<String, ConfigError> {
        Ok(self.get(variable, Some(&default))?.unwrap_or(default).to_owned())
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// When it is missing.
    pub fn required(&self, variable: &str) -> Result<String, ConfigError> {
        self.optional(variable)?.ok_or_else(|| ConfigError::new(variable, "is not set"))
    }

    /// A whole number within `range`, or `default`.
    ///
    /// # Errors
    /// When it is no such number.
    pub fn number<T>(&self, variable: &str, default: T, range: impl RangeBounds<T>) -> Result<T, ConfigError>
    where
        T: FromStr<Err: Display> + PartialOrd + Display,
    {
        let Some(text) = self.get(variable, Some(&default))? else { return Ok(default) };
        let number: T =
            text.parse().map_err(|error| ConfigError::new(variable, format!("{}: {error}", shown(text))))?;
        match (range.start_bound(), range.end_bound()) {
            (Bound::Included(least), _) if number < *least => {
                Err(ConfigError::new(variable, format!("{number} is too small: at least {least}")))
            }
            (_, Bound::Included(most)) if number > *most => {
                Err(ConfigError::new(variable, format!("{number} is too large: at most {most}")))
            }
            _ => Ok(number),
        }
    }

    /// A number above 0, which need not be whole, or `default`; without a default it must be there.
    ///
    /// # Errors
    /// When it is missing or no such number.
    pub fn positive(&self, variable: &str, default: Option<f64>) -> Result<f64, ConfigError> {
        let text = self.get(variable, default.as_ref().map(|default| default as &dyn Display))?;
        let number = match (text, default) {
            (Some(text), _) => {
                text.parse().map_err(|error| ConfigError::new(variable, format!("{}: {error}", shown(text))))?
            }
            (None, Some(default)) => default,
            (None, None) => return Err(ConfigError::new(variable, "is not set")),
        };
        if number > 0.0 && f64::is_finite(number) {
            Ok(number)
        } else {
            Err(ConfigError::new(variable, format!("{number} is not a number above 0")))
        }
    }

    /// Whole hours, at least `least` and at most ten years.
    ///
    /// # Errors
    /// As [`Self::number`].
    pub fn hours(&self, variable: &str, default: u32, least: u32) -> Result<Duration, ConfigError> {
        Ok(Duration::from_secs(u64::from(self.number(variable, default, least..=MOST_HOURS)?) * 3600))
    }

    /// A secret: in the variable, or in the SSM parameter that `<variable>_PARAMETER` names.
    ///
    /// # Errors
    /// When both are there.
    pub fn secret(&self, variable: &str) -> Result<Option<SecretSource>, ConfigError> {
        let other = format!("{variable}_PARAMETER");
        match (self.get(variable, None)?, self.get(&other, None)?) {
            (Some(_), Some(_)) => {
                Err(ConfigError::new(variable, format!("{other} is set too: exactly one of the two")))
            }
            (Some(value), None) => Ok(Some(SecretSource::Value(SecretString::from(value)))),
            (None, Some(name)) => Ok(Some(SecretSource::Parameter { name: name.to_owned(), variable: other })),
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

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self {
            variables: variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            #[cfg(test)]
            read: std::cell::RefCell::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn directives_of_a_log_filter_may_be_written_with_white_space() {
        assert_eq!(log_directives(" WARN ,\n hyper=Debug,").as_deref(), Some("warn,hyper=debug"));
        assert_eq!(
            [log_directives(" ,\n"), log_directives(""), log_directives("parsebook[span]=debug")],
            [const { None }; 3]
        );
    }

    #[test]
    fn what_is_wrong_names_the_variable() {
        let environment = Environment::from_iter([
            ("N", "many"),
            ("ZERO", "0"),
            ("AGE", "87601"),
            ("NAN", "NaN"),
            ("BLANK", " \n"),
            ("TWO", "a\nb"),
        ]);
        for (error, said) in [
            (environment.number::<u32>("N", 1, 1..).unwrap_err(), "N: \"many\""),
            (environment.number::<u32>("ZERO", 24, 1..).unwrap_err(), "ZERO: 0 is too small: at least 1"),
            (environment.hours("AGE", 24, 1).unwrap_err(), "AGE: 87601 is too large: at most 87600"),
            (environment.positive("NAN", Some(1.0)).unwrap_err(), "NAN: NaN is not a number above 0"),
            (environment.positive("ABSENT", None).unwrap_err(), "ABSENT: is not set"),
            (environment.required("BLANK").unwrap_err(), "BLANK: is not set"),
            (environment.text("TWO", "a").unwrap_err(), "TWO: holds a line break"),
            (environment.required_secret("MONGODB_URI").unwrap_err(), "MONGODB_URI: is not set, and neither"),
        ] {
            assert!(error.to_string().starts_with(said), "{error}");
        }
        assert_eq!(environment.number("ABSENT", 24_u32, 1..), Ok(24));
    }

    #[test]
    fn white_space_around_a_value_is_removed() {
        let environment =
            Environment::from_iter([("MONGODB_DATABASE", "wcl\n"), ("N", " 7\r\n"), ("MONGODB_URI", " u ")]);
        assert_eq!(environment.required("MONGODB_DATABASE").as_deref(), Ok("wcl"));
        assert_eq!(environment.number("N", 1, 1..), Ok(7));
        let secret = environment.required_secret("MONGODB_URI").unwrap();
        assert!(matches!(secret, SecretSource::Value(value) if value.expose_secret() == "u"));
    }

    #[test]
    fn a_secret_stands_in_one_place_and_shows_in_none() {
        let both = Environment::from_iter([("GIT_TOKEN", "hush"), ("GIT_TOKEN_PARAMETER", "/p")]);
        let error = both.secret("GIT_TOKEN").unwrap_err().to_string();
        assert!(error.contains("GIT_TOKEN_PARAMETER") && !error.contains("hush"), "{error}");
        let broken = Environment::from_iter([("GIT_TOKEN", "hu\nsh")]).secret("GIT_TOKEN").unwrap_err().to_string();
        assert!(broken.starts_with("GIT_TOKEN: ") && !broken.contains("hu\n"), "{broken}");
        let blank = Environment::from_iter([("GIT_TOKEN", "hush"), ("GIT_TOKEN_PARAMETER", "")]);
        let value = blank.required_secret("GIT_TOKEN").unwrap();
        assert!(!format!("{value:?}").contains("hush"));
        let named = Environment::from_iter([("GIT_TOKEN_PARAMETER", "/p")]).secret("GIT_TOKEN").unwrap().unwrap();
        assert!(matches!(named, SecretSource::Parameter { name, .. } if name == "/p"));
    }
}

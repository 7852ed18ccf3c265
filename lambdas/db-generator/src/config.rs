//! The variables of db-generator.

use parsebook_adapters::addon_repo::History;
use parsebook_adapters::secret_source::SecretSource;
use parsebook_core::generate::AddonMeta;
use parsebook_lambda::settings::{StoreSettings, WclSettings};
use parsebook_lambda::{ConfigError, Environment};

/// WCL's compact names, in the order in which they are published.
const REGIONS: &str = "US,EU,KR,TW,CN";

/// Everything db-generator is told from outside.
#[derive(Debug, Clone)]
pub struct Config {
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
    /// `REGIONS`: default `US,EU,KR,TW,CN`.
    pub regions: Vec<String>,
    /// `ADDON_INTERFACE`, `ADDON_CURSE_ID`, `ADDON_WAGO_ID`, `ADDON_WOWI_ID`.
    pub addon: AddonMeta,
}

impl Config {
    /// Reads them.
    ///
    /// # Errors
    /// Names the variable that is missing, malformed or contradictory.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let url = environment.required("GIT_REPOSITORY_URL")?;
        let token = environment.secret("GIT_TOKEN")?;
        if url.split_once("://").is_some_and(|(_, rest)| rest.split('/').next().is_some_and(|host| host.contains('@')))
        {
            return Err(ConfigError::new("GIT_REPOSITORY_URL", "holds a login: put the token into GIT_TOKEN"));
        }
        if url.starts_with("https://") && token.is_none() {
            return Err(ConfigError::new(
                "GIT_TOKEN",
                "is not set, and neither is GIT_TOKEN_PARAMETER: https needs one",
            ));
        }
        let history = environment.optional("GIT_HISTORY").map_or(Ok(History::default()), |text| text.trim().parse());
        let history = history.map_err(|error| ConfigError::new("GIT_HISTORY", error))?;
        let regions = environment.optional("REGIONS").unwrap_or_else(|| REGIONS.to_owned());
        let regions = regions.split(',').map(|region| region.trim().to_owned()).collect();
        Ok(Self {
            store: StoreSettings::read(environment)?,
            wcl: WclSettings::with_keys(environment)?,
            url,
            branch: environment.optional("GIT_BRANCH").unwrap_or_else(|| "main".to_owned()),
            token,
            history,
            regions: checked_regions(regions).map_err(|problem| ConfigError::new("REGIONS", problem))?,
            addon: AddonMeta::read(|name| environment.optional(name))
                .map_err(|error| ConfigError::new(error.variable, error.problem))?,
        })
    }
}

/// Regions, if each is a name that a folder can carry: two letters in capitals.
pub fn checked_regions(regions: Vec<String>) -> Result<Vec<String>, String> {
    match regions.iter().find(|region| region.len() != 2 || !region.bytes().all(|byte| byte.is_ascii_uppercase())) {
        Some(bad) => Err(format!("{bad:?} is no region: {REGIONS}")),
        None if regions.is_empty() => Err("names no region".to_owned()),
        None => Ok(regions),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let always = [("MONGODB_URI", "mongodb://h"), ("WCL_API_KEYS", "[]")];
        let variables = always.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::read(&variables.collect())
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let config = read(&[("GIT_REPOSITORY_URL", "file:///addon.git")]).unwrap();
        assert_eq!((config.branch.as_str(), config.history), ("main", History::Append));
        assert_eq!(config.regions, ["US", "EU", "KR", "TW", "CN"]);
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
            (vec![url, ("GIT_TOKEN", "t"), ("ADDON_INTERFACE", "12.1")], "ADDON_INTERFACE"),
        ] {
            let error = read(&variables).unwrap_err();
            assert_eq!(error.variable, named);
            assert!(!error.to_string().contains("hush"), "{error}");
        }
    }
}

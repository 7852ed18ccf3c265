//! Keys of the pool: their secret and their token.

use std::collections::BTreeSet;

use parsebook_core::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::points::Ledger;
use crate::settings::ConfigError;

/// One client of the API. Its secret shows in no `Debug` output.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// The name that logs and metrics use.
    pub name: String,
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: SecretString,
}

/// Parses `WCL_API_KEYS`: `[{"name":"main","clientId":"…","clientSecret":"…"}]`.
///
/// # Errors
/// Names the variable and what is wrong, never a value.
pub fn parse_keys(json: &str) -> Result<Vec<ApiKey>, ConfigError> {
    let wrong = |problem: String| Err(ConfigError::new("WCL_API_KEYS", problem));
    let keys: Vec<ApiKey> = match serde_json::from_str(json) {
        Ok(keys) => keys,
        // serde's message may quote the input, which holds secrets: only its place is told.
        Err(error) => {
            return wrong(format!(
                r#"is not JSON of the form [{{"name":"…","clientId":"…","clientSecret":"…"}}]: line {}, column {}"#,
                error.line(),
                error.column()
            ));
        }
    };
    if keys.is_empty() {
        return wrong("names no key".to_owned());
    }
    let mut names = BTreeSet::new();
    for (place, key) in keys.iter().enumerate() {
        // By its place: where the name belongs a secret may stand.
        let told = format!("key {} of the list", place + 1);
        if key.name.is_empty() {
            return wrong("holds a key without a name".to_owned());
        }
        if !names.insert(&key.name) {
            return wrong(format!("{told} has the name of another"));
        }
        if key.client_id.is_empty() || key.client_secret.expose_secret().is_empty() {
            return wrong(format!("{told} lacks clientId or clientSecret"));
        }
    }
    Ok(keys)
}

/// A key and what is known of it.
#[derive(Debug)]
pub struct KeyState {
    pub key: ApiKey,
    /// The token, refreshed by one caller at a time.
    pub token: tokio::sync::Mutex<Option<Token>>,
    /// Held while the points are asked for, so that several callers cost one point.
    pub refresh: tokio::sync::Mutex<()>,
    pub points: Ledger,
}

/// A bearer token.
#[derive(Debug, Clone)]
pub struct Token {
    pub secret: SecretString,
    pub expires_at: Timestamp,
}

impl KeyState {
    pub fn new(key: ApiKey) -> Self {
        Self {
            key,
            token: tokio::sync::Mutex::default(),
            refresh: tokio::sync::Mutex::default(),
            points: Ledger::default(),
        }
    }

    pub fn name(&self) -> &str {
        &self.key.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_show_in_no_output() {
        let keys = parse_keys(r#"[{"name":"main","clientId":"id","clientSecret":"hush"}]"#).unwrap();
        assert!(!format!("{keys:?}").contains("hush"));
        let error = parse_keys(r#"[{"name":"main","clientId":"id","clientSecret":"hush"}"#).unwrap_err();
        assert!(!format!("{error:?}").contains("hush") && format!("{error:#}").contains("WCL_API_KEYS"));
    }

    #[test]
    fn malformed_pools_are_named() {
        for (json, named) in [
            ("[]", "no key"),
            (r#"[{"name":"a","clientId":"","clientSecret":"s"}]"#, "key 1 of the list lacks"),
            (
                r#"[{"name":"a","clientId":"i","clientSecret":"s"},{"name":"a","clientId":"i","clientSecret":"s"}]"#,
                "key 2 of the list has the name of another",
            ),
        ] {
            let error = parse_keys(json).unwrap_err().to_string();
            assert!(error.contains("WCL_API_KEYS") && error.contains(named), "{error}");
        }
    }
}

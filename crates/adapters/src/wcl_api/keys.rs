//! Keys of the pool: their secret, their token, and the last reading of their points.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use parsebook_core::Timestamp;
use parsebook_core::ports::KeyPoints;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::settings::ConfigError;

/// One client of the API. Its secret shows in no `Debug` output.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
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
    for key in &keys {
        if key.name.is_empty() {
            return wrong("holds a key without a name".to_owned());
        }
        if !names.insert(&key.name) {
            return wrong(format!("names {:?} twice", key.name));
        }
        if key.client_id.is_empty() || key.client_secret.expose_secret().is_empty() {
            return wrong(format!("key {:?} lacks clientId or clientSecret", key.name));
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
    reading: Mutex<Option<Reading>>,
}

/// A bearer token.
#[derive(Debug, Clone)]
pub struct Token {
    pub secret: SecretString,
    pub expires_at: Timestamp,
}

/// How many points a key has, and when that was known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    pub limit_per_hour: f64,
    pub spent: f64,
    pub resets_at: Timestamp,
    pub read_at: Timestamp,
}

/// A reading this old is asked anew: others may have spent from the same key.
const FRESH_FOR: TimeDelta = TimeDelta::seconds(10);

/// Two readings whose resets differ by less are of the same hour: the reset is told in whole seconds.
const SAME_HOUR: TimeDelta = TimeDelta::seconds(3);

impl Reading {
    /// A key of which only the reset is known.
    pub fn exhausted(resets_at: Timestamp) -> Self {
        Self { limit_per_hour: 0.0, spent: 0.0, resets_at, read_at: resets_at }
    }

    /// The reading as a port's answer.
    pub fn of(&self, key: &str) -> KeyPoints {
        KeyPoints {
            key: key.to_owned(),
            limit_per_hour: self.limit_per_hour,
            remaining: (self.limit_per_hour - self.spent).max(0.0),
            resets_at: self.resets_at,
        }
    }
}

impl KeyState {
    pub fn new(key: ApiKey) -> Self {
        Self {
            key,
            token: tokio::sync::Mutex::default(),
            refresh: tokio::sync::Mutex::default(),
            reading: Mutex::default(),
        }
    }

    pub fn name(&self) -> &str {
        &self.key.name
    }

    /// Keeps a reading. WCL tells what was spent before the request that carries it, so that request's `cost` is
    /// added. Readings of requests that ran side by side arrive in any order: within an hour the highest counts.
    pub fn record(&self, reading: Reading, cost: f64) {
        let mut stored = self.lock();
        let mut reading = Reading { spent: reading.spent + cost, ..reading };
        if let Some(before) = *stored
            && (before.resets_at - reading.resets_at).abs() < SAME_HOUR
            && before.limit_per_hour == reading.limit_per_hour
        {
            reading.spent = reading.spent.max(before.spent);
        }
        *stored = Some(reading);
    }

    /// Remembers that the API answered "no points" at `now`; the answer is when they come back.
    pub fn record_exhausted(&self, now: Timestamp, retry_after: TimeDelta) -> Timestamp {
        let mut stored = self.lock();
        let known = stored.filter(|reading| reading.resets_at > now);
        // Retry-After was seen to be wrong; the hour's end is what the API itself told with the last reading.
        let resets_at = known.map_or(now + retry_after.min(TimeDelta::hours(1)), |reading| reading.resets_at);
        let limit_per_hour = stored.map_or(0.0, |reading| reading.limit_per_hour);
        *stored = Some(Reading { limit_per_hour, spent: limit_per_hour, resets_at, read_at: now });
        resets_at
    }

    /// The last reading, if it can still be trusted at `now`.
    pub fn fresh_reading(&self, now: Timestamp) -> Option<Reading> {
        let reading = (*self.lock())?;
        let used_up = reading.spent >= reading.limit_per_hour;
        // A key that was used up stays so until its reset, however long ago that was read.
        (now < reading.resets_at && (used_up || now - reading.read_at < FRESH_FOR)).then_some(reading)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Reading>> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
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
            (r#"[{"name":"a","clientId":"","clientSecret":"s"}]"#, "\"a\" lacks"),
            (
                r#"[{"name":"a","clientId":"i","clientSecret":"s"},{"name":"a","clientId":"i","clientSecret":"s"}]"#,
                "twice",
            ),
        ] {
            let error = parse_keys(json).unwrap_err().to_string();
            assert!(error.contains("WCL_API_KEYS") && error.contains(named), "{error}");
        }
    }

    fn key() -> KeyState {
        KeyState::new(parse_keys(r#"[{"name":"main","clientId":"id","clientSecret":"s"}]"#).unwrap().remove(0))
    }

    #[test]
    fn a_reading_counts_the_request_it_came_with_and_ages() {
        let key = key();
        let now = Timestamp::UNIX_EPOCH;
        let reading =
            Reading { limit_per_hour: 3600.0, spent: 100.0, resets_at: now + TimeDelta::minutes(10), read_at: now };
        key.record(reading, 16.0);
        assert_eq!(key.fresh_reading(now).unwrap().of("main").remaining, 3484.0);
        key.record(Reading { spent: 90.0, ..reading }, 16.0);
        assert_eq!(key.fresh_reading(now).unwrap().spent, 116.0, "a late reading does not give points back");
        assert_eq!(key.fresh_reading(now + FRESH_FOR), None);
    }

    #[test]
    fn a_key_that_is_used_up_stays_so_until_its_reset() {
        let key = key();
        let now = Timestamp::UNIX_EPOCH;
        let resets_at = now + TimeDelta::minutes(10);
        key.record(Reading { limit_per_hour: 3600.0, spent: 3590.0, resets_at, read_at: now }, 0.0);
        assert_eq!(key.record_exhausted(now, TimeDelta::seconds(1036)), resets_at);
        assert_eq!(key.fresh_reading(now + TimeDelta::minutes(9)).unwrap().of("main").remaining, 0.0);
        assert_eq!(key.fresh_reading(resets_at), None);
    }
}

//! The Warcraft Logs API: a pool of keys, points, and the questions parsebook asks.
//!
//! One request carries many characters or reports by aliases, and the points reading with them, where it costs nothing.
//! Whatever comes back, only the smallest part that cannot be understood is left out, by name; what is wrong with every
//! answer stops.

mod calibrate;
mod classes;
mod failure;
mod json;
mod keys;
mod pieces;
mod players;
mod points;
mod probe;
mod question;
mod reply;
mod reports;
#[cfg(test)]
mod tests;
mod token;
mod transport;
mod zone;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use parsebook_core::Timestamp;
use parsebook_core::ports::{ApiError, Clock, KeyPoints, KeyPool};
use reqwest::Client;
use secrecy::ExposeSecret;
use url::Url;

pub use self::calibrate::{Calibrated, Call, FreshKill};
use self::failure::{Failure, OnTimeout};
use self::keys::KeyState;
pub use self::keys::{ApiKey, parse_keys};
use self::points::Reading;
pub use self::probe::server_time;
use self::question::Question;
use crate::guard::Guard;
use crate::http;

/// The API behind `WCL_URL`.
#[derive(Debug)]
pub struct WclApi<C> {
    client: Client,
    base: Url,
    keys: Vec<KeyState>,
    clock: C,
    stamp: Option<Timestamp>,
    /// The pool's secrets and their tokens: no line that leaves this module holds a piece of one.
    guard: Guard,
}

impl<C: Clock> WclApi<C> {
    /// The API at `base`, asked as `user_agent` with `keys`.
    ///
    /// # Errors
    /// When `base` or `user_agent` is malformed.
    pub fn new(base: &str, user_agent: &str, keys: Vec<ApiKey>, clock: C) -> anyhow::Result<Self> {
        let guard = Guard::new("a login of WCL_API_KEYS");
        for key in &keys {
            let secret = key.client_secret.expose_secret();
            guard.add(secret);
            guard.add(&STANDARD_NO_PAD.encode(format!("{}:{secret}", key.client_id)));
        }
        let keys = keys.into_iter().map(KeyState::new).collect();
        Ok(Self { client: http::client(user_agent)?, base: http::base_url(base)?, keys, clock, stamp: None, guard })
    }

    /// Dates every rank `stamp` instead of the moment it was read: the same answers then make the same files.
    #[must_use]
    pub fn stamping(mut self, stamp: Option<Timestamp>) -> Self {
        self.stamp = stamp;
        self
    }

    fn key(&self, name: &str) -> Result<&KeyState, ApiError> {
        self.keys
            .iter()
            .find(|key| key.name() == name)
            .ok_or_else(|| ApiError::Failed(anyhow::anyhow!("no key is named {name:?}")))
    }

    /// The first key with `points` left.
    async fn key_for(&self, points: f64) -> Result<&KeyState, ApiError> {
        let readings = KeyPool::points(self).await?;
        match readings.iter().find(|key| key.remaining >= points) {
            Some(reading) => self.key(&reading.key),
            None => Err(ApiError::PointsExhausted {
                resets_at: readings.iter().map(|key| key.resets_at).min().unwrap_or_else(|| self.clock.now()),
            }),
        }
    }
}

impl<C: Clock> KeyPool for WclApi<C> {
    async fn points(&self) -> Result<Vec<KeyPoints>, ApiError> {
        let mut readings = Vec::with_capacity(self.keys.len());
        let mut failures = Vec::new();
        for key in &self.keys {
            match self.reading(key).await {
                Ok(reading) => readings.push(reading.of(key.name())),
                Err(ApiError::PointsExhausted { resets_at }) => {
                    let known = key.points.fresh(self.clock.now()).unwrap_or_else(|| Reading::exhausted(resets_at));
                    readings.push(known.of(key.name()));
                }
                // The refusal is meant for this program, not for a key: no other key is tried.
                Err(error @ ApiError::Refused(_)) => return Err(error),
                Err(error) => failures.push((key.name(), error)),
            }
        }
        // Who asks tells of the one that is returned.
        let returned = (readings.is_empty() && !failures.is_empty()).then(|| failures.remove(0).1);
        for (key, error) in failures {
            tracing::error!(key, %error, "key left out");
        }
        match returned {
            Some(failure) => Err(failure),
            None if readings.is_empty() => Err(ApiError::Failed(anyhow::anyhow!("WCL_API_KEYS names no key"))),
            None => Ok(readings),
        }
    }
}

impl<C: Clock> WclApi<C> {
    /// What the key has: a fresh reading if there is one, else the API's answer (1 point).
    async fn reading(&self, key: &KeyState) -> Result<Reading, ApiError> {
        let _one_at_a_time = key.refresh.lock().await;
        if let Some(reading) = key.points.fresh(self.clock.now()) {
            return Ok(reading);
        }
        let question = Question::points();
        let (body, _) = self.ask(key, &question, OnTimeout::Retry).await.map_err(Failure::into_api_error)?;
        key.points.fresh(self.clock.now()).ok_or_else(|| {
            let said = body.first_error().unwrap_or_else(|| "no rateLimitData".to_owned());
            ApiError::Failed(anyhow::anyhow!("no points reading for key {:?}: {}", key.name(), self.guard.quote(&said)))
        })
    }
}

//! A key's bearer token.

use anyhow::anyhow;
use chrono::TimeDelta;
use parsebook_core::ports::{ApiError, Clock};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::WclApi;
use super::keys::{KeyState, Token};
use super::reply;
use super::transport::{Attempt, read};

/// Why a token is refused (RFC 6749, section 5.2).
const CODES: [&str; 6] = [
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
];
/// A token is renewed this long before it expires.
const MARGIN: TimeDelta = TimeDelta::minutes(1);

impl<C: Clock> WclApi<C> {
    /// The key's token, fetched by one caller at a time.
    pub(super) async fn token(&self, key: &KeyState) -> Result<SecretString, Attempt> {
        let mut stored = key.token.lock().await;
        if let Some(token) = stored.as_ref().filter(|token| self.clock.now() < token.expires_at) {
            return Ok(token.secret.clone());
        }
        #[derive(Deserialize)]
        struct Granted {
            access_token: SecretString,
            expires_in: u32,
        }
        let sent = self
            .client
            .post(self.endpoint("oauth/token"))
            .basic_auth(&key.key.client_id, Some(key.key.client_secret.expose_secret()))
            .form(&[("grant_type", "client_credentials")])
            .send()
            .await;
        let (head, text) = read(sent).await.map_err(|error| Attempt::Transient(error.context("asking for a token")))?;
        if let Some(attempt) = self.refused_or_limited(key, &head, &text) {
            return Err(attempt);
        }
        if head.status.is_server_error() {
            return Err(Attempt::Transient(anyhow!("the token endpoint answered HTTP {}", head.status)));
        }
        if !head.status.is_success() {
            // Only what RFC 6749 names is repeated: a server may put what was sent to it into the body.
            let told = CODES.into_iter().find(|code| text.contains(code)).unwrap_or("no known reason");
            let reason = format!("HTTP {}: {told}", head.status.as_u16());
            let error = ApiError::BadKey { key: key.name().to_owned(), reason };
            return Err(Attempt::Failed(error.into()));
        }
        let answer = reply::json_in(&text).unwrap_or_default();
        match reply::status_in(&answer) {
            Some(StatusCode::TOO_MANY_REQUESTS) => return Err(self.limited(key, &head)),
            Some(status) if status.is_server_error() => {
                return Err(Attempt::Transient(anyhow!("the token endpoint tells of HTTP {status}")));
            }
            _ => {}
        }
        let granted = serde_json::from_value::<Granted>(answer).map_err(|_| {
            // Not quoted: it may hold a token.
            Attempt::Transient(anyhow!("the token endpoint's answer of {} bytes is not a token", text.len()))
        })?;
        self.guard.add(granted.access_token.expose_secret());
        let lifetime = TimeDelta::seconds(i64::from(granted.expires_in));
        let expires_at = self.clock.now() + lifetime - MARGIN.min(lifetime / 2);
        *stored = Some(Token { secret: granted.access_token.clone(), expires_at });
        Ok(granted.access_token)
    }
}

//! Asks the API one question: token, retries, both limiters, and bodies that are not what they say.

use std::time::Duration;

use anyhow::{Context, anyhow};
use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::TimeDelta;
use parsebook_core::ports::{ApiError, Clock};
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::WclApi;
use super::keys::{KeyState, Reading, Token};
use crate::http;
use crate::text::excerpt;

/// The sentence that WCL writes into the body for a character without a class.
pub const NO_CLASS: &str = "No class set for this character";
/// A token is renewed this long before it expires.
const TOKEN_MARGIN: TimeDelta = TimeDelta::minutes(1);
/// A `Retry-After` up to this is the limiter of requests; a longer one means points, and is not to be believed.
const LONGEST_BURST: Duration = Duration::from_secs(60);
/// The largest answer is some hundred KB.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Bursts waited for before giving up on a question.
const BURSTS: u32 = 5;

/// An answer that could be read.
#[derive(Debug, Default)]
pub struct Body {
    /// GraphQL's `data`; null where there is none.
    pub data: Value,
    /// GraphQL's `errors`.
    pub errors: Vec<Value>,
    /// Whether [`NO_CLASS`] stood around the JSON.
    pub says_no_class: bool,
}

impl Body {
    /// The message of the first entry of `errors`.
    pub fn first_error(&self) -> Option<String> {
        self.errors.first().map(message_of)
    }

    /// The first error, if there is no data at all.
    pub fn whole_failure(&self) -> Option<String> {
        if self.data.get("characterData").is_some_and(|data| !data.is_null()) {
            return None;
        }
        Some(self.first_error().unwrap_or_else(|| "an answer without data".to_owned()))
    }
}

/// The `message` of an entry of `errors`.
pub fn message_of(error: &Value) -> String {
    error.get("message").and_then(Value::as_str).unwrap_or("an error without a message").to_owned()
}

/// Why a question has no readable answer.
#[derive(Debug)]
pub enum Failure {
    /// As a port tells it.
    Api(ApiError),
    /// No answer after retries: the gateway, the network, or one of the things asked for takes too long.
    Unanswered(anyhow::Error),
    /// The body is no JSON although the API answered: one of the things asked for spoiled it, or they were too many.
    /// Holds the body.
    Spoiled(String),
}

impl Failure {
    /// For questions that cannot be cut smaller.
    pub fn into_api_error(self) -> ApiError {
        match self {
            Self::Api(error) => error,
            Self::Unanswered(error) => ApiError::Failed(error),
            Self::Spoiled(body) => ApiError::Failed(anyhow!("the API's answer is not JSON: {}", excerpt(&body))),
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// What follows when no answer comes in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slow {
    /// The question is asked again.
    Again,
    /// It is given up at once: it takes too long each time, but its parts may not.
    CutSmaller,
}

/// What one attempt came to.
enum Attempt {
    Body(Body),
    /// Try again after this long: the limiter of requests.
    Burst(Duration),
    /// Try again: the token was not accepted.
    NewToken,
    /// Try again: gateway or network.
    Transient(anyhow::Error),
    /// No answer in time: as [`Slow`] says.
    TimedOut(anyhow::Error),
    /// Try again: an error inside the API, which one of the things asked for may cause each time. Holds the body.
    Internal(String),
    Failed(Failure),
}

impl<C: Clock> WclApi<C> {
    /// Asks `query` with `key`; `cost` is what it is expected to cost.
    pub(super) async fn ask(&self, key: &KeyState, query: &str, cost: f64, slow: Slow) -> Result<Body, Failure> {
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(500))
            .with_max_times(3)
            .with_jitter()
            .build();
        let mut bursts = 0;
        let mut renewed = false;
        loop {
            match self.attempt(key, query, cost).await {
                Attempt::Body(body) => return Ok(body),
                Attempt::Failed(failure) => return Err(failure),
                Attempt::Burst(wait) if bursts < BURSTS => {
                    bursts += 1;
                    tracing::warn!(key = key.name(), seconds = wait.as_secs(), "too many requests, waiting");
                    self.clock.sleep(wait).await;
                }
                Attempt::Burst(_) => return Err(ApiError::Failed(anyhow!("too many requests, {BURSTS} times")).into()),
                Attempt::NewToken if !renewed => {
                    renewed = true;
                    *key.token.lock().await = None;
                }
                Attempt::NewToken => {
                    let reason = "Unauthenticated, also with a new token".to_owned();
                    return Err(ApiError::BadKey { key: key.name().to_owned(), reason }.into());
                }
                Attempt::TimedOut(error) if slow == Slow::CutSmaller => return Err(Failure::Unanswered(error)),
                Attempt::Transient(error) | Attempt::TimedOut(error) => match waits.next() {
                    Some(wait) => self.wait_to_retry(key, wait, &format!("{error:#}")).await,
                    None => return Err(Failure::Unanswered(error)),
                },
                Attempt::Internal(body) => match waits.next() {
                    Some(wait) => self.wait_to_retry(key, wait, excerpt(&body).as_str()).await,
                    None => return Err(Failure::Spoiled(body)),
                },
            }
        }
    }

    async fn wait_to_retry(&self, key: &KeyState, wait: Duration, error: &str) {
        tracing::warn!(key = key.name(), error, "asking the API again");
        self.clock.sleep(wait).await;
    }

    async fn attempt(&self, key: &KeyState, query: &str, cost: f64) -> Attempt {
        let token = match self.token(key).await {
            Ok(token) => token,
            Err(attempt) => return attempt,
        };
        let sent = self
            .client
            .post(self.endpoint("api/v2/client"))
            .bearer_auth(token.expose_secret())
            .json(&json!({ "query": query }))
            .send()
            .await;
        let (head, text) = match read(sent).await {
            Ok(read) => read,
            Err(error) => {
                let is_slow = |error: &reqwest::Error| error.is_timeout() && !error.is_connect();
                let is_slow = error.downcast_ref().is_some_and(is_slow);
                let error = error.context("asking the API");
                return if is_slow { Attempt::TimedOut(error) } else { Attempt::Transient(error) };
            }
        };
        if head.status == StatusCode::PAYLOAD_TOO_LARGE {
            return Attempt::Failed(Failure::Spoiled(text));
        }
        if let Some(attempt) = self.refused_or_limited(key, &head, &text) {
            return attempt;
        }
        match head.status {
            StatusCode::UNAUTHORIZED => Attempt::NewToken,
            StatusCode::INTERNAL_SERVER_ERROR => Attempt::Internal(text),
            status if status.is_server_error() => {
                Attempt::Transient(anyhow!("the API answered HTTP {status}: {}", excerpt(&text)))
            }
            _ => self.read_body(key, text, cost),
        }
    }

    fn read_body(&self, key: &KeyState, text: String, cost: f64) -> Attempt {
        let says_no_class = text.contains(NO_CLASS);
        let value =
            serde_json::from_str::<Value>(&text).ok().or_else(|| says_no_class.then(|| json_inside(&text)).flatten());
        let Some(value) = value else {
            return if looks_like_html(&text) {
                let reason = http::refusal_in_body(text.as_bytes()).unwrap_or("an HTML page in place of JSON");
                Attempt::Failed(ApiError::Refused(reason.to_owned()).into())
            } else {
                Attempt::Failed(Failure::Spoiled(text))
            };
        };
        if value.get("error").and_then(Value::as_str) == Some("Unauthenticated.") {
            return Attempt::NewToken;
        }
        if let Some(reading) = reading(&value, self.clock.now()) {
            key.record(reading, cost);
        }
        let errors = value.get("errors").and_then(Value::as_array).cloned().unwrap_or_default();
        let has_data = value.get("data").is_some();
        if !has_data && errors.is_empty() {
            let said = value.get("error").and_then(Value::as_str).unwrap_or(&text);
            return Attempt::Failed(ApiError::Failed(anyhow!("the API answered: {}", excerpt(said))).into());
        }
        let mut value = value;
        Attempt::Body(Body { data: value.get_mut("data").map(Value::take).unwrap_or_default(), errors, says_no_class })
    }

    /// Answers that stop or delay everything, on either endpoint. A refusal is looked for first: it may carry any status.
    fn refused_or_limited(&self, key: &KeyState, head: &Head, text: &str) -> Option<Attempt> {
        let in_body = || {
            let is_page = looks_like_html(text) && !text.contains(NO_CLASS);
            let reason = is_page.then(|| http::refusal_in_body(text.as_bytes()));
            match reason {
                Some(Some(reason)) => Some(format!("{reason} (HTTP {})", head.status.as_u16())),
                // A gateway tells its own failure in HTML, too.
                Some(None) if !head.status.is_server_error() => {
                    Some(format!("an HTML page in place of JSON (HTTP {})", head.status.as_u16()))
                }
                Some(None) | None => None,
            }
        };
        let forbidden = || (head.status == StatusCode::FORBIDDEN).then(|| format!("HTTP {}", head.status));
        if let Some(reason) = head.refusal.clone().or_else(in_body).or_else(forbidden) {
            return Some(Attempt::Failed(ApiError::Refused(reason).into()));
        }
        if head.status != StatusCode::TOO_MANY_REQUESTS {
            return None;
        }
        let wait = head.retry_after.unwrap_or(LONGEST_BURST);
        if head.retry_after.is_some() && wait <= LONGEST_BURST {
            return Some(Attempt::Burst(wait.max(Duration::from_millis(500))));
        }
        let resets_at = key.record_exhausted(self.clock.now(), parsebook_core::rule::delta(wait));
        Some(Attempt::Failed(ApiError::PointsExhausted { resets_at }.into()))
    }

    /// The key's token, fetched by one caller at a time.
    async fn token(&self, key: &KeyState) -> Result<SecretString, Attempt> {
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
            // The body of a refused token request holds no secret of ours: RFC 6749 gives `error` and a description.
            let reason = format!("HTTP {}: {}", head.status.as_u16(), excerpt(&text));
            let error = ApiError::BadKey { key: key.name().to_owned(), reason };
            return Err(Attempt::Failed(error.into()));
        }
        let granted: Granted = serde_json::from_str(&text).map_err(|_| {
            // Not quoted: it may hold a token.
            Attempt::Transient(anyhow!("the token endpoint's answer of {} bytes is not a token", text.len()))
        })?;
        let lifetime = TimeDelta::seconds(i64::from(granted.expires_in));
        let margin = TOKEN_MARGIN.min(lifetime / 2);
        let expires_at = self.clock.now() + lifetime - margin;
        *stored = Some(Token { secret: granted.access_token.clone(), expires_at });
        Ok(granted.access_token)
    }

    fn endpoint(&self, path: &str) -> String {
        format!("{}/{path}", self.base.as_str().trim_end_matches('/'))
    }
}

/// What the head of an answer tells.
struct Head {
    status: StatusCode,
    retry_after: Option<Duration>,
    refusal: Option<String>,
}

async fn read(sent: reqwest::Result<reqwest::Response>) -> anyhow::Result<(Head, String)> {
    let mut response = sent.map_err(reqwest::Error::without_url)?;
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse().ok())
        .map(Duration::from_secs);
    let refusal = http::refusal_in_head(status, response.url(), response.headers());
    let body = http::read_body(&mut response, MAX_ANSWER_BYTES).await?;
    let text = String::from_utf8(body).context("the answer is not UTF-8")?;
    Ok((Head { status, retry_after, refusal }, text))
}

fn looks_like_html(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

/// The JSON object inside a body with text around it.
fn json_inside(text: &str) -> Option<Value> {
    let start = text.find('{')?;
    serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>().next()?.ok()
}

fn reading(answer: &Value, now: parsebook_core::Timestamp) -> Option<Reading> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct RateLimitData {
        limit_per_hour: f64,
        points_spent_this_hour: f64,
        points_reset_in: f64,
    }
    let data = answer.get("data")?.get("rateLimitData")?;
    let data = RateLimitData::deserialize(data).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "clamped to an hour")]
    let reset_in = TimeDelta::milliseconds((data.points_reset_in.clamp(0.0, 3600.0) * 1000.0) as i64);
    Some(Reading {
        limit_per_hour: data.limit_per_hour,
        spent: data.points_spent_this_hour,
        resets_at: now + reset_in,
        read_at: now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_found_in_a_poisoned_body() {
        let sentence = "No class set for this character. Click the Update button in the upper right.";
        let body = format!(r#"{sentence}{{"data":{{"a":1}}}}{sentence}"#);
        assert_eq!(json_inside(&body), Some(json!({"data": {"a": 1}})));
        assert_eq!(json_inside(sentence), None);
        assert_eq!(json_inside("{\"cut"), None);
    }
}

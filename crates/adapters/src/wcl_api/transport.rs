//! Asks the API one question: retries, both limiters, and bodies that are not what they say.

use std::time::Duration;

use anyhow::{Context, anyhow};
use backon::{BackoffBuilder, ExponentialBuilder};
use parsebook_core::ports::{ApiError, Clock};
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::WclApi;
use super::failure::{Failure, OnTimeout};
use super::keys::KeyState;
use super::points::{Reading, Receipt};
use super::question::Question;
use super::reply::{self, Body};
use crate::http;

/// A `Retry-After` up to this is the limiter of requests; a longer one means points.
const LONGEST_BURST: Duration = Duration::from_secs(60);
/// The limiter of requests is waited for no longer than this in all: the smallest caller has three minutes.
const LONGEST_WAIT: Duration = Duration::from_secs(90);
/// Most bytes of an answer. The largest we ask for has a few hundred KB; the smallest caller has 128 MB of memory.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// What one attempt came to.
pub enum Attempt {
    Body(Body, Option<Receipt>),
    /// Try again after this long: the limiter of requests.
    Burst(Duration),
    /// Try again: the token was not accepted.
    NewToken,
    /// Try again: gateway or network.
    Transient(anyhow::Error),
    /// No answer in time: as [`OnTimeout`] says.
    TimedOut(anyhow::Error),
    Failed(Failure),
}

impl<C: Clock> WclApi<C> {
    /// Asks `question` with `key`; the receipt belongs to the points in the answer.
    pub(super) async fn ask(
        &self,
        key: &KeyState,
        question: &Question,
        on_timeout: OnTimeout,
    ) -> Result<(Body, Option<Receipt>), Failure> {
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_secs(1))
            .with_max_times(4)
            .with_jitter()
            .build();
        let mut waited = Duration::ZERO;
        let mut renewed = false;
        loop {
            match self.attempt(key, question).await {
                Attempt::Body(body, receipt) => return Ok((body, receipt)),
                Attempt::Failed(failure @ Failure::Unusable { .. }) if on_timeout == OnTimeout::Retry => {
                    match waits.next() {
                        Some(wait) => self.wait(key, wait, "an answer that is not JSON").await,
                        None => return Err(failure),
                    }
                }
                Attempt::Failed(failure) => return Err(failure),
                Attempt::Burst(wait) if waited + wait <= LONGEST_WAIT => {
                    // Whoever says "at once" again and again is asked less and less often.
                    let wait = wait.max(waited / 4);
                    waited += wait;
                    tracing::warn!(key = key.name(), seconds = wait.as_secs(), "too many requests, waiting");
                    self.clock.sleep(wait).await;
                }
                Attempt::Burst(_) => return Err(self.doubt(key).into()),
                Attempt::NewToken if !renewed => {
                    renewed = true;
                    *key.token.lock().await = None;
                }
                Attempt::NewToken => {
                    let reason = "Unauthenticated, also with a new token".to_owned();
                    return Err(ApiError::BadKey { key: key.name().to_owned(), reason }.into());
                }
                Attempt::TimedOut(error) if on_timeout == OnTimeout::Split => return Err(Failure::Unanswered(error)),
                Attempt::Transient(error) | Attempt::TimedOut(error) => match waits.next() {
                    Some(wait) => self.wait(key, wait, &format!("{error:#}")).await,
                    None => return Err(Failure::Unanswered(error)),
                },
            }
        }
    }

    async fn wait(&self, key: &KeyState, wait: Duration, error: &str) {
        tracing::warn!(key = key.name(), error, "asking the API again");
        self.clock.sleep(wait).await;
    }

    async fn attempt(&self, key: &KeyState, question: &Question) -> Attempt {
        let token = match self.token(key).await {
            Ok(token) => token,
            Err(attempt) => return attempt,
        };
        let begun = key.points.count();
        let sent = self
            .client
            .post(self.endpoint("api/v2/client"))
            .bearer_auth(token.expose_secret())
            .json(&json!({ "query": question.query }))
            .send()
            .await;
        let (head, text) = match read(sent).await {
            Ok(read) => read,
            Err(error) if error.is::<http::TooLarge>() => return Attempt::Failed(Failure::TooLarge),
            Err(error) => {
                let is_slow = |error: &reqwest::Error| error.is_timeout() && !error.is_connect();
                let is_slow = error.downcast_ref().is_some_and(is_slow);
                let error = error.context("asking the API");
                return if is_slow { Attempt::TimedOut(error) } else { Attempt::Transient(error) };
            }
        };
        if head.status == StatusCode::PAYLOAD_TOO_LARGE {
            return Attempt::Failed(Failure::TooLarge);
        }
        if let Some(attempt) = self.refused_or_limited(key, &head, &text) {
            return attempt;
        }
        match head.status {
            StatusCode::UNAUTHORIZED => Attempt::NewToken,
            status if status.is_server_error() => self.transient(status, &text),
            _ => self.read_body(key, &head, &text, question.cost, begun),
        }
    }

    fn read_body(&self, key: &KeyState, head: &Head, text: &str, cost: f64, begun: u64) -> Attempt {
        let says_no_class = text.contains(reply::NO_CLASS);
        let Some(mut answer) = reply::json_in(text) else {
            return Attempt::Failed(Failure::Unusable { said: self.guard.quote(text), says_no_class });
        };
        match reply::status_in(&answer) {
            Some(StatusCode::TOO_MANY_REQUESTS) => return self.limited(key, head),
            Some(StatusCode::UNAUTHORIZED) => return Attempt::NewToken,
            Some(status) if status.is_server_error() => return self.transient(status, text),
            _ => {}
        }
        if answer.get("error").and_then(Value::as_str) == Some("Unauthenticated.") {
            return Attempt::NewToken;
        }
        let reading = Reading::in_answer(&answer, self.clock.now());
        let receipt = reading.map(|reading| key.points.record(reading, cost, begun));
        let errors = answer.get("errors").and_then(Value::as_array).cloned().unwrap_or_default();
        if answer.get("data").is_none() && errors.is_empty() {
            let said = answer.get("error").and_then(Value::as_str).unwrap_or(text);
            return Attempt::Failed(ApiError::Failed(anyhow!("the API answered: {}", self.guard.quote(said))).into());
        }
        let data = answer.get_mut("data").map(Value::take).unwrap_or_default();
        Attempt::Body(Body { data, errors, says_no_class }, receipt)
    }

    /// Answers that stop or delay everything, on either endpoint. A refusal is looked for first: it may carry any status.
    pub(super) fn refused_or_limited(&self, key: &KeyState, head: &Head, text: &str) -> Option<Attempt> {
        let in_body = || {
            let is_page = text.trim_start_matches('\u{feff}').trim_start().starts_with('<');
            if !is_page || text.contains(reply::NO_CLASS) || reply::json_in(text).is_some() {
                return None;
            }
            let reason = http::refusal_in_body(text.as_bytes());
            // A gateway tells its own failure in HTML, too, and so does a limiter.
            let tells_itself = head.status.is_server_error() || head.status == StatusCode::TOO_MANY_REQUESTS;
            let reason = reason.or((!tells_itself).then_some("an HTML page in place of JSON"))?;
            Some(format!("{reason} (HTTP {})", head.status.as_u16()))
        };
        let forbidden = || (head.status == StatusCode::FORBIDDEN).then(|| format!("HTTP {}", head.status));
        if let Some(reason) = head.refusal.clone().or_else(in_body).or_else(forbidden) {
            return Some(Attempt::Failed(ApiError::Refused(reason).into()));
        }
        (head.status == StatusCode::TOO_MANY_REQUESTS).then(|| self.limited(key, head))
    }

    /// A 429: of the limiter of requests, or for want of points.
    pub(super) fn limited(&self, key: &KeyState, head: &Head) -> Attempt {
        match head.retry_after {
            Some(wait) if wait <= LONGEST_BURST => Attempt::Burst(wait.max(Duration::from_millis(500))),
            _ => Attempt::Failed(self.doubt(key).into()),
        }
    }

    fn doubt(&self, key: &KeyState) -> ApiError {
        ApiError::PointsExhausted { resets_at: key.points.doubt(self.clock.now()) }
    }

    fn transient(&self, status: StatusCode, text: &str) -> Attempt {
        Attempt::Transient(anyhow!("the API answered HTTP {status}: {}", self.guard.quote(text)))
    }

    pub(super) fn endpoint(&self, path: &str) -> String {
        format!("{}/{path}", self.base.as_str().trim_end_matches('/'))
    }
}

/// What the head of an answer tells.
pub struct Head {
    pub status: StatusCode,
    retry_after: Option<Duration>,
    refusal: Option<String>,
}

pub async fn read(sent: reqwest::Result<reqwest::Response>) -> anyhow::Result<(Head, String)> {
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

//! `POST /oauth/token`: client credentials by HTTP Basic or by form fields, opaque tokens that run out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::faults::{Fault, Occasion};
use crate::respond;
use crate::server::Shared;

/// Tokens given out, with the client they belong to.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    given: Mutex<HashMap<String, (usize, DateTime<Utc>)>>,
    count: AtomicU64,
}

impl Tokens {
    fn give(&self, client: usize, expires_at: DateTime<Utc>) -> String {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let token = format!("sim.{client}.{:016x}", crate::rng::hash(&[number, client as u64]));
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.insert(token.clone(), (client, expires_at));
        token
    }

    /// The client a token belongs to, as long as it is good.
    pub(crate) fn client(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Option<usize> {
        let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.get(token).filter(|(_, expires_at)| now < *expires_at).map(|(client, _)| *client)
    }

    /// Forgets every token.
    pub(crate) fn revoke_all(&self) {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[derive(Debug, Default)]
struct Form {
    grant_type: String,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// Answers `{ token_type, expires_in, access_token }`, or the errors of an OAuth server: 400 for a request without
/// credentials or with another grant, 401 for wrong ones.
pub(crate) async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    shared.recorder.count(|stats| stats.token_requests += 1);
    shared.wait().await;
    let faults = [Fault::TokenBlocked, Fault::TokenEmpty, Fault::TokenFails, Fault::TokenRefused];
    match shared.faults.first(&faults, Occasion::default()) {
        Some(Fault::TokenBlocked) => return respond::cloudflare(),
        Some(Fault::TokenEmpty) => return StatusCode::OK.into_response(),
        Some(Fault::TokenFails) => {
            return (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"message": "Server Error"}))).into_response();
        }
        Some(_) => return invalid_client(),
        None => {}
    }
    let form: Form = form_fields(&body);
    let credentials = basic(&headers).or(form.client_id.zip(form.client_secret));
    let Some((id, secret)) = credentials else {
        return invalid_request("Check the `client_id` parameter");
    };
    if form.grant_type.is_empty() {
        return invalid_request("Check the `grant_type` parameter");
    }
    if form.grant_type != "client_credentials" {
        let answer = json!({
            "error": "unsupported_grant_type",
            "error_description": "The authorization grant type is not supported by the authorization server.",
        });
        return (StatusCode::BAD_REQUEST, Json(answer)).into_response();
    }
    let known = shared.clients.iter().position(|client| client.id == id && client.secret == secret);
    let Some(client) = known else {
        return invalid_client();
    };
    let now = (shared.clock)();
    if shared.accounts.is_exhausted(client, now) && shared.faults.strikes(Fault::TokenExhausted, Occasion::default()) {
        let answer = json!({"status": 429, "error": "You have exceeded your API point limit for this hour."});
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1036")], Json(answer)).into_response();
    }
    let lifetime = TimeDelta::from_std(shared.token_lifetime).unwrap_or(TimeDelta::MAX);
    let expires_at = now.checked_add_signed(lifetime).unwrap_or(DateTime::<Utc>::MAX_UTC);
    Json(json!({
        "token_type": "Bearer",
        "expires_in": shared.token_lifetime.as_secs(),
        "access_token": shared.tokens.give(client, expires_at),
    }))
    .into_response()
}

/// How long tokens live by default: 360 days, as WCL's do.
pub(crate) const TOKEN_LIFETIME: Duration = Duration::from_secs(31_104_000);

fn form_fields(body: &[u8]) -> Form {
    let mut form = Form::default();
    for pair in body.split(|&byte| byte == b'&') {
        let mut parts = pair.splitn(2, |&byte| byte == b'=');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let value = decode(value);
        match decode(name).as_str() {
            "grant_type" => form.grant_type = value,
            "client_id" => form.client_id = Some(value),
            "client_secret" => form.client_secret = Some(value),
            _ => {}
        }
    }
    form
}

/// Undoes form encoding; bytes that are not UTF-8 are replaced.
fn decode(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let hex = |at: usize| tail.get(at).and_then(|&digit| char::from(digit).to_digit(16));
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &tail[2..];
                continue;
            }
            (b'+', ..) => bytes.push(b' '),
            _ => bytes.push(first),
        }
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn invalid_client() -> Response {
    let answer = json!({
        "error": "invalid_client",
        "error_description": "Client authentication failed",
        "message": "Client authentication failed",
    });
    (StatusCode::UNAUTHORIZED, Json(answer)).into_response()
}

fn invalid_request(hint: &str) -> Response {
    let answer = json!({
        "error": "invalid_request",
        "error_description": "The request is missing a required parameter, includes an invalid parameter value, \
            includes a parameter more than once, or is otherwise malformed.",
        "hint": hint,
    });
    (StatusCode::BAD_REQUEST, Json(answer)).into_response()
}

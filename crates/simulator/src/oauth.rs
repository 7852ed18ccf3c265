//! `POST /oauth/token`: client credentials by HTTP Basic or by form fields.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;

use crate::fault::Fault;
use crate::faults::Occasion;
use crate::respond;
use crate::state::Shared;

/// What the body may hold; what is missing or cannot be read is answered as missing.
#[derive(Debug, Default, Deserialize)]
struct Form {
    grant_type: Option<String>,
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
    let form: Form = serde_urlencoded::from_bytes(&body).unwrap_or_default();
    let credentials = basic(&headers).or(form.client_id.zip(form.client_secret));
    let Some((id, secret)) = credentials else {
        return invalid_request("Check the `client_id` parameter");
    };
    let Some(grant_type) = form.grant_type else {
        return invalid_request("Check the `grant_type` parameter");
    };
    if grant_type != "client_credentials" {
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

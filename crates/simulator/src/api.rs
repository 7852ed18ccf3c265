//! `POST /api/v2/client`: who asks, whether they may, what it costs, and every way in which the answer may go wrong. The
//! answer itself comes from [`crate::schema`].

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use async_graphql::Request;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::faults::Occasion;
use crate::points::Verdict;
use crate::respond::{self, Cut};
use crate::schema::Schema;
use crate::schema::scope::{Scope, Tally};
use crate::state::Shared;

/// The sentence WCL writes into the body, outside the JSON, for a character without a class.
pub const NO_CLASS: &str =
    "No class set for this character. Click the Update button in the upper right to establish a class.";

/// What the endpoint works with: what all share, and the schema.
#[derive(Clone)]
pub(crate) struct Api {
    shared: Arc<Shared>,
    schema: Arc<Schema>,
}

impl Api {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, schema: Arc::new(Schema::new()) }
    }
}

/// Answers a GraphQL query.
pub(crate) async fn query(State(Api { shared, schema }): State<Api>, headers: HeaderMap, body: Bytes) -> Response {
    let in_flight = shared.recorder.api_arrives();
    shared.wait().await;
    let now = (shared.clock)();
    let verdict = shared.limiter.as_ref().map(|limiter| limiter.admit(now));
    let mut response = match verdict.and_then(|verdict| verdict.retry_after) {
        Some(seconds) => {
            shared.recorder.count(|stats| stats.limiter_refusals += 1);
            too_many_requests(seconds)
        }
        None => answer(&shared, &schema, &headers, &body).await,
    };
    if let Some(Verdict { limit, remaining, .. }) = verdict {
        response.headers_mut().entry("x-ratelimit-limit").or_insert(limit.into());
        response.headers_mut().entry("x-ratelimit-remaining").or_insert(remaining.into());
    }
    drop(in_flight);
    response
}

/// Anything but POST: 404 with an empty message, as recorded.
pub(crate) async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"message": ""}))).into_response()
}

async fn answer(shared: &Arc<Shared>, schema: &Schema, headers: &HeaderMap, body: &[u8]) -> Response {
    if let Some(response) = failure(shared) {
        return response;
    }
    let now = (shared.clock)();
    let Some(client) = shared.tokens.client(headers, now) else {
        return unauthenticated();
    };
    if shared.accounts.is_exhausted(client, now) {
        shared.recorder.count(|stats| stats.points_refusals += 1);
        return exhausted();
    }
    let started = Instant::now();
    let request: Request = match serde_json::from_slice(body) {
        Ok(request) => request,
        Err(error) => {
            let message = format!("The request body is not a GraphQL request: {error}");
            return (StatusCode::BAD_REQUEST, Json(json!({"errors": [{"message": message}]}))).into_response();
        }
    };
    let tally = Arc::new(Tally::default());
    let scope = Scope { shared: shared.clone(), now, reading: shared.accounts.read(client, now), tally: tally.clone() };
    let mut response = schema.execute(request.data(scope)).await;
    let executed = response.errors.is_empty() || response.errors.iter().any(|error| !error.path.is_empty());
    // A query of rateLimitData alone costs 1.00, an invalid one nothing.
    let hundredths = tally.hundredths.load(Ordering::Relaxed).max(100);
    let points = if executed { hundredths as f64 / 100.0 } else { 0.0 };
    shared.accounts.spend(client, now, points);
    for error in &mut response.errors {
        if let Some(rest) = error.message.strip_prefix("Unknown field ") {
            error.message = format!("Cannot query field {rest}");
        }
    }
    let text = match serde_json::to_string(&response) {
        Ok(text) => text,
        Err(_) => return server_error(),
    };
    let busy = started.elapsed();
    shared.recorder.count(|stats| {
        stats.characters += u64::from(tally.characters.load(Ordering::Relaxed));
        stats.zone_rankings += u64::from(tally.zone_rankings.load(Ordering::Relaxed));
        stats.reports += u64::from(tally.reports.load(Ordering::Relaxed));
        stats.points_spent.resize(shared.clients.len(), 0.0);
        stats.points_spent[client] += points;
        stats.api_busy += busy;
    });
    deliver(shared, text, tally.poisoned.load(Ordering::Relaxed))
}

/// Faults that stand in place of an answer and cost nothing.
fn failure(shared: &Shared) -> Option<Response> {
    use Fault as F;
    let named = [F::ApiDropped, F::ApiUnauthenticated, F::ApiBurst, F::ApiExhausted, F::ApiExhausted200, F::ApiBare429];
    let others = [F::ApiInternalError, F::Api500, F::ApiBlocked, F::ApiTooLarge, F::ApiNotJson];
    let all = [&named[..], &others, &Fault::API_GATEWAY].concat();
    let points_gone = |shared: &Shared| shared.recorder.count(|stats| stats.points_refusals += 1);
    Some(match shared.faults.first(&all, Occasion::default())? {
        F::ApiDropped => respond::dropped(),
        F::ApiUnauthenticated => unauthenticated(),
        F::ApiBurst => {
            shared.recorder.count(|stats| stats.limiter_refusals += 1);
            let mut response = too_many_requests(30);
            response.headers_mut().insert("x-ratelimit-limit", HeaderValue::from_static("800"));
            response.headers_mut().insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
            response
        }
        F::ApiExhausted => {
            points_gone(shared);
            exhausted()
        }
        F::ApiExhausted200 => {
            points_gone(shared);
            Json(no_points()).into_response()
        }
        F::ApiBare429 => {
            points_gone(shared);
            (StatusCode::TOO_MANY_REQUESTS, Html("<html><body>429 Too Many Requests</body></html>")).into_response()
        }
        F::ApiInternalError => {
            let error = json!({"message": "Internal server error", "extensions": {"category": "internal"}});
            Json(json!({"errors": [error]})).into_response()
        }
        F::Api500 => server_error(),
        F::ApiBlocked => respond::cloudflare(),
        F::ApiTooLarge => {
            (StatusCode::PAYLOAD_TOO_LARGE, Html("<h1>413 Request Entity Too Large</h1>")).into_response()
        }
        F::ApiNotJson => {
            Html("<!DOCTYPE html><html><head><title>Warcraft Logs</title></head><body></body></html>").into_response()
        }
        gateway => respond::gateway(gateway.status()),
    })
}

/// Sends a ready answer, poisoned or broken if a fault says so.
fn deliver(shared: &Shared, mut text: String, poisoned: bool) -> Response {
    let strikes = |fault| shared.faults.strikes(fault, Occasion::default());
    if poisoned {
        text = if strikes(Fault::PoisonAlone) { NO_CLASS.to_owned() } else { format!("{NO_CLASS}{text}") };
    }
    if strikes(Fault::ApiByteOrderMark) {
        text.insert(0, '\u{feff}');
    }
    if strikes(Fault::ApiHtmlFirst) {
        text.insert_str(0, "<p>Warcraft Logs is busier than usual.</p>\n");
    }
    if strikes(Fault::ApiTruncated) {
        respond::cut_text(&mut text);
    }
    let cut = shared.faults.first(&[Fault::ApiCutOff, Fault::ApiSlowBody], Occasion::default());
    let cut = cut.map(|fault| if fault == Fault::ApiCutOff { Cut::Off } else { Cut::Slow });
    respond::body(text, "application/json", cut)
}

fn unauthenticated() -> Response {
    (StatusCode::UNAUTHORIZED, Json(json!({"error": "Unauthenticated."}))).into_response()
}

/// Points are gone: `status` 429 in the JSON and a `Retry-After` that is long and has nothing to do with the reset
/// (it said 1036 s when the API answered again after 60).
fn exhausted() -> Response {
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1036")], Json(no_points())).into_response()
}

fn no_points() -> Value {
    json!({"status": 429, "error": "You have exceeded your API point limit for this hour."})
}

/// The request limiter: a short `Retry-After`.
fn too_many_requests(seconds: u64) -> Response {
    let answer = json!({"message": "Too Many Attempts."});
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())], Json(answer)).into_response()
}

fn server_error() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"message": "Server Error"}))).into_response()
}

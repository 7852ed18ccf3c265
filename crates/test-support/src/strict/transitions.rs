//! Changes that take their time, and refuse another one meanwhile.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::{self, Request};
use super::call::Call;
use super::state::Inner;

pub(super) async fn answer(inner: &Inner, call: &Call, request: Request) -> Response {
    let Some(transition) = inner.strictness.transition else { return inner.upstream.pass(request).await };
    let until = Instant::now() + transition;
    match call {
        Call::UpdateFunction { function } => {
            if let Some(refusal) = conflict(inner, function) {
                return refusal;
            }
            inner.transitions.begin(function, until, "Updating");
            inner.upstream.pass(request).await
        }
        Call::UpdateMapping { id } => {
            if inner.transitions.state(id).is_some() {
                let message = format!("Cannot update the event source mapping with UUID {id} because it is in use.");
                return inner.refuse(StatusCode::BAD_REQUEST, "ResourceInUseException", &message);
            }
            let Some(enabled) = request.json()["Enabled"].as_bool() else { return inner.upstream.pass(request).await };
            let state = if enabled { "Enabling" } else { "Disabling" };
            let mut mapping = inner.upstream.get("lambda", &format!("/2015-03-31/event-source-mappings/{id}")).await;
            if !mapping["UUID"].is_string() {
                mapping = json!({ "UUID": id });
            }
            inner.transitions.begin(id, until, state);
            // Until it is over, the pollers go on as they were.
            let upstream = inner.upstream.clone();
            tokio::spawn(async move {
                tokio::time::sleep_until(until).await;
                upstream.pass(request).await
            });
            mapping["State"] = json!(state);
            answer::answered(StatusCode::ACCEPTED, &mapping)
        }
        _ => with_states(inner, inner.upstream.pass(request).await).await,
    }
}

/// A refusal, where the function is being updated.
pub(super) fn conflict(inner: &Inner, function: &str) -> Option<Response> {
    inner.transitions.state(function)?;
    let message =
        format!("The operation cannot be performed at this time. An update is in progress for resource: {function}");
    Some(inner.refuse(StatusCode::CONFLICT, "ResourceConflictException", &message))
}

/// Puts the states of transitions into an answer that lists mappings, or tells one.
async fn with_states(inner: &Inner, response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { return StatusCode::BAD_GATEWAY.into_response() };
    let Ok(mut told) = serde_json::from_slice::<Value>(&body) else { return (parts, body).into_response() };
    let overlay = |mapping: &mut Value| {
        if let Some(state) = mapping["UUID"].as_str().and_then(|id| inner.transitions.state(id)) {
            mapping["State"] = json!(state);
        }
    };
    match told.get_mut("EventSourceMappings").and_then(Value::as_array_mut) {
        Some(mappings) => mappings.iter_mut().for_each(overlay),
        None => overlay(&mut told),
    }
    (parts.status, [("content-type", "application/json")], told.to_string()).into_response()
}

//! Requests on their way to the emulator, and answers in its place.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::http;

/// One request, whole.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Request {
    /// The body as JSON; null where it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// The AWS behind the proxy.
#[derive(Debug, Clone)]
pub(super) struct Upstream {
    url: String,
    client: reqwest::Client,
}

impl Upstream {
    pub(super) fn new(url: &str) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), client: http::client() }
    }

    /// Passes a request on, and its answer back.
    pub(super) async fn pass(&self, request: Request) -> Response {
        let Request { method, uri, headers, body } = request;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let headers = without(headers, &[header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::EXPECT]);
        let sent = self.client.request(method, format!("{}{path}", self.url)).headers(headers).body(body).send().await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
        };
        let status = answer.status();
        let kept = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::CONTENT_ENCODING];
        let headers = without(answer.headers().clone(), &kept);
        match answer.bytes().await {
            Ok(body) => (status, headers, body).into_response(),
            Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
        }
    }

    /// Asks in the proxy's own name; null where there is no answer, or none of JSON.
    pub(super) async fn get(&self, service: &str, path: &str) -> Value {
        let asked = self.client.get(format!("{}{path}", self.url)).header(header::AUTHORIZATION, credential(service));
        let Ok(answer) = asked.send().await else { return Value::Null };
        answer.bytes().await.ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default()
    }

    /// Calls a function without waiting for its answer, as Scheduler does.
    pub(super) async fn invoke(&self, function: &str, event: String) {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.url);
        let asked = self.client.post(url).header(header::AUTHORIZATION, credential("lambda"));
        drop(asked.header("X-Amz-Invocation-Type", "Event").body(event).send().await);
    }
}

/// Emulators find region and service in it, and verify nothing.
fn credential(service: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/{service}/aws4_request")
}

fn without(mut headers: HeaderMap, names: &[HeaderName]) -> HeaderMap {
    for name in names {
        headers.remove(name);
    }
    headers
}

/// An error as Lambda's API tells it.
pub(super) fn exception(status: StatusCode, name: &'static str, message: &str) -> Response {
    let body = json!({ "Type": "User", "message": message, "Message": message });
    ok_or(status, &body, Some(name))
}

/// An answer with a JSON body.
pub(super) fn answered(status: StatusCode, body: &Value) -> Response {
    ok_or(status, body, None)
}

fn ok_or(status: StatusCode, body: &Value, exception: Option<&'static str>) -> Response {
    let mut answer = (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response();
    if let Some(name) = exception {
        let name = axum::http::HeaderValue::from_static(name);
        answer.headers_mut().insert(HeaderName::from_static("x-amzn-errortype"), name);
    }
    answer
}

/// Answers at once, and passes the request on after `delay`.
pub(super) fn later(upstream: Upstream, delay: Duration, request: Request) -> Response {
    tokio::spawn(async move {
        tokio::time::sleep(delay).await;
        upstream.pass(request).await
    });
    answered(StatusCode::OK, &json!({}))
}

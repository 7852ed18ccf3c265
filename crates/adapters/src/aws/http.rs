//! The SDK's requests go through the HTTP client that everything else here has, so that a Lambda carries one and not two.
//! Source: the responsibilities of a connector, documentation of `aws_smithy_runtime_api::client::http`.

use std::time::Duration;

use aws_sdk_lambda::primitives::SdkBody;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use reqwest::redirect::Policy;
use reqwest::{Client, Method};

use crate::http::builder;

/// What sends a request: with a time limit where the SDK sets one for both of its halves, as for an address that answers
/// only on machines of AWS.
#[derive(Debug, Clone)]
pub struct Connector {
    client: Option<Client>,
    within: Option<Duration>,
}

/// The client of the SDK, which connects within this time.
pub fn client(connect_within: Duration) -> Connector {
    let built = builder().connect_timeout(connect_within).redirect(Policy::none()).no_gzip().build();
    // Only without any authority to trust, which each request then says.
    Connector { client: built.ok(), within: None }
}

impl HttpClient for Connector {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        let within = settings.connect_timeout().zip(settings.read_timeout()).map(|(connect, read)| connect + read);
        SharedHttpConnector::new(Self { client: self.client.clone(), within })
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { client, within } = self.clone();
        HttpConnectorFuture::new(async move { answer(client, within, request).await })
    }
}

async fn answer(
    client: Option<Client>,
    within: Option<Duration>,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let client = client.ok_or_else(|| other("this system trusts no certificate authority"))?;
    let method = Method::from_bytes(request.method().as_bytes()).map_err(other)?;
    let mut sent = client.request(method, request.uri());
    for (name, value) in request.headers() {
        sent = sent.header(name, value);
    }
    if let Some(within) = within {
        sent = sent.timeout(within);
    }
    let body = request.body().bytes().ok_or_else(|| other("the body of a request is a stream"))?;
    let response = sent.body(body.to_vec()).send().await.map_err(failed)?;
    let status = response.status().as_u16().try_into().map_err(other)?;
    let headers = response.headers().clone();
    let mut answer = HttpResponse::new(status, SdkBody::from(response.bytes().await.map_err(failed)?));
    for (name, value) in &headers {
        // What is no text is none of AWS's headers.
        if let Ok(value) = value.to_str() {
            answer.headers_mut().try_append(name.as_str().to_owned(), value.to_owned()).map_err(other)?;
        }
    }
    Ok(answer)
}

fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ConnectorError {
    ConnectorError::other(error.into(), None)
}

/// What the SDK tries again: a time that ran out, a connection that broke.
fn failed(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

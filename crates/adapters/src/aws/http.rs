//! The SDK's requests go through the HTTP client that everything else here has, so that a Lambda carries one and not two.
//! Source: the responsibilities of a connector, documentation of `aws_smithy_runtime_api::client::http`.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::HttpError;
use aws_smithy_types::body::SdkBody;
use reqwest::redirect::Policy;
use reqwest::{Body, Client, Request};

use crate::http::builder;

/// What sends a request.
#[derive(Debug, Clone)]
pub struct Connector {
    client: Client,
    /// The SDK's time-outs to connect and to read, together, where it sets both: for credentials from the metadata service,
    /// which answers on machines of AWS only.
    within: Option<Duration>,
}

/// The client of the SDK, which connects within this time.
///
/// # Errors
/// When this system trusts no certificate authority.
pub fn client(connect_within: Duration) -> reqwest::Result<Connector> {
    let client = builder().connect_timeout(connect_within).redirect(Policy::none()).no_gzip().build()?;
    Ok(Connector { client, within: None })
}

impl Connector {
    fn limited(&self, settings: &HttpConnectorSettings) -> Self {
        let within = settings.connect_timeout().zip(settings.read_timeout()).map(|(connect, read)| connect + read);
        Self { client: self.client.clone(), within }
    }
}

impl HttpClient for Connector {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.limited(settings))
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(answer(self.clone(), request))
    }
}

async fn answer(Connector { client, within }: Connector, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let user = |error| ConnectorError::user(error);
    let body = request.body().bytes().map(<[u8]>::to_vec).ok_or_else(|| user("a request is a stream".into()))?;
    let request = request.try_into_http1x().map_err(|error| user(error.into()))?;
    let mut request = Request::try_from(request.map(|_| Body::from(body))).map_err(|error| user(error.into()))?;
    *request.timeout_mut() = within;
    let answer: http::Response<Body> = client.execute(request).await.map_err(failed)?.into();
    answer.map(SdkBody::from_body_1_x).try_into().map_err(|error: HttpError| ConnectorError::other(error.into(), None))
}

/// What the SDK tries again: a time that ran out, a connection that broke.
fn failed(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() { ConnectorError::timeout(error.into()) } else { ConnectorError::io(error.into()) }
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::byte_stream::ByteStream;
    use axum::Router;
    use axum::http::{HeaderMap, Method, StatusCode};
    use tokio::net::TcpListener;

    use super::*;

    async fn listening() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        (listener, url)
    }

    async fn sent(request: HttpRequest, within: Option<Duration>) -> Result<HttpResponse, ConnectorError> {
        answer(Connector { within, ..client(Duration::from_secs(2)).unwrap() }, request).await
    }

    #[tokio::test]
    async fn a_request_goes_out_and_its_answer_comes_back_whole() {
        let (listener, url) = listening().await;
        let app = Router::new().fallback(async |method: Method, headers: HeaderMap, body: String| {
            let said = format!("{method} {} {body}", headers["x-amz-target"].to_str().unwrap());
            (StatusCode::TOO_MANY_REQUESTS, [("x-amzn-requestid", "a"), ("x-many", "b")], said)
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        let mut request = HttpRequest::new(SdkBody::from("{}"));
        request.set_method("POST").unwrap();
        request.set_uri(url).unwrap();
        request.headers_mut().insert("x-amz-target", "AmazonSQS.SendMessage");
        let answer = sent(request, None).await.unwrap();
        assert_eq!(answer.status().as_u16(), 429);
        assert_eq!((answer.headers().get("x-amzn-requestid"), answer.headers().get("x-many")), (Some("a"), Some("b")));
        let body = ByteStream::new(answer.into_body()).collect().await.unwrap().into_bytes();
        assert_eq!(body.as_ref(), b"POST AmazonSQS.SendMessage {}");
    }

    #[tokio::test]
    async fn the_sdk_is_told_what_it_may_try_again() {
        let (silent, url) = listening().await;
        let late = sent(HttpRequest::get(&url).unwrap(), Some(Duration::from_millis(100))).await.unwrap_err();
        assert!(late.is_timeout(), "{late:?}");
        let limits = || HttpConnectorSettings::builder().connect_timeout(Duration::from_secs(1));
        let limited = |limits: HttpConnectorSettings| client(Duration::from_secs(2)).unwrap().limited(&limits).within;
        assert_eq!(limited(limits().build()), None);
        assert_eq!(limited(limits().read_timeout(Duration::from_secs(2)).build()), Some(Duration::from_secs(3)));
        drop(silent);
        let refused = sent(HttpRequest::get(&url).unwrap(), None).await.unwrap_err();
        assert!(refused.is_io(), "{refused:?}");
        let odd = sent(HttpRequest::get("nowhere").unwrap(), None).await.unwrap_err();
        assert!(odd.is_user(), "{odd:?}");
    }
}

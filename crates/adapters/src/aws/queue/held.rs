//! Calls of the SDK that are made ready (serialised, signed) while another is under way, and leave when they are told to.
//!
//! Making a call ready takes longer than a round trip on a fast network. The SDK has no such step of its own, so its HTTP
//! client is wrapped: the connector waits for the sign before it lets a request out.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Config;
use aws_sdk_sqs::config::StalledStreamProtectionConfig;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::config_bag::ConfigBag;
use parsebook_core::ports::Go;

tokio::task_local! {
    static GO: Go;
}

/// Runs `call`, of a client with [`sqs_config`], and lets no request of it out before `go` is done.
pub async fn until<T>(go: Go, call: impl Future<Output = T>) -> T {
    GO.scope(go, call).await
}

/// The configuration of a client whose calls can be held. Their time counts from when they leave: the SDK's limits of
/// whole calls and attempts, which include the holding, give way to one of the answer.
pub fn sqs_config(config: &SdkConfig) -> Config {
    let client = config
        .http_client()
        .unwrap_or_else(|| Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https());
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(10))
        .disable_operation_timeout()
        .disable_operation_attempt_timeout()
        .build();
    // To the SDK a held request is one that does not get forward.
    let protection = StalledStreamProtectionConfig::enabled().upload_enabled(false).build();
    aws_sdk_sqs::config::Builder::from(config)
        .http_client(Held(client))
        .timeout_config(timeouts)
        .stalled_stream_protection(protection)
        .build()
}

#[derive(Debug)]
struct Held<T>(T);

impl HttpClient for Held<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Held(self.0.http_connector(settings, components)))
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_base_client_config(components, config)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        self.0.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

impl HttpConnector for Held<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.0.clone();
        match GO.try_with(Clone::clone) {
            Ok(go) => HttpConnectorFuture::new(async move {
                go.await;
                connector.call(request).await
            }),
            // Not one of `until`'s: the SDK's own, such as for credentials.
            Err(_) => connector.call(request),
        }
    }
}

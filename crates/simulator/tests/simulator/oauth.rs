//! Tokens: both ways of sending credentials, every refusal, and when a token ends.

use std::time::Duration;

use parsebook_simulator::{Client, Fault, When};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

use crate::common::{Site, test_clock};

async fn outcome(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

fn post(site: &Site) -> RequestBuilder {
    site.http.post(format!("{}/oauth/token", site.handle.url()))
}

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

#[tokio::test]
async fn credentials_come_by_basic_or_by_form() {
    let odd = Client { id: "a-b".to_owned(), secret: "s e&c=r%t+é".to_owned() };
    let adapt = odd.clone();
    let site = Site::start(move |config| config.clients.push(adapt)).await;
    let basic = outcome(post(&site).basic_auth(&odd.id, Some(&odd.secret)).form(&[GRANT])).await;
    let fields = [GRANT, ("client_id", odd.id.as_str()), ("client_secret", odd.secret.as_str())];
    let form = outcome(post(&site).form(&fields)).await;
    for (status, answer) in [basic, form] {
        assert_eq!(status, 200);
        assert_eq!((&answer["token_type"], &answer["expires_in"]), (&"Bearer".into(), &31_104_000.into()));
        assert!(answer["access_token"].as_str().is_some_and(|token| !token.is_empty()));
    }
    assert_eq!(site.handle.stats().token_requests, 3);
}

#[tokio::test]
async fn wrong_requests_are_refused_by_name() {
    let site = Site::start(|_| {}).await;
    let cases = [
        (post(&site).form(&[GRANT]), 400, "invalid_request"),
        (post(&site).basic_auth("demo", Some("demo-secret")), 400, "invalid_request"),
        (
            post(&site).basic_auth("demo", Some("demo-secret")).form(&[("grant_type", "password")]),
            400,
            "unsupported_grant_type",
        ),
        (post(&site).basic_auth("demo", Some("wrong")).form(&[GRANT]), 401, "invalid_client"),
        (post(&site).basic_auth("nobody", Some("demo-secret")).form(&[GRANT]), 401, "invalid_client"),
    ];
    for (request, status, error) in cases {
        let (have, answer) = outcome(request).await;
        assert_eq!((have.as_u16(), &answer["error"]), (status, &error.into()));
    }
}

#[tokio::test]
async fn tokens_end_and_can_be_revoked() {
    let clock = test_clock();
    let site = Site::start(|config| {
        config.clock = clock.clock();
        config.token_lifetime = Duration::from_secs(60);
    })
    .await;
    assert_eq!(site.send("{ rateLimitData { limitPerHour } }").await.status(), 200);
    clock.advance(Duration::from_secs(60));
    let expired = site.send("{ rateLimitData { limitPerHour } }").await;
    assert_eq!(expired.status(), 401);
    assert_eq!(expired.json::<Value>().await.unwrap()["error"], "Unauthenticated.");
    let site = Site { token: site.token_for("demo", "demo-secret").await, ..site };
    assert_eq!(site.send("{ rateLimitData { limitPerHour } }").await.status(), 200);
    site.handle.revoke_tokens();
    assert_eq!(site.send("{ rateLimitData { limitPerHour } }").await.status(), 401);
}

#[tokio::test]
async fn the_token_endpoint_can_fail_in_every_way() {
    let site = Site::start(|_| {}).await;
    for (fault, status) in
        [(Fault::TokenRefused, 401), (Fault::TokenBlocked, 403), (Fault::TokenEmpty, 200), (Fault::TokenFails, 500)]
    {
        site.handle.faults().set(fault, When::Next(1));
        let request = post(&site).basic_auth("demo", Some("demo-secret")).form(&[GRANT]);
        let (have, answer) = outcome(request).await;
        assert_eq!((have.as_u16(), answer["access_token"].is_null()), (status, true), "{fault}");
    }
    assert!(!site.token_for("demo", "demo-secret").await.is_empty());
}

//! What the site and the API have in common: one honest client, and how a refusal looks.

use std::time::Duration;

use anyhow::Context;
use reqwest::header::HeaderMap;
use reqwest::{Client, ClientBuilder, Response, StatusCode, redirect};
use url::Url;

use crate::text::shown;

/// What every client is built from, but for that of git, which brings a TLS configuration of its own. TLS is ring's: one
/// provider for all, and half as large as aws-lc.
pub fn builder() -> ClientBuilder {
    // Only the first call has an effect, and all of them say the same.
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::builder()
}

/// A client that names itself and gives up on a silent server.
///
/// # Errors
/// When the user agent is not a header value or TLS cannot be set up.
pub fn client(user_agent: &str) -> anyhow::Result<Client> {
    anyhow::ensure!(!user_agent.trim().is_empty(), "WCL_USER_AGENT is empty: name your program and a contact address");
    builder()
        .user_agent(user_agent)
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(30))
        // A redirect to the human check is an answer, not a way to follow.
        .redirect(redirect::Policy::custom(|attempt| {
            if is_human_check(attempt.url()) || attempt.previous().len() > 3 {
                attempt.stop()
            } else {
                attempt.follow()
            }
        }))
        .build()
        .context("setting up the HTTP client (WCL_USER_AGENT)")
}

/// Joins the base of the site with a path.
///
/// # Errors
/// When `base` is no http(s) URL.
pub fn base_url(base: &str) -> anyhow::Result<Url> {
    let url = Url::parse(base).with_context(|| format!("WCL_URL {} is not a URL", shown(base)))?;
    anyhow::ensure!(matches!(url.scheme(), "http" | "https"), "WCL_URL {} is neither http nor https", shown(base));
    Ok(url)
}

/// Names the human check's address, `/human-challenge` (since August 2026).
pub fn is_human_check(url: &Url) -> bool {
    url.path().contains("human-challenge")
}

/// Text that stands in challenge pages of the site's edge, or in its refusals.
const MARKERS: [(&str, &str); 6] = [
    ("human-challenge", "the site asks for a human check"),
    ("challenges.cloudflare.com", "the site's edge asks for a browser check"),
    ("cf-challenge", "the site's edge asks for a browser check"),
    ("__cf_chl", "the site's edge asks for a browser check"),
    ("Just a moment", "the site's edge asks for a browser check"),
    ("instead of scraping", "the site asks to use the API instead"),
];

/// The refusal that the final address or the headers tell, whatever status and body say.
pub fn refusal_in_head(status: StatusCode, url: &Url, headers: &HeaderMap) -> Option<String> {
    let location = headers.get(reqwest::header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if is_human_check(url) || location.contains("human-challenge") {
        return Some(format!("{} (HTTP {})", MARKERS[0].1, status.as_u16()));
    }
    headers.contains_key("cf-mitigated").then(|| format!("{} (HTTP {}, cf-mitigated)", MARKERS[1].1, status.as_u16()))
}

/// Statuses by which the site refuses programs. Those of a failing gateway (502, 520 to 527) are none of them.
pub fn is_refusing_status(status: StatusCode) -> bool {
    matches!(status.as_u16(), 403 | 429)
}

/// A body that was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer is larger than {0} bytes")]
pub struct TooLarge(pub usize);

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// [`TooLarge`] when the body is larger, else when the connection breaks.
pub async fn read_body(response: &mut Response, limit: usize) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url).context("reading the answer")? {
        anyhow::ensure!(body.len() + chunk.len() <= limit, TooLarge(limit));
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The refusal that a body without a ranking table tells.
pub fn refusal_in_body(body: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(&body[..body.len().min(64 * 1024)]);
    MARKERS.iter().find(|(marker, _)| text.contains(marker)).map(|(_, reason)| *reason)
}

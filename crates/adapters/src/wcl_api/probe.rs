//! Whether Warcraft Logs, or what stands in for it, is there, and what time it is there.

use anyhow::Context;
use chrono::DateTime;
use parsebook_core::Timestamp;
use reqwest::header::DATE;

use crate::http::{base_url, client, refusal_in_head};

/// Asks the API at `base` without a login: any answer counts but a refusal. Answers the server's time, where it tells one.
///
/// # Errors
/// When `base` is no URL, nobody answers, or the server refuses this program.
pub async fn server_time(base: &str, user_agent: &str) -> anyhow::Result<Option<Timestamp>> {
    let url = base_url(base)?.join("/api/v2/client")?;
    let answer = client(user_agent)?.get(url).send().await.map_err(reqwest::Error::without_url);
    let answer = answer.with_context(|| format!("{base} does not answer"))?;
    if let Some(refusal) = refusal_in_head(answer.status(), answer.url(), answer.headers()) {
        anyhow::bail!("{refusal}");
    }
    let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
    Ok(date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()).map(|date| date.to_utc()))
}

//! What a server means by its status.

use anyhow::anyhow;
use parsebook_core::ports::PublishError;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};

use super::Service;

/// What a token for publishing must be allowed, at the two usual servers.
const PERMISSION: &str = "(GitHub: Contents, read and write; GitLab: write_repository)";

/// Why `response` is no answer to a question for `service`; `None` where it is one. `has_login` tells whether there was
/// a token to send; `name` is the server's.
pub fn refusal(response: &Response, service: Service, name: &str, has_login: bool) -> Option<PublishError> {
    let status = response.status();
    let headers = response.headers();
    let is_limit = headers.contains_key(RETRY_AFTER)
        || headers.get("x-ratelimit-remaining").is_some_and(|left| left.as_bytes() == b"0");
    let (verb, code) = (if service == Service::Push { "write to" } else { "read" }, status.as_u16());
    let reason = match status {
        StatusCode::OK => return None,
        StatusCode::FORBIDDEN if is_limit => return Some(anyhow!("{name} asks to wait (HTTP {code})").into()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if !has_login => {
            format!("{name} wants a login (HTTP {code}) and GIT_TOKEN is not set")
        }
        StatusCode::UNAUTHORIZED => {
            format!("{name} does not accept GIT_TOKEN (HTTP {code}): it is wrong, expired or revoked")
        }
        StatusCode::FORBIDDEN => {
            format!("HTTP {code} from {name}: GIT_TOKEN lacks the permission to {verb} this repository {PERMISSION}")
        }
        StatusCode::NOT_FOUND => format!(
            "{name} shows no such repository (HTTP {code}): GIT_REPOSITORY_URL is wrong, or GIT_TOKEN is not for it"
        ),
        _ => return Some(anyhow!("{name} answers HTTP {code}").into()),
    };
    Some(match service {
        Service::Push => PublishError::PushRejected(reason),
        Service::Fetch => PublishError::Failed(anyhow!(reason)),
    })
}

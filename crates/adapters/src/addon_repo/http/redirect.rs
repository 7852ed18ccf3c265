//! Redirects, which are followed by hand: the login and the data go to one server only.

use anyhow::Context;
use reqwest::Response;
use reqwest::header::LOCATION;
use url::Url;

/// So many are followed.
pub const MOST: usize = 3;

/// Where `response`, the answer to a question to `asked`, sends the caller; `None` where it is no redirect.
pub fn target(response: &Response, asked: &Url) -> Option<anyhow::Result<Url>> {
    response.status().is_redirection().then(|| {
        let location = response.headers().get(LOCATION).context("no Location")?;
        Ok(asked.join(std::str::from_utf8(location.as_bytes())?)?)
    })
}

/// The repository whose list of references is at `target`.
pub fn repository(target: &Url) -> Option<Url> {
    let path = target.path().strip_suffix("/info/refs")?;
    let mut repository = target.clone();
    repository.set_path(path);
    repository.set_query(None);
    repository.set_fragment(None);
    Some(repository)
}

//! `GIT_REPOSITORY_URL` with http or https.

use anyhow::{anyhow, ensure};
use url::Url;

/// Parses the address without repeating it: somebody may have put a login there.
///
/// # Errors
/// When git cannot use it, or it may hold a login.
pub fn checked(url: &str) -> anyhow::Result<Url> {
    let parsed = Url::parse(url.trim()).map_err(|_| anyhow!("GIT_REPOSITORY_URL is no address"))?;
    let has_login = !parsed.username().is_empty() || parsed.password().is_some();
    ensure!(!has_login, "GIT_REPOSITORY_URL holds a login: put the token into GIT_TOKEN");
    // A login with a character that ends the name of a host stands elsewhere in the address.
    let is_odd = parsed.query().is_some() || parsed.fragment().is_some() || url.contains('@');
    ensure!(!is_odd, "GIT_REPOSITORY_URL may hold no \"?\", \"#\" or \"@\"");
    ensure!(parsed.has_host(), "GIT_REPOSITORY_URL names no host");
    ensure!(matches!(parsed.scheme(), "http" | "https"), "GIT_REPOSITORY_URL is neither http nor https");
    Ok(parsed)
}

/// The address of what belongs to the repository at `base`.
pub fn below(base: &Url, rest: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{rest}", base.path().trim_end_matches('/')));
    url
}

//! The HTTP client of tests.

use tokio_rustls::rustls::crypto::ring;

/// A client with a connection for each request: one that is kept may be closed by the emulator at the moment it is used
/// again, and what was done already would be done twice.
///
/// # Panics
/// When this system trusts no certificate authority.
pub fn client() -> reqwest::Client {
    // Nothing is encrypted, but reqwest wants to know by what.
    drop(ring::default_provider().install_default());
    reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap_or_default()
}

//! All input and output of parsebook, one module per outside system. Each implements ports of `parsebook-core`.

#[cfg(feature = "git")]
pub mod addon_repo;
#[cfg(feature = "aws")]
pub mod aws;
pub mod clock;
#[cfg(feature = "embedded")]
pub mod embedded;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "mongo")]
pub mod mongo;
#[cfg(feature = "http")]
pub mod probe;
#[cfg(feature = "site")]
pub mod ranking_site;
#[cfg(feature = "secret-source")]
pub mod secret_source;
#[cfg(feature = "testing")]
pub mod store_contract;
#[cfg(any(feature = "git", feature = "wcl-api"))]
mod text;
#[cfg(feature = "wcl-api")]
pub mod wcl_api;

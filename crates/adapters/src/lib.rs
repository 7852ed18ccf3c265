//! All input and output of parsebook, one module per outside system. Each implements ports of `parsebook-core`.

pub mod addon_repo;
#[cfg(feature = "aws")]
pub mod aws;
pub mod clock;
#[cfg(feature = "embedded")]
pub mod embedded;
pub mod events;
mod guard;
pub mod http;
#[cfg(feature = "mongo")]
pub mod mongo;
pub mod ranking_site;
pub mod settings;
#[cfg(any(feature = "embedded", feature = "mongo"))]
pub mod stored;
mod text;
pub mod wcl_api;

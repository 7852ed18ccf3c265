//! Why a question has no readable answer, and what follows.

use anyhow::anyhow;
use parsebook_core::ports::ApiError;

/// Why a question has no readable answer.
#[derive(Debug)]
pub enum Failure {
    /// As a port tells it.
    Api(ApiError),
    /// No answer after retries: the gateway, the network, or one of the things asked for takes too long.
    Unanswered(anyhow::Error),
    /// The body is no JSON although the API answered: one of the things asked for spoiled it.
    Unusable {
        /// The start of the body.
        said: String,
        /// Whether it is [`NO_CLASS`](super::reply::NO_CLASS).
        says_no_class: bool,
    },
    /// Too much was asked for at once.
    TooLarge,
}

impl Failure {
    /// For questions that cannot be cut smaller.
    pub fn into_api_error(self) -> ApiError {
        match self {
            Self::Api(error) => error,
            Self::Unanswered(error) => ApiError::Failed(error),
            Self::Unusable { said, .. } => ApiError::Failed(anyhow!("the API's answer is not JSON: {said}")),
            Self::TooLarge => ApiError::Failed(anyhow!("the API's answer is too large")),
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// What follows when no answer comes in time, or none that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnTimeout {
    /// The question is asked again.
    Retry,
    /// It is given up at once: it takes too long each time, but its parts may not.
    Split,
}

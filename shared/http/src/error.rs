//! What a call can fail with; each variant is a different decision for the caller.

use std::sync::Arc;
use std::time::Duration;

/// Why a call failed. Messages name the endpoint and the status, never a body, a token or a secret.
///
/// It can be cloned, since one failed token request answers everybody who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// What the caller passed in cannot be sent: a bad URL, an id that is no path segment. Not a retry.
    #[error("{what} is not usable: {reason}")]
    Invalid {
        /// Which input.
        what: String,
        /// What is wrong with it, or what is allowed.
        reason: String,
    },
    /// The client id, secret or key could not be read from where secrets are kept.
    #[error("{what} could not be read")]
    Secret {
        /// Which secret.
        what: &'static str,
        /// The secret source's error.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// The token endpoint does not know this client id and secret (401): an operator must correct them.
    #[error("{endpoint} refused the client id and secret")]
    BadCredentials {
        /// The token endpoint.
        endpoint: String,
    },
    /// The token endpoint does not understand the scope list (400): an operator must correct it.
    #[error("{endpoint} refused the scope list `{scopes}`")]
    BadScopes {
        /// The token endpoint.
        endpoint: String,
        /// The list that was asked for.
        scopes: String,
    },
    /// The client lacks a scope (403): an operator must grant it.
    #[error("{endpoint} is forbidden: the client needs the scope `{scope}`")]
    Forbidden {
        /// The endpoint.
        endpoint: String,
        /// The scope or scopes that are missing, as far as known.
        scope: String,
    },
    /// The call was refused (401) with a fresh token, or with a key read anew.
    #[error("{endpoint} refused a fresh token or key")]
    Unauthorized {
        /// The endpoint.
        endpoint: String,
    },
    /// There is no such thing (404); for a transcript: none yet.
    #[error("{endpoint} found nothing")]
    NotFound {
        /// The endpoint.
        endpoint: String,
    },
    /// Still over the rate limit (429) when no time was left to wait longer.
    #[error("{endpoint} is over its rate limit")]
    RateLimited {
        /// The endpoint.
        endpoint: String,
        /// How long the server asked to wait, if it said.
        retry_after: Option<Duration>,
    },
    /// Out of reach or broken at the last try that the deadline allowed.
    #[error("{endpoint} is unavailable")]
    Unavailable {
        /// The endpoint.
        endpoint: String,
        /// What happened at the last try.
        #[source]
        failure: AttemptFailure,
    },
    /// Not asked at all: it failed so often in a row that it is left alone for a while.
    #[error("{endpoint} is left alone after repeated failures")]
    CircuitOpen {
        /// The endpoint.
        endpoint: String,
        /// How long it is left alone yet.
        retry_after: Duration,
    },
    /// The caller's time ran out before there was an answer.
    #[error("{endpoint} did not answer in time")]
    DeadlineExceeded {
        /// The endpoint.
        endpoint: String,
    },
    /// The call was refused with a status that has no variant of its own: the request is wrong.
    #[error("{endpoint} refused the request with status {status}")]
    Rejected {
        /// The endpoint.
        endpoint: String,
        /// The HTTP status.
        status: u16,
    },
    /// The call succeeded, but its answer is not what the contract says.
    #[error("{endpoint} gave an invalid answer: {reason}")]
    InvalidResponse {
        /// The endpoint.
        endpoint: String,
        /// What is wrong, without the content.
        reason: String,
    },
}

/// What happened at a try that may go better the next time.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AttemptFailure {
    /// The server answered that it is broken or busy.
    #[error("status {0}")]
    Status(u16),
    /// The try took longer than a single try may.
    #[error("timed out")]
    Timeout,
    /// The connection failed or broke off.
    #[error("connection failed")]
    Connection(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::Unavailable { .. }
                | Self::CircuitOpen { .. }
                | Self::DeadlineExceeded { .. }
                | Self::Secret { .. }
        )
    }

    /// How long to wait before the call makes sense again, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } => *retry_after,
            Self::CircuitOpen { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// Builds [`Error::Invalid`] from what is wrong and why.
    pub fn invalid(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            what: what.into(),
            reason: reason.into(),
        }
    }

    /// Builds [`Error::InvalidResponse`] of an endpoint.
    pub fn response(endpoint: &str, reason: impl Into<String>) -> Self {
        Self::InvalidResponse {
            endpoint: endpoint.to_owned(),
            reason: reason.into(),
        }
    }
}

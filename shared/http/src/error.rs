//! What a call can fail with.
//!
//! Each variant of [`Error`] is a different decision for the caller. Messages name the endpoint and the status, never a
//! body, a token or a secret. Every variant that was caused by another error has that error as its
//! [`source`](std::error::Error::source).

use std::sync::Arc;
use std::time::Duration;

/// The cause of an error that can be cloned.
pub type SharedCause = Arc<dyn std::error::Error + Send + Sync>;

/// Why a call failed.
///
/// An error can be cloned because one failed request may answer several callers that waited for its result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// What the caller or the configuration passed in cannot be used: a bad URL, an id that cannot be a path segment, a
    /// machine without root certificates. Trying again does not help.
    #[error("{what} is not usable: {reason}")]
    Invalid {
        /// Which input is wrong.
        what: String,
        /// What is wrong with it, or what is allowed.
        reason: String,
        /// The error that was found, where there is one.
        #[source]
        source: Option<SharedCause>,
    },
    /// A key or the credentials could not be read from where secrets are kept.
    #[error("{what} could not be read")]
    Secret {
        /// Which secret was asked for.
        what: &'static str,
        /// The error of the secret source.
        #[source]
        source: SharedCause,
    },
    /// The secret was read and does not hold this key or these credentials: an operator must add the value.
    #[error("{what} is missing")]
    SecretMissing {
        /// Which secret was asked for.
        what: &'static str,
        /// The error of the secret source, which names the missing value.
        #[source]
        source: SharedCause,
    },
    /// The server refused the credentials (401), although they had just been renewed or read again.
    #[error("{endpoint} refused a fresh token or key")]
    Unauthorized {
        /// The endpoint that was called.
        endpoint: String,
    },
    /// The server does not have what was asked for (404).
    #[error("{endpoint} returned 404")]
    NotFound {
        /// The endpoint that was called.
        endpoint: String,
    },
    /// The rate limit was still exceeded (429) when no time was left to wait longer.
    #[error("{endpoint} returned 429: its rate limit is exceeded")]
    RateLimited {
        /// The endpoint that was called.
        endpoint: String,
        /// How long the server asked to wait, if it did.
        retry_after: Option<Duration>,
    },
    /// The server was out of reach or broken at the last attempt that the deadline allowed.
    #[error("{endpoint} is unavailable")]
    Unavailable {
        /// The endpoint that was called.
        endpoint: String,
        /// What happened at the last attempt.
        #[source]
        failure: AttemptFailure,
    },
    /// No request was made, because the server failed so often in a row that it is not called for a while.
    #[error("{endpoint} was not called: its circuit breaker is open")]
    CircuitOpen {
        /// The endpoint that would have been called.
        endpoint: String,
        /// How long the circuit breaker stays open.
        retry_after: Duration,
    },
    /// The caller's deadline passed before there was an answer.
    #[error("{endpoint} did not answer before the deadline")]
    DeadlineExceeded {
        /// The endpoint that was called.
        endpoint: String,
    },
    /// The server refused the request with a status that has no variant of its own: the request is wrong.
    #[error("{endpoint} refused the request with status {status}")]
    Rejected {
        /// The endpoint that was called.
        endpoint: String,
        /// The HTTP status of the refusal.
        status: u16,
    },
    /// The call succeeded, but its answer is not what the server's API promises.
    #[error("{endpoint} gave an invalid answer: {reason}")]
    InvalidResponse {
        /// The endpoint that was called.
        endpoint: String,
        /// What is wrong with the answer, without its content.
        reason: String,
    },
}

/// What happened at an attempt that may succeed the next time.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AttemptFailure {
    /// The server answered that it is broken or busy.
    #[error("status {0}")]
    Status(u16),
    /// The attempt took longer than a single attempt may.
    #[error("timed out")]
    Timeout,
    /// The connection could not be made, or it broke.
    #[error("connection failed")]
    Connection(#[source] SharedCause),
}

impl Error {
    /// Returns whether the same call may succeed later without anybody changing anything.
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

    /// Returns how long to wait before the call makes sense again, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } => *retry_after,
            Self::CircuitOpen { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// Builds an [`Error::Invalid`] that no other error caused.
    pub fn invalid(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            what: what.into(),
            reason: reason.into(),
            source: None,
        }
    }

    /// Builds an [`Error::Invalid`] that another error caused.
    pub fn invalid_with_cause(
        what: impl Into<String>,
        reason: impl Into<String>,
        cause: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Invalid {
            what: what.into(),
            reason: reason.into(),
            source: Some(Arc::new(cause)),
        }
    }

    /// Builds an [`Error::InvalidResponse`] of an endpoint.
    pub fn invalid_response(endpoint: &str, reason: impl Into<String>) -> Self {
        Self::InvalidResponse {
            endpoint: endpoint.to_owned(),
            reason: reason.into(),
        }
    }
}

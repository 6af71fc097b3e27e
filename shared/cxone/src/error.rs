//! What a call to the contact center can fail with.
//!
//! The first three variants of [`Error`] are refusals that only an operator can end, each by another correction. All
//! other failures can happen to any HTTP call and are those of [`insights_http::Error`]; the predicates answer the
//! questions that callers ask, so that few need to match on them.

use std::time::Duration;

use insights_http::Error as HttpError;

/// Why a call to the contact center failed.
///
/// Messages name the endpoint and the status, never a body, a token or a secret. An error can be cloned because one
/// failed token request answers everybody who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The token endpoint does not know this client id and secret (401): an operator must correct the secret.
    #[error(
        "{endpoint} refused the client `{client}`: correct client_id and client_secret in the contact center's secret"
    )]
    BadCredentials {
        /// The token endpoint that was called.
        endpoint: String,
        /// The beginning of the client id.
        client: String,
    },
    /// The token endpoint does not accept the scope list (400): an operator must correct the setting.
    #[error("{endpoint} refused the scope list `{scopes}`")]
    BadScopes {
        /// The token endpoint that was called.
        endpoint: String,
        /// The scopes that were asked for, separated by spaces.
        scopes: String,
    },
    /// The client lacks a scope (403): an operator must grant it to the client.
    #[error("{endpoint} is forbidden: {}", needed_scope(scope))]
    MissingScope {
        /// The endpoint that was called.
        endpoint: String,
        /// The scope or scopes that are missing, as far as known.
        scope: String,
    },
    /// The call failed in a way that any HTTP call can.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// Says what the client lacks, as far as that is known.
fn needed_scope(scope: &str) -> String {
    if scope.is_empty() {
        "grant the client what the call needs".to_owned()
    } else {
        format!("the client needs the scope `{scope}`")
    }
}

impl Error {
    /// Returns whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Http(error) if error.is_retryable())
    }

    /// Returns how long to wait before the call makes sense again, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Http(error) => error.retry_after(),
            _ => None,
        }
    }

    /// Returns whether the contact center does not have what was asked for (404); for a transcript: does not have it yet.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Http(HttpError::NotFound { .. }))
    }

    /// Returns whether the contact center already has what was sent (409).
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Http(HttpError::Rejected { status: 409, .. }))
    }

    /// Returns whether a call was refused although its token was fresh (401).
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Http(HttpError::Unauthorized { .. }))
    }

    /// Returns whether the contact center was not called because its circuit breaker is open.
    #[must_use]
    pub fn is_circuit_open(&self) -> bool {
        matches!(self, Self::Http(HttpError::CircuitOpen { .. }))
    }

    /// Returns whether the caller's deadline passed before there was an answer.
    #[must_use]
    pub fn is_deadline_exceeded(&self) -> bool {
        matches!(self, Self::Http(HttpError::DeadlineExceeded { .. }))
    }

    /// Returns whether the contact center refused this one request (404 or another 4xx): the same request would be refused
    /// again, and another one need not be.
    #[must_use]
    pub fn is_request_refused(&self) -> bool {
        matches!(
            self,
            Self::Http(HttpError::NotFound { .. } | HttpError::Rejected { .. })
        )
    }

    /// Returns whether every other call with these credentials would fail the same way: the credentials, the scopes or the
    /// token are refused, or the credentials cannot be read.
    #[must_use]
    pub fn is_access_refused(&self) -> bool {
        match self {
            Self::BadCredentials { .. } | Self::BadScopes { .. } | Self::MissingScope { .. } => {
                true
            }
            Self::Http(error) => matches!(
                error,
                HttpError::Unauthorized { .. }
                    | HttpError::Secret { .. }
                    | HttpError::SecretMissing { .. }
            ),
        }
    }

    /// Builds the error of an input that cannot be sent.
    pub(crate) fn invalid(what: impl Into<String>, reason: impl Into<String>) -> Self {
        HttpError::invalid(what, reason).into()
    }

    /// Builds the error of an answer that is not what the contact center's API promises.
    pub(crate) fn invalid_response(endpoint: &str, reason: impl Into<String>) -> Self {
        HttpError::invalid_response(endpoint, reason).into()
    }
}

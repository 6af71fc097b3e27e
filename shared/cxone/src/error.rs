//! What a call to the contact center can fail with.
//!
//! All variants of [`Error`] but the last two are refusals that only an operator can end, each by another correction. All
//! other failures can happen to any HTTP call and are those of [`insights_http::Error`]; the predicates answer the
//! questions that callers ask, so that few need to match on them.

use std::time::Duration;

use insights_http::Error as HttpError;

use crate::need::{DIGITAL_EXPERIENCE, INTERACTION_ANALYTICS, Right};

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
    /// The token endpoint does not know the registered application (401): an operator must correct the secret, or how the
    /// application proves itself.
    #[error(
        "{endpoint} refused the application `{client}`: correct client_id and client_secret in the contact center's secret, or set CXONE_CLIENT_AUTH to the form, basic or post, that the application was registered with{}",
        further(cloud_advice)
    )]
    BadClient {
        /// The token endpoint that was called.
        endpoint: String,
        /// The beginning of the client id.
        client: String,
        /// What to do if the application belongs to another cloud; empty where the issuer tells no cloud.
        cloud_advice: &'static str,
    },
    /// The token endpoint does not accept the access key of the user (401): an operator must create another one.
    #[error(
        "{endpoint} refused the access key `{access_key}`: {}; create an access key for the service user, and store access_key_id and access_key_secret in the contact center's secret{}",
        if *is_expired { "it has expired" } else { "it is wrong, expired or revoked" }, further(cloud_advice)
    )]
    BadAccessKey {
        /// The token endpoint that was called.
        endpoint: String,
        /// The beginning of the id of the access key.
        access_key: String,
        /// Whether the answer says that the key has expired.
        is_expired: bool,
        /// What to do if the key belongs to another cloud; empty where that cannot be the reason.
        cloud_advice: &'static str,
    },
    /// The user lacks a permission, or the application lacks the API (403): an operator must grant it.
    #[error(
        "{endpoint} is forbidden: give the role of the service user the permission {}, and have NICE grant the application the API of {}", needs.permission, needs.product
    )]
    MissingPermission {
        /// The endpoint that was called.
        endpoint: String,
        /// What the call needs.
        needs: Right,
    },
    /// The tenant has not licensed the product that the call is part of.
    #[error(
        "{endpoint} is not available: the tenant has no license for {product}; ask NICE for it, or do without{}",
        setting_without(product)
    )]
    NotLicensed {
        /// The endpoint that was called.
        endpoint: String,
        /// The product that is not licensed.
        product: &'static str,
    },
    /// A token or an answer belongs to another tenant or cloud than the settings say.
    #[error("{0}")]
    WrongTenant(&'static str),
    /// An answer names a host that is not one of the contact center's: the token must not go there.
    #[error(
        "{origin} named the host `{host}`, which is not one of NICE's, so that nothing is sent there; correct CXONE_ISSUER, or name the host's domain in CXONE_TRUSTED_DOMAINS"
    )]
    ForeignHost {
        /// What named the host.
        origin: &'static str,
        /// The host that was named.
        host: String,
    },
    /// The hosts of the tenant could not be learned.
    #[error(
        "the hosts of the tenant are not known, because {endpoint} gave no usable answer: try again later, or name the tenant's API in CXONE_BASE_URL"
    )]
    NoDiscovery {
        /// The endpoint that should have named the hosts.
        endpoint: String,
        /// Why it did not.
        #[source]
        source: HttpError,
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
    /// The call was refused, and the answer says why in the contact center's words.
    #[error("{endpoint} returned {status}: {explanation}")]
    Refused {
        /// The endpoint that was called.
        endpoint: String,
        /// The status of the answer.
        status: u16,
        /// The contact center's words, without numbers and addresses.
        explanation: String,
    },
    /// The call failed in a way that any HTTP call can.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// Returns further advice, separated from what stands before it.
fn further(advice: &str) -> String {
    if advice.is_empty() {
        String::new()
    } else {
        format!("; {advice}")
    }
}

/// Returns the setting with which reports and embeddings do without a product, where there is one.
fn setting_without(product: &str) -> &'static str {
    match product {
        INTERACTION_ANALYTICS => " by CXONE_MEDIA_TYPES=digital",
        DIGITAL_EXPERIENCE => " by CXONE_MEDIA_TYPES=voice",
        _ => "",
    }
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
        match self {
            Self::Http(error) | Self::NoDiscovery { source: error, .. } => error.is_retryable(),
            _ => false,
        }
    }

    /// Returns how long to wait before the call makes sense again, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Http(error) | Self::NoDiscovery { source: error, .. } => error.retry_after(),
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
        matches!(
            self,
            Self::Http(HttpError::Rejected { status: 409, .. }) | Self::Refused { status: 409, .. }
        )
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
                | Self::Refused { .. }
        )
    }

    /// Returns whether the token endpoint refused the credentials, so that it is worth to read them again: they may have been
    /// rotated.
    #[must_use]
    pub fn is_credentials_refused(&self) -> bool {
        matches!(
            self,
            Self::BadCredentials { .. } | Self::BadClient { .. } | Self::BadAccessKey { .. }
        )
    }

    /// Returns whether the client may not make this one call, which says nothing of calls for others.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(
            self,
            Self::MissingScope { .. } | Self::MissingPermission { .. }
        )
    }

    /// Returns whether every other call with these credentials would fail the same way: the credentials, the scopes or the
    /// token are refused, or the credentials cannot be read.
    #[must_use]
    pub fn is_access_refused(&self) -> bool {
        match self {
            Self::BadCredentials { .. }
            | Self::BadClient { .. }
            | Self::BadAccessKey { .. }
            | Self::MissingPermission { .. }
            | Self::NotLicensed { .. }
            | Self::WrongTenant(_)
            | Self::ForeignHost { .. }
            | Self::BadScopes { .. }
            | Self::MissingScope { .. } => true,
            Self::Refused { .. } | Self::NoDiscovery { .. } => false,
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

#[cfg(test)]
mod tests;

//! Why a login at a provider was not completed.

use super::identity_token::InvalidToken;

/// Why a login was not completed. It holds neither codes nor tokens.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignOnError {
    #[error("the login was not begun in this browser, or too long ago")]
    NotBegun,
    #[error("the return of this login was used before")]
    Used,
    #[error("the provider refused the login")]
    RefusedByProvider,
    #[error("the identity token cannot be believed")]
    InvalidToken(#[source] InvalidToken),
    #[error("the person is not among those who may see the board")]
    NotAllowed,
    #[error("the provider did not answer as it should")]
    Provider(#[source] insights_http::Error),
    #[error("the provider cannot be used: {0}")]
    Unusable(&'static str),
    #[error("the state of the login cannot be kept")]
    Store(#[source] store::Error),
}

impl SignOnError {
    /// Returns the word by which the page knows what to say.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::NotBegun | Self::Used => "expired",
            Self::RefusedByProvider | Self::InvalidToken(_) => "refused",
            Self::NotAllowed => "not-allowed",
            Self::Provider(_) | Self::Unusable(_) | Self::Store(_) => "unavailable",
        }
    }

    /// Returns whether somebody may have tried to get in without a right to it.
    pub(super) const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NotBegun
                | Self::Used
                | Self::RefusedByProvider
                | Self::InvalidToken(_)
                | Self::NotAllowed
        )
    }
}

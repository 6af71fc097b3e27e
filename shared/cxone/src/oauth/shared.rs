//! The cache that all instances share: what a [`TokenSource`](super::TokenSource) needs of it.

use std::time::Duration;

use futures::future::BoxFuture;

use super::token::{AccessToken, Fingerprint, TokenKey};

/// The error of a shared cache; logged once, then the source goes on with its memory alone.
pub type CacheError = Box<dyn std::error::Error + Send + Sync>;

/// Tokens that outlive an instance, one item a [`TokenKey`], and the lease under which one instance renews.
///
/// Implementations keep tokens unreadable at rest. The key tells nothing secret. All calls may come from many
/// instances at once. Times are the implementation's to measure; an expired item need not be told apart by it, since
/// the source looks at [`AccessToken::expires_at`].
pub trait SharedTokens: Send + Sync {
    /// The stored token. `None` if there is none, or one that cannot be decrypted (after a rotation).
    fn load<'a>(
        &'a self,
        key: &'a TokenKey,
    ) -> BoxFuture<'a, Result<Option<AccessToken>, CacheError>>;

    /// Stores a token in the place of whatever is there, until it expires.
    fn store<'a>(
        &'a self,
        key: &'a TokenKey,
        token: &'a AccessToken,
    ) -> BoxFuture<'a, Result<(), CacheError>>;

    /// Removes the stored token if its [`AccessToken::fingerprint`] is this one; another one stays.
    fn invalidate<'a>(
        &'a self,
        key: &'a TokenKey,
        fingerprint: &'a Fingerprint,
    ) -> BoxFuture<'a, Result<(), CacheError>>;

    /// Takes the right to renew, by a conditional write, if nobody else holds it; returns `None` if somebody does. The
    /// right ends by itself after `duration` if the process dies.
    fn try_lease<'a>(
        &'a self,
        key: &'a TokenKey,
        duration: Duration,
    ) -> BoxFuture<'a, Result<Option<Box<dyn RenewalLease>>, CacheError>>;
}

/// The right to renew a token, which one instance holds at a time.
///
/// A lease that is dropped gives the right back in the background: a caller that is canceled in the middle of a renewal
/// must not keep the other instances waiting until the lease ends by itself.
pub trait RenewalLease: Send {
    /// Gives the right back, so that the next instance need not wait.
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), CacheError>>;
}

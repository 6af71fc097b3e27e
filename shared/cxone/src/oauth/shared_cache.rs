//! What a [`TokenSource`](super::TokenSource) needs of a cache that all instances share.

use std::time::Duration;

use futures::future::BoxFuture;

use super::token::{AccessToken, Fingerprint, TokenKey};

/// The error of a shared cache. It is logged once, then the source goes on with its memory alone.
pub type CacheError = Box<dyn std::error::Error + Send + Sync>;

/// A cache of tokens that outlives an instance, with one item for a [`TokenKey`] and the lease under which one instance renews.
///
/// Implementations keep tokens unreadable at rest; the key is not secret. All calls may come from many instances at once.
/// An implementation measures the time of a lease itself. It need not leave out expired tokens, because the source looks at
/// [`AccessToken::expires_at`].
pub trait SharedTokenCache: Send + Sync {
    /// Returns the stored token; `None` if there is none, or one that cannot be decrypted (after a rotation).
    fn load<'a>(
        &'a self,
        key: &'a TokenKey,
    ) -> BoxFuture<'a, Result<Option<AccessToken>, CacheError>>;

    /// Stores a token until it expires, in the place of whatever is stored.
    fn store<'a>(
        &'a self,
        key: &'a TokenKey,
        token: &'a AccessToken,
    ) -> BoxFuture<'a, Result<(), CacheError>>;

    /// Removes the stored token if its [`AccessToken::fingerprint`] is this one; another token stays.
    fn invalidate<'a>(
        &'a self,
        key: &'a TokenKey,
        fingerprint: &'a Fingerprint,
    ) -> BoxFuture<'a, Result<(), CacheError>>;

    /// Takes the renewal lease by a conditional write, unless another instance holds it; returns `None` then.
    ///
    /// The lease ends by itself after `duration` if the process dies.
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

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

    /// Takes the right to renew, by a conditional write, if nobody else holds it. It ends by itself after `lasting`.
    /// `holder` is one [`TokenSource`](super::TokenSource), which renews once at a time: it may take again what it holds.
    fn try_lease<'a>(
        &'a self,
        key: &'a TokenKey,
        holder: &'a str,
        lasting: Duration,
    ) -> BoxFuture<'a, Result<bool, CacheError>>;

    /// Gives the right back, if `holder` still has it; else nothing happens.
    fn release<'a>(
        &'a self,
        key: &'a TokenKey,
        holder: &'a str,
    ) -> BoxFuture<'a, Result<(), CacheError>>;
}

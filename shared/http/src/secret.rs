//! Where credentials and keys come from: a source that can be asked to read again, so that a rotation needs no restart.

use std::future::Future;

use futures::future::BoxFuture;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, SharedCause};

/// The error of a secret source. Its text must not hold the secret.
pub type SecretSourceError = SharedCause;

/// The cause of a [`SecretSource`] that read the secret and did not find the wanted value in it. Another read does not help
/// before an operator adds the value, so [`read_secret`] turns it into an error that is not retryable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret has no value for '{name}'")]
pub struct MissingSecret {
    /// Name of the value that the secret does not hold.
    pub name: &'static str,
}

/// Whether a secret may come from a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// A cached secret is good enough.
    Cached,
    /// The cached secret was refused: it has to be read from where it is kept.
    Bypass,
}

/// Gives a secret of type `T`: a key as [`SecretString`], or the credentials of a client.
pub trait SecretSource<T>: Send + Sync {
    /// Reads the secret from where it is kept, or from a cache.
    ///
    /// # Errors
    /// Whatever the place where the secret is kept fails with.
    fn read(&self, freshness: Freshness) -> BoxFuture<'_, Result<T, SecretSourceError>>;
}

/// A secret that never changes, for local runs and tests.
#[derive(Debug, Clone)]
pub struct FixedSecret<T>(pub T);

impl<T: Clone + Send + Sync> SecretSource<T> for FixedSecret<T> {
    fn read(&self, _freshness: Freshness) -> BoxFuture<'_, Result<T, SecretSourceError>> {
        let secret = self.0.clone();
        Box::pin(std::future::ready(Ok(secret)))
    }
}

/// A secret that an async function reads.
pub struct SecretFn<F>(pub F);

impl<F> std::fmt::Debug for SecretFn<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretFn")
    }
}

impl<T, F, Fut> SecretSource<T> for SecretFn<F>
where
    F: Fn(Freshness) -> Fut + Send + Sync,
    Fut: Future<Output = Result<T, SecretSourceError>> + Send + 'static,
{
    fn read(&self, freshness: Freshness) -> BoxFuture<'_, Result<T, SecretSourceError>> {
        Box::pin((self.0)(freshness))
    }
}

/// Reads a secret and turns a failure into an [`Error`] that says in `what` which secret it was.
///
/// # Errors
/// [`Error::SecretMissing`] if the source says [`MissingSecret`], else [`Error::Secret`]; both with the error of the source.
pub async fn read_secret<T>(
    source: &dyn SecretSource<T>,
    what: &'static str,
    freshness: Freshness,
) -> Result<T, Error> {
    source.read(freshness).await.map_err(|source| {
        if source.is::<MissingSecret>() {
            Error::SecretMissing { what, source }
        } else {
            Error::Secret { what, source }
        }
    })
}

/// Builds the `Authorization` header of a bearer token or key (RFC 6750, 2.1), marked as sensitive so that it is not printed.
///
/// `None` if the secret holds what a header cannot carry.
#[must_use]
pub fn bearer_header(secret: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", secret.expose_secret())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    async fn read(error: SecretSourceError) -> Error {
        let source = SecretFn(move |_| {
            std::future::ready(Err::<SecretString, SecretSourceError>(Arc::clone(&error)))
        });
        let read = read_secret(&source, "the key of the service", Freshness::Cached).await;
        read.expect_err("the source fails")
    }

    #[tokio::test]
    async fn a_value_that_the_secret_does_not_hold_is_not_worth_another_read() {
        let missing = read(Arc::new(MissingSecret {
            name: "nlp_api_key",
        }))
        .await;
        assert!(
            matches!(missing, Error::SecretMissing { .. }),
            "{missing:?}"
        );
        assert!(!missing.is_retryable());
        let broken = read(Arc::new(std::io::Error::other("the store is down"))).await;
        assert!(matches!(broken, Error::Secret { .. }), "{broken:?}");
        assert!(broken.is_retryable());
    }
}

//! Where credentials and keys come from: a source that can be asked to read anew, so that rotation needs no restart.

use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::Error;

/// The error of a secret source; its text must not hold the secret.
pub type SourceError = Arc<dyn std::error::Error + Send + Sync>;

/// Whether a cached secret will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// A cached secret will do.
    Cached,
    /// The cached one was refused: read it from where it is kept.
    Anew,
}

/// A client id and its secret.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// The OAuth client id; not secret.
    pub client_id: String,
    /// The OAuth client secret.
    pub client_secret: SecretString,
}

/// Gives a secret of type `T`, [`ClientCredentials`] or a key as [`SecretString`].
pub trait SecretSource<T>: Send + Sync {
    /// The secret.
    ///
    /// # Errors
    /// Whatever the place where it is kept fails with.
    fn read(&self, read: Read) -> BoxFuture<'_, Result<T, SourceError>>;
}

/// A secret that never changes, for local runs and tests.
#[derive(Debug, Clone)]
pub struct Fixed<T>(pub T);

impl<T: Clone + Send + Sync> SecretSource<T> for Fixed<T> {
    fn read(&self, _read: Read) -> BoxFuture<'_, Result<T, SourceError>> {
        let secret = self.0.clone();
        Box::pin(std::future::ready(Ok(secret)))
    }
}

/// A secret that an async function reads.
pub struct FromFn<F>(pub F);

impl<F> std::fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FromFn")
    }
}

impl<T, F, Fut> SecretSource<T> for FromFn<F>
where
    F: Fn(Read) -> Fut + Send + Sync,
    Fut: Future<Output = Result<T, SourceError>> + Send + 'static,
{
    fn read(&self, read: Read) -> BoxFuture<'_, Result<T, SourceError>> {
        Box::pin((self.0)(read))
    }
}

/// Reads a secret and puts a failure into this crate's terms.
///
/// # Errors
/// [`Error::Secret`] with the source's error.
pub async fn read<T>(
    source: &dyn SecretSource<T>,
    what: &'static str,
    read: Read,
) -> Result<T, Error> {
    source
        .read(read)
        .await
        .map_err(|source| Error::Secret { what, source })
}

/// A bearer header of a secret; `None` if the secret holds what a header cannot carry.
#[must_use]
pub fn bearer(secret: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", secret.expose_secret())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

//! A secret store behind a pointer, for stores that the product does not know by type.

use futures::future::BoxFuture;

use super::secret_store::SecretStore;
use super::values::Secrets;
use crate::Error;

/// A [`SecretStore`] whose future is boxed, so that it can be used through a pointer. Every secret store is one.
pub trait ErasedSecretStore: std::fmt::Debug + Send + Sync {
    /// Does what [`SecretStore::fetch`] does.
    fn fetch_boxed(&self) -> BoxFuture<'_, Result<Secrets, Error>>;
}

impl<T: SecretStore + std::fmt::Debug> ErasedSecretStore for T {
    fn fetch_boxed(&self) -> BoxFuture<'_, Result<Secrets, Error>> {
        Box::pin(self.fetch())
    }
}

//! The place where a running function finds its secrets, which is chosen at start.

use std::sync::Arc;

use super::erased::ErasedSecretStore;
#[cfg(feature = "embedded")]
use super::file::SecretFile;
#[cfg(feature = "aws")]
use super::manager::SecretsManager;
use super::secret_store::SecretStore;
use super::values::Secrets;
use crate::Error;

/// The place where a running function finds its secrets, chosen at start.
#[derive(Debug, Clone)]
pub enum AnySecretStore {
    /// A secret of Secrets Manager.
    #[cfg(feature = "aws")]
    Manager(SecretsManager),
    /// A file that only this user may read.
    #[cfg(feature = "embedded")]
    File(SecretFile),
    /// Values that the caller gave, for a demonstration or a test.
    Given(Secrets),
    /// Any other store, such as that of a simulation.
    Other(Arc<dyn ErasedSecretStore>),
}

impl SecretStore for AnySecretStore {
    async fn fetch(&self) -> Result<Secrets, Error> {
        match self {
            #[cfg(feature = "aws")]
            Self::Manager(manager) => manager.fetch().await,
            #[cfg(feature = "embedded")]
            Self::File(file) => file.fetch().await,
            Self::Given(secrets) => Ok(secrets.clone()),
            Self::Other(store) => store.fetch_boxed().await,
        }
    }
}

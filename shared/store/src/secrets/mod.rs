//! Secrets: one object of named values, cached for a while and read again after an authentication failure.

mod any_secret_store;
mod cached;
mod erased;
#[cfg(feature = "embedded")]
mod file;
#[cfg(feature = "aws")]
mod manager;
mod secret_store;
mod values;

pub use any_secret_store::AnySecretStore;
pub use cached::{CachedSecrets, TTL_DEFAULT};
pub use erased::ErasedSecretStore;
#[cfg(feature = "embedded")]
pub use file::SecretFile;
#[cfg(feature = "aws")]
pub use manager::SecretsManager;
pub use secret_store::SecretStore;
pub use values::{NAMES, Secrets};

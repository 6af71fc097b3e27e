//! Keys of services, taken from the secret of a function.

use std::sync::Arc;

use futures::future::BoxFuture;
use insights_http::secret::{Freshness, MissingSecret, SecretFn, SecretSource, SecretSourceError};
use secrecy::SecretString;
use store::secrets::{AnySecretStore, CachedSecrets};

/// The secrets of a function, wherever they are kept, cached for all callers in the process.
pub type FunctionSecrets = CachedSecrets<AnySecretStore>;

/// Returns the source of one key of the secret; the key is read again after a service refused it.
#[must_use]
pub fn secret_key(
    secrets: &Arc<FunctionSecrets>,
    name: &'static str,
) -> Arc<dyn SecretSource<SecretString>> {
    let secrets = Arc::clone(secrets);
    Arc::new(SecretFn(move |read| {
        let secrets = Arc::clone(&secrets);
        Box::pin(async move { read_key(&secrets, name, read).await }) as BoxFuture<'static, _>
    }))
}

/// Reads one key of the secret.
pub(crate) async fn read_key(
    secrets: &FunctionSecrets,
    name: &'static str,
    read: Freshness,
) -> Result<SecretString, SecretSourceError> {
    let found = match read {
        Freshness::Cached => secrets.get().await,
        Freshness::Bypass => secrets.refresh_after_auth_failure().await,
    };
    let found = found.map_err(|error| error as SecretSourceError)?;
    let missing = || Arc::new(MissingSecret { name }) as SecretSourceError;
    found.get(name).cloned().ok_or_else(missing)
}

//! The right to renew, given back even if the caller who renews goes away.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::shared::{CacheError, SharedTokens};
use super::token::TokenKey;

/// How long one call to the shared cache may take: a healthy one takes a hundredth of it.
const CACHE_TIMEOUT: Duration = Duration::from_secs(1);

/// A lease that is held.
pub(super) struct Lease(Option<Held>);

struct Held {
    shared: Arc<dyn SharedTokens>,
    key: TokenKey,
    holder: String,
}

impl Held {
    async fn release(self) -> Result<(), CacheError> {
        in_time(self.shared.release(&self.key, &self.holder)).await
    }
}

impl Lease {
    pub(super) fn new(shared: Arc<dyn SharedTokens>, key: TokenKey, holder: String) -> Self {
        Self(Some(Held {
            shared,
            key,
            holder,
        }))
    }

    /// Gives it back.
    pub(super) async fn release(mut self) -> Result<(), CacheError> {
        match self.0.take() {
            Some(held) => held.release().await,
            None => Ok(()),
        }
    }
}

impl Drop for Lease {
    /// A caller that is cancelled in the middle of a renewal must not keep the other instances waiting until the lease
    /// ends by itself, so it is given back in the background.
    fn drop(&mut self) {
        if let (Some(held), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                if let Err(error) = held.release().await {
                    tracing::debug!(%error, "a token lease was not given back and will end by itself");
                }
            });
        }
    }
}

/// A shared cache that does not answer counts as one that failed.
pub(super) async fn in_time<T>(
    call: impl Future<Output = Result<T, CacheError>>,
) -> Result<T, CacheError> {
    tokio::time::timeout(CACHE_TIMEOUT, call)
        .await
        .unwrap_or_else(|_| Err("it did not answer in time".into()))
}

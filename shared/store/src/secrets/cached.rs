//! A cache above a secret store: one read per period and process, however many callers; the last good value while the
//! store is down.

use std::sync::Arc;
use std::time::Duration;

use insights_core::WithCauses;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{SecretStore, Secrets};
use crate::Error;

/// How long secrets are kept; a rotated one is known everywhere after it.
pub const TTL_DEFAULT: Duration = Duration::from_secs(300);
/// Between two reads that authentication failures ask for: strangers with wrong keys must not drive requests.
const REFRESH_MIN: Duration = Duration::from_secs(10);
/// Between two tries while the store is down.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The secrets of a store, cached.
#[derive(Debug)]
pub struct CachedSecrets<S> {
    store: S,
    ttl: Duration,
    // Held while reading, so that callers wait for one read instead of making their own.
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    secrets: Option<Arc<Secrets>>,
    /// Until when they are served without a read.
    fresh_until: Option<Instant>,
    /// The last read, successful or not.
    read_at: Option<Instant>,
}

impl<S: SecretStore> CachedSecrets<S> {
    /// A cache with the default period; nothing is read yet.
    pub fn new(store: S) -> Self {
        Self::with_ttl(store, TTL_DEFAULT)
    }

    /// A cache with another period.
    pub fn with_ttl(store: S, ttl: Duration) -> Self {
        Self {
            store,
            ttl,
            cache: Mutex::default(),
        }
    }

    /// The secrets, read if they are older than the period.
    ///
    /// # Errors
    /// Those of the store, if there was no successful read yet. Later ones are logged, and the last good value is given.
    pub async fn get(&self) -> Result<Arc<Secrets>, Error> {
        let mut cache = self.cache.lock().await;
        if let (Some(secrets), Some(until)) = (&cache.secrets, cache.fresh_until)
            && Instant::now() < until
        {
            return Ok(Arc::clone(secrets));
        }
        self.read(&mut cache).await
    }

    /// The secrets, read again since one was refused somewhere: it may have been rotated. Reads at most once in 10 s;
    /// between, the cached ones are given.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn refresh_after_auth_failure(&self) -> Result<Arc<Secrets>, Error> {
        let mut cache = self.cache.lock().await;
        if let (Some(secrets), Some(at)) = (&cache.secrets, cache.read_at)
            && at.elapsed() < REFRESH_MIN
        {
            return Ok(Arc::clone(secrets));
        }
        self.read(&mut cache).await
    }

    async fn read(&self, cache: &mut Cache) -> Result<Arc<Secrets>, Error> {
        let read = self.store.fetch().await;
        let now = Instant::now();
        cache.read_at = Some(now);
        match (read, &cache.secrets) {
            (Ok(secrets), _) => {
                let secrets = Arc::new(secrets);
                cache.secrets = Some(Arc::clone(&secrets));
                cache.fresh_until = Some(now + self.ttl);
                Ok(secrets)
            }
            (Err(error), Some(stale)) => {
                tracing::warn!(cause = %WithCauses(&error), "the secrets could not be read again, the last ones stay in use");
                cache.fresh_until = Some(now + RETRY_AFTER.min(self.ttl));
                Ok(Arc::clone(stale))
            }
            (Err(error), None) => Err(error),
        }
    }
}

//! A cache over a secret store: one read per period and process, however many callers there are, and the last good values
//! while the store is down.

use std::sync::Arc;
use std::time::Duration;

use insights_core::WithCauses;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::secret_store::SecretStore;
use super::values::Secrets;
use crate::Error;

/// How long secrets are cached by default; a rotated secret is known everywhere after this time.
pub const TTL_DEFAULT: Duration = Duration::from_secs(300);
/// Shortest time between two reads that authentication failures ask for: callers with wrong keys must not drive requests.
const REFRESH_INTERVAL_MIN: Duration = Duration::from_secs(10);
/// Pause between two reads while the store is down.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// The secrets of a store, cached for all callers in a process.
#[derive(Debug)]
pub struct CachedSecrets<S> {
    store: S,
    ttl: Duration,
    // Held during a read, so that callers wait for that read instead of making their own.
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    secrets: Option<Arc<Secrets>>,
    /// The moment until which the cached secrets are returned without a read.
    fresh_until: Option<Instant>,
    /// The moment of the last read, successful or not.
    read_at: Option<Instant>,
}

impl<S: SecretStore> CachedSecrets<S> {
    /// Creates a cache with the default period. Nothing is read yet.
    pub fn new(store: S) -> Self {
        Self::with_ttl(store, TTL_DEFAULT)
    }

    /// Creates a cache with another period.
    pub fn with_ttl(store: S, ttl: Duration) -> Self {
        Self {
            store,
            ttl,
            cache: Mutex::default(),
        }
    }

    /// Returns the secrets, which are read if the cached ones are older than the period.
    ///
    /// # Errors
    /// The errors of the store, if there was no successful read yet. Later errors are logged, and the last good values are
    /// returned.
    pub async fn get(&self) -> Result<Arc<Secrets>, Error> {
        let mut cache = self.cache.lock().await;
        if let (Some(secrets), Some(until)) = (&cache.secrets, cache.fresh_until)
            && Instant::now() < until
        {
            return Ok(Arc::clone(secrets));
        }
        self.read(&mut cache).await
    }

    /// Reads the secrets again after one of them was refused somewhere, because it may have been rotated. At most one read
    /// is made in 10 s; the cached secrets are returned in between.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn refresh_after_auth_failure(&self) -> Result<Arc<Secrets>, Error> {
        let mut cache = self.cache.lock().await;
        if let (Some(secrets), Some(at)) = (&cache.secrets, cache.read_at)
            && at.elapsed() < REFRESH_INTERVAL_MIN
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
                cache.fresh_until = Some(now + RETRY_INTERVAL.min(self.ttl));
                Ok(Arc::clone(stale))
            }
            (Err(error), None) => Err(error),
        }
    }
}

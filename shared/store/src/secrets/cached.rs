//! A cache over a secret store: one read per period and process, however many callers there are, and the last good values
//! while the store is down.
//!
//! Whoever has a value never waits long for a read: the value in hand is given, and the read goes on in a task of its own, which
//! does not end when its caller gives up. Only while there is no value at all do callers wait for the read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use insights_core::WithCauses;
use tokio::sync::watch;
use tokio::time::Instant;

use super::secret_store::SecretStore;
use super::values::Secrets;
use crate::Error;

/// How long secrets are cached by default; a rotated secret is known everywhere after this time.
pub const TTL_DEFAULT: Duration = Duration::from_secs(300);
/// Shortest time between two reads, except while there is no value: callers with wrong keys must not drive requests, and a
/// store that is down is not asked by every caller.
const READ_INTERVAL_MIN: Duration = Duration::from_secs(10);
/// Longest time that one read may take, whatever the store does.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a read that it has started with an outdated value in hand.
const OUTDATED_WAIT: Duration = Duration::from_millis(50);
/// How long a caller waits for a read if its key was refused, or if the value in hand is older than two periods, as after a
/// night in which the function was frozen.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// What the cache gives: the values, or why there are none, shared by all who waited for the same read.
type Found = Result<Arc<Secrets>, Arc<Error>>;

/// What a caller does about the secrets.
enum Step {
    /// The caller takes these.
    Give(Arc<Secrets>),
    /// There are none yet: the caller waits for the read.
    AwaitFirst(watch::Receiver<u64>),
    /// The caller waits for the read for so long, and takes the outdated ones if it has not ended then.
    AwaitNewer {
        stale: Arc<Secrets>,
        wait: Duration,
        ended: watch::Receiver<u64>,
    },
}

/// The secrets of a store, cached for all callers in a process.
#[derive(Debug)]
pub struct CachedSecrets<S>(Arc<Shared<S>>);

#[derive(Debug)]
struct Shared<S> {
    store: S,
    ttl: Duration,
    cache: Mutex<Cache>,
    /// The number of reads that have ended.
    ended: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Cache {
    secrets: Option<Arc<Secrets>>,
    /// The moment at which the cached secrets were read.
    read_at: Option<Instant>,
    /// The moment at which the last read began, whatever became of it. It is set before the read, so that a read whose caller gives
    /// up counts too.
    asked_at: Option<Instant>,
    is_reading: bool,
    /// Why the last read failed, if it did.
    failure: Option<Arc<Error>>,
}

impl<S: SecretStore + 'static> CachedSecrets<S> {
    /// Creates a cache with the default period. Nothing is read yet.
    pub fn new(store: S) -> Self {
        Self::with_ttl(store, TTL_DEFAULT)
    }

    /// Creates a cache with another period.
    pub fn with_ttl(store: S, ttl: Duration) -> Self {
        Self(Arc::new(Shared {
            store,
            ttl,
            cache: Mutex::default(),
            ended: watch::Sender::new(0),
        }))
    }

    /// Returns the secrets that are cached. If they are older than the period, a read is started in the background, and the
    /// cached ones are given unless the read ends at once.
    ///
    /// # Errors
    /// The errors of the store, if there was no successful read yet. Later errors are logged, and the last good values are
    /// returned.
    pub async fn get(&self) -> Result<Arc<Secrets>, Arc<Error>> {
        let step = self.next_step(|cache, age| {
            if age < self.0.ttl || cache.is_reading || !cache.may_be_asked() {
                return None;
            }
            // A store that has just failed is not waited for again.
            let is_worth_waiting = age >= self.0.ttl * 2 && cache.failure.is_none();
            Some(if is_worth_waiting {
                LONGEST_WAIT
            } else {
                OUTDATED_WAIT
            })
        });
        self.take(step).await
    }

    /// Reads the secrets again after one of them was refused somewhere, because it may have been rotated. At most one read
    /// is begun in 10 s. The cached secrets are returned in between, and if the read takes longer than half a second.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn refresh_after_auth_failure(&self) -> Result<Arc<Secrets>, Arc<Error>> {
        let step = self.next_step(|cache, _age| {
            let is_worth_waiting = if cache.is_reading {
                cache.failure.is_none()
            } else {
                cache.may_be_asked()
            };
            is_worth_waiting.then_some(LONGEST_WAIT)
        });
        self.take(step).await
    }

    /// Decides what a caller does. `wait` tells from the age of the secrets for how long a read is waited for; `None` begins
    /// no read.
    fn next_step(&self, wait: impl FnOnce(&Cache, Duration) -> Option<Duration>) -> Step {
        let mut cache = self.0.lock();
        let age = cache.read_at.map(|at| at.elapsed());
        let Some((stale, age)) = cache.secrets.clone().zip(age) else {
            return Step::AwaitFirst(self.begin_read(&mut cache));
        };
        match wait(&cache, age) {
            None => Step::Give(stale),
            Some(wait) => Step::AwaitNewer {
                stale,
                wait,
                ended: self.begin_read(&mut cache),
            },
        }
    }

    async fn take(&self, step: Step) -> Found {
        match step {
            Step::Give(secrets) => Ok(secrets),
            Step::AwaitFirst(ended) => self.wait_for_first(ended).await,
            Step::AwaitNewer { stale, wait, ended } => {
                Ok(self.newest_within(wait, ended).await.unwrap_or(stale))
            }
        }
    }

    /// Begins a read in a task of its own, unless one is under way; returns what tells its end.
    fn begin_read(&self, cache: &mut Cache) -> watch::Receiver<u64> {
        let ended = self.0.ended.subscribe();
        if !cache.is_reading {
            cache.is_reading = true;
            cache.asked_at = Some(Instant::now());
            let reading = Reading(Arc::clone(&self.0));
            tokio::spawn(reading.run());
        }
        ended
    }

    /// Waits for a read while there is no value in hand.
    async fn wait_for_first(&self, mut ended: watch::Receiver<u64>) -> Found {
        loop {
            // The sender lives as long as `self`.
            let _changed = ended.changed().await;
            let cache = self.0.lock();
            if let Some(secrets) = &cache.secrets {
                return Ok(Arc::clone(secrets));
            }
            if let Some(failure) = &cache.failure {
                return Err(Arc::clone(failure));
            }
        }
    }

    /// Waits for the end of a read for so long; returns the secrets that are cached then, `None` if the read did not end.
    async fn newest_within(
        &self,
        wait: Duration,
        mut ended: watch::Receiver<u64>,
    ) -> Option<Arc<Secrets>> {
        let _changed = tokio::time::timeout(wait, ended.changed()).await.ok()?;
        self.0.lock().secrets.clone()
    }
}

impl Cache {
    /// Returns whether enough time has passed since the last read began.
    fn may_be_asked(&self) -> bool {
        self.asked_at
            .is_none_or(|at| at.elapsed() >= READ_INTERVAL_MIN)
    }
}

impl<S> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A read that is under way. However it ends, the next one can begin, and those who wait are woken.
struct Reading<S>(Arc<Shared<S>>);

impl<S: SecretStore> Reading<S> {
    async fn run(self) {
        let read = tokio::time::timeout(READ_TIMEOUT, self.0.store.fetch()).await;
        let read = read.unwrap_or_else(|elapsed| {
            Err(Error::Unavailable {
                store: "the secret store",
                operation: "the read of a secret",
                source: Box::new(elapsed),
            })
        });
        let mut cache = self.0.lock();
        match read {
            Ok(secrets) => {
                cache.secrets = Some(Arc::new(secrets));
                cache.read_at = Some(Instant::now());
                cache.failure = None;
            }
            Err(error) => {
                if cache.secrets.is_some() {
                    tracing::warn!(cause = %WithCauses(&error), "the secrets could not be read again, the last ones stay in use");
                }
                cache.failure = Some(Arc::new(error));
            }
        }
    }
}

impl<S> Drop for Reading<S> {
    fn drop(&mut self) {
        let mut cache = self.0.lock();
        cache.is_reading = false;
        if cache.secrets.is_none() && cache.failure.is_none() {
            cache.failure = Some(Arc::new(Error::Unavailable {
                store: "the secret store",
                operation: "the read of a secret",
                source: "the read was canceled".into(),
            }));
        }
        drop(cache);
        self.0.ended.send_modify(|ended| *ended += 1);
    }
}

#[cfg(test)]
mod tests;

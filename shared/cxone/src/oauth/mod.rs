//! Access tokens: asked for once, kept in memory, shared between instances, renewed by one of them at a time.

mod credentials;
mod grant;
mod memory;
mod shared;
mod token;

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

pub use self::credentials::ClientCredentials;
use self::memory::Memory;
pub use self::shared::{CacheError, RenewalLease, SharedTokens};

pub use self::token::{AccessToken, Fingerprint, MARGIN, TokenKey};
use crate::endpoints::Site;
use insights_http::backoff::{self, Backoff, BackoffPolicy};
use insights_http::secret::{self, Freshness, SecretSource};
use insights_http::{AttemptFailure, Deadline, Error};
use insights_http::{CallLimits, Transport};

/// How long one instance may hold the right to renew; its token request ends before. Long enough for a slow answer,
/// short enough that the others get over an instance that died with it.
pub const LEASE: Duration = Duration::from_secs(10);

/// How long one call to the shared cache may take: a healthy one takes a hundredth of it.
const CACHE_TIMEOUT: Duration = Duration::from_secs(1);

/// Tells the time; wall-clock, since tokens outlive processes.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The tokens of one client at one site.
pub struct TokenSource {
    site: Site,
    credentials: Arc<dyn SecretSource<ClientCredentials>>,
    shared: Option<Arc<dyn SharedTokens>>,
    transport: Transport,
    clock: Clock,
    memory: Mutex<Memory>,
    /// Held by the one caller that renews.
    renewal: tokio::sync::Mutex<()>,
    shared_failed: AtomicBool,
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenSource({})", self.site.token_url())
    }
}

impl TokenSource {
    /// A source without a shared cache that tells the time by the system's clock.
    #[must_use]
    pub fn new(
        http: reqwest::Client,
        site: Site,
        credentials: Arc<dyn SecretSource<ClientCredentials>>,
        limits: CallLimits,
    ) -> Self {
        // A token answer has a kilobyte or two.
        let limits = CallLimits {
            max_answer: 64 << 10,
            ..limits
        };
        Self {
            site,
            credentials,
            shared: None,
            transport: Transport::new(http, limits),
            clock: Arc::new(Timestamp::now),
            memory: Mutex::default(),
            renewal: tokio::sync::Mutex::default(),
            shared_failed: AtomicBool::new(false),
        }
    }

    /// The same source with a cache that other instances share.
    #[must_use]
    pub fn with_shared(mut self, shared: Arc<dyn SharedTokens>) -> Self {
        self.shared = Some(shared);
        self
    }

    /// The same source with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// A token that is good for a call: from memory, from the shared cache, or new.
    ///
    /// However many callers ask at once, one token request is made; the others get its result, also if it failed.
    ///
    /// # Errors
    /// [`Error::BadCredentials`], [`Error::BadScopes`], [`Error::Forbidden`] (a scope is not granted),
    /// [`Error::Secret`], or a retryable one.
    pub async fn token(&self, deadline: Deadline) -> Result<AccessToken, Error> {
        let seen = {
            let memory = self.lock();
            if let Some(token) = memory.fresh((self.clock)()) {
                return Ok(token.clone());
            }
            memory.renewals()
        };
        let Some(_renewing) = deadline.bound(self.renewal.lock()).await else {
            return Err(self.too_late());
        };
        if let Some(settled) = self.lock().settled_since(seen, (self.clock)()) {
            return settled;
        }
        let result = self.renew(deadline).await;
        self.lock().settle(&result);
        result
    }

    /// Forgets a token that a call was refused with, in memory and in the shared cache, if it is still the one there:
    /// many callers refused with the same token cause one renewal.
    pub async fn invalidate(&self, token: &AccessToken) {
        let fingerprint = token.fingerprint();
        if !self.lock().refuse(&fingerprint) {
            return;
        }
        let Some(shared) = &self.shared else { return };
        let Ok(credentials) = secret::read_secret(
            &*self.credentials,
            "the client id and secret",
            Freshness::Cached,
        )
        .await
        else {
            return;
        };
        let key = self.key(&credentials);
        self.noted(in_time(shared.invalidate(&key, &fingerprint)).await);
    }

    async fn renew(&self, deadline: Deadline) -> Result<AccessToken, Error> {
        let reading = secret::read_secret(
            &*self.credentials,
            "the client id and secret",
            Freshness::Cached,
        );
        let credentials = deadline
            .bound(reading)
            .await
            .ok_or_else(|| self.too_late())??;
        match self.renew_with(&credentials, deadline).await {
            Err(Error::BadCredentials { .. }) => {
                // Rotated, perhaps: read them anew, once.
                let reading = secret::read_secret(
                    &*self.credentials,
                    "the client id and secret",
                    Freshness::Bypass,
                );
                let credentials = deadline
                    .bound(reading)
                    .await
                    .ok_or_else(|| self.too_late())??;
                self.renew_with(&credentials, deadline).await
            }
            result => result,
        }
    }

    async fn renew_with(
        &self,
        credentials: &ClientCredentials,
        deadline: Deadline,
    ) -> Result<AccessToken, Error> {
        let key = self.key(credentials);
        let Some(shared) = &self.shared else {
            return self.request(credentials, deadline).await;
        };
        let lease = match deadline.bound(self.load_or_lease(shared, &key)).await {
            None => return Err(self.too_late()),
            Some(Ok(Turn::Load(token))) => return Ok(token),
            Some(Ok(Turn::Leased(lease))) => Some(lease),
            Some(Err(error)) => {
                self.noted::<()>(Err(error));
                None
            }
        };
        let result = self.request(credentials, deadline.or_within(LEASE)).await;
        if let Some(lease) = lease {
            if let Ok(token) = &result {
                self.noted(in_time(shared.store(&key, token)).await);
            }
            self.noted(in_time(lease.release()).await);
        }
        match result {
            // The lease's time ran out, not the caller's.
            Err(Error::DeadlineExceeded { endpoint }) if !deadline.has_passed() => {
                Err(Error::Unavailable {
                    endpoint,
                    failure: AttemptFailure::Timeout,
                })
            }
            result => result,
        }
    }

    /// Waits until another instance's token is there, or it is this one's turn to renew.
    async fn load_or_lease(
        &self,
        shared: &Arc<dyn SharedTokens>,
        key: &TokenKey,
    ) -> Result<Turn, CacheError> {
        let mut backoff = Backoff::new(BackoffPolicy::OTHER_INSTANCE);
        loop {
            if let Some(token) = self.usable(in_time(shared.load(key)).await?) {
                return Ok(Turn::Load(token));
            }
            if let Some(lease) = in_time(shared.try_lease(key, LEASE)).await? {
                // The one before may have stored its token between the two calls above.
                let Some(token) = self.usable(in_time(shared.load(key)).await?) else {
                    return Ok(Turn::Leased(lease));
                };
                self.noted(in_time(lease.release()).await);
                return Ok(Turn::Load(token));
            }
            backoff::wait(&mut backoff).await;
        }
    }

    fn usable(&self, token: Option<AccessToken>) -> Option<AccessToken> {
        token.filter(|token| token.is_fresh((self.clock)()) && !self.lock().is_refused(token))
    }

    async fn request(
        &self,
        credentials: &ClientCredentials,
        deadline: Deadline,
    ) -> Result<AccessToken, Error> {
        let (url, scopes) = (self.site.token_url(), self.site.scopes());
        let token = grant::request(
            &self.transport,
            url,
            scopes,
            credentials,
            (self.clock)(),
            deadline,
        )
        .await
        .inspect_err(|_| metrics::counter!("token_refresh_failures").increment(1))?;
        metrics::counter!("token_refreshes").increment(1);
        tracing::info!(token_path = url.path(), expires_at = %token.expires_at(), "token renewed");
        Ok(token)
    }

    fn key(&self, credentials: &ClientCredentials) -> TokenKey {
        TokenKey::new(
            self.site.token_url(),
            &credentials.client_id,
            self.site.scopes(),
        )
    }

    /// Notes how the shared cache does: the first failure in a row is logged, and nothing else happens.
    fn noted<T>(&self, result: Result<T, CacheError>) {
        let failed = result.is_err();
        let before = self.shared_failed.swap(failed, Ordering::Relaxed);
        if let (Err(error), false) = (result, before) {
            tracing::warn!(error = %error, "the shared token cache failed: going on with memory alone");
        }
    }

    fn too_late(&self) -> Error {
        Error::DeadlineExceeded {
            endpoint: self.site.token_url().path().to_owned(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an instance comes by a token.
enum Turn {
    /// Another one stored it.
    Load(AccessToken),
    /// It is this one's turn to ask for it.
    Leased(Box<dyn RenewalLease>),
}

/// Bounds one call to the shared cache: a cache that does not answer counts as one that failed.
async fn in_time<T>(call: impl Future<Output = Result<T, CacheError>>) -> Result<T, CacheError> {
    tokio::time::timeout(CACHE_TIMEOUT, call)
        .await
        .unwrap_or_else(|_| Err("the shared token cache did not answer in time".into()))
}

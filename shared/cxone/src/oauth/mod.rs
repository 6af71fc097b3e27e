//! Access tokens: requested once, kept in memory, shared between instances, renewed by one instance at a time.

mod credentials;
mod grant;
mod lifetime;
mod memory;
mod refusals;
mod shared_cache;
mod token;

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use insights_http::backoff::{self, Backoff, BackoffPolicy};
use insights_http::exchange::HttpClient;
use insights_http::secret::{Freshness, SecretSource, read_secret};
use insights_http::{
    AttemptFailure, CallLimits, Deadline, Error as HttpError, Transport, WithCauses,
};
use jiff::Timestamp;

pub use self::credentials::{AccessKey, ClientCredentials};
use self::memory::TokenMemory;
use self::refusals::{CredentialsDigest, Refusals};
pub use self::shared_cache::{CacheError, RenewalLease, SharedTokenCache};
pub use self::token::{AccessToken, EXPIRY_MARGIN, Fingerprint, TokenKey};
use crate::endpoints::Site;
use crate::error::Error;

/// Largest answer of a token endpoint in bytes; real ones have a kilobyte or two.
const MAX_TOKEN_ANSWER_BYTES: usize = 64 << 10;

/// How an error names what is read from the secret source.
const CREDENTIALS: &str = "the client id and secret";

/// How long one instance may hold the right to renew a token; its token request ends before. Long enough for a slow answer, and
/// short enough that the other instances can wait for the end of the lease of an instance that died.
pub const RENEWAL_LEASE_DURATION: Duration = Duration::from_secs(10);

/// Longest time that one call to the shared cache may take. A healthy one takes a hundredth of it.
const CACHE_TIMEOUT: Duration = Duration::from_secs(1);

/// Returns the wall-clock time, which counts because tokens outlive processes.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The source of the tokens of one client at one site.
pub struct TokenSource {
    site: Site,
    credentials: Arc<dyn SecretSource<ClientCredentials>>,
    shared: Option<Arc<dyn SharedTokenCache>>,
    transport: Transport,
    clock: Clock,
    memory: Mutex<TokenMemory>,
    /// What the token endpoint has refused for good.
    refusals: Mutex<Refusals>,
    /// Held by the one caller that renews the token.
    renewal: tokio::sync::Mutex<()>,
    /// Whether the last call to the shared cache failed.
    shared_failed: AtomicBool,
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenSource({})", self.site.token_url())
    }
}

impl TokenSource {
    /// Builds a source without a shared cache that uses the system's clock.
    #[must_use]
    pub fn new(
        http: impl Into<HttpClient>,
        site: Site,
        credentials: Arc<dyn SecretSource<ClientCredentials>>,
        limits: CallLimits,
    ) -> Self {
        let limits = CallLimits {
            max_answer_bytes: MAX_TOKEN_ANSWER_BYTES,
            ..limits
        };
        Self {
            site,
            credentials,
            shared: None,
            transport: Transport::new(http, limits),
            clock: Arc::new(Timestamp::now),
            memory: Mutex::default(),
            refusals: Mutex::default(),
            renewal: tokio::sync::Mutex::default(),
            shared_failed: AtomicBool::new(false),
        }
    }

    /// Returns the same source with a cache that other instances share.
    #[must_use]
    pub fn with_shared(mut self, shared: Arc<dyn SharedTokenCache>) -> Self {
        self.shared = Some(shared);
        self
    }

    /// Returns the same source with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Returns a token that is good for a call: from memory, from the shared cache, or new.
    ///
    /// However many callers ask at once, one token request is made; the other callers get its result, even if it failed.
    ///
    /// # Errors
    /// Those of the first variants of [`Error`] that are about the credentials and the scopes,
    /// [`insights_http::Error::Secret`], or a retryable one.
    pub async fn token(&self, deadline: Deadline) -> Result<AccessToken, Error> {
        let seen = {
            let memory = self.lock();
            if let Some(token) = memory.fresh((self.clock)()) {
                return Ok(token.clone());
            }
            memory.renewals()
        };
        let Some(_renewing) = deadline.bound(self.renewal.lock()).await else {
            return Err(self.deadline_exceeded().into());
        };
        if let Some(settled) = self.lock().settled_since(seen, (self.clock)()) {
            return settled;
        }
        let result = self.renew(deadline).await;
        self.lock().settle(&result);
        result
    }

    /// Forgets a token that a call was refused with, in memory and in the shared cache, unless another token has taken its
    /// place. So many callers that were refused with the same token cause one renewal. Ends by the deadline: memory has
    /// forgotten the token then, and does not take it from the shared cache.
    pub async fn invalidate(&self, token: &AccessToken, deadline: Deadline) {
        let fingerprint = token.fingerprint();
        if !self.lock().refuse(&fingerprint) {
            return;
        }
        let Some(shared) = &self.shared else { return };
        let removal = async {
            let credentials = self.read_credentials(Freshness::Cached, deadline).await;
            let key = self.key(&credentials.ok()?);
            Some(within_cache_timeout(shared.invalidate(&key, &fingerprint)).await)
        };
        if let Some(Some(result)) = deadline.bound(removal).await {
            self.record_cache_result(result);
        }
    }

    /// Renews the token. Credentials that were refused are not tried again while the refusal is remembered, unless a read past
    /// the cache brings others: they may have been rotated.
    async fn renew(&self, deadline: Deadline) -> Result<AccessToken, Error> {
        let mut credentials = self.read_credentials(Freshness::Cached, deadline).await?;
        if let Some(refused) = self.remembered_refusal(&credentials) {
            credentials = self.reread_credentials(refused, deadline).await?;
        }
        let result = self.renew_remembering(&credentials, deadline).await;
        let refused = match result {
            Err(error) if error.is_credentials_refused() => error,
            result => return result,
        };
        let renewed = self.reread_credentials(refused, deadline).await?;
        self.renew_remembering(&renewed, deadline).await
    }

    /// Reads the credentials past the cache after they were refused.
    ///
    /// # Errors
    /// The refusal, if the credentials are still refused ones, or cannot be read, or were read a moment ago.
    async fn reread_credentials(
        &self,
        refused: Error,
        deadline: Deadline,
    ) -> Result<ClientCredentials, Error> {
        if !self.refusals().begin_reread() {
            return Err(refused);
        }
        match self.read_credentials(Freshness::Bypass, deadline).await {
            Ok(credentials) => match self.remembered_refusal(&credentials) {
                Some(still_refused) => Err(still_refused),
                None => Ok(credentials),
            },
            Err(error) => {
                tracing::debug!(cause = %WithCauses(&error), "the refused credentials were not read again");
                Err(refused)
            }
        }
    }

    fn remembered_refusal(&self, credentials: &ClientCredentials) -> Option<Error> {
        self.refusals()
            .remembered(CredentialsDigest::of(credentials))
    }

    /// Renews the token and remembers what the token endpoint refuses for good.
    async fn renew_remembering(
        &self,
        credentials: &ClientCredentials,
        deadline: Deadline,
    ) -> Result<AccessToken, Error> {
        let result = self.renew_with(credentials, deadline).await;
        match &result {
            Ok(_) => self.refusals().clear(),
            Err(error) if !error.is_retryable() => {
                let digest = CredentialsDigest::of(credentials);
                self.refusals().record(digest, error);
            }
            Err(_) => {}
        }
        result
    }

    async fn read_credentials(
        &self,
        freshness: Freshness,
        deadline: Deadline,
    ) -> Result<ClientCredentials, Error> {
        let reading = read_secret(&*self.credentials, CREDENTIALS, freshness);
        let credentials = deadline
            .bound(reading)
            .await
            .ok_or_else(|| self.deadline_exceeded())?;
        Ok(credentials?)
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
            None => return Err(self.deadline_exceeded().into()),
            Some(Ok(RenewalTurn::Loaded(token))) => return Ok(token),
            Some(Ok(RenewalTurn::Leased(lease))) => Some(lease),
            Some(Err(error)) => {
                self.record_cache_result::<()>(Err(error));
                None
            }
        };
        let result = self
            .request(credentials, deadline.or_within(RENEWAL_LEASE_DURATION))
            .await;
        if let Some(lease) = lease {
            if let Ok(token) = &result {
                self.record_cache_result(within_cache_timeout(shared.store(&key, token)).await);
            }
            self.record_cache_result(within_cache_timeout(lease.release()).await);
        }
        match result {
            // The time of the lease ran out, not the caller's.
            Err(Error::Http(HttpError::DeadlineExceeded { endpoint }))
                if !deadline.has_passed() =>
            {
                Err(HttpError::Unavailable {
                    endpoint,
                    failure: AttemptFailure::Timeout,
                }
                .into())
            }
            result => result,
        }
    }

    /// Waits until another instance has stored its token, or until it is this instance's turn to renew.
    async fn load_or_lease(
        &self,
        shared: &Arc<dyn SharedTokenCache>,
        key: &TokenKey,
    ) -> Result<RenewalTurn, CacheError> {
        let mut backoff = Backoff::new(BackoffPolicy::OTHER_INSTANCE);
        loop {
            if let Some(token) = self.only_usable(within_cache_timeout(shared.load(key)).await?) {
                return Ok(RenewalTurn::Loaded(token));
            }
            let lease = within_cache_timeout(shared.try_lease(key, RENEWAL_LEASE_DURATION)).await?;
            if let Some(lease) = lease {
                // The holder before may have stored its token between the two calls above.
                let stored = within_cache_timeout(shared.load(key)).await?;
                let Some(token) = self.only_usable(stored) else {
                    return Ok(RenewalTurn::Leased(lease));
                };
                self.record_cache_result(within_cache_timeout(lease.release()).await);
                return Ok(RenewalTurn::Loaded(token));
            }
            backoff::wait(&mut backoff).await;
        }
    }

    /// Returns a token of the shared cache unless it expires soon or is the one that was refused last.
    fn only_usable(&self, token: Option<AccessToken>) -> Option<AccessToken> {
        token.filter(|token| token.is_fresh((self.clock)()) && !self.lock().is_refused(token))
    }

    async fn request(
        &self,
        credentials: &ClientCredentials,
        deadline: Deadline,
    ) -> Result<AccessToken, Error> {
        let url = self.site.token_url();
        let now = (self.clock)();
        let token = grant::request_token(&self.transport, &self.site, credentials, now, deadline)
            .await
            .inspect_err(|_| metrics::counter!("token_refresh_failures").increment(1))?;
        metrics::counter!("token_refreshes").increment(1);
        tracing::info!(
            token_path = url.path(),
            expires_at = %token.expires_at(),
            "the access token was renewed"
        );
        Ok(token)
    }

    fn key(&self, credentials: &ClientCredentials) -> TokenKey {
        TokenKey::new(
            self.site.token_url(),
            &credentials.identity(),
            self.site.scopes(),
        )
    }

    /// Records how a call to the shared cache ended. Of failures in a row the first one is logged.
    fn record_cache_result<T>(&self, result: Result<T, CacheError>) {
        let has_failed = result.is_err();
        let had_failed = self.shared_failed.swap(has_failed, Ordering::Relaxed);
        if let (Err(error), false) = (result, had_failed) {
            tracing::warn!(
                cause = %WithCauses(error.as_ref()),
                "the shared token cache failed, going on with memory alone"
            );
        }
    }

    fn deadline_exceeded(&self) -> HttpError {
        HttpError::DeadlineExceeded {
            endpoint: self.site.token_url().path().to_owned(),
        }
    }

    fn refusals(&self) -> std::sync::MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, TokenMemory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an instance comes by a token.
enum RenewalTurn {
    /// Another instance stored this token.
    Loaded(AccessToken),
    /// It is this instance's turn to request a token, under this lease.
    Leased(Box<dyn RenewalLease>),
}

/// Waits for a call to the shared cache. A cache that does not answer counts as one that failed.
async fn within_cache_timeout<T>(
    call: impl Future<Output = Result<T, CacheError>>,
) -> Result<T, CacheError> {
    tokio::time::timeout(CACHE_TIMEOUT, call)
        .await
        .unwrap_or_else(|_| Err("the shared token cache did not answer in time".into()))
}

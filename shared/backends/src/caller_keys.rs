//! Authenticates callers by an API key in a header and senders of webhooks by what they sign with: named keys with scopes,
//! several valid at once, compared in constant time.
//!
//! The callers' secret holds `api_key`, whose scopes are `score`, `calls`, `webhook` and `search`, and the list `api_keys` of
//! `{"name", "key", "scopes", "not_after"?}`; in the same way `webhook_secret` and the list `webhook_secrets` of
//! `{"name", "secret", "not_after"?}`. After a change of the secret the keys of the version before stay valid for a while.

mod entries;
mod known_keys;
mod scope;
mod session;

use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use insights_core::WithCauses;
use jiff::Timestamp;
use runtime::{Failure, Request, RequestExt, metrics};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use store::secrets::Secrets;

pub use self::known_keys::{Caller, SigningSecret};
use self::known_keys::{KnownKeys, read_signing_secrets};
pub use self::scope::{Scope, Scopes};
pub use self::session::CallerSession;
use crate::key_source::FunctionSecrets;

/// The name under which people act who have logged in at a provider. No key can have it, because names of keys have no spaces.
pub const SIGN_ON_NAME: &str = "single sign-on";

/// The entry of the callers' secret that proves the board to that provider. Sessions are signed with a digest of it, so that they end with it.
const SIGN_ON_SECRET: &str = "board_oidc_client_secret";

/// The callers that may use an endpoint: those who present a key of the callers' secret that has the endpoint's scope.
#[derive(Clone)]
pub struct Callers {
    secrets: Arc<FunctionSecrets>,
    known: Arc<Mutex<Option<KnownVersion>>>,
}

/// What was read from one version of the secret.
#[derive(Clone)]
struct KnownVersion {
    of: Arc<Secrets>,
    keys: Arc<VersionKeys>,
}

/// The keys of a version of the secret, and of the version before.
struct VersionKeys {
    current: KnownKeys,
    previous: Option<KnownKeys>,
    senders: Vec<SigningSecret>,
    previous_senders: Vec<SigningSecret>,
}

impl std::fmt::Debug for Callers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callers").finish_non_exhaustive()
    }
}

impl Callers {
    /// Creates the check against the keys in these secrets.
    #[must_use]
    pub fn new(secrets: Arc<FunctionSecrets>) -> Self {
        Self {
            secrets,
            known: Arc::default(),
        }
    }

    /// Checks that a request has a key with this scope, and names the caller in the log. An unknown key, or one without the scope,
    /// causes the secret to be read again, at most every few seconds, in case it was changed.
    ///
    /// # Errors
    /// The failure 401 without a right key, 403 `missing_scope` for a right key without the scope, and 503 while the secret
    /// cannot be read.
    pub async fn require(&self, request: &Request, scope: Scope) -> Result<Caller, Failure> {
        let presented = presented_key(request.headers()).ok_or_else(Failure::unauthorized)?;
        self.require_key(request, presented, scope).await
    }

    /// Checks a key that came in another way than in a header, as [`Callers::require`] does.
    ///
    /// # Errors
    /// As [`Callers::require`].
    pub async fn require_key(
        &self,
        request: &Request,
        presented: &str,
        scope: Scope,
    ) -> Result<Caller, Failure> {
        let known = self.secrets.get().await.map_err(secret_unavailable)?;
        let mut found = self.find(&known, presented);
        if !found.as_ref().is_some_and(|caller| caller.may(scope)) {
            let renewed = self.secrets.refresh_after_auth_failure().await;
            found = self.find(&renewed.map_err(secret_unavailable)?, presented);
        }
        let caller = found.ok_or_else(Failure::unauthorized)?;
        request.name_caller(&caller.name);
        if !caller.may(scope) {
            return Err(Failure::missing_scope(scope.name()));
        }
        Ok(caller)
    }

    /// Opens a session for a caller whose key was checked, and returns its token.
    ///
    /// # Errors
    /// The failure 401 if the key is not known any more, and 503 while the secret cannot be read.
    pub async fn open_session(
        &self,
        session: &CallerSession,
        scope: Scope,
    ) -> Result<String, Failure> {
        let known = self.secrets.get().await.map_err(secret_unavailable)?;
        let digests = self.digests_of(&known, &session.key_name, scope);
        let token = digests.first().and_then(|digest| session.sign(digest));
        token.ok_or_else(Failure::unauthorized)
    }

    /// Returns the session of a token, and names its caller in the log; `None` if the token proves nothing.
    ///
    /// # Errors
    /// The failure 503 while the secret cannot be read.
    pub async fn find_session(
        &self,
        request: &Request,
        token: &str,
        scope: Scope,
    ) -> Result<Option<CallerSession>, Failure> {
        let Some(session) = CallerSession::read(token, Timestamp::now()) else {
            return Ok(None);
        };
        let known = self.secrets.get().await.map_err(secret_unavailable)?;
        let is_proven = |known: &Arc<Secrets>| {
            let digests = self.digests_of(known, &session.key_name, scope);
            digests
                .iter()
                .any(|digest| CallerSession::is_signed(token, digest))
        };
        let mut is_found = is_proven(&known);
        if !is_found {
            let renewed = self.secrets.refresh_after_auth_failure().await;
            is_found = is_proven(&renewed.map_err(secret_unavailable)?);
        }
        if !is_found {
            return Ok(None);
        }
        request.name_caller(&session.key_name);
        Ok(Some(session))
    }

    /// Returns the secret that proves the board to the provider of single sign-on, if there is one.
    ///
    /// # Errors
    /// The failure 503 while the secret cannot be read.
    pub async fn sign_on_secret(&self) -> Result<Option<SecretString>, Failure> {
        let known = self.secrets.get().await.map_err(secret_unavailable)?;
        Ok(known.get(SIGN_ON_SECRET).cloned())
    }

    /// Returns the digests of the keys with this name and scope, those of the secret's previous version included while they are valid.
    fn digests_of(&self, secrets: &Arc<Secrets>, name: &str, scope: Scope) -> Vec<[u8; 32]> {
        let now = Timestamp::now();
        if name == SIGN_ON_NAME {
            let versions = [Some(secrets.as_ref()), secrets.previous(now)];
            let values = versions.into_iter().flatten();
            return values
                .filter(|_| scope == Scope::Board)
                .filter_map(|secrets| secrets.get(SIGN_ON_SECRET))
                .map(|secret| Sha256::digest(secret.expose_secret()).into())
                .collect();
        }
        let keys = self.keys_of(secrets);
        let mut digests = keys.current.digests_of(name, scope, now);
        if secrets.previous(now).is_some()
            && let Some(previous) = &keys.previous
        {
            digests.extend(previous.digests_of(name, scope, now));
        }
        digests
    }

    /// Returns the sender whose signing secret `proves` a webhook. Every secret is tried, so that the time does not tell which one
    /// it was. If none does, the secret is read again, as for a key.
    ///
    /// # Errors
    /// The failure 503 while the secret cannot be read.
    pub async fn find_sender(
        &self,
        proves: impl Fn(&SigningSecret) -> bool,
    ) -> Result<Option<String>, Failure> {
        let known = self.secrets.get().await.map_err(secret_unavailable)?;
        if let Some(name) = self.signed_by(&known, &proves) {
            return Ok(Some(name));
        }
        let renewed = self.secrets.refresh_after_auth_failure().await;
        Ok(self.signed_by(&renewed.map_err(secret_unavailable)?, &proves))
    }

    fn find(&self, secrets: &Arc<Secrets>, presented: &str) -> Option<Caller> {
        let now = Timestamp::now();
        let keys = self.keys_of(secrets);
        let current = keys.current.find(presented, now);
        let previous = keys
            .previous
            .as_ref()
            .filter(|_| secrets.previous(now).is_some());
        // Looked for whether or not the key is among the current ones, so that both take the same time.
        let previous = previous.and_then(|keys| keys.find(presented, now));
        current.or_else(|| previous.inspect(|caller| tell_of_previous(&caller.name)))
    }

    fn signed_by(
        &self,
        secrets: &Arc<Secrets>,
        proves: impl Fn(&SigningSecret) -> bool,
    ) -> Option<String> {
        let now = Timestamp::now();
        let keys = self.keys_of(secrets);
        let find = |senders: &[SigningSecret]| {
            let valid = senders.iter().filter(|sender| sender.is_valid(now));
            let proven: Vec<_> = valid.filter(|sender| proves(sender)).collect();
            proven.first().map(|sender| sender.name.clone())
        };
        let current = find(&keys.senders);
        let is_previous_valid = secrets.previous(now).is_some();
        let previous = find(if is_previous_valid {
            &keys.previous_senders
        } else {
            &[]
        });
        current.or_else(|| previous.inspect(|name| tell_of_previous(name)))
    }

    /// Returns the keys of a version of the secret, which are read once a version. What of it cannot be used is logged then.
    fn keys_of(&self, secrets: &Arc<Secrets>) -> Arc<VersionKeys> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(version) = known
            .as_ref()
            .filter(|known| Arc::ptr_eq(&known.of, secrets))
        {
            return Arc::clone(&version.keys);
        }
        let (current, unusable_keys) = KnownKeys::read(secrets);
        let (senders, unusable_secrets) = read_signing_secrets(secrets);
        for unusable in unusable_keys.into_iter().chain(unusable_secrets) {
            tracing::error!(cause = %WithCauses(&unusable), "an entry of the callers' secret cannot be used");
        }
        let previous = secrets.previous(Timestamp::now());
        let keys = Arc::new(VersionKeys {
            current,
            senders,
            previous: previous.map(|secrets| KnownKeys::read(secrets).0),
            previous_senders: previous
                .map_or_else(Vec::new, |secrets| read_signing_secrets(secrets).0),
        });
        *known = Some(KnownVersion {
            of: Arc::clone(secrets),
            keys: Arc::clone(&keys),
        });
        keys
    }
}

/// Tells an operator who still uses a key of the version before.
fn tell_of_previous(name: &str) {
    metrics::count("previous_keys_accepted", 1);
    tracing::info!(
        caller = name,
        "a key of the secret's previous version was accepted"
    );
}

/// Builds the failure of a secret that cannot be read.
fn secret_unavailable(error: Arc<store::Error>) -> Failure {
    metrics::count_store_error();
    Failure::unavailable(
        "secret_unavailable",
        "the API key cannot be checked now, try again",
    )
    .with_cause(error)
}

/// Returns the key that a caller sent as `Authorization: Bearer KEY`, or else as `x-api-key: KEY`.
#[must_use]
pub fn presented_key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers
        .get(http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
        });
    bearer
        .or_else(|| headers.get("x-api-key")?.to_str().ok().map(str::trim))
        .filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests;

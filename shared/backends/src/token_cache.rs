//! Shares access tokens through the state store, encrypted, so that a reader of the table who cannot read the secret learns
//! nothing from it.
//!
//! The cipher is AES-256-GCM with a key that is derived from the client secret, or from the secret of the access key where there
//! is no client (HMAC-SHA-256 with a label of its own). Whoever has that secret could ask for a token anyway, so that the cache
//! gives nobody more than they could have. After a rotation of the secret old entries cannot be read, which counts as a miss.

use std::sync::Arc;
use std::time::Duration;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key as AesKey, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cxone::oauth::{
    AccessToken, CacheError, Fingerprint, RenewalLease, SharedTokenCache, TokenKey,
};
use futures::future::BoxFuture;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use store::Error;
use store::state::{Expect, Item, Key, Put, State, StateStore};

use crate::key_source::FunctionSecrets;
use crate::lease_guard::{LeaseGuard, Leases};

/// The label from which the encryption key is derived; another label would make all stored tokens unreadable.
const KEY_LABEL: &[u8] = b"cxone-insights token cache, AES-256-GCM, 1";
/// Length of the nonce of AES-GCM, in bytes.
const NONCE_BYTES: usize = 12;
/// Length of the random name of the holder of a lease, in bytes.
const HOLDER_BYTES: usize = 12;

/// The shared token cache in the state store.
#[derive(Debug)]
pub struct StateTokens {
    state: State,
    secrets: Arc<FunctionSecrets>,
    leases: Leases<State>,
}

/// The body of an item: the encrypted token, and its expiry in clear text.
#[derive(Serialize, Deserialize)]
struct SealedToken {
    /// The nonce and the ciphertext, as Base64.
    sealed: String,
    expires_at: Timestamp,
}

impl StateTokens {
    /// Creates a cache in `state`, encrypted with a key that is derived from the `client_secret` in `secrets`, or else from the
    /// `access_key_secret`.
    #[must_use]
    pub fn new(state: State, secrets: Arc<FunctionSecrets>) -> Self {
        Self {
            leases: Leases::new(state.clone()),
            state,
            secrets,
        }
    }

    /// Derives the cipher from the secret that tokens are asked for with.
    async fn derive_cipher(&self) -> Result<Aes256Gcm, CacheError> {
        let secrets = self.secrets.get().await?;
        let secret = secrets
            .get("client_secret")
            .or_else(|| secrets.get("access_key_secret"))
            .ok_or("the secret has neither client_secret nor access_key_secret")?;
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(secret.expose_secret().as_bytes())?;
        mac.update(KEY_LABEL);
        Ok(Aes256Gcm::new(AesKey::<Aes256Gcm>::from_slice(
            &mac.finalize().into_bytes(),
        )))
    }

    async fn load_item(&self, key: &TokenKey) -> Result<Option<Item>, Error> {
        self.state.get(&token_key(key), Timestamp::now()).await
    }

    /// Decrypts the token of an item; `None` if it was encrypted with another client secret.
    async fn open_token(
        &self,
        key: &TokenKey,
        item: &Item,
    ) -> Result<Option<AccessToken>, CacheError> {
        let Ok(sealed) = item.decode::<SealedToken>() else {
            return Ok(None);
        };
        let cipher = self.derive_cipher().await?;
        let Some(token) = unseal(&cipher, key, &sealed.sealed) else {
            return Ok(None);
        };
        Ok(AccessToken::new(token, sealed.expires_at))
    }
}

fn token_key(key: &TokenKey) -> Key {
    Key::new(format!("token#{}", key.as_str()), "token")
}

fn lease_key(key: &TokenKey) -> Key {
    Key::new(format!("token#{}", key.as_str()), "lease")
}

/// Encrypts a token for its key; the key is authenticated, so that an item moved to another key cannot be read there.
fn seal(cipher: &Aes256Gcm, key: &TokenKey, token: &str) -> Result<String, CacheError> {
    let nonce = random::<NONCE_BYTES>()?;
    let payload = Payload {
        msg: token.as_bytes(),
        aad: key.as_str().as_bytes(),
    };
    let ciphertext = cipher
        .encrypt(Nonce::from_slice(&nonce), payload)
        .map_err(|_| "the token was not encrypted")?;
    Ok(STANDARD.encode([&nonce[..], &ciphertext].concat()))
}

/// Draws random bytes from the operating system.
fn random<const N: usize>() -> Result<[u8; N], NoRandomNumbers> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandomNumbers)?;
    Ok(bytes)
}

/// The operating system gave no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random numbers: {0}")]
struct NoRandomNumbers(getrandom::Error);

fn unseal(cipher: &Aes256Gcm, key: &TokenKey, sealed: &str) -> Option<SecretString> {
    let sealed = STANDARD
        .decode(sealed)
        .ok()
        .filter(|sealed| sealed.len() > NONCE_BYTES)?;
    let (nonce, msg) = sealed.split_at(NONCE_BYTES);
    let token = cipher
        .decrypt(
            Nonce::from_slice(nonce),
            Payload {
                msg,
                aad: key.as_str().as_bytes(),
            },
        )
        .ok()?;
    String::from_utf8(token).ok().map(SecretString::from)
}

impl SharedTokenCache for StateTokens {
    fn load<'a>(
        &'a self,
        key: &'a TokenKey,
    ) -> BoxFuture<'a, Result<Option<AccessToken>, CacheError>> {
        Box::pin(async move {
            match self.load_item(key).await? {
                Some(item) => self.open_token(key, &item).await,
                None => Ok(None),
            }
        })
    }

    fn store<'a>(
        &'a self,
        key: &'a TokenKey,
        token: &'a AccessToken,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        Box::pin(async move {
            let sealed = seal(
                &self.derive_cipher().await?,
                key,
                token.secret().expose_secret(),
            )?;
            let expires_at = token.expires_at();
            let put = Put::encode(
                token_key(key),
                &SealedToken { sealed, expires_at },
                Some(expires_at),
            )?;
            self.state.put(put, Expect::Any, Timestamp::now()).await?;
            Ok(())
        })
    }

    fn invalidate<'a>(
        &'a self,
        key: &'a TokenKey,
        fingerprint: &'a Fingerprint,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        Box::pin(async move {
            let Some(item) = self.load_item(key).await? else {
                return Ok(());
            };
            // An item that cannot be decrypted is that of an instance with another secret, perhaps with the newer one.
            let stored = self.open_token(key, &item).await?;
            if stored.is_none_or(|token| token.fingerprint() != *fingerprint) {
                return Ok(());
            }
            match self
                .state
                .delete(&item.key, Expect::Version(item.version), Timestamp::now())
                .await
            {
                Ok(()) | Err(Error::Conflict { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn try_lease<'a>(
        &'a self,
        key: &'a TokenKey,
        duration: Duration,
    ) -> BoxFuture<'a, Result<Option<Box<dyn RenewalLease>>, CacheError>> {
        Box::pin(async move {
            // A name for each lease: one that is given back late never touches the next one of the same process.
            let holder = random::<HOLDER_BYTES>().map(|bytes| STANDARD.encode(bytes))?;
            let guard = self
                .leases
                .try_acquire(lease_key(key), &holder, duration)
                .await?;
            Ok(guard.map(|guard| Box::new(HeldLease(guard)) as Box<dyn RenewalLease>))
        })
    }
}

/// The lease of one renewal.
struct HeldLease(LeaseGuard);

impl RenewalLease for HeldLease {
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), CacheError>> {
        Box::pin(async move { Ok(self.0.release().await?) })
    }
}

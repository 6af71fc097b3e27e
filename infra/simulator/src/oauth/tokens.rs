//! The tokens that the simulator has issued.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The issued tokens with their scopes and expiry.
#[derive(Debug, Default)]
pub struct Tokens(Mutex<HashMap<String, Token>>);

#[derive(Debug)]
struct Token {
    scopes: BTreeSet<String>,
    expires: Instant,
    revoked: bool,
}

impl Tokens {
    /// Returns the scopes of a valid token.
    ///
    /// # Errors
    /// The reason why the token is not valid.
    pub fn scopes(&self, token: &str) -> Result<BTreeSet<String>, &'static str> {
        match self.lock().get(token) {
            None => Err("the token is unknown"),
            Some(token) if token.revoked => Err("the token is revoked"),
            Some(token) if token.expires <= Instant::now() => Err("the token has expired"),
            Some(token) => Ok(token.scopes.clone()),
        }
    }

    /// Revokes all tokens and returns the number of those that were not revoked before.
    pub fn revoke_all(&self) -> usize {
        let mut tokens = self.lock();
        let live = tokens.values_mut().filter(|token| !token.revoked);
        live.map(|token| token.revoked = true).count()
    }

    /// Lets all tokens expire now and returns the number of those that were valid.
    pub fn expire_all(&self) -> usize {
        let now = Instant::now();
        let mut tokens = self.lock();
        let live = tokens.values_mut().filter(|token| token.expires > now);
        live.map(|token| token.expires = now).count()
    }

    pub(super) fn issue(&self, scopes: BTreeSet<String>, life: Duration) -> String {
        let token = uuid::Uuid::new_v4().simple().to_string();
        self.accept(token.clone(), scopes, life);
        token
    }

    /// Accepts a token that was made elsewhere, for this time.
    pub(crate) fn accept(&self, token: String, scopes: BTreeSet<String>, life: Duration) {
        let expires = Instant::now() + life;
        let made = Token {
            scopes,
            expires,
            revoked: false,
        };
        self.lock().insert(token, made);
    }

    /// Revokes one token, if it is known.
    pub(crate) fn revoke(&self, token: &str) {
        if let Some(token) = self.lock().get_mut(token) {
            token.revoked = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Token>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

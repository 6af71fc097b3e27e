//! What one instance remembers of its tokens.

use jiff::Timestamp;

use super::token::{AccessToken, Fingerprint};
use insights_http::Error;

/// The token in use, the one last refused, and what the last renewal gave.
#[derive(Default)]
pub(super) struct Memory {
    token: Option<AccessToken>,
    /// The shared cache may still hold it.
    refused: Option<Fingerprint>,
    renewals: u64,
    last: Option<Result<AccessToken, Error>>,
}

impl Memory {
    /// The token, if it is good for another call.
    pub(super) fn fresh(&self, now: Timestamp) -> Option<&AccessToken> {
        self.token.as_ref().filter(|token| token.is_fresh(now))
    }

    /// How many renewals have ended.
    pub(super) fn renewals(&self) -> u64 {
        self.renewals
    }

    /// What a renewal gave to those who waited for it since `seen` had ended; nothing if none ended or what it gave is
    /// no longer good.
    pub(super) fn settled_since(
        &self,
        seen: u64,
        now: Timestamp,
    ) -> Option<Result<AccessToken, Error>> {
        if let Some(token) = self.fresh(now) {
            return Some(Ok(token.clone()));
        }
        let last = self.last.as_ref().filter(|_| self.renewals != seen)?;
        match last {
            // A token too short-lived to be kept still serves those who waited for it, unless it was refused.
            Ok(token) if self.is_refused(token) || token.expires_at() <= now => None,
            settled => Some(settled.clone()),
        }
    }

    /// Takes in what a renewal gave.
    pub(super) fn settle(&mut self, result: &Result<AccessToken, Error>) {
        // Whoever has more time than the caller who renewed tries for itself.
        if !matches!(result, Err(Error::DeadlineExceeded { .. })) {
            self.renewals += 1;
            self.last = Some(result.clone());
        }
        self.token = result.as_ref().ok().cloned();
    }

    /// Forgets a token that was refused; `false` if that was known already.
    pub(super) fn refuse(&mut self, fingerprint: &Fingerprint) -> bool {
        if self
            .token
            .as_ref()
            .is_some_and(|held| held.fingerprint() == *fingerprint)
        {
            self.token = None;
        }
        if self.refused.as_ref() == Some(fingerprint) {
            return false;
        }
        self.refused = Some(fingerprint.clone());
        true
    }

    /// Whether this is the token that was refused last.
    pub(super) fn is_refused(&self, token: &AccessToken) -> bool {
        self.refused.as_ref() == Some(&token.fingerprint())
    }
}

//! The memory of one instance for its tokens.

use jiff::Timestamp;

use super::token::{AccessToken, Fingerprint};
use crate::error::Error;

/// The token in use, the token that was refused last, and the result of the last renewal.
#[derive(Default)]
pub(super) struct TokenMemory {
    token: Option<AccessToken>,
    /// The token that was refused last, which the shared cache may still hold.
    refused: Option<Fingerprint>,
    renewals: u64,
    last: Option<Result<AccessToken, Error>>,
}

impl TokenMemory {
    /// Returns the token in use, if it is good for another call.
    pub(super) fn fresh(&self, now: Timestamp) -> Option<&AccessToken> {
        self.token.as_ref().filter(|token| token.is_fresh(now))
    }

    /// Returns how many renewals have ended.
    pub(super) fn renewals(&self) -> u64 {
        self.renewals
    }

    /// Returns the result of a renewal to a caller that began to wait when `seen` renewals had ended; `None` if no renewal
    /// has ended since, or its token is no longer good.
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
            // A token too short-lived to be kept still serves the callers that waited for it, unless it was refused.
            Ok(token) if self.is_refused(token) || token.expires_at() <= now => None,
            settled => Some(settled.clone()),
        }
    }

    /// Records the result of a renewal.
    pub(super) fn settle(&mut self, result: &Result<AccessToken, Error>) {
        // A caller with more time than the one that renewed has to try for itself.
        if !matches!(result, Err(error) if error.is_deadline_exceeded()) {
            self.renewals += 1;
            self.last = Some(result.clone());
        }
        self.token = result.as_ref().ok().cloned();
    }

    /// Forgets a token that was refused; returns `false` if that was known already.
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

    /// Returns whether this is the token that was refused last.
    pub(super) fn is_refused(&self, token: &AccessToken) -> bool {
        self.refused.as_ref() == Some(&token.fingerprint())
    }
}

//! What the token endpoint has refused for good, so that it is not asked for the same again and again: contact centers lock
//! accounts that ask often with a wrong secret.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::credentials::ClientCredentials;
use crate::error::Error;

/// How long the first refusal is remembered; each further refusal of the same credentials doubles the time.
const FIRST_PAUSE: Duration = Duration::from_secs(10);

/// Longest time for which a refusal of credentials or scopes is remembered.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Shortest time between two reads of the secret past its cache while its credentials are refused.
const REREAD_INTERVAL: Duration = Duration::from_secs(10);

/// What tells credentials from others, without holding them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CredentialsDigest([u8; 32]);

impl CredentialsDigest {
    /// Returns the digest of credentials.
    pub(super) fn of(credentials: &ClientCredentials) -> Self {
        let mut hash = Sha256::new();
        for text in credentials.texts() {
            // The length stands before each text, so that no two credentials give the same bytes.
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        Self(hash.finalize().into())
    }
}

/// The last refusal of the token endpoint.
#[derive(Debug, Default)]
pub(super) struct Refusals(Option<Refusal>);

#[derive(Debug)]
struct Refusal {
    of: CredentialsDigest,
    error: Error,
    pause: Duration,
    until: Instant,
    /// The moment at which the secret was last read past its cache.
    reread_at: Option<Instant>,
}

impl Refusals {
    /// Returns the error with which these credentials were refused, while it is remembered. Other credentials, such as rotated
    /// ones, are never held back.
    pub(super) fn remembered(&self, credentials: CredentialsDigest) -> Option<Error> {
        let refusal = self.0.as_ref()?;
        let is_remembered = refusal.of == credentials && Instant::now() < refusal.until;
        is_remembered.then(|| refusal.error.clone())
    }

    /// Remembers a refusal.
    pub(super) fn record(&mut self, credentials: CredentialsDigest, error: &Error) {
        let before = self.0.as_ref().filter(|refusal| refusal.of == credentials);
        let longest = if error.is_access_refused() {
            LONGEST_PAUSE
        } else {
            FIRST_PAUSE
        };
        let pause = before.map_or(FIRST_PAUSE, |refusal| (refusal.pause * 2).min(longest));
        self.0 = Some(Refusal {
            of: credentials,
            error: error.clone(),
            pause,
            until: Instant::now() + pause,
            reread_at: before.and_then(|refusal| refusal.reread_at),
        });
    }

    /// Returns whether it is time to read the secret past its cache, in case it was rotated; if so, the read counts as made.
    pub(super) fn begin_reread(&mut self) -> bool {
        let Some(refusal) = &mut self.0 else {
            return true;
        };
        let is_due = refusal
            .reread_at
            .is_none_or(|at| at.elapsed() >= REREAD_INTERVAL);
        if is_due {
            refusal.reread_at = Some(Instant::now());
        }
        is_due
    }

    /// Forgets the refusal, because a token was given.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(id: &str, secret: &str) -> CredentialsDigest {
        CredentialsDigest::of(&ClientCredentials {
            client_id: id.to_owned(),
            client_secret: secret.into(),
            access_key: None,
        })
    }

    fn refused() -> Error {
        Error::BadCredentials {
            endpoint: "/oauth/token".to_owned(),
            client: "demo…".to_owned(),
        }
    }

    #[test]
    fn credentials_that_differ_anywhere_have_another_digest() {
        let one = digest("id", "secret");
        assert_eq!(one, digest("id", "secret"));
        for other in [
            digest("ids", "ecret"),
            digest("id", "secreT"),
            digest("", "idsecret"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_remembered_longer_each_time_and_only_of_its_credentials() {
        let (mut refusals, old) = (Refusals::default(), digest("id", "old"));
        let mut pauses = Vec::new();
        for _ in 0..7 {
            refusals.record(old, &refused());
            let since = Instant::now();
            assert!(refusals.remembered(digest("id", "new")).is_none());
            while refusals.remembered(old).is_some() {
                tokio::time::advance(Duration::from_secs(1)).await;
            }
            pauses.push(since.elapsed().as_secs());
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300]);
        refusals.clear();
        refusals.record(old, &refused());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(refusals.remembered(old).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_no_refusal_of_access_never_holds_back_for_long() {
        let (mut refusals, credentials) = (Refusals::default(), digest("id", "secret"));
        for _ in 0..5 {
            let error = Error::invalid_response("/oauth/token", "it is no JSON");
            refusals.record(credentials, &error);
            tokio::time::advance(FIRST_PAUSE).await;
            assert!(refusals.remembered(credentials).is_none());
        }
    }
}

//! Authenticates callers by an API key in a header, which is compared in constant time.

use std::sync::Arc;

use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use store::secrets::Secrets;
use subtle::ConstantTimeEq;

use crate::key_source::FunctionSecrets;
use runtime::Failure;

/// The callers that may use an endpoint: everybody who presents the `api_key` of the secret.
#[derive(Debug, Clone)]
pub struct Callers(Arc<FunctionSecrets>);

impl Callers {
    /// Creates the check against the key in these secrets.
    #[must_use]
    pub const fn new(secrets: Arc<FunctionSecrets>) -> Self {
        Self(secrets)
    }

    /// Checks that the headers hold the right key. A wrong key causes the secret to be read again, at most every few
    /// seconds, in case it was rotated.
    ///
    /// # Errors
    /// The failure 401 without the right key, and 503 while the secret cannot be read.
    pub async fn require_key(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let presented = presented_key(headers).ok_or_else(Failure::unauthorized)?;
        let known = self.0.get().await.map_err(secret_unavailable)?;
        if has_key(&known, presented) {
            return Ok(());
        }
        let renewed = self
            .0
            .refresh_after_auth_failure()
            .await
            .map_err(secret_unavailable)?;
        if has_key(&renewed, presented) {
            Ok(())
        } else {
            Err(Failure::unauthorized())
        }
    }
}

/// Builds the failure of a secret that cannot be read.
fn secret_unavailable(error: Arc<store::Error>) -> Failure {
    Failure::unavailable(
        "secret_unavailable",
        "the API key cannot be checked now, try again",
    )
    .with_cause(error)
}

/// Returns whether the presented key is the `api_key` of the secrets.
fn has_key(secrets: &Secrets, presented: &str) -> bool {
    secrets
        .get("api_key")
        .is_some_and(|key| secrets_match(key, presented))
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

/// Returns whether two secrets are equal. The comparison takes the same time wherever they differ and whatever their lengths
/// are, because their digests are compared. An empty secret equals nothing.
#[must_use]
pub fn secrets_match(expected: &SecretString, presented: &str) -> bool {
    let expected = expected.expose_secret();
    let equal = Sha256::digest(expected).ct_eq(&Sha256::digest(presented));
    bool::from(equal) && !expected.is_empty()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| {
                (
                    http::HeaderName::from_static(k),
                    HeaderValue::from_static(v),
                )
            })
            .collect()
    }

    #[test]
    fn a_key_may_come_in_either_header() {
        assert_eq!(
            presented_key(&headers(&[("authorization", "Bearer k1")])),
            Some("k1")
        );
        assert_eq!(
            presented_key(&headers(&[("authorization", "bearer  k1 ")])),
            Some("k1")
        );
        assert_eq!(presented_key(&headers(&[("x-api-key", "k2")])), Some("k2"));
        assert_eq!(
            presented_key(&headers(&[
                ("authorization", "Basic abc"),
                ("x-api-key", "k2")
            ])),
            Some("k2")
        );
        assert_eq!(
            presented_key(&headers(&[("authorization", "Bearer "), ("x-api-key", "")])),
            None
        );
    }

    #[test]
    fn only_the_whole_key_matches() {
        let key = SecretString::from("correct horse");
        assert!(secrets_match(&key, "correct horse"));
        for wrong in [
            "",
            "correct",
            "correct horsf",
            "Correct horse",
            "correct horse ",
        ] {
            assert!(!secrets_match(&key, wrong), "{wrong:?}");
        }
    }

    #[test]
    fn an_unset_key_lets_nobody_in() {
        assert!(!secrets_match(&SecretString::from(""), ""));
    }
}

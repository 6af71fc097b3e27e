//! Caller authentication: an API key in a header, compared in constant time.

use std::sync::Arc;

use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use store::secrets::Secrets;
use subtle::ConstantTimeEq;

use crate::FunctionSecrets;
use runtime::Failure;

/// Who may call: whoever has the `api_key` of the secret.
#[derive(Debug, Clone)]
pub struct Callers(Arc<FunctionSecrets>);

impl Callers {
    /// Callers that have the key in these secrets.
    #[must_use]
    pub const fn new(secrets: Arc<FunctionSecrets>) -> Self {
        Self(secrets)
    }

    /// Lets a caller with the right key through. A wrong key makes the secret be read anew, at most every few seconds, in
    /// case it was rotated.
    ///
    /// # Errors
    /// 401 without the right key; 503 while the secret cannot be read.
    pub async fn require_key(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let presented = presented_key(headers).ok_or_else(Failure::unauthorized)?;
        let known = self.0.get().await.map_err(unreadable)?;
        if has_key(&known, presented) {
            return Ok(());
        }
        let renewed = self
            .0
            .refresh_after_auth_failure()
            .await
            .map_err(unreadable)?;
        if has_key(&renewed, presented) {
            Ok(())
        } else {
            Err(Failure::unauthorized())
        }
    }
}

fn unreadable(error: store::Error) -> Failure {
    Failure::unavailable(
        "secret_unavailable",
        "the API key cannot be checked now, try again",
    )
    .with_cause(error)
}

fn has_key(secrets: &Secrets, presented: &str) -> bool {
    secrets
        .get("api_key")
        .is_some_and(|key| secrets_match(key, presented))
}

/// The key a caller sent: `Authorization: Bearer KEY`, else `x-api-key: KEY`.
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

/// Whether two secrets are equal. Takes the same time wherever they differ and whatever their lengths, since it compares
/// their digests. An empty secret equals nothing.
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

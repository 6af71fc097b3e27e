//! Caller authentication: an API key in a header, compared in constant time.

use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The key a caller sent: `Authorization: Bearer KEY`, else `x-api-key: KEY`.
#[must_use]
pub fn presented_key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| headers.get("x-api-key")?.to_str().ok().map(str::trim)).filter(|key| !key.is_empty())
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
        pairs.iter().map(|(k, v)| (http::HeaderName::from_static(k), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn a_key_may_come_in_either_header() {
        assert_eq!(presented_key(&headers(&[("authorization", "Bearer k1")])), Some("k1"));
        assert_eq!(presented_key(&headers(&[("authorization", "bearer  k1 ")])), Some("k1"));
        assert_eq!(presented_key(&headers(&[("x-api-key", "k2")])), Some("k2"));
        assert_eq!(presented_key(&headers(&[("authorization", "Basic abc"), ("x-api-key", "k2")])), Some("k2"));
        assert_eq!(presented_key(&headers(&[("authorization", "Bearer "), ("x-api-key", "")])), None);
    }

    #[test]
    fn only_the_whole_key_matches() {
        let key = SecretString::from("correct horse");
        assert!(secrets_match(&key, "correct horse"));
        for wrong in ["", "correct", "correct horsf", "Correct horse", "correct horse "] {
            assert!(!secrets_match(&key, wrong), "{wrong:?}");
        }
    }

    #[test]
    fn an_unset_key_lets_nobody_in() {
        assert!(!secrets_match(&SecretString::from(""), ""));
    }
}

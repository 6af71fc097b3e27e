//! Access tokens, what identifies them, and the key under which they are shared.

use http::HeaderValue;
use insights_http::secret::bearer_header;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

/// How long before its expiry a token is no longer reused, so that it does not expire on its way to the server.
pub const EXPIRY_MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// An access token and the moment at which it expires.
#[derive(Debug, Clone)]
pub struct AccessToken {
    token: SecretString,
    expires_at: Timestamp,
}

impl AccessToken {
    /// Builds a token from the text of an answer or of the shared cache; `None` unless it is 1 to 16384 visible ASCII
    /// characters, which is what a header can carry.
    #[must_use]
    pub fn new(token: SecretString, expires_at: Timestamp) -> Option<Self> {
        let text = token.expose_secret();
        let fits =
            (1..=16384).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then_some(Self { token, expires_at })
    }

    /// Returns the text of the token.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.token
    }

    /// Returns when the token expires.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Returns whether the token is good for another call at `now`: more than [`EXPIRY_MARGIN`] before it expires.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.expires_at.duration_since(now) > EXPIRY_MARGIN
    }

    /// Returns what tells this token from another without giving it away.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(hex::encode(Sha256::digest(
            self.token.expose_secret().as_bytes(),
        )))
    }

    /// Returns the `Authorization` header, marked as sensitive so that it is not printed.
    pub(crate) fn bearer(&self) -> HeaderValue {
        bearer_header(&self.token).unwrap_or_else(|| HeaderValue::from_static("Bearer"))
    }
}

/// The SHA-256 of a token in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Returns the 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The key under which a token is shared: the SHA-256 of token URL, client id and the set of scopes, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenKey(String);

impl TokenKey {
    /// Builds the key of a client's token. Neither the order of the scopes nor a scope that is named twice makes a difference.
    #[must_use]
    pub fn new(token_url: &Url, client_id: &str, scopes: &str) -> Self {
        let mut scopes: Vec<&str> = scopes.split_whitespace().collect();
        scopes.sort_unstable();
        scopes.dedup();
        let mut hash = Sha256::new();
        for part in [token_url.as_str(), client_id, &scopes.join(" ")] {
            // The length stands before each part, so that no two triples give the same bytes.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hex::encode(hash.finalize()))
    }

    /// Returns the 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(url: &str, id: &str, scopes: &str) -> TokenKey {
        TokenKey::new(&Url::parse(url).unwrap(), id, scopes)
    }

    fn token(text: &str, expires: i64) -> Option<AccessToken> {
        AccessToken::new(
            SecretString::from(text),
            Timestamp::from_second(expires).unwrap(),
        )
    }

    #[test]
    fn the_order_and_repetition_of_scopes_do_not_change_the_key() {
        let one = key("https://a.test/oauth/token", "id", "b:read a:read");
        assert_eq!(
            one,
            key(
                "https://a.test/oauth/token",
                "id",
                " a:read  b:read b:read "
            )
        );
        assert_eq!(one.as_str().len(), 64);
    }

    #[test]
    fn url_client_and_scope_set_each_change_the_key() {
        let keys = [
            key("https://a.test/oauth/token", "id", "a b"),
            key("https://a.test/oauth2/token", "id", "a b"),
            key("https://a.test/oauth/token", "other", "a b"),
            key("https://a.test/oauth/token", "id", "a"),
            key("https://a.test/oauth/token", "ida", "b"),
            key("https://a.test/oauth/token", "id", ""),
        ];
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn a_token_is_reused_until_sixty_seconds_before_it_expires() {
        let token = token("abc", 1000).unwrap();
        assert!(token.is_fresh(Timestamp::from_second(939).unwrap()));
        assert!(!token.is_fresh(Timestamp::from_second(940).unwrap()));
        assert!(!token.is_fresh(Timestamp::from_second(1001).unwrap()));
    }

    #[test]
    fn what_a_header_cannot_carry_is_no_token() {
        for bad in ["", "a b", "a\r\nx: y", "tök", &"x".repeat(16385)] {
            assert!(token(bad, 1000).is_none(), "{} bytes", bad.len());
        }
        assert!(token("eyJ.a-b_c/d+e=", 1000).is_some());
    }

    #[test]
    fn neither_debug_nor_the_header_shows_the_token() {
        let token = token("canary-token", 1000).unwrap();
        assert!(
            !format!("{token:?} {:?} {:?}", token.fingerprint(), token.bearer()).contains("canary")
        );
    }
}

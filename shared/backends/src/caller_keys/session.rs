//! Sessions of callers that a browser keeps: a signed token in the place of the key.
//!
//! A token names the caller's key and the person behind it, and when it expires. It is signed with the digest of that very key, so that a
//! session ends with its key: when the key is taken out of the secret, expires or loses its scope.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// What the signature is for, so that no other use of a key's digest gives the same bytes.
const PURPOSE: &[u8] = b"cxone-insights caller session 1\n";

/// Longest token that is read, in bytes.
const MAX_TOKEN_BYTES: usize = 1024;

/// A session that a caller has opened with its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerSession {
    /// The name of the key that opened the session.
    #[serde(rename = "k")]
    pub key_name: String,
    /// The name of the person, as it was given at the login.
    #[serde(rename = "p")]
    pub person: String,
    /// When the session ends, in seconds since the epoch.
    #[serde(rename = "e")]
    pub expires_at: i64,
    /// What tells the session from others of the same person; random.
    #[serde(rename = "i", default, skip_serializing_if = "String::is_empty")]
    pub id: String,
}

impl CallerSession {
    /// Returns the token of the session, signed with a key's digest.
    pub(super) fn sign(&self, key_digest: &[u8; 32]) -> Option<String> {
        let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).ok()?);
        let signature = mac(key_digest, &claims)?.finalize().into_bytes();
        Some(format!("{claims}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Returns what an unproven token claims, if the session has not expired. `is_proven` then says whether it may be believed.
    pub(super) fn read(token: &str, now: Timestamp) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (claims, _) = token.split_once('.')?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        let session: Self = serde_json::from_slice(&claims).ok()?;
        (now.as_second() < session.expires_at).then_some(session)
    }

    /// Returns whether a token was signed with a key's digest. The comparison takes the same time wherever the signatures differ.
    pub(super) fn is_signed(token: &str, key_digest: &[u8; 32]) -> bool {
        let Some((claims, signature)) = token.split_once('.') else {
            return false;
        };
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        mac(key_digest, claims).is_some_and(|mac| mac.verify_slice(&signature).is_ok())
    }
}

fn mac(key_digest: &[u8; 32], claims: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key_digest).ok()?;
    mac.update(PURPOSE);
    mac.update(claims.as_bytes());
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_believed_for_its_key_and_its_time_and_not_when_it_was_changed() {
        let now = Timestamp::from_second(1000).unwrap();
        let session = CallerSession {
            key_name: "floor".to_owned(),
            person: "Grace".to_owned(),
            expires_at: 2000,
            id: String::new(),
        };
        let key = [7; 32];
        let token = session.sign(&key).unwrap();
        assert_eq!(CallerSession::read(&token, now), Some(session.clone()));
        assert!(CallerSession::is_signed(&token, &key));
        assert!(!CallerSession::is_signed(&token, &[8; 32]));
        let late = Timestamp::from_second(2000).unwrap();
        assert_eq!(CallerSession::read(&token, late), None);
        let (_, signature) = token.split_once('.').unwrap();
        let longer = CallerSession {
            expires_at: 9000,
            ..session
        };
        let (claims, _) = longer
            .sign(&[0; 32])
            .unwrap()
            .split_once('.')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        for forged in [
            format!("{claims}.{signature}"),
            format!("{claims}."),
            claims,
            String::new(),
            "x".repeat(5000),
        ] {
            assert!(!CallerSession::is_signed(&forged, &key), "{forged}");
        }
    }
}

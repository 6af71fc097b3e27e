//! The webhook's signature: `x-signature: sha256=<hex HMAC-SHA256 of "{timestamp}.{body}">` beside `x-timestamp`, the epoch
//! second of the signing.
//!
//! The contact center's digital automations may sign otherwise: `x-request-signature: <base64 HMAC-SHA256 of the raw body>`,
//! with `x-signature-algorithm: sha256`. That signature says no time, so whoever has heard a message may repeat it; a repeated
//! message changes nothing.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// A signature as it was sent; nothing of it is proven yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    timestamp: String,
    mac: Vec<u8>,
}

/// Why the headers hold no signature that could be valid. Shown to the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not of the form.
    #[error("x-signature must be 'sha256=' and 64 hexadecimal digits")]
    Signature,
    /// Missing or not a number.
    #[error("x-timestamp must be the epoch second of the signing")]
    Timestamp,
    /// Too old or too far ahead.
    #[error("x-timestamp is too far from now; sign anew with the present time")]
    Stale,
    /// A signature of the body that is not of the form.
    #[error("x-request-signature must be the base64 of 32 bytes")]
    BodySignature,
    /// A signature of the body by another algorithm.
    #[error("x-signature-algorithm must be sha256")]
    Algorithm,
}

impl Signature {
    /// Reads the headers and checks the time, which is part of what is signed.
    ///
    /// # Errors
    /// [`Malformed`], saying what is allowed.
    pub fn read(
        signature: &str,
        timestamp: Option<&str>,
        now: Timestamp,
        tolerance: Duration,
    ) -> Result<Self, Malformed> {
        let digits = signature
            .trim()
            .strip_prefix("sha256=")
            .ok_or(Malformed::Signature)?;
        let mac = hex::decode(digits)
            .ok()
            .filter(|mac| mac.len() == 32)
            .ok_or(Malformed::Signature)?;
        // The exact text is signed, so it must be plain digits: no sign, no white space.
        let timestamp = timestamp
            .filter(|text| {
                (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
            })
            .ok_or(Malformed::Timestamp)?;
        let second: i64 = timestamp.parse().map_err(|_| Malformed::Timestamp)?;
        if now.as_second().abs_diff(second) > tolerance.as_secs() {
            return Err(Malformed::Stale);
        }
        Ok(Self {
            timestamp: timestamp.to_owned(),
            mac,
        })
    }

    /// Returns whether the secret made this signature of this body, in constant time.
    #[must_use]
    pub fn proves(&self, secret: &SecretString, body: &[u8]) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
            return false;
        };
        mac.update(self.timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.verify_slice(&self.mac).is_ok()
    }
}

/// A signature of the raw body alone as it was sent; nothing of it is proven yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodySignature {
    mac: Vec<u8>,
}

impl BodySignature {
    /// Reads the headers of a signature. The algorithm may be left out, but where it is named it must be SHA-256.
    ///
    /// # Errors
    /// [`Malformed`], saying what is allowed.
    pub fn read(
        signature: Option<&str>,
        names_algorithm: bool,
        algorithm: Option<&str>,
    ) -> Result<Self, Malformed> {
        let is_known = algorithm.is_some_and(|name| name.trim().eq_ignore_ascii_case("sha256"));
        if names_algorithm && !is_known {
            return Err(Malformed::Algorithm);
        }
        let mac = signature
            .and_then(|signature| STANDARD.decode(signature.trim()).ok())
            .filter(|mac| mac.len() == 32)
            .ok_or(Malformed::BodySignature)?;
        Ok(Self { mac })
    }

    /// Returns whether the secret made this signature of this body, in constant time.
    #[must_use]
    pub fn proves(&self, secret: &SecretString, body: &[u8]) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
            return false;
        };
        mac.update(body);
        mac.verify_slice(&self.mac).is_ok()
    }
}

/// Computes the `x-signature` of a body at a time, as a sender makes it.
#[must_use]
pub fn sign(secret: &SecretString, timestamp: Timestamp, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(timestamp.as_second().to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLERANCE: Duration = Duration::from_secs(300);

    fn now() -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap()
    }

    #[test]
    fn a_signature_is_the_hmac_of_time_and_body() {
        // Computed with: printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac key
        let signature = sign(&SecretString::from("key"), now(), br#"{"a":1}"#);
        assert_eq!(
            signature,
            "sha256=a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03"
        );
        let read = Signature::read(&signature, Some("1700000000"), now(), TOLERANCE).unwrap();
        assert!(read.proves(&SecretString::from("key"), br#"{"a":1}"#));
        assert!(!read.proves(&SecretString::from("kez"), br#"{"a":1}"#));
        assert!(!read.proves(&SecretString::from("key"), br#"{"a":2}"#));
        let moved = Signature::read(&signature, Some("1700000001"), now(), TOLERANCE).unwrap();
        assert!(!moved.proves(&SecretString::from("key"), br#"{"a":1}"#));
    }

    #[test]
    fn a_signature_of_the_body_alone_is_checked_against_a_known_one() {
        // Computed with: printf '%s' "$BODY" | openssl dgst -sha256 -hmac example-secret -binary | base64
        let body = br#"{"case":{"id":"127000000001","status":"closed"}}"#;
        let sent = "FTjHwBds+nQVlKfve4QaoyoCfCit0QZ6kIU4vJojRIE=";
        let read = BodySignature::read(Some(sent), true, Some("SHA256")).unwrap();
        let secret = SecretString::from("example-secret");
        assert!(read.proves(&secret, body));
        assert!(!read.proves(&SecretString::from("other"), body));
        assert!(!read.proves(&secret, &body[1..]));
        assert_eq!(BodySignature::read(Some(sent), false, None), Ok(read));
        for bad in [
            None,
            Some(""),
            Some("sha256=00"),
            Some("FTjHwBds+nQ="),
            Some("!!!"),
        ] {
            assert_eq!(
                BodySignature::read(bad, false, None),
                Err(Malformed::BodySignature)
            );
        }
        for bad in [Some("md5"), Some(""), None] {
            assert_eq!(
                BodySignature::read(Some(sent), true, bad),
                Err(Malformed::Algorithm)
            );
        }
    }

    #[test]
    fn times_beyond_the_tolerance_on_either_side_are_stale() {
        let signature = format!("sha256={}", "0".repeat(64));
        let read = |timestamp: &str| {
            Signature::read(&signature, Some(timestamp), now(), TOLERANCE).map(|_| ())
        };
        assert_eq!(read("1699999700"), Ok(()));
        assert_eq!(read("1700000300"), Ok(()));
        assert_eq!(read("1699999699"), Err(Malformed::Stale));
        assert_eq!(read("1700000301"), Err(Malformed::Stale));
        assert_eq!(read("0"), Err(Malformed::Stale));
        for bad in [
            "",
            "now",
            "-1700000000",
            "+1700000000",
            " 1700000000",
            "1700000000.0",
            "99999999999999999999",
        ] {
            assert_eq!(read(bad), Err(Malformed::Timestamp), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_signature_is_told_its_form() {
        let short = format!("sha256={}", "0".repeat(62));
        let letters = format!("sha256={}", "g".repeat(64));
        for bad in ["", "abc", "sha1=00", short.as_str(), letters.as_str()] {
            let read = Signature::read(bad, Some("1700000000"), now(), TOLERANCE);
            assert_eq!(read, Err(Malformed::Signature), "{bad:?}");
        }
    }
}

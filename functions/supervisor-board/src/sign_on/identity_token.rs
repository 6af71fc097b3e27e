//! The identity token of a provider: whether it may be believed, and what it claims.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use super::verifier::install;

/// Longest token that is read, in bytes.
const MAX_TOKEN_BYTES: usize = 64 << 10;

/// Largest difference between the clocks of the provider and of this machine, in seconds.
const LEEWAY_SECONDS: u64 = 60;

/// Why an identity token is not believed. It holds nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct InvalidToken(pub(crate) &'static str);

/// What a token must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
}

/// Returns the algorithm and the name of the key of a token that is not believed yet.
pub(super) fn head_of(token: &str) -> Result<(Algorithm, Option<String>), InvalidToken> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(InvalidToken("it is too long"));
    }
    let head = jsonwebtoken::decode_header(token).map_err(|error| reason(&error))?;
    Ok((head.alg, head.kid))
}

/// Checks a token with the key that it names, and returns what it claims.
pub(super) fn check(
    token: &str,
    algorithm: Algorithm,
    key: &DecodingKey,
    expected: &Expected<'_>,
) -> Result<Map<String, Value>, InvalidToken> {
    install();
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client_id]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let decoded = jsonwebtoken::decode::<Map<String, Value>>(token, key, &validation);
    let claims = decoded.map_err(|error| reason(&error))?.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let nonce = text("nonce").unwrap_or_default();
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err(InvalidToken("it belongs to another login"));
    }
    let has_several = claims
        .get("aud")
        .and_then(Value::as_array)
        .is_some_and(|audiences| audiences.len() > 1);
    match text("azp") {
        Some(party) if party != expected.client_id => {
            Err(InvalidToken("it was issued for another application"))
        }
        None if has_several => Err(InvalidToken("it does not say for whom it was issued")),
        _ => Ok(claims),
    }
}

/// Returns why a token is refused, without anything of it.
fn reason(error: &jsonwebtoken::errors::Error) -> InvalidToken {
    InvalidToken(match error.kind() {
        ErrorKind::InvalidSignature => "its signature is wrong",
        ErrorKind::ExpiredSignature => "it has expired",
        ErrorKind::ImmatureSignature => "it is not valid yet",
        ErrorKind::InvalidIssuer => "another provider has issued it",
        ErrorKind::InvalidAudience => "it was issued for another application",
        ErrorKind::InvalidAlgorithm => "its signature is of a kind that is not accepted",
        ErrorKind::MissingRequiredClaim(_) => "a claim is missing",
        _ => "it has not the form of a token",
    })
}

//! The token request: one client credentials grant (RFC 6749, 4.4).

use insights_http::{Deadline, Error as HttpError, Transport};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::credentials::ClientCredentials;
use super::token::AccessToken;
use crate::error::Error;
use crate::status::missing_scope;

/// Assumed life in seconds of a token without `expires_in`: RFC 6749 leaves it open, and a short life errs on the safe side.
const DEFAULT_LIFETIME_SECONDS: i64 = 300;

/// Longest life in seconds for which a token is kept, whatever the answer says.
const MAX_LIFETIME_SECONDS: i64 = 24 * 3600;

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<f64>,
}

/// Requests a token from the token endpoint. If `scopes` is empty, none are sent.
///
/// # Errors
/// [`Error::BadCredentials`] (401), [`Error::BadScopes`] (400), [`Error::MissingScope`] (403),
/// [`insights_http::Error::InvalidResponse`] for an answer without a bearer token, and what the transport fails with.
pub(super) async fn request_token(
    transport: &Transport,
    url: &Url,
    scopes: &str,
    credentials: &ClientCredentials,
    now: Timestamp,
    deadline: Deadline,
) -> Result<AccessToken, Error> {
    let endpoint = url.path();
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_id", &credentials.client_id),
        ("client_secret", credentials.client_secret.expose_secret()),
    ];
    if !scopes.is_empty() {
        form.push(("scope", scopes));
    }
    let answer = transport
        .call(endpoint, deadline, |http| {
            http.post(url.clone()).form(&form)
        })
        .await?;
    let endpoint = endpoint.to_owned();
    match answer.status.as_u16() {
        200 | 201 => {}
        400 => {
            return Err(Error::BadScopes {
                endpoint,
                scopes: scopes.to_owned(),
            });
        }
        401 => return Err(Error::BadCredentials { endpoint }),
        403 => {
            return Err(Error::MissingScope {
                endpoint,
                scope: missing_scope(&answer.body, scopes),
            });
        }
        status => return Err(HttpError::Rejected { endpoint, status }.into()),
    }
    let granted: TokenAnswer = answer.json()?;
    if granted
        .token_type
        .is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer"))
    {
        return Err(Error::invalid_response(
            &endpoint,
            "the token is no bearer token",
        ));
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates, and the clamp bounds it"
    )]
    let lifetime = granted
        .expires_in
        .map_or(DEFAULT_LIFETIME_SECONDS, |seconds| seconds as i64)
        .clamp(0, MAX_LIFETIME_SECONDS);
    AccessToken::new(
        SecretString::from(granted.access_token),
        now + SignedDuration::from_secs(lifetime),
    )
    .ok_or_else(|| {
        Error::invalid_response(&endpoint, "the token is empty, too long or not plain ASCII")
    })
}

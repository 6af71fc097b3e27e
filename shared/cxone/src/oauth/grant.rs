//! The token request itself: one client credentials grant (RFC 6749, 4.4).

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::credentials::ClientCredentials;
use super::token::AccessToken;
use crate::client::missing_scope;
use insights_http::Transport;
use insights_http::{Deadline, Error};

/// What a token without `expires_in` is taken to live: RFC 6749 leaves it open, and a short life errs on the safe side.
const DEFAULT_LIFE: i64 = 300;

/// No token is kept for longer than this many seconds, whatever the answer says.
const MAX_LIFE: i64 = 24 * 3600;

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<f64>,
}

/// Asks the token endpoint for a token; `scopes` empty sends none.
///
/// # Errors
/// [`Error::BadCredentials`] (401), [`Error::BadScopes`] (400), [`Error::Forbidden`] (403), [`Error::InvalidResponse`]
/// for an answer that holds no bearer token, and what the transport fails with.
pub(super) async fn request(
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
            return Err(Error::Forbidden {
                endpoint,
                scope: missing_scope(&answer.body, scopes),
            });
        }
        status => return Err(Error::Rejected { endpoint, status }),
    }
    let granted: Granted = answer.json()?;
    if granted
        .token_type
        .is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer"))
    {
        return Err(Error::response(&endpoint, "the token is no bearer token"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates, and the clamp bounds it"
    )]
    let life = granted
        .expires_in
        .map_or(DEFAULT_LIFE, |seconds| seconds as i64)
        .clamp(0, MAX_LIFE);
    AccessToken::new(
        SecretString::from(granted.access_token),
        now + SignedDuration::from_secs(life),
    )
    .ok_or_else(|| Error::response(&endpoint, "the token is empty, too long or not plain ASCII"))
}

//! The token request: one client credentials grant (RFC 6749, 4.4).

use insights_http::{Deadline, Error as HttpError, Transport};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::credentials::ClientCredentials;
use super::lifetime::Lifetime;
use super::token::AccessToken;
use crate::error::Error;
use crate::status::missing_scope;

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Lifetime,
}

/// What a refusal says by RFC 6749, 5.2.
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// Requests a token from the token endpoint. If `scopes` is empty, none are sent.
///
/// # Errors
/// [`Error::BadCredentials`] (401, or 400 with a code that says so), [`Error::BadScopes`] (400), [`Error::MissingScope`] (403),
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
        400 => return Err(bad_request(endpoint, &answer.body, scopes, credentials)),
        401 => return Err(bad_credentials(endpoint, credentials)),
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
    AccessToken::new(
        SecretString::from(granted.access_token),
        now + SignedDuration::from_secs(granted.expires_in.0),
    )
    .ok_or_else(|| {
        Error::invalid_response(&endpoint, "the token is empty, too long or not plain ASCII")
    })
}

/// Returns what a 400 means. Its code tells the client from the scopes; without a code it is the scopes, if any were sent.
fn bad_request(
    endpoint: String,
    body: &[u8],
    scopes: &str,
    credentials: &ClientCredentials,
) -> Error {
    let code = serde_json::from_slice::<Refusal>(body).map(|refusal| refusal.error);
    match code.as_deref().unwrap_or_default() {
        "invalid_client" | "unauthorized_client" | "invalid_grant" => {
            bad_credentials(endpoint, credentials)
        }
        "invalid_request" | "unsupported_grant_type" => HttpError::Rejected {
            endpoint,
            status: 400,
        }
        .into(),
        _ if scopes.is_empty() => HttpError::Rejected {
            endpoint,
            status: 400,
        }
        .into(),
        _ => Error::BadScopes {
            endpoint,
            scopes: scopes.to_owned(),
        },
    }
}

fn bad_credentials(endpoint: String, credentials: &ClientCredentials) -> Error {
    Error::BadCredentials {
        endpoint,
        client: beginning_of(&credentials.client_id),
    }
}

/// Returns the beginning of a client id: enough to tell one client from another, and never the whole of a secret that stands in
/// the place of the id by mistake.
fn beginning_of(client_id: &str) -> String {
    let shown = (client_id.chars().count() / 2).min(12);
    let is_plain = |c: &char| c.is_ascii_graphic();
    let beginning: String = client_id.chars().take(shown).filter(is_plain).collect();
    format!("{beginning}…")
}

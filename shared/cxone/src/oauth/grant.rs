//! The token request, in the form that the site's grant has.

use http::StatusCode;
use insights_core::lenient_json;
use insights_http::{Answer, Deadline, Error as HttpError, Transport};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::credentials::{AccessKey, ClientCredentials};
use super::lifetime::Lifetime;
use super::token::AccessToken;
use crate::cloud::Cloud;
use crate::endpoints::{ClientAuthentication, Grant, Site};
use crate::error::Error;
use crate::status::missing_scope;

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Lifetime,
}

/// What a refusal says by RFC 6749, 5.2, and by servers that write its members in camel case.
#[derive(Deserialize)]
struct Refusal {
    error: Option<String>,
    #[serde(default, alias = "errorDescription", alias = "error_Description")]
    error_description: Option<String>,
}

/// Requests a token from the token endpoint of a site. If the site has no scopes, none are sent.
///
/// # Errors
/// [`Error::BadCredentials`], [`Error::BadClient`] or [`Error::BadAccessKey`] (401, or 400 with a code that says so),
/// [`Error::BadScopes`] (400), [`Error::MissingScope`] (403), [`insights_http::Error::InvalidResponse`] for an answer without
/// a bearer token, and what the transport fails with.
pub(super) async fn request_token(
    transport: &Transport,
    site: &Site,
    credentials: &ClientCredentials,
    now: Timestamp,
    deadline: Deadline,
) -> Result<AccessToken, Error> {
    let url = site.token_url();
    let endpoint = url.path();
    let access_key = match site.grant() {
        Grant::ClientCredentials => None,
        Grant::Password(_) | Grant::AccessKey => {
            let missing = || Error::invalid("the secret", "it has no access key for this grant");
            Some(credentials.access_key.as_ref().ok_or_else(missing)?)
        }
    };
    let answer = transport
        .call(endpoint, deadline, |http| {
            let request = http
                .post(url.clone())
                .header(http::header::ACCEPT, "application/json");
            add_grant(request, site, credentials, access_key)
        })
        .await?;
    match answer.status {
        StatusCode::OK | StatusCode::CREATED => read_token(&answer, now),
        status => Err(refusal(&answer, status, site, credentials)),
    }
}

/// Adds what proves the client and the user to a token request.
fn add_grant(
    request: reqwest::RequestBuilder,
    site: &Site,
    credentials: &ClientCredentials,
    access_key: Option<&AccessKey>,
) -> reqwest::RequestBuilder {
    let client = [
        ("client_id", credentials.client_id.as_str()),
        ("client_secret", credentials.client_secret.expose_secret()),
    ];
    let user = access_key.map(|key| {
        [
            ("username", key.id.as_str()),
            ("password", key.secret.expose_secret()),
        ]
    });
    let mut form = Vec::new();
    let request = match site.grant() {
        Grant::ClientCredentials => {
            form.push(("grant_type", "client_credentials"));
            form.extend(client);
            request
        }
        Grant::Password(authentication) => {
            form.push(("grant_type", "password"));
            form.extend(user.into_iter().flatten());
            match authentication {
                ClientAuthentication::Basic => {
                    let secret = credentials.client_secret.expose_secret();
                    request.basic_auth(&credentials.client_id, Some(secret))
                }
                ClientAuthentication::Post => {
                    form.extend(client);
                    request
                }
            }
        }
        Grant::AccessKey => {
            let key = access_key.map(
                |key| json!({"accessKeyId": key.id, "accessKeySecret": key.secret.expose_secret()}),
            );
            return request.json(&key);
        }
    };
    if !site.scopes().is_empty() {
        form.push(("scope", site.scopes()));
    }
    request.form(&form)
}

/// Reads the token of a successful answer. Some gateways wrap the object into a list of one.
fn read_token(answer: &Answer, now: Timestamp) -> Result<AccessToken, Error> {
    let endpoint = answer.endpoint.as_str();
    let mut granted: Value = answer.json()?;
    if let Value::Array(list) = &mut granted
        && list.len() == 1
    {
        granted = list.remove(0);
    }
    // The parser's error may quote a value, here perhaps the token.
    let granted: TokenAnswer = serde_json::from_value(granted)
        .map_err(|_| Error::invalid_response(endpoint, "it holds no token"))?;
    if granted
        .token_type
        .is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer"))
    {
        return Err(Error::invalid_response(
            endpoint,
            "the token is no bearer token",
        ));
    }
    AccessToken::new(
        SecretString::from(granted.access_token),
        now + SignedDuration::from_secs(granted.expires_in.0),
    )
    .ok_or_else(|| {
        Error::invalid_response(endpoint, "the token is empty, too long or not plain ASCII")
    })
}

/// Returns what a refusal means. Its code tells the client from the user and the scopes; without a code, a 400 is about the
/// scopes, if any were sent.
fn refusal(
    answer: &Answer,
    status: StatusCode,
    site: &Site,
    credentials: &ClientCredentials,
) -> Error {
    let said = lenient_json::from_slice::<Refusal>(&answer.body).ok();
    let code = said.as_ref().and_then(|said| said.error.as_deref());
    let code = code.unwrap_or_default();
    let endpoint = answer.endpoint.clone();
    let status = status.as_u16();
    let cloud = Cloud::of_issuer(site.token_url());
    let cloud_advice = cloud.map_or("", Cloud::advice_to_strangers);
    let is_of_key = site.grant() != Grant::ClientCredentials;
    let is_of_client = matches!(code, "invalid_client" | "unauthorized_client");
    match (status, code) {
        (400 | 401, _) if is_of_key && is_of_client => Error::BadClient {
            endpoint,
            client: beginning_of(&credentials.client_id),
            cloud_advice,
        },
        (401, _) | (400, "invalid_grant") if is_of_key => {
            bad_access_key(endpoint, said.as_ref(), credentials, cloud_advice)
        }
        // The form of the request is known to be right: what is wrong with it can only be the key.
        (400 | 403, _) if site.grant() == Grant::AccessKey => {
            bad_access_key(endpoint, said.as_ref(), credentials, cloud_advice)
        }
        (401, _) | (400, "invalid_client" | "unauthorized_client" | "invalid_grant") => {
            Error::BadCredentials {
                endpoint,
                client: beginning_of(&credentials.client_id),
            }
        }
        (403, _) => Error::MissingScope {
            endpoint,
            scope: missing_scope(&answer.body, site.scopes()),
        },
        (400, "invalid_request" | "unsupported_grant_type") => {
            HttpError::Rejected { endpoint, status }.into()
        }
        (400, _) if !site.scopes().is_empty() => Error::BadScopes {
            endpoint,
            scopes: site.scopes().to_owned(),
        },
        _ => HttpError::Rejected { endpoint, status }.into(),
    }
}

/// Returns the error of an access key that is wrong, expired or revoked.
fn bad_access_key(
    endpoint: String,
    said: Option<&Refusal>,
    credentials: &ClientCredentials,
    cloud_advice: &'static str,
) -> Error {
    let said = said.and_then(|said| said.error_description.as_deref());
    let said = said.unwrap_or_default().to_ascii_lowercase();
    let key = credentials.access_key.as_ref();
    let is_expired = said.contains("expire");
    Error::BadAccessKey {
        endpoint,
        access_key: key.map_or_else(String::new, |key| beginning_of(&key.id)),
        is_expired,
        // A cloud that knows that a key has expired knows the key.
        cloud_advice: if is_expired { "" } else { cloud_advice },
    }
}

/// Returns the beginning of an id: enough to tell one from another, and never the whole of a secret that stands in the place of
/// the id by mistake.
fn beginning_of(id: &str) -> String {
    let shown = (id.chars().count() / 2).min(12);
    let is_plain = |c: &char| c.is_ascii_graphic();
    let beginning: String = id.chars().take(shown).filter(is_plain).collect();
    format!("{beginning}…")
}

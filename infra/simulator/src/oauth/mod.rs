//! The token endpoints of the contact center, which grant client credentials.

pub(crate) mod tokens;

pub use tokens::Tokens;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::settings::SCOPES;
use crate::world::World;

/// Paths of the token endpoints of the five systems.
pub const TOKEN_PATHS: [&str; 3] = ["/oauth/token", "/oauth2/token", "/api/v2/oauth/token"];

pub(crate) fn router() -> Router<Arc<World>> {
    TOKEN_PATHS.iter().fold(Router::new(), |router, path| {
        router.route(path, post(token))
    })
}

async fn token(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let form = form(&headers, &body)?;
    let field = |name: &str| {
        form.get(name).ok_or_else(|| {
            bad(
                "invalid_request",
                format!("the form field {name} is missing"),
            )
        })
    };
    if field("grant_type")? != "client_credentials" {
        return Err(bad(
            "unsupported_grant_type",
            "only client_credentials is granted",
        ));
    }
    let settings = world.settings();
    if *field("client_id")? != settings.client_id
        || *field("client_secret")? != settings.client_secret
    {
        let message = "the client id or secret is wrong";
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            message,
        ));
    }
    let scopes = match form.get("scope") {
        None => settings.granted_scopes.clone(),
        Some(list) => scopes(list, &settings.granted_scopes)?,
    };
    let scope = scopes.iter().cloned().collect::<Vec<_>>().join(" ");
    let token = world
        .tokens
        .issue(scopes, Duration::from_secs(settings.token_expires_in));
    Ok(Json(json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": settings.token_expires_in,
        "scope": scope,
    })))
}

fn form(headers: &HeaderMap, body: &[u8]) -> Result<HashMap<String, String>, Problem> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    if !kind.starts_with(FORM) {
        return Err(bad(
            "invalid_request",
            format!("the content type must be {FORM}"),
        ));
    }
    Ok(url::form_urlencoded::parse(body).into_owned().collect())
}

/// Parses a list of scopes, all of which must be known and granted.
fn scopes(list: &str, granted: &BTreeSet<String>) -> Result<BTreeSet<String>, Problem> {
    let asked: BTreeSet<String> = list.split_whitespace().map(str::to_owned).collect();
    if asked.is_empty() {
        return Err(bad("invalid_scope", "the scope list is empty"));
    }
    if let Some(unknown) = asked.iter().find(|scope| !SCOPES.contains(&scope.as_str())) {
        return Err(bad("invalid_scope", format!("there is no scope {unknown}")));
    }
    let missing: Vec<_> = asked.difference(granted).cloned().collect();
    if missing.is_empty() {
        return Ok(asked);
    }
    let missing = missing.join(" ");
    let message = format!("the client is not granted {missing}");
    Err(Problem::new(StatusCode::FORBIDDEN, "access_denied", message).with("scope", missing))
}

fn bad(code: &str, message: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, message)
}

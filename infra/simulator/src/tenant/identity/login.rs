//! Tokens for a registered application, for an access key and for a refresh token.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::claims;
use crate::socket::ConnectionSwitch;
use crate::tenant::quirks::Quirk;
use crate::tenant::refusal::{Refusal, Shape};
use crate::tenant::settings::ClientAuth;
use crate::tenant::world::TenantWorld;

/// Scope that marks refresh tokens among the tokens of the simulator.
const REFRESH: &str = "refresh";
/// Lifetime of a refresh token.
const REFRESH_LIFE: Duration = Duration::from_secs(7200);

pub(super) async fn token(
    State(world): State<Arc<TenantWorld>>,
    ConnectInfo(connection): ConnectInfo<ConnectionSwitch>,
    version: Version,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if version == Version::HTTP_2 && world.has(Quirk::NoHttp2Token) {
        connection.cut();
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    granted(&world, &headers, &body).unwrap_or_else(|refusal| refusal.shaped(Shape::Login))
}

fn granted(world: &TenantWorld, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    let form = form(headers, body)?;
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    check_client(world, headers, &form)?;
    match field("grant_type") {
        "password" => {
            check_key(world, field("username"), field("password"))?;
            Ok(issued(world))
        }
        "refresh_token" => {
            check_refresh(world, field("refresh_token"))?;
            Ok(issued(world))
        }
        other => {
            let message = format!("the grant `{other}` is not supported");
            Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                message,
            ))
        }
    }
}

pub(super) async fn access_key(State(world): State<Arc<TenantWorld>>, body: Bytes) -> Response {
    let keys: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| keys[name].as_str().unwrap_or_default();
    match check_key(&world, text("accessKeyId"), text("accessKeySecret")) {
        Ok(()) => issued(&world),
        Err(refusal) => refusal.shaped(Shape::Login),
    }
}

pub(super) async fn refresh(State(world): State<Arc<TenantWorld>>, body: Bytes) -> Response {
    let sent: Value = serde_json::from_slice(&body).unwrap_or_default();
    let token = sent["token"].as_str().unwrap_or_default();
    if let Err(refusal) = check_refresh(&world, token) {
        return refusal.shaped(Shape::Login);
    }
    let (access, refresh, life) = tokens(&world);
    Json(json!({
        "token": access, "refreshToken": refresh,
        "tokenExpirationTimeSec": life, "refreshTokenExpirationTimeSec": REFRESH_LIFE.as_secs(),
    }))
    .into_response()
}

/// Reads a form. An equals sign that is not percent-encoded ends its value, as at the real endpoint.
fn form(headers: &HeaderMap, body: &[u8]) -> Result<HashMap<String, String>, Refusal> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        let message = "the content type must be application/x-www-form-urlencoded";
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            message,
        ));
    }
    let text = String::from_utf8_lossy(body);
    let cut = text.split('&').map(|pair| {
        let mut parts = pair.splitn(3, '=');
        let (name, value) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        format!("{name}={value}")
    });
    let cut: Vec<String> = cut.collect();
    Ok(url::form_urlencoded::parse(cut.join("&").as_bytes())
        .into_owned()
        .collect())
}

fn check_client(
    world: &TenantWorld,
    headers: &HeaderMap,
    form: &HashMap<String, String>,
) -> Result<(), Refusal> {
    let settings = world.settings();
    let sent = match settings.client_auth {
        ClientAuth::Basic => basic(headers),
        ClientAuth::Post => form
            .get("client_id")
            .cloned()
            .zip(form.get("client_secret").cloned())
            .filter(|_| !headers.contains_key(AUTHORIZATION)),
    };
    if sent == Some((settings.client_id, settings.client_secret)) {
        return Ok(());
    }
    let message = "client authentication failed";
    Err(Refusal::new(
        StatusCode::UNAUTHORIZED,
        "invalid_client",
        message,
    ))
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (kind, encoded) = value.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    kind.eq_ignore_ascii_case("basic")
        .then(|| (id.to_owned(), secret.to_owned()))
}

fn check_key(world: &TenantWorld, id: &str, secret: &str) -> Result<(), Refusal> {
    let settings = world.settings();
    let refused = |message: &str| Refusal::new(StatusCode::UNAUTHORIZED, "invalid_grant", message);
    if id != settings.access_key_id || secret != settings.access_key_secret {
        return Err(refused("the access key is not valid"));
    }
    if settings.access_key_expired {
        return Err(refused("the access key has expired or is inactive"));
    }
    Ok(())
}

fn check_refresh(world: &TenantWorld, token: &str) -> Result<(), Refusal> {
    let scopes = world.common.tokens.scopes(token);
    if scopes.is_ok_and(|scopes| scopes.contains(REFRESH)) {
        return Ok(());
    }
    let message = "the refresh token is not valid";
    Err(Refusal::new(
        StatusCode::UNAUTHORIZED,
        "invalid_grant",
        message,
    ))
}

/// Makes an access token and a refresh token, and returns both with the lifetime of the first in seconds.
fn tokens(world: &TenantWorld) -> (String, String, u64) {
    let life = world.settings().token_expires_in;
    let access = claims::access_token(world, life);
    let refresh = uuid::Uuid::new_v4().to_string();
    let accept = &world.common.tokens;
    accept.accept(access.clone(), BTreeSet::new(), Duration::from_secs(life));
    accept.accept(
        refresh.clone(),
        BTreeSet::from([REFRESH.to_owned()]),
        REFRESH_LIFE,
    );
    (access, refresh, life)
}

fn issued(world: &TenantWorld) -> Response {
    let (access, refresh, life) = tokens(world);
    let expires_in = if world.has(Quirk::LooseScalars) && world.draw(0.5) {
        json!(life.to_string())
    } else {
        json!(life)
    };
    let answer = json!({
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": expires_in,
        "refresh_token": refresh,
        "id_token": claims::id_token(world, life),
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    });
    if world.has(Quirk::OtherShapes) {
        return Json(json!([answer])).into_response();
    }
    Json(answer).into_response()
}

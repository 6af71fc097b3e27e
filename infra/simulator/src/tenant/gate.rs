//! The layer around all calls of a tenant's APIs: tokens, permissions, limits, and the shape of answers.

use std::sync::{Arc, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

use super::loose;
use super::quirks::Quirk;
use super::refusal::{Refusal, Shape};
use super::settings::{License, Permission};
use super::world::TenantWorld;
use crate::auth::bearer;

/// Share of calls that are throttled.
const THROTTLED: f64 = 0.02;

/// Checks a call before it is carried out, and gives its answer the shape of its API.
pub(super) async fn admit(
    State(world): State<Arc<TenantWorld>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_ascii_lowercase();
    let (shape, permission, license) = area(&path, &world);
    if let Err(refusal) = check(&world, request.headers(), permission, license) {
        return refusal.shaped(shape);
    }
    if world.has(Quirk::RandomThrottling) && world.draw(THROTTLED) {
        return throttled(&world, shape);
    }
    let is_acd = matches!(shape, Shape::Acd(_));
    if is_acd && world.has(Quirk::AcceptRequired) && request.headers().get(ACCEPT).is_none() {
        return Html("<html><body>No known way to render data</body></html>").into_response();
    }
    let mut response = next.run(request).await;
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        return refusal.shaped(shape);
    }
    if shape != Shape::Digital && world.has(Quirk::LooseScalars) {
        return loosened(&world, response).await;
    }
    response
}

/// Returns the shape of errors, the permission and the license that belong to a path.
fn area(path: &str, world: &TenantWorld) -> (Shape, Permission, Option<License>) {
    if path.starts_with("/interaction-analytics") {
        (
            Shape::Analytics,
            Permission::Analytics,
            Some(License::Analytics),
        )
    } else if path.starts_with("/dfo/") || path.starts_with("/engager/") {
        (Shape::Digital, Permission::Digital, Some(License::Digital))
    } else {
        let shape = Shape::Acd(world.has(Quirk::StatusDescriptionOnly));
        (shape, Permission::Acd, None)
    }
}

fn check(
    world: &TenantWorld,
    headers: &HeaderMap,
    permission: Permission,
    license: Option<License>,
) -> Result<(), Refusal> {
    let unauthorized =
        |reason: &str| Refusal::new(StatusCode::UNAUTHORIZED, "InvalidToken", reason);
    let token = bearer(headers).ok_or_else(|| unauthorized("a bearer token is required"))?;
    end_early(world, token);
    let scopes = world.common.tokens.scopes(token).map_err(unauthorized)?;
    if !scopes.is_empty() {
        return Err(unauthorized("the token is no access token"));
    }
    let settings = world.settings();
    if license.is_some_and(|license| !settings.licenses.contains(&license)) {
        let message = "the feature is not enabled for this tenant";
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "FeatureNotEnabled",
            message,
        ));
    }
    if !settings.permissions.contains(&permission) {
        let message = "the user's role or the application's scope does not permit this";
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "InsufficientPermissions",
            message,
        ));
    }
    Ok(())
}

/// Revokes the first token of the run after some calls, if it is to end early.
fn end_early(world: &TenantWorld, token: &str) {
    if !world.has(Quirk::EarlyTokenEnd) {
        return;
    }
    let limit = world.settings().early_token_end_after;
    let mut first = world
        .calls
        .of_first_token
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let (known, calls) = first.get_or_insert_with(|| (token.to_owned(), 0));
    if known == token {
        *calls += 1;
        if *calls == limit + 1 {
            world.common.tokens.revoke(token);
        }
    }
}

/// Returns a 429 that tells to wait shorter than helps, or nothing about it.
fn throttled(world: &TenantWorld, shape: Shape) -> Response {
    let refusal = Refusal::new(
        StatusCode::TOO_MANY_REQUESTS,
        "TooManyRequests",
        "too many requests",
    );
    let mut response = refusal.shaped(shape);
    if world.draw(0.5) {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("0"));
    }
    response
}

/// Returns an answer whose numbers are texts, and whose texts of digits are numbers, by the toss of a coin.
async fn loosened(world: &TenantWorld, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    loose::loosen(&mut value, &mut || world.draw(0.5));
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(value.to_string()))
}

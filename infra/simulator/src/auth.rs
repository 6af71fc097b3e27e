//! Checks the bearer tokens of requests, and the scopes of the tokens.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};

use crate::problem::Problem;
use crate::world::World;

/// Checks that a request has a valid token with `scope`.
///
/// # Errors
/// 401 for a missing, unknown, expired or revoked token; 403 with the name of a scope that the token lacks.
pub fn require(world: &World, headers: &HeaderMap, scope: &str) -> Result<(), Problem> {
    let token = bearer(headers).ok_or_else(|| unauthorized("a bearer token is required"))?;
    let scopes = world.tokens.scopes(token).map_err(unauthorized)?;
    if scopes.contains(scope) {
        return Ok(());
    }
    let message = format!("the token lacks the scope {scope}");
    Err(Problem::new(StatusCode::FORBIDDEN, "insufficient_scope", message).with("scope", scope))
}

/// Returns the bearer token or key of a request, if there is one.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (kind, token) = value.split_once(' ')?;
    kind.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Returns an answer with status 401 and code `invalid_token`.
#[must_use]
pub fn unauthorized(message: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "invalid_token", message)
}

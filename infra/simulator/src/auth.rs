//! Who may call what: bearer tokens and their scopes.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};

use crate::problem::Problem;
use crate::world::World;

/// Requires a live token with `scope`.
///
/// # Errors
/// 401 for a missing, unknown, expired or revoked token; 403 naming the scope that it lacks.
pub fn require(world: &World, headers: &HeaderMap, scope: &str) -> Result<(), Problem> {
    let token = bearer(headers).ok_or_else(|| unauthorised("a bearer token is required"))?;
    let scopes = world.tokens.scopes(token).map_err(unauthorised)?;
    if scopes.contains(scope) {
        return Ok(());
    }
    let message = format!("the token lacks the scope {scope}");
    Err(Problem::new(StatusCode::FORBIDDEN, "insufficient_scope", message).with("scope", scope))
}

/// The bearer token or key of a request, if it has one.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (kind, token) = value.split_once(' ')?;
    kind.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// A 401.
#[must_use]
pub fn unauthorised(message: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "invalid_token", message)
}

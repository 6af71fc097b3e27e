//! The documents that tell a client the hosts of a tenant.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::tenant::params::Params;
use crate::tenant::quirks::Quirk;
use crate::tenant::refusal::{Refusal, Shape};
use crate::tenant::world::TenantWorld;

/// A host that belongs to nobody, for clients that must not follow every answer.
const FOREIGN: &str = "https://api-na1.niceincontact.com.example";

pub(super) async fn issuer(State(world): State<Arc<TenantWorld>>) -> Json<Value> {
    let issuer = world.hosts().issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/auth/authorize"),
        "token_endpoint": format!("{issuer}/auth/token"),
        "userinfo_endpoint": format!("{issuer}/auth/userinfo"),
        "jwks_uri": format!("{issuer}/auth/jwks"),
        "end_session_endpoint": format!("{issuer}/auth/logout"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": ["openid"],
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

pub(super) async fn of_a_named_tenant(
    State(world): State<Arc<TenantWorld>>,
    params: Params,
) -> Response {
    match params.get("tenantId") {
        Some(tenant) if tenant == world.settings().tenant_id => hosts(&world).into_response(),
        Some(_) => unknown("there is no such tenant"),
        None => unknown("tenantId is missing"),
    }
}

pub(super) async fn regional(State(world): State<Arc<TenantWorld>>, params: Params) -> Response {
    match params.get("tenantId") {
        Some(tenant) if tenant != world.settings().tenant_id => unknown("there is no such tenant"),
        _ => hosts(&world).into_response(),
    }
}

fn unknown(message: &str) -> Response {
    Refusal::new(StatusCode::NOT_FOUND, "not_found", message).shaped(Shape::Login)
}

fn hosts(world: &TenantWorld) -> Json<Value> {
    let (settings, hosts) = (world.settings(), world.hosts());
    let api = if world.has(Quirk::ForeignHost) {
        FOREIGN.to_owned()
    } else {
        hosts.api
    };
    Json(json!({
        "private": false,
        "area": settings.area,
        "cluster": settings.cluster,
        "domain": settings.domain,
        "acdDomain": "nice-incontact.com",
        "uhDomain": "nice-incontact.com",
        "ui_endpoint": hosts.auth,
        "auth_endpoint": hosts.auth,
        "api_endpoint": api,
        "tenantId": settings.tenant_id,
    }))
}

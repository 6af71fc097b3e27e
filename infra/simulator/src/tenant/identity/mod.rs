//! Who calls: discovery, tokens for a registered application or an access key, and the claims of tokens.
//!
//! | host | request | answer |
//! |---|---|---|
//! | issuer | `GET /.well-known/openid-configuration` | the endpoints of the issuer |
//! | issuer, auth | `GET /.well-known/cxone-configuration?tenantId=` | the hosts of the tenant; 404 for another tenant; without a tenant only on the regional host |
//! | issuer | `POST /auth/token` | grants `password` and `refresh_token` for a registered application |
//! | issuer, auth | `POST /authentication/v1/token/access-key` | a token for an access key alone |
//! | auth | `POST /public/user/refresh` | a new token for a refresh token |

mod claims;
mod discovery;
mod login;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::world::TenantWorld;

/// Returns the endpoints of the issuer.
pub(super) fn issuer() -> Router<Arc<TenantWorld>> {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery::issuer))
        .route(
            "/.well-known/cxone-configuration",
            get(discovery::of_a_named_tenant),
        )
        .route("/auth/token", post(login::token))
        .route(
            "/authentication/v1/token/access-key",
            post(login::access_key),
        )
}

/// Returns the endpoints of the regional host.
pub(super) fn regional() -> Router<Arc<TenantWorld>> {
    Router::new()
        .route("/.well-known/cxone-configuration", get(discovery::regional))
        .route(
            "/authentication/v1/token/access-key",
            post(login::access_key),
        )
        .route("/public/user/refresh", post(login::refresh))
}

//! The client of a tenant of these tests.

use std::sync::Arc;
use std::time::Duration;

use cxone::endpoints::{ClientAuthentication, Grant};
use cxone::oauth::{AccessKey, ClientCredentials, TokenSource};
use cxone::tenant::{HostPaces, TenantClient, TenantOptions};
use cxone_simulator::tenant::TenantHandle;
use insights_http::client::{IdleConnections, build_client};
use insights_http::rate_limit::RateLimiter;
use insights_http::secret::FixedSecret;
use testkit::{demo_secrets, quick_limits};

/// Builds a client of a simulated tenant whose live words come from the URL `notifications`.
pub(crate) fn client_of(tenant: &TenantHandle, notifications: &str) -> TenantClient {
    let grant = Grant::Password(ClientAuthentication::Basic);
    let mut options = TenantOptions::new(tenant.hosts().issuer.parse().unwrap(), grant);
    options.notifications_url = Some(notifications.parse().unwrap());
    let credentials = ClientCredentials {
        client_id: tenant.world().settings().client_id,
        client_secret: tenant.world().settings().client_secret.into(),
        access_key: Some(AccessKey {
            id: demo_secrets::ACCESS_KEY_ID.to_owned(),
            secret: demo_secrets::ACCESS_KEY_SECRET.into(),
        }),
    };
    let limits = insights_http::CallLimits {
        attempt_timeout: Duration::from_secs(15),
        ..quick_limits()
    };
    let http = build_client(IdleConnections::Close).unwrap();
    let site = TenantClient::token_site(&options).unwrap();
    let source = Arc::new(FixedSecret(credentials));
    let tokens = TokenSource::new(http.clone(), site.clone(), source, limits);
    let pace = || Arc::new(RateLimiter::new(1000, 1000));
    let paces = HostPaces {
        analytics: pace(),
        contacts: pace(),
        digital: pace(),
    };
    TenantClient::new(http, options, site, Arc::new(tokens), paces, limits)
}

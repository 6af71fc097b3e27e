//! A client of a tenant that lies in memory.

use std::sync::{Arc, OnceLock};

use cxone::endpoints::Grant;
use cxone::oauth::{AccessKey, ClientCredentials, TokenSource};
use cxone::tenant::{HostPaces, TenantClient, TenantOptions};
use insights_http::CallLimits;
use insights_http::client::{IdleConnections, build_client};
use insights_http::exchange::{HttpClient, HttpExchange};
use insights_http::secret::FixedSecret;

/// Where every host of a tenant in memory is; nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

/// Returns a client whose requests `exchange` answers. With `needs_discovery` it asks where the API is, as with a real tenant.
///
/// # Panics
/// If this machine can set up no TLS.
#[must_use]
#[expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
pub fn tenant_client_on(
    exchange: Arc<dyn HttpExchange>,
    needs_discovery: bool,
    paces: HostPaces,
    limits: CallLimits,
) -> TenantClient {
    // Reading the root certificates of the machine takes longer than most tests.
    static REQUESTS: OnceLock<reqwest::Client> = OnceLock::new();
    let requests = REQUESTS.get_or_init(|| build_client(IdleConnections::Close).unwrap());
    let http = HttpClient::from(requests.clone()).with_exchange(exchange);
    let mut options = TenantOptions::new(NOWHERE.parse().unwrap(), Grant::AccessKey);
    if !needs_discovery {
        options.api_url = Some(NOWHERE.parse().unwrap());
    }
    let site = TenantClient::token_site(&options).unwrap();
    let key = AccessKey {
        id: "key".to_owned(),
        secret: "secret".into(),
    };
    let credentials = FixedSecret(ClientCredentials::of_access_key(key));
    let tokens = TokenSource::new(http.clone(), site.clone(), Arc::new(credentials), limits);
    TenantClient::new(http, options, site, Arc::new(tokens), paces, limits)
}

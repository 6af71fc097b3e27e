//! A running simulator and clients of it that retry quickly.

use std::sync::Arc;
use std::time::Duration;

use cxone::endpoints::{CXONE_API, Endpoint, Route, Site, System};
use cxone::oauth::{ClientCredentials, TokenSource};
use cxone::{CxoneClient, Request};
use cxone_simulator::Handle;
use insights_http::client::{IdleConnections, build_client};
use insights_http::secret::FixedSecret;
use insights_http::{CallLimits, Deadline};
use testkit::demo_secrets;
pub(crate) use testkit::{quick_limits, start_simulator};

/// The path that most tests call.
pub(crate) const ACTIONS: &str = "/api/v2/data-actions";

/// The path of the token endpoint for the Data Action.
pub(crate) const TOKEN: &str = "/oauth/token";

pub(crate) fn site(url: &str) -> Site {
    Site::new(CXONE_API, System::DataAction, url).unwrap()
}

pub(crate) fn credentials(secret: &str) -> ClientCredentials {
    ClientCredentials {
        client_id: demo_secrets::CLIENT_ID.to_owned(),
        client_secret: secret.into(),
        access_key: None,
    }
}

/// Returns limits under which a slow machine causes no second attempt, for tests that count requests.
pub(crate) fn patient_limits() -> CallLimits {
    CallLimits {
        attempt_timeout: Duration::from_secs(15),
        ..quick_limits()
    }
}

pub(crate) fn tokens(site: Site) -> TokenSource {
    TokenSource::new(
        build_client(IdleConnections::Close).unwrap(),
        site,
        Arc::new(FixedSecret(credentials(demo_secrets::CLIENT_SECRET))),
        patient_limits(),
    )
}

pub(crate) fn client_with(site: Site, limits: CallLimits) -> CxoneClient {
    let tokens = Arc::new(tokens(site.clone()));
    CxoneClient::new(
        build_client(IdleConnections::Close).unwrap(),
        site,
        tokens,
        limits,
    )
}

pub(crate) fn client_of(simulator: &Handle) -> CxoneClient {
    client_with(site(&simulator.url()), patient_limits())
}

pub(crate) fn actions(client: &CxoneClient) -> Endpoint {
    client.site().endpoint(Route::ListDataActions, &[]).unwrap()
}

/// Lists the Data Actions, which is the simplest call with a token.
pub(crate) async fn list(
    client: &CxoneClient,
    deadline: Deadline,
) -> Result<serde_json::Value, cxone::Error> {
    client.send(Request::get(actions(client)), deadline).await
}

/// Returns a deadline that is far enough away on a busy machine.
pub(crate) fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(20))
}

//! A running simulator and clients of it that retry quickly.

use std::sync::Arc;
use std::time::Duration;

use cxone::endpoints::{CONTRACT, Endpoint, Route, Site, System};
use cxone::oauth::TokenSource;
use cxone::{Client, Request};
use cxone_simulator::{FaultRule, Handle, Scenario, Simulator};
use insights_http::backoff::{BackoffPolicy, Jitter};
use insights_http::client::{Idle, client};
use insights_http::retry::Policy;
use insights_http::secret::{ClientCredentials, Fixed};
use insights_http::{Deadline, Limits};

/// The path most tests call.
pub(crate) const ACTIONS: &str = "/api/v2/data-actions";

/// The token path of the Data Action.
pub(crate) const TOKEN: &str = "/oauth/token";

/// A simulator with these faults.
pub(crate) async fn simulator(faults: impl IntoIterator<Item = FaultRule>) -> Handle {
    let scenario = Scenario {
        faults: faults.into_iter().collect(),
        ..Scenario::default()
    };
    Simulator::start(scenario).await.unwrap()
}

/// The contract's limits with waits of milliseconds.
pub(crate) fn quick() -> Limits {
    let ms = Duration::from_millis;
    let quickly = BackoffPolicy::new(ms(4), Duration::from_secs(30), Jitter::Full);
    Limits {
        retry: Policy {
            rate_limited: quickly,
            failed: quickly,
            ..Policy::default()
        },
        try_timeout: ms(250),
        ..Limits::default()
    }
}

pub(crate) fn site(url: &str) -> Site {
    Site::new(CONTRACT, System::DataAction, url).unwrap()
}

pub(crate) fn credentials(secret: &str) -> ClientCredentials {
    ClientCredentials {
        client_id: "demo-client".to_owned(),
        client_secret: secret.into(),
    }
}

pub(crate) fn tokens(site: Site) -> TokenSource {
    TokenSource::new(
        client(Idle::Closed).unwrap(),
        site,
        Arc::new(Fixed(credentials("demo-secret"))),
        quick(),
    )
}

pub(crate) fn client_with(site: Site, limits: Limits) -> Client {
    let tokens = Arc::new(tokens(site.clone()));
    Client::new(client(Idle::Closed).unwrap(), site, tokens, limits)
}

pub(crate) fn client_of(simulator: &Handle) -> Client {
    client_with(site(&simulator.url()), quick())
}

pub(crate) fn actions(client: &Client) -> Endpoint {
    client.site().endpoint(Route::ListDataActions, &[]).unwrap()
}

/// Lists the Data Actions: the simplest call with a token.
pub(crate) async fn list(
    client: &Client,
    deadline: Deadline,
) -> Result<serde_json::Value, insights_http::Error> {
    client.send(Request::get(actions(client)), deadline).await
}

/// Time enough for a test on a busy machine.
pub(crate) fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(20))
}

//! No secret, token or text reaches a log, an error or a `Debug` output.

use std::sync::Arc;

use cxone::Request;
use cxone::oauth::TokenSource;
use cxone_simulator::{Fault, FaultRule, RetryAfter};
use insights_http::client::{IdleConnections, build_client};
use insights_http::secret::FixedSecret;
use secrecy::ExposeSecret;
use testkit::CapturedLogs;

use crate::support::{
    ACTIONS, actions, credentials, list, quick_limits, site, soon, start_simulator,
};

#[tokio::test]
async fn logs_errors_and_debug_output_hold_no_secret_token_or_text() {
    let logs = CapturedLogs::install(tracing::Level::TRACE);

    let simulator = start_simulator([
        FaultRule::new(ACTIONS, Fault::Status(503, RetryAfter::Absent)).times(2),
        FaultRule::new(ACTIONS, Fault::RevokeTokens).times(1),
    ])
    .await;
    simulator
        .world()
        .change(|settings| settings.client_secret = "canary-secret".to_owned());
    let here = site(&simulator.url());
    let source = Arc::new(FixedSecret(credentials("canary-secret")));
    let tokens = Arc::new(TokenSource::new(
        build_client(IdleConnections::Close).unwrap(),
        here.clone(),
        source.clone(),
        quick_limits(),
    ));
    let client_one = cxone::CxoneClient::new(
        build_client(IdleConnections::Close).unwrap(),
        here,
        Arc::clone(&tokens),
        quick_limits(),
    );
    list(&client_one, soon()).await.unwrap();
    let token = tokens.token(soon()).await.unwrap();

    let body = serde_json::json!({"text": "canary-body"});
    let request = Request::json(http::Method::POST, actions(&client_one), &body).unwrap();
    let printed = format!("{client_one:?} {tokens:?} {token:?} {source:?} {request:?}");
    let rejected = client_one.send_unit(request, soon()).await.unwrap_err();

    let log = logs.text();
    assert!(
        log.contains("the call failed and is tried again")
            && log.contains("the access token was renewed"),
        "{log}"
    );
    for text in [log, printed, format!("{rejected} {rejected:?}")] {
        assert!(!text.contains("canary"), "{text}");
        assert!(!text.contains(token.secret().expose_secret()), "{text}");
    }
}

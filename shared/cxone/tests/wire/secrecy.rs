//! No secret, token or text reaches a log, an error or a `Debug` output.

use std::io::Write;
use std::sync::{Arc, Mutex};

use cxone::Request;
use cxone::oauth::TokenSource;
use cxone_simulator::{Fault, FaultRule, RetryAfter};
use insights_http::client::{IdleConnections, build_client};
use insights_http::secret::FixedSecret;
use secrecy::ExposeSecret;

use crate::support::{ACTIONS, actions, credentials, list, quick, simulator, site, soon};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn logs_errors_and_debug_output_hold_no_secret_token_or_text() {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // For the whole process: one of a thread would miss what another thread's tests made the callsites forget.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let simulator = simulator([
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
        quick(),
    ));
    let client_one = cxone::CxoneClient::new(
        build_client(IdleConnections::Close).unwrap(),
        here,
        Arc::clone(&tokens),
        quick(),
    );
    list(&client_one, soon()).await.unwrap();
    let token = tokens.token(soon()).await.unwrap();

    let body = serde_json::json!({"text": "canary-body"});
    let request = Request::json(http::Method::POST, actions(&client_one), &body).unwrap();
    let printed = format!("{client_one:?} {tokens:?} {token:?} {source:?} {request:?}");
    let rejected = client_one.send_unit(request, soon()).await.unwrap_err();

    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
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

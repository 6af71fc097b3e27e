//! Neither the key nor the text reaches a log, an error or a `Debug` output of the client of the sentiment service.

use std::sync::Arc;
use std::time::Duration;

use cxone_simulator::{Fault, FaultRule, RetryAfter, Scenario, Simulator};
use insights_http::client::{IdleConnections, build_client};
use insights_http::secret::FixedSecret;
use insights_http::{CallLimits, Deadline};
use secrecy::SecretString;
use sentiment::service::NlpClient;
use testkit::CapturedLogs;

#[tokio::test]
async fn logs_errors_and_debug_output_hold_neither_key_nor_text() {
    let logs = CapturedLogs::install(tracing::Level::TRACE);

    let path = "/v1/sentiment";
    let answer = serde_json::json!({ "score": "canary-answer" });
    let scenario = Scenario {
        faults: vec![
            FaultRule::new(path, Fault::Status(503, RetryAfter::Absent)).times(1),
            FaultRule::new(path, Fault::Answer(200, answer)),
        ],
        ..Scenario::default()
    };
    let simulator = Simulator::start(scenario).await.unwrap();
    simulator
        .world()
        .change(|settings| settings.nlp_api_key = "canary-key".to_owned());
    let service = NlpClient::new(
        build_client(IdleConnections::Close).unwrap(),
        &format!("{}{path}", simulator.url()),
        Arc::new(FixedSecret(SecretString::from("canary-key"))),
        CallLimits::default(),
    )
    .unwrap();
    let refused = service
        .score("canary-text", Deadline::within(Duration::from_secs(20)))
        .await
        .unwrap_err();

    let log = logs.text();
    assert!(log.contains("the call failed and is tried again"), "{log}");
    for text in [log, format!("{service:?} {refused} {refused:?}")] {
        assert!(!text.contains("canary"), "{text}");
    }
}

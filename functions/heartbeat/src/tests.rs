//! The heartbeat against a server in the place of the API.

use std::time::Instant;

use backends::Backends;
use runtime::config::Env;
use serde_json::json;
use testkit::events::event;
use testkit::{CapturedLogs, secret_values};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::config::Config;

const OWN_KEY: &str = "canary-own-key";
const API_KEY: &str = "canary-api-key";

/// Starts the server of an API whose Data Action is healthy, and whose scores need this key and answer with this status.
async fn start_api(key: &str, status: u16) -> MockServer {
    let server = MockServer::start().await;
    let health = json!({"status": "ok", "version": "1", "sentiment_provider": "local"});
    let healthy = ResponseTemplate::new(200).set_body_json(health);
    let mock = Mock::given(method("GET")).and(path("/health"));
    mock.respond_with(healthy).mount(&server).await;
    let score = ResponseTemplate::new(status).set_body_json(json!({"sentiment_score": 0.9}));
    let mock = Mock::given(method("POST")).and(header("x-api-key", key));
    mock.respond_with(score).mount(&server).await;
    let refused = Mock::given(method("POST")).respond_with(ResponseTemplate::new(401));
    refused.with_priority(9).mount(&server).await;
    server
}

fn deps(url: &str, checks: &str, secrets: &[(&str, &str)]) -> anyhow::Result<Deps> {
    let folder = std::env::temp_dir();
    let backends = Backends::laptop(folder, secret_values(secrets));
    let env = Env::from_pairs([("HEARTBEAT_API_URL", url), ("HEARTBEAT_CHECKS", checks)]);
    Deps::new(&backends, Config::from_env(&env)?)
}

async fn beat(deps: &Deps) -> anyhow::Result<Reply> {
    let event = event("heartbeat-schedule.json");
    let invocation = Invocation {
        request_id: "1".to_owned(),
        deadline: Instant::now() + Duration::from_secs(60),
    };
    handle(deps, serde_json::from_value(event)?, invocation).await
}

#[tokio::test]
async fn a_healthy_api_is_replied_with_its_checks() {
    let server = start_api(API_KEY, 200).await;
    let deps = deps(&server.uri(), "health", &[("api_key", API_KEY)]).unwrap();
    let reply = serde_json::to_value(beat(&deps).await.unwrap()).unwrap();
    assert_eq!(reply["checks"][0]["check"], "health");
    assert_eq!(reply["checks"][0]["outcome"], "ok");
}

#[tokio::test]
async fn a_check_that_failed_fails_the_invocation_without_a_secret() {
    let logs = CapturedLogs::install(tracing::Level::DEBUG);
    let server = start_api(API_KEY, 200).await;
    let deps = deps(&server.uri(), "health,score", &[("api_key", API_KEY)]).unwrap();
    let error = beat(&deps).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "1 of 2 checks failed: score: a negative text scored 0.9"
    );
    logs.assert_never_logged(&["canary"]);
    assert!(!format!("{deps:?}").contains("canary"));
}

#[tokio::test]
async fn the_key_of_the_heartbeat_comes_before_that_of_all_callers() {
    let server = start_api(OWN_KEY, 403).await;
    for (own, wanted) in [(OWN_KEY, "answered 403"), (" ", "answered 401")] {
        let secrets = [("api_key", API_KEY), ("heartbeat_key", own)];
        let deps = deps(&server.uri(), "score", &secrets).unwrap();
        let error = beat(&deps).await.unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
    let without = deps(&server.uri(), "score", &[("api_key", "")]).unwrap();
    let error = beat(&without).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the callers' secret has neither heartbeat_key nor api_key"
    );
}

#[tokio::test]
async fn a_key_is_not_sent_in_the_clear() {
    let error = deps("http://api.example.com", "score", &[]).unwrap_err();
    let message = format!("{error:#}");
    assert!(
        message.starts_with("HEARTBEAT_API_URL: ") && message.contains("must be https"),
        "{message}"
    );
}

//! The checks against a server that answers wrongly. Against the functions themselves they are tested with the command.

use std::time::Duration;

use insights_http::Deadline;
use insights_http::client::{IdleConnections, build_client};
use secrecy::SecretString;
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, path_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;

const KEY: &str = "canary-key-of-the-caller";

fn reply(status: u16, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

fn error_reply(status: u16, code: &str) -> ResponseTemplate {
    let message = "canary words of a conversation";
    let error = json!({"code": code, "message": message, "retryable": false});
    reply(status, json!({ "error": error }))
}

async fn answer(server: &MockServer, verb: &str, at: &str, reply: ResponseTemplate) {
    let mock = Mock::given(method(verb)).and(path(at));
    mock.respond_with(reply).mount(server).await;
}

fn api(server: &MockServer) -> Api {
    let client = build_client(IdleConnections::Close).unwrap();
    let url = parse_api_url(&server.uri()).unwrap();
    Api::new(client, url, &SecretString::from(KEY)).unwrap()
}

/// Runs one check of a run with the given name, with short limits.
async fn run(server: &MockServer, check: Check, name: &RunName) -> CheckResult {
    let limits = TimeLimits {
        answers: Duration::from_secs(10),
        search: Duration::from_secs(2),
        database: Duration::from_millis(500),
    };
    let deadline = Deadline::within(Duration::from_secs(60));
    let mut shown = Vec::new();
    let show = |result: &CheckResult| shown.push(result.clone());
    let results = run_checks(&api(server), &[check], name, &limits, deadline, show).await;
    assert_eq!(shown, results);
    let [result] = &results[..] else {
        panic!("one result: {results:?}");
    };
    let line = format!("{result} {result:?} {:?}", api(server));
    assert!(!line.contains("canary"), "{line}");
    result.clone()
}

async fn bodies(server: &MockServer, verb: &str) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    let of_verb = requests.iter().filter(|one| one.method.as_str() == verb);
    of_verb
        .map(|one| serde_json::from_slice(&one.body).unwrap_or(Value::Null))
        .collect()
}

#[tokio::test]
async fn a_health_that_is_not_ok_fails() {
    let server = MockServer::start().await;
    let ill = json!({"status": "ill", "version": "1", "sentiment_provider": "local"});
    answer(&server, "GET", "/health", reply(200, ill)).await;
    let result = run(&server, Check::Health, &RunName::random()).await;
    assert_eq!(result.outcome, Outcome::Failed);
    assert!(result.detail.contains("\"ill\""), "{result}");
    let nothing = MockServer::start().await;
    let result = run(&nothing, Check::Health, &RunName::random()).await;
    assert_eq!(result.detail, "GET /health answered 404 and not 200");
}

#[tokio::test]
async fn scores_on_the_wrong_side_fail_and_so_does_a_wrong_key_that_is_taken() {
    let name = RunName::random();
    for (positive, negative, wanted) in [
        (0.4, 0.1, "a positive text scored 0.4"),
        (0.9, 0.5, "a negative text scored 0.5"),
        (7.0, 0.1, "a positive text scored 7"),
        (0.9, -1.0, "a negative text scored -1"),
        (
            0.9,
            0.1,
            "answered 200 and not 401; the key was a wrong one",
        ),
    ] {
        let server = MockServer::start().await;
        let score = move |request: &Request| {
            let body = String::from_utf8_lossy(&request.body);
            let score = if body.contains("Thank") {
                positive
            } else {
                negative
            };
            reply(200, json!({ "sentiment_score": score }))
        };
        let mock = Mock::given(method("POST")).and(path("/data-actions/sentiment"));
        mock.respond_with(score).mount(&server).await;
        let result = run(&server, Check::Score, &name).await;
        assert_eq!(result.outcome, Outcome::Failed);
        assert!(result.detail.ends_with(wanted), "{result}");
        for body in bodies(&server, "POST").await {
            let text = body["interaction_text"].as_str().unwrap();
            assert!(text.contains(name.marker()), "a cache could answer {text}");
        }
    }
}

#[tokio::test]
async fn a_refused_key_is_told_by_status_and_code_alone() {
    let server = MockServer::start().await;
    let refused = error_reply(403, "missing_scope");
    answer(&server, "POST", "/data-actions/sentiment", refused).await;
    let result = run(&server, Check::Score, &RunName::random()).await;
    assert_eq!(
        result.detail,
        "POST /data-actions/sentiment answered 403 (missing_scope) and not 200"
    );
}

#[tokio::test]
async fn a_call_that_is_not_shown_as_live_is_stopped_all_the_same() {
    let name = RunName::random();
    let server = MockServer::start().await;
    let at = format!("/interactions/{}", name.id());
    let shown = |status: &str| json!({"interaction_id": name.id(), "status": status});
    answer(&server, "PUT", &at, reply(200, shown("live"))).await;
    answer(&server, "GET", &at, error_reply(404, "not_found")).await;
    answer(&server, "DELETE", &at, reply(200, shown("stopped"))).await;
    let result = run(&server, Check::Call, &name).await;
    assert_eq!(
        result.detail,
        "GET /interactions/{id} answered 404 (not_found) and not 200"
    );
    assert_eq!(bodies(&server, "DELETE").await.len(), 1);
}

#[tokio::test]
async fn a_call_that_cannot_be_stopped_is_named() {
    let name = RunName::random();
    let server = MockServer::start().await;
    let at = format!("/interactions/{}", name.id());
    let silent = json!({"interaction_id": name.id(), "status": "silence"});
    answer(&server, "PUT", &at, reply(200, silent)).await;
    answer(&server, "DELETE", &at, error_reply(403, "missing_scope")).await;
    let result = run(&server, Check::Call, &name).await;
    let wanted = format!("; the call {} was not stopped", name.id());
    assert!(result.detail.contains("as silence"), "{result}");
    assert!(result.detail.ends_with(&wanted), "{result}");
}

#[tokio::test]
async fn a_call_that_was_refused_is_not_stopped() {
    let server = MockServer::start().await;
    let refused = error_reply(401, "unauthorized");
    let mock = Mock::given(method("PUT")).and(path_regex("^/interactions/smoke-[a-z]+$"));
    mock.respond_with(refused).mount(&server).await;
    let result = run(&server, Check::Call, &RunName::random()).await;
    assert_eq!(
        result.detail,
        "PUT /interactions/{id} answered 401 (unauthorized) and not 200"
    );
    assert!(bodies(&server, "DELETE").await.is_empty());
}

#[tokio::test]
async fn without_a_database_the_search_is_skipped_and_nothing_is_queued() {
    let server = MockServer::start().await;
    let away = error_reply(503, "store_unavailable");
    answer(&server, "GET", "/search", away).await;
    let result = run(&server, Check::Search, &RunName::random()).await;
    assert_eq!(result.outcome, Outcome::Skipped);
    assert!(result.detail.contains("503"), "{result}");
    assert!(bodies(&server, "POST").await.is_empty());
}

#[tokio::test]
async fn a_conversation_that_is_not_found_fails_and_is_removed() {
    let name = RunName::recurring("tests");
    let server = MockServer::start().await;
    // The conversation of an earlier run has the same id and another word.
    let earlier = json!({"conversation_id": name.id(), "text": "with the mark bababababababa."});
    answer(
        &server,
        "GET",
        "/search",
        reply(200, json!({"results": [earlier]})),
    )
    .await;
    let queued = Mock::given(method("POST"))
        .and(path("/webhooks/cxone"))
        .and(header("x-api-key", KEY));
    let accepted = reply(202, json!({"accepted": true}));
    queued.respond_with(accepted).mount(&server).await;
    let result = run(&server, Check::Search, &name).await;
    assert_eq!(result.outcome, Outcome::Failed);
    assert!(
        result.detail.contains("smoke-tests was not found in time"),
        "{result}"
    );
    let sent = bodies(&server, "POST").await;
    let [conversation, removal] = &sent[..] else {
        panic!("a conversation and its removal: {sent:?}");
    };
    let text = conversation["data"]["transcript"]["customer"].as_str();
    assert!(text.unwrap().contains(name.marker()));
    assert_eq!(removal["data"], json!({}));
    for event in [conversation, removal] {
        assert_eq!(event["conversationId"], "smoke-tests");
    }
    let time = |event: &Value| -> jiff::Timestamp {
        event["timestamp"].as_str().unwrap().parse().unwrap()
    };
    assert!(time(removal) > time(conversation));
}

#[tokio::test]
async fn a_webhook_that_is_refused_needs_no_removal() {
    let server = MockServer::start().await;
    answer(
        &server,
        "GET",
        "/search",
        reply(200, json!({"results": []})),
    )
    .await;
    let refused = error_reply(403, "missing_scope");
    answer(&server, "POST", "/webhooks/cxone", refused).await;
    let result = run(&server, Check::Search, &RunName::random()).await;
    assert_eq!(
        result.detail,
        "POST /webhooks/cxone answered 403 (missing_scope) and not 202"
    );
    assert_eq!(bodies(&server, "POST").await.len(), 1);
}

#[tokio::test]
async fn checks_end_with_the_deadline_and_each_has_a_result() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(3600));
    Mock::given(wiremock::matchers::any())
        .respond_with(slow)
        .mount(&server)
        .await;
    let results = run_checks(
        &api(&server),
        &ALL_CHECKS,
        &RunName::random(),
        &TimeLimits::default(),
        Deadline::within(Duration::from_millis(300)),
        |_| {},
    )
    .await;
    assert_eq!(results.len(), ALL_CHECKS.len());
    for result in results {
        assert_eq!(result.outcome, Outcome::Failed, "{result}");
    }
}

#[tokio::test]
async fn the_path_of_the_api_is_kept() {
    let server = MockServer::start().await;
    let ok = json!({"status": "ok", "version": "1", "sentiment_provider": "local"});
    answer(&server, "GET", "/prod/health", reply(200, ok)).await;
    let client = build_client(IdleConnections::Close).unwrap();
    for base in ["/prod", "/prod/"] {
        let url = parse_api_url(&format!("{}{base}", server.uri())).unwrap();
        let api = Api::new(client.clone(), url, &SecretString::from(KEY)).unwrap();
        let deadline = Deadline::within(Duration::from_secs(10));
        let seen = health::check(&api, deadline).await;
        assert_eq!(seen, Ok("version 1, provider local".to_owned()));
    }
}

#[test]
fn a_key_is_sent_by_https_alone_or_on_this_machine() {
    for good in [
        "https://x.example",
        "http://localhost:8787",
        "http://127.0.0.1:8787",
        "http://[::1]:8787/prod",
    ] {
        assert!(parse_api_url(good).is_ok(), "{good}");
    }
    for bad in [
        "http://x.example",
        "http://127.0.0.1.example",
        "ftp://localhost",
        "https://user@x.example",
        "localhost:8787",
    ] {
        assert!(parse_api_url(bad).is_err(), "{bad}");
    }
    let client = || build_client(IdleConnections::Close).unwrap();
    for bad in ["", "  ", "canary\nkey", "canary-ключ"] {
        let url = parse_api_url("https://x.example").unwrap();
        let error = Api::new(client(), url, &SecretString::from(bad)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the API key is not usable: a header cannot carry it"
        );
    }
}

//! The REST API action of Studio against an endpoint that answers in many ways.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use cxone_simulator::studio::script::SentimentScript;
use cxone_simulator::studio::{RestAction, Studio};

/// The calls of an endpoint: path, content type and body.
type Calls = Arc<Mutex<Vec<(String, String, String)>>>;

async fn endpoint(
    State(calls): State<Calls>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let media_type = headers["content-type"].to_str().unwrap().to_owned();
    let first = {
        let mut calls = calls.lock().unwrap();
        calls.push((path.clone(), media_type, body));
        calls.iter().filter(|call| call.0 == path).count() == 1
    };
    match path.as_str() {
        "ok" => r#"{"alert": "1", "sentiment_score": 0.1, "emotion_tags": "anger", "emotion_1": "anger", "error_code": ""}"#.into_response(),
        "lists" => r#"{"alert": "1", "sentiment_score": 0.1, "emotion_tags": ["a", "b"], "emotion_1": "a", "error_code": ""}"#.into_response(),
        "once" if first => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        "once" => r#"{"accepted": "1"}"#.into_response(),
        "empty" => StatusCode::NO_CONTENT.into_response(),
        "page" => "<html></html>".into_response(),
        "large" => format!(r#"{{"text": "{}"}}"#, "x".repeat(33 << 10)).into_response(),
        "slow" => {
            std::future::pending::<()>().await;
            StatusCode::OK.into_response()
        }
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn start() -> (String, Calls) {
    let calls = Calls::default();
    let router = Router::new()
        .route("/{path}", any(endpoint))
        .with_state(Arc::clone(&calls));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, calls)
}

fn action(url: &str, path: &str) -> RestAction {
    RestAction {
        verb: "POST".to_owned(),
        service_address: format!("{url}/{path}"),
        headers: r#"{"x-api-key":"{apiKey}"}"#.to_owned(),
        parameters: "{body}".to_owned(),
        timeout_ms: 30_000,
    }
}

#[tokio::test]
async fn what_is_no_json_of_success_up_to_32_kilobytes_fails_after_its_repeats() {
    let (url, calls) = start().await;
    for repeats in [1, 2] {
        let studio = Studio::new(repeats);
        for path in ["bad", "empty", "page", "large"] {
            let failure = studio.call(&action(&url, path)).await.unwrap_err();
            assert_eq!(failure.deliveries, repeats + 1, "{path}: {failure}");
        }
    }
    let mut slow = action(&url, "slow");
    slow.timeout_ms = 50;
    assert!(Studio::new(1).call(&slow).await.is_err());
    let mut counts = BTreeMap::<String, u32>::new();
    for (path, ..) in calls.lock().unwrap().iter() {
        *counts.entry(path.clone()).or_default() += 1;
    }
    assert_eq!(counts["bad"], 5);
    let reply = Studio::new(2).call(&action(&url, "once")).await.unwrap();
    assert_eq!(reply.deliveries, 2);
    assert_eq!(reply.result_set.text("body.accepted").unwrap(), "1");
}

#[tokio::test]
async fn properties_that_studio_does_not_take_are_never_sent() {
    let (url, calls) = start().await;
    let good = action(&url, "ok");
    for wrong in [
        RestAction {
            verb: "HEAD".to_owned(),
            ..good.clone()
        },
        RestAction {
            headers: "{\n}".to_owned(),
            ..good.clone()
        },
        RestAction {
            headers: "x-api-key: 1".to_owned(),
            ..good.clone()
        },
        RestAction {
            parameters: "two\nlines".to_owned(),
            ..good.clone()
        },
        RestAction {
            timeout_ms: 90_000,
            ..good.clone()
        },
    ] {
        let failure = Studio::new(2).call(&wrong).await.unwrap_err();
        assert_eq!(failure.deliveries, 0, "{failure}");
    }
    assert!(calls.lock().unwrap().is_empty());
    // Without a type in the headers, Studio says that the body is a form.
    Studio::new(2).call(&good).await.unwrap();
    assert_eq!(
        calls.lock().unwrap()[0].1,
        "application/x-www-form-urlencoded"
    );
}

#[tokio::test]
async fn a_script_takes_the_branch_of_the_alert_only_with_every_member() {
    let (url, calls) = start().await;
    let script = |path: &str| SentimentScript {
        score: action(&url, path),
        contact_ended: action(&url, path),
        api_key: "key".to_owned(),
    };
    let studio = Studio::new(1);
    let turn = script("ok").turn(&studio, "I said \"no\"\n").await.unwrap();
    assert!(turn.is_alert);
    assert_eq!(
        (turn.score.as_str(), turn.emotions.as_str()),
        ("0.1", "anger")
    );
    assert_eq!(
        calls.lock().unwrap()[0].2,
        r#"{"interaction_text":"I said \"no\"\n"}"#
    );
    for path in ["lists", "once", "bad"] {
        assert_eq!(script(path).turn(&studio, "Hello").await, None, "{path}");
    }
}

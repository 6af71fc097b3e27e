//! The provider that speaks OpenAI's API, against a service in this process.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap: a panic is how a test fails"
)]

use std::sync::Arc;
use std::time::Duration;

use embedding::openai::{EmbeddingsClient, MAX_INPUTS};
use embedding::provider::{EmbeddingProvider, OpenAiProvider, Provider, ProviderError};
use insights_http::client::{IdleConnections, build_client};
use insights_http::secret::FixedSecret;
use insights_http::{CallLimits, Deadline, Error};
use secrecy::SecretString;
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// Number of values of a vector of the service.
const DIMENSION: usize = 2;

/// The vector of a text: its length, and a value that all texts share.
fn vector_of(text: &str) -> Vec<f32> {
    vec![text.len() as f32, 0.5]
}

/// Answers as the service does, with the vectors in the opposite order. A text with the word "refused" makes it refuse the request.
fn answer(request: &Request) -> ResponseTemplate {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        (body["model"].as_str(), body["encoding_format"].as_str()),
        (Some("model-a"), Some("float"))
    );
    let texts: Vec<&str> = body["input"]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect();
    if texts.iter().any(|text| text.contains("refused")) {
        return ResponseTemplate::new(400).set_body_json(json!({"error": {"message": "no"}}));
    }
    let vectors = texts.iter().enumerate().rev();
    let data: Vec<Value> = vectors
        .map(|(index, text)| json!({"index": index, "embedding": vector_of(text)}))
        .collect();
    ResponseTemplate::new(200).set_body_json(json!({ "data": data }))
}

async fn service() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/embeddings"))
        .and(header("authorization", "Bearer a-key-for-tests"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

/// A service that gives every request the same answer.
async fn service_of(answer: Value) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    server
}

fn client(server: &MockServer) -> EmbeddingsClient {
    EmbeddingsClient::new(
        build_client(IdleConnections::Close).unwrap(),
        &format!("{}/", server.uri()),
        "model-a",
        DIMENSION,
        Arc::new(FixedSecret(SecretString::from("a-key-for-tests"))),
        CallLimits::default(),
    )
    .unwrap()
}

fn provider(server: &MockServer, max_inputs: usize, max_tokens: usize) -> Provider {
    let service = OpenAiProvider::new(client(server), max_inputs, max_tokens);
    Provider::OpenAi(Box::new(service))
}

fn deadline() -> Deadline {
    Deadline::within(Duration::from_secs(60))
}

/// Returns the number of texts of each request, in the order in which the requests came.
async fn texts_of_requests(server: &MockServer) -> Vec<usize> {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .map(|request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            body["input"].as_array().unwrap().len()
        })
        .collect()
}

#[tokio::test]
async fn vectors_come_in_the_order_of_the_texts_whatever_the_order_of_the_answer() {
    let server = service().await;
    let texts = ["a", "four", "seventeen letters"];
    let vectors = client(&server).embed(&texts, deadline()).await.unwrap();
    assert_eq!(vectors, texts.map(vector_of));
    assert!(
        client(&server)
            .embed(&[], deadline())
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(texts_of_requests(&server).await, [3], "none for no text");
}

#[tokio::test]
async fn a_request_holds_as_many_texts_as_the_service_allows_and_no_more() {
    let server = service().await;
    let vectors = client(&server)
        .embed(&["a"; MAX_INPUTS], deadline())
        .await
        .unwrap();
    assert_eq!(vectors.len(), MAX_INPUTS);
    for too_many in [MAX_INPUTS + 1, MAX_INPUTS * 2] {
        let refused = client(&server)
            .embed(&vec!["a"; too_many], deadline())
            .await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{too_many}");
    }
    assert_eq!(texts_of_requests(&server).await, [MAX_INPUTS]);
}

#[tokio::test]
async fn an_answer_that_is_not_one_right_vector_for_each_text_is_refused() {
    let vector = |index: usize, values: &[f32]| json!({"index": index, "embedding": values});
    let right = [1.0, 2.0];
    for data in [
        json!([vector(0, &right)]),
        json!([vector(0, &right), vector(1, &right), vector(2, &right)]),
        json!([vector(0, &right), vector(1, &[1.0])]),
        json!([vector(0, &right), vector(1, &[1.0, 2.0, 3.0])]),
        json!([vector(0, &right), vector(0, &right)]),
        json!([vector(0, &right), vector(2, &right)]),
        json!([vector(0, &right), {"index": 1, "embedding": [1.0, 1e39]}]),
        json!([vector(0, &right), {"index": 1, "embedding": [1.0, null]}]),
    ] {
        let server = service_of(json!({ "data": data })).await;
        let answer = client(&server).embed(&["a", "b"], deadline()).await;
        assert!(
            matches!(answer, Err(Error::InvalidResponse { .. })),
            "{data} gave {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_text_that_the_service_refuses_fails_alone() {
    let server = service().await;
    let texts = ["a", "bb", "ccc", "this is refused", "eeeee"];
    let results = provider(&server, 10, 1000).embed(&texts, deadline()).await;
    assert_eq!(results.len(), texts.len());
    for (text, result) in texts.iter().zip(results) {
        match result {
            Ok(vector) => assert_eq!(vector, vector_of(text)),
            Err(error) => {
                assert_eq!(*text, "this is refused");
                assert!(matches!(error, ProviderError::Text(_)), "{error:?}");
            }
        }
    }
    let mut requests = texts_of_requests(&server).await;
    requests.sort_unstable();
    assert_eq!(
        requests,
        [1, 1, 1, 2, 2, 3, 5],
        "each half, down to the text"
    );
}

#[tokio::test]
async fn texts_are_spread_over_requests_by_number_and_by_tokens() {
    let server = service().await;
    let texts: Vec<String> = (1..=7).map(|length| "word ".repeat(length)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let expected: Vec<Vec<f32>> = texts.iter().map(|text| vector_of(text)).collect();
    for (max_inputs, max_tokens, requests) in [(3, 1000, 3), (100, 1000, 1), (100, 12, 4)] {
        let before = texts_of_requests(&server).await.len();
        let results = provider(&server, max_inputs, max_tokens)
            .embed(&texts, deadline())
            .await;
        let vectors: Vec<Vec<f32>> = results.into_iter().map(Result::unwrap).collect();
        assert_eq!(vectors, expected);
        let after = texts_of_requests(&server).await;
        assert_eq!(after.len() - before, requests, "{after:?}");
        assert!(after[before..].iter().all(|texts| *texts <= max_inputs));
    }
}

#[tokio::test]
async fn a_service_that_refuses_the_key_is_no_fault_of_the_texts() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(401))
        .mount(&server)
        .await;
    let results = provider(&server, 10, 1000)
        .embed(&["a", "b"], deadline())
        .await;
    assert_eq!(results.len(), 2);
    for result in results {
        assert!(matches!(result, Err(ProviderError::Unavailable(_))));
    }
}

#[tokio::test]
async fn the_provider_tells_the_model_its_limits_and_the_tokens_of_a_text() {
    let server = service().await;
    let small = provider(&server, 10, 1000);
    assert_eq!(
        (
            small.model().name.as_str(),
            small.model().dimension,
            small.max_tokens(),
            small.chunks_per_group()
        ),
        ("model-a", DIMENSION, 1000, 10)
    );
    assert_eq!(provider(&server, 10, 100_000).max_tokens(), 8191);
    let text = "I was charged twice — ¿qué pasó? 🙂";
    let tokens = small.tokenize(text).unwrap();
    assert!(tokens.len() > 8);
    assert_eq!(
        (tokens[0].start, tokens.last().unwrap().end),
        (0, text.len())
    );
    for (before, after) in tokens.iter().zip(&tokens[1..]) {
        assert_eq!(before.end, after.start);
    }
}

//! The HTTP sentiment service: answers, invalid answers, and a service that is down.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap: a panic is how a test fails"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use cxone_simulator::{Fault, FaultRule, Handle, RetryAfter};
use insights_http::client::{IdleConnections, build_client};
use insights_http::secret::{
    FixedSecret, Freshness, MissingSecret, SecretFn, SecretSource, SecretSourceError,
};
use insights_http::{Deadline, Error};
use secrecy::SecretString;
use sentiment::service::NlpClient;
use sentiment::{HttpProvider, ProviderError, SentimentProvider};
use serde_json::{Value, json};
use testkit::{demo_secrets, quick_limits, start_simulator};

/// Time enough for a test on a busy machine.
fn soon() -> Deadline {
    Deadline::within(Duration::from_secs(20))
}

const PATH: &str = "/v1/sentiment";

fn nlp_with(simulator: &Handle, key: Arc<dyn SecretSource<SecretString>>) -> NlpClient {
    let url = format!("{}{PATH}", simulator.url());
    NlpClient::new(
        build_client(IdleConnections::Close).unwrap(),
        &url,
        key,
        quick_limits(),
    )
    .unwrap()
}

fn nlp(simulator: &Handle) -> NlpClient {
    nlp_with(
        simulator,
        Arc::new(FixedSecret(SecretString::from(demo_secrets::NLP_API_KEY))),
    )
}

fn answers(body: Value) -> FaultRule {
    FaultRule::new(PATH, Fault::Answer(200, body))
}

#[tokio::test]
async fn a_text_gets_its_score_and_emotions() {
    let simulator = start_simulator([]).await;
    let bad = nlp(&simulator)
        .score("Unacceptable! I want a refund.", soon())
        .await
        .unwrap();
    assert!(
        bad.score.get() < 0.3 && bad.emotions == ["anger", "frustration"],
        "{bad:?}"
    );
}

#[tokio::test]
async fn the_ends_of_the_scale_are_scores() {
    for (score, expected) in [(json!(0), 0.0), (json!(0.25), 0.25), (json!(1), 1.0)] {
        let simulator = start_simulator([answers(json!({ "score": score, "emotions": [] }))]).await;
        let scored = nlp(&simulator).score("x", soon()).await.unwrap();
        assert_eq!(scored.score.get(), expected);
    }
}

#[tokio::test]
async fn invalid_answers_are_refused_and_not_asked_for_again() {
    let long_tag = "x".repeat(65);
    let wrong = [
        json!({ "score": "0.5", "emotions": [] }),
        json!({ "score": null, "emotions": [] }),
        json!({ "score": "NaN", "emotions": [] }),
        json!({ "score": 1.7, "emotions": [] }),
        json!({ "score": -0.01, "emotions": [] }),
        json!({ "score": 100, "emotions": [] }),
        json!({ "emotions": [] }),
        json!({ "score": 0.5 }),
        json!({ "score": 0.5, "emotions": "joy" }),
        json!({ "score": 0.5, "emotions": [1] }),
        json!({ "score": 0.5, "emotions": [long_tag] }),
        json!({ "score": 0.5, "emotions": [""] }),
        json!({ "score": 0.5, "emotions": vec!["joy"; 33] }),
        json!({ "score": 0.5, "emotions": [], "note": "x".repeat(70_000) }),
        json!([0.5, []]),
        json!([]),
    ];
    let broken =
        [Fault::MalformedJson, Fault::WrongContent].map(|fault| FaultRule::new(PATH, fault));
    for rule in wrong.into_iter().map(answers).chain(broken) {
        let simulator = start_simulator([rule.clone()]).await;
        let error = nlp(&simulator).score("x", soon()).await;
        assert!(
            matches!(error, Err(Error::InvalidResponse { .. })),
            "{rule:?}: {error:?}"
        );
        assert_eq!(simulator.requests("POST", PATH), 1);
    }
}

#[tokio::test]
async fn passing_faults_are_retried() {
    let faults = [
        Fault::Status(429, RetryAfter::Absent),
        Fault::Status(503, RetryAfter::Absent),
        Fault::Drop,
        Fault::Truncate,
    ];
    let simulator = start_simulator(faults.map(|fault| FaultRule::new(PATH, fault).times(1))).await;
    nlp(&simulator).score("great", soon()).await.unwrap();
    assert_eq!(simulator.requests("POST", PATH), 5);
}

#[tokio::test]
async fn a_rotated_key_is_read_again_once() {
    let simulator = start_simulator([]).await;
    let reads = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&reads);
    let key = SecretFn(move |read| {
        counted.fetch_add(1, Ordering::SeqCst);
        let key = if read == Freshness::Bypass {
            demo_secrets::NLP_API_KEY
        } else {
            "old-key"
        };
        std::future::ready(Ok(SecretString::from(key)))
    });
    nlp_with(&simulator, Arc::new(key))
        .score("great", soon())
        .await
        .unwrap();
    assert_eq!(reads.load(Ordering::SeqCst), 2);

    let wrong = nlp_with(
        &simulator,
        Arc::new(FixedSecret(SecretString::from("wrong"))),
    );
    let error = wrong.score("great", soon()).await.unwrap_err();
    assert!(
        matches!(error, Error::Unauthorized { .. }) && !error.is_retryable(),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_dead_service_fails_inside_the_deadline_and_retryable() {
    // Nobody listens, the service hangs, or it is broken.
    let gone = start_simulator([]).await;
    let dead = nlp(&gone);
    gone.shutdown().await;
    let hanging =
        start_simulator([FaultRule::new(PATH, Fault::Delay(Duration::from_secs(60)))]).await;
    let broken =
        start_simulator([FaultRule::new(PATH, Fault::Status(500, RetryAfter::Absent))]).await;
    for client in [dead, nlp(&hanging), nlp(&broken)] {
        let began = Instant::now();
        let error = client
            .score("x", Deadline::within(Duration::from_millis(600)))
            .await
            .unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
        assert!(
            began.elapsed() < Duration::from_millis(1500),
            "{:?}: {error:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn each_failure_of_the_service_is_a_decision_of_its_own() {
    let key = || Arc::new(FixedSecret(SecretString::from(demo_secrets::NLP_API_KEY)));
    let kind = |error: ProviderError| match error {
        ProviderError::Refused(_) => "refused",
        ProviderError::AccessRefused(_) => "access refused",
        ProviderError::Unavailable(_) => "unavailable",
        ProviderError::InvalidAnswer(_) => "invalid answer",
        ProviderError::Overloaded | ProviderError::Model(_) => "the model",
    };
    for (status, expected) in [
        (400, "refused"),
        (404, "refused"),
        (413, "refused"),
        (422, "refused"),
        (401, "access refused"),
        (403, "access refused"),
        (408, "unavailable"),
        (425, "unavailable"),
        (429, "unavailable"),
        (501, "unavailable"),
        (503, "unavailable"),
    ] {
        let fault = Fault::Status(status, RetryAfter::Absent);
        let simulator = start_simulator([FaultRule::new(PATH, fault)]).await;
        let provider = HttpProvider::new(nlp_with(&simulator, key()));
        let deadline = Deadline::within(Duration::from_millis(700));
        let error = provider.score("x", deadline).await.unwrap_err();
        assert_eq!(kind(error), expected, "{status}");
    }
    let missing = SecretFn(|_| {
        let missing = MissingSecret {
            name: "nlp_api_key",
        };
        std::future::ready(Err::<SecretString, _>(
            Arc::new(missing) as SecretSourceError
        ))
    });
    let simulator = start_simulator([]).await;
    let provider = HttpProvider::new(nlp_with(&simulator, Arc::new(missing)));
    assert_eq!(
        kind(provider.score("x", soon()).await.unwrap_err()),
        "access refused"
    );
    let simulator = start_simulator([answers(json!({ "score": 2, "emotions": [] }))]).await;
    let provider = HttpProvider::new(nlp_with(&simulator, key()));
    assert_eq!(
        kind(provider.score("x", soon()).await.unwrap_err()),
        "invalid answer"
    );
}

//! What follows each fault of a call: another attempt, an error at once, or an error after the last attempt.

use std::time::{Duration, Instant};

use cxone::Error;
use cxone::Request;
use cxone_simulator::{Fault, FaultRule, RetryAfter};
use insights_http::{AttemptFailure, CallLimits, Deadline, Error as HttpError};

use crate::support::{
    ACTIONS, actions, client_of, client_with, list, quick_limits, site, soon, start_simulator,
};

fn fault(fault: Fault) -> FaultRule {
    FaultRule::new(ACTIONS, fault)
}

#[tokio::test]
async fn faults_that_pass_are_retried_until_the_call_succeeds() {
    let late = Fault::Delay(Duration::from_millis(400));
    let transient = [500, 502, 503, 504].map(|status| Fault::Status(status, RetryAfter::Absent));
    let others = [
        Fault::Status(429, RetryAfter::Absent),
        Fault::Status(429, RetryAfter::Seconds(0)),
        Fault::Drop,
        Fault::LoseAnswer,
        Fault::Truncate,
        late,
    ];
    for passing in transient.into_iter().chain(others) {
        let simulator = start_simulator([fault(passing.clone()).times(2)]).await;
        // The delayed answer comes too late for an attempt.
        let client = match passing {
            Fault::Delay(_) => client_with(site(&simulator.url()), quick_limits()),
            _ => client_of(&simulator),
        };
        let answer = list(&client, soon()).await;
        assert!(answer.is_ok(), "{passing:?}: {answer:?}");
        assert_eq!(simulator.requests("GET", ACTIONS), 3, "{passing:?}");
    }
}

#[tokio::test]
async fn a_wait_asked_for_in_seconds_is_kept() {
    let simulator =
        start_simulator([fault(Fault::Status(429, RetryAfter::Seconds(1))).times(1)]).await;
    let began = Instant::now();
    list(&client_of(&simulator), soon()).await.unwrap();
    assert!(
        began.elapsed() >= Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(simulator.requests("GET", ACTIONS), 2);
}

#[tokio::test]
async fn a_wait_asked_for_as_a_date_is_kept() {
    // The date has whole seconds: two ahead is at least one.
    let simulator =
        start_simulator([fault(Fault::Status(429, RetryAfter::DateIn(2))).times(1)]).await;
    let began = Instant::now();
    list(&client_of(&simulator), soon()).await.unwrap();
    assert!(
        began.elapsed() >= Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    let past = FaultRule::new(ACTIONS, Fault::Status(429, RetryAfter::DateIn(-60))).times(1);
    simulator.fault(past);
    let began = Instant::now();
    list(&client_of(&simulator), soon()).await.unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_wait_past_the_deadline_fails_at_once_and_retryable() {
    for retry_after in [RetryAfter::Seconds(60), RetryAfter::DateIn(60)] {
        let simulator = start_simulator([fault(Fault::Status(429, retry_after))]).await;
        let client = client_of(&simulator);
        let began = Instant::now();
        let error = list(&client, Deadline::within(Duration::from_secs(20)))
            .await
            .unwrap_err();
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{retry_after:?}: {:?}",
            began.elapsed()
        );
        let Error::Http(HttpError::RateLimited {
            retry_after: Some(asked),
            ..
        }) = error
        else {
            panic!("{error:?}")
        };
        assert!((58..=60).contains(&asked.as_secs()), "{asked:?}");
        assert!(error.is_retryable());
        assert_eq!(simulator.requests("GET", ACTIONS), 1);
    }
}

#[tokio::test]
async fn other_refusals_are_not_retried_and_have_their_own_error() {
    for (status, retryable) in [
        (400, false),
        (404, false),
        (409, false),
        (422, false),
        (501, false),
        (302, false),
    ] {
        let simulator = start_simulator([fault(Fault::Status(status, RetryAfter::Absent))]).await;
        let error = list(&client_of(&simulator), soon()).await.unwrap_err();
        match (&error, status) {
            (Error::Http(HttpError::NotFound { endpoint }), 404) => assert_eq!(endpoint, ACTIONS),
            (Error::Http(HttpError::Rejected { status: named, .. }), _) => {
                assert_eq!(*named, status)
            }
            _ => panic!("{status}: {error:?}"),
        }
        assert_eq!(error.is_retryable(), retryable);
        assert_eq!(simulator.requests("GET", ACTIONS), 1, "{status}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_the_documented_one_is_invalid_and_not_retried() {
    let wrong = Fault::Answer(
        200,
        serde_json::json!({"dataActions": {"customer": "canary"}}),
    );
    for fault in [Fault::MalformedJson, Fault::WrongContent, wrong].map(fault) {
        let simulator = start_simulator([fault.clone()]).await;
        let client = client_of(&simulator);
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only its shape matters")]
        struct List {
            #[serde(rename = "dataActions")]
            actions: Vec<serde_json::Value>,
        }
        let error = client
            .send::<List>(Request::get(actions(&client)), soon())
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::Http(HttpError::InvalidResponse { .. })),
            "{fault:?}: {error:?}"
        );
        assert!(!format!("{error} {error:?}").contains("canary"));
        assert_eq!(simulator.requests("GET", ACTIONS), 1);
    }
}

#[tokio::test]
async fn an_answer_past_the_size_limit_is_given_up() {
    let big = Fault::Answer(200, serde_json::json!({ "dataActions": "x".repeat(5000) }));
    let simulator = start_simulator([fault(big)]).await;
    let client = client_with(
        site(&simulator.url()),
        CallLimits {
            max_answer_bytes: 4096,
            ..quick_limits()
        },
    );
    let error = list(&client, soon()).await.unwrap_err();
    assert!(
        error.to_string().contains("longer than 4096 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_stays_broken_is_unavailable_inside_the_deadline() {
    let simulator = start_simulator([fault(Fault::Status(503, RetryAfter::Absent))]).await;
    let limits = CallLimits {
        retry: insights_http::retry::RetryPolicy {
            max_attempts: 3,
            ..quick_limits().retry
        },
        ..quick_limits()
    };
    let error = list(&client_with(site(&simulator.url()), limits), soon())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Http(HttpError::Unavailable {
                failure: AttemptFailure::Status(503),
                ..
            })
        ),
        "{error:?}"
    );
    assert!(error.is_retryable());
    assert_eq!(simulator.requests("GET", ACTIONS), 3);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_at_the_deadline() {
    let simulator = start_simulator([fault(Fault::Delay(Duration::from_secs(30)))]).await;
    let limits = CallLimits {
        attempt_timeout: Duration::from_secs(10),
        ..quick_limits()
    };
    let client = client_with(site(&simulator.url()), limits);
    client.tokens().token(soon()).await.unwrap();
    let began = Instant::now();
    let error = list(&client, Deadline::within(Duration::from_millis(300)))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Http(HttpError::DeadlineExceeded { .. })) && error.is_retryable(),
        "{error:?}"
    );
    let took = began.elapsed();
    assert!(
        (Duration::from_millis(295)..Duration::from_secs(2)).contains(&took),
        "{took:?}"
    );
    assert_eq!(simulator.requests("GET", ACTIONS), 1);
}

#[tokio::test]
async fn a_deadline_that_has_passed_sends_nothing() {
    let simulator = start_simulator([]).await;
    let client = client_of(&simulator);
    client.tokens().token(soon()).await.unwrap();
    let error = list(&client, Deadline::within(Duration::ZERO))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Http(HttpError::DeadlineExceeded { .. })),
        "{error:?}"
    );
    assert_eq!(simulator.requests("GET", ACTIONS), 0);
}

#[tokio::test]
async fn nobody_listening_is_unavailable() {
    let simulator = start_simulator([]).await;
    let client = client_of(&simulator);
    client.tokens().token(soon()).await.unwrap();
    simulator.shutdown().await;
    let error = list(&client, Deadline::within(Duration::from_secs(2)))
        .await
        .unwrap_err();
    let unreachable = matches!(
        error,
        Error::Http(HttpError::Unavailable {
            failure: AttemptFailure::Connection(_),
            ..
        })
    );
    assert!(
        unreachable || matches!(error, Error::Http(HttpError::CircuitOpen { .. })),
        "{error:?}"
    );
    assert!(error.is_retryable());
}

//! The circuit breaker between a client and a server that keeps failing.

use std::time::Duration;

use cxone::Error;
use cxone_simulator::{Fault, FaultRule, RetryAfter};
use insights_http::{CallLimits, Error as HttpError};

use crate::support::{ACTIONS, client_with, list, quick_limits, site, soon, start_simulator};

fn limits(open_for: Duration) -> CallLimits {
    let breaker = insights_http::breaker::BreakerConfig {
        open_for,
        ..Default::default()
    };
    CallLimits {
        retry: insights_http::retry::RetryPolicy {
            max_attempts: 1,
            ..quick_limits().retry
        },
        breaker,
        ..quick_limits()
    }
}

fn broken() -> FaultRule {
    FaultRule::new(ACTIONS, Fault::Status(500, RetryAfter::Absent))
}

#[tokio::test]
async fn five_failures_in_a_row_keep_further_calls_off_the_wire() {
    let simulator = start_simulator([broken()]).await;
    let client = client_with(site(&simulator.url()), limits(Duration::from_secs(30)));
    for _ in 0..5 {
        assert!(matches!(
            list(&client, soon()).await,
            Err(Error::Http(HttpError::Unavailable { .. }))
        ));
    }
    let error = list(&client, soon()).await.unwrap_err();
    let Error::Http(HttpError::CircuitOpen { retry_after, .. }) = error else {
        panic!("{error:?}")
    };
    assert!(
        (25..=30).contains(&retry_after.as_secs()),
        "{retry_after:?}"
    );
    assert_eq!(simulator.requests("GET", ACTIONS), 5);
}

#[tokio::test]
async fn an_endpoint_that_is_broken_does_not_stop_the_calls_to_others() {
    let simulator = start_simulator([broken()]).await;
    let client = client_with(site(&simulator.url()), limits(Duration::from_secs(30)));
    for _ in 0..5 {
        assert!(list(&client, soon()).await.is_err());
    }
    assert!(list(&client, soon()).await.unwrap_err().is_circuit_open());
    // The client has not the scope of this other endpoint, but it is asked.
    let other = cxone::live::read_transcript(&client, "call-1", 0, soon()).await;
    assert!(
        matches!(other, Err(Error::MissingScope { .. })),
        "{other:?}"
    );
}

#[tokio::test]
async fn a_patient_caller_waits_out_the_breaker_and_the_outage() {
    let simulator = start_simulator([broken().times(7)]).await;
    let quickly = quick_limits();
    let patient = CallLimits {
        retry: insights_http::retry::RetryPolicy {
            failed: quickly.retry.failed,
            ..insights_http::retry::RetryPolicy::UNTIL_DEADLINE
        },
        ..limits(Duration::from_millis(50))
    };
    let client = client_with(site(&simulator.url()), patient);
    list(&client, soon()).await.unwrap();
    assert_eq!(simulator.requests("GET", ACTIONS), 8);
}

#[tokio::test]
async fn every_attempt_takes_a_turn_of_the_pace_and_a_429_pauses_it() {
    let limited = Fault::Status(429, RetryAfter::Seconds(1));
    let simulator = start_simulator([FaultRule::new(ACTIONS, limited).times(1)]).await;
    let pace = std::sync::Arc::new(insights_http::rate_limit::RateLimiter::new(1000, 1000));
    let client = client_with(site(&simulator.url()), limits(Duration::from_secs(30)))
        .with_pace(std::sync::Arc::clone(&pace));
    assert!(
        list(&client, soon()).await.is_err(),
        "one attempt, and it was refused"
    );
    let moment = insights_http::Deadline::within(Duration::from_millis(200));
    assert!(
        pace.acquire(moment).await.is_err(),
        "the pace is paused for everybody"
    );
    // Another call waits for its turn instead of being refused again.
    list(&client, soon()).await.unwrap();
    assert_eq!(simulator.requests("GET", ACTIONS), 2);
}

#[tokio::test]
async fn retries_of_one_call_count_and_end_when_it_opens() {
    let simulator = start_simulator([broken()]).await;
    let client = client_with(site(&simulator.url()), quick_limits());
    assert!(matches!(
        list(&client, soon()).await,
        Err(Error::Http(HttpError::CircuitOpen { .. }))
    ));
    assert_eq!(simulator.requests("GET", ACTIONS), 5);
}

#[tokio::test]
async fn after_its_time_one_trial_call_closes_it() {
    let simulator = start_simulator([broken().times(5)]).await;
    let client = client_with(site(&simulator.url()), limits(Duration::ZERO));
    for _ in 0..5 {
        assert!(list(&client, soon()).await.is_err());
    }
    for _ in 0..3 {
        list(&client, soon()).await.unwrap();
    }
    assert_eq!(simulator.requests("GET", ACTIONS), 8);
}

#[tokio::test]
async fn refusals_and_rate_limits_do_not_open_it() {
    for status in [404, 409, 429] {
        let simulator =
            start_simulator([
                FaultRule::new(ACTIONS, Fault::Status(status, RetryAfter::Absent)).times(9),
            ])
            .await;
        let client = client_with(site(&simulator.url()), limits(Duration::from_secs(30)));
        for _ in 0..9 {
            assert!(!matches!(
                list(&client, soon()).await,
                Ok(_) | Err(Error::Http(HttpError::CircuitOpen { .. }))
            ));
        }
        list(&client, soon()).await.unwrap();
    }
}

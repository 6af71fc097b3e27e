//! Tokens: how often they are requested, and which error a refusal leads to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use cxone::CxoneClient;
use cxone::Error;
use cxone::endpoints::{CXONE_API, Site, System};
use cxone::oauth::TokenSource;
use cxone_simulator::{Fault, FaultRule, Handle, RetryAfter};
use futures::future::join_all;
use insights_http::client::{IdleConnections, build_client};
use insights_http::secret::{Freshness, SecretFn};
use insights_http::{Deadline, Error as HttpError};
use jiff::{SignedDuration, Timestamp};

use crate::support::{
    ACTIONS, TOKEN, client_of, client_with, credentials, list, quick_limits, site, soon,
    start_simulator, tokens,
};

fn token_fault(fault: Fault) -> FaultRule {
    FaultRule::new(TOKEN, fault)
}

async fn error_of(simulator: &Handle, site: Site) -> Error {
    list(&client_with(site, quick_limits()), soon())
        .await
        .expect_err(&simulator.url())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_cold_callers_make_one_token_request() {
    let simulator = start_simulator([token_fault(Fault::Delay(Duration::from_millis(50)))]).await;
    let client = client_of(&simulator);
    let answers = join_all((0..100).map(|_| list(&client, soon()))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(simulator.requests("POST", TOKEN), 1);
    assert_eq!(simulator.requests("GET", ACTIONS), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_callers_with_the_same_revoked_token_cause_one_refresh() {
    let simulator = start_simulator([]).await;
    let client = client_of(&simulator);
    list(&client, soon()).await.unwrap();
    assert_eq!(simulator.revoke_tokens(), 1);
    let answers = join_all((0..100).map(|_| list(&client, soon()))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(simulator.requests("POST", TOKEN), 2);
}

#[tokio::test]
async fn an_expired_token_is_refused_and_renewed_once() {
    let simulator = start_simulator([]).await;
    let client = client_of(&simulator);
    list(&client, soon()).await.unwrap();
    simulator.world().tokens.expire_all();
    list(&client, soon()).await.unwrap();
    assert_eq!(simulator.requests("POST", TOKEN), 2);
    assert_eq!(
        simulator.world().traffic.statuses("GET", ACTIONS),
        [(200, 2), (401, 1)].into()
    );
}

#[tokio::test]
async fn a_call_refused_with_a_fresh_token_too_is_unauthorized() {
    let simulator = start_simulator([FaultRule::new(ACTIONS, Fault::RevokeTokens)]).await;
    let error = list(&client_of(&simulator), soon()).await.unwrap_err();
    assert!(
        matches!(error, Error::Http(HttpError::Unauthorized { .. })) && !error.is_retryable(),
        "{error:?}"
    );
    assert_eq!(simulator.requests("GET", ACTIONS), 2);
    assert_eq!(simulator.requests("POST", TOKEN), 2);
}

#[tokio::test]
async fn a_token_is_renewed_from_sixty_seconds_before_it_expires() {
    let simulator = start_simulator([]).await;
    let start = Timestamp::from_second(1_800_000_000).unwrap();
    let passed = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&passed);
    let tokens = tokens(site(&simulator.url())).with_clock(Arc::new(move || {
        start + SignedDuration::from_secs(clock.load(Ordering::SeqCst))
    }));
    for (seconds, requests) in [(0, 1), (3539, 1), (3540, 2), (3541, 2)] {
        passed.store(seconds, Ordering::SeqCst);
        tokens.token(soon()).await.unwrap();
        assert_eq!(
            simulator.requests("POST", TOKEN),
            requests,
            "after {seconds} s"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_too_short_lived_to_keep_still_serves_those_who_waited() {
    let simulator = start_simulator([token_fault(Fault::Delay(Duration::from_millis(50)))]).await;
    simulator
        .world()
        .change(|settings| settings.token_expires_in = 30);
    let tokens = tokens(site(&simulator.url()));
    let given = join_all((0..20).map(|_| tokens.token(soon()))).await;
    assert!(given.iter().all(Result::is_ok));
    assert_eq!(simulator.requests("POST", TOKEN), 1);
    tokens.token(soon()).await.unwrap();
    assert_eq!(simulator.requests("POST", TOKEN), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_refresh_answers_all_who_waited_for_it() {
    let refused = Fault::Status(401, RetryAfter::Absent);
    let slow = Fault::Delay(Duration::from_millis(50));
    let simulator = start_simulator([token_fault(slow), token_fault(refused)]).await;
    let tokens = tokens(site(&simulator.url()));
    let given = join_all((0..50).map(|_| tokens.token(soon()))).await;
    assert!(
        given
            .iter()
            .all(|result| matches!(result, Err(Error::BadCredentials { .. })))
    );
    // Once, since the credentials that are read again are the same.
    assert_eq!(simulator.requests("POST", TOKEN), 1);
}

#[tokio::test]
async fn refused_grants_say_what_an_operator_must_correct() {
    let simulator = start_simulator([]).await;
    let here = || site(&simulator.url());
    let unknown = error_of(&simulator, here().with_scopes("data-actions:fly")).await;
    assert!(
        matches!(&unknown, Error::BadScopes { scopes, .. } if scopes == "data-actions:fly"),
        "{unknown:?}"
    );
    simulator.world().change(|settings| {
        settings.granted_scopes.remove("data-actions:write");
    });
    let ungranted = error_of(&simulator, here()).await;
    assert!(
        ungranted.to_string().contains("`data-actions:write`"),
        "{ungranted}"
    );
    let lacking = error_of(&simulator, here().with_scopes("interactions:read")).await;
    assert!(
        matches!(&lacking, Error::MissingScope { scope, .. } if scope == "data-actions:read"),
        "{lacking:?}"
    );
    simulator
        .world()
        .change(|settings| settings.client_secret = "rotated".to_owned());
    let refused = error_of(&simulator, here()).await;
    assert!(
        matches!(refused, Error::BadCredentials { .. }),
        "{refused:?}"
    );
    let message = refused.to_string();
    assert!(
        message.contains("client_id and client_secret") && !message.contains("scope"),
        "{message}"
    );
    for error in [unknown, ungranted, lacking, refused] {
        assert!(!error.is_retryable(), "{error}");
    }
}

#[tokio::test]
async fn rotated_credentials_are_read_again_without_a_failed_call() {
    let simulator = start_simulator([]).await;
    simulator
        .world()
        .change(|settings| settings.client_secret = "rotated".to_owned());
    let reads = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&reads);
    let source = SecretFn(move |freshness| {
        counted.fetch_add(1, Ordering::SeqCst);
        let secret = if freshness == Freshness::Bypass {
            "rotated"
        } else {
            "demo-secret"
        };
        std::future::ready(Ok(credentials(secret)))
    });
    let here = site(&simulator.url());
    let tokens = TokenSource::new(
        build_client(IdleConnections::Close).unwrap(),
        here.clone(),
        Arc::new(source),
        quick_limits(),
    );
    let client = CxoneClient::new(
        build_client(IdleConnections::Close).unwrap(),
        here,
        Arc::new(tokens),
        quick_limits(),
    );
    list(&client, soon()).await.unwrap();
    assert_eq!(reads.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn every_system_gets_its_token_at_its_own_path() {
    let simulator = start_simulator([]).await;
    for system in [
        System::DataAction,
        System::RealTime,
        System::Analytics,
        System::Embeddings,
        System::Chat,
    ] {
        let site = Site::new(CXONE_API, system, &simulator.url()).unwrap();
        tokens(site).token(soon()).await.unwrap();
    }
    let counts = ["/oauth/token", "/oauth2/token", "/api/v2/oauth/token"]
        .map(|path| simulator.requests("POST", path));
    assert_eq!(counts, [3, 1, 1]);
}

#[tokio::test]
async fn token_requests_are_retried_and_201_is_success() {
    let given =
        serde_json::json!({"access_token": "t-201", "token_type": "bearer", "expires_in": 3600});
    let faults = [
        Fault::Status(503, RetryAfter::Absent),
        Fault::Status(429, RetryAfter::Absent),
        Fault::Drop,
        Fault::Answer(201, given),
    ];
    let simulator = start_simulator(faults.map(|fault| token_fault(fault).times(1))).await;
    tokens(site(&simulator.url())).token(soon()).await.unwrap();
    assert_eq!(simulator.requests("POST", TOKEN), 4);
}

#[tokio::test]
async fn an_answer_without_a_usable_token_is_invalid() {
    for body in [
        serde_json::json!({"token_type": "Bearer"}),
        serde_json::json!({"access_token": "", "expires_in": 3600}),
        serde_json::json!({"access_token": "a\r\nb", "expires_in": 3600}),
        serde_json::json!({"access_token": "a", "token_type": "mac"}),
        serde_json::json!({"access_token": "a", "expires_in": "soon"}),
    ] {
        let simulator = start_simulator([token_fault(Fault::Answer(200, body.clone()))]).await;
        let error = tokens(site(&simulator.url()))
            .token(soon())
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::Http(HttpError::InvalidResponse { .. })),
            "{body}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_refused_client_is_told_from_refused_scopes() {
    for (status, code, scopes, expected) in [
        (400, "invalid_client", "", "refused the client `demo"),
        (400, "invalid_client", "a:b", "refused the client `demo"),
        (
            400,
            "unauthorized_client",
            "a:b",
            "refused the client `demo",
        ),
        (401, "invalid_client", "a:b", "refused the client `demo"),
        (400, "invalid_scope", "a:b", "refused the scope list `a:b`"),
        (400, "", "a:b", "refused the scope list `a:b`"),
        (400, "", "", "refused the request with status 400"),
        (
            400,
            "unsupported_grant_type",
            "a:b",
            "refused the request with status 400",
        ),
    ] {
        let body = serde_json::json!({ "error": code });
        let simulator = start_simulator([token_fault(Fault::Answer(status, body))]).await;
        let error = error_of(&simulator, site(&simulator.url()).with_scopes(scopes)).await;
        let message = error.to_string();
        assert!(message.contains(expected), "{status} {code}: {message}");
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn a_life_in_a_text_is_used() {
    let body = serde_json::json!({"access_token": "a", "expires_in": "3600"});
    let simulator = start_simulator([token_fault(Fault::Answer(200, body))]).await;
    let tokens = tokens(site(&simulator.url()));
    let token = tokens.token(soon()).await.unwrap();
    let left = token.expires_at().duration_since(Timestamp::now());
    assert!(left > SignedDuration::from_secs(3500), "{left:?}");
    tokens.token(soon()).await.unwrap();
    assert_eq!(simulator.requests("POST", TOKEN), 1);
}

#[tokio::test]
async fn a_caller_whose_time_ends_does_not_fail_the_others() {
    let simulator = start_simulator([token_fault(Fault::Delay(Duration::from_millis(100)))]).await;
    let tokens = tokens(site(&simulator.url()));
    let (hasty, patient) = tokio::join!(
        tokens.token(Deadline::within(Duration::from_millis(20))),
        tokens.token(soon())
    );
    assert!(
        matches!(hasty, Err(Error::Http(HttpError::DeadlineExceeded { .. }))),
        "{hasty:?}"
    );
    patient.unwrap();
}

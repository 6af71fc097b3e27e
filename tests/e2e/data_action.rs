//! The Data Action: the answers that the contact center expects, bad input, and a sentiment service that fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backends::caller_keys::Callers;
use backends::{Backends, FunctionSecrets};
use cxone_simulator::{Fault, FaultRule, RetryAfter, Scenario};
use data_action::config::Config;
use data_action::{Deps, handle};
use futures::future::join_all;
use http::{HeaderValue, Method};
use runtime::config::Env;
use runtime::{Request, Response, lambda};
use serde_json::{Value, json};
use store::secrets::{AnySecretStore, SecretStore, Secrets};
use testkit::{TestFixture, demo_secrets, secret_values};
use tokio::sync::OnceCell;

use crate::events::request;

/// Path of the simulated sentiment service.
const SENTIMENT_PATH: &str = "/v1/sentiment";

/// Returns the function with the shipped model, which is loaded once for all tests.
async fn with_local_model() -> Arc<Deps> {
    static DEPS: OnceCell<(Arc<Deps>, tempfile::TempDir)> = OnceCell::const_new();
    let build = || async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let backends = Backends::laptop(folder.path(), secret_values(&[]));
        let config = Config::from_env(&Env::default()).expect("the defaults");
        let deps = Deps::new(&backends, config).await.expect("the model loads");
        (Arc::new(deps), folder)
    };
    Arc::clone(&DEPS.get_or_init(build).await.0)
}

/// Returns the function with the simulator's sentiment service and with more settings.
async fn with_sentiment_service(fixture: &TestFixture, settings: &[(&str, &str)]) -> Arc<Deps> {
    let url = format!("{}{SENTIMENT_PATH}", fixture.simulator.url());
    let env = Env::from_pairs([("SENTIMENT_PROVIDER", "http"), ("SENTIMENT_URL", &url)]);
    let env = settings
        .iter()
        .fold(env, |env, (name, value)| env.with(name, *value));
    let config = Config::from_env(&env).expect("the settings");
    let deps = Deps::new(&fixture.backends(), config).await;
    Arc::new(deps.expect("a client of the service"))
}

async fn answer(deps: &Arc<Deps>, request: Request) -> Response {
    lambda::answer(request, |request| handle(deps, request)).await
}

/// Returns a request that asks for the score of a text.
fn score_request(text: &str) -> Request {
    let body = json!({"interaction_text": text}).to_string();
    http::Request::post("/data-actions/sentiment")
        .header("content-type", "application/json")
        .header("x-api-key", demo_secrets::API_KEY)
        .body(body.into())
        .expect("a request")
}

fn empty_request(method: Method, path: &str) -> Request {
    let request = http::Request::builder().method(method).uri(path);
    request.body(bytes::Bytes::new()).expect("a request")
}

fn body(response: &Response) -> Value {
    serde_json::from_str(response.body()).expect("a JSON body")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_contact_center_score_as_a_person_would() {
    let deps = with_local_model().await;
    let refund = answer(&deps, request("data-action-json.json")).await;
    assert_eq!(refund.status(), 200, "{}", refund.body());
    let refund = body(&refund);
    assert!(
        refund["sentiment_score"].as_f64().unwrap() < 0.30,
        "{refund}"
    );
    assert_eq!(refund["alert_triggered"], true);
    assert!(
        refund["emotion_tags"]
            .as_array()
            .unwrap()
            .contains(&json!("annoyance")),
        "{refund}"
    );
    let fields: Vec<_> = refund
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        fields,
        [
            "sentiment_score",
            "emotion_tags",
            "alert_triggered",
            "processing_latency_ms"
        ]
    );

    let helpful = body(&answer(&deps, request("data-action-positive.json")).await);
    assert!(
        helpful["sentiment_score"].as_f64().unwrap() > 0.70,
        "{helpful}"
    );
    assert_eq!(helpful["alert_triggered"], false);

    let number = body(&answer(&deps, request("data-action-rest-api.json")).await);
    assert!(
        (number["sentiment_score"].as_f64().unwrap() - 0.5).abs() < 0.1,
        "{number}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_cannot_be_read_is_neutral_and_raises_no_alert() {
    let deps = with_local_model().await;
    for text in [
        "[noise]",
        "(laughs) <unk>",
        "estoy muy enojado con su servicio",
        "это ужасно, верните деньги",
    ] {
        let found = body(&answer(&deps, score_request(text)).await);
        assert_eq!(found["sentiment_score"], 0.5, "{text}");
        assert_eq!(found["alert_triggered"], false, "{text}");
        assert_eq!(found["emotion_tags"], json!([]), "{text}");
        assert_eq!(found.as_object().unwrap().len(), 4, "{text}");
    }
    let angry = body(&answer(&deps, score_request("\u{1f621}")).await);
    assert_eq!(angry["alert_triggered"], true, "{angry}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_words_again_are_a_cache_hit_in_either_body_format() {
    let deps = with_local_model().await;
    let first = answer(&deps, request("data-action-json.json")).await;
    let second = answer(&deps, request("data-action-form.json")).await;
    assert_eq!(second.headers()["x-cache"], "hit");
    assert_eq!(
        body(&first)["sentiment_score"],
        body(&second)["sentiment_score"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_of_studio_gets_flat_fields_and_no_error_for_what_can_never_be_scored() {
    let deps = with_local_model().await;
    let scored = body(&answer(&deps, request("data-action-studio.json")).await);
    assert_eq!(
        (&scored["alert"], &scored["error_code"]),
        (&json!("1"), &json!(""))
    );
    let first = scored["emotion_1"].as_str().expect("a text");
    assert!(
        scored["emotion_tags"]
            .as_str()
            .expect("a text")
            .starts_with(first)
    );
    let members = scored.as_object().expect("an object");
    assert!(
        members
            .values()
            .all(|value| !value.is_null() && !value.is_array()),
        "{scored}"
    );
    let again = answer(&deps, request("data-action-studio.json")).await;
    assert_eq!(again.headers()["x-cache"], "hit");
    let empty = answer(&deps, request("data-action-studio-empty-text.json")).await;
    assert_eq!(
        (empty.status().as_u16(), &body(&empty)["error_code"]),
        (200, &json!("empty_text"))
    );
    for (query, key, status) in [
        ("reply=studio", "wrong", 401),
        ("reply=Studio", demo_secrets::API_KEY, 200),
        ("reply=xml", demo_secrets::API_KEY, 400),
        ("", demo_secrets::API_KEY, 400),
    ] {
        let blank = http::Request::post(format!("/data-actions/sentiment?{query}"))
            .header("content-type", "application/json")
            .header("x-api-key", key)
            .body(json!({"interaction_text": " "}).to_string().into());
        let response = answer(&deps, blank.expect("a request")).await;
        assert_eq!(response.status().as_u16(), status, "{query} {key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_of_studio_may_repeat_what_may_succeed_later() {
    let fixture = TestFixture::start(Scenario::default()).await;
    let fault = Fault::Status(401, RetryAfter::Absent);
    fixture
        .simulator
        .fault(FaultRule::new(SENTIMENT_PATH, fault));
    let deps = with_sentiment_service(&fixture, &[]).await;
    let response = answer(&deps, request("data-action-studio.json")).await;
    assert_eq!(response.status(), 502);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_gets_the_right_status_and_code() {
    let deps = with_local_model().await;
    for (event, status, code) in [
        ("data-action-empty-text.json", 400, "empty_text"),
        ("data-action-missing-text.json", 400, "missing_text"),
        ("data-action-not-a-string.json", 400, "invalid_text"),
        ("data-action-invalid-utf8.json", 400, "invalid_utf8"),
        (
            "data-action-wrong-content-type.json",
            415,
            "unsupported_media_type",
        ),
        ("data-action-wrong-key.json", 401, "unauthorized"),
        ("data-action-no-key.json", 401, "unauthorized"),
    ] {
        let response = answer(&deps, request(event)).await;
        let error = &body(&response)["error"];
        assert_eq!(
            (response.status().as_u16(), error["code"].as_str()),
            (status, Some(code)),
            "{event}"
        );
        assert_eq!(error["retryable"], false, "{event}");
    }
    let mut huge = score_request("x");
    *huge.body_mut() = vec![b'x'; 1 << 20].into();
    assert_eq!(answer(&deps, huge).await.status(), 413);
    assert_eq!(
        answer(&deps, empty_request(Method::GET, "/data-actions/sentiment"))
            .await
            .status(),
        405
    );
    assert_eq!(
        answer(&deps, empty_request(Method::GET, "/nowhere"))
            .await
            .status(),
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_without_the_key_learns_nothing_of_the_body() {
    let deps = with_local_model().await;
    let mut unknown = score_request("x");
    unknown.headers_mut().remove("x-api-key");
    *unknown.body_mut() = vec![b'x'; 1 << 20].into();
    assert_eq!(answer(&deps, unknown).await.status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_names_the_digest_of_the_model() {
    let health = body(
        &answer(
            &with_local_model().await,
            request("data-action-health.json"),
        )
        .await,
    );
    assert_eq!(health["status"], "ok");
    assert_eq!(
        health["models"][0]["sha256"].as_str().map(str::len),
        Some(64),
        "{health}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_is_cut_by_tokens_and_still_scored() {
    let deps = with_local_model().await;
    let long = "I waited for an hour and nobody answered. ".repeat(500);
    let response = answer(&deps, score_request(&long)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(body(&response)["alert_triggered"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_callers_with_one_text_make_one_call_of_the_service() {
    let fixture = TestFixture::start(Scenario::default()).await;
    fixture.simulator.fault(FaultRule::new(
        SENTIMENT_PATH,
        Fault::Delay(Duration::from_millis(50)),
    ));
    let deps = with_sentiment_service(&fixture, &[]).await;
    let answers = join_all((0..100).map(|_| answer(&deps, score_request("this is great")))).await;
    assert!(answers.iter().all(|response| response.status() == 200));
    assert_eq!(fixture.simulator.requests("POST", SENTIMENT_PATH), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_not_asked_about_a_text_without_words() {
    let fixture = TestFixture::start(Scenario::default()).await;
    let deps = with_sentiment_service(&fixture, &[]).await;
    let silent = body(&answer(&deps, score_request("[noise] <unk>")).await);
    assert_eq!(silent["sentiment_score"], 0.5);
    assert_eq!(fixture.simulator.requests("POST", SENTIMENT_PATH), 0);
    answer(&deps, score_request("[noise] this is great")).await;
    assert_eq!(fixture.simulator.requests("POST", SENTIMENT_PATH), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_service_is_a_503_inside_the_deadline_and_not_after_it() {
    let fixture = TestFixture::start(Scenario::default()).await;
    let deps = with_sentiment_service(&fixture, &[("EXECUTION_TIMEOUT_MS", "2000")]).await;
    fixture.simulator.shutdown().await;
    let started = Instant::now();
    let response = answer(&deps, score_request("hello")).await;
    assert_eq!(response.status(), 503, "{}", response.body());
    assert_eq!(body(&response)["error"]["retryable"], true);
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_hangs_is_a_503_inside_the_deadline() {
    let fixture = TestFixture::start(Scenario::default()).await;
    fixture.simulator.fault(FaultRule::new(
        SENTIMENT_PATH,
        Fault::Delay(Duration::from_secs(60)),
    ));
    let deps = with_sentiment_service(&fixture, &[("EXECUTION_TIMEOUT_MS", "1500")]).await;
    let started = Instant::now();
    let response = answer(&deps, score_request("hello")).await;
    assert_eq!(
        (
            response.status().as_u16(),
            &body(&response)["error"]["retryable"]
        ),
        (503, &json!(true))
    );
    assert!(
        started.elapsed() < Duration::from_millis(1500),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passing_fault_is_retried_and_the_answer_is_right() {
    let fixture = TestFixture::start(Scenario::default()).await;
    fixture
        .simulator
        .fault(FaultRule::new(SENTIMENT_PATH, Fault::Status(429, RetryAfter::Seconds(0))).times(1));
    fixture
        .simulator
        .fault(FaultRule::new(SENTIMENT_PATH, Fault::Status(503, RetryAfter::Absent)).times(1));
    let deps = with_sentiment_service(&fixture, &[]).await;
    let response = answer(&deps, score_request("this is great, thank you")).await;
    assert_eq!(response.status(), 200, "{}", response.body());
    assert!(body(&response)["sentiment_score"].as_f64().unwrap() > 0.5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_answer_is_a_502_and_never_reaches_the_cache() {
    for wrong in [
        json!({"score": "high", "emotions": []}),
        json!({"score": null, "emotions": []}),
        json!({"score": 55, "emotions": []}),
        json!({"score": -0.2, "emotions": []}),
        json!({"score": 0.5}),
        json!({"score": 0.5, "emotions": [1]}),
        json!([]),
    ] {
        let fixture = TestFixture::start(Scenario::default()).await;
        fixture
            .simulator
            .fault(FaultRule::new(SENTIMENT_PATH, Fault::Answer(200, wrong.clone())).times(1));
        let deps = with_sentiment_service(&fixture, &[]).await;
        let bad = answer(&deps, score_request("hello there")).await;
        assert_eq!(bad.status(), 502, "{wrong} gave {}", bad.body());
        let good = answer(&deps, score_request("hello there")).await;
        assert_eq!(
            (good.status().as_u16(), &good.headers()["x-cache"]),
            (200, &HeaderValue::from_static("miss")),
            "{wrong}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_service_is_never_an_invitation_to_try_again() {
    for (service, status, code) in [
        (400, 422, "text_refused"),
        (404, 422, "text_refused"),
        (413, 422, "text_refused"),
        (422, 422, "text_refused"),
        (401, 502, "provider_access_refused"),
        (403, 502, "provider_access_refused"),
    ] {
        let fixture = TestFixture::start(Scenario::default()).await;
        let fault = Fault::Status(service, RetryAfter::Absent);
        fixture
            .simulator
            .fault(FaultRule::new(SENTIMENT_PATH, fault));
        let deps = with_sentiment_service(&fixture, &[]).await;
        let response = answer(&deps, score_request("hello there")).await;
        let error = &body(&response)["error"];
        assert_eq!(
            (response.status().as_u16(), &error["code"]),
            (status, &json!(code)),
            "{service}"
        );
        assert_eq!(error["retryable"], false, "{service}");
    }
}

/// A secret store that never answers.
#[derive(Debug)]
struct SilentStore;

impl SecretStore for SilentStore {
    async fn fetch(&self) -> Result<Secrets, store::Error> {
        std::future::pending().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_of_the_keys_that_hangs_is_part_of_the_time_that_the_caller_has() {
    let fixture = TestFixture::start(Scenario::default()).await;
    let url = format!("{}{SENTIMENT_PATH}", fixture.simulator.url());
    let env = Env::from_pairs([
        ("SENTIMENT_PROVIDER", "http"),
        ("SENTIMENT_URL", &url),
        ("EXECUTION_TIMEOUT_MS", "1000"),
    ]);
    let config = Config::from_env(&env).expect("the settings");
    let deps = Deps::new(&fixture.backends(), config).await;
    let mut deps = deps.expect("a client of the service");
    let silent = AnySecretStore::Other(Arc::new(SilentStore));
    deps.callers = Callers::new(Arc::new(FunctionSecrets::new(silent)));
    let deps = Arc::new(deps);
    let mut call = empty_request(Method::PUT, "/interactions/call-1");
    let key = HeaderValue::from_static(demo_secrets::API_KEY);
    call.headers_mut().insert("x-api-key", key);
    for request in [score_request("hello there"), call] {
        let started = Instant::now();
        let response = answer(&deps, request).await;
        assert_eq!(response.status(), 503);
        let error = &body(&response)["error"];
        assert_eq!(error["code"], "deadline_exceeded");
        assert_eq!(error["retryable"], true);
        // The read itself would take ten seconds.
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_nobody_serves_is_refused_in_the_shape_of_every_error() {
    let deps = with_local_model().await;
    for (method, path, status, code) in [
        (Method::GET, "/", 404, "not_found"),
        (Method::GET, "/favicon.ico", 404, "not_found"),
        (Method::POST, "/data-actions/other", 404, "not_found"),
        (
            Method::GET,
            "/data-actions/sentiment",
            405,
            "method_not_allowed",
        ),
        (Method::GET, "/webhooks/cxone", 405, "method_not_allowed"),
        (
            Method::GET,
            "/studio/contact-ended",
            405,
            "method_not_allowed",
        ),
        (Method::POST, "/search", 405, "method_not_allowed"),
    ] {
        let response = answer(&deps, empty_request(method, path)).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        let error = &body(&response)["error"];
        assert_eq!(
            (&error["code"], &error["retryable"]),
            (&json!(code), &json!(false))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_call_is_registered_shown_and_removed_however_often() {
    let deps = with_local_model().await;
    let ask = |method: Method, id: &str| {
        let mut request = empty_request(method, &format!("/interactions/{id}"));
        let key = HeaderValue::from_static(demo_secrets::API_KEY);
        request.headers_mut().insert("x-api-key", key);
        answer(&deps, request)
    };
    assert_eq!(ask(Method::GET, "call-1").await.status(), 404);
    for _ in 0..2 {
        let response = ask(Method::PUT, "call-1").await;
        assert_eq!(response.status(), 200);
        let shown = body(&response);
        assert_eq!(
            (&shown["status"], &shown["average"], &shown["trend"]),
            (&json!("live"), &json!(0.5), &json!("stable"))
        );
    }
    let shown = body(&ask(Method::GET, "call-1").await);
    assert_eq!(
        (
            &shown["interaction_id"],
            &shown["segments"],
            &shown["suggestions"]
        ),
        (&json!("call-1"), &json!([]), &json!([]))
    );
    for _ in 0..2 {
        assert_eq!(ask(Method::DELETE, "call-1").await.status(), 200);
        assert_eq!(body(&ask(Method::GET, "call-1").await)["status"], "stopped");
    }
    assert_eq!(ask(Method::DELETE, "never-seen").await.status(), 200);
    assert_eq!(ask(Method::POST, "call-1").await.status(), 405);
    assert_eq!(ask(Method::PUT, "with%20space").await.status(), 400);
    for id in ["%ff", "%fe"] {
        let refused = ask(Method::PUT, id).await;
        assert_eq!(refused.status(), 400);
        assert_eq!(body(&refused)["error"]["code"], "invalid_path");
    }
    let encoded = ask(Method::PUT, "a%2Fb%2541").await;
    assert_eq!(body(&encoded)["interaction_id"], "a/b%41");
    assert_eq!(ask(Method::PUT, &"x".repeat(129)).await.status(), 400);
    let without_key = answer(&deps, empty_request(Method::PUT, "/interactions/call-2")).await;
    assert_eq!(without_key.status(), 401);
    let described = answer(&deps, request("data-action-register-call.json")).await;
    assert_eq!(described.status(), 200);
    assert_eq!(body(&described)["interaction_id"], "call-8842");
}

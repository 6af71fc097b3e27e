//! The receiver on embedded stores: who gets in, what is taken, what a repetition does.

use std::time::Duration;

use backends::Backends;
use backends::ended_contacts::{EndedContact, EndedContacts};
use http::HeaderValue;
use proptest::prelude::*;
use runtime::config::Env;
use runtime::http::caller_name::CallerName;
use secrecy::SecretString;
use store::queue::{AnyQueue, Message, SqliteQueue};
use testkit::{demo_secrets, secret_values};

use super::*;
use crate::config::Config;

const SECRET: &str = demo_secrets::WEBHOOK_SECRET;
const KEY: &str = demo_secrets::API_KEY;

struct Receiver {
    deps: Deps,
    queue: SqliteQueue,
    _folder: tempfile::TempDir,
}

fn receiver() -> Receiver {
    receiver_with(&[])
}

fn receiver_with(secrets: &[(&str, &str)]) -> Receiver {
    let folder = tempfile::tempdir().unwrap();
    let queue = SqliteQueue::open(folder.path().join("queue.db"), "embedding").unwrap();
    let backends = Backends::laptop(folder.path(), secret_values(secrets))
        .with_queue(AnyQueue::Sqlite(queue.clone()));
    let deps = Deps::new(&backends, Config::from_env(&Env::default()).unwrap()).unwrap();
    Receiver {
        deps,
        queue,
        _folder: folder,
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn payload(id: &str) -> String {
    json!({
        "event": "conversation.completed", "timestamp": "2026-01-15T10:30:00Z", "conversationId": id,
        "data": {"subject": "canary-text"}
    })
    .to_string()
}

fn request(body: &str, headers: &[(&'static str, &str)]) -> Request {
    let mut request = http::Request::post("/webhooks/cxone");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.as_bytes().to_vec().into()).unwrap()
}

fn empty_request(method: Method, path: &str) -> Request {
    let request = http::Request::builder().method(method).uri(path);
    request.body(bytes::Bytes::new()).unwrap()
}

fn signed(body: &str, at: Timestamp) -> Request {
    let signature = signature::sign(&SecretString::from(SECRET), at, body.as_bytes());
    request(
        body,
        &[
            ("x-signature", &signature),
            ("x-timestamp", &at.as_second().to_string()),
            ("content-type", "application/json"),
        ],
    )
}

impl Receiver {
    async fn answer(&self, request: &Request) -> (u16, String) {
        match handle_at(&self.deps, request, now()).await {
            Ok(response) => (response.status().as_u16(), response.into_body()),
            Err(failure) => {
                let response = failure.into_response();
                (response.status().as_u16(), response.into_body())
            }
        }
    }

    async fn queued(&self) -> Vec<Message> {
        self.queue
            .receive(10, Duration::ZERO, Duration::from_secs(60))
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_signed_event_is_accepted_once_it_is_queued() {
    let receiver = receiver();
    let body = payload("c-1");
    let (status, answer) = receiver.answer(&signed(&body, now())).await;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, &answer["accepted"]), (202, &json!(true)));
    assert!(answer["id"].is_string());
    let queued = receiver.queued().await;
    assert_eq!(queued.len(), 1);
    assert_eq!(queued[0].body, body);
}

#[tokio::test]
async fn a_sender_that_cannot_sign_may_send_the_key() {
    let receiver = receiver();
    let (status, _) = receiver
        .answer(&request(&payload("c-1"), &[("x-api-key", KEY)]))
        .await;
    assert_eq!(status, 202);
    let bearer = format!("Bearer {KEY}");
    assert_eq!(
        receiver
            .answer(&request(&payload("c-2"), &[("authorization", &bearer)]))
            .await
            .0,
        202
    );
    assert_eq!(receiver.queued().await.len(), 2);
}

#[tokio::test]
async fn a_repetition_gets_the_same_answer_and_is_not_queued_again() {
    let receiver = receiver();
    let first = receiver.answer(&signed(&payload("c-1"), now())).await;
    assert_eq!(
        receiver.answer(&signed(&payload("c-1"), now())).await,
        first
    );
    // The same event, signed anew and sent with the key, is the same delivery.
    let later = now() + Duration::from_secs(60);
    assert_eq!(
        receiver.answer(&signed(&payload("c-1"), later)).await,
        first
    );
    assert_eq!(
        receiver
            .answer(&request(&payload("c-1"), &[("x-api-key", KEY)]))
            .await,
        first
    );
    assert_eq!(receiver.queued().await.len(), 1);
}

#[tokio::test]
async fn who_does_not_prove_itself_gets_401_and_nothing_is_queued() {
    let receiver = receiver();
    let body = payload("c-1");
    let good = signature::sign(&SecretString::from(SECRET), now(), body.as_bytes());
    let second = now().as_second().to_string();
    let old = (now().as_second() - 301).to_string();
    let of_old = signature::sign(
        &SecretString::from(SECRET),
        now() - Duration::from_secs(301),
        body.as_bytes(),
    );
    let wrong = signature::sign(&SecretString::from("other"), now(), body.as_bytes());
    for (headers, reason) in [
        (vec![], "x-api-key"),
        (vec![("x-api-key", "no")], "x-signature"),
        (
            vec![
                ("x-signature", wrong.as_str()),
                ("x-timestamp", second.as_str()),
            ],
            "not of this body",
        ),
        (vec![("x-signature", good.as_str())], "x-timestamp"),
        (
            vec![
                ("x-signature", of_old.as_str()),
                ("x-timestamp", old.as_str()),
            ],
            "too far from now",
        ),
        (
            vec![
                ("x-signature", "sha256=zz"),
                ("x-timestamp", second.as_str()),
            ],
            "hexadecimal",
        ),
        // A wrong signature is not excused by a right key.
        (
            vec![
                ("x-signature", wrong.as_str()),
                ("x-timestamp", second.as_str()),
                ("x-api-key", KEY),
            ],
            "not of this body",
        ),
    ] {
        let (status, answer) = receiver.answer(&request(&body, &headers)).await;
        assert_eq!(status, 401, "{headers:?}");
        assert!(
            answer.contains(reason) && answer.contains(r#""retryable":false"#),
            "{answer}"
        );
    }
    let mut tampered = signed(&body, now());
    *tampered.body_mut() = payload("c-2").into_bytes().into();
    assert_eq!(receiver.answer(&tampered).await.0, 401);
    assert!(receiver.queued().await.is_empty());
}

#[tokio::test]
async fn each_sender_may_have_a_secret_of_its_own() {
    let secrets = r#"[
        {"name": "crm", "secret": "crm-secret"},
        {"name": "past", "secret": "past-secret", "not_after": "2020-01-01"}
    ]"#;
    let receiver = receiver_with(&[("webhook_secrets", secrets)]);
    for (id, secret, status) in [
        ("c-1", SECRET, 202),
        ("c-2", "crm-secret", 202),
        ("c-3", "past-secret", 401),
        ("c-4", "other", 401),
    ] {
        let body = payload(id);
        let signature = signature::sign(&SecretString::from(secret), now(), body.as_bytes());
        let second = now().as_second().to_string();
        let mut request = request(
            &body,
            &[("x-signature", &signature), ("x-timestamp", &second)],
        );
        request.extensions_mut().insert(CallerName::default());
        assert_eq!(receiver.answer(&request).await.0, status, "{id}");
        let named = request.extensions().get::<CallerName>().unwrap();
        assert_eq!(named.get().is_some(), status == 202, "{id}");
    }
    assert_eq!(receiver.queued().await.len(), 2);
}

#[tokio::test]
async fn a_key_without_the_scope_of_webhooks_queues_nothing() {
    let keys = r#"[{"name": "studio", "key": "studio-key", "scopes": ["score"]},
        {"name": "crm", "key": "crm-key", "scopes": ["webhook"]}]"#;
    let receiver = receiver_with(&[("api_keys", keys)]);
    let (status, answer) = receiver
        .answer(&request(&payload("c-1"), &[("x-api-key", "studio-key")]))
        .await;
    assert_eq!(status, 403);
    assert!(answer.contains("missing_scope"), "{answer}");
    let (status, _) = receiver
        .answer(&request(&payload("c-2"), &[("x-api-key", "crm-key")]))
        .await;
    assert_eq!(status, 202);
    assert_eq!(receiver.queued().await.len(), 1);
}

#[tokio::test]
async fn bad_payloads_are_named_and_nothing_is_queued() {
    let receiver = receiver();
    for (body, status, code) in [
        ("", 400, "invalid_json"),
        ("{\"canary-text\"", 400, "invalid_json"),
        ("[]", 400, "invalid_payload"),
        (
            r#"{"event":"conversation.deleted"}"#,
            400,
            "invalid_payload",
        ),
        (
            r#"{"event":"conversation.completed","timestamp":"canary-text","conversationId":"a","data":{}}"#,
            400,
            "invalid_payload",
        ),
        (&"x".repeat(MAX_BODY_BYTES + 1), 413, "payload_too_large"),
    ] {
        let (found, answer) = receiver.answer(&signed(body, now())).await;
        assert_eq!(found, status, "{answer}");
        assert!(
            answer.contains(code) && !answer.contains("canary-text"),
            "{answer}"
        );
    }
    let mut form = signed(&payload("c"), now());
    form.headers_mut()
        .insert("content-type", HeaderValue::from_static("text/plain"));
    assert_eq!(receiver.answer(&form).await.0, 415);
    let mut bytes = signed("", now());
    *bytes.body_mut() = b"{\"a\xff\":1}".to_vec().into();
    let signature = signature::sign(&SecretString::from(SECRET), now(), bytes.body());
    bytes
        .headers_mut()
        .insert("x-signature", HeaderValue::from_str(&signature).unwrap());
    assert!(receiver.answer(&bytes).await.1.contains("invalid_utf8"));
    assert!(receiver.queued().await.is_empty());
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let receiver = receiver();
    assert_eq!(
        receiver
            .answer(&empty_request(Method::POST, "/webhooks/other"))
            .await
            .0,
        404
    );
    assert_eq!(
        receiver
            .answer(&empty_request(Method::GET, "/webhooks/cxone"))
            .await
            .0,
        405
    );
}

#[tokio::test]
async fn a_marked_body_with_a_cut_character_is_accepted_and_queued_readable() {
    let receiver = receiver();
    let mut request = signed("", now());
    let body = [
        b"\xef\xbb\xbf".as_slice(),
        payload("c")
            .replace("canary-text\"", r#"cut \ud83d","cost":1e400"#)
            .as_bytes(),
    ]
    .concat();
    *request.body_mut() = body.into();
    let signature = signature::sign(&SecretString::from(SECRET), now(), request.body());
    request
        .headers_mut()
        .insert("x-signature", HeaderValue::from_str(&signature).unwrap());
    let (status, answer) = receiver.answer(&request).await;
    assert_eq!(status, 202, "{answer}");
    let queued = receiver.queued().await;
    assert_eq!(queued.len(), 1);
    assert!(WebhookEvent::parse(queued[0].body.as_bytes(), now()).is_ok());
}

#[test]
fn characters_that_a_queue_refuses_are_escaped() {
    let body = "{\"a\":\"x\u{fffe}\u{ffff}\"}";
    let sent = queueable(body.as_bytes()).unwrap();
    assert_eq!(sent, r#"{"a":"x\ufffe\uffff"}"#);
    let (one, two): (serde_json::Value, serde_json::Value) = (
        serde_json::from_str(body).unwrap(),
        serde_json::from_str(&sent).unwrap(),
    );
    assert_eq!(one, two);
}

fn contact_ended(body: &str, headers: &[(&'static str, &str)]) -> Request {
    let mut request = request(body, headers);
    *request.uri_mut() = "/studio/contact-ended".parse().unwrap();
    request
}

impl Receiver {
    async fn notices(&self) -> Vec<EndedContact> {
        let notices = EndedContacts::new(self.deps.state.clone());
        notices.list(None, 100, now()).await.unwrap()
    }
}

#[tokio::test]
async fn the_end_of_a_contact_is_noted_once_in_whatever_form_it_comes() {
    let receiver = receiver();
    let json = r#"{"contactId": 480000000001, "masterId": "480000000000", "skill": "Billing", "mediaType": 4}"#;
    let form = "contactId=480000000002&skill=Billing+desk&mediaType=9";
    let case = r#"{"case":{"id":"127000000001","status":"closed"}}"#;
    // CXone sends JSON under the type of a form unless the script says otherwise.
    for (body, media_type, id) in [
        (json, "application/json", "480000000001"),
        (form, "application/x-www-form-urlencoded", "480000000002"),
        (case, "application/x-www-form-urlencoded", "127000000001"),
    ] {
        for repeated in ["0", "1"] {
            let request = contact_ended(body, &[("x-api-key", KEY), ("content-type", media_type)]);
            let (status, answer) = receiver.answer(&request).await;
            let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(status, 200);
            let expected =
                json!({"accepted": "1", "repeated": repeated, "contact_id": id, "error_code": ""});
            assert_eq!(answer, expected);
        }
    }
    let notices = receiver.notices().await;
    let noted: Vec<_> = notices
        .iter()
        .map(|it| {
            (
                it.contact_id.as_str(),
                it.master_id.as_str(),
                it.media_type.as_str(),
                it.skill.as_str(),
            )
        })
        .collect();
    assert_eq!(
        noted,
        [
            ("127000000001", "127000000001", "", ""),
            ("480000000001", "480000000000", "4", "Billing"),
            ("480000000002", "480000000002", "9", "Billing desk"),
        ]
    );
    assert!(receiver.queued().await.is_empty());
}

#[tokio::test]
async fn a_message_that_can_never_be_understood_is_no_failure_to_a_script() {
    let receiver = receiver();
    for (body, media_type, code) in [
        ("", "application/json", "invalid_json"),
        ("{\"contactId\": ", "application/json", "invalid_json"),
        ("[]", "application/json", "missing_contact_id"),
        ("{}", "application/json", "missing_contact_id"),
        (
            r#"{"contactId": "canary-text"}"#,
            "application/json",
            "missing_contact_id",
        ),
        (
            r#"{"case":{"id":"1","status":"open"}}"#,
            "application/json",
            "contact_is_open",
        ),
        (
            "contactId=",
            "application/x-www-form-urlencoded",
            "missing_contact_id",
        ),
        ("contactId=7", "text/plain", "unsupported_media_type"),
    ] {
        let request = contact_ended(body, &[("x-api-key", KEY), ("content-type", media_type)]);
        let (status, answer) = receiver.answer(&request).await;
        assert_eq!(status, 200, "{body}");
        assert!(
            answer.contains(&format!(r#""error_code":"{code}""#)),
            "{body}: {answer}"
        );
        assert!(
            answer.contains(r#""accepted":"0""#) && !answer.contains("canary-text"),
            "{answer}"
        );
    }
    let large = contact_ended(&"x".repeat(9000), &[("x-api-key", KEY)]);
    assert_eq!(receiver.answer(&large).await.0, 413);
    assert!(receiver.notices().await.is_empty());
}

#[tokio::test]
async fn who_tells_of_an_end_needs_the_scope_of_webhooks_or_a_signature() {
    let keys = r#"[{"name": "score", "key": "score-key", "scopes": ["score"]},
        {"name": "studio", "key": "studio-key", "scopes": ["score", "webhook"]}]"#;
    let receiver = receiver_with(&[("api_keys", keys), ("webhook_secret", "example-secret")]);
    let body = r#"{"case":{"id":"127000000001","status":"closed"}}"#;
    let right = "FTjHwBds+nQVlKfve4QaoyoCfCit0QZ6kIU4vJojRIE=";
    let wrong = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for (headers, expected) in [
        (vec![], 401),
        (vec![("x-api-key", "no")], 401),
        (vec![("x-api-key", "score-key")], 403),
        (vec![("x-request-signature", wrong)], 401),
        (
            vec![("x-request-signature", wrong), ("x-api-key", "studio-key")],
            401,
        ),
        (
            vec![
                ("x-request-signature", right),
                ("x-signature-algorithm", "md5"),
            ],
            401,
        ),
        (
            vec![
                ("x-request-signature", "what"),
                ("x-signature-algorithm", "sha256"),
            ],
            401,
        ),
    ] {
        let request = contact_ended(body, &headers);
        assert_eq!(receiver.answer(&request).await.0, expected, "{headers:?}");
    }
    assert!(receiver.notices().await.is_empty());
    for headers in [
        vec![("x-api-key", "studio-key")],
        vec![
            ("x-request-signature", right),
            ("x-signature-algorithm", "sha256"),
        ],
        vec![("x-request-signature", right)],
    ] {
        let mut headers = headers;
        headers.push(("content-type", "application/json"));
        assert_eq!(
            receiver.answer(&contact_ended(body, &headers)).await.0,
            200,
            "{headers:?}"
        );
    }
    assert_eq!(receiver.notices().await.len(), 1);
    // The other path takes the same proof, of another body.
    let of_other = request(body, &[("x-request-signature", right)]);
    assert_eq!(receiver.answer(&of_other).await.0, 400);
}

proptest! {
    #[test]
    fn any_bytes_with_the_key_are_a_client_error_or_accepted(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let status = runtime.block_on(async {
            let mut request = request("", &[("x-api-key", KEY)]);
            *request.body_mut() = body.into();
            receiver().answer(&request).await.0
        });
        prop_assert!((400..500).contains(&status));
    }
}

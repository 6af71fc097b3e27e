//! Who may do what: scopes, several keys, ends, the previous version, and what a refusal tells.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use runtime::http::caller_name::CallerName;
use secrecy::SecretString;
use store::secrets::{AnySecretStore, SecretStore, TTL_DEFAULT};

use super::*;

fn secrets_from(values: &[(&str, &str)]) -> Secrets {
    let values = values.iter();
    values
        .map(|(name, value)| ((*name).to_owned(), SecretString::from(*value)))
        .collect()
}

fn callers(secrets: Secrets) -> Callers {
    Callers::new(Arc::new(FunctionSecrets::new(AnySecretStore::Given(
        secrets,
    ))))
}

fn request(key: &str) -> Request {
    let request = http::Request::get("/search").header("x-api-key", key);
    let mut request: Request = request.body(Vec::new().into()).unwrap();
    request.extensions_mut().insert(CallerName::default());
    request
}

async fn refusal(callers: &Callers, key: &str, scope: Scope) -> (u16, String) {
    let failure = callers.require(&request(key), scope).await.unwrap_err();
    let response = failure.into_response();
    (response.status().as_u16(), response.into_body())
}

const KEYS: &str = r#"[
    {"name": "studio", "key": "studio-key", "scopes": ["score", "calls"]},
    {"name": "studio-next", "key": "studio-key-2", "scopes": ["score", "calls"]},
    {"name": "old", "key": "old-key", "scopes": ["search"], "not_after": "2020-01-01T00:00:00Z"},
    {"name": "broken", "key": "broken-key", "scopes": ["everything"]},
    {"name": "analyst", "key": "analyst-key", "scopes": ["search"]}
]"#;

fn named() -> Callers {
    callers(secrets_from(&[("api_key", "one-key"), ("api_keys", KEYS)]))
}

#[tokio::test]
async fn a_named_key_opens_what_its_scopes_say_and_nothing_else() {
    let callers = named();
    for (key, name, allowed) in [
        ("studio-key", "studio", vec![Scope::Score, Scope::Calls]),
        (
            "studio-key-2",
            "studio-next",
            vec![Scope::Score, Scope::Calls],
        ),
        ("analyst-key", "analyst", vec![Scope::Search]),
        (
            "one-key",
            "api_key",
            vec![Scope::Score, Scope::Calls, Scope::Webhook, Scope::Search],
        ),
    ] {
        for scope in Scope::ALL {
            let request = request(key);
            let found = callers.require(&request, scope).await;
            let named = request.extensions().get::<CallerName>().unwrap();
            assert_eq!(named.get(), Some(name), "a refused caller is named too");
            if allowed.contains(&scope) {
                assert_eq!(found.unwrap().name, name);
            } else {
                let failure = found.unwrap_err();
                assert_eq!(
                    (failure.status().as_u16(), failure.code()),
                    (403, "missing_scope")
                );
                assert!(!failure.is_retryable());
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_says_the_scope_and_nothing_of_other_keys() {
    let callers = named();
    let (status, body) = refusal(&callers, "studio-key", Scope::Search).await;
    assert_eq!(status, 403);
    assert_eq!(
        body,
        r#"{"error":{"code":"missing_scope","message":"this API key does not have the scope `search`","retryable":false}}"#
    );
    let unknown = refusal(&callers, "no-such-key", Scope::Search).await;
    assert_eq!(unknown.0, 401);
    // A key whose time is over, or whose entry is broken, is refused as one that never was.
    for key in ["old-key", "broken-key", "studio-ke", "studio-key-22"] {
        assert_eq!(
            refusal(&callers, key, Scope::Search).await,
            unknown,
            "{key}"
        );
    }
}

#[tokio::test]
async fn a_broken_list_leaves_the_one_key_valid() {
    let callers = callers(secrets_from(&[("api_key", "one-key"), ("api_keys", "{]")]));
    assert!(
        callers
            .require(&request("one-key"), Scope::Score)
            .await
            .is_ok()
    );
    assert_eq!(refusal(&callers, "{]", Scope::Score).await.0, 401);
}

#[tokio::test]
async fn a_key_of_two_entries_has_the_scopes_of_both() {
    let list =
        r#"[{"name":"a","key":"k","scopes":["score"]},{"name":"b","key":"k","scopes":["board"]}]"#;
    let callers = callers(secrets_from(&[("api_keys", list)]));
    assert_eq!(
        callers
            .require(&request("k"), Scope::Score)
            .await
            .unwrap()
            .name,
        "a"
    );
    assert_eq!(
        callers
            .require(&request("k"), Scope::Board)
            .await
            .unwrap()
            .name,
        "a"
    );
}

#[tokio::test]
async fn keys_of_the_previous_version_stay_valid_for_a_while() {
    let changed = |ago: u64| {
        let changed_at = Timestamp::now() - Duration::from_secs(ago);
        let old = secrets_from(&[
            ("api_key", "old-one"),
            (
                "api_keys",
                r#"[{"name":"studio","key":"old-two","scopes":["score"]}]"#,
            ),
            ("webhook_secret", "old-signing"),
        ]);
        let new = secrets_from(&[("api_key", "new-one"), ("webhook_secret", "new-signing")]);
        callers(new.with_previous(old, changed_at, Duration::from_secs(3600)))
    };
    let recently = changed(1800);
    for (key, name) in [
        ("new-one", "api_key"),
        ("old-one", "api_key"),
        ("old-two", "studio"),
    ] {
        let caller = recently.require(&request(key), Scope::Score).await.unwrap();
        assert_eq!(caller.name, name);
    }
    let signer = async |callers: &Callers, secret: &str| {
        use secrecy::ExposeSecret;
        let signed = callers.find_sender(|one| one.secret.expose_secret() == secret);
        signed.await.unwrap()
    };
    assert!(signer(&recently, "old-signing").await.is_some());
    let long_ago = changed(7200);
    assert!(
        long_ago
            .require(&request("new-one"), Scope::Score)
            .await
            .is_ok()
    );
    for key in ["old-one", "old-two"] {
        assert_eq!(refusal(&long_ago, key, Scope::Score).await.0, 401);
    }
    assert_eq!(signer(&long_ago, "old-signing").await, None);
    assert_eq!(
        signer(&long_ago, "new-signing").await.as_deref(),
        Some("webhook_secret")
    );
}

/// A secret store that hangs from the moment that a test says.
#[derive(Debug, Default)]
struct HangingStore(AtomicBool);

impl SecretStore for HangingStore {
    async fn fetch(&self) -> Result<Secrets, store::Error> {
        if self.0.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Ok(secrets_from(&[("api_key", "one-key")]))
    }
}

#[tokio::test(start_paused = true)]
async fn valid_callers_are_answered_while_secrets_manager_hangs_and_strangers_call() {
    let store = Arc::new(HangingStore::default());
    let source = AnySecretStore::Other(Arc::clone(&store) as _);
    let callers = Callers::new(Arc::new(FunctionSecrets::new(source)));
    callers
        .require(&request("one-key"), Scope::Score)
        .await
        .unwrap();
    store.0.store(true, Ordering::SeqCst);
    tokio::time::advance(TTL_DEFAULT).await;
    for _ in 0..600 {
        let (valid, stranger) = (request("one-key"), request("wrong"));
        let timed = async |request: &Request| {
            let started = tokio::time::Instant::now();
            let status = match callers.require(request, Scope::Score).await {
                Ok(_) => 200,
                Err(failure) => failure.status().as_u16(),
            };
            (status, started.elapsed())
        };
        let (stranger, valid) = tokio::join!(timed(&stranger), timed(&valid));
        assert_eq!(valid.0, 200);
        assert!(valid.1 < Duration::from_millis(100), "{:?}", valid.1);
        assert_eq!(stranger.0, 401);
        assert!(stranger.1 < Duration::from_millis(600), "{:?}", stranger.1);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn without_a_key_nobody_is_let_in() {
    for secrets in [&[][..], &[("api_key", "")], &[("api_keys", "[]")]] {
        let callers = callers(secrets_from(secrets));
        assert_eq!(refusal(&callers, "", Scope::Score).await.0, 401);
        assert_eq!(refusal(&callers, "x", Scope::Score).await.0, 401);
    }
}

#[test]
fn a_key_may_come_in_either_header() {
    let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v)))
            .collect()
    };
    for (pairs, key) in [
        (vec![("authorization", "Bearer k1")], Some("k1")),
        (vec![("authorization", "bearer  k1 ")], Some("k1")),
        (vec![("x-api-key", "k2")], Some("k2")),
        (
            vec![("authorization", "Basic abc"), ("x-api-key", "k2")],
            Some("k2"),
        ),
        (vec![("authorization", "Bearer "), ("x-api-key", "")], None),
    ] {
        assert_eq!(presented_key(&headers(&pairs)), key);
    }
}

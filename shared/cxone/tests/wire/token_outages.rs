//! A token endpoint that refuses, hangs, fails or is late, in virtual time: how often it is asked, who is answered all the same,
//! and how soon all is well again.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cxone::Error;
use cxone::oauth::{
    AccessToken, CacheError, ClientCredentials, Fingerprint, RenewalLease, SharedTokenCache,
    TokenKey, TokenSource,
};
use futures::future::BoxFuture;
use insights_http::client::{IdleConnections, build_client};
use insights_http::error::SharedCause;
use insights_http::exchange::{HttpClient, HttpExchange};
use insights_http::secret::{FixedSecret, SecretFn, SecretSource};
use insights_http::{CallLimits, Deadline};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{credentials, site};

const OUTAGE: Duration = Duration::from_secs(600);

/// What the token endpoint does with a request.
#[derive(Debug, Clone, Copy)]
enum Health {
    Well,
    Hanging,
    NoConnection,
    Status(u16, &'static str),
    Late(Duration),
}

/// A token endpoint without a network.
#[derive(Debug)]
struct Endpoint {
    health: Mutex<Health>,
    requests: AtomicU32,
    /// The one client secret that is valid.
    secret: &'static str,
}

impl Endpoint {
    fn with_secret(secret: &'static str) -> Arc<Self> {
        Arc::new(Self {
            health: Mutex::new(Health::Well),
            requests: AtomicU32::new(0),
            secret,
        })
    }

    fn is(&self, health: Health) {
        *self.health.lock().unwrap() = health;
    }

    fn requests(&self) -> u32 {
        self.requests.load(Ordering::SeqCst)
    }
}

fn reply(status: u16, body: &str) -> reqwest::Response {
    let response = http::Response::builder().status(status);
    response.body(body.to_owned()).unwrap().into()
}

impl HttpExchange for Endpoint {
    fn execute(
        &self,
        request: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, SharedCause>> {
        Box::pin(async move {
            self.requests.fetch_add(1, Ordering::SeqCst);
            let health = *self.health.lock().unwrap();
            match health {
                Health::Well => {}
                Health::Hanging => std::future::pending().await,
                Health::NoConnection => {
                    return Err(Arc::new(std::io::Error::other("refused")) as SharedCause);
                }
                Health::Status(status, body) => return Ok(reply(status, body)),
                Health::Late(delay) => sleep(delay).await,
            }
            let body = request.body().and_then(|body| body.as_bytes());
            let form = String::from_utf8(body.unwrap_or_default().to_vec()).unwrap();
            if !form.contains(&format!("client_secret={}", self.secret)) {
                return Ok(reply(401, r#"{"error":"invalid_client"}"#));
            }
            let token = format!("token-{}", self.requests());
            let answer = serde_json::json!({"access_token": token, "expires_in": 3600});
            Ok(reply(200, &answer.to_string()))
        })
    }
}

fn source(
    endpoint: &Arc<Endpoint>,
    credentials: Arc<dyn SecretSource<ClientCredentials>>,
) -> Arc<TokenSource> {
    Arc::new(unshared(endpoint, credentials))
}

/// Returns a source with a cache that other instances share.
fn source_sharing(
    endpoint: &Arc<Endpoint>,
    credentials: Arc<dyn SecretSource<ClientCredentials>>,
    shared: Arc<dyn SharedTokenCache>,
) -> TokenSource {
    unshared(endpoint, credentials).with_shared(shared)
}

fn unshared(
    endpoint: &Arc<Endpoint>,
    credentials: Arc<dyn SecretSource<ClientCredentials>>,
) -> TokenSource {
    let client = HttpClient::from(build_client(IdleConnections::Close).unwrap());
    let client = client.with_exchange(Arc::clone(endpoint) as Arc<dyn HttpExchange>);
    let (base, began) = (
        Timestamp::from_second(1_800_000_000).unwrap(),
        Instant::now(),
    );
    let tokens = TokenSource::new(
        client,
        site("https://center.example"),
        credentials,
        CallLimits::default(),
    );
    tokens.with_clock(Arc::new(move || {
        base + SignedDuration::try_from(began.elapsed()).unwrap()
    }))
}

fn within(seconds: u64) -> Deadline {
    Deadline::within(Duration::from_secs(seconds))
}

/// Lets this many callers ask for a token each second for a while.
async fn ask_for(tokens: &Arc<TokenSource>, callers: u32, lasting: Duration) {
    let until = Instant::now() + lasting;
    let callers: Vec<_> = (0..callers)
        .map(|_| {
            let tokens = Arc::clone(tokens);
            tokio::spawn(async move {
                while Instant::now() < until {
                    let _refused = tokens.token(within(5)).await;
                    sleep(Duration::from_secs(1)).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn two_hundred_callers_with_a_wrong_secret_cause_a_handful_of_requests() {
    let refusals = [
        Health::Well,
        Health::Status(400, r#"{"error":"invalid_client"}"#),
        Health::Status(400, r#"{"error":"invalid_scope"}"#),
        Health::Status(403, "{}"),
        Health::Status(404, ""),
        Health::Status(200, "<html>"),
    ];
    for health in refusals {
        let endpoint = Endpoint::with_secret("right");
        endpoint.is(health);
        let tokens = source(&endpoint, Arc::new(FixedSecret(credentials("wrong"))));
        ask_for(&tokens, 200, Duration::from_secs(30)).await;
        let requests = endpoint.requests();
        assert!((1..=4).contains(&requests), "{health:?}: {requests}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_is_known_at_once_although_the_old_secret_is_held_back() {
    let endpoint = Endpoint::with_secret("right");
    let current = Arc::new(Mutex::new("wrong"));
    let (shown, reads) = (Arc::clone(&current), Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&reads);
    let secrets = SecretFn(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(credentials(*shown.lock().unwrap())))
    });
    let tokens = source(&endpoint, Arc::new(secrets));
    ask_for(&tokens, 20, Duration::from_secs(120)).await;
    let before = endpoint.requests();
    assert!(before <= 5, "{before}");
    assert!(tokens.token(within(5)).await.is_err());
    *current.lock().unwrap() = "right";
    tokens.token(within(5)).await.unwrap();
    assert_eq!(endpoint.requests(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_credentials_are_not_tried_a_second_time_after_a_read_past_the_cache() {
    let endpoint = Endpoint::with_secret("right");
    let tokens = source(&endpoint, Arc::new(FixedSecret(credentials("wrong"))));
    let error = tokens.token(within(5)).await.unwrap_err();
    assert_eq!(endpoint.requests(), 1);
    assert!(matches!(error, Error::BadCredentials { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn with_a_token_in_hand_nobody_notices_an_outage_and_without_one_all_is_well_soon_after() {
    let outages = [
        Health::Hanging,
        Health::NoConnection,
        Health::Status(503, ""),
        Health::Status(429, ""),
        Health::Late(Duration::from_secs(8)),
    ];
    for outage in outages {
        let endpoint = Endpoint::with_secret("right");
        let tokens = source(&endpoint, Arc::new(FixedSecret(credentials("right"))));
        tokens.token(within(5)).await.unwrap();
        endpoint.is(outage);
        // A token in memory needs nobody.
        for _ in 0..OUTAGE.as_secs() {
            let started = Instant::now();
            tokens.token(within(5)).await.unwrap();
            assert_eq!(started.elapsed(), Duration::ZERO, "{outage:?}");
            sleep(Duration::from_secs(1)).await;
        }
        // The token expires during the outage: every caller is answered by its deadline, and asked to try again.
        sleep(Duration::from_secs(3600)).await;
        let (began, before) = (Instant::now(), endpoint.requests());
        while began.elapsed() < OUTAGE {
            let started = Instant::now();
            if let Err(error) = tokens.token(within(5)).await {
                assert!(error.is_retryable(), "{outage:?}: {error:?}");
            }
            assert!(started.elapsed() <= Duration::from_secs(5), "{outage:?}");
            sleep(Duration::from_secs(1)).await;
        }
        let requests = endpoint.requests() - before;
        // One renewal at a time, however many callers there are: never more than one request a second.
        assert!(requests <= 600, "{outage:?}: {requests} requests");
        endpoint.is(Health::Well);
        let recovered = Instant::now();
        while tokens.token(within(5)).await.is_err() {
            sleep(Duration::from_secs(1)).await;
        }
        let took = recovered.elapsed();
        assert!(took <= Duration::from_secs(31), "{outage:?}: {took:?}");
    }
}

/// A shared cache that holds nothing and forgets nothing: removing a token never ends.
#[derive(Debug, Default)]
struct ForgetsNever {
    removals: AtomicU32,
}

impl SharedTokenCache for ForgetsNever {
    fn load<'a>(
        &'a self,
        _key: &'a TokenKey,
    ) -> BoxFuture<'a, Result<Option<AccessToken>, CacheError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn store<'a>(
        &'a self,
        _key: &'a TokenKey,
        _token: &'a AccessToken,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn invalidate<'a>(
        &'a self,
        _key: &'a TokenKey,
        _fingerprint: &'a Fingerprint,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        self.removals.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::pending())
    }

    fn try_lease<'a>(
        &'a self,
        _key: &'a TokenKey,
        _duration: Duration,
    ) -> BoxFuture<'a, Result<Option<Box<dyn RenewalLease>>, CacheError>> {
        Box::pin(std::future::ready(Err("no leases here".into())))
    }
}

/// Invalidates a token within this time, and returns how long that took.
async fn invalidate_within(
    tokens: &TokenSource,
    token: &AccessToken,
    limit: Duration,
) -> Option<Duration> {
    let started = Instant::now();
    let invalidated = tokens.invalidate(token, Deadline::within(limit));
    let ended = timeout(Duration::from_secs(3600), invalidated).await;
    ended.ok().map(|()| started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_token_is_forgotten_by_the_deadline_although_the_secret_store_hangs() {
    let endpoint = Endpoint::with_secret("right");
    let (hangs, reads) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    let (hanging, counted) = (Arc::clone(&hangs), Arc::clone(&reads));
    let secrets = SecretFn(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        let hangs = hanging.load(Ordering::SeqCst);
        async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            Ok(credentials("right"))
        }
    });
    let cache = Arc::new(ForgetsNever::default());
    let tokens = source_sharing(&endpoint, Arc::new(secrets), cache.clone());
    let token = tokens.token(within(5)).await.unwrap();
    hangs.store(true, Ordering::SeqCst);
    let before = reads.load(Ordering::SeqCst);
    // Far less than the secret store, and more than the token cache, would be given without a deadline.
    let limit = Duration::from_secs(2);
    let took = invalidate_within(&tokens, &token, limit).await;
    assert_eq!(took, Some(limit));
    assert_eq!(reads.load(Ordering::SeqCst), before + 1);
    assert_eq!(cache.removals.load(Ordering::SeqCst), 0);
    // Memory has forgotten the token all the same.
    hangs.store(false, Ordering::SeqCst);
    let next = tokens.token(within(5)).await.unwrap();
    assert_ne!(next.fingerprint(), token.fingerprint());
    assert_eq!(endpoint.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_forgotten_by_the_deadline_although_the_token_cache_hangs() {
    // The caller's deadline counts where it is near, and the time of one call to the cache where the deadline is far.
    for (limit_ms, took_ms) in [(0, 0), (300, 300), (60_000, 1000)] {
        let endpoint = Endpoint::with_secret("right");
        let cache = Arc::new(ForgetsNever::default());
        let secrets = Arc::new(FixedSecret(credentials("right")));
        let tokens = source_sharing(&endpoint, secrets, cache.clone());
        let token = tokens.token(within(5)).await.unwrap();
        let limit = Duration::from_millis(limit_ms);
        let took = invalidate_within(&tokens, &token, limit).await;
        assert_eq!(took, Some(Duration::from_millis(took_ms)), "{limit:?}");
        assert!(cache.removals.load(Ordering::SeqCst) <= 1, "{limit:?}");
        let next = tokens.token(within(5)).await.unwrap();
        assert_ne!(next.fingerprint(), token.fingerprint(), "{limit:?}");
        assert_eq!(endpoint.requests(), 2, "{limit:?}");
    }
}

//! The cache above a store that hangs, fails, is late and recovers, in virtual time.

use std::sync::atomic::{AtomicU32, Ordering};

use secrecy::{ExposeSecret, SecretString};
use tokio::time::{advance, sleep};

use super::*;

/// What the store does with a read.
#[derive(Debug, Clone, Copy)]
enum Health {
    Well,
    Hanging,
    Refusing,
    Late(Duration),
}

/// A store whose behavior a test changes.
#[derive(Debug, Clone)]
struct Fake(Arc<FakeState>);

#[derive(Debug)]
struct FakeState {
    health: Mutex<Health>,
    key: Mutex<&'static str>,
    reads: AtomicU32,
}

impl Fake {
    fn new() -> Self {
        Self(Arc::new(FakeState {
            health: Mutex::new(Health::Well),
            key: Mutex::new("one"),
            reads: AtomicU32::new(0),
        }))
    }

    fn is(&self, health: Health) {
        *self.0.health.lock().unwrap() = health;
    }

    fn rotate(&self, key: &'static str) {
        *self.0.key.lock().unwrap() = key;
    }

    fn reads(&self) -> u32 {
        self.0.reads.load(Ordering::SeqCst)
    }
}

impl SecretStore for Fake {
    async fn fetch(&self) -> Result<Secrets, Error> {
        self.0.reads.fetch_add(1, Ordering::SeqCst);
        let health = *self.0.health.lock().unwrap();
        match health {
            Health::Well => {}
            Health::Hanging => std::future::pending().await,
            Health::Refusing => {
                return Err(Error::Unavailable {
                    store: "a fake",
                    operation: "read",
                    source: "refused".into(),
                });
            }
            Health::Late(delay) => sleep(delay).await,
        }
        let key = SecretString::from(*self.0.key.lock().unwrap());
        Ok(Secrets::from_iter([("api_key".to_owned(), key)]))
    }
}

fn key_of(found: Found) -> String {
    let secrets = found.expect("the secrets");
    secrets.get("api_key").unwrap().expose_secret().to_owned()
}

/// Returns the key that a caller gets and how long it waited, in virtual time.
async fn got(cached: &CachedSecrets<Fake>) -> (String, Duration) {
    let started = Instant::now();
    let key = key_of(cached.get().await);
    (key, started.elapsed())
}

/// Returns the same for a caller whose key was refused.
async fn refreshed(cached: &CachedSecrets<Fake>) -> (String, Duration) {
    let started = Instant::now();
    let key = key_of(cached.refresh_after_auth_failure().await);
    (key, started.elapsed())
}

const OUTAGES: [Health; 3] = [
    Health::Hanging,
    Health::Refusing,
    Health::Late(Duration::from_secs(9)),
];

#[tokio::test(start_paused = true)]
async fn callers_are_answered_at_once_while_the_store_is_down_for_ten_minutes() {
    for outage in OUTAGES {
        let store = Fake::new();
        let cached = CachedSecrets::new(store.clone());
        assert_eq!(got(&cached).await.0, "one");
        store.is(outage);
        let before = store.reads();
        for second in 0..900 {
            let (key, waited) = got(&cached).await;
            assert_eq!(key, "one", "{outage:?}");
            assert!(
                waited < Duration::from_millis(100),
                "{outage:?}: {waited:?} after {second} s"
            );
            advance(Duration::from_secs(1)).await;
        }
        let reads = store.reads() - before;
        assert!((1..=62).contains(&reads), "{outage:?}: {reads} reads");
    }
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_a_rotated_key_is_known_within_thirty_seconds() {
    for outage in OUTAGES {
        let store = Fake::new();
        let cached = CachedSecrets::new(store.clone());
        got(&cached).await;
        store.is(outage);
        for _ in 0..600 {
            got(&cached).await;
            advance(Duration::from_secs(1)).await;
        }
        store.is(Health::Well);
        store.rotate("two");
        let recovered = Instant::now();
        while got(&cached).await.0 != "two" {
            advance(Duration::from_secs(1)).await;
        }
        let took = recovered.elapsed();
        assert!(took <= Duration::from_secs(30), "{outage:?}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_strangers_wrong_keys_delay_nobody_but_the_stranger() {
    let store = Fake::new();
    let cached = Arc::new(CachedSecrets::new(store.clone()));
    got(&cached).await;
    advance(Duration::from_secs(11)).await;
    store.is(Health::Hanging);
    let strangers: Vec<_> = (0..50)
        .map(|_| {
            let cached = Arc::clone(&cached);
            tokio::spawn(async move { refreshed(&cached).await.1 })
        })
        .collect();
    tokio::task::yield_now().await;
    let (key, waited) = got(&cached).await;
    assert_eq!((key.as_str(), waited), ("one", Duration::ZERO));
    for stranger in strangers {
        let waited = stranger.await.unwrap();
        assert!(
            waited <= LONGEST_WAIT + Duration::from_millis(1),
            "{waited:?}"
        );
    }
    assert_eq!(store.reads(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_neither_ends_the_read_nor_makes_another() {
    let store = Fake::new();
    let cached = CachedSecrets::new(store.clone());
    store.is(Health::Late(Duration::from_secs(3)));
    let short = Duration::from_secs(1);
    assert!(tokio::time::timeout(short, cached.get()).await.is_err());
    assert!(tokio::time::timeout(short, cached.get()).await.is_err());
    assert_eq!(got(&cached).await.0, "one");
    assert_eq!(store.reads(), 1);
    // The same with a value in hand, after the period.
    advance(TTL_DEFAULT).await;
    let hurried = tokio::time::timeout(Duration::from_millis(1), cached.get());
    assert!(hurried.await.is_err());
    store.rotate("two");
    sleep(Duration::from_secs(4)).await;
    assert_eq!(got(&cached).await, ("two".to_owned(), Duration::ZERO));
    assert_eq!(store.reads(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_first_read_answers_all_who_waited_and_the_next_caller_reads_again() {
    let store = Fake::new();
    store.is(Health::Refusing);
    let cached = CachedSecrets::new(store.clone());
    let all = futures::future::join_all((0..20).map(|_| cached.get())).await;
    assert!(
        all.iter()
            .all(|one| one.as_ref().is_err_and(|error| error.is_retryable()))
    );
    assert_eq!(store.reads(), 1);
    store.is(Health::Well);
    assert_eq!(got(&cached).await.0, "one");
}

#[tokio::test(start_paused = true)]
async fn a_first_read_without_an_answer_fails_in_the_end() {
    let store = Fake::new();
    store.is(Health::Hanging);
    let cached = CachedSecrets::new(store.clone());
    let started = Instant::now();
    assert!(cached.get().await.unwrap_err().is_retryable());
    assert_eq!(started.elapsed(), READ_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_value_as_old_as_two_periods_is_given_only_if_the_store_does_not_answer_soon() {
    let store = Fake::new();
    let cached = CachedSecrets::new(store.clone());
    got(&cached).await;
    store.rotate("two");
    store.is(Health::Late(Duration::from_millis(400)));
    advance(TTL_DEFAULT * 2).await;
    assert_eq!(got(&cached).await.0, "two");
}

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_is_known_after_the_period_or_a_failed_authentication() {
    let store = Fake::new();
    let cached = CachedSecrets::new(store.clone());
    got(&cached).await;
    store.rotate("two");
    advance(TTL_DEFAULT - Duration::from_secs(1)).await;
    assert_eq!(got(&cached).await.0, "one");
    advance(Duration::from_secs(2)).await;
    assert_eq!(got(&cached).await.0, "two");
    store.rotate("three");
    // Read a moment ago: a stranger's wrong key does not make another read.
    assert_eq!(refreshed(&cached).await.0, "two");
    advance(READ_INTERVAL_MIN).await;
    assert_eq!(refreshed(&cached).await.0, "three");
    assert_eq!(got(&cached).await.0, "three");
}

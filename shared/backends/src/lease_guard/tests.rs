//! The guard against a store in memory that can be made to fail, with time that the tests control.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

use store::state::{Expect, Item, Put};

use super::*;

const DURATION: Duration = Duration::from_secs(10);

/// How the store answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    #[default]
    Healthy,
    /// The store refuses every call.
    Unavailable,
    /// The store answers no call.
    Hanging,
    /// Writes, and then fails.
    AnswerLost,
}

#[derive(Default)]
struct Inner {
    items: Mutex<HashMap<Key, Item>>,
    mode: Mutex<Mode>,
    writes: AtomicU32,
    versions: AtomicU64,
}

#[derive(Clone, Default)]
struct FaultyStore(Arc<Inner>);

impl FaultyStore {
    fn set(&self, mode: Mode) {
        *self.0.mode.lock().unwrap() = mode;
    }

    async fn answer(&self) -> Result<Mode, Error> {
        let mode = *self.0.mode.lock().unwrap();
        match mode {
            Mode::Hanging => std::future::pending().await,
            Mode::Unavailable => Err(unavailable()),
            mode => Ok(mode),
        }
    }
}

fn unavailable() -> Error {
    Error::Unavailable {
        store: "memory",
        operation: "put",
        source: "the test says so".into(),
    }
}

impl StateStore for FaultyStore {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Item>, Error> {
        self.answer().await?;
        let item = self.0.items.lock().unwrap().get(key).cloned();
        Ok(item.filter(|item| item.expires_at.is_none_or(|at| at > now)))
    }

    async fn put(&self, put: Put, expect: Expect, now: Timestamp) -> Result<u64, Error> {
        let mode = self.answer().await?;
        self.0.writes.fetch_add(1, Ordering::SeqCst);
        let mut items = self.0.items.lock().unwrap();
        let is_live = |item: &&Item| item.expires_at.is_none_or(|at| at > now);
        let stored = items.get(&put.key).filter(is_live);
        let stored = stored.map(|item| item.version);
        let holds = match expect {
            Expect::Any => true,
            Expect::Absent => stored.is_none(),
            Expect::Version(version) => stored == Some(version),
        };
        if !holds {
            return Err(Error::Conflict {
                key: put.key.to_string(),
            });
        }
        let version = self.0.versions.fetch_add(1, Ordering::SeqCst) + 1;
        let Put {
            key,
            body,
            expires_at,
        } = put;
        items.insert(
            key.clone(),
            Item {
                key,
                body,
                version,
                expires_at,
            },
        );
        match mode {
            Mode::AnswerLost => Err(unavailable()),
            _ => Ok(version),
        }
    }

    async fn put_many(&self, _puts: Vec<Put>, _now: Timestamp) -> Result<(), Error> {
        Ok(())
    }

    async fn delete(&self, key: &Key, expect: Expect, _now: Timestamp) -> Result<(), Error> {
        self.answer().await?;
        let mut items = self.0.items.lock().unwrap();
        let stored = items.get(key).map(|item| item.version);
        match expect {
            Expect::Version(version) if stored != Some(version) => Err(Error::Conflict {
                key: key.to_string(),
            }),
            _ => {
                items.remove(key);
                Ok(())
            }
        }
    }

    async fn list(
        &self,
        _partition: &str,
        _prefix: &str,
        _after: Option<&str>,
        _limit: usize,
        _now: Timestamp,
    ) -> Result<Vec<Item>, Error> {
        Ok(Vec::new())
    }
}

/// A store, a clock that follows tokio's, and how far the clock was moved beside that.
struct Fixture {
    store: FaultyStore,
    leases: Leases<FaultyStore>,
    jump_seconds: Arc<AtomicI64>,
}

impl Fixture {
    fn new() -> Self {
        let store = FaultyStore::default();
        let jump_seconds = Arc::new(AtomicI64::new(0));
        let (jump, start) = (Arc::clone(&jump_seconds), Instant::now());
        let clock = move || {
            let elapsed = SignedDuration::try_from(start.elapsed()).unwrap();
            let jump = SignedDuration::from_secs(jump.load(Ordering::SeqCst));
            Timestamp::UNIX_EPOCH + elapsed + jump
        };
        Self {
            leases: Leases::with_clock(store.clone(), Arc::new(clock)),
            store,
            jump_seconds,
        }
    }

    async fn take(&self, holder: &str) -> Option<LeaseGuard> {
        self.leases
            .try_acquire(key(), holder, DURATION)
            .await
            .unwrap()
    }

    fn is_stored(&self) -> bool {
        self.store.0.items.lock().unwrap().contains_key(&key())
    }
}

fn key() -> Key {
    Key::new("chat-agent#7", "lease")
}

async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Lets spawned tasks run without the time passing.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_as_long_as_its_guard_lives() {
    let fixture = Fixture::new();
    let guard = fixture.take("first").await.unwrap();
    for _ in 0..20 {
        pass(DURATION / 2).await;
        assert!(guard.is_held());
        assert!(fixture.take("second").await.is_none());
    }
    let writes = fixture.store.0.writes.load(Ordering::SeqCst);
    assert!(
        (25..=40).contains(&writes),
        "{writes} writes in ten durations"
    );
}

#[tokio::test(start_paused = true)]
async fn a_released_lease_can_be_taken_at_once() {
    let fixture = Fixture::new();
    let guard = fixture.take("first").await.unwrap();
    let lost = guard.lost();
    guard.release().await.unwrap();
    assert!(!fixture.is_stored());
    assert!(fixture.take("second").await.is_some());
    pass(DURATION * 2).await;
    assert!(
        !lost.is_cancelled(),
        "a lease that was released is not lost"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dropped_guard_gives_its_lease_back() {
    let fixture = Fixture::new();
    drop(fixture.take("first").await.unwrap());
    settle().await;
    assert!(!fixture.is_stored());
}

#[tokio::test(start_paused = true)]
async fn a_guard_may_let_its_lease_expire_instead() {
    let fixture = Fixture::new();
    drop(fixture.take("first").await.unwrap().expire_on_drop());
    pass(DURATION - Duration::from_millis(1)).await;
    assert!(fixture.take("second").await.is_none());
    pass(Duration::from_millis(1)).await;
    assert!(fixture.take("second").await.is_some());
}

#[tokio::test(start_paused = true)]
async fn work_is_canceled_when_another_holder_took_the_lease() {
    let fixture = Fixture::new();
    let guard = fixture.take("first").await.unwrap();
    // The first holder was silent for longer than its lease, as far as the second can see.
    let later = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
    let duration = SignedDuration::from_secs(10);
    let taken = Lease::acquire(&fixture.store, key(), "second", duration, later)
        .await
        .unwrap();
    assert!(taken.is_some());
    let lost = guard.run(std::future::pending::<()>()).await.unwrap_err();
    assert_eq!(lost.key, key());
    assert!(!guard.is_held());
    guard.release().await.unwrap();
    assert!(fixture.is_stored(), "the lease stays with its new holder");
}

#[tokio::test(start_paused = true)]
async fn work_is_canceled_before_the_lease_ends_when_the_store_fails_or_hangs() {
    for mode in [Mode::Unavailable, Mode::Hanging] {
        let fixture = Fixture::new();
        let guard = fixture.take("first").await.unwrap();
        let began = Instant::now();
        fixture.store.set(mode);
        guard.run(std::future::pending::<()>()).await.unwrap_err();
        let elapsed = began.elapsed();
        assert!(
            elapsed < DURATION,
            "{mode:?}: outlived its lease by {elapsed:?}"
        );
        assert!(
            elapsed > DURATION / 2,
            "{mode:?}: gave up after {elapsed:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_recovers_in_time_costs_nothing() {
    let fixture = Fixture::new();
    let guard = fixture.take("first").await.unwrap();
    for mode in [Mode::Unavailable, Mode::Hanging, Mode::AnswerLost] {
        fixture.store.set(mode);
        pass(DURATION / 4).await;
        fixture.store.set(Mode::Healthy);
        pass(DURATION).await;
        assert!(guard.is_held(), "{mode:?}");
        assert!(fixture.take("second").await.is_none(), "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_whose_answer_was_lost_is_recognized_as_the_holders_own() {
    let fixture = Fixture::new();
    let guard = fixture.take("first").await.unwrap();
    fixture.store.set(Mode::AnswerLost);
    pass(DURATION / 2).await;
    fixture.store.set(Mode::Healthy);
    guard.release().await.unwrap();
    assert!(!fixture.is_stored(), "the holder deletes what it wrote");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_frozen_finds_its_lease_lost() {
    let fixture = Fixture::new();
    let guard = fixture.take("first").await.unwrap();
    // Only the wall clock passes while a function is frozen.
    fixture.jump_seconds.store(60, Ordering::SeqCst);
    guard.run(std::future::pending::<()>()).await.unwrap_err();
    assert!(fixture.take("second").await.is_some());
}

#[tokio::test(start_paused = true)]
async fn work_that_ends_in_time_gives_its_output() {
    let fixture = Fixture::new();
    let guard = fixture.take("first").await.unwrap();
    let work = async {
        pass(DURATION * 3).await;
        7
    };
    assert_eq!(guard.run(work).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_taker_waits_for_the_holder_as_long_as_it_says() {
    let fixture = Fixture::new();
    let guard = fixture.take("first").await.unwrap();
    let take = |wait| {
        fixture
            .leases
            .acquire_within(key(), "second", DURATION, wait)
    };
    let began = Instant::now();
    assert!(take(Duration::ZERO).await.unwrap().is_none());
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(take(DURATION).await.unwrap().is_none());
    assert_eq!(began.elapsed(), DURATION);
    let (taken, released) = tokio::join!(take(DURATION), async {
        pass(Duration::from_secs(3)).await;
        guard.release().await
    });
    released.unwrap();
    assert!(taken.unwrap().is_some());
    assert!(began.elapsed() < DURATION + Duration::from_secs(4));
}

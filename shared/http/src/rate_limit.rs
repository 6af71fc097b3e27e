//! A rate limit that many tasks share: requests go out in the order in which they asked, and all of them can be paused.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter as Governor};
use tokio::time::Instant;

use crate::deadline::Deadline;

/// Lets a number of requests a second through, over a whole process.
///
/// - It is fair: [`acquire`](Self::acquire) serves its callers in the order in which they asked.
/// - It knows deadlines: a caller whose turn cannot come in time gets an error at once, and uses up nothing.
/// - It can be paused: after a 429 nobody asks before [`pause_until`](Self::pause_until) has passed, because the refusal
///   is meant for the client and not for one call.
///
/// Time is tokio's, so that tests with paused time hold for it.
///
/// ```
/// use insights_http::Deadline;
/// use insights_http::rate_limit::RateLimiter;
/// use std::time::Duration;
/// use tokio::time::Instant;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let limiter = RateLimiter::new(10, 2); // 10 requests a second, of which 2 may go at once
/// let deadline = Deadline::within(Duration::from_secs(5));
/// let started = Instant::now();
/// for _ in 0..4 {
///     limiter.acquire(deadline).await.expect("5 s are enough for 4 requests");
///     // ... make the request ...
/// }
/// assert_eq!(started.elapsed().as_millis(), 200);
///
/// limiter.pause_until(Instant::now() + Duration::from_secs(60)); // the server answered 429
/// assert!(limiter.acquire(deadline).await.is_err());
/// # }
/// ```
#[derive(Debug)]
pub struct RateLimiter {
    governor: Governor<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>,
    clock: TokioClock,
    paused_until: Mutex<Option<Instant>>,
    /// The turns that other processes take too, where there are such.
    turns: Option<Arc<dyn SharedTurns>>,
    /// Held by the caller whose turn is next. Tokio's mutex serves its waiters in order, which governor does not.
    next: tokio::sync::Mutex<()>,
}

/// Turns that several processes share, one request each.
pub trait SharedTurns: std::fmt::Debug + Send + Sync {
    /// Takes the next turn, unless it comes later than `longest_wait` from now. Returns how long to wait for it; `None` if it would come
    /// later, which uses up nothing.
    fn take(&self, longest_wait: Duration) -> BoxFuture<'_, Option<Duration>>;
}

/// The turn of a request could not come before its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rate limit leaves no room for another request before the deadline")]
pub struct RateLimitTimeout;

impl RateLimiter {
    /// Builds a limiter of `per_second` requests a second, of which `burst` may go at once; zero counts as one.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        Self::with_quota(Quota::per_second(at_least_one(per_second)), burst)
    }

    /// Builds a limiter of one request every `interval`, of which `burst` may go at once; for rates below one a second too.
    #[must_use]
    pub fn with_interval(interval: Duration, burst: u32) -> Self {
        let shortest = Duration::from_nanos(1);
        let quota = Quota::with_period(interval.max(shortest));
        let quota = quota.unwrap_or(Quota::per_second(NonZeroU32::MIN));
        Self::with_quota(quota, burst)
    }

    /// Returns the same limiter, each of whose requests takes a turn of other processes too.
    #[must_use]
    pub fn with_shared_turns(mut self, turns: Arc<dyn SharedTurns>) -> Self {
        self.turns = Some(turns);
        self
    }

    fn with_quota(quota: Quota, burst: u32) -> Self {
        let quota = quota.allow_burst(at_least_one(burst));
        let clock = TokioClock {
            started: Instant::now(),
        };
        Self {
            governor: Governor::direct_with_clock(quota, clock),
            clock,
            paused_until: Mutex::default(),
            turns: None,
            next: tokio::sync::Mutex::default(),
        }
    }

    /// Waits until it is this caller's turn to make one request.
    ///
    /// # Errors
    /// [`RateLimitTimeout`] if the turn does not come before the deadline: at once if that is certain, else at the
    /// deadline. The request must not be made then; its room is left for others.
    pub async fn acquire(&self, deadline: Deadline) -> Result<(), RateLimitTimeout> {
        let next = deadline.bound(self.next.lock()).await;
        let _next = next.ok_or(RateLimitTimeout)?;
        loop {
            if let Some(until) = self.paused_until() {
                wait_until(until, deadline).await?;
                // The pause may have been prolonged in the meantime.
                continue;
            }
            let Err(too_early) = self.governor.check() else {
                return self.take_shared_turn(deadline).await;
            };
            let wait = too_early.wait_time_from(self.clock.now());
            wait_until(Instant::now() + wait, deadline).await?;
        }
    }

    /// Waits for a turn among all processes, where they share turns.
    async fn take_shared_turn(&self, deadline: Deadline) -> Result<(), RateLimitTimeout> {
        let Some(turns) = &self.turns else {
            return Ok(());
        };
        let taken = deadline.bound(turns.take(deadline.remaining())).await;
        let wait = taken.flatten().ok_or(RateLimitTimeout)?;
        wait_until(Instant::now() + wait, deadline).await
    }

    /// Lets nobody through before `instant`. Of several pauses the latest counts.
    pub fn pause_until(&self, instant: Instant) {
        let mut paused = self.lock_pause();
        *paused = Some(paused.map_or(instant, |before| before.max(instant)));
    }

    /// Returns when the pause ends, if there is one.
    fn paused_until(&self) -> Option<Instant> {
        self.lock_pause().filter(|until| *until > Instant::now())
    }

    fn lock_pause(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// Sleeps until `instant`, or fails at once if that is not before the deadline.
async fn wait_until(instant: Instant, deadline: Deadline) -> Result<(), RateLimitTimeout> {
    if instant >= deadline.instant() {
        return Err(RateLimitTimeout);
    }
    tokio::time::sleep_until(instant).await;
    Ok(())
}

/// Tokio's clock in governor's terms. Governor's own clock and timer would not follow a test's paused time.
#[derive(Debug, Clone, Copy)]
struct TokioClock {
    started: Instant,
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn within(ms: u64) -> Deadline {
        Deadline::within(Duration::from_millis(ms))
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let (limiter, started) = (RateLimiter::new(10, 3), Instant::now());
        let mut passed = Vec::new();
        for _ in 0..6 {
            limiter.acquire(within(10_000)).await.unwrap();
            passed.push(started.elapsed().as_millis());
        }
        // Tokio's timer rounds a wait up to the next millisecond.
        let expected: [u128; 6] = [0, 0, 0, 100, 200, 300];
        for (passed, expected) in passed.into_iter().zip(expected) {
            assert!((expected..=expected + 2).contains(&passed), "{passed} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_may_be_lower_than_one_a_second() {
        let (limiter, started) = (
            RateLimiter::with_interval(Duration::from_secs(4), 1),
            Instant::now(),
        );
        for _ in 0..3 {
            limiter.acquire(within(10_000)).await.unwrap();
        }
        let passed = started.elapsed().as_millis();
        assert!((8000..=8005).contains(&passed), "{passed} ms");
    }

    /// Turns of which the next one comes after a second.
    #[derive(Debug)]
    struct SecondAway;

    impl SharedTurns for SecondAway {
        fn take(&self, longest_wait: Duration) -> BoxFuture<'_, Option<Duration>> {
            let wait = Duration::from_secs(1);
            Box::pin(std::future::ready((wait <= longest_wait).then_some(wait)))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_its_turn_among_all_processes() {
        let limiter = RateLimiter::new(100, 100).with_shared_turns(Arc::new(SecondAway));
        let started = Instant::now();
        assert_eq!(limiter.acquire(within(900)).await, Err(RateLimitTimeout));
        assert_eq!(started.elapsed(), Duration::ZERO);
        limiter.acquire(within(1100)).await.unwrap();
        assert_eq!(started.elapsed().as_millis(), 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn callers_are_served_in_the_order_in_which_they_asked() {
        let limiter = Arc::new(RateLimiter::new(100, 1));
        let (sender, mut order) = tokio::sync::mpsc::unbounded_channel();
        for caller in 0..20 {
            let (limiter, sender) = (Arc::clone(&limiter), sender.clone());
            tokio::spawn(async move {
                limiter.acquire(within(10_000)).await.unwrap();
                sender.send(caller).unwrap();
            });
            tokio::task::yield_now().await;
        }
        drop(sender);
        let mut served = Vec::new();
        while let Some(caller) = order.recv().await {
            served.push(caller);
        }
        assert_eq!(served, (0..20).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_cannot_come_in_time_is_refused_at_once_and_uses_up_nothing() {
        let (limiter, started) = (RateLimiter::new(1, 1), Instant::now());
        limiter.acquire(within(1)).await.unwrap();
        assert_eq!(limiter.acquire(within(900)).await, Err(RateLimitTimeout));
        assert_eq!(started.elapsed(), Duration::ZERO);
        limiter.acquire(within(1100)).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_behind_others_gives_up_at_its_deadline() {
        let (limiter, started) = (Arc::new(RateLimiter::new(1, 1)), Instant::now());
        limiter.acquire(within(1)).await.unwrap();
        let ahead = Arc::clone(&limiter);
        let ahead = tokio::spawn(async move { ahead.acquire(within(10_000)).await });
        tokio::task::yield_now().await;
        assert_eq!(limiter.acquire(within(500)).await, Err(RateLimitTimeout));
        assert_eq!(started.elapsed().as_millis(), 500);
        ahead.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everybody_and_the_latest_counts() {
        let (limiter, started) = (RateLimiter::new(1000, 1000), Instant::now());
        limiter.pause_until(started + Duration::from_millis(80));
        limiter.pause_until(started + Duration::from_millis(10));
        assert_eq!(limiter.acquire(within(60)).await, Err(RateLimitTimeout));
        limiter.acquire(within(1000)).await.unwrap();
        assert_eq!(started.elapsed().as_millis(), 80);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_is_dropped_while_it_waits_lets_the_next_one_pass() {
        let limiter = RateLimiter::new(1, 1);
        limiter.acquire(within(1)).await.unwrap();
        let given_up =
            tokio::time::timeout(Duration::from_millis(100), limiter.acquire(within(10_000)));
        assert!(given_up.await.is_err());
        limiter.acquire(within(1000)).await.unwrap();
    }
}

//! Limits how fast the contact center is asked: a rate for the whole process, a pause after a 429, and longer delays while
//! many calls are followed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use insights_http::Deadline;
use insights_http::backoff::BackoffPolicy;
use insights_http::rate_limit::RateLimiter;
use tokio::time::Instant;

use crate::config::Config;

/// Longest pause that the contact center can ask for.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// The pacer of one process, which all of its calls share.
#[derive(Debug)]
pub struct RequestPacer {
    limiter: RateLimiter,
    followed_calls: AtomicUsize,
    idle: Duration,
    busy_calls: usize,
    busy_idle: Duration,
}

impl RequestPacer {
    /// Creates a pacer with the configured rate and delays.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        // A burst of a tenth of a second spreads the first polls of calls that began at the same time.
        let burst = config.rate.div_ceil(10);
        Self {
            limiter: RateLimiter::new(config.rate, burst),
            followed_calls: AtomicUsize::new(0),
            idle: config.idle,
            busy_calls: config.busy_calls,
            busy_idle: config.busy_idle,
        }
    }

    /// Waits until the rate allows a request and no pause is in force.
    pub(crate) async fn wait_for_turn(&self) {
        // Every caller waits for its turn however long it takes: pauses end within a minute. With this deadline, which is a
        // year away, the limiter cannot refuse a turn.
        let _ = self.limiter.acquire(Deadline::within(Duration::MAX)).await;
    }

    /// Pauses the requests of all calls, at most for a minute: the contact center limits the client, not one call. A pause
    /// that is in force is never shortened.
    pub(crate) fn pause_for(&self, wait: Duration) {
        self.limiter
            .pause_until(Instant::now() + wait.min(MAX_PAUSE));
    }

    /// Sets the number of calls that are followed, which decides between the normal and the busy delay.
    pub(crate) fn set_followed_calls(&self, calls: usize) {
        self.followed_calls.store(calls, Ordering::Relaxed);
    }

    /// Returns the delay between two polls of one call. The delay varies by a tenth in either direction, so that the polls of
    /// many calls do not coincide.
    pub(crate) fn idle_delay(&self) -> Duration {
        let is_busy = self.followed_calls.load(Ordering::Relaxed) > self.busy_calls;
        let idle = if is_busy { self.busy_idle } else { self.idle };
        idle.mul_f64(0.9 + 0.2 * rand::random::<f64>())
    }

    /// Returns the delay before the next round of a call after `failures` failed rounds in a row, by the policy
    /// [`BackoffPolicy::CALL_ROUND`] with the idle delay as its base.
    pub(crate) fn retry_delay(&self, failures: u32) -> Duration {
        let policy = BackoffPolicy {
            base: self.idle_delay(),
            ..BackoffPolicy::CALL_ROUND
        };
        policy.delay(failures, rand::random())
    }
}

#[cfg(test)]
mod tests {
    use runtime::config::Env;

    use super::*;

    fn pacer() -> RequestPacer {
        RequestPacer::new(&Config::from_env(&Env::default()).unwrap())
    }

    #[test]
    fn many_calls_are_polled_more_slowly() {
        let pacer = pacer();
        pacer.set_followed_calls(100);
        assert!(pacer.idle_delay() <= Duration::from_millis(1100));
        pacer.set_followed_calls(101);
        assert!(pacer.idle_delay() >= Duration::from_millis(1800));
    }

    #[test]
    fn failures_slow_a_call_down_to_half_a_minute() {
        let pacer = pacer();
        assert!(pacer.retry_delay(1) <= Duration::from_millis(1100));
        assert!(pacer.retry_delay(3) >= Duration::from_millis(3600));
        assert_eq!(pacer.retry_delay(40), Duration::from_secs(30));
    }

    #[tokio::test]
    async fn a_pause_holds_every_request_and_the_longer_one_counts() {
        let pacer = pacer();
        pacer.pause_for(Duration::from_millis(80));
        pacer.pause_for(Duration::from_millis(10));
        let began = Instant::now();
        pacer.wait_for_turn().await;
        assert!(began.elapsed() >= Duration::from_millis(75));
    }
}

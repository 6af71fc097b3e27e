//! How fast the contact centre is asked: a shared rate, a pause after a 429, and a slower pace with many calls.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::Instant;

use crate::config::Config;

/// The pace of one process.
#[derive(Debug)]
pub struct Pace {
    limiter: DefaultDirectRateLimiter,
    paused_until: Mutex<Option<Instant>>,
    calls: AtomicUsize,
    idle: Duration,
    busy_calls: usize,
    busy_idle: Duration,
}

impl Pace {
    /// The configured pace.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let rate = NonZeroU32::new(config.rate).unwrap_or(NonZeroU32::MIN);
        // A burst of a tenth of a second: calls that began at once are spread.
        let burst = NonZeroU32::new(config.rate.div_ceil(10)).unwrap_or(NonZeroU32::MIN);
        Self {
            limiter: RateLimiter::direct(Quota::per_second(rate).allow_burst(burst)),
            paused_until: Mutex::default(),
            calls: AtomicUsize::new(0),
            idle: config.idle,
            busy_calls: config.busy_calls,
            busy_idle: config.busy_idle,
        }
    }

    /// Waits for this request's turn.
    pub(crate) async fn turn(&self) {
        self.limiter.until_ready().await;
        loop {
            let until = *self.paused();
            match until.filter(|until| *until > Instant::now()) {
                Some(until) => tokio::time::sleep_until(until).await,
                None => return,
            }
        }
    }

    /// Asks nothing for a while: the contact centre said so, and it means the client, not one call.
    pub(crate) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait.min(Duration::from_secs(60));
        let mut paused = self.paused();
        *paused = Some(paused.map_or(until, |before| before.max(until)));
    }

    /// So many calls are followed now.
    pub(crate) fn set_calls(&self, calls: usize) {
        self.calls.store(calls, Ordering::Relaxed);
    }

    /// The time between two polls of a call, spread by a tenth either way so that calls do not march in step.
    pub(crate) fn idle(&self) -> Duration {
        let busy = self.calls.load(Ordering::Relaxed) > self.busy_calls;
        let idle = if busy { self.busy_idle } else { self.idle };
        idle.mul_f64(0.9 + 0.2 * rand::random::<f64>())
    }

    /// The time before the next round after so many failed ones in a row: the idle time, doubled up to half a minute.
    pub(crate) fn backoff(&self, failures: u32) -> Duration {
        const LONGEST: Duration = Duration::from_secs(30);
        let doubled = self
            .idle()
            .saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(10)));
        doubled.min(LONGEST)
    }

    fn paused(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use runtime::config::Env;

    use super::*;

    fn pace() -> Pace {
        Pace::new(&Config::from_env(&Env::default()).unwrap())
    }

    #[test]
    fn many_calls_are_polled_more_slowly() {
        let pace = pace();
        pace.set_calls(100);
        assert!(pace.idle() <= Duration::from_millis(1100));
        pace.set_calls(101);
        assert!(pace.idle() >= Duration::from_millis(1800));
    }

    #[test]
    fn failures_slow_a_call_down_to_half_a_minute() {
        let pace = pace();
        assert!(pace.backoff(1) <= Duration::from_millis(1100));
        assert!(pace.backoff(3) >= Duration::from_millis(3600));
        assert_eq!(pace.backoff(40), Duration::from_secs(30));
    }

    #[tokio::test]
    async fn a_pause_holds_every_request_and_the_longer_one_counts() {
        let pace = pace();
        pace.pause(Duration::from_millis(80));
        pace.pause(Duration::from_millis(10));
        let began = Instant::now();
        pace.turn().await;
        assert!(began.elapsed() >= Duration::from_millis(75));
    }
}

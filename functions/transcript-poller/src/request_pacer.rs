//! Limits how fast the contact center is asked: a rate for the whole process, pauses after refusals that concern the client, and
//! longer delays while many calls are followed.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use backends::tenant_settings::Profile;
use backends::{TenantShare, digital_request_interval};
use insights_http::Deadline;
use insights_http::backoff::{BackoffPolicy, Jitter};
use insights_http::rate_limit::RateLimiter;
use tokio::time::Instant;

use crate::config::Config;

/// Longest pause that the contact center can ask for.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Number of polls in a row, of any calls, whose access was refused before all polls are paused. A single call that may not be
/// read is not a matter of the others.
const REFUSALS_BEFORE_PAUSE: u32 = 3;

/// Shortest time between two warnings that the access is refused, whichever calls are concerned.
const REFUSAL_WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// The pacer of one process, which all of its calls share.
#[derive(Debug)]
pub struct RequestPacer {
    limiter: RateLimiter,
    /// Number of polls in a row that were answered by 429.
    rate_limits: AtomicU32,
    /// Number of polls in a row whose access was refused.
    refused_accesses: AtomicU32,
    warned_at: Mutex<Option<Instant>>,
    followed_calls: AtomicUsize,
    /// Time between two requests for any calls, where the contact center has a limit that others share.
    shared_interval: Option<Duration>,
    idle: Duration,
    busy_calls: usize,
    busy_idle: Duration,
}

impl RequestPacer {
    /// Creates a pacer with the configured rate and delays.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        // A tenant's digital part has a limit of its own, which other parts of the product share.
        let shared_interval = match config.cxone.profile {
            Profile::Tutorial => None,
            Profile::Cxone => {
                let (tenant, shards) = (&config.cxone.tenant, config.shards.count);
                let interval = digital_request_interval(tenant, TenantShare::LiveScores, shards);
                Some(interval.max(Duration::from_secs(1) / config.rate.max(1)))
            }
        };
        let limiter = match shared_interval {
            Some(interval) => RateLimiter::with_interval(interval, 1),
            // A burst of a tenth of a second spreads the first polls of calls that began at the same time.
            None => RateLimiter::new(config.rate, config.rate.div_ceil(10)),
        };
        Self {
            limiter,
            shared_interval,
            rate_limits: AtomicU32::new(0),
            refused_accesses: AtomicU32::new(0),
            warned_at: Mutex::default(),
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

    /// Notes that a poll was answered, so that refusals before it no longer count.
    pub(crate) fn note_answer(&self) {
        self.rate_limits.store(0, Ordering::Relaxed);
        self.refused_accesses.store(0, Ordering::Relaxed);
    }

    /// Pauses the polls of all calls after a 429, because the contact center limits the client and not one call: for as long as
    /// it asks for, at most a minute, or by the policy [`BackoffPolicy::RATE_LIMITED_CALL`].
    pub(crate) fn pause_after_rate_limit(&self, asked: Option<Duration>) {
        let refusals = self.rate_limits.fetch_add(1, Ordering::Relaxed) + 1;
        // Polls that were underway together are refused together; they are one refusal of the pace.
        let policy = BackoffPolicy {
            jitter: Jitter::Equal,
            ..BackoffPolicy::RATE_LIMITED_CALL
        };
        let wait = asked.unwrap_or_else(|| policy.delay(refusals.min(6), rand::random()));
        self.pause_for(wait);
    }

    /// Pauses the polls of all calls once the access of several polls in a row was refused: every other poll would be refused
    /// as well until an operator changes something.
    pub(crate) fn pause_after_refused_access(&self) {
        let refusals = self.refused_accesses.fetch_add(1, Ordering::Relaxed) + 1;
        if refusals >= REFUSALS_BEFORE_PAUSE {
            let failures = refusals - REFUSALS_BEFORE_PAUSE + 1;
            self.pause_for(BackoffPolicy::BATCH.delay(failures, rand::random()));
        }
    }

    /// Returns whether a refused access is worth a warning: once a minute, whichever calls are concerned.
    pub(crate) fn should_warn_of_refused_access(&self) -> bool {
        let mut warned_at = self
            .warned_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_due = warned_at.is_none_or(|time| time.elapsed() >= REFUSAL_WARNING_INTERVAL);
        if is_due {
            *warned_at = Some(Instant::now());
        }
        is_due
    }

    /// Pauses the polls of all calls, at most for a minute. A pause that is in force is never shortened.
    fn pause_for(&self, wait: Duration) {
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
        let followed = self.followed_calls.load(Ordering::Relaxed);
        let idle = if followed > self.busy_calls {
            self.busy_idle
        } else {
            self.idle
        };
        // With a limit that others share, each call has its turn as often as the limit allows, and polls do not queue.
        let turn = self
            .shared_interval
            .map_or(Duration::ZERO, |interval| interval.mul_f64(followed as f64));
        let idle = idle.max(turn);
        idle.mul_f64(0.9 + 0.2 * rand::random::<f64>())
    }

    /// Returns the delay before something of a call is tried again after `failures` failures in a row, by the policy
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
    fn the_contacts_of_a_tenant_share_its_limit() {
        let env = Env::from_pairs([
            ("CXONE_PROFILE", "cxone"),
            ("CXONE_DIGITAL_REQUESTS_PER_SECOND", "10"),
        ]);
        let pacer = RequestPacer::new(&Config::from_env(&env).unwrap());
        pacer.set_followed_calls(1);
        assert!(pacer.idle_delay() <= Duration::from_millis(1100));
        pacer.set_followed_calls(100);
        let delay = pacer.idle_delay();
        assert!(
            delay >= Duration::from_secs(45),
            "two polls a second: {delay:?}"
        );
    }

    #[test]
    fn failures_slow_a_call_down_to_half_a_minute() {
        let pacer = pacer();
        assert!(pacer.retry_delay(1) <= Duration::from_millis(1100));
        assert!(pacer.retry_delay(3) >= Duration::from_millis(3600));
        assert_eq!(pacer.retry_delay(40), Duration::from_secs(30));
    }

    async fn wait_of_next_poll(pacer: &RequestPacer) -> Duration {
        let began = Instant::now();
        pacer.wait_for_turn().await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_limit_that_names_no_time_pauses_longer_each_time_and_never_not_at_all() {
        let pacer = pacer();
        for (refusals, longest) in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30)] {
            pacer.pause_after_rate_limit(None);
            let wait = wait_of_next_poll(&pacer).await;
            assert!(
                (500 * longest - 5..=1000 * longest + 5).contains(&(wait.as_millis() as u64)),
                "{refusals}: {wait:?}"
            );
        }
        pacer.note_answer();
        pacer.pause_after_rate_limit(None);
        assert!(wait_of_next_poll(&pacer).await <= Duration::from_millis(1005));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_access_pauses_all_polls_only_if_no_other_poll_succeeds() {
        let pacer = pacer();
        for _ in 0..10 {
            pacer.pause_after_refused_access();
            pacer.pause_after_refused_access();
            pacer.note_answer();
            assert!(wait_of_next_poll(&pacer).await < Duration::from_millis(100));
        }
        for _ in 0..10 {
            pacer.pause_after_refused_access();
        }
        assert!(wait_of_next_poll(&pacer).await >= Duration::from_secs(14));
        assert!(pacer.should_warn_of_refused_access());
        assert!(!pacer.should_warn_of_refused_access());
        tokio::time::advance(REFUSAL_WARNING_INTERVAL).await;
        assert!(pacer.should_warn_of_refused_access());
    }

    #[tokio::test]
    async fn a_pause_holds_every_request_and_the_longer_one_counts() {
        let pacer = pacer();
        let began = Instant::now();
        pacer.pause_for(Duration::from_millis(80));
        pacer.pause_for(Duration::from_millis(10));
        pacer.wait_for_turn().await;
        assert!(began.elapsed() >= Duration::from_millis(75));
    }
}

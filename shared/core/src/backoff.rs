//! How long to wait before something that failed is tried again.
//!
//! Every place of the product that waits between attempts uses a [`BackoffPolicy`]: the wait doubles from a base to a cap, and
//! a random part of it is taken off, so that callers which failed together do not come back together (Brooker,
//! *Exponential Backoff And Jitter*, AWS Architecture Blog 2015). The policies are named after what is waited for; they
//! stand here, side by side, so that their values can be compared.
//!
//! The module is pure: the random number and the count of failures are passed in. A loop that keeps count itself asks
//! the policy; any other loop keeps a [`Backoff`]:
//!
//! ```
//! use insights_core::backoff::{Backoff, BackoffPolicy};
//! use std::time::Duration;
//!
//! let mut backoff = Backoff::new(BackoffPolicy::STORE);
//! let random = 1.0; // rand::random() in production
//! assert_eq!(backoff.next_delay(random), Duration::from_millis(50));
//! assert_eq!(backoff.next_delay(random), Duration::from_millis(100));
//! assert_eq!(backoff.attempt(), 2);
//!
//! backoff.reset(); // something succeeded
//! assert_eq!(backoff.next_delay(random), Duration::from_millis(50));
//! ```

use std::time::Duration;

/// How much of a wait is random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jitter {
    /// Nothing is random: for one caller that nobody competes with, and where the caller spreads the base itself.
    None,
    /// Half of the wait is kept and half is random ("equal jitter"): a server that refuses is never asked again at once.
    Equal,
    /// All of the wait is random, down to zero ("full jitter"): spreads many callers best, and costs each the least time.
    Full,
}

/// How the wait between two attempts grows, and how much of it is random.
///
/// ```
/// use insights_core::backoff::{BackoffPolicy, Jitter};
/// use std::time::Duration;
///
/// let policy = BackoffPolicy::new(Duration::from_secs(1), Duration::from_secs(5), Jitter::Full);
/// let longest = |failures| policy.delay(failures, 1.0).as_secs();
/// assert_eq!([1, 2, 3, 4, 99].map(longest), [1, 2, 4, 5, 5]);
/// assert_eq!(policy.delay(3, 0.25), Duration::from_secs(1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackoffPolicy {
    /// The longest wait after the first failure; it doubles with each further one.
    pub base: Duration,
    /// No wait is longer than this, however many attempts have failed.
    pub cap: Duration,
    /// How much of the wait is random.
    pub jitter: Jitter,
}

impl BackoffPolicy {
    /// A call that a server refused as too many (429) without saying how long to wait: up to 1 s, 2 s, 4 s, at most 30 s.
    pub const RATE_LIMITED_CALL: Self = Self::new(
        Duration::from_secs(1),
        Duration::from_secs(30),
        Jitter::Full,
    );

    /// A call that failed with a 5xx or found no connection: up to 200 ms, 400 ms, 800 ms, at most 30 s. The base is short
    /// because a Data Action has 5 s for all its attempts.
    pub const FAILED_CALL: Self = Self::new(
        Duration::from_millis(200),
        Duration::from_secs(30),
        Jitter::Full,
    );

    /// A read or write of our own store that failed for a passing reason (throttling, a lost connection): 50 ms, doubled
    /// up to 2 s, half of it random.
    pub const STORE: Self = Self::new(
        Duration::from_millis(50),
        Duration::from_secs(2),
        Jitter::Equal,
    );

    /// Looking whether another instance has finished what this one needs, such as renewing a shared token: 30 ms, doubled
    /// up to 250 ms, half of it random.
    pub const OTHER_INSTANCE: Self = Self::new(
        Duration::from_millis(30),
        Duration::from_millis(250),
        Jitter::Equal,
    );

    /// A stream that has to be connected again: 2 s, doubled up to 30 s, half of it random. A chat session replaces base
    /// and cap by its settings.
    pub const STREAM_RECONNECT: Self = Self::new(
        Duration::from_secs(2),
        Duration::from_secs(30),
        Jitter::Equal,
    );

    /// The socket of a tenant's live transcripts, which has to be connected again: 2 s, doubled up to 1 min. One process asks for
    /// it, so that nothing is random.
    pub const LIVE_TRANSCRIPTS: Self = Self::new(
        Duration::from_secs(2),
        Duration::from_secs(60),
        Jitter::None,
    );

    /// The live transcript of a contact that a tenant refuses: 1 min, doubled up to 15 min, half of it random. It may begin later than
    /// the contact, and a right may be given.
    pub const REFUSED_TRANSCRIPT: Self = Self::new(
        Duration::from_secs(60),
        Duration::from_secs(900),
        Jitter::Equal,
    );

    /// A notification that its receiver did not accept: 500 ms, doubled up to 30 s, half of it random.
    pub const NOTIFICATION: Self = Self::new(
        Duration::from_millis(500),
        Duration::from_secs(30),
        Jitter::Equal,
    );

    /// Work of a batch or of a background loop that failed as a whole: 1 s, doubled up to 30 s, half of it random.
    pub const BATCH: Self = Self::new(
        Duration::from_secs(1),
        Duration::from_secs(30),
        Jitter::Equal,
    );

    /// A round of a live call that failed: 1 s, doubled up to 30 s. The poller replaces the base by its idle delay, which is
    /// spread already, so nothing more is random.
    pub const CALL_ROUND: Self = Self::new(
        Duration::from_secs(1),
        Duration::from_secs(30),
        Jitter::None,
    );

    /// The presence or availability of an agent that the contact center did not take: 3 s, doubled up to 1 min, half of it
    /// random.
    pub const PRESENCE: Self = Self::new(
        Duration::from_secs(3),
        Duration::from_secs(60),
        Jitter::Equal,
    );

    /// The archive of a conversation that failed or is incomplete: 30 s, doubled up to 10 min, half of it random. Each attempt
    /// reads everything that is stored of the conversation.
    pub const ARCHIVE: Self = Self::new(
        Duration::from_secs(30),
        Duration::from_secs(600),
        Jitter::Equal,
    );

    /// A message that is given back to its queue because a store is away: 2 s, doubled up to 8 s, half of it random. It grows no
    /// further, so that the message is done within half a minute of the store's return.
    pub const GIVEN_BACK_MESSAGE: Self = Self::new(
        Duration::from_secs(2),
        Duration::from_secs(8),
        Jitter::Equal,
    );

    /// A call that the server refuses until somebody changes its configuration: 30 s, doubled up to 10 min, half of it random.
    pub const REFUSED_CALL: Self = Self::new(
        Duration::from_secs(30),
        Duration::from_secs(600),
        Jitter::Equal,
    );

    /// Builds a policy from its three values.
    #[must_use]
    pub const fn new(base: Duration, cap: Duration, jitter: Jitter) -> Self {
        Self { base, cap, jitter }
    }

    /// Builds the policy that always waits equally long, for checking something at a steady pace.
    #[must_use]
    pub const fn fixed(interval: Duration) -> Self {
        Self::new(interval, interval, Jitter::None)
    }

    /// Returns the longest possible wait after this many failures in a row; zero failures count as one.
    #[must_use]
    pub fn bound(&self, failures: u32) -> Duration {
        self.base
            .saturating_mul(2u32.saturating_pow(failures.saturating_sub(1)))
            .min(self.cap)
    }

    /// Returns the wait after this many failures in a row; zero failures count as one.
    ///
    /// `random` is uniform in 0..=1. A value outside is clamped, and a value that is not a number counts as 1, so that no
    /// random source can make a caller hammer a server.
    #[must_use]
    pub fn delay(&self, failures: u32, random: f64) -> Duration {
        let random = if random.is_nan() {
            1.0
        } else {
            random.clamp(0.0, 1.0)
        };
        let bound = self.bound(failures);
        let part = match self.jitter {
            Jitter::None => 1.0,
            Jitter::Equal => 0.5 + 0.5 * random,
            Jitter::Full => random,
        };
        bound.mul_f64(part).min(bound)
    }
}

/// A policy together with the count of the failures since the last success.
#[derive(Debug, Clone)]
pub struct Backoff {
    policy: BackoffPolicy,
    failures: u32,
}

impl Backoff {
    /// Builds a backoff of this policy that has seen no failure.
    #[must_use]
    pub const fn new(policy: BackoffPolicy) -> Self {
        Self {
            policy,
            failures: 0,
        }
    }

    /// Returns the longest wait that the next failure can lead to.
    #[must_use]
    pub fn bound(&self) -> Duration {
        self.policy.bound(self.failures.saturating_add(1))
    }

    /// Counts a failure and returns the wait after it; `random` as in [`BackoffPolicy::delay`].
    pub fn next_delay(&mut self, random: f64) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.policy.delay(self.failures, random)
    }

    /// Returns how many attempts have failed since the last success.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.failures
    }

    /// Notes a success: the next wait begins with the base again.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: BackoffPolicy = BackoffPolicy::STREAM_RECONNECT;

    #[test]
    fn waits_double_up_to_the_cap() {
        let mut backoff = Backoff::new(POLICY);
        let waits: Vec<u64> = (0..6).map(|_| backoff.next_delay(1.0).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn equal_jitter_takes_off_at_most_half() {
        let first = |random| Backoff::new(POLICY).next_delay(random);
        assert_eq!(first(0.0), Duration::from_secs(1));
        assert_eq!(first(0.5), Duration::from_millis(1500));
        for odd in [f64::NAN, f64::INFINITY, -3.0, 7.0] {
            let wait = first(odd);
            assert!(
                (Duration::from_secs(1)..=POLICY.base).contains(&wait),
                "{odd}: {wait:?}"
            );
        }
    }

    #[test]
    fn full_jitter_reaches_from_zero_to_the_bound() {
        let policy = BackoffPolicy::RATE_LIMITED_CALL;
        assert_eq!(policy.delay(3, 0.0), Duration::ZERO);
        assert_eq!(policy.delay(3, 0.5), Duration::from_secs(2));
        assert_eq!(policy.delay(3, f64::NAN), Duration::from_secs(4));
    }

    #[test]
    fn a_fixed_interval_neither_grows_nor_varies() {
        let policy = BackoffPolicy::fixed(Duration::from_secs(3));
        for (failures, random) in [(0, 0.0), (1, 0.5), (7, 1.0), (u32::MAX, 0.3)] {
            assert_eq!(policy.delay(failures, random), Duration::from_secs(3));
        }
    }

    #[test]
    fn a_success_begins_with_the_base_again() {
        let mut backoff = Backoff::new(POLICY);
        for _ in 0..9 {
            backoff.next_delay(1.0);
        }
        assert_eq!(backoff.bound(), POLICY.cap);
        backoff.reset();
        assert_eq!(backoff.bound(), POLICY.base);
        assert_eq!(
            (backoff.attempt(), backoff.next_delay(1.0)),
            (0, POLICY.base)
        );
    }

    #[test]
    fn years_of_failures_do_not_overflow() {
        let mut backoff = Backoff {
            policy: POLICY,
            failures: u32::MAX,
        };
        assert_eq!(backoff.next_delay(1.0), POLICY.cap);
        assert_eq!(backoff.attempt(), u32::MAX);
    }
}

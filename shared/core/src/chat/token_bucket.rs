//! A token bucket: limits an average rate and lets a burst of limited size pass at once.

use std::time::{Duration, Instant};

/// The average rate of a [`TokenBucket`] and the size of its largest burst.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// The time in which one token is added.
    interval: Duration,
    /// The number of tokens in a full bucket.
    capacity: u32,
}

/// A rate outside the allowed range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error(
    "a rate is a number from 0.001 to 1000000 a second with a capacity of at least 1, not {per_second} and {capacity}"
)]
pub struct InvalidRate {
    /// The requested tokens per second.
    pub per_second: f64,
    /// The requested size of the largest burst.
    pub capacity: u32,
}

impl Rate {
    /// Creates a rate of `per_second` tokens a second (0.001 to 1,000,000) with bursts of up to `capacity` (at least 1).
    ///
    /// # Errors
    /// [`InvalidRate`] if a number is outside its range.
    pub fn new(per_second: f64, capacity: u32) -> Result<Self, InvalidRate> {
        if !(0.001..=1e6).contains(&per_second) || capacity == 0 {
            return Err(InvalidRate {
                per_second,
                capacity,
            });
        }
        Ok(Self {
            interval: Duration::from_secs_f64(per_second.recip()),
            capacity,
        })
    }

    /// Returns the contact center's limit of chat messages: 10 a second, 20 at once.
    #[must_use]
    pub const fn chat_messages() -> Self {
        Self {
            interval: Duration::from_millis(100),
            capacity: 20,
        }
    }
}

/// A token bucket of one rate.
///
/// The state is only the moment at which the bucket will be full again (the generic cell rate algorithm, ITU-T I.371):
/// a counter of tokens would have to round fractions of a token, and this form never does.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    rate: Rate,
    full_at: Option<Instant>,
}

impl TokenBucket {
    /// Creates a full bucket.
    #[must_use]
    pub const fn full(rate: Rate) -> Self {
        Self {
            rate,
            full_at: None,
        }
    }

    /// Takes one token at `now`.
    ///
    /// # Errors
    /// The time until the next token is there. A clock that steps back never yields extra tokens.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        let missing = full_at - now;
        // The bucket holds a token as long as at most `capacity - 1` intervals are missing until it is full.
        let allowed = self.rate.interval * (self.rate.capacity - 1);
        if missing > allowed {
            return Err(missing - allowed);
        }
        self.full_at = Some(full_at + self.rate.interval);
        Ok(())
    }

    /// Returns when the next token is there: `now` or later.
    #[must_use]
    pub fn ready_at(&self, now: Instant) -> Instant {
        let allowed = self.rate.interval * (self.rate.capacity - 1);
        self.full_at
            .and_then(|at| at.checked_sub(allowed))
            .map_or(now, |at| at.max(now))
    }

    /// Returns whether the bucket is full at `now`; a full bucket behaves like a new one.
    #[must_use]
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_of_the_capacity_passes_and_the_next_waits_one_interval() {
        let now = Instant::now();
        let mut bucket = TokenBucket::full(Rate::chat_messages());
        for _ in 0..20 {
            assert_eq!(bucket.take(now), Ok(()));
        }
        assert_eq!(bucket.take(now), Err(Duration::from_millis(100)));
        assert_eq!(
            bucket.take(now + Duration::from_millis(99)),
            Err(Duration::from_millis(1))
        );
        assert_eq!(bucket.take(now + Duration::from_millis(100)), Ok(()));
    }

    #[test]
    fn a_long_pause_saves_up_no_more_than_the_capacity() {
        let now = Instant::now();
        let mut bucket = TokenBucket::full(Rate::chat_messages());
        let _ = bucket.take(now);
        let later = now + Duration::from_secs(3600);
        assert!(bucket.is_full(later));
        assert_eq!((0..100).filter(|_| bucket.take(later).is_ok()).count(), 20);
        assert!(!bucket.is_full(later));
    }

    #[test]
    fn impossible_rates_are_refused() {
        for (per_second, capacity) in [
            (0.0, 1),
            (-1.0, 1),
            (f64::NAN, 1),
            (f64::INFINITY, 1),
            (10.0, 0),
        ] {
            assert!(
                Rate::new(per_second, capacity).is_err(),
                "{per_second} {capacity}"
            );
        }
        assert_eq!(Rate::new(10.0, 20), Ok(Rate::chat_messages()));
    }

    proptest! {
        #[test]
        fn no_window_ever_sees_more_than_capacity_plus_rate(steps in prop::collection::vec(0u64..400, 1..300)) {
            let start = Instant::now();
            let mut bucket = TokenBucket::full(Rate::chat_messages());
            let mut now = start;
            let mut passed: Vec<Duration> = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                if bucket.take(now).is_ok() {
                    passed.push(now - start);
                }
            }
            for (first, from) in passed.iter().enumerate() {
                for (last, to) in passed.iter().enumerate().skip(first) {
                    let allowed = 20 + ((*to - *from).as_millis() / 100) as usize;
                    prop_assert!(last - first < allowed + 1);
                }
            }
        }

        #[test]
        fn waiting_as_long_as_told_is_enough(taken in 20usize..200) {
            let mut now = Instant::now();
            let mut bucket = TokenBucket::full(Rate::chat_messages());
            for _ in 0..taken {
                if let Err(wait) = bucket.take(now) {
                    now += wait;
                    prop_assert_eq!(bucket.take(now), Ok(()));
                }
            }
        }
    }
}

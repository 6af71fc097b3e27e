//! How long to wait before the next attempt to connect.

use std::time::Duration;

/// Exponential backoff: `base * 2^attempt`, capped, of which a random part of up to half is taken off.
///
/// Half is kept so that a server that refuses is never hammered; half is random so that sessions dropped together do
/// not come back together ("equal jitter", Brooker, *Exponential Backoff And Jitter*, AWS Architecture Blog 2015).
#[derive(Debug, Clone)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    attempt: u32,
}

impl Backoff {
    /// A backoff that begins with `base` and never exceeds `cap`.
    #[must_use]
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self {
            base,
            cap,
            attempt: 0,
        }
    }

    /// The upper bound of the next wait.
    #[must_use]
    pub fn bound(&self) -> Duration {
        self.base
            .saturating_mul(2u32.saturating_pow(self.attempt))
            .min(self.cap)
    }

    /// The next wait, between half its bound and its bound, by `jitter` in `[0, 1]` (clamped; not a number counts as 1).
    pub fn next(&mut self, jitter: f64) -> Duration {
        let jitter = if jitter.is_nan() {
            1.0
        } else {
            jitter.clamp(0.0, 1.0)
        };
        let bound = self.bound();
        self.attempt = self.attempt.saturating_add(1);
        bound.mul_f64(0.5 + 0.5 * jitter).min(bound)
    }

    /// How many attempts have failed since the last healthy connection.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// A connection proved healthy (a frame or a pong came): the next wait begins with the base again.
    pub const fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_secs(2);
    const CAP: Duration = Duration::from_secs(30);

    #[test]
    fn waits_double_up_to_the_cap() {
        let mut backoff = Backoff::new(BASE, CAP);
        let waits: Vec<u64> = (0..6).map(|_| backoff.next(1.0).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn jitter_takes_off_at_most_half() {
        assert_eq!(Backoff::new(BASE, CAP).next(0.0), Duration::from_secs(1));
        assert_eq!(
            Backoff::new(BASE, CAP).next(0.5),
            Duration::from_millis(1500)
        );
        for odd in [f64::NAN, f64::INFINITY, -3.0, 7.0] {
            let wait = Backoff::new(BASE, CAP).next(odd);
            assert!(
                (Duration::from_secs(1)..=BASE).contains(&wait),
                "{odd}: {wait:?}"
            );
        }
    }

    #[test]
    fn a_healthy_connection_begins_anew() {
        let mut backoff = Backoff::new(BASE, CAP);
        for _ in 0..9 {
            backoff.next(1.0);
        }
        backoff.reset();
        assert_eq!((backoff.attempt(), backoff.next(1.0)), (0, BASE));
    }

    #[test]
    fn years_of_failures_do_not_overflow() {
        let mut backoff = Backoff {
            base: BASE,
            cap: CAP,
            attempt: u32::MAX,
        };
        assert_eq!(backoff.next(1.0), CAP);
        assert_eq!(backoff.attempt(), u32::MAX);
    }
}

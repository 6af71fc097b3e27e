//! When a failed try is made again: a pure decision over what failed, the time left and a random number.

use std::time::{Duration, SystemTime};

/// How long to wait between tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The first wait after a 429 that names none is drawn from zero to this, the next from twice as much, and so on;
    /// the contract's 1 s (2^attempt s).
    pub rate_limit_base: Duration,
    /// The same after a 5xx or a failed connection: shorter, since a Data Action has 5 s for all its tries.
    pub failure_base: Duration,
    /// No drawn wait is longer.
    pub cap: Duration,
    /// Tries in all, however much time is left.
    pub max_tries: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            rate_limit_base: Duration::from_secs(1),
            failure_base: Duration::from_millis(200),
            cap: Duration::from_secs(30),
            max_tries: 8,
        }
    }
}

/// What happened at a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// 429, with the wait that the server asks for, if it does.
    RateLimited(Option<Duration>),
    /// 500, 502, 503, 504, no connection, or no answer in time.
    Failed,
    /// Anything else: the same call would fail again.
    Final,
}

/// What to do after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Wait this long, then try again.
    Wait(Duration),
    /// Give up: another try makes no sense or does not fit into the time left.
    Stop,
}

impl Policy {
    /// Decides after the `tries`-th try (1 for the first) failed with `trouble`.
    ///
    /// `random` is uniform in 0..1 and spreads the waits of many callers ("full jitter"). A wait that the server asks
    /// for is kept exactly, plus up to a tenth (at most 1 s) so that callers told the same moment do not come at once.
    /// Retries stop where `remaining` ends: a wait that leaves no time for a try is not begun.
    #[must_use]
    pub fn decide(
        &self,
        tries: u32,
        trouble: Trouble,
        remaining: Duration,
        random: f64,
    ) -> Decision {
        if tries >= self.max_tries {
            return Decision::Stop;
        }
        let wait = match trouble {
            Trouble::Final => return Decision::Stop,
            Trouble::RateLimited(Some(asked)) => {
                if asked >= remaining {
                    return Decision::Stop;
                }
                let spread = (asked / 10).min(Duration::from_secs(1)).mul_f64(random);
                let spare = (remaining - asked) / 2;
                asked + spread.min(spare)
            }
            Trouble::RateLimited(None) => self.jittered(self.rate_limit_base, tries, random),
            Trouble::Failed => self.jittered(self.failure_base, tries, random),
        };
        if wait < remaining {
            Decision::Wait(wait)
        } else {
            Decision::Stop
        }
    }

    fn jittered(&self, base: Duration, tries: u32, random: f64) -> Duration {
        let doubled = base.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1)));
        doubled.min(self.cap).mul_f64(random)
    }
}

/// The statuses that are worth another try beside 429.
#[must_use]
pub fn is_transient(status: u16) -> bool {
    matches!(status, 500 | 502 | 503 | 504)
}

/// Reads a `Retry-After` header (RFC 9110, 10.2.3): whole seconds, or an HTTP date in any of its three forms.
///
/// A date in the past is a wait of zero; anything else than the two forms is `None`. A wait is at most a day.
#[must_use]
pub fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a u64 holds is still "very long".
        return Some(value.parse().map_or(DAY, Duration::from_secs).min(DAY));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default().min(DAY))
}

#[cfg(test)]
mod tests;

//! When a failed try is made again: a pure decision over what failed, the time left and a random number.

use std::time::{Duration, SystemTime};

use crate::backoff::BackoffPolicy;

/// How long to wait between tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The waits after a 429 that names none.
    pub rate_limited: BackoffPolicy,
    /// The waits after a 5xx or a failed connection.
    pub failed: BackoffPolicy,
    /// Tries in all, however much time is left.
    pub max_tries: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            rate_limited: BackoffPolicy::RATE_LIMITED_CALL,
            failed: BackoffPolicy::FAILED_CALL,
            max_tries: 8,
        }
    }
}

/// What happened at a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryClass {
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

impl RetryPolicy {
    /// Decides after the `tries`-th try (1 for the first) failed with `trouble`.
    ///
    /// `random` is uniform in 0..1 and spreads the waits of many callers ("full jitter"). A wait that the server asks
    /// for is kept exactly, plus up to a tenth (at most 1 s) so that callers told the same moment do not come at once.
    /// Retries stop where `remaining` ends: a wait that leaves no time for a try is not begun.
    #[must_use]
    pub fn decide(
        &self,
        tries: u32,
        trouble: RetryClass,
        remaining: Duration,
        random: f64,
    ) -> Decision {
        if tries >= self.max_tries {
            return Decision::Stop;
        }
        let wait = match trouble {
            RetryClass::Final => return Decision::Stop,
            RetryClass::RateLimited(Some(asked)) => {
                if asked >= remaining {
                    return Decision::Stop;
                }
                let spread = (asked / 10).min(Duration::from_secs(1)).mul_f64(random);
                let spare = (remaining - asked) / 2;
                asked + spread.min(spare)
            }
            RetryClass::RateLimited(None) => self.rate_limited.delay(tries, random),
            RetryClass::Failed => self.failed.delay(tries, random),
        };
        if wait < remaining {
            Decision::Wait(wait)
        } else {
            Decision::Stop
        }
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

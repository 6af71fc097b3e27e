//! When a failed attempt is made again: a pure decision over what failed, the time left and a random number.

use std::time::{Duration, SystemTime};

use crate::backoff::BackoffPolicy;

/// How often a call is attempted, and how long the waits between its attempts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The waits after a 429 that does not say how long to wait.
    pub rate_limited: BackoffPolicy,
    /// The waits after a 5xx or a failed connection.
    pub failed: BackoffPolicy,
    /// Number of attempts in all, however much time is left.
    pub max_attempts: u32,
    /// Whether a call waits while the circuit breaker of its endpoint is open, as far as its deadline allows, in place of
    /// failing at once.
    pub waits_out_breaker: bool,
    /// Whether a wait that a 429 asks for is a lower bound, beside the growing backoff: some servers ask for less than they
    /// mean.
    pub lengthens_asked_waits: bool,
}

impl Default for RetryPolicy {
    /// [`BackoffPolicy::RATE_LIMITED_CALL`], [`BackoffPolicy::FAILED_CALL`] and 8 attempts; an open breaker is not waited out.
    fn default() -> Self {
        Self {
            rate_limited: BackoffPolicy::RATE_LIMITED_CALL,
            failed: BackoffPolicy::FAILED_CALL,
            max_attempts: 8,
            waits_out_breaker: false,
            lengthens_asked_waits: false,
        }
    }
}

/// What a failed attempt means for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryClass {
    /// The server answered 429, with the wait that it asks for, if it does.
    RateLimited(Option<Duration>),
    /// The server answered 500, 502, 503 or 504, or there was no connection or no answer in time.
    Failed,
    /// Anything else happened: the same call would fail again.
    Final,
}

/// What to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Wait this long, then try again.
    Wait(Duration),
    /// Give up: another attempt makes no sense or does not fit into the time left.
    Stop,
}

impl RetryPolicy {
    /// The policy of a caller whose rounds are the retries: one attempt, whose failure the caller learns at once.
    pub const SINGLE_ATTEMPT: Self = Self {
        rate_limited: BackoffPolicy::RATE_LIMITED_CALL,
        failed: BackoffPolicy::FAILED_CALL,
        max_attempts: 1,
        waits_out_breaker: false,
        lengthens_asked_waits: false,
    };

    /// The policy of work that nobody waits for, such as a nightly report: the deadline alone ends the attempts, which are 1 s
    /// to 30 s apart, and an open breaker is waited out. The caller passes the time that it has as the deadline.
    pub const UNTIL_DEADLINE: Self = Self {
        rate_limited: BackoffPolicy::RATE_LIMITED_CALL,
        failed: BackoffPolicy::BATCH,
        max_attempts: u32::MAX,
        waits_out_breaker: true,
        lengthens_asked_waits: false,
    };

    /// Decides what follows when the breaker of an endpoint stays open for `open_for`; zero while its trial call is in flight.
    #[must_use]
    pub fn decide_on_open_breaker(
        &self,
        open_for: Duration,
        remaining: Duration,
        random: f64,
    ) -> Decision {
        // A trial call ends within an attempt, so the next look is due after the shortest backoff.
        let wait = open_for.max(self.failed.base / 2) + self.failed.base.mul_f64(random / 2.0);
        if self.waits_out_breaker && wait < remaining {
            Decision::Wait(wait)
        } else {
            Decision::Stop
        }
    }

    /// Returns the wait that a 429 asks for, lengthened to the backoff after `tries` attempts where the policy says so.
    #[must_use]
    pub fn asked_wait(&self, asked: Duration, tries: u32, random: f64) -> Duration {
        if self.lengthens_asked_waits {
            asked.max(self.rate_limited.delay(tries, random))
        } else {
            asked
        }
    }

    /// Decides what follows the failure of attempt number `tries` (1 for the first).
    ///
    /// `random` is uniform in 0..1 and spreads the waits of many callers. A wait that the server asks for is kept exactly, plus
    /// up to a tenth (at most 1 s), so that callers that were refused at the same moment do not come back at once. A server that
    /// asks for no wait at all gets the backoff. Attempts stop where `remaining` ends: a wait that leaves no time for an attempt is not begun.
    #[must_use]
    pub fn decide(
        &self,
        tries: u32,
        class: RetryClass,
        remaining: Duration,
        random: f64,
    ) -> Decision {
        if tries >= self.max_attempts {
            return Decision::Stop;
        }
        let wait = match class {
            RetryClass::Final => return Decision::Stop,
            RetryClass::RateLimited(Some(asked)) if !asked.is_zero() => {
                let asked = self.asked_wait(asked, tries, random);
                if asked >= remaining {
                    return Decision::Stop;
                }
                let spread = (asked / 10).min(Duration::from_secs(1)).mul_f64(random);
                let spare = (remaining - asked) / 2;
                asked + spread.min(spare)
            }
            RetryClass::RateLimited(_) => self.rate_limited.delay(tries, random),
            RetryClass::Failed => self.failed.delay(tries, random),
        };
        if wait < remaining {
            Decision::Wait(wait)
        } else {
            Decision::Stop
        }
    }
}

/// Returns whether a status other than 429 is worth another attempt.
#[must_use]
pub fn is_transient(status: u16) -> bool {
    matches!(status, 500 | 502 | 503 | 504)
}

/// Parses a `Retry-After` header (RFC 9110, 10.2.3): whole seconds, or an HTTP date in any of its three forms.
///
/// A wait is at most a day. Anything but the two forms is `None`, and so are zero seconds and a date that has passed: a server
/// that refuses a request and asks for no wait leaves the wait to its caller, who must not ask again at once.
#[must_use]
pub fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a u64 holds are still a very long wait.
        let asked = value.parse().map_or(LONGEST_WAIT, Duration::from_secs);
        return Some(asked.min(LONGEST_WAIT)).filter(|wait| !wait.is_zero());
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let wait = date.duration_since(now).ok()?;
    Some(wait.min(LONGEST_WAIT)).filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests;

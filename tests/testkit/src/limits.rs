//! Limits of HTTP calls for tests that retry.

use std::time::Duration;

use insights_http::CallLimits;
use insights_http::backoff::{BackoffPolicy, Jitter};
use insights_http::retry::RetryPolicy;

/// Returns the default limits with backoffs of milliseconds and attempts of at most 250 ms, so that a test that retries
/// ends soon.
#[must_use]
pub fn quick_limits() -> CallLimits {
    let ms = Duration::from_millis;
    let quickly = BackoffPolicy::new(ms(4), Duration::from_secs(30), Jitter::Full);
    CallLimits {
        retry: RetryPolicy {
            rate_limited: quickly,
            failed: quickly,
            ..RetryPolicy::default()
        },
        attempt_timeout: ms(250),
        ..CallLimits::default()
    }
}

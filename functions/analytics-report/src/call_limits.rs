//! The limits of the report's calls of the contact center.

use insights_http::CallLimits;
use insights_http::retry::RetryPolicy;

/// Largest number of tries of one call. Fewer tries than open the circuit breaker, so that one transcript that always fails
/// does not hold up all others.
const MAX_TRIES_PER_CALL: u32 = 4;

/// Returns the limits of the report's calls of a contact center whose calls have these limits.
pub(crate) fn call_limits(limits: CallLimits) -> CallLimits {
    CallLimits {
        retry: RetryPolicy {
            max_attempts: MAX_TRIES_PER_CALL,
            ..limits.retry
        },
        ..limits
    }
}

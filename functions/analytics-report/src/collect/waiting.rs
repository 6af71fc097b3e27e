//! Waiting out refusals: which failed calls may be made again after a wait, and which failures end the run.

use std::time::Duration;

use cxone::Error;
use insights_http::backoff::{self, Backoff, BackoffPolicy};
use insights_http::{Deadline, Error as HttpError};

/// Largest number of times that a call waits out a rate limit, an open circuit breaker or a revoked token before the call
/// counts as failed.
pub(super) const MAX_WAITS: u32 = 6;
/// Smallest wait, for a server that asks to wait no time at all.
const MIN_WAIT: Duration = Duration::from_millis(50);

/// The waits of one call between its tries.
pub(super) struct Waits {
    /// The number of waits so far.
    count: u32,
    backoff: Backoff,
    deadline: Deadline,
}

impl Waits {
    /// Builds the waits of a call that must end before the deadline.
    pub(super) fn new(deadline: Deadline) -> Self {
        Self {
            count: 0,
            backoff: Backoff::new(BackoffPolicy::BATCH),
            deadline,
        }
    }

    /// Returns whether the call may be made again after a wait: the server asked to wait, and waits and time are left.
    pub(super) fn should_wait(&self, error: &Error) -> bool {
        self.count < MAX_WAITS && is_waitable(error) && !self.deadline.has_passed()
    }

    /// Waits as long as the server asked for, or by the backoff policy, but not beyond the deadline.
    pub(super) async fn wait(&mut self, error: &Error) {
        self.count += 1;
        match error.retry_after() {
            Some(asked) => {
                let wait = asked.max(MIN_WAIT).min(self.deadline.remaining());
                tokio::time::sleep(wait).await;
            }
            // Nothing is lost where the deadline cuts the wait: the caller sees that the time is up.
            None => drop(self.deadline.bound(backoff::wait(&mut self.backoff)).await),
        }
    }
}

/// Returns whether the server asked to wait rather than refused.
///
/// A fresh token that was refused may have been revoked with all others in the meantime; if the client itself is no longer
/// accepted, the next calls are refused as well.
fn is_waitable(error: &Error) -> bool {
    matches!(
        error,
        Error::Http(
            HttpError::RateLimited { .. }
                | HttpError::CircuitOpen { .. }
                | HttpError::Unauthorized { .. }
        )
    )
}

/// Returns whether every other transcript would fail in the same way, so that the run should end.
pub(super) fn is_fatal(error: &Error) -> bool {
    error.is_access_refused()
}

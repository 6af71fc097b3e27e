//! Waiting out refusals and outages: which failed calls may be made again after a wait, and which failures end the run.

use std::time::Duration;

use cxone::Error;
use insights_http::backoff::{self, Backoff, BackoffPolicy};
use insights_http::{Deadline, Error as HttpError};
use tokio::time::Instant;

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
    /// How long the contact center may be out of reach in one piece.
    outage_wait: Duration,
    /// The moment of the first failure of the outage that goes on.
    outage_began: Option<Instant>,
}

impl Waits {
    /// Builds the waits of a call that must end before the deadline.
    pub(super) fn new(deadline: Deadline) -> Self {
        Self {
            count: 0,
            backoff: Backoff::new(BackoffPolicy::BATCH),
            deadline,
            outage_wait: Duration::ZERO,
            outage_began: None,
        }
    }

    /// Waits as well while the contact center is out of reach, for as long as `outage_wait` and not beyond the deadline.
    pub(super) fn with_outage_wait(mut self, outage_wait: Duration) -> Self {
        self.outage_wait = outage_wait;
        self
    }

    /// Begins anew after a call that succeeded.
    pub(super) fn restart(&mut self) {
        *self = Self::new(self.deadline).with_outage_wait(self.outage_wait);
    }

    /// Returns whether the call may be made again after a wait: the server asked to wait, and waits and time are left.
    pub(super) fn should_wait(&self, error: &Error) -> bool {
        self.count < MAX_WAITS && is_waitable(error) && !self.deadline.has_passed()
    }

    /// Returns whether the call may be made again after a wait because the server is out of reach: the outage has not gone on for
    /// too long, and time is left.
    pub(super) fn should_wait_out(&mut self, error: &Error) -> bool {
        if !error.is_retryable() || self.deadline.has_passed() {
            return false;
        }
        let began = *self.outage_began.get_or_insert_with(Instant::now);
        began.elapsed() < self.outage_wait
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
///
/// A transcript that the client may not read is no such failure: the right may be missing for single conversations.
pub(super) fn is_fatal(error: &Error) -> bool {
    error.is_access_refused() && !is_forbidden(error)
}

/// Returns whether the client lacks the right to make the call.
pub(super) fn is_forbidden(error: &Error) -> bool {
    error.is_forbidden()
}

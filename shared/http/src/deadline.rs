//! The moment by which a caller needs its answer.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// The moment by which a call must have ended, all its attempts included.
///
/// A deadline is an instant of tokio's clock, so that tests with paused time hold for it.
///
/// ```
/// use insights_http::Deadline;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let deadline = Deadline::within(Duration::from_secs(5));
/// let slow = tokio::time::sleep(Duration::from_secs(60));
/// assert_eq!(deadline.bound(slow).await, None);
/// assert!(deadline.has_passed());
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// Builds the deadline at this instant.
    #[must_use]
    pub fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// Builds the deadline this long from now. A duration of more than a year counts as a year.
    #[must_use]
    pub fn within(duration: Duration) -> Self {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        Self(Instant::now() + duration.min(YEAR))
    }

    /// Returns the instant of this deadline.
    #[must_use]
    pub fn instant(self) -> Instant {
        self.0
    }

    /// Returns the time left, which is zero once the deadline has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Returns whether no time is left.
    #[must_use]
    pub fn has_passed(self) -> bool {
        self.remaining().is_zero()
    }

    /// Returns the earlier of this deadline and the one this long from now.
    #[must_use]
    pub fn or_within(self, duration: Duration) -> Self {
        self.min(Self::within(duration))
    }

    /// Returns this deadline moved forward by `margin`, the time that answering takes once the work is done or has failed.
    #[must_use]
    pub fn earlier_by(self, margin: Duration) -> Self {
        Self(self.0.checked_sub(margin).unwrap_or(self.0))
    }

    /// Waits for `work` until the deadline; returns `None` if the deadline came first.
    pub async fn bound<F: Future>(self, work: F) -> Option<F::Output> {
        tokio::time::timeout_at(self.0, work).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn remaining_time_shrinks_to_zero_and_stays_there() {
        let deadline = Deadline::within(Duration::from_secs(5));
        assert_eq!(deadline.remaining(), Duration::from_secs(5));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(deadline.remaining(), Duration::from_secs(3));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(deadline.remaining(), Duration::ZERO);
        assert!(deadline.has_passed());
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_cut_at_the_deadline() {
        let deadline = Deadline::within(Duration::from_secs(1));
        assert_eq!(deadline.bound(std::future::pending::<()>()).await, None);
        assert_eq!(
            Deadline::within(Duration::from_secs(1))
                .bound(async { 7 })
                .await,
            Some(7)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_earlier_deadline_wins_and_a_margin_is_taken_off() {
        let deadline = Deadline::within(Duration::from_secs(5));
        assert_eq!(
            deadline.or_within(Duration::from_secs(1)).remaining(),
            Duration::from_secs(1)
        );
        assert_eq!(
            deadline.or_within(Duration::MAX).remaining(),
            Duration::from_secs(5)
        );
        assert_eq!(
            deadline.earlier_by(Duration::from_millis(500)).remaining(),
            Duration::from_millis(4500)
        );
    }
}

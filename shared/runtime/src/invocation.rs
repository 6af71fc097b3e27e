//! What a function knows of the invocation that it works for, and the moment at which long work stops before the invocation
//! ends.

use std::time::{Duration, Instant};

use insights_http::Deadline;

/// One invocation of a function: its identifier and the moment by which it must be over.
///
/// An HTTP request carries its invocation among its extensions, see [`crate::http::RequestExt`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Lambda's identifier of the invocation, or API Gateway's identifier of the request. It is unique, so it may name the
    /// holder of a lease.
    pub request_id: String,
    /// The moment at which Lambda ends the invocation, less a margin for writing the reply.
    pub deadline: Instant,
}

/// An invocation is too short for what it must keep back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} s are left of this invocation, and {} s are kept for {purpose}: give the function more time",
    remaining.as_secs(),
    margin.as_secs()
)]
pub struct TooLittleTime {
    /// The time that was left.
    pub remaining: Duration,
    /// The time that was to be kept back.
    pub margin: Duration,
    /// What the time was to be kept back for, such as "writing the report".
    pub purpose: &'static str,
}

impl Invocation {
    /// Returns the end of the invocation as a deadline.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        Deadline::at(self.deadline.into())
    }

    /// Returns the moment at which work stops so that `margin` is left of the invocation. Where less is left already, that
    /// moment is now: a function that hands its work over has nothing to do but that.
    #[must_use]
    pub fn stop_before(&self, margin: Duration) -> Deadline {
        let earliest = Deadline::within(Duration::ZERO);
        self.deadline
            .checked_sub(margin)
            .map_or(earliest, |stop| Deadline::at(stop.into()).max(earliest))
    }

    /// Returns the same moment for a function whose work cannot be handed over, so that it must have some time for it.
    ///
    /// # Errors
    /// [`TooLittleTime`] if no more than `margin` is left.
    pub fn require_before(
        &self,
        margin: Duration,
        purpose: &'static str,
    ) -> Result<Deadline, TooLittleTime> {
        let stop = self.stop_before(margin);
        if stop.has_passed() {
            return Err(TooLittleTime {
                remaining: self.deadline().remaining(),
                margin,
                purpose,
            });
        }
        Ok(stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation(remaining: Duration) -> Invocation {
        Invocation {
            request_id: "request-1".to_owned(),
            deadline: tokio::time::Instant::now().into_std() + remaining,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn work_stops_as_long_before_the_deadline_as_was_asked_for() {
        let invocation = invocation(Duration::from_secs(60));
        let stop = invocation.stop_before(Duration::from_secs(5));
        assert_eq!(stop.remaining(), Duration::from_secs(55));
        assert_eq!(invocation.deadline().remaining(), Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn an_invocation_shorter_than_the_margin_stops_now() {
        let stop = invocation(Duration::from_secs(3)).stop_before(Duration::from_secs(5));
        assert!(stop.has_passed());
        assert!(stop >= Deadline::within(Duration::ZERO));
        let forever = invocation(Duration::from_secs(3)).stop_before(Duration::MAX);
        assert!(forever.has_passed());
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_cannot_be_handed_over_needs_more_than_the_margin() {
        let margin = Duration::from_secs(60);
        let stop = invocation(Duration::from_secs(90)).require_before(margin, "writing the report");
        assert_eq!(stop.unwrap().remaining(), Duration::from_secs(30));
        let error =
            invocation(Duration::from_secs(12)).require_before(margin, "writing the report");
        assert_eq!(
            error.unwrap_err().to_string(),
            "12 s are left of this invocation, and 60 s are kept for writing the report: give the function more time"
        );
    }
}

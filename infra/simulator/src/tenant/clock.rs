//! The time of a simulated tenant: the real time, moved forward by tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The time of a tenant. Clones show the same time.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// Returns the present time of the tenant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_millis(self.0.load(Ordering::SeqCst))
    }

    /// Moves the time forward, so that what is to happen within that time has happened.
    pub fn advance(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4);
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

/// Returns a time as the contact lists and analytics write it, with milliseconds and `Z`.
pub(super) fn with_millis(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Returns a time as the digital API writes it, in seconds and with an offset.
pub(super) fn with_offset(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// Returns a time as the digital API writes it with milliseconds.
pub(super) fn with_millis_and_offset(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
}

//! The lease of a call: which process works on the call, and until when.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The right of one process to work on a call, which ends by itself unless it is renewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Name of the process that holds the lease; unique among all processes and invocations.
    #[serde(rename = "name")]
    pub holder: String,
    /// Time from which any other process may take the call over.
    pub until: Timestamp,
}

impl Lease {
    /// Returns whether the lease still keeps other processes out at `now`.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.until > now
    }

    /// Renews the lease if at least half of `duration` is over, and returns whether it was renewed.
    ///
    /// A renewal costs a write of the state, so a round in which nothing was said does not renew a fresh lease.
    pub(super) fn renew_if_half_over(&mut self, duration: Duration, now: Timestamp) -> bool {
        let is_half_over = self.until <= now + duration / 2;
        if is_half_over {
            self.until = now + duration;
        }
        is_half_over
    }
}

//! How often the open contacts of a tenant are asked for.

use std::time::Duration;

/// How often the watch asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactTimes {
    /// Time between two steps, each of which makes at most one request beside the list.
    pub step: Duration,
    /// Time between two reads of the list of open contacts.
    pub list: Duration,
    /// Time after which a followed contact is read again, where no list tells that it is open.
    pub check: Duration,
    /// Time for which an ended contact is followed on, so that its last messages are scored.
    pub grace: Duration,
}

impl Default for ContactTimes {
    fn default() -> Self {
        Self {
            step: Duration::from_secs(2),
            list: Duration::from_secs(10),
            check: Duration::from_secs(60),
            grace: Duration::from_secs(10),
        }
    }
}

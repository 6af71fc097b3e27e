//! How long the checks may take.

use std::time::Duration;

use crate::check::Check;

/// How long the checks may take, removing what they created apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// Longest time of a check that asks for one answer after the other; a function that starts for it takes a few seconds.
    pub answers: Duration,
    /// Longest time of the check `search`, whose conversation waits in a queue until it is embedded.
    pub search: Duration,
    /// Longest time in which a search may answer 503 before its check is skipped: a database that sleeps wakes up in it.
    pub database: Duration,
}

impl Default for TimeLimits {
    /// 30 s for answers, 90 s until a conversation is found, and 20 s for a database that sleeps.
    fn default() -> Self {
        Self {
            answers: Duration::from_secs(30),
            search: Duration::from_secs(90),
            database: Duration::from_secs(20),
        }
    }
}

impl TimeLimits {
    /// Returns the longest time that a check may take.
    pub(crate) fn of(&self, check: Check) -> Duration {
        match check {
            Check::Health | Check::Score | Check::Call => self.answers,
            Check::Search => self.search,
        }
    }
}

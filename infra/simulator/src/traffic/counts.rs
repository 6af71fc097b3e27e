//! Counts of the requests that came.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fault::Pattern;

/// Status under which a request is counted that has no answer yet, or gets none at all.
pub const UNANSWERED: u16 = 0;

/// Counts by method and path, then by status.
type Counts = BTreeMap<(String, String), BTreeMap<u16, u64>>;

/// Counts of requests by method, path and status.
#[derive(Debug, Default)]
pub struct Traffic(Mutex<Counts>);

impl Traffic {
    /// Returns the number of requests of a method on paths that match a pattern, whatever their answers.
    #[must_use]
    pub fn count(&self, method: &str, pattern: &str) -> u64 {
        self.statuses(method, pattern).values().sum()
    }

    /// Returns the number of such requests by status; [`UNANSWERED`] counts those in flight and those without an answer.
    #[must_use]
    pub fn statuses(&self, method: &str, pattern: &str) -> BTreeMap<u16, u64> {
        let pattern = Pattern(pattern.to_owned());
        let mut sums = BTreeMap::new();
        for ((_, _), statuses) in self
            .lock()
            .iter()
            .filter(|((m, path), _)| m == method && pattern.matches(path))
        {
            for (status, count) in statuses {
                *sums.entry(*status).or_default() += count;
            }
        }
        sums
    }

    /// Returns all counts as `{"METHOD /path": {status: count}}`.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, BTreeMap<u16, u64>> {
        let named = |((method, path), statuses): (&(String, String), &BTreeMap<u16, u64>)| {
            (format!("{method} {path}"), statuses.clone())
        };
        self.lock().iter().map(named).collect()
    }

    /// Resets all counts to zero.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Counts a request when it arrives, so that requests without an answer are counted too.
    pub(super) fn arrived(&self, method: &str, path: &str) {
        let mut counts = self.lock();
        *counts
            .entry((method.to_owned(), path.to_owned()))
            .or_default()
            .entry(UNANSWERED)
            .or_default() += 1;
    }

    /// Moves a request from [`UNANSWERED`] to the status of its answer.
    pub(super) fn answered(&self, method: String, path: String, status: u16) {
        let mut counts = self.lock();
        let statuses = counts.entry((method, path)).or_default();
        let unanswered = statuses.remove(&UNANSWERED).unwrap_or(1) - 1;
        if unanswered > 0 {
            statuses.insert(UNANSWERED, unanswered);
        }
        *statuses.entry(status).or_default() += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

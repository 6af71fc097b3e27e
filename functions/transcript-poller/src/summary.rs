//! What one run of the poller has done, counted by all of its tasks.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// What one run of the poller has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PollSummary {
    /// Number of calls that were followed.
    pub calls: u64,
    /// Number of batches that were counted.
    pub batches: u64,
    /// Number of segments that were scored.
    pub segments: u64,
    /// Number of suggestions that the contact center accepted.
    pub suggestions: u64,
    /// Number of operations that failed.
    pub failures: u64,
}

/// Counters that all tasks of a run share.
#[derive(Debug, Default)]
pub(crate) struct RunCounters {
    batches: AtomicU64,
    segments: AtomicU64,
    suggestions: AtomicU64,
    failures: AtomicU64,
}

impl RunCounters {
    /// Counts a batch with the given number of segments.
    pub(crate) fn add_batch(&self, segments: usize) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.segments.fetch_add(segments as u64, Ordering::Relaxed);
    }

    /// Counts a suggestion that the contact center accepted.
    pub(crate) fn add_suggestion(&self) {
        self.suggestions.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an operation that failed.
    pub(crate) fn add_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the counts so far as the summary of a run that followed the given number of calls.
    pub(crate) fn summarize(&self, calls: u64) -> PollSummary {
        PollSummary {
            calls,
            batches: self.batches.load(Ordering::Relaxed),
            segments: self.segments.load(Ordering::Relaxed),
            suggestions: self.suggestions.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }
}

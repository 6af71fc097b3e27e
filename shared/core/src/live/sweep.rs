//! Decides from where the next poll of a call reads, so that segments that become visible late are not missed.
//!
//! # Cursor and sweep
//! The contact center answers a poll with all segments that end at or after a given time. The *cursor* is the largest end of
//! all segments that were scored so far. Reading from the cursor is cheap, because the answer holds only what is new.
//!
//! But speech recognition may finish one speaker's sentence seconds after the other speaker's next sentence. Such a *late
//! segment* ends before the cursor and would never be read. Therefore, once per
//! [`LiveSettings::sweep_interval`], a *sweep* takes the place of the poll: it reads from
//! [`LiveSettings::sweep_lookback`] behind the cursor. The segments that it reads a second time are recognized as scored.
//!
//! # Which cursor a sweep looks back from
//! A sweep looks back from the cursor as it was when the *last* sweep was answered, not from the current one, because the
//! cursor may have leapt ahead in between.
//!
//! Example with a lookback of 60 s:
//! 1. A sweep is answered while the cursor is at 12:00:00.
//! 2. The customer's next sentence ends at 12:02:00, and the cursor leaps there.
//! 3. Only now the recognizer finishes an agent's sentence that ended at 12:00:30.
//! 4. A sweep from the current cursor would read from 12:01:00 and miss that sentence. The sweep from the earlier cursor reads
//!    from 11:59:00 and finds it.
//!
//! # When a sweep is complete
//! A sweep counts only once all segments of its answer are scored. If scoring fails, the next poll is a sweep again and looks
//! back from the same cursor as the failed one.
//!
//! **Invariant:** a segment that becomes visible after a completed sweep, and ends at most the lookback before the cursor of
//! that sweep, is read by the next sweep. The only exception are segments behind the horizon of the
//! [`segment_memory`](super::segment_memory): they could not be distinguished from repeats, so no poll asks for them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::segment_memory::SegmentMemory;
use super::settings::{LiveSettings, whole_millis};

/// From where a poll reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FetchRange {
    /// Earliest end of the segments to read, in milliseconds since the epoch.
    pub(super) from: i64,
    /// Whether the poll is a sweep.
    pub(super) is_sweep: bool,
}

/// How far the sweeps of one call have come.
///
/// The stored form is the cursor of the last completed sweep. The times of this process are not stored, so a process that
/// takes a call over begins with a sweep.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub(super) struct SweepProgress {
    /// Cursor at the answer of the last completed sweep, in milliseconds since the epoch.
    completed_cursor: i64,
    /// Time at which the last sweep was completed by this process.
    completed_at: Option<Timestamp>,
    /// Cursor at the answer of a sweep whose segments are still being scored.
    pending_cursor: Option<i64>,
}

impl SweepProgress {
    /// Returns from where the next poll reads, and whether it is a sweep. The poll reads at least from `unresolved_from`, the end
    /// of a segment that could not be scored the last time.
    pub(super) fn next_fetch(
        &self,
        memory: &SegmentMemory,
        unresolved_from: Option<i64>,
        settings: &LiveSettings,
        now: Timestamp,
    ) -> FetchRange {
        let is_sweep = self
            .completed_at
            .is_none_or(|completed_at| now >= completed_at + settings.sweep_interval);
        let cursor = cursor_at(memory, now);
        let from = if is_sweep {
            self.completed_cursor
                .min(cursor)
                .saturating_sub(whole_millis(settings.sweep_lookback))
        } else {
            cursor
        }
        .min(unresolved_from.unwrap_or(i64::MAX));
        // Segments that the memory has forgotten could not be distinguished from repeats, so they are not asked for.
        let horizon = memory.forgotten_until().map_or(0, |time| time + 1);
        FetchRange {
            from: from.max(horizon).max(0),
            is_sweep,
        }
    }

    /// Notes that a poll was answered while the cursor was at the newest end of `memory`.
    pub(super) fn note_answer(&mut self, is_sweep: bool, memory: &SegmentMemory, now: Timestamp) {
        self.pending_cursor = is_sweep.then(|| cursor_at(memory, now));
    }

    /// Completes the sweep that is underway, if there is one: all segments of its answer are counted.
    pub(super) fn complete(&mut self, now: Timestamp) {
        if let Some(cursor) = self.pending_cursor.take() {
            self.completed_cursor = cursor;
            self.completed_at = Some(now);
        }
    }
}

/// Returns the cursor, which never lies in the future: a segment whose clock is a little fast must not hide what is said until
/// then.
fn cursor_at(memory: &SegmentMemory, now: Timestamp) -> i64 {
    memory.newest_end().unwrap_or(0).min(now.as_millisecond())
}

impl From<i64> for SweepProgress {
    fn from(completed_cursor: i64) -> Self {
        Self {
            completed_cursor,
            ..Self::default()
        }
    }
}

impl From<SweepProgress> for i64 {
    fn from(progress: SweepProgress) -> Self {
        progress.completed_cursor
    }
}

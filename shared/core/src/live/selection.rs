//! Selects, from the answer to a poll, the segments that still have to be scored.

use jiff::{SignedDuration, Timestamp};

use super::segment::{Segment, SegmentId};
use super::segment_memory::{SegmentMemory, SegmentStatus};

/// Largest time by which the end of a segment may lie in the future. A segment beyond it has a wrong clock or a wrong unit,
/// and would move the cursor past every real segment.
const MAX_LEAD: SignedDuration = SignedDuration::from_hours(24);

/// The segments of an answer that still have to be scored.
pub(super) struct Selection {
    /// New final segments, ordered by their ends; at most one batch.
    pub(super) segments: Vec<Segment>,
    /// Whether the answer holds more new segments than one batch takes.
    pub(super) has_more: bool,
    /// Number of segments that ended before the horizon of the memory.
    pub(super) late: usize,
    /// Number of segments that end before they start, or too far in the future.
    pub(super) implausible: usize,
}

/// Selects the new final segments of an answer, oldest first, at most `batch_size` of them.
///
/// Partial segments are ignored, because a final one follows. Repeats within the answer count once.
pub(super) fn select_new_segments(
    segments: Vec<Segment>,
    memory: &SegmentMemory,
    batch_size: usize,
    now: Timestamp,
) -> Selection {
    let latest_end = (now + MAX_LEAD).as_millisecond();
    let (mut late, mut implausible) = (0, 0);
    let mut new: Vec<(i64, SegmentId, Segment)> = Vec::new();
    for segment in segments.into_iter().filter(|segment| segment.is_final) {
        if segment.end < segment.start || segment.end > latest_end {
            implausible += 1;
            continue;
        }
        let id = segment.id();
        match memory.status_of(id, segment.end) {
            SegmentStatus::New => new.push((segment.end, id, segment)),
            SegmentStatus::AlreadyScored => {}
            SegmentStatus::TooLate => late += 1,
        }
    }
    // Oldest first: if the batch cuts the answer, the cursor must not pass a segment that was left out.
    new.sort_by_key(|(end, id, _)| (*end, *id));
    new.dedup_by_key(|(_, id, _)| *id);
    let has_more = new.len() > batch_size;
    new.truncate(batch_size);
    Selection {
        segments: new.into_iter().map(|(_, _, segment)| segment).collect(),
        has_more,
        late,
        implausible,
    }
}

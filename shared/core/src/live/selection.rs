//! Selects, from the answer to a poll, the segments that still have to be scored.

use jiff::Timestamp;

use super::call_state::CallState;
use super::segment::{Segment, SegmentId};
use super::segment_memory::SegmentStatus;

/// The segments of an answer that still have to be scored.
pub(super) struct Selection {
    /// New final segments, ordered by their ends; at most one batch.
    pub(super) segments: Vec<Segment>,
    /// Whether the answer holds more new segments than one batch takes.
    pub(super) has_more: bool,
    /// Number of segments that ended before the horizon of the memory, and were not reported yet.
    pub(super) late: usize,
    /// Number of new segments that end before they start, or too far in the future, and were not reported yet.
    pub(super) misdated: usize,
}

/// Selects the new final segments of an answer, oldest first, at most `batch_size` of them.
///
/// Partial segments are ignored, because a final one follows. Repeats within the answer count once. A segment with times that
/// cannot be right is scored all the same: its words were said, whatever its clock says.
pub(super) fn select_new_segments(
    state: &mut CallState,
    segments: Vec<Segment>,
    batch_size: usize,
    now: Timestamp,
) -> Selection {
    let (mut late, mut misdated) = (0, 0);
    let mut new: Vec<(i64, SegmentId, Segment)> = Vec::new();
    for segment in segments.into_iter().filter(|segment| segment.is_final) {
        let id = segment.id();
        match state.status_of(&segment, id, now) {
            SegmentStatus::New => {
                if segment.is_misdated(now) && state.reported.insert(id) {
                    misdated += 1;
                }
                new.push((segment.end, id, segment));
            }
            SegmentStatus::AlreadyScored => {}
            SegmentStatus::TooLate => {
                let is_reported_now = state.reported.insert(id);
                late += usize::from(is_reported_now);
                if is_reported_now {
                    state.rules.add_lost(segment.start, segment.end);
                }
            }
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
        misdated,
    }
}

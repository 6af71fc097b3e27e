//! The memory of a call: which segments were scored, and with which result.
//!
//! The memory serves three purposes:
//! - A segment that the contact center serves again is recognized and not scored twice.
//! - A segment that becomes visible late is scored once, although newer segments were scored before it.
//! - The moving averages of [`window`](super::window) are computed from the remembered scores.
//!
//! # The horizon
//! A call may last for hours, so the memory is bounded: by a *horizon* in segment time (segments that ended more than
//! [`LiveSettings::memory_horizon`](super::LiveSettings::memory_horizon) before the newest one are forgotten) and by
//! [`CAPACITY`]. A forgotten segment cannot be distinguished from one that was never seen. Therefore the memory keeps the time up to
//! which it has forgotten, and refuses every segment that ends at or before that time.
//!
//! **Invariant:** a segment that was inserted once is never again reported as [`SegmentStatus::New`]: it is either still
//! remembered, or its end lies at or before [`SegmentMemory::forgotten_until`]. The cost is that a segment which becomes
//! visible later than the horizon is never scored.
//!
//! Example with a horizon of 10 s: segments that end at 1 s, 2 s, ... 99 s were inserted. The memory holds the ends from
//! 89 s to 99 s and has forgotten everything up to 88.999 s. An unknown segment that ends at 89 s is new; one that ends at
//! 88.999 s is too late, because it may be one of those that were forgotten.
//!
//! # Stored form
//! One remembered segment takes 14 bytes, packed as base64 in the state item, so that the item of a call of any length
//! stays under 16 KB.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

use super::event::ScoredSegment;
use super::segment::{SegmentId, Speaker};

/// Largest number of remembered segments: 9.6 KB of base64. In a fast conversation, with a segment every second, they cover
/// more than eight minutes.
pub const CAPACITY: usize = 512;

/// Size of one packed segment: identity 8 bytes, age 4 bytes, score and speaker 2 bytes.
const PACKED_SEGMENT_BYTES: usize = 14;
/// The top bit of the two score bytes says that the agent spoke the segment.
const AGENT_BIT: u16 = 1 << 15;
/// Largest score in the stored form: scores are stored in ten-thousandths.
const MAX_STORED_SCORE: u16 = 10_000;

/// A segment that was scored, without its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RememberedSegment {
    /// Identity of the segment.
    pub id: SegmentId,
    /// Time at which the segment ended, in milliseconds since the epoch.
    pub end: i64,
    /// Speaker of the segment.
    pub speaker: Speaker,
    /// Score in ten-thousandths, 0 to 10,000. Whole numbers give the same sum in any order, floating-point numbers do not.
    pub score: u16,
    /// Whether the segment counts in averages. One without words or in a language that is not read does not.
    pub is_counted: bool,
}

impl RememberedSegment {
    /// Creates what is remembered of a scored segment that counts as ended at `end`; the score is rounded to four decimals.
    #[must_use]
    pub fn new(id: SegmentId, end: i64, scored: &ScoredSegment) -> Self {
        Self {
            id,
            end,
            speaker: scored.segment.speaker,
            score: scored.score.to_ten_thousandths(),
            is_counted: scored.is_counted(),
        }
    }
}

/// What the memory knows about a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentStatus {
    /// The segment was never scored.
    New,
    /// The segment was scored already and is remembered.
    AlreadyScored,
    /// The segment ended so long ago that it may have been scored and forgotten.
    TooLate,
}

/// The remembered segments of one call, ordered by their ends and identities.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PackedMemory", into = "PackedMemory")]
pub struct SegmentMemory {
    segments: Vec<RememberedSegment>,
    newest_end: Option<i64>,
    forgotten_until: Option<i64>,
}

impl SegmentMemory {
    /// Returns the largest end of all segments so far, in milliseconds since the epoch: the cursor of the next poll. Segments
    /// that were stamped ahead of their time do not count.
    #[must_use]
    pub fn newest_end(&self) -> Option<i64> {
        self.newest_end
    }

    /// Returns the time at which the newest remembered segment ended, in milliseconds since the epoch.
    #[must_use]
    pub fn latest_end(&self) -> Option<i64> {
        self.segments.last().map(|segment| segment.end)
    }

    /// Returns the time, in milliseconds since the epoch, up to which the memory has forgotten segments. Segments that end
    /// at or before it and are not remembered are refused. `None` means that nothing was forgotten yet.
    #[must_use]
    pub fn forgotten_until(&self) -> Option<i64> {
        self.forgotten_until
    }

    /// Returns the remembered segments, oldest first.
    #[must_use]
    pub fn segments(&self) -> &[RememberedSegment] {
        &self.segments
    }

    /// Returns whether a segment is new, already scored, or too late to know.
    #[must_use]
    pub fn status_of(&self, id: SegmentId, end: i64) -> SegmentStatus {
        if self
            .segments
            .binary_search_by_key(&(end, id), sort_key)
            .is_ok()
        {
            SegmentStatus::AlreadyScored
        } else if self.forgotten_until.is_some_and(|time| end <= time) {
            SegmentStatus::TooLate
        } else {
            SegmentStatus::New
        }
    }

    /// Inserts a segment and returns whether the segment was new. A segment that is not new changes nothing.
    ///
    /// The caller bounds the memory afterwards with [`SegmentMemory::forget_older_than`].
    pub fn insert(&mut self, segment: RememberedSegment) -> bool {
        if self.status_of(segment.id, segment.end) != SegmentStatus::New {
            return false;
        }
        let Err(index) = self
            .segments
            .binary_search_by_key(&sort_key(&segment), sort_key)
        else {
            return false;
        };
        self.segments.insert(index, segment);
        // A late segment must not move the cursor back.
        self.newest_end = self.newest_end.max(Some(segment.end));
        true
    }

    /// Inserts a segment that was stamped ahead of its time, with the end that it is counted with, and moves the cursor not.
    pub(super) fn insert_ahead(&mut self, segment: RememberedSegment) {
        let place = self
            .segments
            .binary_search_by_key(&sort_key(&segment), sort_key);
        if let Err(index) = place {
            self.segments.insert(index, segment);
        }
    }

    /// Moves the cursor past a segment that is not remembered here.
    pub(super) fn pass(&mut self, end: i64) {
        self.newest_end = self.newest_end.max(Some(end));
    }

    /// Refuses all unknown segments that end at or before `end` from now on.
    pub(super) fn refuse_until(&mut self, end: i64) {
        self.forgotten_until = self.forgotten_until.max(Some(end));
    }

    /// Forgets the segments that ended more than `horizon` milliseconds before the newest one, and the oldest segments above
    /// [`CAPACITY`]. The horizon does not pass `unresolved_from`, the end of a segment that still has to be scored.
    pub fn forget_older_than(&mut self, horizon: i64, unresolved_from: Option<i64>) {
        let oldest_kept = self
            .newest_end
            .map_or(i64::MIN, |newest_end| newest_end.saturating_sub(horizon))
            .min(unresolved_from.unwrap_or(i64::MAX));
        let beyond_horizon = self
            .segments
            .partition_point(|segment| segment.end < oldest_kept);
        let count = beyond_horizon.max(self.segments.len().saturating_sub(CAPACITY));
        if let Some(last_forgotten) = self.segments.drain(..count).next_back() {
            let forgotten_until = if count == beyond_horizon {
                oldest_kept.saturating_sub(1)
            } else {
                // The capacity cut deeper than the horizon, possibly between segments with the same end: all unknown
                // segments with that end are refused from now on.
                last_forgotten.end
            };
            self.forgotten_until = self.forgotten_until.max(Some(forgotten_until));
        }
    }

    /// Computes the average score, 0 to 1, of the counted segments whose speaker `includes` admits and that end at most
    /// `window` milliseconds before the newest of them. Returns `None` if no segment is admitted.
    #[must_use]
    pub fn average_score(&self, window: i64, includes: impl Fn(Speaker) -> bool) -> Option<f64> {
        let mut admitted = self
            .segments
            .iter()
            .rev()
            .filter(|segment| segment.is_counted && includes(segment.speaker))
            .peekable();
        let window_start = admitted.peek()?.end.saturating_sub(window);
        let (sum, count) = admitted
            .take_while(|segment| segment.end >= window_start)
            .fold((0_u32, 0_u32), |(sum, count), segment| {
                (sum + u32::from(segment.score), count + 1)
            });
        Some(f64::from(sum) / (f64::from(count) * f64::from(MAX_STORED_SCORE)))
    }
}

fn sort_key(segment: &RememberedSegment) -> (i64, SegmentId) {
    (segment.end, segment.id)
}

/// The stored form of a [`SegmentMemory`].
#[derive(Serialize, Deserialize)]
struct PackedMemory {
    /// Largest end of all segments, from which the packed ages count.
    #[serde(rename = "newest", skip_serializing_if = "Option::is_none")]
    latest_end: Option<i64>,
    /// Cursor, if it is another time: segments that were stamped ahead of their time do not move it. 0 is no cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cursor: Option<i64>,
    #[serde(rename = "floor", skip_serializing_if = "Option::is_none")]
    forgotten_until: Option<i64>,
    #[serde(rename = "packed")]
    segments: String,
    /// One bit for each packed segment, the first one lowest, which says that the segment counts in no average. A version
    /// that does not know the field counts those segments as neutral.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    uncounted: String,
}

/// Why a stored memory cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SegmentMemoryError {
    /// The packed segments are not base64.
    // The cause is part of the message, because serde keeps only the message of a conversion error.
    #[error("the remembered segments are not base64: {0}")]
    NotBase64(base64::DecodeError),
    /// The packed segments end in the middle of a segment.
    #[error("the remembered segments are cut short: {0} bytes are left over")]
    CutShort(usize),
    /// A packed score is larger than 1.
    #[error("a remembered segment has a score above 1: {0} ten-thousandths")]
    ScoreTooLarge(u16),
}

impl From<SegmentMemory> for PackedMemory {
    fn from(memory: SegmentMemory) -> Self {
        let latest_end = memory.newest_end.max(memory.latest_end());
        let base = latest_end.unwrap_or_default();
        let mut bytes = Vec::with_capacity(memory.segments.len() * PACKED_SEGMENT_BYTES);
        let mut uncounted = vec![0_u8; memory.segments.len().div_ceil(8)];
        for (index, segment) in memory.segments.iter().enumerate() {
            uncounted[index / 8] |= u8::from(!segment.is_counted) << (index % 8);
            // Ages saturate at 49 days. The horizon, at most a day, forgets a segment long before that.
            let age = u32::try_from(base.saturating_sub(segment.end)).unwrap_or(u32::MAX);
            let agent = if segment.speaker == Speaker::Agent {
                AGENT_BIT
            } else {
                0
            };
            bytes.extend(segment.id.0.to_be_bytes());
            bytes.extend(age.to_be_bytes());
            bytes.extend((segment.score | agent).to_be_bytes());
        }
        Self {
            latest_end,
            cursor: (latest_end != memory.newest_end)
                .then_some(memory.newest_end.unwrap_or_default()),
            forgotten_until: memory.forgotten_until,
            segments: BASE64.encode(bytes),
            uncounted: if uncounted.iter().any(|bits| *bits != 0) {
                BASE64.encode(uncounted)
            } else {
                String::new()
            },
        }
    }
}

impl TryFrom<PackedMemory> for SegmentMemory {
    type Error = SegmentMemoryError;

    fn try_from(stored: PackedMemory) -> Result<Self, SegmentMemoryError> {
        let bytes = BASE64
            .decode(&stored.segments)
            .map_err(SegmentMemoryError::NotBase64)?;
        let (packed, rest) = bytes.as_chunks::<PACKED_SEGMENT_BYTES>();
        if !rest.is_empty() {
            return Err(SegmentMemoryError::CutShort(rest.len()));
        }
        let base = stored.latest_end.unwrap_or_default();
        let mut segments: Vec<RememberedSegment> =
            packed.iter().map(|segment| unpack(segment, base)).collect();
        if let Some(segment) = segments
            .iter()
            .find(|segment| segment.score > MAX_STORED_SCORE)
        {
            return Err(SegmentMemoryError::ScoreTooLarge(segment.score));
        }
        let uncounted = BASE64
            .decode(&stored.uncounted)
            .map_err(SegmentMemoryError::NotBase64)?;
        for (index, segment) in segments.iter_mut().enumerate() {
            let bits = uncounted.get(index / 8).copied().unwrap_or_default();
            segment.is_counted = bits >> (index % 8) & 1 == 0;
        }
        segments.sort_by_key(sort_key);
        Ok(Self {
            segments,
            newest_end: match stored.cursor {
                Some(cursor) => Some(cursor).filter(|cursor| *cursor != 0),
                None => stored.latest_end,
            },
            forgotten_until: stored.forgotten_until,
        })
    }
}

fn unpack(packed: &[u8; PACKED_SEGMENT_BYTES], newest_end: i64) -> RememberedSegment {
    let [
        id0,
        id1,
        id2,
        id3,
        id4,
        id5,
        id6,
        id7,
        age0,
        age1,
        age2,
        age3,
        score0,
        score1,
    ] = *packed;
    let score = u16::from_be_bytes([score0, score1]);
    RememberedSegment {
        id: SegmentId(u64::from_be_bytes([id0, id1, id2, id3, id4, id5, id6, id7])),
        end: newest_end - i64::from(u32::from_be_bytes([age0, age1, age2, age3])),
        speaker: if score & AGENT_BIT == 0 {
            Speaker::Customer
        } else {
            Speaker::Agent
        },
        score: score & !AGENT_BIT,
        is_counted: true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn remembered(id: u64, end: i64) -> RememberedSegment {
        RememberedSegment {
            id: SegmentId(id),
            end,
            speaker: Speaker::Customer,
            score: 5000,
            is_counted: true,
        }
    }

    #[test]
    fn a_late_segment_is_taken_once_and_does_not_move_the_cursor_back() {
        let mut memory = SegmentMemory::default();
        assert!(memory.insert(remembered(1, 10_000)));
        assert!(memory.insert(remembered(2, 4_000)));
        assert!(!memory.insert(remembered(2, 4_000)));
        assert_eq!(memory.newest_end(), Some(10_000));
    }

    #[test]
    fn what_the_memory_no_longer_reaches_is_refused_not_scored_again() {
        let mut memory = SegmentMemory::default();
        for second in 0..100 {
            memory.insert(remembered(second, i64::try_from(second).unwrap() * 1000));
            memory.forget_older_than(10_000, None);
        }
        assert_eq!(memory.segments().len(), 11);
        assert_eq!(memory.status_of(SegmentId(1), 1000), SegmentStatus::TooLate);
        assert_eq!(
            memory.status_of(SegmentId(89), 89_000),
            SegmentStatus::AlreadyScored
        );
        assert_eq!(
            memory.status_of(SegmentId(1000), 89_000),
            SegmentStatus::New
        );
        assert_eq!(
            memory.status_of(SegmentId(1000), 88_999),
            SegmentStatus::TooLate
        );
    }

    #[test]
    fn a_flood_is_bounded_by_count_and_never_forgotten_into_a_repeat() {
        let mut memory = SegmentMemory::default();
        for id in 0..5000 {
            memory.insert(remembered(id, i64::try_from(id / 10).unwrap()));
            memory.forget_older_than(1_000_000, None);
        }
        assert_eq!(memory.segments().len(), CAPACITY);
        for id in 0..5000 {
            assert_ne!(
                memory.status_of(SegmentId(id), i64::try_from(id / 10).unwrap()),
                SegmentStatus::New,
                "{id}"
            );
        }
    }

    #[test]
    fn the_window_ends_at_the_newest_segment_that_counts() {
        let mut memory = SegmentMemory::default();
        let agent = |id, end| RememberedSegment {
            speaker: Speaker::Agent,
            score: 10_000,
            ..remembered(id, end)
        };
        for segment in [remembered(1, 0), remembered(2, 20_000), agent(3, 60_000)] {
            memory.insert(segment);
        }
        assert_eq!(memory.average_score(30_000, |_| true), Some(1.0));
        assert_eq!(
            memory.average_score(30_000, |who| who == Speaker::Customer),
            Some(0.5)
        );
        assert_eq!(
            SegmentMemory::default().average_score(30_000, |_| true),
            None
        );
    }

    #[test]
    fn a_segment_without_a_sentiment_of_its_own_neither_counts_nor_ends_the_window() {
        let mut memory = SegmentMemory::default();
        let blank = |id, end| RememberedSegment {
            is_counted: false,
            ..remembered(id, end)
        };
        memory.insert(blank(1, 0));
        assert_eq!(memory.average_score(30_000, |_| true), None);
        memory.insert(RememberedSegment {
            score: 1000,
            ..remembered(2, 10_000)
        });
        memory.insert(blank(3, 90_000));
        assert_eq!(memory.average_score(30_000, |_| true), Some(0.1));
        assert_eq!(
            memory.status_of(SegmentId(3), 90_000),
            SegmentStatus::AlreadyScored
        );
        let mut stored = serde_json::to_value(&memory).unwrap();
        assert_eq!(
            serde_json::from_value::<SegmentMemory>(stored.clone()).unwrap(),
            memory
        );
        // what a version that knows no such segments has stored
        stored.as_object_mut().unwrap().remove("uncounted");
        let counted: SegmentMemory = serde_json::from_value(stored).unwrap();
        assert!(counted.segments().iter().all(|segment| segment.is_counted));
    }

    #[test]
    fn a_memory_that_was_tampered_with_is_refused() {
        for packed in ["###", "AAAA", "AAAAAAAAAAAAAAAAf/8"] {
            let stored = serde_json::json!({"newest": 1, "packed": packed});
            assert!(
                serde_json::from_value::<SegmentMemory>(stored).is_err(),
                "{packed}"
            );
        }
    }

    proptest! {
        #[test]
        fn the_packed_form_gives_back_what_was_remembered(
            segments in prop::collection::vec((any::<u64>(), 0..600_000_i64, any::<bool>(), 0..=10_000_u16, any::<bool>()), 0..600),
        ) {
            let mut memory = SegmentMemory::default();
            for (id, end, agent, score, is_counted) in segments {
                let speaker = if agent { Speaker::Agent } else { Speaker::Customer };
                memory.insert(RememberedSegment { id: SegmentId(id), end, speaker, score, is_counted });
            }
            memory.forget_older_than(300_000, None);
            let stored = serde_json::to_string(&memory).unwrap();
            prop_assert!(stored.len() < 10_000, "{}", stored.len());
            prop_assert_eq!(serde_json::from_str::<SegmentMemory>(&stored).unwrap(), memory);
        }
    }
}

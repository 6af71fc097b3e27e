//! The segments of a call that were taken, and that the [`segment_memory`](super::segment_memory) cannot recognize by their
//! times.
//!
//! Two kinds of segments are set aside:
//! - Segments that are stamped too far *ahead* of the time at which they were read, by a speech recognizer with a wrong clock.
//!   They are scored as if they had ended just now. Their real stamp must not move the cursor, or the poller would ask for
//!   nothing but the future from then on.
//! - Segments that *cannot be scored*, because the provider of scores refuses them. They have no score to remember.
//!
//! Both kinds may be served again for as long as the call lasts, so their identities are kept under the times with which they
//! are served. The number is bounded by [`CAPACITY`]: when it is reached, the segment with the smallest end is forgotten, and
//! from then on every unknown segment ahead of its time that ends at or before that end is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

use super::segment::SegmentId;

/// Largest number of segments that are set aside: 2.7 KB of base64.
const CAPACITY: usize = 128;

/// Size of one packed segment: end 8 bytes, identity 8 bytes.
const PACKED_SEGMENT_BYTES: usize = 16;

/// The identities of segments that were set aside, ordered by their ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PackedSetAside", into = "PackedSetAside")]
pub(super) struct SetAsideSegments {
    segments: Vec<(i64, SegmentId)>,
    forgotten_until: Option<i64>,
}

impl SetAsideSegments {
    /// Returns whether nothing was ever set aside.
    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty() && self.forgotten_until.is_none()
    }

    /// Returns whether a segment is set aside.
    pub(super) fn contains(&self, end: i64, id: SegmentId) -> bool {
        self.segments.binary_search(&(end, id)).is_ok()
    }

    /// Returns whether a segment ends so early that it may have been set aside and forgotten.
    pub(super) fn has_forgotten(&self, end: i64) -> bool {
        self.forgotten_until.is_some_and(|until| end <= until)
    }

    /// Sets a segment aside. If another one is forgotten for it, returns the end of that one.
    pub(super) fn insert(&mut self, end: i64, id: SegmentId) -> Option<i64> {
        let Err(index) = self.segments.binary_search(&(end, id)) else {
            return None;
        };
        self.segments.insert(index, (end, id));
        if self.segments.len() <= CAPACITY {
            return None;
        }
        let (forgotten, _) = self.segments.remove(0);
        self.forgotten_until = self.forgotten_until.max(Some(forgotten));
        Some(forgotten)
    }
}

/// The stored form of [`SetAsideSegments`].
#[derive(Serialize, Deserialize)]
struct PackedSetAside {
    #[serde(default, rename = "floor", skip_serializing_if = "Option::is_none")]
    forgotten_until: Option<i64>,
    #[serde(rename = "packed")]
    segments: String,
}

/// Why stored segments cannot be read.
#[derive(Debug, thiserror::Error)]
enum SetAsideError {
    /// The packed segments are not base64.
    // The cause is part of the message, because serde keeps only the message of a conversion error.
    #[error("the segments that were set aside are not base64: {0}")]
    NotBase64(base64::DecodeError),
    /// The packed segments end in the middle of a segment.
    #[error("the segments that were set aside are cut short: {0} bytes are left over")]
    CutShort(usize),
}

impl From<SetAsideSegments> for PackedSetAside {
    fn from(set_aside: SetAsideSegments) -> Self {
        let bytes: Vec<u8> = set_aside
            .segments
            .iter()
            .flat_map(|(end, id)| [end.to_be_bytes(), id.0.to_be_bytes()])
            .flatten()
            .collect();
        Self {
            forgotten_until: set_aside.forgotten_until,
            segments: BASE64.encode(bytes),
        }
    }
}

impl TryFrom<PackedSetAside> for SetAsideSegments {
    type Error = SetAsideError;

    fn try_from(stored: PackedSetAside) -> Result<Self, SetAsideError> {
        let bytes = BASE64
            .decode(&stored.segments)
            .map_err(SetAsideError::NotBase64)?;
        let (packed, rest) = bytes.as_chunks::<PACKED_SEGMENT_BYTES>();
        if !rest.is_empty() {
            return Err(SetAsideError::CutShort(rest.len()));
        }
        let mut segments: Vec<(i64, SegmentId)> = packed
            .iter()
            .map(|bytes| {
                let whole = i128::from_be_bytes(*bytes);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "the upper half is the end, the lower half the identity"
                )]
                let (end, id) = ((whole >> 64) as i64, whole as u64);
                (end, SegmentId(id))
            })
            .collect();
        segments.sort_unstable();
        Ok(Self {
            segments,
            forgotten_until: stored.forgotten_until,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_form_is_read_back_and_a_broken_one_refused() {
        let mut set_aside = SetAsideSegments::default();
        assert!(set_aside.is_empty());
        for (end, id) in [(i64::MAX, u64::MAX), (-5, 7), (1_700_000_000_000, 1 << 63)] {
            assert_eq!(set_aside.insert(end, SegmentId(id)), None);
        }
        let json = serde_json::to_string(&set_aside).unwrap();
        assert_eq!(
            serde_json::from_str::<SetAsideSegments>(&json).unwrap(),
            set_aside
        );
        let error = serde_json::from_str::<SetAsideSegments>(r#"{"packed":"AAAA"}"#);
        assert!(error.unwrap_err().to_string().contains("3 bytes"));
    }

    #[test]
    fn the_number_is_bounded_and_the_forgotten_are_refused() {
        let mut set_aside = SetAsideSegments::default();
        let forgotten: Vec<i64> = (0..500)
            .filter_map(|end| set_aside.insert(end, SegmentId(7)))
            .collect();
        assert_eq!(forgotten, (0..372).collect::<Vec<i64>>());
        assert!(set_aside.has_forgotten(371) && !set_aside.has_forgotten(372));
        assert!(set_aside.contains(372, SegmentId(7)) && !set_aside.contains(372, SegmentId(8)));
        assert!(serde_json::to_string(&set_aside).unwrap().len() < 2800);
    }
}

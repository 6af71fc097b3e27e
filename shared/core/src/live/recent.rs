//! The segments that a call remembers: enough to know a repeat, to take a late one once and to average the window.
//!
//! The memory is bounded by a horizon of segment time and by a count. What lies behind it is refused rather than
//! scored a second time. One entry is 14 bytes, packed as base64 in the state item, so that a call of any length
//! stays under 16 KB.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

use super::segment::{Direction, SegmentId};
use crate::scale::Score;

/// At most so many segments are remembered: 9.6 KB of base64. At the pace of a fast conversation, a segment every
/// second, they cover eight minutes.
pub const CAPACITY: usize = 512;

/// Bytes of one packed entry: identity 8, age 4, score and direction 2.
const ENTRY_BYTES: usize = 14;
/// The top bit of the score's two bytes says that the agent spoke.
const AGENT_BIT: u16 = 1 << 15;

/// A remembered segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembered {
    /// Its identity.
    pub id: SegmentId,
    /// When it ended, in ms.
    pub end: i64,
    /// Who spoke.
    pub direction: Direction,
    /// Its score in ten-thousandths, 0 to 10,000: whole numbers add up the same in any order.
    pub score: u16,
}

impl Remembered {
    /// A segment with its score, rounded to 4 decimals.
    #[must_use]
    pub fn new(id: SegmentId, end: i64, direction: Direction, score: Score) -> Self {
        let score = score.to_ten_thousandths();
        Self {
            id,
            end,
            direction,
            score,
        }
    }
}

/// What the memory says of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Not seen before.
    Fresh,
    /// Scored already.
    Known,
    /// So old that the memory no longer reaches it: it may have been scored already.
    TooLate,
}

/// The remembered segments, ordered by end and identity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Packed", into = "Packed")]
pub struct Recent {
    entries: Vec<Remembered>,
    newest: Option<i64>,
    floor: Option<i64>,
}

impl Recent {
    /// The largest end seen, in ms: the cursor of the next poll.
    #[must_use]
    pub fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// A segment that ends at or before this, in ms, and is not remembered, is refused; `None` before any was forgotten.
    #[must_use]
    pub fn floor(&self) -> Option<i64> {
        self.floor
    }

    /// The remembered segments, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Remembered] {
        &self.entries
    }

    /// Whether a segment is new, known or beyond the memory.
    #[must_use]
    pub fn judge(&self, id: SegmentId, end: i64) -> Verdict {
        if self.entries.binary_search_by_key(&(end, id), key).is_ok() {
            Verdict::Known
        } else if self.floor.is_some_and(|floor| end <= floor) {
            Verdict::TooLate
        } else {
            Verdict::Fresh
        }
    }

    /// Remembers a segment; says whether it was new. [`Recent::forget`] afterwards bounds the memory.
    pub fn insert(&mut self, segment: Remembered) -> bool {
        if self.judge(segment.id, segment.end) != Verdict::Fresh {
            return false;
        }
        let Err(at) = self.entries.binary_search_by_key(&key(&segment), key) else {
            return false;
        };
        self.entries.insert(at, segment);
        self.newest = Some(
            self.newest
                .map_or(segment.end, |newest| newest.max(segment.end)),
        );
        true
    }

    /// Forgets what ended more than `horizon` ms before the newest segment, and the oldest above the capacity.
    pub fn forget(&mut self, horizon: i64) {
        let Some(newest) = self.newest else { return };
        let by_time = self
            .entries
            .partition_point(|entry| entry.end < newest.saturating_sub(horizon));
        let gone = by_time.max(self.entries.len().saturating_sub(CAPACITY));
        if let Some(last) = self.entries.drain(..gone).next_back() {
            let floor = if by_time == gone {
                newest.saturating_sub(horizon) - 1
            } else {
                last.end
            };
            self.floor = Some(self.floor.map_or(floor, |before| before.max(floor)));
        }
    }

    /// The average score of the segments that `counts` admits and that end within `window` ms of the newest of them;
    /// `None` if there is none.
    #[must_use]
    pub fn average(&self, window: i64, counts: impl Fn(Direction) -> bool) -> Option<f64> {
        let mut admitted = self
            .entries
            .iter()
            .rev()
            .filter(|entry| counts(entry.direction))
            .peekable();
        let from = admitted.peek()?.end.saturating_sub(window);
        let (sum, n) = admitted
            .take_while(|entry| entry.end >= from)
            .fold((0_u32, 0_u32), |(sum, n), entry| {
                (sum + u32::from(entry.score), n + 1)
            });
        Some(f64::from(sum) / (f64::from(n) * 1e4))
    }
}

fn key(entry: &Remembered) -> (i64, SegmentId) {
    (entry.end, entry.id)
}

/// The stored form.
#[derive(Serialize, Deserialize)]
struct Packed {
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    floor: Option<i64>,
    packed: String,
}

/// A stored memory that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the remembered segments are unreadable: {0}")]
pub struct Unreadable(&'static str);

impl From<Recent> for Packed {
    fn from(recent: Recent) -> Self {
        let newest = recent.newest.unwrap_or_default();
        let mut bytes = Vec::with_capacity(recent.entries.len() * ENTRY_BYTES);
        for entry in &recent.entries {
            // Ages beyond 49 days saturate; the horizon forgets long before.
            let age = u32::try_from(newest - entry.end).unwrap_or(u32::MAX);
            let agent = if entry.direction == Direction::Agent {
                AGENT_BIT
            } else {
                0
            };
            bytes.extend(entry.id.0.to_be_bytes());
            bytes.extend(age.to_be_bytes());
            bytes.extend((entry.score | agent).to_be_bytes());
        }
        Self {
            newest: recent.newest,
            floor: recent.floor,
            packed: BASE64.encode(bytes),
        }
    }
}

impl TryFrom<Packed> for Recent {
    type Error = Unreadable;

    fn try_from(stored: Packed) -> Result<Self, Unreadable> {
        let bytes = BASE64
            .decode(&stored.packed)
            .map_err(|_| Unreadable("not base64"))?;
        let (whole, rest) = bytes.as_chunks::<ENTRY_BYTES>();
        if !rest.is_empty() {
            return Err(Unreadable("cut short"));
        }
        let newest = stored.newest.unwrap_or_default();
        let mut entries: Vec<Remembered> =
            whole.iter().map(|entry| unpack(entry, newest)).collect();
        if entries.iter().any(|entry| entry.score > 10_000) {
            return Err(Unreadable("a score above 1"));
        }
        entries.sort_by_key(key);
        Ok(Self {
            entries,
            newest: stored.newest,
            floor: stored.floor,
        })
    }
}

fn unpack(entry: &[u8; ENTRY_BYTES], newest: i64) -> Remembered {
    let [
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
        age0,
        age1,
        age2,
        age3,
        score0,
        score1,
    ] = *entry;
    let score = u16::from_be_bytes([score0, score1]);
    Remembered {
        id: SegmentId(u64::from_be_bytes([a, b, c, d, e, f, g, h])),
        end: newest - i64::from(u32::from_be_bytes([age0, age1, age2, age3])),
        direction: if score & AGENT_BIT == 0 {
            Direction::Customer
        } else {
            Direction::Agent
        },
        score: score & !AGENT_BIT,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(id: u64, end: i64) -> Remembered {
        Remembered {
            id: SegmentId(id),
            end,
            direction: Direction::Customer,
            score: 5000,
        }
    }

    #[test]
    fn a_late_segment_is_taken_once_and_does_not_move_the_cursor_back() {
        let mut recent = Recent::default();
        assert!(recent.insert(entry(1, 10_000)));
        assert!(recent.insert(entry(2, 4_000)));
        assert!(!recent.insert(entry(2, 4_000)));
        assert_eq!(recent.newest(), Some(10_000));
    }

    #[test]
    fn what_the_memory_no_longer_reaches_is_refused_not_scored_again() {
        let mut recent = Recent::default();
        for second in 0..100 {
            recent.insert(entry(second, i64::try_from(second).unwrap() * 1000));
            recent.forget(10_000);
        }
        assert_eq!(recent.entries().len(), 11);
        assert_eq!(recent.judge(SegmentId(1), 1000), Verdict::TooLate);
        assert_eq!(recent.judge(SegmentId(89), 89_000), Verdict::Known);
        assert_eq!(recent.judge(SegmentId(1000), 89_000), Verdict::Fresh);
        assert_eq!(recent.judge(SegmentId(1000), 88_999), Verdict::TooLate);
    }

    #[test]
    fn a_flood_is_bounded_by_count_and_never_forgotten_into_a_repeat() {
        let mut recent = Recent::default();
        for id in 0..5000 {
            recent.insert(entry(id, i64::try_from(id / 10).unwrap()));
            recent.forget(1_000_000);
        }
        assert_eq!(recent.entries().len(), CAPACITY);
        for id in 0..5000 {
            assert_ne!(
                recent.judge(SegmentId(id), i64::try_from(id / 10).unwrap()),
                Verdict::Fresh,
                "{id}"
            );
        }
    }

    #[test]
    fn the_window_ends_at_the_newest_segment_that_counts() {
        let mut recent = Recent::default();
        let agent = |id, end| Remembered {
            direction: Direction::Agent,
            score: 10_000,
            ..entry(id, end)
        };
        for segment in [entry(1, 0), entry(2, 20_000), agent(3, 60_000)] {
            recent.insert(segment);
        }
        assert_eq!(recent.average(30_000, |_| true), Some(1.0));
        assert_eq!(
            recent.average(30_000, |who| who == Direction::Customer),
            Some(0.5)
        );
        assert_eq!(Recent::default().average(30_000, |_| true), None);
    }

    #[test]
    fn a_memory_that_was_tampered_with_is_refused() {
        for packed in ["###", "AAAA", "AAAAAAAAAAAAAAAAf/8"] {
            let stored = serde_json::json!({"newest": 1, "packed": packed});
            assert!(
                serde_json::from_value::<Recent>(stored).is_err(),
                "{packed}"
            );
        }
    }

    proptest! {
        #[test]
        fn the_packed_form_gives_back_what_was_remembered(
            segments in prop::collection::vec((any::<u64>(), 0..600_000_i64, any::<bool>(), 0..=10_000_u16), 0..600),
        ) {
            let mut recent = Recent::default();
            for (id, end, agent, score) in segments {
                let direction = if agent { Direction::Agent } else { Direction::Customer };
                recent.insert(Remembered { id: SegmentId(id), end, direction, score });
            }
            recent.forget(300_000);
            let stored = serde_json::to_string(&recent).unwrap();
            prop_assert!(stored.len() < 10_000, "{}", stored.len());
            prop_assert_eq!(serde_json::from_str::<Recent>(&stored).unwrap(), recent);
        }
    }
}

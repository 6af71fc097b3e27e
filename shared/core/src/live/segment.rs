//! A segment of a live transcript: what one speaker said, from when to when.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Who spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The customer.
    Customer,
    /// The agent.
    Agent,
}

impl Direction {
    /// The word on the wire: `customer` or `agent`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Agent => "agent",
        }
    }
}

/// A segment as the contact centre serves it. `Debug` leaves the text out.
#[derive(Clone, PartialEq, Eq)]
pub struct Segment {
    /// What was said.
    pub text: String,
    /// When it began, in ms.
    pub start: i64,
    /// When it ended, in ms; not before `start`.
    pub end: i64,
    /// Who said it.
    pub direction: Direction,
    /// Whether the recogniser is done with it; a partial is replaced by a final one later.
    pub is_final: bool,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segment")
            .field("id", &self.id())
            .field("start", &self.start)
            .field("end", &self.end)
            .field("direction", &self.direction)
            .field("is_final", &self.is_final)
            .finish_non_exhaustive()
    }
}

/// The identity of a segment: the first 64 bits of the SHA-256 of its times, direction and text.
///
/// The contact centre gives segments no id. Among the few hundred segments that a call remembers, two alike by chance
/// are a matter of one in 10^14.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentId(pub u64);

impl std::fmt::Display for SegmentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Segment {
    /// The segment's identity.
    #[must_use]
    pub fn id(&self) -> SegmentId {
        let mut hash = Sha256::new();
        hash.update(self.start.to_be_bytes());
        hash.update(self.end.to_be_bytes());
        hash.update(self.direction.name());
        hash.update([0]);
        hash.update(&self.text);
        let digest = hash.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        SegmentId(u64::from_be_bytes(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(text: &str, start: i64, end: i64, direction: Direction) -> Segment {
        Segment {
            text: text.into(),
            start,
            end,
            direction,
            is_final: true,
        }
    }

    #[test]
    fn the_same_words_at_another_time_or_by_another_speaker_are_another_segment() {
        let one = segment("yes", 1000, 2000, Direction::Customer);
        let others = [
            segment("yes", 1001, 2000, Direction::Customer),
            segment("yes", 1000, 2001, Direction::Customer),
            segment("yes", 1000, 2000, Direction::Agent),
            segment("yes.", 1000, 2000, Direction::Customer),
        ];
        for other in others {
            assert_ne!(one.id(), other.id(), "{other:?}");
        }
        assert_eq!(one.id(), one.clone().id());
    }

    #[test]
    fn a_debug_print_holds_no_words_of_the_conversation() {
        let shown = format!("{:?}", segment("my card is 4111", 0, 1, Direction::Agent));
        assert!(
            !shown.contains("card") && shown.contains("Agent"),
            "{shown}"
        );
    }
}

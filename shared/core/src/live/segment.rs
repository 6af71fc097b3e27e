//! A segment of a live transcript: what one speaker said, from when to when.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Largest time by which the end of a segment may lie ahead of the clock of this process. Clocks differ by seconds; a segment
/// beyond this has a wrong clock, a wrong time zone or a wrong unit.
const MAX_LEAD: SignedDuration = SignedDuration::from_mins(2);

/// The speaker of a segment. The contact center's API calls this field `direction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The customer spoke the segment.
    Customer,
    /// The agent spoke the segment.
    Agent,
}

impl Speaker {
    /// Returns the word that JSON uses for the speaker: `customer` or `agent`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Agent => "agent",
        }
    }
}

/// A segment as the contact center serves it. `Debug` leaves the text out.
#[derive(Clone, PartialEq, Eq)]
pub struct Segment {
    /// Text that the speech recognizer understood.
    pub text: String,
    /// Time at which the segment began, in milliseconds since the epoch.
    pub start: i64,
    /// Time at which the segment ended, in milliseconds since the epoch. The contact center may say that it lies before
    /// `start`.
    pub end: i64,
    /// Speaker of the segment.
    pub speaker: Speaker,
    /// Whether the speech recognizer is done with the segment. A later, final segment replaces a partial one.
    pub is_final: bool,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segment")
            .field("id", &self.id())
            .field("start", &self.start)
            .field("end", &self.end)
            .field("speaker", &self.speaker)
            .field("is_final", &self.is_final)
            .finish_non_exhaustive()
    }
}

/// The identity of a segment: the first 64 bits of the SHA-256 of its times, speaker and text.
///
/// The contact center gives segments no identifier. A call remembers a few hundred segments at a time; the chance that two
/// different ones of them share an identity is about one in 10^14.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentId(pub u64);

impl std::fmt::Display for SegmentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Segment {
    /// Computes the identity of the segment.
    #[must_use]
    pub fn id(&self) -> SegmentId {
        let mut hash = Sha256::new();
        hash.update(self.start.to_be_bytes());
        hash.update(self.end.to_be_bytes());
        hash.update(self.speaker.name());
        // The zero byte ends the speaker, so that no text can be taken for a part of the speaker's name.
        hash.update([0]);
        hash.update(&self.text);
        let digest = hash.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        SegmentId(u64::from_be_bytes(first))
    }

    /// Returns whether the segment ends so far in the future that its stamp cannot be right.
    #[must_use]
    pub(super) fn is_ahead_of(&self, now: Timestamp) -> bool {
        is_ahead(self.end, now)
    }

    /// Returns whether the times of the segment cannot be right: it ends before it starts, or far in the future.
    #[must_use]
    pub(super) fn is_misdated(&self, now: Timestamp) -> bool {
        self.end < self.start || self.is_ahead_of(now)
    }
}

/// Returns whether `end`, in milliseconds since the epoch, lies so far in the future that it cannot be right.
pub(super) fn is_ahead(end: i64, now: Timestamp) -> bool {
    end > (now + MAX_LEAD).as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(text: &str, start: i64, end: i64, speaker: Speaker) -> Segment {
        Segment {
            text: text.into(),
            start,
            end,
            speaker,
            is_final: true,
        }
    }

    #[test]
    fn the_same_words_at_another_time_or_by_another_speaker_are_another_segment() {
        let one = segment("yes", 1000, 2000, Speaker::Customer);
        let others = [
            segment("yes", 1001, 2000, Speaker::Customer),
            segment("yes", 1000, 2001, Speaker::Customer),
            segment("yes", 1000, 2000, Speaker::Agent),
            segment("yes.", 1000, 2000, Speaker::Customer),
        ];
        for other in others {
            assert_ne!(one.id(), other.id(), "{other:?}");
        }
        assert_eq!(one.id(), one.clone().id());
    }

    #[test]
    fn a_debug_print_holds_no_words_of_the_conversation() {
        let shown = format!("{:?}", segment("my card is 4111", 0, 1, Speaker::Agent));
        assert!(
            !shown.contains("card") && shown.contains("Agent"),
            "{shown}"
        );
    }
}

//! What a process has to do after an event of a live call.

use jiff::Timestamp;

use super::call_state::EndReason;
use super::event::ScoredSegment;
use super::segment::{Segment, SegmentId, Speaker};
use super::suggestion::Suggestion;
use super::window::CallSentiment;
use crate::language::Language;
use crate::rules::RuleHit;
use crate::scale::Score;
use crate::signals::Signals;
use crate::unscored::Unscored;

/// Why a process must leave a call alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaveReason {
    /// Another process holds the lease until the given time.
    LeasedUntil(Timestamp),
    /// The call has ended and nothing is left to send.
    Ended(EndReason),
}

/// A segment of a counted batch, without its text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReportedSegment {
    /// Identity of the segment.
    pub id: SegmentId,
    /// Time at which the segment began, in milliseconds since the epoch.
    pub start: i64,
    /// Time at which the segment ended, in milliseconds since the epoch.
    pub end: i64,
    /// Speaker of the segment.
    pub speaker: Speaker,
    /// Sentiment score of the segment; neutral for a segment that has no sentiment of its own.
    pub score: Score,
    /// Why the segment has no sentiment of its own; `None` for a segment that counts.
    pub unscored: Option<Unscored>,
    /// Language of the segment, if it is known.
    pub language: Option<Language>,
    /// Signals that were recognized in the segment.
    pub signals: Signals,
}

impl From<&ScoredSegment> for ReportedSegment {
    fn from(scored: &ScoredSegment) -> Self {
        Self {
            id: scored.segment.id(),
            // A segment that ends before it starts has no length.
            start: scored.segment.start.min(scored.segment.end),
            end: scored.segment.end,
            speaker: scored.segment.speaker,
            score: scored.score,
            unscored: scored.unscored,
            language: scored.language,
            signals: scored.signals,
        }
    }
}

/// A batch that has been counted into the stored state, for observers.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchReport {
    /// Segments of the batch, ordered by their ends.
    pub segments: Vec<ReportedSegment>,
    /// Sentiment of the call after the batch.
    pub sentiment: CallSentiment,
    /// Suggestion that the batch raised.
    pub suggestion: Option<Suggestion>,
}

/// One thing that the process which works on a call has to do.
///
/// Actions are carried out in their order. Whatever follows a [`CallAction::SaveState`] is done only after the state is
/// written. Attributes and suggestions are sent only while the lease lasts, and only after the state that holds them is written.
/// A send that fails changes nothing: the state still holds what was to be sent, and the next
/// [`CallEvent::DeliveryRequested`](super::CallEvent::DeliveryRequested) returns the action again. The polls do not wait for
/// sends.
#[derive(Debug, Clone, PartialEq)]
pub enum CallAction {
    /// Write the state, provided that no other process has written it since it was read. Otherwise drop the state in memory
    /// and claim the call again.
    SaveState,
    /// Leave the call alone.
    LeaveCall(LeaveReason),
    /// Read the segments that end at or after `from`, and apply
    /// [`CallEvent::SegmentsFetched`](super::CallEvent::SegmentsFetched).
    FetchSegments {
        /// Earliest end of the segments, in milliseconds since the epoch.
        from: i64,
        /// Whether the poll is a sweep for late segments.
        is_sweep: bool,
    },
    /// Report segments that are not as they should be. Each of them is reported once.
    ReportOddSegments {
        /// Number of segments that ended before the horizon of the memory, and will never be scored.
        late: usize,
        /// Number of segments that end before they start, or too far in the future. They are scored all the same.
        misdated: usize,
    },
    /// Report segments that were counted without a score, because the provider of scores refuses them.
    ReportUnscored {
        /// Number of the segments.
        count: usize,
    },
    /// Score the segments, and apply [`CallEvent::BatchScored`](super::CallEvent::BatchScored).
    ScoreSegments {
        /// New final segments, ordered by their ends.
        segments: Vec<Segment>,
        /// Whether the answer to the poll holds more new segments, so that the next poll need not wait.
        has_more: bool,
    },
    /// Report a counted batch to observers.
    ReportBatch(BatchReport),
    /// Report the hits of rules that are part of the written state.
    ReportRuleHits(Vec<RuleHit>),
    /// Send the attributes, and apply [`CallEvent::AttributesSettled`](super::CallEvent::AttributesSettled).
    SendAttributes {
        /// Number of the batch whose sentiment the attributes carry.
        revision: u64,
        /// Names and values of the attributes.
        attributes: Vec<(&'static str, String)>,
    },
    /// Send the suggestion, and apply [`CallEvent::SuggestionAccepted`](super::CallEvent::SuggestionAccepted) or
    /// [`CallEvent::SuggestionRefused`](super::CallEvent::SuggestionRefused).
    SendSuggestion(Suggestion),
}

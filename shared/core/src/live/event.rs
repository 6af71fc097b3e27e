//! What can happen to a live call.

use super::segment::Segment;
use crate::language::Language;
use crate::scale::Score;
use crate::signals::Signals;
use crate::unscored::Unscored;

/// A segment with its score and with what the model recognized in it.
#[derive(Debug, Clone)]
pub struct ScoredSegment {
    /// Segment that was scored.
    pub segment: Segment,
    /// Sentiment score of the segment; neutral for a segment that has no sentiment of its own.
    pub score: Score,
    /// Why the segment has no sentiment of its own, and counts in no average; `None` for a segment that counts.
    pub unscored: Option<Unscored>,
    /// Language of the segment, if it is known.
    pub language: Option<Language>,
    /// Emotions that were recognized in the segment.
    pub emotions: Vec<String>,
    /// Signals that were recognized in the segment.
    pub signals: Signals,
    /// What the speaker wants, if that was recognized.
    pub intent: Option<String>,
}

impl ScoredSegment {
    /// Creates a segment with a score of which nothing else is known.
    #[must_use]
    pub fn new(segment: Segment, score: Score) -> Self {
        Self {
            segment,
            score,
            unscored: None,
            language: None,
            emotions: Vec::new(),
            signals: Signals::NONE,
            intent: None,
        }
    }

    /// Returns whether the segment counts in averages.
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        self.unscored.is_none()
    }
}

/// What came of scoring the segments of one [`CallAction::ScoreSegments`](super::CallAction::ScoreSegments). Each of them is in
/// one of the three lists.
#[derive(Debug, Clone, Default)]
pub struct ScoredBatch {
    /// Segments with their scores, ordered by their ends.
    pub scored: Vec<ScoredSegment>,
    /// Segments that will never be scored, because the provider of scores refuses them.
    pub unscored: Vec<Segment>,
    /// Segments that could not be scored this time. They are fetched again.
    pub failed: Vec<Segment>,
    /// Whether the answer to the poll holds more new segments.
    pub has_more: bool,
}

/// An event of one live call.
#[derive(Debug, Clone)]
pub enum CallEvent {
    /// Somebody asks that the call be scored. The call may be live already, or may have ended.
    RegistrationRequested,
    /// Somebody asks that the call be no longer scored.
    StopRequested,
    /// A process wants to work on the call.
    ClaimRequested {
        /// Name of the process, as in [`Lease::holder`](super::Lease::holder).
        holder: String,
    },
    /// The process that holds the lease hands the call over.
    HandOverRequested,
    /// The process that holds the lease begins the next round.
    RoundStarted,
    /// The process that holds the lease works on, and the lease may have to be renewed.
    LeaseRenewalRequested,
    /// The process that holds the lease is ready to send what is not acknowledged.
    DeliveryRequested,
    /// The contact center did not answer a poll.
    PollFailed,
    /// The contact center answered a poll.
    SegmentsFetched {
        /// Segments as they were served, with partial, repeated and late ones among them.
        segments: Vec<Segment>,
        /// Whether the poll was a sweep.
        is_sweep: bool,
    },
    /// A batch of segments was scored.
    BatchScored(ScoredBatch),
    /// The contact center has the attributes of a revision, or will never take them.
    AttributesSettled {
        /// The revision of the attributes in [`CallAction::SendAttributes`](super::CallAction::SendAttributes).
        revision: u64,
    },
    /// The contact center accepted a suggestion.
    SuggestionAccepted {
        /// Idempotency key of the suggestion.
        key: String,
        /// Contact center's identifier of the suggestion, if it gave one.
        id: Option<String>,
    },
    /// The contact center will never take a suggestion.
    SuggestionRefused {
        /// Idempotency key of the suggestion.
        key: String,
    },
}

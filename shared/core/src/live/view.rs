//! What callers of the API see of a live call: scores and suggestions, no words of the conversation, no lease.

use jiff::Timestamp;
use serde::Serialize;

use super::call_state::{CallState, EndReason};
use super::segment::Speaker;
use super::segment_memory::RememberedSegment;
use super::suggestion::{Suggestion, SuggestionStatus};
use super::window::{Trend, WindowSentiment};
use crate::rules::RuleHit;
use crate::scale::{Score, round_score};
use crate::signals::Signals;

/// Number of newest segments that a view shows.
const MAX_SHOWN_SEGMENTS: usize = 20;

/// A live call as `GET /interactions/{id}` shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallView {
    /// Contact center's identifier of the interaction.
    pub interaction_id: String,
    /// `live`, or the reason why scoring ended: `stopped` or `silence`.
    pub status: &'static str,
    /// Time at which the call was registered.
    pub registered_at: Timestamp,
    /// Average score of the window over both speakers, four decimals.
    pub average: f64,
    /// Trend of the window over both speakers.
    pub trend: Trend,
    /// Sentiment of the customer.
    pub customer: SpeakerView,
    /// Sentiment of the agent.
    pub agent: SpeakerView,
    /// Signals of everything that the customer has said.
    pub signals: Signals,
    /// Code of the language of the customer, once the customer has spoken one that is not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Newest segments, oldest first.
    pub segments: Vec<SegmentView>,
    /// Newest suggestions, oldest first.
    pub suggestions: Vec<SuggestionView>,
    /// Newest hits of the rules, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleHit>,
}

/// The sentiment of one speaker of a call.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SpeakerView {
    /// Average score of the speaker's window, four decimals.
    pub average: f64,
    /// Trend of the speaker's window.
    pub trend: Trend,
    /// Number of the speaker's segments that were scored in the whole call.
    pub segments: u64,
    /// Average score of the whole call, four decimals.
    pub call_average: Option<f64>,
}

/// A scored segment, without its words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentView {
    /// Identity of the segment, 16 hexadecimal digits.
    pub id: String,
    /// Time at which the segment ended, in milliseconds since the epoch.
    pub end: i64,
    /// Speaker of the segment.
    #[serde(rename = "direction")]
    pub speaker: Speaker,
    /// Score of the segment, four decimals; 0.5 for a segment that has no sentiment of its own.
    pub score: f64,
    /// Whether the segment has a sentiment of its own, and counts in averages. JSON has the field only where it is `false`.
    #[serde(rename = "scored", skip_serializing_if = "is_true")]
    pub is_counted: bool,
}

fn is_true(value: &bool) -> bool {
    *value
}

/// A suggestion as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SuggestionView {
    /// Value of the `Idempotency-Key` header that the suggestion is sent with.
    pub idempotency_key: String,
    /// Text that the agent reads.
    pub content: String,
    /// Segment time at which the suggestion was raised, in milliseconds since the epoch.
    pub at: i64,
    /// Average score that raised the suggestion, four decimals.
    pub average: f64,
    /// Delivery status: `due`, `sent` or `refused`.
    pub status: &'static str,
    /// Contact center's identifier of the suggestion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl From<&CallState> for CallView {
    fn from(state: &CallState) -> Self {
        let sentiment = state.sentiment();
        let segments = state.memory().segments();
        let first_shown = segments.len().saturating_sub(MAX_SHOWN_SEGMENTS);
        Self {
            interaction_id: state.id().to_owned(),
            status: match state.ended().map(|ended| ended.reason) {
                None => "live",
                Some(EndReason::Stopped) => "stopped",
                Some(EndReason::Silence) => "silence",
            },
            registered_at: state.registered_at(),
            average: round_score(sentiment.both.average),
            trend: sentiment.both.trend,
            customer: speaker_view(state, Speaker::Customer, sentiment.customer),
            agent: speaker_view(state, Speaker::Agent, sentiment.agent),
            signals: state.signals(),
            language: state.language().map(str::to_owned),
            segments: segments[first_shown..]
                .iter()
                .map(SegmentView::from)
                .collect(),
            suggestions: state
                .suggestions()
                .iter()
                .map(SuggestionView::from)
                .collect(),
            rules: state.rules().hits().to_vec(),
        }
    }
}

fn speaker_view(
    state: &CallState,
    speaker: Speaker,
    sentiment: Option<WindowSentiment>,
) -> SpeakerView {
    let WindowSentiment { average, trend } = sentiment.unwrap_or_default();
    let total = state.total(speaker);
    SpeakerView {
        average: round_score(average),
        trend,
        segments: total.segments,
        call_average: total.average().map(round_score),
    }
}

impl From<&RememberedSegment> for SegmentView {
    fn from(segment: &RememberedSegment) -> Self {
        Self {
            id: segment.id.to_string(),
            end: segment.end,
            speaker: segment.speaker,
            score: Score::from_ten_thousandths(segment.score).get(),
            is_counted: segment.is_counted,
        }
    }
}

impl From<&Suggestion> for SuggestionView {
    fn from(suggestion: &Suggestion) -> Self {
        let (status, id) = match &suggestion.status {
            SuggestionStatus::Pending => ("due", None),
            SuggestionStatus::Sent(id) => ("sent", id.clone()),
            SuggestionStatus::Refused => ("refused", None),
        };
        Self {
            idempotency_key: suggestion.key.clone(),
            content: suggestion.content.clone(),
            at: suggestion.at,
            average: round_score(suggestion.average),
            status,
            id,
        }
    }
}

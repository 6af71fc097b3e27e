//! What the outside sees of a call's state: no words of the conversation, no lease.

use jiff::Timestamp;
use serde::Serialize;

use super::interaction::{Interaction, Reason, SuggestionStatus};
use super::segment::Direction;
use super::window::{Reading, Trend};
use crate::scale::{Score, round_score};

/// So many of the last segments are shown.
const SEGMENTS_SHOWN: usize = 20;

/// A call as `GET /interactions/{id}` shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View {
    /// The contact centre's id of the call.
    pub interaction_id: String,
    /// `live`, or why scoring ended: `stopped` or `silence`.
    pub status: &'static str,
    /// Since when it is scored.
    pub registered_at: Timestamp,
    /// The window's average over both speakers.
    pub average: f64,
    /// Its trend.
    pub trend: Trend,
    /// The customer alone.
    pub customer: Speaker,
    /// The agent alone.
    pub agent: Speaker,
    /// The last segments, oldest first.
    pub segments: Vec<SegmentView>,
    /// The last suggestions, oldest first.
    pub suggestions: Vec<SuggestionView>,
}

/// One speaker of a call.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Speaker {
    /// The window's average.
    pub average: f64,
    /// Its trend.
    pub trend: Trend,
    /// Segments scored in the whole call.
    pub segments: u64,
    /// The average over the whole call.
    pub call_average: Option<f64>,
}

/// A scored segment, without its words.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SegmentView {
    /// Its identity, 16 hexadecimal digits.
    pub id: String,
    /// When it ended, in ms.
    pub end: i64,
    /// Who spoke.
    pub direction: Direction,
    /// Its score, 4 decimals.
    pub score: f64,
}

/// A suggestion.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SuggestionView {
    /// The `Idempotency-Key` it is sent with.
    pub idempotency_key: String,
    /// The text.
    pub content: String,
    /// Segment time it was raised at, in ms.
    pub at: i64,
    /// The average that raised it.
    pub average: f64,
    /// `due`, `sent` or `refused`.
    pub status: &'static str,
    /// The contact centre's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Interaction {
    /// What the outside sees.
    #[must_use]
    pub fn view(&self) -> View {
        let entries = self.recent.entries();
        let shown = &entries[entries.len().saturating_sub(SEGMENTS_SHOWN)..];
        View {
            interaction_id: self.id.clone(),
            status: match self.ended.map(|ended| ended.reason) {
                None => "live",
                Some(Reason::Stopped) => "stopped",
                Some(Reason::Silence) => "silence",
            },
            registered_at: self.registered_at,
            average: round_score(self.readings.both.average),
            trend: self.readings.both.trend,
            customer: self.speaker(Direction::Customer, self.readings.customer),
            agent: self.speaker(Direction::Agent, self.readings.agent),
            segments: shown
                .iter()
                .map(|entry| SegmentView {
                    id: entry.id.to_string(),
                    end: entry.end,
                    direction: entry.direction,
                    score: Score::from_ten_thousandths(entry.score).get(),
                })
                .collect(),
            suggestions: self.suggestions.iter().map(SuggestionView::from).collect(),
        }
    }

    fn speaker(&self, direction: Direction, reading: Option<Reading>) -> Speaker {
        let Reading { average, trend } = reading.unwrap_or_default();
        let total = self.total(direction);
        Speaker {
            average: round_score(average),
            trend,
            segments: total.segments,
            call_average: total.average().map(round_score),
        }
    }
}

impl From<&super::Suggestion> for SuggestionView {
    fn from(suggestion: &super::Suggestion) -> Self {
        let (status, id) = match &suggestion.status {
            SuggestionStatus::Due => ("due", None),
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

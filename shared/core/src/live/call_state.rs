//! The state of one live call: a single item in the state store, under 16 KB for a call of any length.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::alert::AlertState;
use super::call_rules::CallRules;
use super::details::CallDetails;
use super::event::ScoredSegment;
use super::lease::Lease;
use super::listening::Listening;
use super::score_history::ScoreHistory;
use super::segment::{Segment, SegmentId, Speaker, is_ahead};
use super::segment_memory::{RememberedSegment, SegmentMemory, SegmentStatus};
use super::set_aside::SetAsideSegments;
use super::speech_totals::SpeechTotals;
use super::suggestion::Suggestion;
use super::sweep::SweepProgress;
use super::window::CallSentiment;
use crate::signals::Signals;
use crate::unscored::Unscored;

/// Number of suggestions that are kept in the state. Pending suggestions are kept beyond this number.
pub const MAX_KEPT_SUGGESTIONS: usize = 6;

/// Why a call is no longer scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndReason {
    /// Somebody asked that the call be no longer scored.
    Stopped,
    /// Nothing was said for longer than the settings allow.
    Silence,
}

/// The end of a call's scoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEnd {
    /// Reason why the call is no longer scored.
    pub reason: EndReason,
    /// Time at which scoring ended.
    pub at: Timestamp,
}

/// How much one speaker has said in the whole call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SpeakerTotal {
    /// Number of final segments that were scored.
    pub segments: u64,
    /// Sum of the scores, in ten-thousandths.
    #[serde(rename = "sum")]
    pub score_sum: u64,
}

impl SpeakerTotal {
    /// Returns the average score of the whole call, or `None` before the first segment.
    #[must_use]
    pub fn average(self) -> Option<f64> {
        (self.segments > 0).then(|| self.score_sum as f64 / (self.segments as f64 * 1e4))
    }
}

/// The state of one live call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallState {
    /// Contact center's identifier of the interaction.
    pub(super) id: String,
    /// Time at which the call was registered.
    pub(super) registered_at: Timestamp,
    /// Wall time at which the newest batch was counted, or at which the call was registered last.
    #[serde(rename = "heard_at")]
    pub(super) last_segment_at: Timestamp,
    /// End of the scoring; `None` while the call is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<CallEnd>,
    /// Lease of the process that works on the call.
    #[serde(default, rename = "holder", skip_serializing_if = "Option::is_none")]
    pub(super) lease: Option<Lease>,
    /// Segments that were scored within the horizon.
    #[serde(rename = "recent")]
    pub(super) memory: SegmentMemory,
    /// What the customer has said in the whole call.
    #[serde(rename = "customer")]
    pub(super) customer_total: SpeakerTotal,
    /// What the agent has said in the whole call.
    #[serde(rename = "agent")]
    pub(super) agent_total: SpeakerTotal,
    /// Sentiment after the newest batch.
    #[serde(rename = "readings")]
    pub(super) sentiment: CallSentiment,
    /// What the alert rule remembers of the call.
    pub(super) alert: AlertState,
    /// Number of batches so far. The attributes of a revision are those after the batch with this number.
    pub(super) revision: u64,
    /// Revision whose attributes the contact center is known to have. The stored value may be behind: sending attributes
    /// again is harmless.
    #[serde(rename = "patched")]
    pub(super) acknowledged_revision: u64,
    /// Number of suggestions that were raised so far.
    #[serde(rename = "raised")]
    pub(super) suggestion_count: u64,
    /// Newest suggestions, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) suggestions: Vec<Suggestion>,
    /// How far the sweeps for late segments have come.
    #[serde(default, rename = "swept")]
    pub(super) sweep: SweepProgress,
    /// Segments that were taken, and that the memory cannot recognize by their times.
    #[serde(default, skip_serializing_if = "SetAsideSegments::is_empty")]
    pub(super) set_aside: SetAsideSegments,
    /// Number of segments of the whole call that were counted without a score.
    #[serde(default, rename = "unscored", skip_serializing_if = "is_zero")]
    pub(super) unscored_count: u64,
    /// Signals of everything that the customer has said.
    #[serde(default, skip_serializing_if = "Signals::is_empty")]
    pub(super) signals: Signals,
    /// Code of the language of the customer, once the customer has spoken one that is not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) language: Option<String>,
    /// Since when the call has been listened to.
    #[serde(default, skip_serializing_if = "Listening::has_not_begun")]
    pub(super) listening: Listening,
    /// What the one who registered the call said about it.
    #[serde(default, skip_serializing_if = "CallDetails::is_empty")]
    pub(super) details: CallDetails,
    /// How long both sides have spoken.
    #[serde(default, skip_serializing_if = "SpeechTotals::is_empty")]
    pub(super) speech: SpeechTotals,
    /// The customer's scores over the whole call.
    #[serde(default, skip_serializing_if = "ScoreHistory::is_empty")]
    pub(super) history: ScoreHistory,
    /// What the rules of a configured file know of the call.
    #[serde(default, skip_serializing_if = "CallRules::is_empty")]
    pub(super) rules: CallRules,
    /// Start of the earliest utterance of the newest answer that goes on, in milliseconds since the epoch.
    #[serde(skip)]
    pub(super) unfinished_since: Option<i64>,
    /// Smallest end of the segments that could not be scored this time and are fetched again, in milliseconds since the epoch.
    #[serde(skip)]
    pub(super) unresolved_from: Option<i64>,
    /// Odd segments that this process has reported, newest last.
    #[serde(skip)]
    pub(super) reported: ReportedOddities,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Largest number of odd segments that a process remembers as reported.
const MAX_REPORTED: usize = 256;

/// The odd segments of a call that were reported already, so that a segment that is served at each poll is reported once.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ReportedOddities(VecDeque<SegmentId>);

impl ReportedOddities {
    /// Returns whether the segment was not reported yet, and remembers it as reported.
    pub(super) fn insert(&mut self, id: SegmentId) -> bool {
        if self.0.contains(&id) {
            return false;
        }
        self.0.push_back(id);
        if self.0.len() > MAX_REPORTED {
            self.0.pop_front();
        }
        true
    }
}

impl CallState {
    /// Creates the state of a call that is scored from `now` on.
    #[must_use]
    pub fn new(id: impl Into<String>, now: Timestamp) -> Self {
        Self {
            id: id.into(),
            registered_at: now,
            last_segment_at: now,
            ended: None,
            lease: None,
            memory: SegmentMemory::default(),
            customer_total: SpeakerTotal::default(),
            agent_total: SpeakerTotal::default(),
            sentiment: CallSentiment::default(),
            alert: AlertState::default(),
            revision: 0,
            acknowledged_revision: 0,
            suggestion_count: 0,
            suggestions: Vec::new(),
            sweep: SweepProgress::default(),
            set_aside: SetAsideSegments::default(),
            unscored_count: 0,
            signals: Signals::NONE,
            language: None,
            listening: Listening::default(),
            details: CallDetails::default(),
            speech: SpeechTotals::default(),
            history: ScoreHistory::default(),
            rules: CallRules::default(),
            unfinished_since: None,
            unresolved_from: None,
            reported: ReportedOddities::default(),
        }
    }

    /// Returns the contact center's identifier of the interaction.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the time at which the call was registered.
    #[must_use]
    pub fn registered_at(&self) -> Timestamp {
        self.registered_at
    }

    /// Returns when and why scoring ended, or `None` while the call is live.
    #[must_use]
    pub fn ended(&self) -> Option<CallEnd> {
        self.ended
    }

    /// Returns the lease of the process that works on the call, unless the lease has run out at `now`.
    #[must_use]
    pub fn lease(&self, now: Timestamp) -> Option<&Lease> {
        self.lease.as_ref().filter(|lease| lease.is_valid(now))
    }

    /// Returns the sentiment after the newest batch.
    #[must_use]
    pub fn sentiment(&self) -> CallSentiment {
        self.sentiment
    }

    /// Returns how much the given speaker has said in the whole call.
    #[must_use]
    pub fn total(&self, speaker: Speaker) -> SpeakerTotal {
        match speaker {
            Speaker::Customer => self.customer_total,
            Speaker::Agent => self.agent_total,
        }
    }

    /// Returns how many segments of the whole call were counted without a score.
    #[must_use]
    pub fn unscored_count(&self) -> u64 {
        self.unscored_count
    }

    /// Returns the signals of everything that the customer has said.
    #[must_use]
    pub fn signals(&self) -> Signals {
        self.signals
    }

    /// Returns the code of the language of the customer, once the customer has spoken one that is not read.
    #[must_use]
    pub fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }

    /// Returns the attributes of the interaction, names and values as they are sent.
    #[must_use]
    pub fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut attributes = self.sentiment.attributes();
        if !self.signals.is_empty() {
            attributes.push(("customer_signals", self.signals.names()));
        }
        if let Some(language) = &self.language {
            attributes.push(("customer_language", language.clone()));
        }
        attributes
    }

    /// Notes what the customer's segments of a batch say beside their sentiment, and returns whether that was new.
    pub(super) fn note_customer(&mut self, batch: &[ScoredSegment]) -> bool {
        let before = (self.signals, self.language.clone());
        for scored in batch {
            if scored.segment.speaker != Speaker::Customer {
                continue;
            }
            self.signals = self.signals.union(scored.signals);
            // Of a customer who speaks the language that is read there is nothing to say, unless it was said otherwise before.
            if let Some(language) = scored.language
                && (self.language.is_some() || scored.unscored == Some(Unscored::OtherLanguage))
            {
                self.language = Some(language.code().to_owned());
            }
        }
        (self.signals, self.language.clone()) != before
    }

    /// Returns what the one who registered the call said about it.
    #[must_use]
    pub fn details(&self) -> &CallDetails {
        &self.details
    }

    /// Takes over what is newly known of the call, and returns whether that changed anything.
    pub fn describe(&mut self, newer: CallDetails) -> bool {
        let before = self.details.clone();
        self.details.update(newer.bounded());
        self.details != before
    }

    /// Returns how long both sides have spoken, and how much of it has no score.
    #[must_use]
    pub fn speech(&self) -> &SpeechTotals {
        &self.speech
    }

    /// Returns the customer's scores over the whole call.
    #[must_use]
    pub fn history(&self) -> &ScoreHistory {
        &self.history
    }

    /// Returns what the alert rule remembers of the call.
    #[must_use]
    pub fn alert(&self) -> &AlertState {
        &self.alert
    }

    /// Returns the newest suggestions, oldest first.
    #[must_use]
    pub fn suggestions(&self) -> &[Suggestion] {
        &self.suggestions
    }

    /// Returns what the rules know of the call, with their hits.
    #[must_use]
    pub fn rules(&self) -> &CallRules {
        &self.rules
    }

    /// Returns the segments that were scored within the horizon.
    #[must_use]
    pub fn memory(&self) -> &SegmentMemory {
        &self.memory
    }

    /// Returns whether a segment is new, already taken, or too late to know.
    pub(super) fn status_of(
        &self,
        segment: &Segment,
        id: SegmentId,
        now: Timestamp,
    ) -> SegmentStatus {
        if self.set_aside.contains(segment.end, id) {
            return SegmentStatus::AlreadyScored;
        }
        if !segment.is_ahead_of(now) {
            return self.memory.status_of(id, segment.end);
        }
        if self.set_aside.has_forgotten(segment.end) {
            SegmentStatus::TooLate
        } else {
            SegmentStatus::New
        }
    }

    /// Remembers a scored segment, and returns what is remembered of it, or `None` if the segment was not new.
    pub(super) fn remember(
        &mut self,
        scored: &ScoredSegment,
        now: Timestamp,
    ) -> Option<RememberedSegment> {
        let segment = &scored.segment;
        let id = segment.id();
        if self.status_of(segment, id, now) != SegmentStatus::New {
            return None;
        }
        if segment.is_ahead_of(now) {
            // The segment counts as if it had ended now, because it was read now.
            let end = now.as_millisecond();
            let remembered = RememberedSegment::new(id, end, scored);
            self.memory.insert_ahead(remembered);
            self.set_aside(segment.end, id, now);
            return Some(remembered);
        }
        let remembered = RememberedSegment::new(id, segment.end, scored);
        self.memory.insert(remembered).then_some(remembered)
    }

    /// Remembers a segment that has no score, and returns whether it was new.
    pub(super) fn remember_unscored(&mut self, segment: &Segment, now: Timestamp) -> bool {
        let id = segment.id();
        if self.status_of(segment, id, now) != SegmentStatus::New {
            return false;
        }
        self.set_aside(segment.end, id, now);
        if !segment.is_ahead_of(now) {
            self.memory.pass(segment.end);
        }
        true
    }

    fn set_aside(&mut self, end: i64, id: SegmentId, now: Timestamp) {
        if let Some(forgotten) = self.set_aside.insert(end, id)
            && !is_ahead(forgotten, now)
        {
            self.memory.refuse_until(forgotten);
        }
    }

    /// Returns whether the contact center has not acknowledged all attributes and suggestions yet.
    #[must_use]
    pub fn has_unacknowledged(&self) -> bool {
        self.acknowledged_revision < self.revision || self.pending_suggestions().next().is_some()
    }

    /// Returns the suggestions that still have to be sent.
    pub(super) fn pending_suggestions(&self) -> impl Iterator<Item = &Suggestion> {
        self.suggestions
            .iter()
            .filter(|suggestion| suggestion.is_pending())
    }

    /// Computes the idempotency key of the next suggestion.
    ///
    /// Every process that computes the key from this state gets the same one. The time of registration keeps the keys apart
    /// from those of an earlier registration of the same call.
    pub(super) fn next_suggestion_key(&self) -> String {
        let text = format!(
            "{}\n{}\n{}",
            self.id,
            self.registered_at.as_millisecond(),
            self.suggestion_count
        );
        let digest = Sha256::digest(text);
        digest
            .iter()
            .take(16)
            .fold(String::with_capacity(32), |hex, byte| {
                hex + &format!("{byte:02x}")
            })
    }

    /// Adds a suggestion, and forgets the oldest settled ones above [`MAX_KEPT_SUGGESTIONS`].
    pub(super) fn add_suggestion(&mut self, suggestion: Suggestion) {
        self.suggestion_count += 1;
        self.suggestions.push(suggestion);
        while self.suggestions.len() > MAX_KEPT_SUGGESTIONS {
            let Some(oldest_settled) = self
                .suggestions
                .iter()
                .position(|suggestion| !suggestion.is_pending())
            else {
                return;
            };
            self.suggestions.remove(oldest_settled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A state as the first release stored it. Field names of stored states must not change: a call that is live during a
    /// deployment is continued by the new version.
    const STORED: &str = r#"{"id":"call","registered_at":"2023-11-14T22:13:20Z","heard_at":"2023-11-14T22:13:21Z",
        "ended":{"reason":"silence","at":"2023-11-14T22:23:21Z"},
        "holder":{"name":"a","until":"2023-11-14T22:13:33Z"},
        "recent":{"newest":1700000001900,"floor":1699999701899,"packed":"AAAAAAAAAAEAAAAAA+g"},
        "customer":{"segments":1,"sum":1000},"agent":{"segments":0,"sum":0},
        "readings":{"both":{"average":0.1,"trend":"declining"},"customer":{"average":0.1,"trend":"declining"}},
        "alert":{"last":1700000001900,"at":0.1,"recovered":false},
        "revision":1,"patched":0,"raised":1,
        "suggestions":[{"key":"k","content":"c","template":"anger","average":0.1,"at":1700000001900,"status":"due"},
            {"key":"k2","content":"c","template":"anger","average":0.1,"at":1700000001900,"status":{"sent":"s-1"}}],
        "swept":1700000000000}"#;

    #[test]
    fn a_stored_state_keeps_its_form() {
        let state: CallState = serde_json::from_str(STORED).unwrap();
        let before: serde_json::Value = serde_json::from_str(STORED).unwrap();
        assert_eq!(serde_json::to_value(&state).unwrap(), before);
        assert_eq!(state.lease.as_ref().unwrap().holder, "a");
        assert_eq!(state.memory.segments()[0].score, 1000);
    }
}

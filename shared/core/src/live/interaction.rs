//! The state of one live call: a single item, under 16 KB for a call of any length.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::alert::AlertMemory;
use super::recent::Recent;
use super::segment::Direction;
use super::window::Readings;

/// So many suggestions are kept in the state; those that are still to be sent are never dropped.
pub const SUGGESTIONS_KEPT: usize = 6;
/// With so many suggestions unsent, no further one is raised: the agent could not read them all either.
pub const SUGGESTIONS_DUE: usize = 4;

/// Why a call is no longer scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// It was removed.
    Stopped,
    /// Nothing was heard for as long as the rules allow.
    Silence,
}

/// The end of a call's scoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Why.
    pub reason: Reason,
    /// When.
    pub at: Timestamp,
}

/// Who works on the call, and until when unless renewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Unique per process or invocation.
    pub name: String,
    /// From then on anybody may take over.
    pub until: Timestamp,
}

/// Where a suggestion stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SuggestionStatus {
    /// To be sent, or sent without an answer yet.
    Due,
    /// Accepted; the contact centre's id of it, if it gave one.
    Sent(Option<String>),
    /// Refused for good.
    Refused,
}

/// A suggestion to the agent: stored before it is sent, and sent with the same key until it is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suggestion {
    /// The `Idempotency-Key`.
    pub key: String,
    /// The text.
    pub content: String,
    /// The name of the template.
    pub template: String,
    /// The average that raised it.
    pub average: f64,
    /// Segment time, in ms.
    pub at: i64,
    /// Where it stands.
    pub status: SuggestionStatus,
}

/// How much one speaker has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Total {
    /// Final segments scored.
    pub segments: u64,
    /// The sum of their scores, in ten-thousandths.
    pub sum: u64,
}

impl Total {
    /// The average over the whole call; `None` before the first segment.
    #[must_use]
    pub fn average(self) -> Option<f64> {
        (self.segments > 0).then(|| self.sum as f64 / (self.segments as f64 * 1e4))
    }
}

/// One call's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interaction {
    pub(super) id: String,
    pub(super) registered_at: Timestamp,
    /// Wall time of the newest segment's arrival, or of the registration.
    pub(super) heard_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Ended>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) holder: Option<Holder>,
    pub(super) recent: Recent,
    pub(super) customer: Total,
    pub(super) agent: Total,
    pub(super) readings: Readings,
    pub(super) alert: AlertMemory,
    /// Batches so far; the attributes carry the readings after this one.
    pub(super) revision: u64,
    /// The batch whose attributes the contact centre is known to have. It may be behind: sending them again is harmless.
    pub(super) patched: u64,
    /// Suggestions so far.
    pub(super) raised: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) suggestions: Vec<Suggestion>,
    /// The cursor as the last sweep came back whose segments all count: what shows up late after that is at most the look
    /// back behind it.
    #[serde(default)]
    pub(super) swept: i64,
    /// When that sweep was done. Not stored: a new holder sweeps first.
    #[serde(skip)]
    pub(super) swept_at: Option<Timestamp>,
    /// The cursor as a sweep came back whose last segments are being scored. Scoring may fail, and they come again.
    #[serde(skip)]
    pub(super) sweeping: Option<i64>,
}

impl Interaction {
    /// A call that starts to be scored at `now`.
    #[must_use]
    pub fn new(id: impl Into<String>, now: Timestamp) -> Self {
        Self {
            id: id.into(),
            registered_at: now,
            heard_at: now,
            ended: None,
            holder: None,
            recent: Recent::default(),
            customer: Total::default(),
            agent: Total::default(),
            readings: Readings::default(),
            alert: AlertMemory::default(),
            revision: 0,
            patched: 0,
            raised: 0,
            suggestions: Vec::new(),
            swept: 0,
            swept_at: None,
            sweeping: None,
        }
    }

    /// The contact centre's id of the call.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether, when and why scoring ended.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.ended
    }

    /// Who works on it, if the lease has not run out at `now`.
    #[must_use]
    pub fn holder(&self, now: Timestamp) -> Option<&Holder> {
        self.holder.as_ref().filter(|holder| holder.until > now)
    }

    /// The newest readings.
    #[must_use]
    pub fn readings(&self) -> Readings {
        self.readings
    }

    /// How much the customer, or the agent, has said.
    #[must_use]
    pub fn total(&self, direction: Direction) -> Total {
        match direction {
            Direction::Customer => self.customer,
            Direction::Agent => self.agent,
        }
    }

    /// The newest suggestions, oldest first.
    #[must_use]
    pub fn suggestions(&self) -> &[Suggestion] {
        &self.suggestions
    }

    /// The remembered segments.
    #[must_use]
    pub fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Whether attributes or suggestions are still to be sent.
    #[must_use]
    pub fn has_due(&self) -> bool {
        self.patched < self.revision || self.due().next().is_some()
    }

    /// The suggestions that are still to be sent.
    pub(super) fn due(&self) -> impl Iterator<Item = &Suggestion> {
        self.suggestions
            .iter()
            .filter(|suggestion| suggestion.status == SuggestionStatus::Due)
    }

    /// The key of the next suggestion: the same whoever computes it from this state, and never that of another one,
    /// nor of an earlier registration of the same call.
    pub(super) fn next_key(&self) -> String {
        let text = format!(
            "{}\n{}\n{}",
            self.id,
            self.registered_at.as_millisecond(),
            self.raised
        );
        let digest = Sha256::digest(text);
        digest
            .iter()
            .take(16)
            .fold(String::with_capacity(32), |hex, byte| {
                hex + &format!("{byte:02x}")
            })
    }

    /// Keeps the newest suggestions and all that are still to be sent.
    pub(super) fn forget_suggestions(&mut self) {
        while self.suggestions.len() > SUGGESTIONS_KEPT {
            let Some(oldest) = self
                .suggestions
                .iter()
                .position(|s| s.status != SuggestionStatus::Due)
            else {
                return;
            };
            self.suggestions.remove(oldest);
        }
    }
}

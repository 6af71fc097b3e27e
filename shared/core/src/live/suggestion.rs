//! A suggestion to the agent and whether the contact center has acknowledged it.

use serde::{Deserialize, Serialize};

/// The delivery status of a suggestion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SuggestionStatus {
    /// The suggestion was not sent yet, or was sent and not acknowledged.
    #[serde(rename = "due")]
    Pending,
    /// The contact center accepted the suggestion, and may have answered with an identifier of its own.
    Sent(Option<String>),
    /// The contact center refused the suggestion, and would refuse it again.
    Refused,
}

/// A suggestion to the agent. It is stored before it is sent, and sent with the same key until it is acknowledged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suggestion {
    /// Value of the `Idempotency-Key` header.
    pub key: String,
    /// Text that the agent reads.
    pub content: String,
    /// Name of the template that the text comes from.
    pub template: String,
    /// Average score that raised the suggestion.
    pub average: f64,
    /// Segment time at which the suggestion was raised, in milliseconds since the epoch.
    pub at: i64,
    /// Delivery status of the suggestion.
    pub status: SuggestionStatus,
}

impl Suggestion {
    /// Returns whether the suggestion still has to be sent.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.status == SuggestionStatus::Pending
    }
}

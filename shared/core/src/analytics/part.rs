//! The parts of a conversation that have a transcript of their own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a part of a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartKind {
    /// The part is one agent's analyzed segment of a contact.
    Segment,
    /// The part is a digital contact with its messages.
    Digital,
}

/// A part of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationPart {
    /// The id under which the contact center gives the part's transcript.
    pub id: String,
    /// What the part is.
    pub kind: PartKind,
    /// The start of the part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The end of the part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The moment at which the part was published last; a later one means that its transcript may be another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
}

impl ConversationPart {
    /// Compares two parts in the order in which they are read: by start, then by kind and id; a part without a start comes last.
    #[must_use]
    pub fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let key = |part: &Self| (part.started_at.is_none(), part.started_at, part.kind);
        key(self)
            .cmp(&key(other))
            .then_with(|| self.id.cmp(&other.id))
    }
}

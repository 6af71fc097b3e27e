//! The items that a session keeps in the state store, and their keys.
//!
//! | partition | sort key | holds |
//! |---|---|---|
//! | `chat-agent#A` | `lease` | the lease of agent A |
//! | | `session` | the latest session of A: a [`SessionRecord`] |
//! | | `open#C` | a note that conversation C is not archived yet: an [`OpenRecord`] |
//! | | `outage#T` | an outage of the stream that began at time T: a [`Gap`] |
//! | | `out#T#I` | a note that a message of A is not known to have arrived: the [`Message`] |
//! | `chat#C` | `m#T#I` | the message with time T and identity I: a [`StoredMessage`] |
//! | | `e#S` | the escalation of severity S: an [`EscalationRecord`] |
//! | `chat-spill#A#C` | arrival number | a spilled message of C that waits to be processed: a [`StoredMessage`] |

use std::time::Duration;

use insights_core::chat::archive::Gap;
use insights_core::chat::escalation::Severity;
use insights_core::chat::message::Message;
use insights_core::chat::stored_message::StoredMessage;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::Error;
use store::state::{Item, Key, Put, StateStore};

/// Number of items that one query reads.
const PAGE_SIZE: usize = 500;

/// The phase that a session is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The session holds the lease and works, or died doing so.
    Serving,
    /// The session has released the lease and receives until its successor is connected.
    HandingOver,
    /// The session has ended, and the agent is offline.
    Ended,
}

/// The latest session of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Name of the lease holder.
    pub holder: String,
    /// The phase that the session is in.
    pub phase: Phase,
    /// Whether the stream of the session is up.
    pub connected: bool,
    /// When a frame of the stream arrived last, in milliseconds since the epoch.
    #[serde(rename = "heard_ms")]
    pub last_frame_ms: i64,
}

/// A note that a conversation is not archived yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRecord {
    /// When the note was written, in milliseconds since the epoch.
    pub since_ms: i64,
    /// Whether the conversation has ended.
    pub ended: bool,
}

/// An escalation of a conversation. The record is stored before the notification is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationRecord {
    /// The severity of the escalation.
    pub severity: Severity,
    /// The word or phrase of the escalation list that was found.
    pub phrase: String,
    /// The agent whose session raised the escalation.
    pub agent: String,
    /// When the message that triggered the escalation was sent, in milliseconds since the epoch.
    pub message_ms: i64,
    /// Whether the notification has been delivered.
    #[serde(rename = "told")]
    pub notified: bool,
}

/// Returns the partition of an agent.
#[must_use]
pub fn agent_partition(agent: &str) -> String {
    format!("chat-agent#{agent}")
}

/// Returns the partition of a conversation.
#[must_use]
pub fn conversation_partition(conversation: &str) -> String {
    format!("chat#{conversation}")
}

/// Returns the key of an agent's lease.
#[must_use]
pub fn lease_key(agent: &str) -> Key {
    Key::new(agent_partition(agent), "lease")
}

/// Returns the key of an agent's latest session.
#[must_use]
pub fn session_key(agent: &str) -> Key {
    Key::new(agent_partition(agent), "session")
}

/// Returns the key of the note that a conversation is not archived yet.
#[must_use]
pub fn open_key(agent: &str, conversation: &str) -> Key {
    Key::new(agent_partition(agent), format!("open#{conversation}"))
}

/// Returns the key of an outage.
#[must_use]
pub fn outage_key(agent: &str, gap: &Gap) -> Key {
    Key::new(
        agent_partition(agent),
        format!("outage#{:015}", gap.from_ms),
    )
}

/// Returns the key of the note that a message is not known to have arrived. Keys are in the order of sending.
#[must_use]
pub fn outbound_key(agent: &str, message: &Message) -> Key {
    Key::new(
        agent_partition(agent),
        format!("out#{:015}#{}", message.timestamp_ms, message.identity()),
    )
}

/// Returns the key of a message.
#[must_use]
pub fn message_key(message: &Message) -> Key {
    Key::new(
        conversation_partition(&message.conversation_id),
        format!("m#{:015}#{}", message.timestamp_ms, message.identity()),
    )
}

/// Returns the key of the escalation of a severity in a conversation.
#[must_use]
pub fn escalation_key(conversation: &str, severity: Severity) -> Key {
    Key::new(
        conversation_partition(conversation),
        format!("e#{severity}"),
    )
}

/// Returns the partition of the spilled messages of a conversation.
#[must_use]
pub fn spill_partition(agent: &str, conversation: &str) -> String {
    format!("chat-spill#{agent}#{conversation}")
}

/// Returns the key of a spilled message. Keys are in the order of arrival.
#[must_use]
pub fn spilled_key(agent: &str, stored: &StoredMessage) -> Key {
    Key::new(
        spill_partition(agent, &stored.message.conversation_id),
        format!("{:020}", stored.arrival),
    )
}

/// Returns when an item that is stored at `now` expires.
#[must_use]
pub fn expiry(now: Timestamp, retention: Duration) -> Option<Timestamp> {
    now.checked_add(SignedDuration::try_from(retention).ok()?)
        .ok()
}

/// Encodes a value as a write that is kept for `retention`.
///
/// # Errors
/// See [`Put::encode`].
pub fn encode_put(
    key: Key,
    value: &impl Serialize,
    now: Timestamp,
    retention: Duration,
) -> Result<Put, Error> {
    Put::encode(key, value, expiry(now, retention))
}

/// EscalationPhrases and decodes all items of a partition whose sort keys begin with a prefix.
///
/// # Errors
/// The error of the store, or [`Error::Corrupt`] for an item that is not a `T`.
pub async fn list_all<T: DeserializeOwned>(
    state: &impl StateStore,
    partition: &str,
    prefix: &str,
    now: Timestamp,
) -> Result<Vec<(Item, T)>, Error> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = state
            .list(partition, prefix, after.as_deref(), PAGE_SIZE, now)
            .await?;
        let last = page.len() < PAGE_SIZE;
        after = page.last().map(|item| item.key.sort.clone());
        for item in page {
            let value = item.decode()?;
            found.push((item, value));
        }
        if last {
            return Ok(found);
        }
    }
}

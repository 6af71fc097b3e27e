//! What a session keeps in the state store, and where.
//!
//! | partition | sort key | holds |
//! |---|---|---|
//! | `chat-agent#A` | `lease` | who works agent A |
//! | | `session` | the last session of A: [`SessionRecord`] |
//! | | `open#C` | conversation C is not archived yet: [`OpenRecord`] |
//! | | `outage#T` | the stream was down from T on: a [`Gap`] |
//! | | `out#T#I` | a message of A that is not known to have arrived |
//! | `chat#C` | `m#T#I` | the message of time T and identity I: a [`Heard`] |
//! | | `e#S` | the escalation of severity S: [`EscalationRecord`] |
//! | `chat-spill#A#C` | arrival | a message that waits for its turn |

use std::time::Duration;

use insights_core::chat::archive::Gap;
use insights_core::chat::escalation::Severity;
use insights_core::chat::merge::Heard;
use insights_core::chat::message::Message;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::Error;
use store::state::{Item, Key, Put, StateStore};

/// Items read in one query.
const PAGE: usize = 500;

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It works, or died working.
    Serving,
    /// It lets the next worker take over, and listens on until that one is connected.
    HandingOver,
    /// It ended as it should: presence is offline.
    Ended,
}

/// The last session of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Whose session it is; the lease's holder.
    pub holder: String,
    /// How far it has come.
    pub phase: Phase,
    /// Whether its stream has been connected.
    pub connected: bool,
    /// When the stream was last known to be up, in milliseconds since the epoch.
    pub heard_ms: i64,
}

/// A conversation that is not archived yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRecord {
    /// Since when, in milliseconds since the epoch.
    pub since_ms: i64,
    /// Whether it has ended.
    pub ended: bool,
}

/// An escalation: stored before anybody is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationRecord {
    /// How severe.
    pub severity: Severity,
    /// The list's word or phrase.
    pub phrase: String,
    /// The agent whose session found it.
    pub agent: String,
    /// When its message was sent, in milliseconds since the epoch.
    pub message_ms: i64,
    /// Whether everybody has been told.
    pub told: bool,
}

/// The partition of an agent.
#[must_use]
pub fn agent(agent: &str) -> String {
    format!("chat-agent#{agent}")
}

/// The partition of a conversation.
#[must_use]
pub fn conversation(conversation: &str) -> String {
    format!("chat#{conversation}")
}

/// The key of an agent's lease.
#[must_use]
pub fn lease(of: &str) -> Key {
    Key::new(agent(of), "lease")
}

/// The key of an agent's last session.
#[must_use]
pub fn session(of: &str) -> Key {
    Key::new(agent(of), "session")
}

/// The key of an open conversation.
#[must_use]
pub fn open(of: &str, conversation: &str) -> Key {
    Key::new(agent(of), format!("open#{conversation}"))
}

/// The key of an outage.
#[must_use]
pub fn outage(of: &str, gap: &Gap) -> Key {
    Key::new(agent(of), format!("outage#{:015}", gap.from_ms))
}

/// The key of a message that is to be sent.
#[must_use]
pub fn outbound(of: &str, message: &Message) -> Key {
    Key::new(
        agent(of),
        format!("out#{:015}#{}", message.timestamp_ms, message.identity()),
    )
}

/// The key of a message.
#[must_use]
pub fn message(of: &Message) -> Key {
    Key::new(
        conversation(&of.conversation_id),
        format!("m#{:015}#{}", of.timestamp_ms, of.identity()),
    )
}

/// The key of an escalation.
#[must_use]
pub fn escalation(of: &str, severity: Severity) -> Key {
    Key::new(conversation(of), format!("e#{severity}"))
}

/// The partition of a conversation's messages that wait in the store.
#[must_use]
pub fn spill(agent: &str, conversation: &str) -> String {
    format!("chat-spill#{agent}#{conversation}")
}

/// The key of a message that waits in the store; in the order of arrival.
#[must_use]
pub fn spilled(agent: &str, heard: &Heard) -> Key {
    Key::new(
        spill(agent, &heard.message.conversation_id),
        format!("{:020}", heard.arrival),
    )
}

/// When something stored now is forgotten.
#[must_use]
pub fn expiry(now: Timestamp, retention: Duration) -> Option<Timestamp> {
    now.checked_add(SignedDuration::try_from(retention).ok()?)
        .ok()
}

/// A write of a value that is kept for `retention`.
///
/// # Errors
/// As [`Put::encode`].
pub fn put(
    key: Key,
    value: &impl Serialize,
    now: Timestamp,
    retention: Duration,
) -> Result<Put, Error> {
    Put::encode(key, value, expiry(now, retention))
}

/// All items of a partition under a prefix, decoded.
///
/// # Errors
/// The store's, or [`Error::Corrupt`] for an item that is no `T`.
pub async fn all<T: DeserializeOwned>(
    state: &impl StateStore,
    partition: &str,
    prefix: &str,
    now: Timestamp,
) -> Result<Vec<(Item, T)>, Error> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = state
            .list(partition, prefix, after.as_deref(), PAGE, now)
            .await?;
        let last = page.len() < PAGE;
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

//! The items that a session keeps in the state store, and their keys.
//!
//! | partition | sort key | holds |
//! |---|---|---|
//! | `chat-agent#A` | `lease` | the lease of agent A |
//! | | `session` | the latest session of A: a [`SessionRecord`] |
//! | | `open#C` | a note that conversation C is not archived yet: an [`OpenRecord`] |
//! | | `outage#T` | an outage of the stream that began at time T: a [`Gap`] |
//! | | `out#T#I` | a note that a message of A is not known to have arrived: the [`Message`] |
//! | | `notice#C#S` | an escalation or a rule's hit of C that nobody has been notified of yet: a [`NoticeRecord`] |
//! | | `aside#K` | what the store refused for its size, shortened: a [`SetAsideRecord`] |
//! | `chat#C` | `m#T#I` | the message with time T and identity I: a [`StoredMessage`] |
//! | | `s#T#I` | the model's score of that message: a [`ScoreRecord`] |
//! | | `r#T#I` | how the stream showed that message, which was sent from here: a [`ReceiptRecord`] |
//! | | `e#S` | the escalation of severity S: an [`EscalationRecord`] |
//! | | `h#R#N` | the hit with number N of rule R: a [`HitRecord`] |
//! | `chat-spill#A#C` | arrival number | a spilled message of C that waits to be processed: a [`StoredMessage`] |
//!
//! # Writes that land late
//!
//! A write whose answer did not come in time may be carried out after a later write of the same item. Messages, scores, receipts,
//! outages and spilled messages are written with the same content whenever they are written, so that the order of their writes does not
//! matter. A note that a conversation is open, or that a message is unsent, may come back after it was removed: the next session then
//! archives a conversation without changes, or finds the message in the transcript. Escalations, notices and leases are written
//! under a condition. A session's record that lands late makes its successor set the agent offline and available again.

use std::collections::HashMap;
use std::time::Duration;

use insights_core::WithCauses;
use insights_core::chat::archive::Gap;
use insights_core::chat::escalation::Severity;
use insights_core::chat::message::Message;
use insights_core::chat::stored_message::{StoredMessage, Via};
use insights_core::rules::RuleHit;
use insights_core::signals::Signals;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::Error;
use store::state::{Item, Key, Put, StateStore};

use crate::notify::Delivered;

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
    /// Whether a part of the stream was missed not long ago, so that conversations may have begun unseen.
    #[serde(default)]
    pub had_gap: bool,
    /// When the stream was up again after the latest part that was missed, by this session or by one before it, in milliseconds since
    /// the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_until_ms: Option<i64>,
    /// When a session that hands over was last known to be alive, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alive_ms: Option<i64>,
}

impl SessionRecord {
    /// Returns when the latest missed part of the stream was over, as the session after this one counts it from `now_ms`. A session that
    /// is not handing over listens no longer, so that the missed part goes on until now.
    #[must_use]
    pub fn missed_until(&self, now_ms: i64) -> Option<i64> {
        let is_listening = self.phase == Phase::HandingOver;
        match self.missed_until_ms {
            Some(at_ms) if is_listening => Some(at_ms),
            None if is_listening && !self.had_gap => None,
            _ => Some(now_ms),
        }
    }
}

/// A note that a conversation is not archived yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRecord {
    /// When the note was written, in milliseconds since the epoch.
    pub since_ms: i64,
    /// Whether the conversation has ended.
    pub ended: bool,
    /// When the conversation ended, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<i64>,
}

impl OpenRecord {
    /// Returns when the conversation ended, if it has.
    #[must_use]
    pub fn ended_at_ms(&self) -> Option<i64> {
        self.ended.then_some(self.ended_ms.unwrap_or(self.since_ms))
    }
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

/// A hit of a rule in a conversation. The record is stored before the notification is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HitRecord {
    /// The hit as the rules decided it.
    pub hit: RuleHit,
    /// The agent whose session decided the rule.
    pub agent: String,
    /// Whether the notification has been delivered, or none is due.
    #[serde(rename = "told")]
    pub notified: bool,
}

/// What somebody is notified of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Announcement {
    /// An escalation was raised.
    #[serde(rename = "escalation")]
    Escalation(EscalationRecord),
    /// A rule of the rule file hit.
    #[serde(rename = "rule_hit")]
    RuleHit(HitRecord),
}

impl Announcement {
    /// Returns what tells the announcements of one conversation apart.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Escalation(record) => record.severity.to_string(),
            Self::RuleHit(record) => format!("rule#{}", record.hit.key()),
        }
    }

    /// Returns the key of the record that is announced.
    #[must_use]
    pub fn key(&self, conversation: &str) -> Key {
        match self {
            Self::Escalation(record) => escalation_key(conversation, record.severity),
            Self::RuleHit(record) => hit_key(conversation, &record.hit),
        }
    }

    /// Returns the agent whose session made the announcement.
    #[must_use]
    pub fn agent(&self) -> &str {
        match self {
            Self::Escalation(record) => &record.agent,
            Self::RuleHit(record) => &record.agent,
        }
    }

    /// Returns whether the notification has been delivered.
    #[must_use]
    pub const fn is_notified(&self) -> bool {
        match self {
            Self::Escalation(record) => record.notified,
            Self::RuleHit(record) => record.notified,
        }
    }

    /// Returns the same announcement, marked as delivered.
    #[must_use]
    pub fn into_notified(mut self) -> Self {
        match &mut self {
            Self::Escalation(record) => record.notified = true,
            Self::RuleHit(record) => record.notified = true,
        }
        self
    }

    /// Encodes the record that is announced as a write that is kept for `retention`.
    ///
    /// # Errors
    /// See [`Put::encode`].
    pub fn encode(
        &self,
        conversation: &str,
        now: Timestamp,
        retention: Duration,
    ) -> Result<Put, Error> {
        let key = self.key(conversation);
        match self {
            Self::Escalation(record) => encode_put(key, record, now, retention),
            Self::RuleHit(record) => encode_put(key, record, now, retention),
        }
    }

    /// Decodes a stored record of the same kind, or logs that it cannot be read.
    pub fn decode_same_kind(&self, item: &Item) -> Option<Self> {
        match self {
            Self::Escalation(_) => decode_or_skip(item).map(Self::Escalation),
            Self::RuleHit(_) => decode_or_skip(item).map(Self::RuleHit),
        }
    }
}

/// An announcement of which somebody is still to be notified. The notice is stored before the record that it announces, and removed
/// once the notification is delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRecord {
    /// The id of the conversation.
    pub conversation: String,
    /// What is announced to the receivers.
    #[serde(flatten)]
    pub announcement: Announcement,
    /// The receivers that have got the notification already.
    #[serde(default)]
    pub delivered: Delivered,
    /// The session that is delivering the notification, if one is.
    #[serde(default)]
    pub claim: Option<NoticeClaim>,
}

/// The right of one session to deliver a notification, so that two sessions of an agent do not both deliver it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeClaim {
    /// Name of the lease holder that delivers.
    pub holder: String,
    /// When the right ends, in milliseconds since the epoch.
    pub until_ms: i64,
}

/// The model's score of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreRecord {
    /// Sentiment by the model in `[0, 1]`.
    pub model_sentiment: f64,
    /// Signals that the model found in the message.
    #[serde(default, skip_serializing_if = "Signals::is_empty")]
    pub signals: Signals,
    /// Code of the language of a message that the model does not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// How the stream showed a message that was sent from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRecord {
    /// Time from sending to receiving in milliseconds, if it is plausible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<i64>,
}

/// What the store refused for its size, shortened so that it can be stored for an operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetAsideRecord {
    /// The key under which it was to be stored.
    pub key: String,
    /// The size that was refused, in bytes.
    pub bytes: usize,
    /// The item with its text shortened; absent if the item is no JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<serde_json::Value>,
}

/// What the store holds of a conversation.
#[derive(Debug, Default)]
pub struct ConversationItems {
    /// The messages, each with its score and its receipt.
    pub messages: Vec<StoredMessage>,
    /// The escalations that were raised.
    pub escalations: Vec<EscalationRecord>,
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
    key_of_message("m", message)
}

/// Returns the key of the model's score of a message.
#[must_use]
pub fn score_key(message: &Message) -> Key {
    key_of_message("s", message)
}

/// Returns the key of the receipt of a message that was sent from here.
#[must_use]
pub fn receipt_key(message: &Message) -> Key {
    key_of_message("r", message)
}

fn key_of_message(kind: &str, message: &Message) -> Key {
    Key::new(
        conversation_partition(&message.conversation_id),
        format!("{kind}#{:015}#{}", message.timestamp_ms, message.identity()),
    )
}

/// Returns the key of the notice of an announcement, by its [subject](Announcement::subject).
#[must_use]
pub fn notice_key(agent: &str, conversation: &str, subject: &str) -> Key {
    Key::new(
        agent_partition(agent),
        format!("notice#{conversation}#{subject}"),
    )
}

/// Returns the key of the hit of a rule in a conversation.
#[must_use]
pub fn hit_key(conversation: &str, hit: &RuleHit) -> Key {
    Key::new(
        conversation_partition(conversation),
        format!("h#{}", hit.key()),
    )
}

/// Returns the key under which an item of an agent's session is set aside.
#[must_use]
pub fn set_aside_key(agent: &str, refused: &Key) -> Key {
    let sort: String = refused.sort.chars().take(100).collect();
    Key::new(agent_partition(agent), format!("aside#{sort}"))
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

/// Reads and decodes all items of a partition whose sort keys begin with a prefix. An item that is not a `T` is logged and left out:
/// it must not keep all others from being read.
///
/// # Errors
/// The error of the store.
pub async fn list_all<T: DeserializeOwned>(
    state: &impl StateStore,
    partition: &str,
    prefix: &str,
    now: Timestamp,
) -> Result<Vec<(Item, T)>, Error> {
    let items = list_items(state, partition, prefix, now).await?;
    Ok(items
        .into_iter()
        .filter_map(|item| {
            let value = decode_or_skip(&item)?;
            Some((item, value))
        })
        .collect())
}

/// Reads what the store holds of a conversation. An item that cannot be read is logged and left out.
///
/// # Errors
/// The error of the store.
pub async fn list_conversation(
    state: &impl StateStore,
    conversation: &str,
    now: Timestamp,
) -> Result<ConversationItems, Error> {
    let partition = conversation_partition(conversation);
    let mut found = ConversationItems::default();
    let mut scores: HashMap<String, ScoreRecord> = HashMap::new();
    let mut receipts: HashMap<String, ReceiptRecord> = HashMap::new();
    let mut messages: Vec<(String, StoredMessage)> = Vec::new();
    for item in list_items(state, &partition, "", now).await? {
        let Some((kind, name)) = item.key.sort.split_once('#') else {
            continue;
        };
        let name = name.to_owned();
        match kind {
            "m" => messages.extend(decode_or_skip(&item).map(|message| (name, message))),
            "s" => scores.extend(decode_or_skip(&item).map(|score| (name, score))),
            "r" => receipts.extend(decode_or_skip(&item).map(|receipt| (name, receipt))),
            "e" => found.escalations.extend(decode_or_skip(&item)),
            _ => {}
        }
    }
    found.messages = messages
        .into_iter()
        .map(|(name, mut message): (String, StoredMessage)| {
            if let Some(score) = scores.remove(&name) {
                // What is in a language that is not read has no sentiment of its own.
                message.model_sentiment = score.language.is_none().then_some(score.model_sentiment);
                message.signals = score.signals;
                message.language = score.language;
            }
            if let Some(receipt) = receipts.get(&name)
                && message.via == Via::Outbound
            {
                message.via = Via::Stream;
                message.latency_ms = receipt.latency_ms;
            }
            message
        })
        .collect();
    Ok(found)
}

/// Decodes an item, or logs that it cannot be read.
pub fn decode_or_skip<T: DeserializeOwned>(item: &Item) -> Option<T> {
    item.decode()
        .inspect_err(|error| {
            tracing::error!(
                cause = %WithCauses(error),
                "an unreadable item of the state store was left out"
            );
        })
        .ok()
}

async fn list_items(
    state: &impl StateStore,
    partition: &str,
    prefix: &str,
    now: Timestamp,
) -> Result<Vec<Item>, Error> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = state
            .list(partition, prefix, after.as_deref(), PAGE_SIZE, now)
            .await?;
        let last = page.len() < PAGE_SIZE;
        after = page.last().map(|item| item.key.sort.clone());
        found.extend(page);
        if last {
            return Ok(found);
        }
    }
}

//! A message as a session stores it, with what the session knows about the message.

use serde::{Deserialize, Serialize};

use super::message::Message;
use crate::signals::Signals;

/// The way in which a message reached the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// The stream brought the message.
    Stream,
    /// The transcript brought the message after the stream had been down.
    Recovered,
    /// The session itself sent the message.
    Outbound,
}

/// A message as a session stores it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredMessage {
    /// The message as participants saw it.
    #[serde(flatten)]
    pub message: Message,
    /// How the message reached the session.
    pub via: Via,
    /// Arrival number, which orders the messages of one millisecond. Later arrivals have greater numbers.
    pub arrival: u64,
    /// Time from sending to receiving in milliseconds, if the message came by stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<i64>,
    /// Sentiment by the model in `[0, 1]`, if the model scored the message in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_sentiment: Option<f64>,
    /// Signals that the model found in the message.
    #[serde(default, skip_serializing_if = "Signals::is_empty")]
    pub signals: Signals,
    /// Code of the language of a message that the model does not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

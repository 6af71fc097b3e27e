//! What a scenario sets up for the chat system: settings, random faults and scripted conversations.
//!
//! ```toml
//! [chat]
//! idle_timeout_ms = 60000      # a connection that is silent for this long is closed
//! page_size = 50               # messages per page of a transcript
//! echo = true                  # messages of a client are sent back on the stream
//!
//! [chat.troubles]              # probabilities, drawn for each message on each connection
//! malformed = 0.01             # a malformed frame is sent before the message
//! duplicate = 0.01             # the message is sent twice
//! reorder = 0.01               # the message is sent after the next one
//! drop = 0.001                 # the connection breaks before the message
//! half_open = 0.001            # the connection stays open, but nothing more is sent
//!
//! [[chat.conversations]]       # plays from the first connection on
//! id = "chat-1"
//! transcript = true            # false: the transcript is 404
//! lines = [{ after_ms = 0, from = "customer", text = "Hello" }, { after_ms = 900, from = "agent", text = "Hi" }]
//! ends = true                  # a status frame ends the conversation after the last line
//! ```

use serde::{Deserialize, Serialize};

/// Settings of the chat system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChatSettings {
    /// Time in milliseconds after which a silent connection is closed; the default is 60,000.
    pub idle_timeout_ms: u64,
    /// Number of messages per page of a transcript; the default is 50.
    pub page_size: usize,
    /// Time in milliseconds that the server waits before it reads the next frame; the default is 0.
    pub slow_reader_ms: u64,
    /// Whether messages of a client are sent back on the stream; they are by default.
    pub echo: bool,
    /// Probabilities of faults on the stream.
    pub troubles: Troubles,
    /// Conversations that the simulator plays.
    pub conversations: Vec<ScriptedChat>,
}

impl Default for ChatSettings {
    fn default() -> Self {
        Self {
            idle_timeout_ms: 60_000,
            page_size: 50,
            slow_reader_ms: 0,
            echo: true,
            troubles: Troubles::default(),
            conversations: Vec::new(),
        }
    }
}

/// The probabilities of faults, drawn for each message on each connection; all are 0 by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Troubles {
    /// A malformed frame is sent before the message.
    pub malformed: f64,
    /// The message is sent twice.
    pub duplicate: f64,
    /// The message is sent after the next one.
    pub reorder: f64,
    /// The connection breaks instead of sending the message.
    pub drop: f64,
    /// The connection stays open, but nothing more is sent.
    pub half_open: f64,
}

/// A conversation that the simulator plays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedChat {
    /// Id of the conversation.
    pub id: String,
    /// Messages of the conversation.
    pub lines: Vec<Line>,
    /// Whether the conversation has a transcript; it has one by default.
    #[serde(default = "default_true")]
    pub transcript: bool,
    /// Whether a status frame ends the conversation after the last line; it does by default.
    #[serde(default = "default_true")]
    pub ends: bool,
}

/// One message of a scripted conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Time in milliseconds since the previous message; the default is 0.
    #[serde(default)]
    pub after_ms: u64,
    /// Sender of the message: `customer` or `agent`.
    pub from: String,
    /// Text of the message.
    pub text: String,
}

const fn default_true() -> bool {
    true
}

//! What a scenario sets up for chat: settings, troubles and scripted conversations.
//!
//! ```toml
//! [chat]
//! idle_timeout_ms = 60000      # a connection from which nothing comes for so long is closed
//! page_size = 50               # messages a transcript page
//! echo = true                  # what a client sends comes back on the stream
//!
//! [chat.troubles]              # probabilities, drawn for each message on each connection
//! malformed = 0.01             # a frame that is none comes before it
//! duplicate = 0.01             # it comes twice
//! reorder = 0.01               # it comes behind the next one
//! drop = 0.001                 # the connection breaks before it
//! half_open = 0.001            # the connection falls silent before it, but stays open
//!
//! [[chat.conversations]]       # played from the first connection on
//! id = "chat-1"
//! transcript = true            # false: its transcript is 404
//! lines = [{ after_ms = 0, from = "customer", text = "Hello" }, { after_ms = 900, from = "agent", text = "Hi" }]
//! ends = true                  # a routing frame ends it behind the last line
//! ```

use serde::{Deserialize, Serialize};

/// Settings of the chat system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChatSettings {
    /// A connection from which nothing comes for this long is closed; 60 s.
    pub idle_timeout_ms: u64,
    /// Messages a transcript page; 50.
    pub page_size: usize,
    /// How long the server takes before it reads the next frame; 0.
    pub slow_reader_ms: u64,
    /// Whether what a client sends comes back on the stream; yes.
    pub echo: bool,
    /// What goes wrong by chance.
    pub troubles: Troubles,
    /// Conversations that play by themselves.
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

/// Probabilities of what goes wrong, drawn for each message on each connection; all 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Troubles {
    /// A frame that is none comes before the message.
    pub malformed: f64,
    /// The message comes twice.
    pub duplicate: f64,
    /// The message comes behind the next one.
    pub reorder: f64,
    /// The connection breaks instead.
    pub drop: f64,
    /// The connection falls silent instead, but stays open.
    pub half_open: f64,
}

/// A conversation that plays by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedChat {
    /// Its id.
    pub id: String,
    /// What is said.
    pub lines: Vec<Line>,
    /// Whether it has a transcript; yes.
    #[serde(default = "yes")]
    pub transcript: bool,
    /// Whether a routing frame ends it behind the last line; yes.
    #[serde(default = "yes")]
    pub ends: bool,
}

/// A line of a scripted conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// How long after the line before it is said, in milliseconds; 0.
    #[serde(default)]
    pub after_ms: u64,
    /// `customer` or `agent`.
    pub from: String,
    /// What is said.
    pub text: String,
}

const fn yes() -> bool {
    true
}

//! Operations with which tests and scripts control the chat system and look at it.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::script::Troubles;
use super::state::{State, StreamOrder, now_ms};

impl State {
    /// Assigns a conversation to the agent.
    pub fn assign(&self, conversation: &str) {
        self.broadcast(&json!({
            "type": "routing", "conversationId": conversation, "status": "assigned", "timestamp": now_ms(),
        }));
    }

    /// Ends a conversation with a status frame.
    pub fn end(&self, conversation: &str) {
        self.broadcast(&json!({
            "type": "status", "conversationId": conversation, "status": "closed", "timestamp": now_ms(),
        }));
    }

    /// Adds a message with the current time and returns it as clients receive it, without the field `type`.
    pub fn say(&self, conversation: &str, kind: &str, text: &str) -> Value {
        self.say_at(conversation, kind, text, now_ms())
    }

    /// Adds a message with a given time in milliseconds since the epoch and returns it.
    pub fn say_at(&self, conversation: &str, kind: &str, text: &str, timestamp_ms: i64) -> Value {
        let message = json!({
            "conversationId": conversation,
            "from": {"type": kind, "id": format!("{kind}-{conversation}")},
            "text": text,
            "timestamp": timestamp_ms,
        });
        self.add_message(message.clone(), false);
        message
    }

    /// Answers requests for a conversation's transcript with 404 from now on.
    pub fn hide_transcript(&self, conversation: &str) {
        self.lock()
            .conversations
            .entry(conversation.to_owned())
            .or_default()
            .hidden = true;
    }

    /// Breaks all connections without a close frame.
    pub fn break_connections(&self) {
        self.order(StreamOrder::Break);
    }

    /// Stops all traffic on the connections, which stay open.
    pub fn freeze_connections(&self) {
        self.order(StreamOrder::Freeze);
    }

    /// Sets the faults that happen at random from now on.
    pub fn set_troubles(&self, troubles: Troubles) {
        self.lock().settings.troubles = troubles;
    }

    /// Returns the number of connections that are open now.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.open.load(Ordering::SeqCst)
    }

    /// Returns the number of connections that were opened so far.
    #[must_use]
    pub fn connections_opened(&self) -> u64 {
        self.opened.load(Ordering::SeqCst)
    }

    /// Returns the number of pings that came.
    #[must_use]
    pub fn pings(&self) -> u64 {
        self.pings.load(Ordering::SeqCst)
    }

    /// Returns every presence that an agent was set to, in order.
    #[must_use]
    pub fn presence(&self, user: &str) -> Vec<String> {
        self.lock().presence.get(user).cloned().unwrap_or_default()
    }

    /// Returns every routing update of an agent, in order.
    #[must_use]
    pub fn routing(&self, user: &str) -> Vec<Value> {
        self.lock().routing.get(user).cloned().unwrap_or_default()
    }

    /// Returns the messages that clients have sent, in order, repetitions included.
    #[must_use]
    pub fn received(&self) -> Vec<Value> {
        self.lock().received.clone()
    }

    /// Returns all messages of a conversation.
    #[must_use]
    pub fn messages(&self, conversation: &str) -> Vec<Value> {
        self.lock()
            .conversations
            .get(conversation)
            .map(|chat| chat.messages.clone())
            .unwrap_or_default()
    }
}

//! What tests and scripts do with the chat system, and ask of it.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::script::Troubles;
use super::state::{Order, State, now_ms};

impl State {
    /// Assigns a conversation to the agent.
    pub fn assign(&self, conversation: &str) {
        self.broadcast(&json!({
            "type": "routing", "conversationId": conversation, "status": "assigned", "timestamp": now_ms(),
        }));
    }

    /// Ends a conversation.
    pub fn end(&self, conversation: &str) {
        self.broadcast(&json!({
            "type": "status", "conversationId": conversation, "status": "closed", "timestamp": now_ms(),
        }));
    }

    /// Says something now; the message as it goes over the wire, less its `type`.
    pub fn say(&self, conversation: &str, kind: &str, text: &str) -> Value {
        self.say_at(conversation, kind, text, now_ms())
    }

    /// Says something at a time in milliseconds since the epoch.
    pub fn say_at(&self, conversation: &str, kind: &str, text: &str, timestamp_ms: i64) -> Value {
        let message = json!({
            "conversationId": conversation,
            "from": {"type": kind, "id": format!("{kind}-{conversation}")},
            "text": text,
            "timestamp": timestamp_ms,
        });
        self.take(message.clone(), false);
        message
    }

    /// Lets a conversation's transcript be 404 from now on.
    pub fn hide_transcript(&self, conversation: &str) {
        self.lock()
            .conversations
            .entry(conversation.to_owned())
            .or_default()
            .hidden = true;
    }

    /// Breaks all connections without a goodbye.
    pub fn break_connections(&self) {
        self.order(Order::Break);
    }

    /// Lets all connections fall silent; they stay open.
    pub fn freeze_connections(&self) {
        self.order(Order::Freeze);
    }

    /// What goes wrong by chance from now on.
    pub fn set_troubles(&self, troubles: Troubles) {
        self.lock().settings.troubles = troubles;
    }

    /// How many connections are open now.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.open.load(Ordering::SeqCst)
    }

    /// How many connections were opened so far.
    #[must_use]
    pub fn connections_opened(&self) -> u64 {
        self.opened.load(Ordering::SeqCst)
    }

    /// How many pings came.
    #[must_use]
    pub fn pings(&self) -> u64 {
        self.pings.load(Ordering::SeqCst)
    }

    /// Every presence an agent was set to, in order.
    #[must_use]
    pub fn presence(&self, user: &str) -> Vec<String> {
        self.lock().presence.get(user).cloned().unwrap_or_default()
    }

    /// Every routing update of an agent, in order.
    #[must_use]
    pub fn routing(&self, user: &str) -> Vec<Value> {
        self.lock().routing.get(user).cloned().unwrap_or_default()
    }

    /// The messages that came over connections, in order, repeats included.
    #[must_use]
    pub fn received(&self) -> Vec<Value> {
        self.lock().received.clone()
    }

    /// Everything said in a conversation.
    #[must_use]
    pub fn messages(&self, conversation: &str) -> Vec<Value> {
        self.lock()
            .conversations
            .get(conversation)
            .map(|chat| chat.messages.clone())
            .unwrap_or_default()
    }
}

//! Sending of the agent's messages: stores each message with a note, hands it to the connection when the outbox says so, and
//! removes the note when the message has arrived.

use insights_core::chat::frame::validate_message;
use insights_core::chat::message::{Message, Sender};
use insights_core::chat::outbox::Outbox;
use insights_core::chat::stored_message::{StoredMessage, Via};
use insights_core::chat::token_bucket::Rate;
use insights_core::signals::Signals;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::conversations::ConversationTable;
use super::ingest::encode_open;
use super::message_queue::{MessageQueue, PendingMessage};
use super::options::RefusedMessage;
use super::removals::Removals;
use super::session_store::SessionStore;
use crate::records;

/// The outbox of a session, and the connection that takes its messages.
#[derive(Debug)]
pub(super) struct OutboundWriter {
    pub(super) outbox: Outbox,
    /// Takes messages for the connection that is up, or was up last.
    connection: Option<mpsc::Sender<Message>>,
}

impl OutboundWriter {
    /// Creates a writer that sends at `rate`.
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            outbox: Outbox::new(rate),
            connection: None,
        }
    }

    /// Sends over a new connection from now on.
    ///
    /// Messages that the earlier connection did not take are forgotten with its channel, so that none of them can overtake
    /// a message that the outbox sends again.
    pub(super) fn connect(&mut self, number: u64, connection: mpsc::Sender<Message>) {
        self.connection = Some(connection);
        self.outbox.on_connected(number, Instant::now().into_std());
    }

    /// Returns when the next message may be sent.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let now = Instant::now().into_std();
        self.outbox.next_due(now, self.room()).map(Instant::from)
    }

    /// Hands the messages that may be sent now to the connection.
    pub(super) fn send_due(&mut self) {
        let room = self.room();
        let due = self.outbox.take_due(Instant::now().into_std(), room);
        let Some(connection) = &self.connection else {
            return;
        };
        for message in due {
            // The channel has room. If it was closed meanwhile, the outbox sends the message again after the reconnect.
            let _ = connection.try_send(message);
        }
    }

    /// Stores a message that the agent sends together with its note, and queues it for sending.
    ///
    /// The conversation is loaded. Returns the message for processing.
    pub(super) async fn accept(
        &mut self,
        mut message: Message,
        store: &SessionStore,
        conversations: &mut ConversationTable,
        queue: &mut MessageQueue,
    ) -> anyhow::Result<Option<PendingMessage>> {
        let Some(conversation) = conversations.get_mut(&message.conversation_id) else {
            return Ok(None);
        };
        // The same text at the same millisecond would be the same message.
        while !conversation.seen.insert(message.identity()) {
            message.timestamp_ms = self.outbox.next_timestamp_ms(message.timestamp_ms);
        }
        conversation.stored_messages += 1;
        conversation.last_activity = Instant::now();
        let mut puts = Vec::with_capacity(3);
        if conversation.ended_at_ms.take().is_some() {
            // The agent goes on with the conversation.
            puts.push(encode_open(store, &message.conversation_id, None)?);
        }
        let stored = StoredMessage {
            message: message.clone(),
            via: Via::Outbound,
            arrival: queue.next_arrival(),
            latency_ms: None,
            model_sentiment: None,
            signals: Signals::NONE,
            language: None,
        };
        puts.push(store.encode(records::message_key(&message), &stored)?);
        puts.push(store.encode(records::outbound_key(&store.agent, &message), &message)?);
        store.write(puts).await?;
        self.outbox.enqueue(message);
        Ok(Some(PendingMessage::unmeasured(stored)))
    }

    /// Composes a message of the agent, or tells why it cannot be sent.
    pub(super) fn compose(
        &mut self,
        agent: &str,
        conversation_id: String,
        text: String,
    ) -> Result<Message, RefusedMessage> {
        if self.outbox.is_full() {
            return Err(RefusedMessage::QueueFull);
        }
        if text.trim().is_empty() {
            return Err(RefusedMessage::Empty);
        }
        let from = Sender {
            kind: "agent".to_owned(),
            id: agent.to_owned(),
        };
        let now_ms = Timestamp::now().as_millisecond();
        validate_message(Message {
            conversation_id,
            from,
            text,
            timestamp_ms: self.outbox.next_timestamp_ms(now_ms),
        })
        .map_err(RefusedMessage::Invalid)
    }

    /// Removes the notes of messages that have arrived. If a note cannot be removed, the next session may send its message again.
    pub(super) fn remove_notes(&mut self, store: &SessionStore, removals: &mut Removals) {
        for message in self.outbox.take_acknowledged() {
            removals.remove(records::outbound_key(&store.agent, &message));
        }
    }

    /// Returns how many messages the connection takes without waiting.
    fn room(&self) -> usize {
        self.connection
            .as_ref()
            .filter(|connection| !connection.is_closed())
            .map_or(0, mpsc::Sender::capacity)
    }
}

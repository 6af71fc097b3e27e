//! Ingestion of arrivals: decides what each arrival stores and which messages are processed.
//!
//! The caller writes [`Ingested::puts`] in one go, and processes [`Ingested::ready`] only after that.

use insights_core::chat::archive::Gap;
use insights_core::chat::frame::ChatEvent;
use insights_core::chat::message::Message;
use insights_core::chat::sla::Latency;
use insights_core::chat::stored_message::{StoredMessage, Via};
use insights_core::signals::Signals;
use jiff::Timestamp;
use runtime::metrics;
use store::state::Put;
use tokio::time::Instant;

use super::arrival::Arrival;
use super::conversations::ConversationTable;
use super::message_queue::{MessageQueue, PendingMessage};
use super::send::OutboundWriter;
use super::session_store::SessionStore;
use super::statistics::SessionStatistics;
use super::stream_status::StreamStatus;
use super::updates::{Update, UpdateFeed};
use crate::records::{self, ReceiptRecord};

/// What a batch of arrivals stores, and the messages that may be processed once that is written.
#[derive(Debug, Default)]
pub(super) struct Ingested {
    pub(super) puts: Vec<Put>,
    pub(super) ready: Vec<PendingMessage>,
    /// The conversations with messages that another session left unsent.
    pub(super) adopted: Vec<String>,
}

/// The parts of a session that take arrivals.
pub(super) struct Ingest<'s> {
    pub(super) store: &'s SessionStore,
    pub(super) conversations: &'s mut ConversationTable,
    pub(super) queue: &'s mut MessageQueue,
    pub(super) outbound: &'s mut OutboundWriter,
    pub(super) stream: &'s mut StreamStatus,
    pub(super) statistics: &'s mut SessionStatistics,
    pub(super) updates: &'s mut UpdateFeed,
}

impl Ingest<'_> {
    /// Takes a batch of arrivals whose conversations are loaded.
    pub(super) fn take_batch(&mut self, batch: Vec<Arrival>) -> anyhow::Result<Ingested> {
        let mut ingested = Ingested::default();
        for arrival in batch {
            self.take(arrival, &mut ingested)?;
        }
        Ok(ingested)
    }

    fn take(&mut self, arrival: Arrival, ingested: &mut Ingested) -> anyhow::Result<()> {
        if let Arrival::Event(_, at_ms, _) | Arrival::PingAnswered(at_ms, _) = &arrival {
            self.stream.last_frame_ms = *at_ms;
        }
        match arrival {
            Arrival::Event(ChatEvent::Message(message), at_ms, at) => {
                self.take_message(message, Via::Stream, Some((at_ms, at)), ingested)?;
            }
            Arrival::Recovered(message) => {
                self.take_message(message, Via::Recovered, None, ingested)?;
            }
            Arrival::Event(ChatEvent::Assigned { conversation_id }, ..) => {
                self.assign(conversation_id, &mut ingested.puts)?;
            }
            Arrival::Event(ChatEvent::Ended { conversation_id }, ..) => {
                let (store, puts) = (self.store, &mut ingested.puts);
                end_conversation(
                    conversation_id,
                    Timestamp::now().as_millisecond(),
                    store,
                    self.conversations,
                    self.updates,
                    puts,
                )?;
            }
            Arrival::Event(ChatEvent::Other, ..) => {}
            Arrival::Malformed(reason) => {
                self.statistics.count_malformed(&self.store.agent, &reason);
            }
            Arrival::Written(identity) => self.outbound.outbox.on_written(&identity),
            Arrival::PingAnswered(_, identities) => {
                self.outbound.outbox.on_ping_answered(&identities);
            }
            Arrival::TranscriptsRead {
                connection,
                is_complete,
            } => {
                if is_complete {
                    self.outbound.outbox.on_transcripts_read(connection);
                }
                self.stream.has_caught_up |= connection == self.stream.connections;
            }
            Arrival::UnsentNotes(messages) => self.adopt(messages, ingested)?,
            Arrival::EndedNotes(ended) => self.adopt_ends(ended, &mut ingested.puts)?,
            Arrival::Connected { gap, outbound } => {
                self.note_connected(gap, &mut ingested.puts)?;
                self.outbound.connect(self.stream.connections, outbound);
            }
            Arrival::Disconnected { reason, wait } => {
                self.stream.connected = false;
                self.stream.has_caught_up = false;
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                self.updates
                    .publish(|| Update::Disconnected { reason, wait_ms });
            }
        }
        Ok(())
    }

    /// Takes a message, which was received at `received` if it came by stream. A repeated message is counted and dropped.
    ///
    /// The echo of a message that was sent from here is stored as a receipt beside the message, and not processed again.
    fn take_message(
        &mut self,
        message: Message,
        via: Via,
        received: Option<(i64, Instant)>,
        ingested: &mut Ingested,
    ) -> anyhow::Result<()> {
        let identity = message.identity();
        let arrival = self.queue.next_arrival();
        let Some(conversation) = self.conversations.get_mut(&message.conversation_id) else {
            return Ok(());
        };
        let is_new = conversation.seen.insert(identity);
        let is_own = !is_new && self.outbound.outbox.on_received(&identity);
        let is_echo = is_own && received.is_some();
        if !is_new && !is_echo {
            // Nobody says it now: the transcript of a silent conversation is read again and again.
            self.statistics.duplicates += 1;
            return Ok(());
        }
        conversation.last_activity = Instant::now();
        conversation.stored_messages += 1;
        conversation.note_written(&message, arrival);
        if conversation.reopen_for(&message) {
            let id = message.conversation_id.clone();
            ingested.puts.push(encode_open(self.store, &id, None)?);
            self.conversations.forget_archived(&id);
            self.updates.publish(|| Update::Assigned {
                conversation_id: id,
            });
        }
        let latency = received.map(|(received_ms, _)| {
            self.statistics
                .record_latency(&self.store.agent, &message, received_ms)
        });
        let latency_ms = latency
            .filter(|latency| !latency.skewed)
            .and_then(|latency| i64::try_from(latency.duration.as_millis()).ok());
        if is_echo {
            let receipt = ReceiptRecord { latency_ms };
            let key = records::receipt_key(&message);
            ingested.puts.push(self.store.encode(key, &receipt)?);
            return Ok(());
        }
        let stored = StoredMessage {
            message,
            via,
            arrival,
            latency_ms,
            model_sentiment: None,
            signals: Signals::NONE,
            language: None,
        };
        let received_at = received.map(|(_, at)| at);
        self.store_message(stored, latency, received_at, ingested)
    }

    /// Takes the messages that another session of the agent took and left unsent, after this one had begun.
    ///
    /// That session may have ended before it processed a message, so that one which is new here is processed here.
    fn adopt(&mut self, noted: Vec<Message>, ingested: &mut Ingested) -> anyhow::Result<()> {
        let now = Instant::now().into_std();
        for message in self.outbound.outbox.adopt(noted, now) {
            let arrival = self.queue.next_arrival();
            let id = message.conversation_id.clone();
            let Some(conversation) = self.conversations.get_mut(&id) else {
                continue;
            };
            tracing::warn!(
                agent_id = self.store.agent,
                conversation_id = id,
                "a message that another session left unsent is sent if the transcript does not show it"
            );
            if conversation.seen.insert(message.identity()) {
                conversation.stored_messages += 1;
                conversation.last_activity = Instant::now();
                let stored = StoredMessage {
                    message,
                    via: Via::Outbound,
                    arrival,
                    latency_ms: None,
                    model_sentiment: None,
                    signals: Signals::NONE,
                    language: None,
                };
                self.store_message(stored, None, None, ingested)?;
            }
            ingested.adopted.push(id);
        }
        Ok(())
    }

    /// Ends the conversations that another session of the agent has seen end. Of one that went on since, the note is written anew.
    fn adopt_ends(&mut self, noted: Vec<(String, i64)>, puts: &mut Vec<Put>) -> anyhow::Result<()> {
        for (id, ended_ms) in noted {
            let Some(conversation) = self.conversations.get_mut(&id) else {
                continue;
            };
            if conversation.went_on_ms <= ended_ms {
                let (store, conversations) = (self.store, &mut *self.conversations);
                end_conversation(id, ended_ms, store, conversations, self.updates, puts)?;
            } else if !conversation.has_ended() {
                puts.push(encode_open(self.store, &id, None)?);
            }
        }
        Ok(())
    }

    /// Stores a message, and lets it be processed within the rate of its conversation.
    fn store_message(
        &mut self,
        stored: StoredMessage,
        latency: Option<Latency>,
        received_at: Option<Instant>,
        ingested: &mut Ingested,
    ) -> anyhow::Result<()> {
        let via = stored.via;
        let put = self
            .store
            .encode(records::message_key(&stored.message), &stored)?;
        ingested.puts.push(put);
        self.statistics.count_message(via);
        let pending = PendingMessage {
            stored,
            latency,
            received_at,
        };
        let ready = self.queue.offer(pending, self.store, &mut ingested.puts)?;
        ingested.ready.extend(ready);
        Ok(())
    }

    /// Notes that a conversation was assigned to the agent; one that had ended is open again.
    fn assign(&mut self, id: String, puts: &mut Vec<Put>) -> anyhow::Result<()> {
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.last_activity = Instant::now();
            conversation.went_on_ms = Timestamp::now().as_millisecond();
            if conversation.ended_at_ms.take().is_some() {
                puts.push(encode_open(self.store, &id, None)?);
            }
            self.conversations.forget_archived(&id);
            self.updates.publish(|| Update::Assigned {
                conversation_id: id,
            });
        }
        Ok(())
    }

    fn note_connected(&mut self, gap: Option<Gap>, puts: &mut Vec<Put>) -> anyhow::Result<()> {
        self.stream.connected = true;
        self.stream.has_caught_up = false;
        self.stream.last_frame_ms = Timestamp::now().as_millisecond();
        if let Some(gap) = &gap {
            self.stream.note_missed_until(gap.to_ms);
        }
        self.stream.connections += 1;
        metrics::count("chat_connections", 1);
        if let Some(gap) = gap {
            tracing::info!(
                agent_id = self.store.agent,
                outage_ms = gap.to_ms - gap.from_ms,
                "the stream is up again"
            );
            let key = records::outage_key(&self.store.agent, &gap);
            puts.push(self.store.encode(key, &gap)?);
            self.stream.add_outage(gap);
        }
        self.updates.publish(|| Update::Connected);
        Ok(())
    }
}

/// Notes that a conversation has ended at a time in milliseconds since the epoch; the conversation is archived a little later.
pub(super) fn end_conversation(
    id: String,
    ended_ms: i64,
    store: &SessionStore,
    conversations: &mut ConversationTable,
    updates: &mut UpdateFeed,
    puts: &mut Vec<Put>,
) -> anyhow::Result<()> {
    if let Some(conversation) = conversations.get_mut(&id)
        && !conversation.has_ended()
    {
        conversation.ended_at_ms = Some(ended_ms);
        conversation.last_activity = Instant::now();
        puts.push(encode_open(store, &id, Some(ended_ms))?);
        updates.publish(|| Update::Ended {
            conversation_id: id,
        });
    }
    Ok(())
}

/// Encodes the note that a conversation is not archived yet, and when it ended, if it has.
pub(super) fn encode_open(
    store: &SessionStore,
    conversation: &str,
    ended_ms: Option<i64>,
) -> anyhow::Result<Put> {
    let since_ms = Timestamp::now().as_millisecond();
    store.encode(
        records::open_key(&store.agent, conversation),
        &records::OpenRecord {
            since_ms,
            ended: ended_ms.is_some(),
            ended_ms,
        },
    )
}

//! The queue of stored messages that are to be processed, limited to the rate of each conversation.

use std::collections::HashMap;

use insights_core::WithCauses;
use insights_core::chat::pacing::{Admission, Pacer, PacingCounts, QueueLimits};
use insights_core::chat::sla::Latency;
use insights_core::chat::stored_message::StoredMessage;
use insights_core::chat::token_bucket::Rate;
use jiff::Timestamp;
use runtime::metrics;
use store::state::{Put, StateStore};
use tokio::time::Instant;

use super::removals::Removals;
use super::session_store::SessionStore;
use crate::records;

/// A stored message that is to be processed.
#[derive(Debug, Clone)]
pub(super) struct PendingMessage {
    pub(super) stored: StoredMessage,
    pub(super) latency: Option<Latency>,
    /// When the message was received, if it did not have to be queued.
    pub(super) received_at: Option<Instant>,
}

impl PendingMessage {
    /// Creates a message whose latency is not measured.
    pub(super) const fn unmeasured(stored: StoredMessage) -> Self {
        Self {
            stored,
            latency: None,
            received_at: None,
        }
    }
}

/// The pending messages of all conversations, in memory and spilled to the store.
#[derive(Debug)]
pub(super) struct MessageQueue {
    pacer: Pacer<PendingMessage>,
    last_arrival: u64,
    /// The sort key of the last spilled message that was read back, by conversation. What is not deleted yet is not read again.
    read_back: HashMap<String, String>,
}

impl MessageQueue {
    /// Creates an empty queue.
    pub(super) fn new(rate: Rate, limits: QueueLimits) -> Self {
        Self {
            pacer: Pacer::new(rate, limits),
            last_arrival: 0,
            read_back: HashMap::new(),
        }
    }

    /// Returns the next arrival number: microseconds since the epoch, but greater than every earlier number, those of earlier
    /// sessions included.
    pub(super) fn next_arrival(&mut self) -> u64 {
        let now = u64::try_from(Timestamp::now().as_microsecond()).unwrap_or(0);
        self.last_arrival = now.max(self.last_arrival + 1);
        self.last_arrival
    }

    /// Notes an arrival number of an earlier session.
    pub(super) fn note_arrival(&mut self, arrival: u64) {
        self.last_arrival = self.last_arrival.max(arrival);
    }

    /// Notes that an earlier session spilled messages of a conversation.
    pub(super) fn mark_spilled(&mut self, conversation: &str) {
        self.pacer.mark_spilled(conversation);
    }

    /// Adds a message: it is returned if it may be processed now, or queued in memory, or added to `puts` as spilled.
    pub(super) fn offer(
        &mut self,
        pending: PendingMessage,
        store: &SessionStore,
        puts: &mut Vec<Put>,
    ) -> anyhow::Result<Option<PendingMessage>> {
        let conversation = pending.stored.message.conversation_id.clone();
        let now = Instant::now().into_std();
        match self.pacer.offer(&conversation, pending, now) {
            Admission::Ready(pending) => return Ok(Some(pending)),
            Admission::Queued => metrics::count("chat_waited", 1),
            Admission::Spilled(pending) => {
                metrics::count("chat_spilled", 1);
                let key = records::spilled_key(&store.agent, &pending.stored);
                puts.push(store.encode(key, &pending.stored)?);
            }
        }
        Ok(None)
    }

    /// Returns when the next queued message may be processed.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.pacer.next_due().map(Instant::from)
    }

    /// Removes and returns the next queued message that may be processed now.
    pub(super) fn pop_due(&mut self) -> Option<PendingMessage> {
        let pending = self.pacer.pop_due(Instant::now().into_std())?;
        Some(PendingMessage {
            received_at: None,
            ..pending
        })
    }

    /// Removes and returns all messages queued in memory, regardless of the rate.
    pub(super) fn drain(&mut self) -> Vec<PendingMessage> {
        self.pacer.drain()
    }

    /// Reads spilled messages back where there is room in memory.
    pub(super) async fn refill(
        &mut self,
        store: &SessionStore,
        removals: &mut Removals,
    ) -> anyhow::Result<()> {
        while let Some((conversation, room)) = self
            .pacer
            .next_refill()
            .map(|(id, room)| (id.to_owned(), room))
        {
            let partition = records::spill_partition(&store.agent, &conversation);
            let after = self.read_back.get(&conversation).map(String::as_str);
            let (state, now) = (&store.state, Timestamp::now());
            let items = match state.list(&partition, "", after, room, now).await {
                Ok(items) => items,
                Err(error) => {
                    // The messages stay in the store, and the next round of the event loop asks again.
                    tracing::debug!(
                        conversation_id = conversation,
                        cause = %WithCauses(&error),
                        "the spilled messages were not read, trying again"
                    );
                    return Ok(());
                }
            };
            if let Some(last) = items.last() {
                self.read_back
                    .insert(conversation.clone(), last.key.sort.clone());
            }
            // A message that cannot be read is stored under its conversation all the same.
            let read_back: Vec<PendingMessage> = items
                .iter()
                .filter_map(records::decode_or_skip)
                .map(PendingMessage::unmeasured)
                .collect();
            // Fewer items than there is room for mean that these were the last.
            let were_last = items.len() < room;
            let room = if were_last { room } else { read_back.len() };
            self.pacer
                .refill(&conversation, read_back, room, Instant::now().into_std());
            items.into_iter().for_each(|item| removals.remove(item.key));
        }
        Ok(())
    }

    /// Releases the memory of idle conversations.
    pub(super) fn drop_idle_queues(&mut self) {
        self.pacer.drop_idle_queues(Instant::now().into_std());
    }

    /// Returns the number of messages queued in memory.
    pub(super) const fn queued(&self) -> usize {
        self.pacer.queued()
    }

    /// Returns the counts of all messages offered so far.
    pub(super) const fn counts(&self) -> PacingCounts {
        self.pacer.counts()
    }
}

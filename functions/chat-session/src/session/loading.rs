//! Loading of conversations: what earlier sessions stored of a conversation is read before the session works on it.

use futures::{StreamExt, TryStreamExt};
use insights_core::chat::stored_message::StoredMessage;
use jiff::Timestamp;
use store::state::StateStore;

use super::conversations::{Conversation, ConversationTable};
use super::escalation::Escalations;
use super::message_queue::MessageQueue;
use super::session_store::SessionStore;
use crate::records::{self, EscalationRecord, OpenRecord};

/// Number of conversations that are read at the same time.
const CONCURRENCY: usize = 16;

/// What the store holds of a conversation.
struct StoredConversation {
    id: String,
    messages: Vec<StoredMessage>,
    escalations: Vec<EscalationRecord>,
    has_spilled: bool,
}

/// The parts of a session that load a conversation.
pub(super) struct Loading<'s> {
    pub(super) store: &'s SessionStore,
    pub(super) conversations: &'s mut ConversationTable,
    pub(super) queue: &'s mut MessageQueue,
    pub(super) escalations: &'s mut Escalations,
}

impl Loading<'_> {
    /// Loads the conversations that are not loaded yet, and notes them as open.
    ///
    /// A conversation is noted as open before any of its messages is stored, so that whatever happens later, a session finds
    /// the conversation and archives it.
    pub(super) async fn open(&mut self, conversations: &[String]) -> anyhow::Result<()> {
        let mut missing: Vec<String> = conversations
            .iter()
            .filter(|id| !self.conversations.contains(id))
            .cloned()
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        missing.sort_unstable();
        missing.dedup();
        let since_ms = Timestamp::now().as_millisecond();
        let mut puts = Vec::new();
        for id in &missing {
            let ended = self.conversations.was_archived(id);
            puts.push(self.store.encode(
                records::open_key(&self.store.agent, id),
                &OpenRecord { since_ms, ended },
            )?);
        }
        self.store.write(puts).await?;
        let missing: Vec<(String, bool)> = missing
            .into_iter()
            .map(|id| (id.clone(), self.conversations.was_archived(&id)))
            .collect();
        self.resume(missing).await?;
        self.conversations.publish_active();
        Ok(())
    }

    /// Loads conversations, each with whether it has ended, and raises the escalations of messages that were stored but not
    /// processed.
    pub(super) async fn resume(
        &mut self,
        conversations: Vec<(String, bool)>,
    ) -> anyhow::Result<()> {
        let store = self.store;
        let reading: Vec<_> = conversations
            .iter()
            .map(|(id, _)| store.read_with_retry(id, move || read(store, id)))
            .collect();
        let stored: Vec<StoredConversation> = futures::stream::iter(reading)
            .buffered(CONCURRENCY)
            .try_collect()
            .await?;
        for (stored, (_, ended)) in stored.into_iter().zip(conversations) {
            self.resume_one(stored, ended).await?;
        }
        Ok(())
    }

    async fn resume_one(
        &mut self,
        mut stored: StoredConversation,
        ended: bool,
    ) -> anyhow::Result<()> {
        let mut conversation = Conversation::new(ended);
        for record in &stored.escalations {
            conversation.escalated.mark_raised(record.severity);
        }
        stored.messages.sort_by_key(|message| message.arrival);
        for message in &stored.messages {
            conversation.seen.insert(message.message.identity());
            self.queue.note_arrival(message.arrival);
        }
        if stored.has_spilled {
            self.queue.mark_spilled(&stored.id);
        }
        for record in stored
            .escalations
            .iter()
            .filter(|record| !record.notified && record.agent == self.store.agent)
        {
            self.escalations.queue_notification(&stored.id, record);
        }
        for message in &stored.messages {
            self.escalations
                .raise(&message.message, &mut conversation, self.store)
                .await?;
        }
        self.conversations.insert(stored.id, conversation);
        Ok(())
    }
}

async fn read(
    store: &SessionStore,
    conversation: &str,
) -> Result<StoredConversation, store::Error> {
    let (state, now) = (&store.state, Timestamp::now());
    let partition = records::conversation_partition(conversation);
    let messages = records::list_all(state, &partition, "m#", now).await?;
    let escalations = records::list_all(state, &partition, "e#", now).await?;
    let spill = records::spill_partition(&store.agent, conversation);
    let has_spilled = !state.list(&spill, "", None, 1, now).await?.is_empty();
    Ok(StoredConversation {
        id: conversation.to_owned(),
        messages: messages.into_iter().map(|(_, message)| message).collect(),
        escalations: escalations.into_iter().map(|(_, record)| record).collect(),
        has_spilled,
    })
}

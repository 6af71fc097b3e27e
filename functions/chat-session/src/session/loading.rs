//! Loading of conversations: what earlier sessions stored of a conversation is read before the session works on it.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use insights_core::chat::stored_message::StoredMessage;
use jiff::Timestamp;
use store::state::StateStore;
use tokio::time::Instant;

use super::conversations::{Conversation, ConversationTable};
use super::escalation::Escalations;
use super::ingest::encode_open;
use super::message_queue::MessageQueue;
use super::removals::Removals;
use super::scoring::ScoringQueue;
use super::session_store::SessionStore;
use crate::records::{self, ConversationItems};

/// Number of conversations that are read at the same time.
const CONCURRENCY: usize = 16;

/// A conversation that is to be loaded.
#[derive(Debug)]
pub(super) struct OpenConversation {
    pub(super) id: String,
    /// When the conversation ended, if it has, in milliseconds since the epoch.
    pub(super) ended_at_ms: Option<i64>,
    /// When it was known to be open, in milliseconds since the epoch, if its silence began in an earlier session.
    pub(super) open_since_ms: Option<i64>,
}

/// What the store holds of a conversation.
struct StoredConversation {
    id: String,
    items: ConversationItems,
    has_spilled: bool,
}

/// The parts of a session that load a conversation.
pub(super) struct Loading<'s> {
    pub(super) store: &'s SessionStore,
    pub(super) conversations: &'s mut ConversationTable,
    pub(super) queue: &'s mut MessageQueue,
    pub(super) escalations: &'s mut Escalations,
    pub(super) scoring: &'s mut ScoringQueue,
    pub(super) removals: &'s mut Removals,
}

impl Loading<'_> {
    /// Loads the conversations that are not loaded yet, and notes them as open. Returns their ids.
    ///
    /// A conversation is noted as open before any of its messages is stored, so that whatever happens later, a session finds
    /// the conversation and archives it.
    pub(super) async fn open(&mut self, conversations: &[String]) -> anyhow::Result<Vec<String>> {
        let mut missing: Vec<String> = conversations
            .iter()
            .filter(|id| !self.conversations.contains(id))
            .cloned()
            .collect();
        if missing.is_empty() {
            return Ok(missing);
        }
        missing.sort_unstable();
        missing.dedup();
        let mut puts = Vec::new();
        let mut opened = Vec::new();
        for id in &missing {
            self.removals.keep_open(id);
            let ended_ms = self.conversations.archived_end_ms(id);
            puts.push(encode_open(self.store, id, ended_ms)?);
            opened.push(OpenConversation {
                id: id.clone(),
                ended_at_ms: ended_ms,
                open_since_ms: None,
            });
        }
        self.store.write(puts).await?;
        self.resume(opened).await?;
        self.conversations.publish_active();
        Ok(missing)
    }

    /// Loads conversations, and raises the escalations of messages that were stored but not processed.
    pub(super) async fn resume(
        &mut self,
        conversations: Vec<OpenConversation>,
    ) -> anyhow::Result<()> {
        let store = self.store;
        let reading: Vec<_> = conversations
            .iter()
            .map(|open| store.read_with_retry(move || read(store, &open.id)))
            .collect();
        let stored: Vec<StoredConversation> = futures::stream::iter(reading)
            .buffered(CONCURRENCY)
            .try_collect()
            .await?;
        for (stored, open) in stored.into_iter().zip(conversations) {
            self.resume_one(stored, &open).await?;
        }
        Ok(())
    }

    async fn resume_one(
        &mut self,
        stored: StoredConversation,
        open: &OpenConversation,
    ) -> anyhow::Result<()> {
        let mut conversation = Conversation::new(open.ended_at_ms);
        let ConversationItems {
            mut messages,
            escalations,
        } = stored.items;
        for record in &escalations {
            conversation.escalated.mark_raised(record.severity);
        }
        messages.sort_by_key(|message: &StoredMessage| message.arrival);
        for message in &messages {
            conversation.seen.insert(message.message.identity());
            conversation.note_written(&message.message, message.arrival);
            self.queue.note_arrival(message.arrival);
        }
        // The session before may have stored what opened the conversation again after its note was read.
        let went_on_ms = conversation.went_on_ms;
        conversation.ended_at_ms = conversation
            .ended_at_ms
            .filter(|ended_ms| went_on_ms <= *ended_ms);
        if let Some(open_since_ms) = open.open_since_ms {
            let newest_us = messages.last().map_or(0, |message| message.arrival);
            let newest_ms = i64::try_from(newest_us / 1000).unwrap_or(i64::MAX);
            conversation.last_activity = instant_of(open_since_ms.max(newest_ms));
        }
        if stored.has_spilled {
            self.queue.mark_spilled(&stored.id);
        }
        for record in escalations
            .iter()
            .filter(|record| !record.notified && record.agent == self.store.agent)
        {
            self.escalations
                .notify(&stored.id, record, self.store)
                .await?;
        }
        for message in &messages {
            self.escalations.read_for_rules(message, &mut conversation);
            self.escalations
                .raise(message, &mut conversation.escalated, self.store)
                .await?;
            // The session before may have ended while the model still had the message.
            let is_unscored = message.model_sentiment.is_none() && message.language.is_none();
            if is_unscored
                && self.scoring.enqueue(message)
                && self.escalations.do_rules_ask_for_signals()
            {
                conversation.wait_for_model(&message.message);
            }
        }
        self.conversations.insert(stored.id, conversation);
        Ok(())
    }
}

/// Returns the moment of a time of the day in milliseconds since the epoch, which is not in the future.
fn instant_of(at_ms: i64) -> Instant {
    let now = Instant::now();
    let ago_ms = Timestamp::now().as_millisecond().saturating_sub(at_ms);
    let ago = Duration::from_millis(u64::try_from(ago_ms).unwrap_or(0));
    now.checked_sub(ago).unwrap_or(now)
}

async fn read(
    store: &SessionStore,
    conversation: &str,
) -> Result<StoredConversation, store::Error> {
    let (state, now) = (&store.state, Timestamp::now());
    let items = records::list_conversation(state, conversation, now).await?;
    let spill = records::spill_partition(&store.agent, conversation);
    let has_spilled = !state.list(&spill, "", None, 1, now).await?.is_empty();
    Ok(StoredConversation {
        id: conversation.to_owned(),
        items,
        has_spilled,
    })
}

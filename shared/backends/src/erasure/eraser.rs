//! [`Eraser`]: the erasure of a conversation over all stores.

use anyhow::{Context, ensure};
use insights_core::webhook::{MAX_AHEAD, MAX_ID_BYTES};
use insights_http::Deadline;
use jiff::Timestamp;
use store::objects::Objects;
use store::state::State;
use store::vectors::{VectorStore, Vectors};

use super::objects::{ErasedObjects, erase_objects};
use super::queued::QueuedMessages;
use super::record::{ErasureRecord, read_record, write_record};
use super::state_items::erase_state;

/// The folders of reports and of their checkpoints in the object store.
const REPORT_FOLDERS: [&str; 2] = ["reports/", "parts/"];

/// Every store that may hold something of a conversation.
#[derive(Debug, Clone)]
pub struct Eraser {
    /// The state table, which has live calls and chats.
    pub state: State,
    /// The objects: archives, reports and checkpoints.
    pub objects: Objects,
    /// The vectors with their texts.
    pub vectors: Vectors,
    /// The queue and the dead letters.
    pub queued: QueuedMessages,
    /// The agents whose chat sessions may keep something of a conversation; those who wrote in it are found without.
    pub agents: Vec<String>,
}

impl Eraser {
    /// Erases a conversation from every store and records it. Returns what this call removed, and whether the erasure is done; where the
    /// time up to `stop` was too short, another call goes on. Every call may be repeated.
    ///
    /// # Errors
    /// If a store fails, or the id is none of a conversation. What was erased until then stays erased.
    pub async fn erase(
        &self,
        conversation: &str,
        now: Timestamp,
        stop: Deadline,
        deadline: Deadline,
    ) -> anyhow::Result<ErasureRecord> {
        ensure!(
            !conversation.trim().is_empty() && conversation.len() <= MAX_ID_BYTES,
            "the id of a conversation has 1 to {MAX_ID_BYTES} bytes"
        );
        let not_recorded = "the record of the erasure was not written";
        let earlier = read_record(&self.state, conversation, now).await?;
        let earlier = earlier.unwrap_or_default();
        let begun = ErasureRecord {
            erased_at: now.to_string(),
            done: false,
            ..earlier.clone()
        };
        write_record(&self.state, conversation, &begun, now)
            .await
            .context(not_recorded)?;
        // No event that was received until now may be later than this.
        let moment = now.saturating_add(MAX_AHEAD).unwrap_or(Timestamp::MAX);
        let vectors = self
            .vectors
            .forget(conversation, moment, deadline.instant())
            .await
            .context("the vectors were not erased")?;
        let queue_messages = self
            .queued
            .delete_of(conversation)
            .await
            .context("the queue was not cleared of the conversation")?;
        let state_items = erase_state(&self.state, conversation, &self.agents, now)
            .await
            .context("the state table was not cleared of the conversation")?;
        self.state
            .overwrite_deleted()
            .await
            .context("the state table was not cleared of what was deleted")?;
        let start = earlier.resume_at.clone().unwrap_or_default();
        let ErasedObjects { changed, resume_at } =
            erase_objects(&self.objects, conversation, &REPORT_FOLDERS, start, stop)
                .await
                .context("the objects were not cleared of the conversation")?;
        let removed = ErasureRecord {
            erased_at: now.to_string(),
            state_items,
            objects: changed,
            vectors,
            queue_messages,
            done: resume_at.is_none(),
            resume_at,
        };
        write_record(&self.state, conversation, &removed.added_to(&earlier), now)
            .await
            .context(not_recorded)?;
        tracing::info!(
            conversation_id = conversation,
            done = removed.done,
            state_items,
            objects = changed,
            vectors,
            queue_messages,
            "the conversation was erased"
        );
        Ok(removed)
    }
}

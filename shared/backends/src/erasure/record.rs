//! The records of erasures: that a conversation was erased and how much was removed, under a digest of its id and without content.
//!
//! The record is written before anything is removed. Whoever writes something of a conversation that ended reads it, so that an erased
//! conversation does not come back from the contact center.

use std::collections::HashSet;

use futures::FutureExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::Error;
use store::state::{Expect, Key, Put, StateStore};

use super::objects::ObjectCursor;
use super::state_items::list_all;

/// The partition of the records.
const PARTITION: &str = "erasure";

/// The record of an erasure; it holds nothing that was said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureRecord {
    /// When the latest erasure of the conversation began.
    pub erased_at: String,
    /// Number of items that were deleted from the state table.
    pub state_items: usize,
    /// Number of objects and of earlier versions that were deleted, or written again without the conversation.
    pub objects: usize,
    /// Number of rows that were deleted from the vector store.
    pub vectors: u64,
    /// Number of messages and dead letters that were deleted from the queue.
    pub queue_messages: usize,
    /// Whether every store was looked through to its end.
    #[serde(default = "is_done_unless_said")]
    pub done: bool,
    /// Where the erasure goes on among the objects, if it is not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_at: Option<ObjectCursor>,
}

/// Earlier versions wrote a record only once everything was done.
const fn is_done_unless_said() -> bool {
    true
}

impl ErasureRecord {
    /// Returns when the erasure began, if the record says so.
    #[must_use]
    pub fn moment(&self) -> Option<Timestamp> {
        self.erased_at.parse().ok()
    }

    /// Returns this record with the counts of an earlier one added.
    #[cfg(feature = "erasure")]
    pub(super) fn added_to(&self, earlier: &Self) -> Self {
        Self {
            state_items: self.state_items + earlier.state_items,
            objects: self.objects + earlier.objects,
            vectors: self.vectors + earlier.vectors,
            queue_messages: self.queue_messages + earlier.queue_messages,
            ..self.clone()
        }
    }
}

/// Writes the record of an erasure, under a digest of the conversation's id.
///
/// # Errors
/// The errors of the store.
pub async fn write_record<S: StateStore>(
    state: &S,
    conversation: &str,
    record: &ErasureRecord,
    now: Timestamp,
) -> Result<(), Error> {
    let put = Put::encode(record_key(conversation), record, None)?;
    state.put(put, Expect::Any, now).await.map(|_| ())
}

/// Reads the record of an erasure, if the conversation was erased.
///
/// # Errors
/// The errors of the store.
pub async fn read_record<S: StateStore>(
    state: &S,
    conversation: &str,
    now: Timestamp,
) -> Result<Option<ErasureRecord>, Error> {
    let item = state.get(&record_key(conversation), now).await?;
    Ok(item.and_then(|item| serde_json::from_str(&item.body).ok()))
}

/// Returns when a conversation was erased, if it was.
///
/// # Errors
/// The errors of the store.
pub async fn erased_at<S: StateStore>(
    state: &S,
    conversation: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let record = read_record(state, conversation, now).boxed().await?;
    Ok(record.and_then(|record| record.moment()))
}

/// The conversations that were erased, by the digests of their ids.
#[derive(Debug, Clone, Default)]
pub struct ErasedConversations(HashSet<String>);

impl ErasedConversations {
    /// Reads which conversations were erased until now.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn read<S: StateStore>(state: &S, now: Timestamp) -> Result<Self, Error> {
        // Boxed: the type of the callers' futures would nest too deep otherwise.
        let items = list_all(state, PARTITION, "", now).boxed().await?;
        Ok(Self(items.into_iter().map(|item| item.key.sort).collect()))
    }

    /// Returns whether a conversation was erased.
    #[must_use]
    pub fn contains(&self, conversation: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&digest(conversation))
    }
}

fn record_key(conversation: &str) -> Key {
    Key::new(PARTITION, digest(conversation))
}

fn digest(conversation: &str) -> String {
    let digest = Sha256::digest(conversation);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use store::state::SqliteState;

    use super::*;

    #[tokio::test]
    async fn a_record_names_nothing_and_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let state = SqliteState::open(folder.path().join("state.sqlite")).unwrap();
        let now = Timestamp::now();
        let erased = ErasedConversations::read(&state, now).await.unwrap();
        assert!(!erased.contains("c-1"));
        let record = ErasureRecord {
            erased_at: now.to_string(),
            state_items: 8,
            done: true,
            ..ErasureRecord::default()
        };
        write_record(&state, "c-1", &record, now).await.unwrap();
        assert_eq!(read_record(&state, "c-1", now).await.unwrap(), Some(record));
        assert_eq!(erased_at(&state, "c-1", now).await.unwrap(), Some(now));
        assert_eq!(erased_at(&state, "c-2", now).await.unwrap(), None);
        let erased = ErasedConversations::read(&state, now).await.unwrap();
        assert!(erased.contains("c-1") && !erased.contains("c-2"));
        let item = state.get(&record_key("c-1"), now).await.unwrap().unwrap();
        assert!(!item.body.contains("c-1") && !item.key.sort.contains("c-1"));
    }

    #[test]
    fn a_record_of_an_earlier_version_is_done() {
        let earlier = r#"{"erased_at":"2026-11-01T00:00:00Z","state_items":1,"objects":0,"vectors":2,"queue_messages":0}"#;
        assert!(serde_json::from_str::<ErasureRecord>(earlier).unwrap().done);
    }
}

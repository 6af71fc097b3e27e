//! Erasure: removes one conversation from the state table and from the objects, and records that it was done.
//!
//! Vectors, queue and dead letters have interfaces of their own; whoever erases calls them too. The record says when and how much was removed,
//! under a digest of the conversation's id, and holds no content.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::Error;
use store::state::{Expect, Item, Key, Put, StateStore};

/// Number of items that one query reads.
const PAGE_SIZE: usize = 500;
/// Largest number of shards of live calls that are looked through.
const MAX_SHARDS: u32 = 256;

/// The record of an erasure; it holds nothing that was said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureRecord {
    /// When the conversation was erased; empty before.
    pub erased_at: String,
    /// Number of items that were deleted from the state table.
    pub state_items: usize,
    /// Number of objects that were deleted or written again without the conversation.
    pub objects: usize,
    /// Number of rows that were deleted from the vector store.
    pub vectors: u64,
    /// Number of messages and dead letters that were deleted from the queue.
    pub queue_messages: usize,
}

/// Deletes every item of a conversation from the state table and returns how many there were.
///
/// `agents` are the agents whose chat sessions may hold notes of the conversation; those who wrote in it are found.
///
/// # Errors
/// The errors of the store. A repetition is harmless and goes on where this one ended.
pub async fn erase_state<S: StateStore>(
    state: &S,
    conversation: &str,
    agents: &[String],
    now: Timestamp,
) -> Result<usize, Error> {
    let mut keys = Vec::new();
    // The entries in the lists are deleted first, so that no poller takes the call up again.
    for shard in 0..MAX_SHARDS {
        let key = Key::new(format!("live#{shard}"), conversation);
        if state.get(&key, now).await?.is_some() {
            keys.push(key);
        }
    }
    keys.extend(keys_of(
        &list_all(state, &format!("interaction#{conversation}"), "", now).await?,
    ));
    let chat = list_all(state, &format!("chat#{conversation}"), "", now).await?;
    let mut agents: BTreeSet<String> = agents.iter().cloned().collect();
    agents.extend(chat.iter().filter_map(agent_of));
    keys.extend(keys_of(&chat));
    for agent in &agents {
        let partition = format!("chat-agent#{agent}");
        let open = Key::new(&partition, format!("open#{conversation}"));
        if state.get(&open, now).await?.is_some() {
            keys.push(open);
        }
        let outbound = list_all(state, &partition, "out#", now).await?;
        let own = outbound
            .iter()
            .filter(|item| conversation_of(item).as_deref() == Some(conversation));
        keys.extend(own.map(|item| item.key.clone()));
        let spilled = list_all(
            state,
            &format!("chat-spill#{agent}#{conversation}"),
            "",
            now,
        )
        .await?;
        keys.extend(keys_of(&spilled));
    }
    for key in &keys {
        state.delete(key, Expect::Any, now).await?;
    }
    Ok(keys.len())
}

/// Writes the record of an erasure, under a digest of the conversation's id.
///
/// # Errors
/// The errors of the store.
pub async fn record_erasure<S: StateStore>(
    state: &S,
    conversation: &str,
    record: &ErasureRecord,
    now: Timestamp,
) -> Result<(), Error> {
    let record = ErasureRecord {
        erased_at: now.to_string(),
        ..record.clone()
    };
    let put = Put::encode(record_key(conversation), &record, None)?;
    state.put(put, Expect::Any, now).await.map(|_| ())
}

/// Reads the record of an erasure, if the conversation was erased.
///
/// # Errors
/// The errors of the store.
pub async fn read_erasure<S: StateStore>(
    state: &S,
    conversation: &str,
    now: Timestamp,
) -> Result<Option<ErasureRecord>, Error> {
    let item = state.get(&record_key(conversation), now).await?;
    Ok(item.and_then(|item| serde_json::from_str(&item.body).ok()))
}

fn record_key(conversation: &str) -> Key {
    let digest = Sha256::digest(conversation);
    let hexadecimal: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Key::new("erasure", hexadecimal)
}

async fn list_all<S: StateStore>(
    state: &S,
    partition: &str,
    prefix: &str,
    now: Timestamp,
) -> Result<Vec<Item>, Error> {
    let mut items: Vec<Item> = Vec::new();
    loop {
        let after = items.last().map(|item| item.key.sort.clone());
        let page = state
            .list(partition, prefix, after.as_deref(), PAGE_SIZE, now)
            .await?;
        let is_last = page.len() < PAGE_SIZE;
        items.extend(page);
        if is_last {
            return Ok(items);
        }
    }
}

fn keys_of(items: &[Item]) -> Vec<Key> {
    items.iter().map(|item| item.key.clone()).collect()
}

/// What of a chat item tells whose it is.
#[derive(Deserialize)]
struct ChatItem {
    #[serde(rename = "conversationId")]
    conversation_id: Option<String>,
    from: Option<ChatSender>,
    message: Option<Box<ChatItem>>,
    agent: Option<String>,
}

#[derive(Deserialize)]
struct ChatSender {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: String,
}

fn conversation_of(item: &Item) -> Option<String> {
    let read: ChatItem = serde_json::from_str(&item.body).ok()?;
    read.conversation_id
        .or_else(|| read.message?.conversation_id)
}

/// Returns the agent whom an item of a chat names: its sender, or the agent of an escalation.
fn agent_of(item: &Item) -> Option<String> {
    let read: ChatItem = serde_json::from_str(&item.body).ok()?;
    let sender = read.from.or_else(|| read.message?.from);
    read.agent.or_else(|| {
        let sender = sender?;
        sender
            .kind
            .eq_ignore_ascii_case("agent")
            .then_some(sender.id)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use store::state::SqliteState;

    use super::*;

    fn item(partition: &str, sort: &str, body: serde_json::Value) -> Put {
        Put::encode(Key::new(partition, sort), &body, None).unwrap()
    }

    #[tokio::test]
    async fn everything_of_a_conversation_goes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let state = SqliteState::open(folder.path().join("state.sqlite")).unwrap();
        let now = Timestamp::now();
        let message = |conversation: &str, kind: &str| json!({"conversationId": conversation, "from": {"type": kind, "id": "a-1"}, "text": "CANARY", "timestamp": 1});
        let own = [
            item("interaction#c-1", "state", json!({"text": "CANARY"})),
            item("live#3", "c-1", json!({})),
            item("chat#c-1", "m#1#a", message("c-1", "agent")),
            item(
                "chat#c-1",
                "e#legal",
                json!({"severity": "legal", "agent": "a-2", "phrase": "lawyer"}),
            ),
            item("chat-agent#a-1", "open#c-1", json!({})),
            item("chat-agent#a-1", "out#1#x", message("c-1", "agent")),
            item("chat-agent#a-2", "open#c-1", json!({})),
            item("chat-spill#a-1#c-1", "1", message("c-1", "customer")),
        ];
        let others = [
            item("interaction#c-2", "state", json!({})),
            item("live#3", "c-2", json!({})),
            item("chat#c-2", "m#1#a", message("c-2", "agent")),
            item("chat-agent#a-1", "out#2#x", message("c-2", "agent")),
            item("chat-agent#a-1", "lease", json!({})),
        ];
        let kept: Vec<Key> = others.iter().map(|put| put.key.clone()).collect();
        let gone: Vec<Key> = own.iter().map(|put| put.key.clone()).collect();
        state
            .put_many(own.into_iter().chain(others).collect(), now)
            .await
            .unwrap();
        let deleted = erase_state(&state, "c-1", &[], now).await.unwrap();
        assert_eq!(deleted, gone.len());
        for key in gone {
            assert!(state.get(&key, now).await.unwrap().is_none(), "{key}");
        }
        for key in kept {
            assert!(state.get(&key, now).await.unwrap().is_some(), "{key}");
        }
        let record = ErasureRecord {
            state_items: deleted,
            ..ErasureRecord::default()
        };
        record_erasure(&state, "c-1", &record, now).await.unwrap();
        let read = read_erasure(&state, "c-1", now).await.unwrap().unwrap();
        assert_eq!(read.state_items, 8);
        assert_eq!(erase_state(&state, "c-1", &[], now).await.unwrap(), 0);
        let item = state.get(&record_key("c-1"), now).await.unwrap().unwrap();
        assert!(
            !item.body.contains("c-1") && !item.body.contains("CANARY"),
            "{}",
            item.body
        );
    }
}

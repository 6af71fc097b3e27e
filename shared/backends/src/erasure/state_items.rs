//! What the state table holds of a conversation: the live call, chat messages, notices and what sessions keep beside them.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::Deserialize;
use store::Error;
use store::state::{Expect, Item, Key, StateStore};

use crate::board::{mark_partition, possible_keys};
use crate::interactions::possible_entries;

/// Number of items that one query reads.
const PAGE_SIZE: usize = 500;
/// Number of items that are looked for at the same time.
const CONCURRENCY: usize = 32;

/// Returns the ids in a list of agents that commas separate, as `CHAT_AGENTS` has them.
pub fn listed_agents(list: &str) -> impl Iterator<Item = String> + '_ {
    let ids = list.split(',').map(str::trim);
    ids.filter(|id| !id.is_empty()).map(str::to_owned)
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
    let found: Vec<Option<Key>> = stream::iter(
        possible_entries(conversation)
            .into_iter()
            .chain(possible_keys(conversation)),
    )
    .map(|key| async move { Ok::<_, Error>(state.get(&key, now).await?.map(|_| key)) })
    .buffer_unordered(CONCURRENCY)
    .try_collect()
    .await?;
    keys.extend(found.into_iter().flatten());
    keys.extend(keys_of(
        &list_all(state, &mark_partition(conversation), "", now).await?,
    ));
    keys.extend(keys_of(
        &list_all(state, &format!("interaction#{conversation}"), "", now).await?,
    ));
    // What feeders know of the conversation, and that it is to be delivered, by the source that each names in its sort key.
    let known = list_all(state, &format!("feed-conversation#{conversation}"), "", now).await?;
    for source in known
        .iter()
        .filter_map(|item| item.key.sort.strip_prefix("known#"))
    {
        let pending = Key::new(format!("feed#{source}"), format!("pending#{conversation}"));
        if state.get(&pending, now).await?.is_some() {
            keys.push(pending);
        }
    }
    keys.extend(keys_of(&known));
    let chat = list_all(state, &format!("chat#{conversation}"), "", now).await?;
    let mut agents: BTreeSet<String> = agents.iter().cloned().collect();
    agents.extend(chat.iter().filter_map(agent_of));
    // The session of a tenant that follows the contacts of everybody.
    agents.insert("all".to_owned());
    keys.extend(keys_of(&chat));
    for agent in &agents {
        let partition = format!("chat-agent#{agent}");
        let open = Key::new(&partition, format!("open#{conversation}"));
        if state.get(&open, now).await?.is_some() {
            keys.push(open);
        }
        for prefix in ["out#", "notice#", "aside#"] {
            let items = list_all(state, &partition, prefix, now).await?;
            let own = items
                .iter()
                .filter(|item| is_of_conversation(item, conversation));
            keys.extend(own.map(|item| item.key.clone()));
        }
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

pub(super) async fn list_all<S: StateStore>(
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
    /// The conversation of a notice.
    conversation: Option<String>,
    /// The key of what was set aside.
    key: Option<String>,
}

#[derive(Deserialize)]
struct ChatSender {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: String,
}

/// Returns whether a message, a notice or what was set aside belongs to a conversation.
fn is_of_conversation(item: &Item, conversation: &str) -> bool {
    let Ok(read) = serde_json::from_str::<ChatItem>(&item.body) else {
        return false;
    };
    let is_set_aside_of = |key: &str| {
        let partition = key.rsplit_once('/').map_or(key, |(partition, _)| partition);
        partition
            .split_once('#')
            .is_some_and(|(kind, rest)| match kind {
                "chat" => rest == conversation,
                "chat-spill" => rest
                    .strip_suffix(conversation)
                    .is_some_and(|agent| agent.ends_with('#')),
                _ => false,
            })
    };
    let named = [
        read.conversation_id.as_deref(),
        read.conversation.as_deref(),
        read.message
            .as_ref()
            .and_then(|message| message.conversation_id.as_deref()),
    ];
    named.contains(&Some(conversation)) || read.key.as_deref().is_some_and(is_set_aside_of)
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
    use store::state::{Put, SqliteState};

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
            item("board#3", "row#c-1", json!({"l": "CANARY"})),
            item("board#chats", "marks#c-1", json!({})),
            item("board-marks#c-1", "1#wrong", json!({"reason": "CANARY"})),
            item("feed-conversation#c-1", "known#https://issuer#t", json!({})),
            item("feed#https://issuer#t", "pending#c-1", json!({})),
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
            item(
                "chat-agent#a-1",
                "notice#c-1#legal",
                json!({"conversation": "c-1", "escalation": {"phrase": "lawyer"}}),
            ),
            item(
                "chat-agent#a-1",
                "aside#m#1#a",
                json!({"key": "chat#c-1/m#1#a", "bytes": 400_000, "item": {"text": "CANARY"}}),
            ),
            item(
                "chat-agent#a-2",
                "aside#1",
                json!({"key": "chat-spill#a-2#c-1/1", "bytes": 400_000, "item": {"text": "CANARY"}}),
            ),
        ];
        let others = [
            item("interaction#c-2", "state", json!({})),
            item("live#3", "c-2", json!({})),
            item("feed-conversation#c-2", "known#https://issuer#t", json!({})),
            item("feed#https://issuer#t", "pending#c-2", json!({})),
            item("feed#https://issuer#t", "checkpoint", json!({})),
            item("chat#c-2", "m#1#a", message("c-2", "agent")),
            item("chat-agent#a-1", "out#2#x", message("c-2", "agent")),
            item("chat-agent#a-1", "lease", json!({})),
            item(
                "chat-agent#a-1",
                "notice#c-2#legal",
                json!({"conversation": "c-2", "escalation": {"phrase": "lawyer"}}),
            ),
            item(
                "chat-agent#a-1",
                "aside#m#2#a",
                json!({"key": "chat#c-2/m#2#a", "bytes": 400_000}),
            ),
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
        assert_eq!(erase_state(&state, "c-1", &[], now).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_live_call_is_found_in_the_list_of_any_number_of_lists() {
        let folder = tempfile::tempdir().unwrap();
        let state = SqliteState::open(folder.path().join("state.sqlite")).unwrap();
        let now = Timestamp::now();
        for shards in [1, 3, 256, 257, 999, 1000] {
            let interactions = crate::interactions::Interactions::new(state.clone(), shards);
            interactions.register("call-7", now).await.unwrap();
            assert!(
                erase_state(&state, "call-7", &[], now).await.unwrap() >= 2,
                "{shards}"
            );
            assert_eq!(erase_state(&state, "call-7", &[], now).await.unwrap(), 0);
        }
    }
}

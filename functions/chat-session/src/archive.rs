//! Archives of conversations: the object `archive/{conversation}.jsonl` holds each message once, one per line.

use insights_core::WithCauses;
use insights_core::chat::archive::{self, ArchiveLine, Gap};
use insights_core::chat::merge::merge;
use insights_core::chat::message::Message;
use insights_core::chat::stored_message::StoredMessage;
use insights_http::Deadline;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use store::Error as StoreError;
use store::objects::Objects;

use crate::deps::Deps;
use crate::records;

/// Characters that are not used in the key of an object.
const FORBIDDEN_CHARACTERS: &[char] =
    &['\\', ':', '*', '?', '"', '<', '>', '|', '#', '%', '~', '/'];
/// Longest conversation id in bytes that is used in the key of an object as it is.
const MAX_NAME_BYTES: usize = 220;
/// Number of attempts to write an archive that other sessions write at the same time.
const MAX_ATTEMPTS: usize = 5;

/// The result of archiving a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveResult {
    /// Number of messages in the archive.
    pub messages: usize,
    /// Whether the archive was written; `false` if the archive held all messages already.
    pub written: bool,
    /// Whether the transcript was read or does not exist. Otherwise the archive holds what the stream brought, and must be
    /// completed later.
    pub complete: bool,
}

/// Returns the key of the object that holds the archive of a conversation.
///
/// A conversation id that is a safe file name is used as it is. Of any other id, the readable characters are used together
/// with a digest that tells ids apart.
#[must_use]
pub fn object_key(conversation: &str) -> String {
    let is_safe = |c: char| !c.is_control() && !FORBIDDEN_CHARACTERS.contains(&c);
    if conversation.chars().all(is_safe)
        && !conversation.starts_with('.')
        && conversation.len() <= MAX_NAME_BYTES
    {
        return format!("archive/{conversation}.jsonl");
    }
    let readable: String = conversation
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(100)
        .collect();
    let digest = hex::encode(&Sha256::digest(conversation)[..16]);
    format!("archive/{readable}-{digest}.jsonl")
}

/// Reads the archive of a conversation; `None` if there is none.
///
/// # Errors
/// If the store fails, or a line of the archive is not a message.
pub async fn read_archive(
    objects: &Objects,
    conversation: &str,
) -> anyhow::Result<Option<Vec<ArchiveLine>>> {
    let key = object_key(conversation);
    let Some(content) = objects.get(&key).await? else {
        return Ok(None);
    };
    let lines = archive::decode_lines(std::str::from_utf8(&content)?);
    Ok(Some(
        lines.map_err(|error| anyhow::Error::new(error).context(key))?,
    ))
}

/// Archives a conversation: merges its stored messages, its transcript and its previous archive.
///
/// If the transcript cannot be read, the archive is written without it and marks the outages as gaps.
///
/// # Errors
/// If a store fails. No message is lost then, and archiving again completes the archive.
pub async fn archive_conversation(
    deps: &Deps,
    conversation: &str,
    outages: &[Gap],
    deadline: Deadline,
) -> anyhow::Result<ArchiveResult> {
    let (transcript, complete) = read_transcript(deps, conversation, deadline).await;
    let now = Timestamp::now();
    let partition = records::conversation_partition(conversation);
    let stored: Vec<StoredMessage> = records::list_all(&deps.state, &partition, "m#", now)
        .await?
        .into_iter()
        .map(|(_, stored)| stored)
        .collect();
    let gaps = outages_after_first_message(&stored, outages);
    for _ in 0..MAX_ATTEMPTS {
        let previous = read_archive(&deps.objects, conversation).await?;
        let mut lines = merge(
            previous.clone().unwrap_or_default(),
            stored.clone(),
            transcript.clone(),
            &gaps,
        );
        lines
            .iter_mut()
            .for_each(|line| line.annotate(&deps.escalation));
        let messages = lines.len();
        if previous.as_ref() == Some(&lines) {
            return Ok(ArchiveResult {
                messages,
                written: false,
                complete,
            });
        }
        let key = object_key(conversation);
        let content = archive::encode_lines(&lines)?;
        let written = match previous {
            None => deps.objects.put_new(&key, content).await,
            Some(_) => deps.objects.put(&key, content).await,
        };
        match written {
            Ok(()) => {
                return Ok(ArchiveResult {
                    messages,
                    written: true,
                    complete,
                });
            }
            // Another session wrote the archive first: merge again, with that archive.
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    anyhow::bail!(
        "write conflict: other sessions archived conversation {conversation} {MAX_ATTEMPTS} times in a row"
    )
}

/// Reads the transcript of a conversation. Returns the messages, if there is a transcript, and whether the answer is certain.
async fn read_transcript(
    deps: &Deps,
    conversation: &str,
    deadline: Deadline,
) -> (Option<Vec<Message>>, bool) {
    match cxone::chat::read_transcript(&deps.client, conversation, deadline).await {
        Ok(found) => (found.map(|transcript| transcript.messages), true),
        Err(error) => {
            tracing::warn!(
                conversation_id = conversation,
                cause = %WithCauses(&error),
                "the transcript was not read, archiving without it"
            );
            (None, false)
        }
    }
}

/// Returns the outages that can concern a conversation: those that ended after its first message.
fn outages_after_first_message(stored: &[StoredMessage], outages: &[Gap]) -> Vec<Gap> {
    let first = stored
        .iter()
        .map(|stored| stored.message.timestamp_ms)
        .min();
    outages
        .iter()
        .filter(|gap| first.is_some_and(|first| gap.to_ms > first))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_can_be_a_file_name_is_one() {
        assert_eq!(
            object_key("c-12345678-90ab"),
            "archive/c-12345678-90ab.jsonl"
        );
        assert_eq!(object_key("chat_7.a"), "archive/chat_7.a.jsonl");
    }

    #[test]
    fn other_ids_get_a_key_of_their_own_inside_the_folder() {
        let ids = [
            "../../etc/passwd",
            "a/b",
            "a:b",
            "a_2f_b",
            "..",
            ".",
            "a#b",
            &"日".repeat(66),
            &"x/".repeat(100),
        ];
        let keys: std::collections::HashSet<String> = ids.iter().map(|id| object_key(id)).collect();
        assert_eq!(keys.len(), ids.len());
        for key in keys {
            let name = key.strip_prefix("archive/").unwrap();
            assert!(
                !name.contains('/') && !name.starts_with('.') && name.len() <= 240,
                "{key}"
            );
        }
    }
}

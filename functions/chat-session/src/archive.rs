//! Archives of conversations: the object `archive/{conversation}.jsonl` holds each message once, one per line.

use insights_core::WithCauses;
use insights_core::chat::archive::{self, ArchiveLine, Gap};
use insights_core::chat::archive_redaction::{mask_lines, restore_known};
use insights_core::chat::merge::merge;
use insights_core::chat::message::Message;
use insights_core::chat::stored_message::StoredMessage;
use insights_http::Deadline;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use store::Error as StoreError;
use store::objects::{ObjectVersion, Objects};

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
    /// Whether the archive holds what the transcript has. Otherwise it holds what the stream brought.
    pub transcript: TranscriptReading,
}

/// How the reading of a conversation's transcript has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TranscriptReading {
    /// The transcript was read, or the conversation has none.
    Complete,
    /// The transcript was not read this time; the archive must be completed later.
    Failed,
    /// The contact center refuses the transcript: to ask again does not help, and the archive stays without it.
    Refused,
}

impl TranscriptReading {
    /// Returns whether another reading of the transcript may bring more.
    #[must_use]
    pub fn must_be_read_again(self) -> bool {
        self == Self::Failed
    }
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
    decode(&key, &content).map(Some)
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
    let (transcript, reading) = read_transcript(deps, conversation, deadline).await;
    let items = records::list_conversation(&deps.state, conversation, Timestamp::now()).await?;
    let stored = items.messages;
    let gaps = outages_after_first_message(&stored, outages);
    for _ in 0..MAX_ATTEMPTS {
        let (previous, version) = match read_version(&deps.objects, conversation).await? {
            Some((lines, version)) => (Some(lines), Some(version)),
            None => (None, None),
        };
        // A message is known by its text: lines with masks get the texts of the messages back that are still at hand.
        let mut known = previous.clone().unwrap_or_default();
        let messages = stored.iter().map(|stored| &stored.message);
        restore_known(&mut known, messages.chain(transcript.iter().flatten()));
        let mut lines = merge(known, stored.clone(), transcript.clone(), &gaps);
        lines
            .iter_mut()
            .for_each(|line| line.annotate(&deps.escalation));
        if let Some(policy) = deps.config.redaction.for_stores() {
            mask_lines(&mut lines, &policy);
        }
        let messages = lines.len();
        if previous.as_ref() == Some(&lines) {
            return Ok(ArchiveResult {
                messages,
                written: false,
                transcript: reading,
            });
        }
        let key = object_key(conversation);
        let content = archive::encode_lines(&lines)?;
        let written = match &version {
            None => deps.objects.put_new(&key, content).await,
            Some(version) => deps.objects.put_over(&key, content, version).await,
        };
        match written {
            Ok(()) => {
                return Ok(ArchiveResult {
                    messages,
                    written: true,
                    transcript: reading,
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

/// Reads the archive of a conversation with the version that it has; `None` if there is none.
async fn read_version(
    objects: &Objects,
    conversation: &str,
) -> anyhow::Result<Option<(Vec<ArchiveLine>, ObjectVersion)>> {
    let key = object_key(conversation);
    let Some((content, version)) = objects.get_with_version(&key).await? else {
        return Ok(None);
    };
    Ok(Some((decode(&key, &content)?, version)))
}

fn decode(key: &str, content: &[u8]) -> anyhow::Result<Vec<ArchiveLine>> {
    archive::decode_lines(std::str::from_utf8(content)?)
        .map_err(|error| anyhow::Error::new(error).context(key.to_owned()))
}

/// Reads the transcript of a conversation. Returns the messages, if there is a transcript, and how the reading has ended.
async fn read_transcript(
    deps: &Deps,
    conversation: &str,
    deadline: Deadline,
) -> (Option<Vec<Message>>, TranscriptReading) {
    match cxone::chat::read_transcript(&deps.client, conversation, deadline).await {
        Ok(found) => (
            found.map(|transcript| transcript.messages),
            TranscriptReading::Complete,
        ),
        Err(error) => {
            tracing::warn!(
                conversation_id = conversation,
                cause = %WithCauses(&error),
                "the transcript was not read, archiving without it"
            );
            let reading = if is_refusal(&error) {
                TranscriptReading::Refused
            } else {
                TranscriptReading::Failed
            };
            (None, reading)
        }
    }
}

/// Returns whether the contact center refuses a transcript for good: the client may not read it, or the request is wrong.
#[must_use]
pub fn is_refusal(error: &cxone::Error) -> bool {
    matches!(error, cxone::Error::MissingScope { .. }) || error.is_request_refused()
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

//! Archiving a conversation: `archive/{conversation}.jsonl`, a message a line, each message once.

use insights_core::chat::archive::{self, Gap, Line};
use insights_core::chat::merge::{Heard, merge};
use insights_core::chat::message::Message;
use insights_http::Deadline;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use store::Error as StoreError;
use store::objects::Objects;

use crate::{Deps, records};

/// Characters that an object's key cannot have.
const FORBIDDEN: &[char] = &['\\', ':', '*', '?', '"', '<', '>', '|', '#', '%', '~', '/'];
/// Longest name in bytes before the ending.
const NAME: usize = 220;
/// How often a write is tried again that another worker was ahead of.
const TRIES: usize = 5;

/// What became of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Archived {
    /// Messages in it.
    pub messages: usize,
    /// Whether anything was written: no, if all of it was there.
    pub written: bool,
    /// Whether the transcript was read, or does not exist. If not, this is what the stream brought, to be completed later.
    pub complete: bool,
}

/// The object that holds a conversation's archive. An id that can be a file name is one; of another what is readable is
/// kept, with a digest that keeps ids apart.
#[must_use]
pub fn key(conversation: &str) -> String {
    let harmless = |c: char| !c.is_control() && !FORBIDDEN.contains(&c);
    if conversation.chars().all(harmless)
        && !conversation.starts_with('.')
        && conversation.len() <= NAME
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

/// The archive of a conversation, if there is one.
///
/// # Errors
/// The store's, or that the archive cannot be read as one.
pub async fn read(objects: &Objects, conversation: &str) -> anyhow::Result<Option<Vec<Line>>> {
    let key = key(conversation);
    let Some(content) = objects.get(&key).await? else {
        return Ok(None);
    };
    let lines = archive::read(std::str::from_utf8(&content)?);
    Ok(Some(
        lines.map_err(|error| anyhow::Error::new(error).context(key))?,
    ))
}

/// Merges what is stored of a conversation, its transcript and what is archived already, and archives it.
///
/// A transcript that cannot be read does not hold the archive up: what the stream brought is archived, with its gaps.
///
/// # Errors
/// The stores': nothing is lost, and archiving again completes it.
pub async fn conversation(
    deps: &Deps,
    conversation: &str,
    outages: &[Gap],
    deadline: Deadline,
) -> anyhow::Result<Archived> {
    let (transcript, complete) = transcript_of(deps, conversation, deadline).await;
    let now = Timestamp::now();
    let heard: Vec<Heard> =
        records::all(&deps.state, &records::conversation(conversation), "m#", now)
            .await?
            .into_iter()
            .map(|(_, heard)| heard)
            .collect();
    let gaps = since_first(&heard, outages);
    for _ in 0..TRIES {
        let earlier = read(&deps.objects, conversation).await?;
        let before = earlier.clone();
        let mut lines = merge(
            earlier.unwrap_or_default(),
            heard.clone(),
            transcript.clone(),
            &gaps,
        );
        lines
            .iter_mut()
            .for_each(|line| line.annotate(&deps.escalation));
        let messages = lines.len();
        if before.as_ref() == Some(&lines) {
            return Ok(Archived {
                messages,
                written: false,
                complete,
            });
        }
        let (key, content) = (key(conversation), archive::write(&lines)?);
        let written = match before {
            None => deps.objects.put_new(&key, content).await,
            Some(_) => deps.objects.put(&key, content).await,
        };
        match written {
            Ok(()) => {
                return Ok(Archived {
                    messages,
                    written: true,
                    complete,
                });
            }
            // Another worker archived it first: merge with that.
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    anyhow::bail!("conversation {conversation} was archived by others {TRIES} times in a row")
}

/// The transcript, if there is one, and whether that is certain.
async fn transcript_of(
    deps: &Deps,
    conversation: &str,
    deadline: Deadline,
) -> (Option<Vec<Message>>, bool) {
    match cxone::chat::transcript(&deps.client, conversation, deadline).await {
        Ok(found) => (found.map(|transcript| transcript.messages), true),
        Err(error) => {
            tracing::warn!(conversation, error = %error, "transcript not read, archiving what the stream brought");
            (None, false)
        }
    }
}

/// The outages that can concern a conversation: those that ended after its first message.
fn since_first(heard: &[Heard], outages: &[Gap]) -> Vec<Gap> {
    let first = heard.iter().map(|heard| heard.message.timestamp_ms).min();
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
        assert_eq!(key("c-12345678-90ab"), "archive/c-12345678-90ab.jsonl");
        assert_eq!(key("chat_7.a"), "archive/chat_7.a.jsonl");
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
        let keys: std::collections::HashSet<String> = ids.iter().map(|id| key(id)).collect();
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

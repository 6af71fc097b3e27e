//! Archives of conversations: the object `archive/{conversation}.jsonl` holds each message once, one per line.

use std::time::Duration;

use anyhow::Context;
use backends::erasure::erased_at;
use insights_core::WithCauses;
use insights_core::card::CardRecord;
use insights_core::chat::archive::{self, ArchiveLine, Gap};
use insights_core::chat::archive_dialogue::dialogue_of_archive;
pub use insights_core::chat::archive_key::archive_key as object_key;
use insights_core::chat::archive_key::card_key;
use insights_core::chat::archive_redaction::{mask_lines, restore_known};
use insights_core::chat::merge::merge;
use insights_core::chat::message::Message;
use insights_core::chat::stored_message::StoredMessage;
use insights_core::pii::RedactionPolicy;
use insights_core::rules::RuleFile;
use insights_http::Deadline;
use jiff::Timestamp;
use runtime::redaction::mask_or_refuse;
use store::Error as StoreError;
use store::objects::{ObjectVersion, Objects};
use store::state::{Expect, StateStore};

use crate::deps::Deps;
use crate::records;

/// Number of attempts to write an archive that other sessions write at the same time.
const MAX_ATTEMPTS: usize = 5;

/// Time limit of one read or write of the object store: archives are small, and what hangs must leave time for another attempt.
const OBJECT_TIMEOUT: Duration = Duration::from_secs(10);

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
    let (found, reading) = read_transcript(deps, conversation, deadline).await;
    let mut has_card = false;
    for _ in 0..MAX_ATTEMPTS {
        // The contact center still knows what was erased here.
        let erased = erased_at(&deps.state, conversation, Timestamp::now()).await?;
        let is_kept = |message: &Message| {
            erased.is_none_or(|erased| message.timestamp_ms > erased.as_millisecond())
        };
        let mut transcript = found.clone();
        if let Some(messages) = &mut transcript {
            messages.retain(is_kept);
        }
        let items = records::list_conversation(&deps.state, conversation, Timestamp::now()).await?;
        let (stored, late): (Vec<_>, Vec<_>) = items
            .messages
            .into_iter()
            .partition(|stored| is_kept(&stored.message));
        remove_erased(deps, &late).await?;
        let gaps = outages_after_first_message(&stored, outages);
        let (previous, version) = match read_version(&deps.objects, conversation).await? {
            Some((lines, version)) => (Some(lines), Some(version)),
            None => (None, None),
        };
        // A message is known by its text: lines with masks get the texts of the messages back that are still at hand.
        let mut known = previous.clone().unwrap_or_default();
        known.retain(|line| is_kept(&line.message));
        let messages = stored.iter().map(|stored| &stored.message);
        restore_known(&mut known, messages.chain(transcript.iter().flatten()));
        let mut lines = merge(known, stored.clone(), transcript.clone(), &gaps);
        lines
            .iter_mut()
            .for_each(|line| line.annotate(&deps.escalation, deps.config.escalation_source));
        let policy = deps.config.redaction.for_stores();
        // Made before the words are masked, because the places of hits are those of what was said.
        let card = card_of(deps, conversation, &lines, policy.as_ref())?;
        if let Some(policy) = policy {
            lines = mask_or_refuse(|| {
                let masks = mask_lines(&mut lines, &policy);
                (lines, masks)
            })
            .context("the archive was not redacted, so it is not stored")?;
        }
        let messages = lines.len();
        let has_nothing_left = previous.is_none() && lines.is_empty() && erased.is_some();
        if previous.as_ref() == Some(&lines) || has_nothing_left {
            if has_nothing_left && has_card {
                // It was erased after an attempt had written the card: what was written goes again.
                in_time(deps.objects.put(&card_key(conversation), card)).await?;
            }
            return Ok(ArchiveResult {
                messages,
                written: false,
                transcript: reading,
            });
        }
        let key = object_key(conversation);
        let content = archive::encode_lines(&lines)?;
        // Before the archive: whoever finds the archive unfinished writes both again.
        in_time(deps.objects.put(&card_key(conversation), card)).await?;
        has_card = true;
        let written = match &version {
            None => in_time(deps.objects.put_new(&key, content)).await,
            Some(version) => in_time(deps.objects.put_over(&key, content, version)).await,
        };
        match written {
            Ok(()) => {
                if erased_at(&deps.state, conversation, Timestamp::now()).await? != erased {
                    // It was erased while the archive was written: what was written goes again.
                    continue;
                }
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

/// Returns the card of a conversation as it is stored beside the archive. An archive with masks that nobody can take off any more gives
/// a card with the same masks.
fn card_of(
    deps: &Deps,
    conversation: &str,
    lines: &[ArchiveLine],
    policy: Option<&RedactionPolicy>,
) -> anyhow::Result<String> {
    let current = deps.rules.current();
    let file = current.as_deref().unwrap_or_else(|| RuleFile::built_in());
    let dialogue = dialogue_of_archive(lines);
    let evaluation = file.evaluate(&dialogue);
    let record = mask_or_refuse(|| {
        let record = CardRecord::new(conversation, &dialogue, file, evaluation, policy);
        (record, 0)
    })
    .context("the card was not redacted, so it is not stored")?;
    Ok(serde_json::to_string(&record)?)
}

/// Waits for a call of the object store, at most for [`OBJECT_TIMEOUT`].
async fn in_time<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let answered = tokio::time::timeout(OBJECT_TIMEOUT, call).await;
    answered.unwrap_or_else(|elapsed| {
        Err(StoreError::Unavailable {
            store: "the object store",
            operation: "a call for an archive",
            source: elapsed.into(),
        })
    })
}

/// Returns whether an archive that failed may be written later without anybody's help: a store did not answer.
pub(crate) fn may_pass(error: &anyhow::Error) -> bool {
    let mut causes = error.chain();
    causes.any(|cause| {
        cause
            .downcast_ref::<StoreError>()
            .is_some_and(StoreError::is_retryable)
    })
}

/// Deletes stored messages of before an erasure, which a session has stored after it.
async fn remove_erased(deps: &Deps, late: &[StoredMessage]) -> Result<(), StoreError> {
    for stored in late {
        let (key, now) = (records::message_key(&stored.message), Timestamp::now());
        deps.state.delete(&key, Expect::Any, now).await?;
    }
    Ok(())
}

/// Reads the archive of a conversation with the version that it has; `None` if there is none.
async fn read_version(
    objects: &Objects,
    conversation: &str,
) -> anyhow::Result<Option<(Vec<ArchiveLine>, ObjectVersion)>> {
    let key = object_key(conversation);
    let Some((content, version)) = in_time(objects.get_with_version(&key)).await? else {
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
    match deps.center.read_transcript(conversation, deadline).await {
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

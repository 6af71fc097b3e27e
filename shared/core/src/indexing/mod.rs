//! Prepares a conversation for the vector store: maps the payload to text, redacts it if configured, and cuts it into chunks.
//!
//! The identity of a chunk ([`row_id`]) depends on conversation, index and model only, so that a webhook that is delivered
//! twice writes the same rows. The content hash covers the text and every setting that changes what would be stored, so
//! that an unchanged conversation can be skipped.
//!
//! ```
//! use insights_core::indexing::row_id;
//!
//! assert_eq!(row_id("c-1", 0, "model"), row_id("c-1", 0, "model"));
//! assert_ne!(row_id("c-1", 0, "model"), row_id("c-1", 1, "model"));
//! ```

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::chunking::{self, ChunkLimits};
use crate::mapper::{FieldMap, Turn};
use crate::pii::{Finding, PiiKind, RedactionPolicy, SpeakerRole, detect_turns};
use crate::webhook::WebhookEvent;

#[cfg(test)]
mod tests;

/// The value of the `source_system` column in every row.
pub const SOURCE_SYSTEM: &str = "nice_cxone";
/// The value of `source` in the metadata of every row.
pub const SOURCE: &str = "cxone_data_action";

/// The namespace of row ids: a version 4 UUID, drawn once for this product.
const ROW_NAMESPACE: Uuid = Uuid::from_u128(0x6f1c_52d0_9e0b_4c1b_8a57_2f0d_b7a4_91e3);

/// The settings by which conversations are prepared; every setting that changes the stored rows is part of the content hash.
#[derive(Debug, Clone)]
pub struct IndexSettings {
    /// The fields of the payload that hold text.
    pub fields: FieldMap,
    /// The sizes of the chunks.
    pub limits: ChunkLimits,
    /// How personal data is masked before anything is stored or sent to a provider; `None` masks nothing.
    pub redaction: Option<RedactionPolicy>,
    /// The name and version of the embedding model, for example `all-MiniLM-L6-v2-int8`.
    pub model: String,
    /// A digest of the configured intent categories.
    pub categories: String,
}

/// A conversation that is ready to be embedded.
#[derive(Clone, PartialEq)]
pub struct PreparedConversation {
    /// The contact center's id of the conversation.
    pub conversation_id: String,
    /// The time of the event; of two versions of a conversation the later one holds.
    pub event_time: Timestamp,
    /// The SHA-256 of the event's data in hexadecimal digits, whatever the settings are. Of two versions of the same time, the
    /// one with the greater digest holds, so that the order of delivery does not decide.
    pub event_digest: String,
    /// The SHA-256 of the text and of the settings by which it was prepared, in hexadecimal digits.
    pub content_hash: String,
    /// Number of masks in the text.
    pub masks: usize,
    /// The whole text, redacted if redaction is configured.
    pub text: String,
    /// The chunks of the text in order. There is none if the source has removed the text of the conversation.
    pub chunks: Vec<PreparedChunk>,
}

/// A chunk that is ready to be embedded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedChunk {
    /// The row id: the same for the same conversation, index and model at every delivery.
    pub id: Uuid,
    /// The position of the chunk in the conversation, from 0.
    pub index: u32,
    /// The place of the chunk in the conversation's text, in bytes.
    pub range: Range<usize>,
    /// The number of the model's tokens in the chunk, without special tokens.
    pub tokens: usize,
    /// The kinds of personal data in the chunk, or that were in the chunk before redaction.
    pub pii_kinds: BTreeSet<PiiKind>,
}

/// The metadata that is stored beside a chunk as JSON and that searches can filter by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkMetadata {
    /// The source of the row, always [`SOURCE`].
    pub source: String,
    /// The contact center's id of the conversation.
    pub conversation_id: String,
    /// The number of characters of the chunk's text.
    pub content_length: usize,
    /// Whether personal data is in the chunk, or was in the chunk before redaction.
    pub contains_pii: bool,
    /// The kinds of that personal data.
    pub pii_kinds: BTreeSet<PiiKind>,
    /// Whether that personal data was replaced by placeholders.
    pub pii_redacted: bool,
    /// The intent category of the conversation.
    pub intent_category: String,
}

/// Omits the text of the conversation, so that the text cannot reach a log.
impl std::fmt::Debug for PreparedConversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PreparedConversation")
            .field("conversation_id", &self.conversation_id)
            .field("event_time", &self.event_time)
            .field("content_hash", &self.content_hash)
            .field("chunks", &self.chunks.len())
            .finish_non_exhaustive()
    }
}

/// The data of the conversation is not empty, and none of the mapped paths holds text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the conversation has no text at any of the mapped paths of its data ({paths})")]
pub struct NoText {
    /// The mapped paths, none of which holds text.
    pub paths: String,
}

impl PreparedConversation {
    /// Maps a conversation to text, redacts the text if configured, and cuts it into chunks. `tokenize` is the same as for
    /// [`chunking::cut_into_chunks`]. A conversation whose text the source has removed is prepared without chunks.
    ///
    /// # Errors
    /// [`NoText`] if no mapped path holds text, though the data is not empty.
    pub fn new<F>(
        event: &WebhookEvent,
        settings: &IndexSettings,
        tokenize: F,
    ) -> Result<Self, NoText>
    where
        F: FnMut(&str) -> Vec<Range<usize>>,
    {
        let spoken = settings.fields.extract_turns(&event.data);
        if spoken.is_empty() && settings.fields.is_emptied(&event.data) {
            return Ok(Self {
                conversation_id: event.conversation_id.clone(),
                event_time: event.timestamp,
                event_digest: event_digest(event),
                content_hash: content_hash("", settings),
                text: String::new(),
                chunks: Vec::new(),
                masks: 0,
            });
        }
        if spoken.is_empty() {
            return Err(NoText {
                paths: settings.fields.paths(),
            });
        }
        let (text, turns, findings) = join_turns(&spoken, settings.redaction);
        let chunks = chunking::cut_into_chunks(&text, &turns, settings.limits, tokenize)
            .into_iter()
            .zip(0..)
            .map(|(chunk, index)| PreparedChunk {
                id: row_id(&event.conversation_id, index, &settings.model),
                index,
                tokens: chunk.tokens,
                pii_kinds: kinds_in(&findings, &chunk.range),
                range: chunk.range,
            })
            .collect();
        Ok(Self {
            conversation_id: event.conversation_id.clone(),
            event_time: event.timestamp,
            event_digest: event_digest(event),
            content_hash: content_hash(&text, settings),
            text,
            chunks,
            masks: if settings.redaction.is_some() {
                findings.len()
            } else {
                0
            },
        })
    }

    /// Returns the text of a chunk of this conversation.
    #[must_use]
    pub fn chunk_text(&self, chunk: &PreparedChunk) -> &str {
        &self.text[chunk.range.clone()]
    }

    /// Builds the metadata of a chunk once the intent category of the conversation is known.
    #[must_use]
    pub fn metadata(
        &self,
        chunk: &PreparedChunk,
        intent_category: &str,
        settings: &IndexSettings,
    ) -> ChunkMetadata {
        ChunkMetadata {
            source: SOURCE.to_owned(),
            conversation_id: self.conversation_id.clone(),
            content_length: self.chunk_text(chunk).chars().count(),
            contains_pii: !chunk.pii_kinds.is_empty(),
            pii_kinds: chunk.pii_kinds.clone(),
            pii_redacted: settings.redaction.is_some() && !chunk.pii_kinds.is_empty(),
            intent_category: intent_category.to_owned(),
        }
    }
}

/// Returns the row id of a chunk: a version 5 UUID of conversation, index and model.
#[must_use]
pub fn row_id(conversation_id: &str, index: u32, model: &str) -> Uuid {
    // NUL separates the parts, because ids and model names have no control characters.
    Uuid::new_v5(
        &ROW_NAMESPACE,
        format!("{SOURCE_SYSTEM}\0{conversation_id}\0{index}\0{model}").as_bytes(),
    )
}

/// Joins the turns to one text, `Label: words` separated by spaces, with their personal data masked if a policy says so.
///
/// Returns the text, the byte range of each turn in it, and the places of the personal data or of its masks. The data is looked
/// for turn by turn and not in the joined text, because a number may be given over several turns.
fn join_turns(
    turns: &[Turn],
    redaction: Option<RedactionPolicy>,
) -> (String, Vec<Range<usize>>, Vec<Finding>) {
    let mut text = String::new();
    let mut ranges = Vec::with_capacity(turns.len());
    let mut placed = Vec::new();
    let spoken = turns
        .iter()
        .map(|turn| (SpeakerRole::from_label(&turn.label), turn.text.as_str()));
    let found = detect_turns(spoken, &redaction.unwrap_or_default());
    for (turn, findings) in turns.iter().zip(found) {
        if !text.is_empty() {
            text.push(' ');
        }
        let start = text.len();
        text.push_str(&turn.label);
        text.push_str(": ");
        let words = text.len();
        let findings = match &redaction {
            Some(policy) => {
                let (redacted, masks) = policy.mask_findings(&turn.text, &findings);
                text.push_str(&redacted);
                masks
            }
            None => {
                text.push_str(&turn.text);
                findings
            }
        };
        placed.extend(findings.into_iter().map(|finding| Finding {
            kind: finding.kind,
            range: words + finding.range.start..words + finding.range.end,
        }));
        ranges.push(start..text.len());
    }
    (text, ranges, placed)
}

/// Returns the kinds of the findings that overlap a range; a number that a border cuts counts for both chunks.
fn kinds_in(findings: &[Finding], range: &Range<usize>) -> BTreeSet<PiiKind> {
    let first = findings.partition_point(|finding| finding.range.end <= range.start);
    findings[first..]
        .iter()
        .take_while(|finding| finding.range.start < range.end)
        .map(|finding| finding.kind)
        .collect()
}

/// Returns the SHA-256 of the text and of the settings that change what is stored, in hexadecimal digits.
fn content_hash(text: &str, settings: &IndexSettings) -> String {
    let mut hash = Sha256::new();
    let prepared_with = format!(
        "{}\0{}\0{}\0{}\0{}\0",
        settings.model,
        settings.limits.max_tokens(),
        settings.limits.overlap_tokens(),
        settings.redaction.is_some(),
        settings.categories
    );
    hash.update(prepared_with.as_bytes());
    hash.update(text.as_bytes());
    hexadecimal(&hash.finalize())
}

/// Returns the SHA-256 of the event's data, in hexadecimal digits.
fn event_digest(event: &WebhookEvent) -> String {
    // Map and values serialize in any case: they were read from JSON.
    let data = serde_json::to_vec(&event.data).unwrap_or_default();
    hexadecimal(&Sha256::digest(data))
}

/// Returns bytes as hexadecimal digits.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

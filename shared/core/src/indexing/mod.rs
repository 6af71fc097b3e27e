//! What is stored of a conversation: its text in chunks, each with an identity that a redelivery has too, and what is
//! known about it.

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::chunking::{self, ChunkLimits};
use crate::mapper::{FieldMap, Turn};
use crate::pii::{self, Finding, PiiKind};
use crate::webhook::WebhookEvent;

#[cfg(test)]
mod tests;

/// The `source_system` column of every row.
pub const SOURCE_SYSTEM: &str = "nice_cxone";
/// The `source` in every row's metadata.
pub const SOURCE: &str = "cxone_data_action";

/// The namespace of row ids (a version 4 UUID drawn once for this product).
const ROWS: Uuid = Uuid::from_u128(0x6f1c_52d0_9e0b_4c1b_8a57_2f0d_b7a4_91e3);

/// How conversations are prepared. Whatever changes what would be stored is part of the content hash.
#[derive(Debug, Clone)]
pub struct IndexSettings {
    /// Which fields are text.
    pub fields: FieldMap,
    /// How large chunks are.
    pub limits: ChunkLimits,
    /// Whether personal data is replaced by placeholders before anything is stored or sent to a provider.
    pub redact: bool,
    /// The embedding model's name and version, e.g. `all-MiniLM-L6-v2-int8`.
    pub model: String,
    /// A digest of the intent categories.
    pub categories: String,
}

/// A conversation ready to be embedded.
#[derive(Clone, PartialEq)]
pub struct PreparedConversation {
    /// The contact centre's id.
    pub conversation_id: String,
    /// When the event happened: of two versions the later one holds.
    pub event_time: Timestamp,
    /// Hex SHA-256 of the text and of the settings that it was prepared with.
    pub content_hash: String,
    /// The whole text, redacted if so configured.
    pub text: String,
    /// At least one.
    pub chunks: Vec<PreparedChunk>,
}

/// A chunk ready to be embedded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedChunk {
    /// The same for the same conversation, index and model at every delivery.
    pub id: Uuid,
    /// Its place in the conversation, from 0.
    pub index: u32,
    /// Where it is in the conversation's text, in bytes.
    pub range: Range<usize>,
    /// Its tokens in the model's count, without special ones.
    pub tokens: usize,
    /// The kinds of personal data in it; where redacted, those that were.
    pub pii_kinds: BTreeSet<PiiKind>,
}

/// What is stored beside a chunk as JSON, and can be filtered by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkMetadata {
    /// Always [`SOURCE`].
    pub source: String,
    /// The contact centre's id.
    pub conversation_id: String,
    /// Characters of the chunk's text.
    pub content_length: usize,
    /// Whether personal data is in the chunk, or was before redaction.
    pub contains_pii: bool,
    /// Which kinds.
    pub pii_kinds: BTreeSet<PiiKind>,
    /// Whether it was replaced by placeholders.
    pub pii_redacted: bool,
    /// The conversation's category.
    pub intent_category: String,
}

/// Shows no text of the conversation.
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

/// A conversation without anything to embed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the conversation has no text at any of the mapped paths of its data ({paths})")]
pub struct NoText {
    /// The paths that were looked at.
    pub paths: String,
}

impl PreparedConversation {
    /// Maps, redacts if so configured, and cuts a conversation. `tokenize` is as in [`chunking::cut_into_chunks`].
    ///
    /// # Errors
    /// [`NoText`] if no mapped path holds text.
    pub fn new<F>(
        event: &WebhookEvent,
        settings: &IndexSettings,
        tokenize: F,
    ) -> Result<Self, NoText>
    where
        F: FnMut(&str) -> Vec<Range<usize>>,
    {
        let (mut text, mut turns) = joined(&settings.fields.extract_turns(&event.data));
        if turns.is_empty() {
            return Err(NoText {
                paths: settings.fields.paths(),
            });
        }
        let mut findings = pii::detect(&text);
        if settings.redact {
            let (redacted, placed) = pii::redact(&text, &findings);
            turns = moved(&turns, &findings, &placed);
            (text, findings) = (redacted, placed);
        }
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
            content_hash: content_hash(&text, settings),
            text,
            chunks,
        })
    }

    /// The text of a chunk of this conversation.
    #[must_use]
    pub fn chunk_text(&self, chunk: &PreparedChunk) -> &str {
        &self.text[chunk.range.clone()]
    }

    /// What is stored beside a chunk, once the conversation's category is known.
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
            pii_redacted: settings.redact && !chunk.pii_kinds.is_empty(),
            intent_category: intent_category.to_owned(),
        }
    }
}

/// The row id of a chunk: a version 5 UUID of conversation, index and model.
#[must_use]
pub fn row_id(conversation_id: &str, index: u32, model: &str) -> Uuid {
    // A control character separates: ids and models have none.
    Uuid::new_v5(
        &ROWS,
        format!("{SOURCE_SYSTEM}\0{conversation_id}\0{index}\0{model}").as_bytes(),
    )
}

/// The turns as one text, `Label: words` joined by spaces, and where each is.
fn joined(turns: &[Turn]) -> (String, Vec<Range<usize>>) {
    let mut text = String::new();
    let mut ranges = Vec::with_capacity(turns.len());
    for turn in turns {
        if !text.is_empty() {
            text.push(' ');
        }
        let start = text.len();
        text.push_str(&turn.label);
        text.push_str(": ");
        text.push_str(&turn.text);
        ranges.push(start..text.len());
    }
    (text, ranges)
}

/// Where the turns are once the findings have become what was placed for them.
fn moved(turns: &[Range<usize>], findings: &[Finding], placed: &[Finding]) -> Vec<Range<usize>> {
    let mut replaced = findings.iter().zip(placed).peekable();
    let (mut before, mut after) = (0, 0);
    let mut shift = |offset: usize| {
        while let Some((from, to)) = replaced.next_if(|(from, _)| from.range.end <= offset) {
            (before, after) = (from.range.end, to.range.end);
        }
        after + (offset - before)
    };
    turns
        .iter()
        .map(|turn| shift(turn.start)..shift(turn.end))
        .collect()
}

/// The kinds of the findings that meet a range; a number cut by a border is in both chunks.
fn kinds_in(findings: &[Finding], range: &Range<usize>) -> BTreeSet<PiiKind> {
    let first = findings.partition_point(|finding| finding.range.end <= range.start);
    findings[first..]
        .iter()
        .take_while(|finding| finding.range.start < range.end)
        .map(|finding| finding.kind)
        .collect()
}

fn content_hash(text: &str, settings: &IndexSettings) -> String {
    let mut hash = Sha256::new();
    let prepared_with = format!(
        "{}\0{}\0{}\0{}\0{}\0",
        settings.model,
        settings.limits.max_tokens(),
        settings.limits.overlap_tokens(),
        settings.redact,
        settings.categories
    );
    hash.update(prepared_with.as_bytes());
    hash.update(text.as_bytes());
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

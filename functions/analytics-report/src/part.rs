//! Checkpoints: the objects that keep what is already collected of a part of the report.
//!
//! A part is a folder of the object store with
//!
//! - `listing.json`: the list of the part's conversations, and what the list was made from ([`PartOrigin`]);
//! - `00000.jsonl`, `00001.jsonl`, ...: the records of the conversations, [`CONVERSATIONS_PER_CHUNK`] per object and one per
//!   line. The object is called `00000.failed.jsonl` instead while some transcript of the chunk could not be fetched.
//!
//! The list does not change once it is written, so that a killed run goes on with the chunks that are missing.

use std::collections::BTreeMap;

use anyhow::Context;
use insights_core::analytics::{Conversation, Record, ReportRange, Transcript};
use serde::{Deserialize, Serialize};
use store::objects::Objects;

/// Number of conversations per chunk. After a kill at most this many transcripts are fetched again, besides those in flight.
pub const CONVERSATIONS_PER_CHUNK: usize = 25;
/// Version of the stored form of records; a part of another version is not read.
const FORMAT_VERSION: u32 = 1;

/// The origin of a part: a part with another origin is collected anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartOrigin {
    /// The base URL of the contact center.
    pub source: String,
    /// The time that the part covers.
    pub range: ReportRange,
    /// Whether the local model scored the customers' lines.
    pub model: bool,
    version: u32,
}

impl PartOrigin {
    /// Describes the origin of a part in the current format version.
    #[must_use]
    pub fn new(source: String, range: ReportRange, model: bool) -> Self {
        Self {
            source,
            range,
            model,
            version: FORMAT_VERSION,
        }
    }
}

/// The conversations of a part, in the report's order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// The origin of the part.
    pub origin: PartOrigin,
    /// The conversations, each of them once.
    pub conversations: Vec<Conversation>,
    /// The number of rows of the list that named no conversation.
    pub unusable: usize,
}

impl Listing {
    /// Returns the number of chunks of the complete part.
    #[must_use]
    pub fn chunk_count(&self) -> usize {
        self.conversations.len().div_ceil(CONVERSATIONS_PER_CHUNK)
    }

    /// Returns the conversations of a chunk.
    #[must_use]
    pub fn chunk(&self, number: usize) -> &[Conversation] {
        self.conversations
            .chunks(CONVERSATIONS_PER_CHUNK)
            .nth(number)
            .unwrap_or_default()
    }
}

/// The state of a stored chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkState {
    /// Every transcript was fetched.
    Complete,
    /// Some transcripts could not be fetched.
    HasFailures,
}

/// One part of a report: a folder of checkpoints.
#[derive(Debug, Clone)]
pub struct Part {
    objects: Objects,
    folder: String,
}

impl Part {
    /// Returns the part in a folder of the object store; the name of the folder ends with a slash.
    #[must_use]
    pub fn new(objects: Objects, folder: String) -> Self {
        Self { objects, folder }
    }

    /// Reads the list of the part's conversations, if it was written.
    ///
    /// A list that cannot be decoded counts as not written, so that the part is collected anew.
    ///
    /// # Errors
    /// If the object store fails.
    pub async fn read_listing(&self) -> anyhow::Result<Option<Listing>> {
        let found = self.objects.get(&self.key("listing.json")).await?;
        Ok(found.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Deletes everything of the part and writes its list.
    ///
    /// # Errors
    /// If the object store fails.
    pub async fn start_with(&self, listing: &Listing) -> anyhow::Result<()> {
        self.delete().await?;
        self.objects
            .put(&self.key("listing.json"), serde_json::to_vec(listing)?)
            .await?;
        Ok(())
    }

    /// Returns the states of the stored chunks by their numbers.
    ///
    /// # Errors
    /// If the object store fails.
    pub async fn chunk_states(&self) -> anyhow::Result<BTreeMap<usize, ChunkState>> {
        let mut states = BTreeMap::new();
        for entry in self.objects.list(&self.folder).await? {
            let name = entry.key.rsplit('/').next().unwrap_or_default();
            let (state, number) = match (
                name.strip_suffix(".failed.jsonl"),
                name.strip_suffix(".jsonl"),
            ) {
                (Some(number), _) => (ChunkState::HasFailures, number),
                (None, Some(number)) => (ChunkState::Complete, number),
                (None, None) => continue,
            };
            if let Ok(number) = number.parse() {
                // A kill between writing the complete chunk and deleting the one with failures leaves both.
                let known = states.entry(number).or_insert(state);
                if state == ChunkState::Complete {
                    *known = ChunkState::Complete;
                }
            }
        }
        Ok(states)
    }

    /// Reads the records of a chunk.
    ///
    /// # Errors
    /// If the chunk is missing or cannot be decoded.
    pub async fn read_chunk(
        &self,
        number: usize,
        state: ChunkState,
    ) -> anyhow::Result<Vec<Record>> {
        let key = self.key(&chunk_name(number, state));
        let bytes = self
            .objects
            .get(&key)
            .await?
            .with_context(|| format!("{key} is missing"))?;
        let lines = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines
            .map(serde_json::from_slice)
            .collect::<Result<_, _>>()
            .with_context(|| format!("{key} cannot be decoded"))
    }

    /// Writes the records of a chunk.
    ///
    /// # Errors
    /// If the object store fails.
    pub async fn write_chunk(&self, number: usize, records: &[Record]) -> anyhow::Result<()> {
        let failed = records
            .iter()
            .any(|record| matches!(record.transcript, Transcript::Failed { .. }));
        let state = if failed {
            ChunkState::HasFailures
        } else {
            ChunkState::Complete
        };
        let mut bytes = Vec::new();
        for record in records {
            serde_json::to_writer(&mut bytes, record)?;
            bytes.push(b'\n');
        }
        self.objects
            .put(&self.key(&chunk_name(number, state)), bytes)
            .await?;
        if state == ChunkState::Complete {
            self.objects
                .delete(&self.key(&chunk_name(number, ChunkState::HasFailures)))
                .await?;
        }
        Ok(())
    }

    /// Deletes everything of the part.
    ///
    /// # Errors
    /// If the object store fails.
    pub async fn delete(&self) -> anyhow::Result<()> {
        // The list is deleted first: without a list the chunks that may be left behind are ignored.
        self.objects.delete(&self.key("listing.json")).await?;
        for entry in self.objects.list(&self.folder).await? {
            self.objects.delete(&entry.key).await?;
        }
        Ok(())
    }

    /// Returns the key of an object of the part.
    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.folder)
    }
}

/// Returns the name of a chunk's object.
fn chunk_name(number: usize, state: ChunkState) -> String {
    match state {
        ChunkState::Complete => format!("{number:05}.jsonl"),
        ChunkState::HasFailures => format!("{number:05}.failed.jsonl"),
    }
}

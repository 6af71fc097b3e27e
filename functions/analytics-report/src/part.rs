//! Checkpoints: what is already known of a part of the report, as objects.
//!
//! A part is a folder with the list of its conversations (`listing.json`) and their records, [`CHUNK`] at a time
//! (`00000.jsonl`, or `00000.failed.jsonl` where a transcript could not be fetched). The list is fixed once it is
//! written, so a killed run goes on with the chunks that are not there.

use std::collections::BTreeMap;

use anyhow::Context;
use insights_core::analytics::{Conversation, Record, ReportRange, Transcript};
use serde::{Deserialize, Serialize};
use store::objects::Objects;

/// Conversations a chunk: so many transcripts at most are fetched again after a kill, beside those in flight.
pub const CHUNK: usize = 25;
/// Another version of the records' form does not read this one's parts.
const VERSION: u32 = 1;

/// What a part was made of; a part that was made of something else is made anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The contact centre's URL.
    pub source: String,
    /// The time that was asked for.
    pub range: ReportRange,
    /// Whether the local model was asked.
    pub model: bool,
    version: u32,
}

impl Origin {
    /// An origin.
    #[must_use]
    pub fn new(source: String, range: ReportRange, model: bool) -> Self {
        Self {
            source,
            range,
            model,
            version: VERSION,
        }
    }
}

/// The conversations of a part, in the report's order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// What the part is made of.
    pub origin: Origin,
    /// The conversations, each once.
    pub conversations: Vec<Conversation>,
    /// How many rows of the list named no conversation.
    pub unusable: usize,
}

impl Listing {
    /// How many chunks the part has when it is done.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.conversations.len().div_ceil(CHUNK)
    }

    /// The conversations of a chunk.
    #[must_use]
    pub fn chunk(&self, number: usize) -> &[Conversation] {
        self.conversations
            .chunks(CHUNK)
            .nth(number)
            .unwrap_or_default()
    }
}

/// Whether all of a chunk's transcripts are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// All are.
    Done,
    /// Some could not be fetched.
    Failed,
}

/// A part's folder.
#[derive(Debug, Clone)]
pub struct Part {
    objects: Objects,
    folder: String,
}

impl Part {
    /// The part in a folder of the object store, named with a slash at its end.
    #[must_use]
    pub fn new(objects: Objects, folder: String) -> Self {
        Self { objects, folder }
    }

    /// The list, if it is there.
    ///
    /// # Errors
    /// If it cannot be read; a list that is no list counts as not there.
    pub async fn listing(&self) -> anyhow::Result<Option<Listing>> {
        let found = self.objects.get(&self.key("listing.json")).await?;
        Ok(found.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Begins the part anew with this list.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn begin(&self, listing: &Listing) -> anyhow::Result<()> {
        self.remove().await?;
        self.objects
            .put(&self.key("listing.json"), serde_json::to_vec(listing)?)
            .await?;
        Ok(())
    }

    /// The chunks that are there.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn states(&self) -> anyhow::Result<BTreeMap<usize, State>> {
        let mut states = BTreeMap::new();
        for entry in self.objects.list(&self.folder).await? {
            let name = entry.key.rsplit('/').next().unwrap_or_default();
            let (state, number) = match (
                name.strip_suffix(".failed.jsonl"),
                name.strip_suffix(".jsonl"),
            ) {
                (Some(number), _) => (State::Failed, number),
                (None, Some(number)) => (State::Done, number),
                (None, None) => continue,
            };
            if let Ok(number) = number.parse() {
                // A kill between writing the whole chunk and deleting the failed one leaves both.
                let known = states.entry(number).or_insert(state);
                if state == State::Done {
                    *known = State::Done;
                }
            }
        }
        Ok(states)
    }

    /// The records of a chunk.
    ///
    /// # Errors
    /// If it is not there or unreadable.
    pub async fn records(&self, number: usize, state: State) -> anyhow::Result<Vec<Record>> {
        let key = self.key(&name(number, state));
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
            .with_context(|| format!("{key} is unreadable"))
    }

    /// Writes a chunk.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn write(&self, number: usize, records: &[Record]) -> anyhow::Result<()> {
        let failed = records
            .iter()
            .any(|record| matches!(record.transcript, Transcript::Failed { .. }));
        let state = if failed { State::Failed } else { State::Done };
        let mut bytes = Vec::new();
        for record in records {
            serde_json::to_writer(&mut bytes, record)?;
            bytes.push(b'\n');
        }
        self.objects
            .put(&self.key(&name(number, state)), bytes)
            .await?;
        if state == State::Done {
            self.objects
                .delete(&self.key(&name(number, State::Failed)))
                .await?;
        }
        Ok(())
    }

    /// Deletes all of it.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn remove(&self) -> anyhow::Result<()> {
        // The list goes first: without it the rest counts for nothing.
        self.objects.delete(&self.key("listing.json")).await?;
        for entry in self.objects.list(&self.folder).await? {
            self.objects.delete(&entry.key).await?;
        }
        Ok(())
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.folder)
    }
}

fn name(number: usize, state: State) -> String {
    match state {
        State::Done => format!("{number:05}.jsonl"),
        State::Failed => format!("{number:05}.failed.jsonl"),
    }
}

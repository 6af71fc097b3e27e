//! Checkpoints: the objects that keep what is already collected of a part of the report.
//!
//! A part is a folder of the object store with
//!
//! - `listing.json`: the list of the part's conversations with the chunk of each, and what the list was made from
//!   ([`crate::listing::Listing`]);
//! - `00000.jsonl`, `00001.jsonl`, ...: the records of the conversations, one chunk per object and one record per line. The
//!   object is called `00000.gaps.jsonl` instead while some conversation of the chunk has no transcript yet, and
//!   `00000.failed.jsonl` while some transcript could not be fetched.
//!
//! A record is found by the id of its conversation. Each run reads the list anew and arranges it by the chunks that are there,
//! so that it fetches only what is missing and knows every conversation that the contact center knows now.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use insights_core::analytics::{Record, Transcript};
use store::objects::Objects;

use crate::listing::Listing;

/// Number of chunks that are read at the same time.
const CONCURRENT_READS: usize = 16;

/// The state of a stored chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChunkState {
    /// Some transcripts could not be fetched.
    HasFailures,
    /// Some conversations had no transcript when they were asked for it; the others are complete.
    HasGaps,
    /// Every conversation has its transcript.
    Complete,
}

impl ChunkState {
    /// Returns the state of a chunk with these records.
    fn of(records: &[Record]) -> Self {
        let state = |record: &Record| match record.transcript {
            Transcript::Failed { .. } => Self::HasFailures,
            Transcript::Missing => Self::HasGaps,
            Transcript::Present { .. } => Self::Complete,
        };
        records.iter().map(state).min().unwrap_or(Self::Complete)
    }

    /// Returns the end of the name of a chunk in this state.
    const fn suffix(self) -> &'static str {
        match self {
            Self::HasFailures => ".failed.jsonl",
            Self::HasGaps => ".gaps.jsonl",
            Self::Complete => ".jsonl",
        }
    }

    /// Returns the number and the state of the chunk with this object's name.
    fn from_name(name: &str) -> Option<(usize, Self)> {
        [Self::HasFailures, Self::HasGaps, Self::Complete]
            .into_iter()
            .find_map(|state| Some((name.strip_suffix(state.suffix())?.parse().ok()?, state)))
    }
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

    /// Returns the folder of the part.
    #[must_use]
    pub fn folder(&self) -> &str {
        &self.folder
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

    /// Writes the list of the part's conversations.
    ///
    /// # Errors
    /// If the object store fails.
    pub async fn write_listing(&self, listing: &Listing) -> anyhow::Result<()> {
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
            if let Some((number, state)) = ChunkState::from_name(name) {
                // A kill between writing a chunk and deleting its earlier form leaves both.
                let known = states.entry(number).or_insert(state);
                *known = state.max(*known);
            }
        }
        Ok(states)
    }

    /// Reads the records of a chunk by the ids of their conversations.
    ///
    /// # Errors
    /// If the chunk is missing or cannot be decoded.
    pub async fn read_chunk(
        &self,
        number: usize,
        state: ChunkState,
    ) -> anyhow::Result<HashMap<String, Record>> {
        let key = self.key(&chunk_name(number, state));
        let bytes = self
            .objects
            .get(&key)
            .await?
            .with_context(|| format!("{key} is missing"))?;
        let lines = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let records: Vec<Record> = lines
            .map(serde_json::from_slice)
            .collect::<Result<_, _>>()
            .with_context(|| format!("{key} cannot be decoded"))?;
        let by_id = |record: Record| (record.conversation.conversation_id.clone(), record);
        Ok(records.into_iter().map(by_id).collect())
    }

    /// Writes the records of a chunk in the place of its earlier form, if there is one.
    ///
    /// # Errors
    /// If the object store fails.
    pub async fn write_chunk(
        &self,
        number: usize,
        records: &[Record],
        earlier: Option<ChunkState>,
    ) -> anyhow::Result<()> {
        let state = ChunkState::of(records);
        let mut bytes = Vec::new();
        for record in records {
            serde_json::to_writer(&mut bytes, record)?;
            bytes.push(b'\n');
        }
        self.objects
            .put(&self.key(&chunk_name(number, state)), bytes)
            .await?;
        if let Some(earlier) = earlier.filter(|earlier| *earlier != state) {
            self.objects
                .delete(&self.key(&chunk_name(number, earlier)))
                .await?;
        }
        Ok(())
    }

    /// Writes some chunks again with the records of the conversations that the list still has in them, and then the list.
    ///
    /// # Errors
    /// If the object store fails.
    pub(crate) async fn write_again(
        &self,
        listing: &Listing,
        numbers: &[usize],
    ) -> anyhow::Result<()> {
        let states = self.chunk_states().await?;
        for number in numbers {
            let Some(state) = states.get(number).copied() else {
                continue;
            };
            let mut stored = self.read_chunk(*number, state).await?;
            let records: Vec<Record> = listing
                .chunk(*number)
                .iter()
                .filter_map(|conversation| stored.remove(&conversation.conversation_id))
                .collect();
            if records.is_empty() {
                let key = self.key(&chunk_name(*number, state));
                self.objects.delete(&key).await?;
            } else {
                self.write_chunk(*number, &records, Some(state)).await?;
            }
        }
        self.write_listing(listing).await
    }

    /// Visits the record of every conversation of the list in the order of the report. Several chunks are read at a time, and each
    /// chunk once; a chunk leaves the memory with its last record.
    ///
    /// # Errors
    /// If the object store fails, or a record is not stored; the chunk of that record is deleted, so that the next run collects
    /// it again.
    pub async fn for_each_record(
        &self,
        listing: &Listing,
        mut visit: impl FnMut(Record),
    ) -> anyhow::Result<()> {
        let states = self.chunk_states().await?;
        let missing = listing
            .chunk_numbers()
            .filter(|number| !states.contains_key(number))
            .count();
        ensure!(
            missing == 0,
            "the part {} lacks {missing} of {} chunks",
            self.folder,
            listing.chunk_numbers().count()
        );
        let order = listing.in_report_order();
        let mut left: HashMap<usize, usize> = HashMap::new();
        let mut needed = Vec::new();
        for (number, _) in &order {
            let count = left.entry(*number).or_default();
            if *count == 0 {
                needed.push(*number);
            }
            *count += 1;
        }
        let states = &states;
        let mut chunks = stream::iter(needed)
            .map(|number| async move {
                let state = states.get(&number).copied();
                let state = state.unwrap_or(ChunkState::Complete);
                anyhow::Ok((number, state, self.read_chunk(number, state).await?))
            })
            .buffered(CONCURRENT_READS);
        let mut open: HashMap<usize, (ChunkState, HashMap<String, Record>)> = HashMap::new();
        for (number, conversation) in order {
            while !open.contains_key(&number) {
                let (read, state, records) = chunks
                    .try_next()
                    .await?
                    .context("a chunk of the part was read twice")?;
                open.insert(read, (state, records));
            }
            let id = &conversation.conversation_id;
            let (state, record) = match open.get_mut(&number) {
                Some((state, records)) => (*state, records.remove(id)),
                None => (ChunkState::Complete, None),
            };
            let Some(record) = record else {
                self.objects
                    .delete(&self.key(&chunk_name(number, state)))
                    .await?;
                anyhow::bail!(
                    "the part {} lacks the record of {id}; the next run collects it again",
                    self.folder
                );
            };
            visit(Record {
                conversation: conversation.clone(),
                ..record
            });
            if let Some(count) = left.get_mut(&number) {
                *count -= 1;
                if *count == 0 {
                    open.remove(&number);
                }
            }
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
    format!("{number:05}{}", state.suffix())
}

//! Embedded conversations, searches and hits, and what every vector store does with them.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::Error;

/// Most hits that a search returns.
pub const MAX_HITS: usize = 1000;

/// An embedded conversation, to be stored in place of whatever is stored of the same conversation.
#[derive(Clone, PartialEq)]
pub struct EmbeddedConversation {
    /// The id that the contact center gave the conversation, at most 255 bytes.
    pub conversation_id: String,
    /// The moment of the event. An earlier event never replaces a later one; an equal event does.
    pub event_time: Timestamp,
    /// A digest of the text and of the settings that it was prepared with.
    pub content_hash: String,
    /// The chunks of the conversation; a conversation without chunks is removed.
    pub rows: Vec<ChunkRow>,
}

/// One chunk of a conversation with its vector, as one row of the table.
#[derive(Clone, PartialEq)]
pub struct ChunkRow {
    /// The id of the row, which is the same for the same conversation, index and model.
    pub id: Uuid,
    /// The position of the chunk in the conversation, from 0.
    pub chunk_index: u32,
    /// The text of the chunk.
    pub text: String,
    /// The vector of the chunk, which has the length of the table's vectors.
    pub embedding: Vec<f32>,
    /// The metadata that a search can filter by.
    pub metadata: Map<String, Value>,
}

impl std::fmt::Debug for EmbeddedConversation {
    /// Shows no text of the conversation.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedConversation")
            .field("conversation_id", &self.conversation_id)
            .field("event_time", &self.event_time)
            .field("content_hash", &self.content_hash)
            .field("rows", &self.rows.len())
            .finish()
    }
}

/// What became of a conversation that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceOutcome {
    /// The conversation is stored, and nothing older of it.
    Stored,
    /// A later version of the conversation was stored already and stays.
    Outdated,
}

/// The version of a stored conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVersion {
    /// The moment of the event.
    pub event_time: Timestamp,
    /// The digest of the text and of the settings that it was prepared with.
    pub content_hash: String,
}

/// A search: the nearest rows that match a filter.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorQuery {
    /// The vector of the query, which has the length of the table's vectors.
    pub embedding: Vec<f32>,
    /// Most hits to return, 1 to [`MAX_HITS`].
    pub limit: usize,
    /// Top-level fields of the metadata, with the value that each must have.
    pub filter: BTreeMap<String, Value>,
}

/// One chunk that a search found.
#[derive(Clone, PartialEq)]
pub struct SearchHit {
    /// The id that the contact center gave the conversation.
    pub conversation_id: String,
    /// The position of the chunk in the conversation, from 0.
    pub chunk_index: u32,
    /// The text of the chunk.
    pub text: String,
    /// The cosine of the chunk and the query, -1 to 1; a greater one is nearer.
    pub score: f64,
    /// The metadata that was stored beside the vector.
    pub metadata: Map<String, Value>,
}

impl std::fmt::Debug for SearchHit {
    /// Shows no text of the conversation.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SearchHit")
            .field("conversation_id", &self.conversation_id)
            .field("chunk_index", &self.chunk_index)
            .field("score", &self.score)
            .finish_non_exhaustive()
    }
}

/// A store of vectors of one model.
pub trait VectorStore: Send + Sync {
    /// Returns the stored versions of conversations under the model of this store. Conversations that are not stored are
    /// left out.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without an answer.
    fn versions(
        &self,
        conversations: &[&str],
    ) -> impl Future<Output = Result<HashMap<String, StoredVersion>, Error>> + Send;

    /// Stores conversations, each in place of all that is stored of it, in one transaction and one round trip, and returns
    /// an outcome for each, in order. Of two conversations with the same id in one call the later event is stored, and of
    /// equal events the later one in the list.
    ///
    /// # Errors
    /// [`Error::Limit`] for a vector of another length; nothing is stored then. After [`Error::Unavailable`] the rows
    /// may be stored: the caller stores the same again.
    fn replace(
        &self,
        conversations: &[EmbeddedConversation],
    ) -> impl Future<Output = Result<Vec<ReplaceOutcome>, Error>> + Send;

    /// Returns the nearest rows that match the filter, nearest first: as many as the limit says if that many match.
    ///
    /// # Errors
    /// [`Error::Limit`] for a vector of another length or a limit out of bounds.
    fn search(
        &self,
        query: &VectorQuery,
    ) -> impl Future<Output = Result<Vec<SearchHit>, Error>> + Send;

    /// Returns how many rows are stored.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without an answer.
    fn count(&self) -> impl Future<Output = Result<u64, Error>> + Send;
}

/// The embedding model whose vectors a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingModel {
    /// The name and the version of the model.
    pub name: String,
    /// The length of the model's vectors.
    pub dimension: usize,
}

/// Checks that a vector has the length of the table's vectors and finite values.
fn check_vector(vector: &[f32], dimension: usize, what: &str) -> Result<(), Error> {
    if vector.len() != dimension {
        let limit = format!(
            "has {} dimensions where the table holds {dimension}",
            vector.len()
        );
        return Err(Error::limit(what, limit));
    }
    if !vector.iter().all(|value| value.is_finite()) {
        return Err(Error::limit(what, "has a value that is not finite"));
    }
    Ok(())
}

/// Checks the vectors of conversations.
pub(super) fn check_conversations(
    conversations: &[EmbeddedConversation],
    dimension: usize,
) -> Result<(), Error> {
    for conversation in conversations {
        let what = format!("a vector of conversation {}", conversation.conversation_id);
        conversation
            .rows
            .iter()
            .try_for_each(|row| check_vector(&row.embedding, dimension, &what))?;
    }
    Ok(())
}

/// Checks the limit, the filter and the vector of a query.
pub(super) fn check_query(query: &VectorQuery, dimension: usize) -> Result<(), Error> {
    if !(1..=MAX_HITS).contains(&query.limit) {
        return Err(Error::limit(
            format!("the limit {}", query.limit),
            format!("1 to {MAX_HITS} hits are allowed"),
        ));
    }
    if let Some((name, _)) = query
        .filter
        .iter()
        .find(|(_, value)| value.is_array() || value.is_object())
    {
        return Err(Error::limit(
            format!("the filter {name}"),
            "a string, a number, true, false or null is allowed",
        ));
    }
    check_vector(&query.embedding, dimension, "the query's vector")
}

/// Chooses which conversation of a call is stored under each id, and returns its index: the latest event, and of equal
/// events the last one in the list.
pub(super) fn choose_winners(conversations: &[EmbeddedConversation]) -> BTreeMap<&str, usize> {
    let mut winners: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, conversation) in conversations.iter().enumerate() {
        let winner = winners
            .entry(&conversation.conversation_id)
            .or_insert(index);
        if conversations[*winner].event_time <= conversation.event_time {
            *winner = index;
        }
    }
    winners
}

/// Builds the error of a table whose vectors have another length.
pub(super) fn dimension_mismatch(table: usize, model: &EmbeddingModel) -> Error {
    Error::limit(
        format!(
            "the model {} with {} dimensions",
            model.name, model.dimension
        ),
        format!(
            "the table conversation_embeddings holds vectors of {table} dimensions; nothing is written until model and table agree"
        ),
    )
}

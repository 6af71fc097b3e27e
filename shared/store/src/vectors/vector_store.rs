//! Embedded conversations, searches and hits, and what every vector store does with them.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::time::Instant;
use uuid::Uuid;

use crate::Error;

/// Most rows of other models that [`VectorStore::other_models`] counts.
pub const MAX_OTHER_ROWS: u32 = 10_000;

/// Largest size of a model's name in bytes.
const MAX_MODEL_NAME_BYTES: usize = 1000;

/// The digest of a conversation that was forgotten: greater than the digest of any event.
pub(super) const FORGOTTEN_DIGEST: &str = "~";

/// Most hits that a search returns.
pub const MAX_HITS: usize = 1000;

/// An embedded conversation, to be stored in place of whatever is stored of the same conversation.
#[derive(Clone, PartialEq)]
pub struct EmbeddedConversation {
    /// The id that the contact center gave the conversation, at most 255 bytes.
    pub conversation_id: String,
    /// The moment of the event. An earlier event never replaces a later one.
    pub event_time: Timestamp,
    /// A digest of the event alone. Of two events of the same moment the one with the greater digest holds, and the same event
    /// replaces itself, because it may have been prepared with other settings.
    pub event_digest: String,
    /// A digest of the text and of the settings that it was prepared with.
    pub content_hash: String,
    /// The chunks of the conversation. A conversation without chunks is removed; its id and the moment of its event stay, so
    /// that an earlier event does not bring it back.
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
            .field("event_digest", &self.event_digest)
            .field("content_hash", &self.content_hash)
            .field("rows", &self.rows.len())
            .finish()
    }
}

/// What became of a conversation that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceOutcome {
    /// The conversation is stored, or removed if it has no chunks, and nothing older of it is there.
    Stored,
    /// A later version of the conversation was stored already and stays.
    Outdated,
}

/// The version of a conversation that is stored or was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVersion {
    /// The moment of the event.
    pub event_time: Timestamp,
    /// The digest of the event.
    pub event_digest: String,
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

/// A store of vectors of one model. Every call ends by the deadline that its caller gives it.
pub trait VectorStore: Send + Sync {
    /// Makes the store ready: opens it, and creates its table or brings it up to date where it may. The other calls do so at
    /// their first use; a program that a person waits for does it at start.
    ///
    /// # Errors
    /// [`Error::Missing`] if an operator must correct the database or its address, or if the table holds vectors of another
    /// length; [`Error::Unavailable`] without an answer.
    fn prepare(&self, deadline: Instant) -> impl Future<Output = Result<(), Error>> + Send;

    /// Returns the versions of conversations that are stored under the model of this store, or were removed. Conversations
    /// of which nothing is known are left out.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without an answer, and as [`Self::prepare`].
    fn versions(
        &self,
        conversations: &[&str],
        deadline: Instant,
    ) -> impl Future<Output = Result<HashMap<String, StoredVersion>, Error>> + Send;

    /// Stores conversations, each in place of all that is stored of it, in one transaction, and returns an outcome for each,
    /// in order. Of two conversations with the same id in one call the later event is stored, of the same moment the one with
    /// the greater digest, and of equal events the later one in the list.
    ///
    /// # Errors
    /// [`Error::Limit`] for a vector of another length; nothing is stored then. After [`Error::Unavailable`] the rows
    /// may be stored: the caller stores the same again.
    fn replace(
        &self,
        conversations: &[EmbeddedConversation],
        deadline: Instant,
    ) -> impl Future<Output = Result<Vec<ReplaceOutcome>, Error>> + Send;

    /// Returns the nearest rows that match the filter, nearest first: as many as the limit says if that many match.
    ///
    /// # Errors
    /// [`Error::Limit`] for a vector of another length or a limit out of bounds, and as [`Self::prepare`].
    fn search(
        &self,
        query: &VectorQuery,
        deadline: Instant,
    ) -> impl Future<Output = Result<Vec<SearchHit>, Error>> + Send;

    /// Returns how many rows are stored.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without an answer, and as [`Self::prepare`].
    fn count(&self, deadline: Instant) -> impl Future<Output = Result<u64, Error>> + Send;

    /// Deletes all rows of a conversation, whatever their model, and returns how many there were. Events of the conversation up
    /// to `moment` do not bring it back.
    ///
    /// # Errors
    /// As [`Self::count`]. A repetition is harmless.
    fn forget(
        &self,
        conversation_id: &str,
        moment: Timestamp,
        deadline: Instant,
    ) -> impl Future<Output = Result<u64, Error>> + Send;

    /// Deletes rows whose event is older than `moment`, at most `limit` of them, and returns how many were deleted.
    ///
    /// # Errors
    /// As [`Self::count`]. A repetition is harmless.
    fn delete_before(
        &self,
        moment: Timestamp,
        limit: u32,
        deadline: Instant,
    ) -> impl Future<Output = Result<u64, Error>> + Send;

    /// Returns the models other than this store's of which rows are stored, with the number of rows of each. Not more than
    /// [`MAX_OTHER_ROWS`] rows are counted. No search finds these rows.
    ///
    /// # Errors
    /// As [`Self::count`].
    fn other_models(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = Result<BTreeMap<String, u64>, Error>> + Send;

    /// Deletes rows of models other than this store's, at most `limit` of them, and returns how many were deleted.
    ///
    /// # Errors
    /// As [`Self::count`]. A repetition is harmless.
    fn delete_other_models(
        &self,
        limit: u32,
        deadline: Instant,
    ) -> impl Future<Output = Result<u64, Error>> + Send;
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

/// Checks that the name of a model can be stored beside its vectors.
pub(super) fn check_model(model: &EmbeddingModel) -> Result<(), Error> {
    let bytes = model.name.len();
    if bytes == 0 || bytes > MAX_MODEL_NAME_BYTES || model.name.contains('\0') {
        let what = format!("the name of the embedding model, which has {bytes} bytes,");
        return Err(Error::missing(format!(
            "{what} (1 to {MAX_MODEL_NAME_BYTES} bytes without NUL are allowed)"
        )));
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

/// Chooses which conversation of a call is stored under each id, and returns its index: the latest event, of the same moment
/// the one with the greater digest, and of equal events the last one in the list.
pub(super) fn choose_winners(conversations: &[EmbeddedConversation]) -> BTreeMap<&str, usize> {
    let mut winners: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, conversation) in conversations.iter().enumerate() {
        let winner = winners
            .entry(&conversation.conversation_id)
            .or_insert(index);
        let version = |index: usize| {
            let EmbeddedConversation {
                event_time,
                event_digest,
                ..
            } = &conversations[index];
            (event_time, event_digest)
        };
        if version(*winner) <= version(index) {
            *winner = index;
        }
    }
    winners
}

/// Builds the error of a table whose vectors have another length than the model's. An operator corrects it: no conversation
/// is to blame.
pub(super) fn dimension_mismatch(table: usize, model: &EmbeddingModel) -> Error {
    let EmbeddingModel { name, dimension } = model;
    Error::missing(format!(
        "a table for the model {name} with {dimension} dimensions (the table conversation_embeddings holds vectors of {table} \
         dimensions, and nothing is written until both agree: set the former model again, or name an empty database and embed \
         all conversations anew)"
    ))
}

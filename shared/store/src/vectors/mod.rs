//! Vectors: the embedded chunks of conversations, replaced as a whole when a conversation is delivered again or edited,
//! and searched by cosine with exact filters on their metadata.
//!
//! All rows of a table are vectors of one length. A search compares only rows of the model that made the query.

mod postgres;
mod rotation;
#[cfg(feature = "embedded-vectors")]
mod sqlite;
#[cfg(test)]
mod tests;
mod tls;

pub use postgres::PgVectors;
pub use rotation::RenewUrl;
#[cfg(feature = "embedded-vectors")]
pub use sqlite::SqliteVectors;

use std::collections::{BTreeMap, HashMap};
use std::future::Future;

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::Error;

/// The most hits that a search gives.
pub const MAX_HITS: usize = 1000;

/// A conversation to be stored in place of whatever is stored of it.
#[derive(Clone, PartialEq)]
pub struct Conversation {
    /// The contact centre's id, at most 255 bytes.
    pub conversation_id: String,
    /// When the event happened. An earlier one never replaces a later one; an equal one does.
    pub event_time: Timestamp,
    /// A digest of the text and of how it was prepared.
    pub content_hash: String,
    /// The chunks; with none, the conversation is removed.
    pub rows: Vec<Row>,
}

/// A chunk with its vector.
#[derive(Clone, PartialEq)]
pub struct Row {
    /// The same for the same conversation, index and model.
    pub id: Uuid,
    /// Its place in the conversation, from 0.
    pub chunk_index: u32,
    /// Its text.
    pub text: String,
    /// Its vector, of the table's length.
    pub embedding: Vec<f32>,
    /// What can be filtered by.
    pub metadata: Map<String, Value>,
}

/// Shows no text.
impl std::fmt::Debug for Conversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversation")
            .field("conversation_id", &self.conversation_id)
            .field("event_time", &self.event_time)
            .field("content_hash", &self.content_hash)
            .field("rows", &self.rows.len())
            .finish()
    }
}

/// What became of a conversation that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored, and nothing older of it.
    Stored,
    /// A later version was stored already and stays.
    Outdated,
}

/// What is known of a stored conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// When its event happened.
    pub event_time: Timestamp,
    /// The digest it was stored with.
    pub content_hash: String,
}

/// A search: the nearest rows that match a filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The query's vector, of the table's length.
    pub embedding: Vec<f32>,
    /// How many hits at most, 1 to [`MAX_HITS`].
    pub limit: usize,
    /// Top-level metadata fields with the value each must have.
    pub filter: BTreeMap<String, Value>,
}

/// A row that was found.
#[derive(Clone, PartialEq)]
pub struct Hit {
    /// The contact centre's id of the conversation.
    pub conversation_id: String,
    /// The chunk's place in it, from 0.
    pub chunk_index: u32,
    /// The chunk's text.
    pub text: String,
    /// The cosine, -1 to 1, greater is nearer.
    pub score: f64,
    /// What was stored beside it.
    pub metadata: Map<String, Value>,
}

/// Shows no text.
impl std::fmt::Debug for Hit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hit")
            .field("conversation_id", &self.conversation_id)
            .field("chunk_index", &self.chunk_index)
            .field("score", &self.score)
            .finish_non_exhaustive()
    }
}

/// A store of vectors of one model.
pub trait VectorStore: Send + Sync {
    /// What is stored of the conversations under this store's model; those not stored are left out.
    fn versions(
        &self,
        conversations: &[&str],
    ) -> impl Future<Output = Result<HashMap<String, Version>, Error>> + Send;

    /// Stores conversations, each in place of all that is stored of it, in one transaction and one round trip. Gives an
    /// outcome each, in order; of two with the same id in one call the later event holds, of equal ones the later in
    /// the list.
    ///
    /// # Errors
    /// [`Error::Limit`] for a vector of another length; nothing is stored then. After [`Error::Unavailable`] the rows
    /// may be stored: store the same again.
    fn replace(
        &self,
        conversations: &[Conversation],
    ) -> impl Future<Output = Result<Vec<Outcome>, Error>> + Send;

    /// The nearest rows that match the filter, nearest first; as many as the limit if so many match.
    ///
    /// # Errors
    /// [`Error::Limit`] for a vector of another length or a limit out of bounds.
    fn search(&self, query: &Query) -> impl Future<Output = Result<Vec<Hit>, Error>> + Send;

    /// How many rows are stored.
    fn count(&self) -> impl Future<Output = Result<u64, Error>> + Send;
}

/// The model whose vectors a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Its name and version.
    pub name: String,
    /// The length of its vectors.
    pub dimension: usize,
}

/// The vector store of a running function, chosen at start.
#[derive(Debug, Clone)]
pub enum Vectors {
    /// PostgreSQL with pgvector.
    Postgres(PgVectors),
    /// A SQLite file with sqlite-vec.
    #[cfg(feature = "embedded-vectors")]
    Sqlite(SqliteVectors),
}

macro_rules! each {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Vectors::Postgres($store) => $call,
            #[cfg(feature = "embedded-vectors")]
            Vectors::Sqlite($store) => $call,
        }
    };
}

impl VectorStore for Vectors {
    async fn versions(&self, conversations: &[&str]) -> Result<HashMap<String, Version>, Error> {
        each!(self, store => store.versions(conversations).await)
    }

    async fn replace(&self, conversations: &[Conversation]) -> Result<Vec<Outcome>, Error> {
        each!(self, store => store.replace(conversations).await)
    }

    async fn search(&self, query: &Query) -> Result<Vec<Hit>, Error> {
        each!(self, store => store.search(query).await)
    }

    async fn count(&self) -> Result<u64, Error> {
        each!(self, store => store.count().await)
    }
}

/// A vector must have the table's length and finite values.
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

fn check_conversations(conversations: &[Conversation], dimension: usize) -> Result<(), Error> {
    for conversation in conversations {
        let what = format!("a vector of conversation {}", conversation.conversation_id);
        conversation
            .rows
            .iter()
            .try_for_each(|row| check_vector(&row.embedding, dimension, &what))?;
    }
    Ok(())
}

fn check_query(query: &Query, dimension: usize) -> Result<(), Error> {
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

/// Which conversation of a call holds under each id, as its index: the latest event, of equal ones the last in the list.
fn winners(conversations: &[Conversation]) -> BTreeMap<&str, usize> {
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

/// The error of a table whose vectors have another length.
fn dimension_mismatch(table: usize, model: &Model) -> Error {
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

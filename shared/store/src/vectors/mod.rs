//! Vectors: the embedded chunks of conversations, replaced as a whole when a conversation is delivered again or edited, and
//! searched by cosine with exact filters on their metadata.
//!
//! All rows of a table are vectors of one length. A search compares only rows of the model that embedded the query.

mod any_vectors;
mod erased;
mod postgres;
#[cfg(feature = "embedded-vectors")]
mod sqlite;
#[cfg(test)]
mod tests;
mod vector_store;

pub use any_vectors::Vectors;
pub use erased::ErasedVectorStore;
pub use postgres::{Access, PgVectors, ReadUrl, UrlFreshness};
#[cfg(feature = "embedded-vectors")]
pub use sqlite::SqliteVectors;
pub use vector_store::{
    ChunkRow, EmbeddedConversation, EmbeddingModel, MAX_HITS, MAX_OTHER_ROWS, ReplaceOutcome,
    SearchHit, StoredVersion, VectorQuery, VectorStore,
};

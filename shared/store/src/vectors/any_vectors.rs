//! The vector store of a running function, which is chosen at start.

use std::collections::HashMap;

use super::postgres::PgVectors;
#[cfg(feature = "embedded-vectors")]
use super::sqlite::SqliteVectors;
use super::vector_store::{
    EmbeddedConversation, ReplaceOutcome, SearchHit, StoredVersion, VectorQuery, VectorStore,
};
use crate::Error;

/// The vector store of a running function, chosen at start. Clones share the connections.
#[derive(Debug, Clone)]
pub enum Vectors {
    /// A database of PostgreSQL with pgvector.
    Postgres(PgVectors),
    /// A SQLite file with sqlite-vec.
    #[cfg(feature = "embedded-vectors")]
    Sqlite(SqliteVectors),
}

/// Calls the store that was chosen.
macro_rules! with_store {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Vectors::Postgres($store) => $call,
            #[cfg(feature = "embedded-vectors")]
            Vectors::Sqlite($store) => $call,
        }
    };
}

impl VectorStore for Vectors {
    async fn versions(
        &self,
        conversations: &[&str],
    ) -> Result<HashMap<String, StoredVersion>, Error> {
        with_store!(self, store => store.versions(conversations).await)
    }

    async fn replace(
        &self,
        conversations: &[EmbeddedConversation],
    ) -> Result<Vec<ReplaceOutcome>, Error> {
        with_store!(self, store => store.replace(conversations).await)
    }

    async fn search(&self, query: &VectorQuery) -> Result<Vec<SearchHit>, Error> {
        with_store!(self, store => store.search(query).await)
    }

    async fn count(&self) -> Result<u64, Error> {
        with_store!(self, store => store.count().await)
    }
}

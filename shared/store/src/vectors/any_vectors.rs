//! The vector store of a running function, which is chosen at start.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::erased::ErasedVectorStore;
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
    /// Another store, such as that of a simulation.
    Other(Arc<dyn ErasedVectorStore>),
}

impl Vectors {
    /// Wraps another store than those of the product.
    #[must_use]
    pub fn other(store: impl VectorStore + std::fmt::Debug + 'static) -> Self {
        Self::Other(Arc::new(store))
    }
}

/// Calls the store that was chosen.
macro_rules! with_store {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Vectors::Postgres($store) => $call,
            #[cfg(feature = "embedded-vectors")]
            Vectors::Sqlite($store) => $call,
            Vectors::Other($store) => $call,
        }
    };
}

impl VectorStore for Vectors {
    async fn prepare(&self, deadline: Instant) -> Result<(), Error> {
        with_store!(self, store => store.prepare(deadline).await)
    }

    async fn versions(
        &self,
        conversations: &[&str],
        deadline: Instant,
    ) -> Result<HashMap<String, StoredVersion>, Error> {
        with_store!(self, store => store.versions(conversations, deadline).await)
    }

    async fn replace(
        &self,
        conversations: &[EmbeddedConversation],
        deadline: Instant,
    ) -> Result<Vec<ReplaceOutcome>, Error> {
        with_store!(self, store => store.replace(conversations, deadline).await)
    }

    async fn search(
        &self,
        query: &VectorQuery,
        deadline: Instant,
    ) -> Result<Vec<SearchHit>, Error> {
        with_store!(self, store => store.search(query, deadline).await)
    }

    async fn count(&self, deadline: Instant) -> Result<u64, Error> {
        with_store!(self, store => store.count(deadline).await)
    }

    async fn forget(
        &self,
        conversation_id: &str,
        moment: Timestamp,
        deadline: Instant,
    ) -> Result<u64, Error> {
        with_store!(self, store => store.forget(conversation_id, moment, deadline).await)
    }

    async fn delete_before(
        &self,
        moment: Timestamp,
        limit: u32,
        deadline: Instant,
    ) -> Result<u64, Error> {
        with_store!(self, store => store.delete_before(moment, limit, deadline).await)
    }

    async fn other_models(&self, deadline: Instant) -> Result<BTreeMap<String, u64>, Error> {
        with_store!(self, store => store.other_models(deadline).await)
    }

    async fn delete_other_models(&self, limit: u32, deadline: Instant) -> Result<u64, Error> {
        with_store!(self, store => store.delete_other_models(limit, deadline).await)
    }
}

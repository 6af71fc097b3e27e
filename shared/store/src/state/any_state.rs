//! The state store of a running function, which is chosen at start.

use std::sync::Arc;

use jiff::Timestamp;

#[cfg(feature = "aws")]
use super::dynamo::DynamoState;
use super::erased::ErasedStateStore;
use super::item::{Expect, Item, Key, Put};
#[cfg(feature = "embedded")]
use super::sqlite::SqliteState;
use super::state_store::StateStore;
use crate::Error;

/// The state store of a running function, chosen at start. Clones share the store.
#[derive(Debug, Clone)]
pub enum State {
    /// A table of DynamoDB.
    #[cfg(feature = "aws")]
    Dynamo(DynamoState),
    /// The state in a SQLite file.
    #[cfg(feature = "embedded")]
    Sqlite(SqliteState),
    /// Another store, such as that of a simulation.
    Other(Arc<dyn ErasedStateStore>),
}

impl State {
    /// Wraps another store than those of the product.
    #[must_use]
    pub fn other(store: impl StateStore + std::fmt::Debug + 'static) -> Self {
        Self::Other(Arc::new(store))
    }

    /// Removes what was deleted from wherever the store keeps it for a while, as far as the store lets its user do so.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn overwrite_deleted(&self) -> Result<(), Error> {
        match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(state) => state.overwrite_deleted().await,
            _ => Ok(()),
        }
    }
}

/// Calls the store that was chosen.
macro_rules! with_store {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            #[cfg(feature = "aws")]
            State::Dynamo($store) => $call,
            #[cfg(feature = "embedded")]
            State::Sqlite($store) => $call,
            State::Other($store) => $call,
        }
    };
}

impl StateStore for State {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Item>, Error> {
        with_store!(self, store => store.get(key, now).await)
    }

    async fn put(&self, put: Put, expect: Expect, now: Timestamp) -> Result<u64, Error> {
        with_store!(self, store => store.put(put, expect, now).await)
    }

    async fn put_many(&self, puts: Vec<Put>, now: Timestamp) -> Result<(), Error> {
        with_store!(self, store => store.put_many(puts, now).await)
    }

    async fn delete(&self, key: &Key, expect: Expect, now: Timestamp) -> Result<(), Error> {
        with_store!(self, store => store.delete(key, expect, now).await)
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Item>, Error> {
        with_store!(self, store => store.list(partition, prefix, after, limit, now).await)
    }

    async fn list_relaxed(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Item>, Error> {
        with_store!(self, store => store.list_relaxed(partition, prefix, after, limit, now).await)
    }
}

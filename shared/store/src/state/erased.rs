//! A state store behind a pointer, for stores that the product does not know by type.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;

use super::item::{Expect, Item, Key, Put};
use super::state_store::StateStore;
use crate::Error;

/// A [`StateStore`] whose futures are boxed, so that it can be used through a pointer. Every state store is one.
pub trait ErasedStateStore: std::fmt::Debug + Send + Sync {
    /// Does what [`StateStore::get`] does.
    fn get_boxed<'a>(
        &'a self,
        key: &'a Key,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Item>, Error>>;

    /// Does what [`StateStore::put`] does.
    fn put_boxed(
        &self,
        put: Put,
        expect: Expect,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<u64, Error>>;

    /// Does what [`StateStore::put_many`] does.
    fn put_many_boxed(&self, puts: Vec<Put>, now: Timestamp) -> BoxFuture<'_, Result<(), Error>>;

    /// Does what [`StateStore::delete`] does.
    fn delete_boxed<'a>(
        &'a self,
        key: &'a Key,
        expect: Expect,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Does what [`StateStore::list`] does.
    fn list_boxed<'a>(
        &'a self,
        partition: &'a str,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Item>, Error>>;
}

impl<T: StateStore + std::fmt::Debug> ErasedStateStore for T {
    fn get_boxed<'a>(
        &'a self,
        key: &'a Key,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Item>, Error>> {
        Box::pin(StateStore::get(self, key, now))
    }

    fn put_boxed(
        &self,
        put: Put,
        expect: Expect,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<u64, Error>> {
        Box::pin(StateStore::put(self, put, expect, now))
    }

    fn put_many_boxed(&self, puts: Vec<Put>, now: Timestamp) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(StateStore::put_many(self, puts, now))
    }

    fn delete_boxed<'a>(
        &'a self,
        key: &'a Key,
        expect: Expect,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(StateStore::delete(self, key, expect, now))
    }

    fn list_boxed<'a>(
        &'a self,
        partition: &'a str,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Item>, Error>> {
        Box::pin(StateStore::list(self, partition, prefix, after, limit, now))
    }
}

impl StateStore for Arc<dyn ErasedStateStore> {
    async fn get(&self, key: &Key, now: Timestamp) -> Result<Option<Item>, Error> {
        (**self).get_boxed(key, now).await
    }

    async fn put(&self, put: Put, expect: Expect, now: Timestamp) -> Result<u64, Error> {
        (**self).put_boxed(put, expect, now).await
    }

    async fn put_many(&self, puts: Vec<Put>, now: Timestamp) -> Result<(), Error> {
        (**self).put_many_boxed(puts, now).await
    }

    async fn delete(&self, key: &Key, expect: Expect, now: Timestamp) -> Result<(), Error> {
        (**self).delete_boxed(key, expect, now).await
    }

    async fn list(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Item>, Error> {
        (**self)
            .list_boxed(partition, prefix, after, limit, now)
            .await
    }
}

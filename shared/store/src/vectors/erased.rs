//! A vector store behind a pointer, for stores that the product does not know by type.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::time::Instant;

use super::vector_store::{
    EmbeddedConversation, ReplaceOutcome, SearchHit, StoredVersion, VectorQuery, VectorStore,
};
use crate::Error;

/// A [`VectorStore`] whose futures are boxed, so that it can be used through a pointer. Every vector store is one.
pub trait ErasedVectorStore: std::fmt::Debug + Send + Sync {
    /// Does what [`VectorStore::prepare`] does.
    fn prepare_boxed<'a>(&'a self, deadline: Instant) -> BoxFuture<'a, Result<(), Error>>;

    /// Does what [`VectorStore::versions`] does.
    fn versions_boxed<'a>(
        &'a self,
        conversations: &'a [&'a str],
        deadline: Instant,
    ) -> BoxFuture<'a, Result<HashMap<String, StoredVersion>, Error>>;

    /// Does what [`VectorStore::replace`] does.
    fn replace_boxed<'a>(
        &'a self,
        conversations: &'a [EmbeddedConversation],
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Vec<ReplaceOutcome>, Error>>;

    /// Does what [`VectorStore::search`] does.
    fn search_boxed<'a>(
        &'a self,
        query: &'a VectorQuery,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Vec<SearchHit>, Error>>;

    /// Does what [`VectorStore::count`] does.
    fn count_boxed<'a>(&'a self, deadline: Instant) -> BoxFuture<'a, Result<u64, Error>>;

    /// Does what [`VectorStore::forget`] does.
    fn forget_boxed<'a>(
        &'a self,
        conversation_id: &'a str,
        moment: Timestamp,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<u64, Error>>;

    /// Does what [`VectorStore::delete_before`] does.
    fn delete_before_boxed<'a>(
        &'a self,
        moment: Timestamp,
        limit: u32,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<u64, Error>>;

    /// Does what [`VectorStore::other_models`] does.
    fn other_models_boxed<'a>(
        &'a self,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<BTreeMap<String, u64>, Error>>;

    /// Does what [`VectorStore::delete_other_models`] does.
    fn delete_other_models_boxed<'a>(
        &'a self,
        limit: u32,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<u64, Error>>;
}

impl<T: VectorStore + std::fmt::Debug> ErasedVectorStore for T {
    fn prepare_boxed<'a>(&'a self, deadline: Instant) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(VectorStore::prepare(self, deadline))
    }

    fn versions_boxed<'a>(
        &'a self,
        conversations: &'a [&'a str],
        deadline: Instant,
    ) -> BoxFuture<'a, Result<HashMap<String, StoredVersion>, Error>> {
        Box::pin(VectorStore::versions(self, conversations, deadline))
    }

    fn replace_boxed<'a>(
        &'a self,
        conversations: &'a [EmbeddedConversation],
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Vec<ReplaceOutcome>, Error>> {
        Box::pin(VectorStore::replace(self, conversations, deadline))
    }

    fn search_boxed<'a>(
        &'a self,
        query: &'a VectorQuery,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Vec<SearchHit>, Error>> {
        Box::pin(VectorStore::search(self, query, deadline))
    }

    fn count_boxed<'a>(&'a self, deadline: Instant) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(VectorStore::count(self, deadline))
    }

    fn forget_boxed<'a>(
        &'a self,
        conversation_id: &'a str,
        moment: Timestamp,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(VectorStore::forget(self, conversation_id, moment, deadline))
    }

    fn delete_before_boxed<'a>(
        &'a self,
        moment: Timestamp,
        limit: u32,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(VectorStore::delete_before(self, moment, limit, deadline))
    }

    fn other_models_boxed<'a>(
        &'a self,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<BTreeMap<String, u64>, Error>> {
        Box::pin(VectorStore::other_models(self, deadline))
    }

    fn delete_other_models_boxed<'a>(
        &'a self,
        limit: u32,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(VectorStore::delete_other_models(self, limit, deadline))
    }
}

impl VectorStore for Arc<dyn ErasedVectorStore> {
    async fn prepare(&self, deadline: Instant) -> Result<(), Error> {
        (**self).prepare_boxed(deadline).await
    }

    async fn versions(
        &self,
        conversations: &[&str],
        deadline: Instant,
    ) -> Result<HashMap<String, StoredVersion>, Error> {
        (**self).versions_boxed(conversations, deadline).await
    }

    async fn replace(
        &self,
        conversations: &[EmbeddedConversation],
        deadline: Instant,
    ) -> Result<Vec<ReplaceOutcome>, Error> {
        (**self).replace_boxed(conversations, deadline).await
    }

    async fn search(
        &self,
        query: &VectorQuery,
        deadline: Instant,
    ) -> Result<Vec<SearchHit>, Error> {
        (**self).search_boxed(query, deadline).await
    }

    async fn count(&self, deadline: Instant) -> Result<u64, Error> {
        (**self).count_boxed(deadline).await
    }

    async fn forget(
        &self,
        conversation_id: &str,
        moment: Timestamp,
        deadline: Instant,
    ) -> Result<u64, Error> {
        (**self)
            .forget_boxed(conversation_id, moment, deadline)
            .await
    }

    async fn delete_before(
        &self,
        moment: Timestamp,
        limit: u32,
        deadline: Instant,
    ) -> Result<u64, Error> {
        (**self).delete_before_boxed(moment, limit, deadline).await
    }

    async fn other_models(&self, deadline: Instant) -> Result<BTreeMap<String, u64>, Error> {
        (**self).other_models_boxed(deadline).await
    }

    async fn delete_other_models(&self, limit: u32, deadline: Instant) -> Result<u64, Error> {
        (**self).delete_other_models_boxed(limit, deadline).await
    }
}

//! A question to the conversations that answer it.

use std::collections::BTreeMap;

use insights_http::Deadline;
use serde_json::Value;
use store::vectors::{Hit, Query, VectorStore, Vectors};

use crate::provider::{EmbeddingProvider, Provider, ProviderError};

/// Why a search has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The question has no vector.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store did not answer, or refused the query.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Finds conversations.
#[derive(Debug, Clone)]
pub struct Searcher {
    provider: Provider,
    store: Vectors,
}

/// Exact conditions on the metadata; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// `intent_category`.
    pub intent: Option<String>,
    /// `contains_pii`.
    pub contains_pii: Option<bool>,
}

impl Searcher {
    /// A searcher on vectors of the provider's model.
    #[must_use]
    pub fn new(provider: Provider, store: Vectors) -> Self {
        Self { provider, store }
    }

    /// The chunks nearest to a question, nearest first.
    ///
    /// # Errors
    /// [`SearchError`] if the provider or the store fails.
    pub async fn search(
        &self,
        question: &str,
        limit: usize,
        filter: &Filter,
        deadline: Deadline,
    ) -> Result<Vec<Hit>, SearchError> {
        let mut vectors = self.provider.embed(&[question], deadline).await;
        let embedding = vectors.pop().unwrap_or_else(|| Ok(Vec::new()))?;
        Ok(self
            .store
            .search(&Query {
                embedding,
                limit,
                filter: filter.fields(),
            })
            .await?)
    }
}

impl Filter {
    fn fields(&self) -> BTreeMap<String, Value> {
        let intent = self
            .intent
            .as_ref()
            .map(|intent| ("intent_category".to_owned(), Value::from(intent.as_str())));
        let pii = self
            .contains_pii
            .map(|pii| ("contains_pii".to_owned(), Value::from(pii)));
        intent.into_iter().chain(pii).collect()
    }
}

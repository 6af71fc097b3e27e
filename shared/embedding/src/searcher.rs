//! Finds the conversations that answer a question.

use std::collections::BTreeMap;

use insights_http::Deadline;
use serde_json::Value;
use store::vectors::{SearchHit, VectorQuery, VectorStore, Vectors};

use crate::provider::{EmbeddingProvider, Provider, ProviderError};

/// Why a search has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The question has no vector.
    #[error("the question was not embedded")]
    Provider(#[from] ProviderError),
    /// The store did not answer, or refused the query.
    #[error("the stored conversations were not searched")]
    Store(#[from] store::Error),
}

/// Finds stored conversations by the meaning of a question. Clones share the provider and the store.
#[derive(Debug, Clone)]
pub struct Searcher {
    provider: Provider,
    store: Vectors,
}

/// Exact conditions on the metadata of a hit; a condition that is `None` holds for every hit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The category that a hit must have. Case does not matter, and spaces and hyphens stand for underscores.
    pub intent: Option<String>,
    /// The value that `contains_pii` must have.
    pub contains_pii: Option<bool>,
}

impl Searcher {
    /// Creates a searcher over the vectors of the provider's model.
    #[must_use]
    pub fn new(provider: Provider, store: Vectors) -> Self {
        Self { provider, store }
    }

    /// Returns at most `limit` chunks that are nearest to a question and match the filter, nearest first.
    ///
    /// # Errors
    /// [`SearchError`] if the provider or the store fails.
    pub async fn search(
        &self,
        question: &str,
        limit: usize,
        filter: &Filter,
        deadline: Deadline,
    ) -> Result<Vec<SearchHit>, SearchError> {
        let mut vectors = self.provider.embed(&[question], deadline).await;
        let embedding = vectors.pop().unwrap_or_else(|| Ok(Vec::new()))?;
        let query = VectorQuery {
            embedding,
            limit,
            filter: filter.to_metadata(),
        };
        Ok(self.store.search(&query, deadline.instant()).await?)
    }
}

impl Filter {
    /// Returns the metadata fields that a hit must have, with their values.
    fn to_metadata(&self) -> BTreeMap<String, Value> {
        let intent = self
            .intent
            .as_ref()
            .map(|intent| ("intent_category".to_owned(), category_name(intent).into()));
        let pii = self
            .contains_pii
            .map(|pii| ("contains_pii".to_owned(), Value::from(pii)));
        intent.into_iter().chain(pii).collect()
    }
}

/// Returns the name of a category as it is stored: names consist of lower-case letters, digits and underscores.
fn category_name(written: &str) -> String {
    written.trim().to_ascii_lowercase().replace([' ', '-'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_is_found_however_it_is_written() {
        for written in [
            "billing_dispute",
            "Billing_Dispute",
            " BILLING-DISPUTE ",
            "Billing dispute",
        ] {
            let filter = Filter {
                intent: Some(written.to_owned()),
                contains_pii: None,
            };
            let metadata = filter.to_metadata();
            assert_eq!(metadata["intent_category"], "billing_dispute", "{written}");
        }
        assert!(Filter::default().to_metadata().is_empty());
    }
}

//! Every error of this crate keeps its cause: a log that writes the chain shows what happened underneath.

use std::error::Error;
use std::sync::Arc;

use embedding::indexer::{IndexingError, NotIndexed};
use embedding::provider::ProviderError;
use insights_http::WithCauses;

/// An error of a service with a cause of its own.
fn service_error() -> insights_http::Error {
    let cause = std::io::Error::other("connection reset by peer");
    insights_http::Error::Secret {
        what: "the key of the embeddings service",
        source: Arc::new(cause),
    }
}

#[test]
fn a_provider_error_keeps_the_whole_chain_and_says_each_part_once() {
    for error in [
        ProviderError::Text(Arc::new(service_error())),
        ProviderError::Unavailable(Arc::new(service_error())),
    ] {
        let cause = error.source().expect("a cause");
        assert_eq!(
            cause.to_string(),
            "the key of the embeddings service could not be read"
        );
        let chain = WithCauses(&error).to_string();
        for part in [cause.to_string().as_str(), "connection reset by peer"] {
            assert_eq!(chain.matches(part).count(), 1, "{chain}");
        }
    }
}

#[test]
fn an_event_that_was_not_indexed_keeps_the_whole_chain() {
    let provider = ProviderError::Unavailable(Arc::new(service_error()));
    let store = store::Error::Unavailable {
        store: "PostgreSQL",
        operation: "replace",
        source: Box::new(std::io::Error::other("connection reset by peer")),
    };
    let conversation_id = "conversation-7".to_owned();
    for source in [
        IndexingError::Embedding(provider.clone()),
        IndexingError::Prototypes(provider),
        IndexingError::Storage(Arc::new(store)),
    ] {
        let error = NotIndexed::Later {
            conversation_id: conversation_id.clone(),
            source,
        };
        let chain = WithCauses(&error).to_string();
        assert!(
            chain.starts_with("conversation conversation-7 was not indexed this time: "),
            "{chain}"
        );
        assert!(chain.ends_with(": connection reset by peer"), "{chain}");
    }
}

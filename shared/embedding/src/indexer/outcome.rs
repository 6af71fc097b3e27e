//! What became of an event, and why an event was not indexed.

use std::collections::HashMap;
use std::sync::Arc;

use insights_core::indexing::{NoText, PreparedConversation};
use insights_core::intent::IntentCategories;
use store::vectors::{EmbeddedConversation, ReplaceOutcome, StoredVersion};

use crate::provider::ProviderError;

/// What became of an event that needs no more work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indexed {
    /// The conversation of the event is stored, in place of whatever was stored of it.
    Stored {
        /// Rows that were written, one for each chunk.
        chunks: usize,
    },
    /// The source has removed the text of the conversation, and nothing of it is stored any more.
    Removed,
    /// The same event was stored already.
    Unchanged,
    /// A later version of the conversation is stored.
    Outdated,
}

/// Why an event was not indexed; each variant is a different decision for the caller. Messages name conversations, paths
/// and causes, never content.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotIndexed {
    /// The event will never be indexed: it becomes a dead letter, for a person to look at.
    #[error("conversation {conversation_id} cannot be indexed")]
    Rejected {
        /// The conversation of the event.
        conversation_id: String,
        /// The failure behind the outcome.
        #[source]
        source: IndexingError,
    },
    /// The event was not indexed this time and may be later: the caller delivers it again.
    #[error("conversation {conversation_id} was not indexed this time")]
    Later {
        /// The conversation of the event.
        conversation_id: String,
        /// The failure behind the outcome.
        #[source]
        source: IndexingError,
    },
}

/// An example sentence of an intent category cannot be embedded, so that an operator must change the categories.
#[derive(Debug, thiserror::Error)]
#[error("the example sentence {position} of the intent category {category} cannot be embedded")]
pub struct InvalidPrototype {
    /// The name of the category.
    pub category: String,
    /// The position of the sentence in its category, from 1.
    pub position: usize,
    /// The error of the provider.
    #[source]
    pub source: ProviderError,
}

impl InvalidPrototype {
    /// Builds the error of the sentence at a position among the sentences of all categories, from 0.
    pub(super) fn new(
        categories: &IntentCategories,
        mut position: usize,
        source: ProviderError,
    ) -> Self {
        let mut name = String::new();
        for category in &categories.categories {
            name.clone_from(&category.name);
            if position < category.prototypes.len() {
                break;
            }
            position -= category.prototypes.len();
        }
        Self {
            category: name,
            position: position + 1,
            source,
        }
    }
}

/// The step of indexing that failed, with the error underneath.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IndexingError {
    /// The data of the event holds no text at the configured paths.
    #[error("the event was not mapped to text")]
    Mapping(#[source] NoText),
    /// The text could not be redacted, and what cannot be redacted is not stored.
    #[error("the text was not redacted")]
    Redaction,
    /// The versions of stored conversations were not read.
    #[error("the event was not compared with what is stored")]
    Comparison(#[source] Arc<store::Error>),
    /// The example sentences of the intent categories have no vectors.
    #[error("the example sentences of the intent categories were not embedded")]
    Prototypes(#[source] ProviderError),
    /// A chunk of the conversation has no vector.
    #[error("the conversation was not embedded")]
    Embedding(#[source] ProviderError),
    /// The rows of the conversation were not written.
    #[error("the conversation was not stored")]
    Storage(#[source] Arc<store::Error>),
    /// The time for embedding ended before the conversation's turn came.
    #[error("the time ended before the conversation was embedded")]
    OutOfTime,
    /// The work on the event ended before it had a result, because a worker thread panicked.
    #[error("the work was broken off")]
    Interrupted,
}

impl NotIndexed {
    /// Builds the failure of one conversation: rejected if the same event would fail again, else to be tried later.
    pub(super) fn new(conversation_id: &str, source: IndexingError) -> Self {
        let conversation_id = conversation_id.to_owned();
        if source.is_permanent() {
            Self::Rejected {
                conversation_id,
                source,
            }
        } else {
            Self::Later {
                conversation_id,
                source,
            }
        }
    }
}

impl NotIndexed {
    /// Returns the failure behind the outcome.
    #[must_use]
    pub fn failure(&self) -> &IndexingError {
        match self {
            Self::Rejected { source, .. } | Self::Later { source, .. } => source,
        }
    }
}

impl IndexingError {
    /// Returns whether the store failed, and not the model or the service that embeds.
    #[must_use]
    pub fn is_of_store(&self) -> bool {
        matches!(self, Self::Comparison(_) | Self::Storage(_))
    }

    /// Returns whether the same event would fail again.
    fn is_permanent(&self) -> bool {
        match self {
            Self::Mapping(_) | Self::Redaction => true,
            Self::Embedding(error) => matches!(error, ProviderError::Text(_)),
            Self::Storage(error) => concerns_one_row(error),
            Self::Comparison(_) | Self::Prototypes(_) | Self::OutOfTime | Self::Interrupted => {
                false
            }
        }
    }
}

/// Returns what became of a conversation that needs no work, given the versions that are stored; `None` if it needs work.
pub(super) fn settled_outcome(
    prepared: &PreparedConversation,
    versions: &HashMap<String, StoredVersion>,
) -> Option<Indexed> {
    let stored = versions.get(&prepared.conversation_id)?;
    if stored.event_time > prepared.event_time {
        Some(Indexed::Outdated)
    } else if stored.event_time < prepared.event_time {
        None
    } else if stored.content_hash == prepared.content_hash {
        Some(Indexed::Unchanged)
    } else if stored.event_digest > prepared.event_digest {
        Some(Indexed::Outdated)
    } else {
        None
    }
}

/// Returns what became of a conversation that was handed to the store.
pub(super) fn stored_outcome(
    outcome: ReplaceOutcome,
    conversation: &EmbeddedConversation,
) -> Indexed {
    match outcome {
        ReplaceOutcome::Stored if conversation.rows.is_empty() => Indexed::Removed,
        ReplaceOutcome::Stored => Indexed::Stored {
            chunks: conversation.rows.len(),
        },
        ReplaceOutcome::Outdated => Indexed::Outdated,
    }
}

/// Returns whether an error of the store may be the fault of one conversation among several.
pub(super) fn concerns_one_row(error: &store::Error) -> bool {
    matches!(
        error,
        store::Error::Corrupt { .. } | store::Error::Limit { .. }
    )
}

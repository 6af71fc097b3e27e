//! What became of an event, and why.

use std::collections::HashMap;

use insights_core::indexing::Prepared;
use insights_http::WithCauses;
use store::vectors::{Conversation, Outcome, Version};

use super::{Results, Underway};
use crate::provider::ProviderError;

/// What became of an event that needs no more work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indexed {
    /// Its conversation is stored in so many chunks, in place of whatever was.
    Stored {
        /// Rows.
        chunks: usize,
    },
    /// Just this was stored already.
    Unchanged,
    /// A later version is stored.
    Outdated,
}

/// Why an event was not indexed. Messages name conversations, paths and causes, never content.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotIndexed {
    /// It will never be: a person must look at it.
    #[error("{0}")]
    Rejected(String),
    /// It may be later.
    #[error("{0}")]
    Later(String),
}

/// Whether the conversation needs no work, given what is stored.
pub(super) fn verdict(prepared: &Prepared, versions: &HashMap<String, Version>) -> Option<Indexed> {
    let stored = versions.get(&prepared.conversation_id)?;
    if stored.event_time > prepared.event_time {
        Some(Indexed::Outdated)
    } else if stored.event_time == prepared.event_time
        && stored.content_hash == prepared.content_hash
    {
        Some(Indexed::Unchanged)
    } else {
        None
    }
}

pub(super) fn indexed(outcome: Outcome, conversation: &Conversation) -> Indexed {
    match outcome {
        Outcome::Stored => Indexed::Stored {
            chunks: conversation.rows.len(),
        },
        Outcome::Outdated => Indexed::Outdated,
    }
}

/// Whether a store's error may be the fault of one conversation among several.
pub(super) fn is_of_one_row(error: &store::Error) -> bool {
    matches!(
        error,
        store::Error::Corrupt { .. } | store::Error::Limit { .. }
    )
}

pub(super) fn not_stored(conversation: &Conversation, error: &store::Error) -> NotIndexed {
    let reason = format!(
        "conversation {} was not stored: {}",
        conversation.conversation_id,
        WithCauses(error)
    );
    if is_of_one_row(error) {
        NotIndexed::Rejected(reason)
    } else {
        NotIndexed::Later(reason)
    }
}

pub(super) fn not_embedded(prepared: &Prepared, error: &ProviderError) -> NotIndexed {
    let reason = format!(
        "conversation {} was not embedded: {}",
        prepared.conversation_id,
        WithCauses(error)
    );
    match error {
        ProviderError::Text(_) => NotIndexed::Rejected(reason),
        ProviderError::Unavailable(_) => NotIndexed::Later(reason),
    }
}

pub(super) fn fail_all(underway: &[Underway], results: &mut Results, error: &store::Error) {
    for one in underway {
        let reason = format!(
            "conversation {} was not compared with what is stored: {}",
            one.prepared.conversation_id,
            WithCauses(error)
        );
        results[one.place] = Some(Err(NotIndexed::Later(reason)));
    }
}

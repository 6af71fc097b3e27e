//! What the contact center has not acknowledged yet: the newest attributes, and suggestions.
//!
//! Attributes are sent at least once: sending them again is harmless, because every patch carries the newest values. The
//! acknowledged revision is therefore not written on its own, and may be behind in the store.
//!
//! A suggestion is sent at least once, always with the same idempotency key, and its answer is written at once. Until then a
//! crash sends it again, and the contact center recognizes the key.

use super::action::CallAction;
use super::call_state::CallState;
use super::suggestion::SuggestionStatus;

/// Returns the actions that send everything that is not acknowledged yet.
pub(super) fn pending(state: &CallState) -> Vec<CallAction> {
    let attributes =
        (state.acknowledged_revision < state.revision).then(|| CallAction::SendAttributes {
            revision: state.revision,
            attributes: attributes_of(state),
        });
    let suggestions = state
        .pending_suggestions()
        .cloned()
        .map(CallAction::SendSuggestion);
    attributes.into_iter().chain(suggestions).collect()
}

/// Returns the attributes of the sentiment, and the ids of the rules that have hit, if any has.
fn attributes_of(state: &CallState) -> Vec<(&'static str, String)> {
    let mut attributes = state.attributes();
    let ids = state.rules.hit_ids();
    if !ids.is_empty() {
        attributes.push(("rules_fired", ids.join(",")));
    }
    attributes
}

/// Notes that the attributes of `revision` need not be sent again. The attributes of later revisions still do.
pub(super) fn settle_attributes(state: &mut CallState, revision: u64) {
    let known = revision.min(state.revision);
    state.acknowledged_revision = state.acknowledged_revision.max(known);
}

/// Records the contact center's answer to a pending suggestion. An answer to any other suggestion changes nothing.
pub(super) fn settle_suggestion(
    state: &mut CallState,
    key: &str,
    status: SuggestionStatus,
) -> Vec<CallAction> {
    let pending = state
        .suggestions
        .iter_mut()
        .find(|suggestion| suggestion.key == key && suggestion.is_pending());
    match pending {
        Some(suggestion) => {
            suggestion.status = status;
            vec![CallAction::SaveState]
        }
        None => Vec::new(),
    }
}

//! Groups of conversations that are embedded and stored together.

use insights_core::indexing::PreparedConversation;

/// A prepared event that has no result yet, with its position among the events of the call.
pub(super) struct PendingEvent {
    pub(super) position: usize,
    pub(super) prepared: PreparedConversation,
}

/// Splits events into groups of at most `max_chunks` chunks, the events with few chunks first. An event with more chunks is a
/// group of its own. Removals have no chunks and come first of all.
pub(super) fn split_into_groups(
    mut events: Vec<PendingEvent>,
    max_chunks: usize,
) -> Vec<Vec<PendingEvent>> {
    events.sort_by_key(|event| event.prepared.chunks.len());
    let mut groups: Vec<Vec<PendingEvent>> = Vec::new();
    let mut chunks = 0;
    for event in events {
        let own = event.prepared.chunks.len();
        match groups.last_mut() {
            Some(group) if chunks + own <= max_chunks => {
                chunks += own;
                group.push(event);
            }
            _ => {
                chunks = own;
                groups.push(vec![event]);
            }
        }
    }
    groups
}

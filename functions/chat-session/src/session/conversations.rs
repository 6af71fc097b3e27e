//! The conversations of a session.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use insights_core::chat::escalation::RaisedSeverities;
use insights_core::chat::seen::SeenIdentities;
use tokio::sync::watch;
use tokio::time::Instant;

/// Number of message identities remembered per conversation. A repeat of an older message overwrites itself in the store.
const SEEN_LIMIT: usize = 2000;
/// Number of archived conversations remembered, so that a late message does not count as a new conversation.
const ARCHIVED_LIMIT: usize = 1000;

/// A conversation that is not archived yet.
#[derive(Debug)]
pub(super) struct Conversation {
    /// The messages that have been received.
    pub(super) seen: SeenIdentities,
    /// The escalations that have been raised.
    pub(super) escalated: RaisedSeverities,
    /// Whether the conversation has ended.
    pub(super) ended: bool,
    /// When the conversation last received or sent anything.
    pub(super) last_activity: Instant,
    /// Number of messages that this session stored. If it has grown since an archive began, the conversation must be archived
    /// again.
    pub(super) stored_messages: u64,
    /// Whether an archive of the conversation is being written.
    pub(super) archiving: bool,
    /// Earliest moment of the next attempt to archive the conversation.
    pub(super) archive_not_before: Instant,
}

impl Conversation {
    /// Creates a conversation of which nothing is known.
    pub(super) fn new(ended: bool) -> Self {
        let now = Instant::now();
        Self {
            seen: SeenIdentities::new(SEEN_LIMIT),
            escalated: RaisedSeverities::default(),
            ended,
            last_activity: now,
            stored_messages: 0,
            archiving: false,
            archive_not_before: now,
        }
    }
}

/// All conversations of a session that are not archived yet, and the ids of those archived recently.
#[derive(Debug)]
pub(super) struct ConversationTable {
    open: HashMap<String, Conversation>,
    recently_archived: VecDeque<String>,
    active: watch::Sender<usize>,
}

impl ConversationTable {
    /// Creates an empty table.
    pub(super) fn new() -> Self {
        Self {
            open: HashMap::new(),
            recently_archived: VecDeque::new(),
            active: watch::channel(0).0,
        }
    }

    /// Returns a conversation that is not archived yet.
    pub(super) fn get_mut(&mut self, conversation: &str) -> Option<&mut Conversation> {
        self.open.get_mut(conversation)
    }

    /// Returns whether the table holds a conversation.
    pub(super) fn contains(&self, conversation: &str) -> bool {
        self.open.contains_key(conversation)
    }

    /// Adds a conversation to the table.
    pub(super) fn insert(&mut self, id: String, conversation: Conversation) {
        self.open.insert(id, conversation);
    }

    /// Iterates over all conversations.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&String, &mut Conversation)> {
        self.open.iter_mut()
    }

    /// Returns the ids of all conversations.
    pub(super) fn ids(&self) -> Vec<String> {
        self.open.keys().cloned().collect()
    }

    /// Returns the ids of the conversations that have not ended.
    pub(super) fn active_ids(&self) -> Vec<String> {
        self.ids_where(|conversation| !conversation.ended)
    }

    /// Returns the ids of the conversations that have not ended and had no activity for `silence`.
    pub(super) fn silent_ids(&self, silence: Duration) -> Vec<String> {
        self.ids_where(|conversation| {
            !conversation.ended && conversation.last_activity.elapsed() >= silence
        })
    }

    /// Returns whether a conversation was archived and removed from the table.
    pub(super) fn was_archived(&self, conversation: &str) -> bool {
        self.recently_archived.iter().any(|id| id == conversation)
    }

    /// Removes an archived conversation and remembers its id.
    pub(super) fn remove_archived(&mut self, conversation: &str) {
        self.open.remove(conversation);
        if self.recently_archived.len() >= ARCHIVED_LIMIT {
            self.recently_archived.pop_front();
        }
        self.recently_archived.push_back(conversation.to_owned());
    }

    /// Forgets that a conversation was archived, since it was assigned again.
    pub(super) fn forget_archived(&mut self, conversation: &str) {
        self.recently_archived.retain(|id| id != conversation);
    }

    /// Returns the number of active conversations at the last [`Self::publish_active`].
    pub(super) fn active_count(&self) -> usize {
        *self.active.borrow()
    }

    /// Returns a receiver of the number of active conversations.
    pub(super) fn watch_active(&self) -> watch::Receiver<usize> {
        self.active.subscribe()
    }

    /// Counts the active conversations and publishes the number if it has changed.
    pub(super) fn publish_active(&self) {
        let count = self.open.values().filter(|open| !open.ended).count();
        self.active
            .send_if_modified(|published| std::mem::replace(published, count) != count);
    }

    fn ids_where(&self, is_wanted: impl Fn(&Conversation) -> bool) -> Vec<String> {
        self.open
            .iter()
            .filter(|(_, conversation)| is_wanted(conversation))
            .map(|(id, _)| id.clone())
            .collect()
    }
}

//! The conversations of a session.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use insights_core::chat::archive::Gap;
use insights_core::chat::escalation::RaisedSeverities;
use insights_core::chat::message::Message;
use insights_core::chat::seen::SeenIdentities;
use insights_core::rules::{LiveRules, RuleFile, RuleHit};
use insights_http::backoff::{Backoff, BackoffPolicy};
use tokio::sync::watch;
use tokio::time::Instant;

/// Number of message identities remembered per conversation. Whether an older message was stored is looked up in the store.
const SEEN_LIMIT: usize = 10_000;
/// Number of archived conversations remembered, so that a late message does not count as a new conversation.
const ARCHIVED_LIMIT: usize = 1000;

/// A conversation that is not archived yet.
#[derive(Debug)]
pub(super) struct Conversation {
    /// The messages that have been received.
    pub(super) seen: SeenIdentities,
    /// The escalations that have been raised.
    pub(super) escalated: RaisedSeverities,
    /// What the rules of the rule file know of the conversation.
    pub(super) rules: LiveRules,
    /// Whether the windows of the rules were closed at the end of the conversation.
    pub(super) are_rules_closed: bool,
    /// When the conversation ended, in milliseconds since the epoch, if it has.
    pub(super) ended_at_ms: Option<i64>,
    /// When the conversation last received or sent anything.
    pub(super) last_activity: Instant,
    /// Number of messages that this session stored. If it has grown since an archive began, the conversation must be archived
    /// again.
    pub(super) stored_messages: u64,
    /// Whether an archive of the conversation is being written.
    pub(super) archiving: bool,
    /// Earliest moment of the next attempt to archive the conversation.
    pub(super) archive_not_before: Instant,
    /// The waits between attempts to archive the conversation.
    pub(super) archive_backoff: Backoff,
}

impl Conversation {
    /// Creates a conversation of which nothing is known.
    pub(super) fn new(ended_at_ms: Option<i64>) -> Self {
        let now = Instant::now();
        Self {
            seen: SeenIdentities::new(SEEN_LIMIT),
            escalated: RaisedSeverities::default(),
            rules: LiveRules::default(),
            are_rules_closed: false,
            ended_at_ms,
            last_activity: now,
            stored_messages: 0,
            archiving: false,
            archive_not_before: now,
            archive_backoff: Backoff::new(BackoffPolicy::ARCHIVE),
        }
    }

    /// Decides the rules of the conversation up to a moment, or up to its end if it has ended. Returns the new hits.
    pub(super) fn decide_rules(
        &mut self,
        file: &RuleFile,
        until_ms: i64,
        outages: &[Gap],
    ) -> Vec<RuleHit> {
        if self.rules.is_empty() {
            return Vec::new();
        }
        for outage in outages {
            self.rules.add_gap(outage.from_ms, outage.to_ms);
        }
        match self.ended_at_ms {
            None => {
                self.are_rules_closed = false;
                self.rules.advance(file, until_ms)
            }
            Some(_) if self.are_rules_closed => Vec::new(),
            Some(ended_ms) => {
                self.are_rules_closed = true;
                self.rules.finish(file, Some(ended_ms)).hits
            }
        }
    }

    /// Returns whether the conversation has ended.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended_at_ms.is_some()
    }

    /// Opens a conversation that had ended if its customer writes after its end, and returns whether it did. A message from before the
    /// end that arrives late opens nothing.
    pub(super) fn reopen_for(&mut self, message: &Message) -> bool {
        let is_newer = self
            .ended_at_ms
            .is_some_and(|ended_ms| message.timestamp_ms > ended_ms);
        if is_newer && message.from.is_customer() {
            self.ended_at_ms = None;
            return true;
        }
        false
    }
}

/// All conversations of a session that are not archived yet, and the ids of those archived recently.
#[derive(Debug)]
pub(super) struct ConversationTable {
    open: HashMap<String, Conversation>,
    /// The ids of conversations, each with when it ended, in milliseconds since the epoch.
    recently_archived: VecDeque<(String, i64)>,
    active: watch::Sender<usize>,
    /// The ids of the conversations that have not ended, in order.
    open_ids: watch::Sender<Vec<String>>,
}

impl ConversationTable {
    /// Creates an empty table.
    pub(super) fn new() -> Self {
        Self {
            open: HashMap::new(),
            recently_archived: VecDeque::new(),
            active: watch::channel(0).0,
            open_ids: watch::channel(Vec::new()).0,
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

    /// Returns the ids of the conversations that have not ended and had no activity for `silence`.
    pub(super) fn silent_ids(&self, silence: Duration) -> Vec<String> {
        self.ids_where(|conversation| {
            !conversation.has_ended() && conversation.last_activity.elapsed() >= silence
        })
    }

    /// Returns when a conversation ended, in milliseconds since the epoch, if it was archived and removed from the table.
    pub(super) fn archived_end_ms(&self, conversation: &str) -> Option<i64> {
        let mut archived = self.recently_archived.iter().rev();
        archived
            .find(|(id, _)| id == conversation)
            .map(|(_, ended_ms)| *ended_ms)
    }

    /// Removes an archived conversation and remembers its id.
    pub(super) fn remove_archived(&mut self, conversation: &str) {
        let removed = self.open.remove(conversation);
        let Some(ended_ms) = removed.and_then(|removed| removed.ended_at_ms) else {
            return;
        };
        self.forget_archived(conversation);
        if self.recently_archived.len() >= ARCHIVED_LIMIT {
            self.recently_archived.pop_front();
        }
        self.recently_archived
            .push_back((conversation.to_owned(), ended_ms));
    }

    /// Forgets that a conversation was archived, since it is open again.
    pub(super) fn forget_archived(&mut self, conversation: &str) {
        self.recently_archived.retain(|(id, _)| id != conversation);
    }

    /// Returns the number of active conversations at the last [`Self::publish_active`].
    pub(super) fn active_count(&self) -> usize {
        *self.active.borrow()
    }

    /// Returns a receiver of the number of active conversations.
    pub(super) fn watch_active(&self) -> watch::Receiver<usize> {
        self.active.subscribe()
    }

    /// Returns a receiver of the ids of the conversations that have not ended.
    pub(super) fn watch_open(&self) -> watch::Receiver<Vec<String>> {
        self.open_ids.subscribe()
    }

    /// Publishes which conversations are active, and how many, as far as that has changed.
    pub(super) fn publish_active(&self) {
        let active = self.open.iter().filter(|(_, open)| !open.has_ended());
        let mut ids: Vec<String> = active.map(|(id, _)| id.clone()).collect();
        ids.sort_unstable();
        let count = ids.len();
        self.open_ids.send_if_modified(|published| {
            let is_changed = *published != ids;
            *published = ids;
            is_changed
        });
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

#[cfg(test)]
mod tests {
    use insights_core::chat::message::Sender;

    use super::*;

    fn message(kind: &str, timestamp_ms: i64) -> Message {
        Message {
            conversation_id: "chat-1".to_owned(),
            from: Sender {
                kind: kind.to_owned(),
                id: "u-1".to_owned(),
            },
            text: "hello".to_owned(),
            timestamp_ms,
        }
    }

    #[tokio::test]
    async fn only_a_customer_who_writes_after_the_end_opens_a_conversation_again() {
        let ended = || Conversation::new(Some(1000));
        assert!(ended().reopen_for(&message("customer", 1001)));
        assert!(
            !ended().reopen_for(&message("customer", 1000)),
            "it came late"
        );
        assert!(!ended().reopen_for(&message("system", 2000)));
        let mut open = Conversation::new(None);
        assert!(!open.reopen_for(&message("customer", 2000)), "it is open");
        let mut conversation = ended();
        conversation.reopen_for(&message("customer", 1001));
        assert!(!conversation.has_ended());
    }

    #[tokio::test]
    async fn the_end_of_an_archived_conversation_is_remembered() {
        let mut table = ConversationTable::new();
        for end in [5, 7] {
            table.insert("chat-1".to_owned(), Conversation::new(Some(end)));
            table.remove_archived("chat-1");
            assert_eq!(table.archived_end_ms("chat-1"), Some(end));
        }
        table.forget_archived("chat-1");
        assert_eq!(table.archived_end_ms("chat-1"), None);
    }
}

//! The conversations of a session.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use insights_core::board::UnknownRules;
use insights_core::chat::archive::Gap;
use insights_core::chat::escalation::RaisedSeverities;
use insights_core::chat::message::{Identity, Message};
use insights_core::chat::seen::SeenIdentities;
use insights_core::rules::{LiveRules, RuleFile, RuleHit};
use insights_http::backoff::{Backoff, BackoffPolicy};
use tokio::sync::watch;
use tokio::time::Instant;

/// Number of message identities remembered per conversation. Whether an older message was stored is looked up in the store.
const SEEN_LIMIT: usize = 10_000;
/// Number of archived conversations remembered, so that a late message does not count as a new conversation.
const ARCHIVED_LIMIT: usize = 1000;

/// Longest time for which the rules of a conversation wait for what the model finds in a message. A model that is far behind may not
/// hold alerts back for ever.
const MAX_MODEL_WAIT: Duration = Duration::from_secs(10);

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
    /// Which rules cannot be answered, as was reported last.
    reported_unknown: Option<UnknownRules>,
    /// The messages whose signals the rules wait for: when each was sent, in milliseconds since the epoch, and until when they wait.
    awaited: HashMap<Identity, (i64, Instant)>,
    /// When the conversation ended, in milliseconds since the epoch, if it has.
    pub(super) ended_at_ms: Option<i64>,
    /// When the conversation last went on, in milliseconds since the epoch: its customer wrote, or it was assigned.
    pub(super) went_on_ms: i64,
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
            reported_unknown: None,
            awaited: HashMap::new(),
            ended_at_ms,
            went_on_ms: i64::MIN,
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
        let awaited_from_ms = self.earliest_awaited_ms();
        match self.ended_at_ms {
            None => {
                self.are_rules_closed = false;
                let complete_until =
                    awaited_from_ms.map_or(until_ms, |from| until_ms.min(from - 1));
                self.rules.advance(file, complete_until)
            }
            Some(_) if self.are_rules_closed || awaited_from_ms.is_some() => Vec::new(),
            Some(ended_ms) => {
                self.are_rules_closed = true;
                self.rules.finish(file, Some(ended_ms)).hits
            }
        }
    }

    /// Returns which rules cannot be answered, if that has changed since it was reported, or never was.
    pub(super) fn take_unknown(&mut self) -> Option<UnknownRules> {
        if self.rules.is_empty() {
            return None;
        }
        let unknown = UnknownRules::of_rules(&self.rules);
        let has_changed = self.reported_unknown.as_ref() != Some(&unknown);
        has_changed.then(|| self.reported_unknown.insert(unknown).clone())
    }

    /// Lets the rules wait for what the model finds in a message.
    pub(super) fn wait_for_model(&mut self, message: &Message) {
        let until = Instant::now() + MAX_MODEL_WAIT;
        self.awaited
            .insert(message.identity(), (message.timestamp_ms, until));
    }

    /// Notes that the model is done with a message.
    pub(super) fn end_wait_for_model(&mut self, message: &Identity) {
        self.awaited.remove(message);
    }

    /// Lets the rules wait for no message any more.
    pub(super) fn stop_waiting_for_model(&mut self) {
        self.awaited.clear();
    }

    /// Returns whether rules wait for what the model finds in a message.
    pub(super) fn waits_for_model(&self) -> bool {
        let now = Instant::now();
        self.awaited.values().any(|(_, until)| *until > now)
    }

    /// Returns when the earliest message was sent that rules wait for, in milliseconds since the epoch.
    fn earliest_awaited_ms(&mut self) -> Option<i64> {
        let now = Instant::now();
        self.awaited.retain(|_, (_, until)| *until > now);
        self.awaited.values().map(|(sent_ms, _)| *sent_ms).min()
    }

    /// Returns whether the conversation has ended.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended_at_ms.is_some()
    }

    /// Notes a message that arrived at a time in microseconds since the epoch, if it is the customer's: an end from before it ends nothing.
    ///
    /// It counts from the earlier of the times at which it was written and arrived, since the clock of the session that noted an end may be
    /// behind the contact center's.
    pub(super) fn note_written(&mut self, message: &Message, arrival: u64) {
        if message.from.is_customer() {
            let arrival_ms = i64::try_from(arrival / 1000).unwrap_or(i64::MAX);
            self.went_on_ms = self.went_on_ms.max(message.timestamp_ms.min(arrival_ms));
        }
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
    use insights_core::chat::archive_dialogue::utterance_of_message;
    use insights_core::chat::message::Sender;
    use insights_core::signals::{Signal, Signals};

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

    const NOTICE: &str = r#"
        [[rule]]
        id = "calm"
        when = { not_signal = ["urgent"], by = "customer", within = "first 5s" }
    "#;

    fn read(conversation: &mut Conversation, file: &RuleFile, message: &Message, signals: Signals) {
        let mut utterance = utterance_of_message(message).unwrap();
        utterance.signals = signals;
        conversation.rules.add(file, &utterance);
    }

    #[tokio::test(start_paused = true)]
    async fn rules_wait_for_what_the_model_finds_but_not_for_ever() {
        let file = RuleFile::from_toml(NOTICE).unwrap();
        let urgent: Signals = [Signal::Urgent].into_iter().collect();
        let said = message("customer", 1000);
        let waiting = |ended_at_ms| {
            let mut conversation = Conversation::new(ended_at_ms);
            read(&mut conversation, &file, &said, Signals::NONE);
            conversation.wait_for_model(&said);
            conversation
        };
        for ended_at_ms in [None, Some(20_000)] {
            let mut found = waiting(ended_at_ms);
            assert_eq!(found.decide_rules(&file, 30_000, &[]), []);
            assert!(found.waits_for_model());
            found.end_wait_for_model(&said.identity());
            read(&mut found, &file, &said, urgent);
            assert_eq!(found.decide_rules(&file, 30_000, &[]), [], "it was urgent");

            let mut quiet = waiting(ended_at_ms);
            assert_eq!(quiet.decide_rules(&file, 30_000, &[]), []);
            quiet.end_wait_for_model(&said.identity());
            assert_eq!(quiet.decide_rules(&file, 30_000, &[]).len(), 1);

            let mut unanswered = waiting(ended_at_ms);
            tokio::time::advance(MAX_MODEL_WAIT).await;
            assert!(!unanswered.waits_for_model());
            assert_eq!(unanswered.decide_rules(&file, 30_000, &[]).len(), 1);
        }
    }
}

//! The calls whose words are listened to: which are wanted, which are subscribed to, and what was heard in each.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use insights_core::backoff::BackoffPolicy;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::frames::Utterance;
use super::heard_utterances::{HeardUtterances, Hearing};
use super::speakers::CustomerMarks;
use crate::live::LiveTranscript;

/// How long what was heard is kept of a call that is no longer wanted, so that its card can be made.
const KEPT_AFTER_END: Duration = Duration::from_secs(120);

/// How far the subscription to a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subscription {
    /// The call is asked for from this moment on.
    Due(Instant),
    /// The call was asked for and there is no answer yet.
    Asked,
    /// The words of the call come.
    Active,
    /// The call is not asked for any more.
    Over,
}

/// A call that is listened to.
#[derive(Debug)]
struct FollowedCall {
    subscription: Subscription,
    /// Number of refusals in a row.
    refusals: u32,
    /// Whether the call was ever subscribed to.
    was_subscribed: bool,
    /// Since when the call is no longer wanted.
    left_at: Option<Instant>,
    heard: HeardUtterances,
}

#[derive(Debug, Default)]
struct Calls {
    followed: HashMap<String, FollowedCall>,
    /// Since when nobody is connected although calls are wanted.
    away_since: Option<Instant>,
}

/// The calls whose words one process listens to. `Debug` leaves the words out.
#[derive(Debug, Default)]
pub struct LiveCalls {
    marks: CustomerMarks,
    calls: Mutex<Calls>,
    changed: Notify,
}

impl LiveCalls {
    /// Builds an empty set of calls, in which `marks` tell the customer.
    #[must_use]
    pub fn new(marks: CustomerMarks) -> Self {
        Self {
            marks,
            ..Self::default()
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens to these calls and to no others. What was heard of others stays for two minutes.
    pub fn follow(&self, wanted: &HashSet<String>) {
        let now = Instant::now();
        let mut calls = self.lock();
        for id in wanted {
            let call = calls
                .followed
                .entry(id.clone())
                .or_insert_with(|| FollowedCall {
                    subscription: Subscription::Due(now),
                    refusals: 0,
                    was_subscribed: false,
                    left_at: None,
                    heard: HeardUtterances::default(),
                });
            if call.left_at.take().is_some() && call.subscription == Subscription::Over {
                call.subscription = Subscription::Due(now);
            }
        }
        calls.followed.retain(|id, call| {
            if !wanted.contains(id) {
                let left_at = *call.left_at.get_or_insert(now);
                return left_at.elapsed() < KEPT_AFTER_END;
            }
            true
        });
        drop(calls);
        self.changed.notify_one();
    }

    /// Returns the calls whose words come or came.
    #[must_use]
    pub fn audible(&self) -> Vec<String> {
        let calls = self.lock();
        let audible = calls
            .followed
            .iter()
            .filter(|(_, call)| call.was_subscribed);
        audible.map(|(id, _)| id.clone()).collect()
    }

    /// Returns whether something was heard in a call that nobody has read.
    #[must_use]
    pub fn has_unread(&self, id: &str) -> bool {
        let calls = self.lock();
        calls
            .followed
            .get(id)
            .is_some_and(|call| call.heard.has_unread())
    }

    /// Reads what was said in a call at or after `from`, in milliseconds since 1970; `None` if nobody listens to the call.
    #[must_use]
    pub fn read(&self, id: &str, from: i64) -> Option<LiveTranscript> {
        let mut calls = self.lock();
        let call = calls.followed.get_mut(id)?;
        let segments = call.heard.read(from);
        count_lost(call.heard.take_lost());
        Some(LiveTranscript {
            segments,
            malformed: 0,
        })
    }

    /// Returns for how long nobody has been connected although calls are wanted; `None` while somebody is.
    #[must_use]
    pub fn away_for(&self) -> Option<Duration> {
        self.lock().away_since.map(|since| since.elapsed())
    }

    /// Waits until something about the wanted calls has changed.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Waits until a call is wanted.
    pub(super) async fn wait_until_wanted(&self) {
        loop {
            {
                let mut calls = self.lock();
                if calls.followed.values().any(|call| call.left_at.is_none()) {
                    calls.away_since.get_or_insert_with(Instant::now);
                    return;
                }
                // Nobody misses anything.
                calls.away_since = None;
            }
            self.changed().await;
        }
    }

    /// Notes that somebody begins to listen, perhaps after another process did: nothing is subscribed to yet.
    pub(super) fn begin(&self) {
        self.note_disconnected();
        let mut calls = self.lock();
        calls.away_since = None;
        for call in calls.followed.values_mut() {
            call.heard.note_takeover();
        }
    }

    /// Notes that a connection is open. Returns for how long there was none.
    pub(super) fn note_connected(&self) -> Option<Duration> {
        self.lock().away_since.take().map(|since| since.elapsed())
    }

    /// Notes that the connection is over. Returns the number of calls whose words came over it, and are not heard now.
    pub(super) fn note_disconnected(&self) -> usize {
        let now = Instant::now();
        let mut calls = self.lock();
        calls.away_since = Some(now);
        let mut unheard = 0;
        for call in calls.followed.values_mut() {
            let is_wanted = call.left_at.is_none();
            unheard += usize::from(is_wanted && call.subscription == Subscription::Active);
            match call.subscription {
                _ if !is_wanted => call.subscription = Subscription::Over,
                Subscription::Active | Subscription::Asked => {
                    call.subscription = Subscription::Due(now)
                }
                Subscription::Due(_) | Subscription::Over => {}
            }
        }
        unheard
    }

    /// Takes the wanted call that is to be asked for now.
    pub(super) fn take_due(&self) -> Option<String> {
        let now = Instant::now();
        let mut calls = self.lock();
        let due = calls
            .followed
            .iter_mut()
            .filter(|(_, call)| call.left_at.is_none());
        let (id, call) = due
            .filter_map(|(id, call)| match call.subscription {
                Subscription::Due(at) if at <= now => Some((at, id, call)),
                _ => None,
            })
            .min_by_key(|(at, _, _)| *at)
            .map(|(_, id, call)| (id, call))?;
        call.subscription = Subscription::Asked;
        Some(id.clone())
    }

    /// Returns when the next wanted call is to be asked for.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let calls = self.lock();
        let wanted = calls
            .followed
            .values()
            .filter(|call| call.left_at.is_none());
        let due = wanted.filter_map(|call| match call.subscription {
            Subscription::Due(at) => Some(at),
            _ => None,
        });
        due.min()
    }

    /// Takes a call whose words come although it is no longer wanted.
    pub(super) fn take_left(&self) -> Option<String> {
        let mut calls = self.lock();
        let (id, call) = calls.followed.iter_mut().find(|(_, call)| {
            call.left_at.is_some() && call.subscription == Subscription::Active
        })?;
        call.subscription = Subscription::Over;
        Some(id.clone())
    }

    /// Notes that the words of a call come.
    pub(super) fn accept(&self, id: &str) {
        if let Some(call) = self.lock().followed.get_mut(id) {
            (call.refusals, call.was_subscribed) = (0, true);
            if call.left_at.is_none() || call.subscription == Subscription::Asked {
                call.subscription = Subscription::Active;
            }
        }
    }

    /// Notes that the words of a call are not given, so that it is asked for later. Returns whether that is the first time.
    pub(super) fn refuse(&self, id: &str, retry: BackoffPolicy, random: f64) -> bool {
        let mut calls = self.lock();
        let Some(call) = calls.followed.get_mut(id) else {
            return false;
        };
        call.refusals = call.refusals.saturating_add(1);
        call.subscription = Subscription::Due(Instant::now() + retry.delay(call.refusals, random));
        call.refusals == 1
    }

    /// Takes something that was said.
    pub(super) fn hear(&self, said: Utterance) {
        let speaker = self.marks.speaker_of(&said);
        self.accept(&said.contact_id);
        let mut calls = self.lock();
        let Some(call) = calls.followed.get_mut(&said.contact_id) else {
            return;
        };
        match call.heard.take(said, speaker, Timestamp::now()) {
            Hearing::New => metrics::counter!("voice_utterances").increment(1),
            Hearing::Repeated => metrics::counter!("voice_utterances_repeated").increment(1),
        }
        count_lost(call.heard.take_lost());
    }
}

fn count_lost(lost: u64) {
    if lost > 0 {
        metrics::counter!("voice_utterances_dropped").increment(lost);
        tracing::warn!(
            utterances = lost,
            "some of what was heard in a call was dropped before it was scored"
        );
    }
}

#[cfg(test)]
mod tests {
    use insights_core::backoff::Jitter;

    use super::*;

    const RETRY: BackoffPolicy = BackoffPolicy::new(
        Duration::from_secs(60),
        Duration::from_secs(900),
        Jitter::None,
    );

    fn wanted(ids: &[&str]) -> HashSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    fn said(contact_id: &str, event_id: &str) -> Utterance {
        Utterance {
            contact_id: contact_id.to_owned(),
            event_id: Some(event_id.to_owned()),
            text: "hello".to_owned(),
            at: Some(Timestamp::UNIX_EPOCH),
            ..Utterance::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_call_is_asked_for_later_and_told_once() {
        let calls = LiveCalls::default();
        calls.follow(&wanted(&["1"]));
        assert_eq!(calls.take_due().as_deref(), Some("1"));
        assert_eq!(calls.take_due(), None);
        assert!(calls.refuse("1", RETRY, 0.0));
        assert_eq!(calls.take_due(), None);
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(calls.take_due().as_deref(), Some("1"));
        assert!(!calls.refuse("1", RETRY, 0.0));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(calls.take_due(), None);
        assert!(calls.audible().is_empty());
        // Nor does a new connection ask for it earlier, nor another run of the same process.
        calls.begin();
        assert_eq!(calls.note_disconnected(), 0);
        assert_eq!(calls.take_due(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_are_asked_for_again_after_a_lost_connection_and_keep_what_was_heard() {
        let calls = LiveCalls::default();
        calls.follow(&wanted(&["1", "2"]));
        for _ in 0..2 {
            let id = calls.take_due().expect("a call is due");
            calls.accept(&id);
        }
        calls.hear(said("1", "a"));
        calls.hear(said("3", "a"));
        assert_eq!(calls.note_disconnected(), 2);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(calls.note_connected(), Some(Duration::from_secs(5)));
        assert_eq!(calls.away_for(), None);
        assert!(calls.take_due().is_some() && calls.take_due().is_some());
        calls.hear(said("1", "a"));
        calls.hear(said("1", "b"));
        assert!(calls.has_unread("1"));
        // Two utterances of the same words at the same moment differ by their ids.
        assert_eq!(calls.read("1", 0).expect("a call").segments.len(), 2);
        assert!(calls.read("3", 0).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_listens_again_asks_for_all_calls_again() {
        let calls = LiveCalls::default();
        calls.follow(&wanted(&["1", "2"]));
        let id = calls.take_due().expect("a call is due");
        calls.accept(&id);
        assert!(calls.take_due().is_some());
        // The first run was dropped as it was, as at the end of an invocation.
        calls.begin();
        assert_eq!(calls.away_for(), None);
        assert!(calls.take_due().is_some() && calls.take_due().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_over_is_left_and_kept_for_its_card() {
        let calls = LiveCalls::default();
        calls.follow(&wanted(&["1"]));
        calls.take_due();
        calls.hear(said("1", "a"));
        calls.follow(&wanted(&[]));
        assert_eq!(calls.take_left().as_deref(), Some("1"));
        assert_eq!((calls.take_left(), calls.take_due()), (None, None));
        assert!(calls.read("1", 0).is_some());
        // It is wanted again before it is forgotten.
        calls.follow(&wanted(&["1"]));
        assert_eq!(calls.take_due().as_deref(), Some("1"));
        calls.follow(&wanted(&[]));
        tokio::time::advance(KEPT_AFTER_END).await;
        calls.follow(&wanted(&[]));
        assert!(calls.read("1", 0).is_none());
    }
}

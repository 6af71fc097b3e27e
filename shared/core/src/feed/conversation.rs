//! What was seen of a conversation that a feed named, and when its transcript should be asked for.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::analytics::{Conversation, ConversationPart};

/// How long to wait before a transcript that is not there yet is asked for again; after the last wait it counts as missing.
pub const NOT_YET_DELAYS: [SignedDuration; 6] = [
    SignedDuration::from_mins(2),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(15),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(6),
    SignedDuration::from_hours(24),
];

/// What tells a conversation with its parts from the same conversation with other parts, or with parts that were published again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryVersion(String);

impl DeliveryVersion {
    /// Returns the version of a conversation.
    #[must_use]
    pub fn of(conversation: &Conversation) -> Self {
        let mut parts: Vec<_> = conversation
            .parts
            .iter()
            .map(|part| (part.id.as_str(), part.published_at))
            .collect();
        parts.sort_unstable();
        let described = parts.iter().map(|(id, published_at)| {
            let published = published_at.map_or(0, Timestamp::as_millisecond);
            format!("{id}@{published}")
        });
        let ready = conversation.ready_at.filter(|_| parts.is_empty());
        let ready = ready.map(|at| format!("ready@{}", at.as_millisecond()));
        Self(described.chain(ready).collect::<Vec<_>>().join(" "))
    }
}

/// A conversation that a feed named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownConversation {
    /// The conversation with all parts that were seen.
    pub conversation: Conversation,
    /// The version that was delivered last.
    pub delivered: Option<DeliveryVersion>,
    /// The time of the event that was sent last. Each further event of the conversation has a later time, because of two events
    /// the later one holds.
    #[serde(default)]
    pub event_at: Option<Timestamp>,
    /// The number of times in a row that the transcript was not there yet.
    pub not_yet: u32,
    /// The moment before which the transcript should not be asked for.
    pub not_before: Option<Timestamp>,
}

impl KnownConversation {
    /// Notes a conversation that is seen for the first time.
    #[must_use]
    pub fn new(conversation: Conversation) -> Self {
        Self {
            conversation,
            delivered: None,
            event_at: None,
            not_yet: 0,
            not_before: None,
        }
    }

    /// Takes what the feed says now, and returns whether a part is new or was published again. What an earlier answer said of a
    /// part never replaces what a later one said.
    pub fn merge(&mut self, seen: Conversation) -> bool {
        let mut has_changed = false;
        for part in seen.parts {
            let known = self.conversation.parts.iter_mut();
            match known.into_iter().find(|known| known.id == part.id) {
                Some(known) if part.published_at > known.published_at => {
                    *known = part;
                    has_changed = true;
                }
                Some(_) => {}
                None => {
                    self.conversation.parts.push(part);
                    has_changed = true;
                }
            }
        }
        self.conversation.parts.sort_by(ConversationPart::compare);
        if has_changed {
            // A part may be there at once although an older one is waited for.
            (self.not_yet, self.not_before) = (0, None);
            let earliest = seen.start_time.parse::<Timestamp>().ok();
            let known = self.conversation.start_time.parse::<Timestamp>().ok();
            if earliest.is_some_and(|earliest| known.is_none_or(|known| earliest < known)) {
                self.conversation.start_time = seen.start_time;
            }
            if seen.disposition != Conversation::NO_DISPOSITION {
                self.conversation.disposition = seen.disposition;
            }
            self.conversation.duration_seconds =
                seen.duration_seconds.or(self.conversation.duration_seconds);
            self.conversation.ready_at = seen.ready_at.max(self.conversation.ready_at);
        }
        has_changed
    }

    /// Returns whether the conversation has a version that was not delivered yet.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.delivered.as_ref() != Some(&DeliveryVersion::of(&self.conversation))
    }

    /// Returns whether the transcript should be asked for now.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.is_pending() && self.not_before.is_none_or(|at| at <= now)
    }

    /// Returns the time of the next event that delivers the conversation: that of the last change that is known, or `now` where
    /// none is, and later than that of every event before. The time must be stored before the event is sent, so that an event that
    /// follows an interruption is later too.
    pub fn plan_event(&mut self, now: Timestamp) -> Timestamp {
        let published = self.conversation.parts.iter();
        let published = published.filter_map(|part| part.published_at.or(part.ended_at));
        let changed_at = published
            .max()
            .or(self.conversation.ready_at)
            .unwrap_or(now);
        // A wrong clock of the contact center must not keep later events out.
        let changed_at = changed_at.min(now);
        let changed_at = Timestamp::from_microsecond(changed_at.as_microsecond());
        let changed_at = changed_at.unwrap_or(now);
        let after_last = self
            .event_at
            .and_then(|last| last.checked_add(SignedDuration::from_micros(1)).ok());
        let event_at = after_last.map_or(changed_at, |after_last| after_last.max(changed_at));
        self.event_at = Some(event_at);
        event_at
    }

    /// Notes that a version was delivered; a part that came meanwhile stays pending.
    pub fn note_delivery(&mut self, version: DeliveryVersion) {
        self.delivered = Some(version);
        (self.not_yet, self.not_before) = (0, None);
    }

    /// Notes that the transcript is not there yet. Returns `false` if it was asked for often enough, and counts as missing.
    pub fn note_not_yet(&mut self, now: Timestamp) -> bool {
        let delay = NOT_YET_DELAYS.get(self.not_yet as usize);
        let Some(delay) = delay else {
            return false;
        };
        self.not_yet += 1;
        self.not_before = now.checked_add(*delay).ok();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::PartKind;

    fn at(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok()
    }

    fn part(id: &str, published: i64) -> ConversationPart {
        ConversationPart {
            id: id.to_owned(),
            kind: PartKind::Segment,
            started_at: None,
            ended_at: None,
            published_at: at(published),
        }
    }

    fn seen(parts: Vec<ConversationPart>) -> Conversation {
        Conversation {
            conversation_id: "c-1".to_owned(),
            parts,
            ..Conversation::default()
        }
    }

    #[test]
    fn only_a_new_part_and_a_later_publication_are_changes() {
        let mut known = KnownConversation::new(seen(vec![part("a", 10)]));
        known.note_delivery(DeliveryVersion::of(&known.conversation));
        assert!(!known.is_pending());
        for (parts, changes) in [
            (vec![part("a", 10)], false),
            (vec![part("a", 9)], false),
            (vec![part("a", 11)], true),
            (vec![part("b", 1), part("a", 10)], true),
            (vec![part("b", 1), part("a", 11)], false),
        ] {
            assert_eq!(known.merge(seen(parts.clone())), changes, "{parts:?}");
        }
        assert!(known.is_pending());
        let now = Timestamp::from_second(100).expect("a moment");
        let first = known.plan_event(now);
        assert_eq!(Some(first), at(11));
        let second = known.plan_event(now);
        assert_eq!(second.duration_since(first), SignedDuration::from_micros(1));
        known.merge(seen(vec![part("a", 1000)]));
        assert_eq!(
            known.plan_event(now),
            now,
            "an event is never ahead of the clock"
        );
    }

    #[test]
    fn a_part_that_comes_during_a_delivery_stays_pending() {
        let mut known = KnownConversation::new(seen(vec![part("a", 10)]));
        let delivering = DeliveryVersion::of(&known.conversation);
        known.merge(seen(vec![part("b", 20)]));
        known.note_delivery(delivering);
        assert!(known.is_pending());
    }

    #[test]
    fn a_transcript_is_waited_for_at_growing_distances_and_then_given_up() {
        let mut known = KnownConversation::new(seen(vec![part("a", 10)]));
        let mut now = Timestamp::from_second(1000).expect("a moment");
        assert!(known.is_due(now));
        for delay in NOT_YET_DELAYS {
            assert!(known.note_not_yet(now));
            assert!(!known.is_due(now));
            now = now.checked_add(delay).expect("a moment");
            assert!(known.is_due(now));
        }
        assert!(!known.note_not_yet(now));
        assert!(
            known.merge(seen(vec![part("a", 11)])),
            "a new publication begins anew"
        );
        assert!(known.is_due(now) && known.note_not_yet(now));
    }
}

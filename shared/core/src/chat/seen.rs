//! The identities of the messages that have been seen, in bounded memory.

use std::collections::{HashSet, VecDeque};

use super::message::Identity;

/// The most recently seen identities; the oldest is forgotten first.
///
/// Forgetting an identity is safe: a message is stored under its identity, so that the store knows whether a message was received
/// before ([`SeenIdentities::may_have_forgotten`] says when it has to be asked).
#[derive(Debug, Clone)]
pub struct SeenIdentities {
    limit: usize,
    set: HashSet<Identity>,
    order: VecDeque<Identity>,
    /// Whether an identity was forgotten.
    has_forgotten: bool,
}

impl SeenIdentities {
    /// Creates an empty set that remembers up to `limit` (at least 1) identities.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            set: HashSet::new(),
            order: VecDeque::new(),
            has_forgotten: false,
        }
    }

    /// Adds an identity and returns whether it was not seen before.
    pub fn insert(&mut self, identity: Identity) -> bool {
        if !self.set.insert(identity) {
            return false;
        }
        self.order.push_back(identity);
        if self.order.len() > self.limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
            self.has_forgotten = true;
        }
        true
    }

    /// Returns whether an identity has been seen and is still remembered.
    #[must_use]
    pub fn contains(&self, identity: &Identity) -> bool {
        self.set.contains(identity)
    }

    /// Returns whether an identity that is not remembered may have been seen nevertheless.
    #[must_use]
    pub fn may_have_forgotten(&self, identity: &Identity) -> bool {
        self.has_forgotten && !self.contains(identity)
    }

    /// Returns the number of remembered identities.
    #[must_use]
    pub fn len(&self) -> usize {
        self.set.len()
    }

    /// Returns whether no identity is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::message::{Message, Sender};

    fn identity(number: i64) -> Identity {
        let from = Sender {
            kind: "customer".into(),
            id: "u".into(),
        };
        Message {
            conversation_id: "c".into(),
            from,
            text: "hello".into(),
            timestamp_ms: number,
        }
        .identity()
    }

    #[test]
    fn a_repeated_message_is_recognized() {
        let mut seen = SeenIdentities::new(10);
        assert!(seen.is_empty());
        assert!(seen.insert(identity(1)));
        assert!(!seen.insert(identity(1)));
        assert!(seen.contains(&identity(1)) && !seen.contains(&identity(2)));
        assert!(!seen.may_have_forgotten(&identity(2)));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let mut seen = SeenIdentities::new(3);
        (0..1000).for_each(|number| assert!(seen.insert(identity(number))));
        assert_eq!(seen.len(), 3);
        assert!(seen.contains(&identity(999)) && !seen.contains(&identity(996)));
        assert!(seen.may_have_forgotten(&identity(0)));
        assert!(!seen.may_have_forgotten(&identity(999)));
        assert!(
            seen.insert(identity(0)),
            "a forgotten identity is new again"
        );
    }
}

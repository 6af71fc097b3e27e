//! Which messages have been seen, in bounded memory.

use std::collections::{HashSet, VecDeque};

use super::message::Identity;

/// The most recent identities, oldest forgotten first. Forgetting one is safe: a message is stored under its identity, so
/// one that comes a second time after that overwrites itself.
#[derive(Debug, Clone)]
pub struct Known {
    limit: usize,
    set: HashSet<Identity>,
    order: VecDeque<Identity>,
}

impl Known {
    /// Remembers up to `limit` (at least 1) identities.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            set: HashSet::new(),
            order: VecDeque::new(),
        }
    }

    /// Whether it is new; it is known from now on.
    pub fn insert(&mut self, identity: Identity) -> bool {
        if !self.set.insert(identity) {
            return false;
        }
        self.order.push_back(identity);
        if self.order.len() > self.limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        true
    }

    /// Whether it is known.
    #[must_use]
    pub fn contains(&self, identity: &Identity) -> bool {
        self.set.contains(identity)
    }

    /// How many are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.set.len()
    }

    /// Whether none is known.
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
    fn a_repeat_is_known() {
        let mut known = Known::new(10);
        assert!(known.is_empty());
        assert!(known.insert(identity(1)));
        assert!(!known.insert(identity(1)));
        assert!(known.contains(&identity(1)) && !known.contains(&identity(2)));
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let mut known = Known::new(3);
        (0..1000).for_each(|number| assert!(known.insert(identity(number))));
        assert_eq!(known.len(), 3);
        assert!(known.contains(&identity(999)) && !known.contains(&identity(996)));
        assert!(known.insert(identity(0)), "forgotten ones are new again");
    }
}

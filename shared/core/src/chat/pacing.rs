//! Pacing: processes the items of each conversation at a limited rate and in order.
//!
//! Items that exceed the rate of their conversation wait in a queue in memory. Memory is bounded: items for which there is
//! no room are handed back to the caller, who spills them to a store and reads them back when there is room again.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use super::token_bucket::{Rate, TokenBucket};

/// Limits of the queues in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// Largest number of queued items of one conversation.
    pub per_conversation: usize,
    /// Largest number of queued items of all conversations together.
    pub total: usize,
}

/// What happened to an item that was offered to a [`Pacer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission<T> {
    /// The item may be processed now.
    Ready(T),
    /// The item was queued in memory; [`Pacer::pop_due`] returns it when its turn comes.
    Queued,
    /// There is no room in memory: the caller appends the item to the spilled items of its conversation.
    Spilled(T),
}

/// Counts of offered items by what happened to them. No item is dropped: the three counts add up to all offered items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct PacingCounts {
    /// Items that were processed at once.
    pub passed: u64,
    /// Items that were queued in memory.
    pub waited: u64,
    /// Items that were spilled to the store.
    pub spilled: u64,
}

/// A token bucket and a queue for each conversation.
///
/// Invariant: items of one conversation come out in the order in which they were offered. For this reason, an item is spilled
/// as long as an earlier item of its conversation is spilled, even if there is room in memory.
#[derive(Debug)]
pub struct Pacer<T> {
    rate: Rate,
    limits: QueueLimits,
    queues: HashMap<String, ConversationQueue<T>>,
    /// When the first item of each non-empty queue may be processed.
    due: BTreeSet<(Instant, String)>,
    /// The conversations with spilled items.
    spilled: BTreeSet<String>,
    /// Number of items in all queues.
    queued: usize,
    counts: PacingCounts,
}

#[derive(Debug)]
struct ConversationQueue<T> {
    bucket: TokenBucket,
    items: VecDeque<T>,
    /// Number of spilled items, a lower bound: as long as it is not 0, further items are spilled too.
    spilled: u64,
}

impl<T> Pacer<T> {
    /// Creates a pacer that lets each conversation go at `rate` and queues items within `limits`.
    #[must_use]
    pub fn new(rate: Rate, limits: QueueLimits) -> Self {
        Self {
            rate,
            limits,
            queues: HashMap::new(),
            due: BTreeSet::new(),
            spilled: BTreeSet::new(),
            queued: 0,
            counts: PacingCounts::default(),
        }
    }

    /// Offers the next item of a conversation at `now`.
    pub fn offer(&mut self, conversation: &str, item: T, now: Instant) -> Admission<T> {
        let queue = queue_of(&mut self.queues, self.rate, conversation);
        let is_first = queue.items.is_empty() && queue.spilled == 0;
        if is_first && queue.bucket.take(now).is_ok() {
            self.counts.passed += 1;
            return Admission::Ready(item);
        }
        let is_full =
            queue.items.len() >= self.limits.per_conversation || self.queued >= self.limits.total;
        if queue.spilled > 0 || is_full {
            queue.spilled += 1;
            self.spilled.insert(conversation.to_owned());
            self.counts.spilled += 1;
            return Admission::Spilled(item);
        }
        self.counts.waited += 1;
        self.enqueue(conversation, item, now);
        Admission::Queued
    }

    /// Removes and returns the next item that may be processed at `now`, if there is one.
    ///
    /// The conversations take turns by the moments at which their tokens became available.
    pub fn pop_due(&mut self, now: Instant) -> Option<T> {
        loop {
            let (at, conversation) = self.due.pop_first()?;
            if at > now {
                self.due.insert((at, conversation));
                return None;
            }
            let Some(queue) = self.queues.get_mut(&conversation) else {
                continue;
            };
            if queue.bucket.take(now).is_err() {
                self.due.insert((queue.bucket.ready_at(now), conversation));
                continue;
            }
            let item = queue.items.pop_front();
            if !queue.items.is_empty() {
                self.due.insert((queue.bucket.ready_at(now), conversation));
            }
            if item.is_some() {
                self.queued -= 1;
                return item;
            }
        }
    }

    /// Returns when [`Pacer::pop_due`] returns the next item.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Returns a conversation whose spilled items are to be read back, and how many of them there is room for.
    ///
    /// A conversation is due for this when at least half of its queue is free: each read is a round trip to the store.
    #[must_use]
    pub fn next_refill(&self) -> Option<(&str, usize)> {
        let left = self.limits.total.saturating_sub(self.queued);
        self.spilled.iter().find_map(|conversation| {
            let queue = self.queues.get(conversation)?;
            let room = self
                .limits
                .per_conversation
                .saturating_sub(queue.items.len())
                .min(left);
            (queue.items.len() <= self.limits.per_conversation / 2 && room > 0)
                .then_some((conversation.as_str(), room))
        })
    }

    /// Queues spilled items that the caller has read back, the oldest first, after [`Pacer::next_refill`] returned `room`.
    ///
    /// Fewer items than `room` mean that no more items of the conversation are spilled.
    pub fn refill(&mut self, conversation: &str, items: Vec<T>, room: usize, now: Instant) {
        let exhausted = items.len() < room;
        let queue = queue_of(&mut self.queues, self.rate, conversation);
        queue.spilled = if exhausted {
            0
        } else {
            queue.spilled.saturating_sub(items.len() as u64).max(1)
        };
        if exhausted {
            self.spilled.remove(conversation);
        }
        for item in items {
            self.enqueue(conversation, item, now);
        }
    }

    /// Notes that the store holds spilled items of a conversation, left by an earlier session.
    pub fn mark_spilled(&mut self, conversation: &str) {
        let queue = queue_of(&mut self.queues, self.rate, conversation);
        queue.spilled = queue.spilled.max(1);
        self.spilled.insert(conversation.to_owned());
    }

    /// Drops the queues of idle conversations, so that memory is held for active conversations only.
    pub fn drop_idle_queues(&mut self, now: Instant) {
        self.queues.retain(|_, queue| {
            !(queue.items.is_empty() && queue.spilled == 0 && queue.bucket.is_full(now))
        });
    }

    /// Removes and returns all queued items regardless of the rate, in order per conversation, as a session needs them at its
    /// end.
    pub fn drain(&mut self) -> Vec<T> {
        self.due.clear();
        self.queued = 0;
        self.queues
            .values_mut()
            .flat_map(|queue| queue.items.drain(..))
            .collect()
    }

    /// Returns the number of items queued in memory.
    #[must_use]
    pub const fn queued(&self) -> usize {
        self.queued
    }

    /// Returns the number of conversations that memory is held for.
    #[must_use]
    pub fn conversations(&self) -> usize {
        self.queues.len()
    }

    /// Returns the counts of all items offered so far.
    #[must_use]
    pub const fn counts(&self) -> PacingCounts {
        self.counts
    }

    fn enqueue(&mut self, conversation: &str, item: T, now: Instant) {
        let queue = queue_of(&mut self.queues, self.rate, conversation);
        if queue.items.is_empty() {
            self.due
                .insert((queue.bucket.ready_at(now), conversation.to_owned()));
        }
        queue.items.push_back(item);
        self.queued += 1;
    }
}

fn queue_of<'q, T>(
    queues: &'q mut HashMap<String, ConversationQueue<T>>,
    rate: Rate,
    conversation: &str,
) -> &'q mut ConversationQueue<T> {
    // `HashMap::entry` is not used here, because it would allocate the name for each message.
    if !queues.contains_key(conversation) {
        let queue = ConversationQueue {
            bucket: TokenBucket::full(rate),
            items: VecDeque::new(),
            spilled: 0,
        };
        queues.insert(conversation.to_owned(), queue);
    }
    queues
        .get_mut(conversation)
        .expect("the queue was inserted above")
}

#[cfg(test)]
mod tests;

//! Pace: each conversation at its own rate, in order, what is too much waiting in bounded memory or spilled to a store.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use super::bucket::{Rate, TokenBucket};

/// How much may wait in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Items of one conversation.
    pub per_conversation: usize,
    /// Items of all conversations together.
    pub total: usize,
}

/// What becomes of an item that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer<T> {
    /// It may go on now.
    Pass(T),
    /// It waits; [`Pacer::release`] gives it back in its turn.
    Waits,
    /// There is no room: the caller stores it behind those of its conversation that were spilled before.
    Spill(T),
}

/// How many items took which way; nothing is dropped, so `passed + waited + spilled` is all that was offered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct PaceCounts {
    /// Went on at once.
    pub passed: u64,
    /// Had to wait in memory.
    pub waited: u64,
    /// Had to wait in the store.
    pub spilled: u64,
}

/// A token bucket and a waiting line for each conversation.
#[derive(Debug)]
pub struct Pacer<T> {
    rate: Rate,
    room: Room,
    lanes: HashMap<String, Lane<T>>,
    due: BTreeSet<(Instant, String)>,
    spilled: BTreeSet<String>,
    waiting: usize,
    counts: PaceCounts,
}

#[derive(Debug)]
struct Lane<T> {
    bucket: TokenBucket,
    queue: VecDeque<T>,
    /// Items of this lane in the store: while there are any, later ones go there too, or they would overtake.
    spilled: u64,
}

impl<T> Pacer<T> {
    /// Lanes of this rate, together holding no more than `room`.
    #[must_use]
    pub fn new(rate: Rate, room: Room) -> Self {
        let (lanes, due, spilled) = (HashMap::new(), BTreeSet::new(), BTreeSet::new());
        Self {
            rate,
            room,
            lanes,
            due,
            spilled,
            waiting: 0,
            counts: PaceCounts::default(),
        }
    }

    /// Offers an item of a conversation at `now`.
    pub fn offer(&mut self, conversation: &str, item: T, now: Instant) -> Offer<T> {
        let lane = lane(&mut self.lanes, self.rate, conversation);
        let first = lane.queue.is_empty() && lane.spilled == 0;
        if first && lane.bucket.take(now).is_ok() {
            self.counts.passed += 1;
            return Offer::Pass(item);
        }
        let full =
            lane.queue.len() >= self.room.per_conversation || self.waiting >= self.room.total;
        if lane.spilled > 0 || full {
            lane.spilled += 1;
            self.spilled.insert(conversation.to_owned());
            self.counts.spilled += 1;
            return Offer::Spill(item);
        }
        self.counts.waited += 1;
        self.enqueue(conversation, item, now);
        Offer::Waits
    }

    /// The next item whose turn has come at `now`. Lanes take turns by when their token came.
    pub fn release(&mut self, now: Instant) -> Option<T> {
        loop {
            let (at, conversation) = self.due.pop_first()?;
            if at > now {
                self.due.insert((at, conversation));
                return None;
            }
            let Some(lane) = self.lanes.get_mut(&conversation) else {
                continue;
            };
            if lane.bucket.take(now).is_err() {
                self.due.insert((lane.bucket.ready_at(now), conversation));
                continue;
            }
            let item = lane.queue.pop_front();
            if !lane.queue.is_empty() {
                self.due.insert((lane.bucket.ready_at(now), conversation));
            }
            if item.is_some() {
                self.waiting -= 1;
                return item;
            }
        }
    }

    /// When [`Pacer::release`] has the next item.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// A conversation with spilled items and room for at least one of them, and how many there is room for.
    #[must_use]
    pub fn wants_back(&self) -> Option<(&str, usize)> {
        let left = self.room.total.saturating_sub(self.waiting);
        self.spilled.iter().find_map(|conversation| {
            let lane = self.lanes.get(conversation)?;
            // Read back in halves, not one by one: each is a round trip to the store.
            let room = self
                .room
                .per_conversation
                .saturating_sub(lane.queue.len())
                .min(left);
            (lane.queue.len() <= self.room.per_conversation / 2 && room > 0)
                .then_some((conversation.as_str(), room))
        })
    }

    /// Takes items back that were spilled, the oldest first. Fewer than the room that was told means that no more are there.
    pub fn take_back(&mut self, conversation: &str, items: Vec<T>, room: usize, now: Instant) {
        let exhausted = items.len() < room;
        let lane = lane(&mut self.lanes, self.rate, conversation);
        lane.spilled = if exhausted {
            0
        } else {
            lane.spilled.saturating_sub(items.len() as u64).max(1)
        };
        if exhausted {
            self.spilled.remove(conversation);
        }
        for item in items {
            self.enqueue(conversation, item, now);
        }
    }

    /// Notes that an earlier session left spilled items of a conversation in the store.
    pub fn adopt_spilled(&mut self, conversation: &str) {
        let lane = lane(&mut self.lanes, self.rate, conversation);
        lane.spilled = lane.spilled.max(1);
        self.spilled.insert(conversation.to_owned());
    }

    /// Drops the lanes that equal new ones, so that memory follows the conversations that are alive.
    pub fn purge(&mut self, now: Instant) {
        self.lanes.retain(|_, lane| {
            !(lane.queue.is_empty() && lane.spilled == 0 && lane.bucket.is_full(now))
        });
    }

    /// Everything that waits in memory, in order per conversation, at once: at the end of a session.
    pub fn drain(&mut self) -> Vec<T> {
        self.due.clear();
        self.waiting = 0;
        self.lanes
            .values_mut()
            .flat_map(|lane| lane.queue.drain(..))
            .collect()
    }

    /// Items waiting in memory.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Conversations that memory is held for.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Which way items took.
    #[must_use]
    pub const fn counts(&self) -> PaceCounts {
        self.counts
    }

    fn enqueue(&mut self, conversation: &str, item: T, now: Instant) {
        let lane = lane(&mut self.lanes, self.rate, conversation);
        if lane.queue.is_empty() {
            self.due
                .insert((lane.bucket.ready_at(now), conversation.to_owned()));
        }
        lane.queue.push_back(item);
        self.waiting += 1;
    }
}

fn lane<'l, T>(
    lanes: &'l mut HashMap<String, Lane<T>>,
    rate: Rate,
    conversation: &str,
) -> &'l mut Lane<T> {
    // Not by `entry`: it would allocate the name for each message.
    if !lanes.contains_key(conversation) {
        let lane = Lane {
            bucket: TokenBucket::full(rate),
            queue: VecDeque::new(),
            spilled: 0,
        };
        lanes.insert(conversation.to_owned(), lane);
    }
    lanes.get_mut(conversation).expect("it was put there")
}

#[cfg(test)]
mod tests;

//! The outbox of an agent: decides which messages are sent, sent again, or known to have arrived.
//!
//! The outbox is a state machine without I/O and without a clock. The session stores a message together with a note that
//! the message is not known to have arrived, and then tells the outbox of it; each method takes one event, and
//! [`Outbox::take_due`] returns what is to be sent. A message passes through these states:
//!
//! 1. **Waiting**: the message is stored and not yet handed to the connection ([`Outbox::enqueue`], [`Outbox::restore`]).
//! 2. **In flight**: the message was handed to the connection ([`Outbox::take_due`]).
//! 3. **Unacknowledged**: the message was written to the connection ([`Outbox::on_written`]). What a connection
//!    swallows as it breaks is in this state or in flight.
//! 4. **Acknowledged**: the message has arrived, because the stream or a transcript shows it ([`Outbox::on_received`]), or
//!    because the server answered a ping that was written after it ([`Outbox::on_ping_answered`]). The session removes the
//!    note ([`Outbox::take_acknowledged`]).
//!
//! When the stream is up again ([`Outbox::on_connected`]), messages in flight and unacknowledged messages wait again, ahead of
//! all others. Since they may be delivered already, nothing is sent until the transcripts have been read
//! ([`Outbox::on_transcripts_read`]) or [`RECONNECT_HOLD`] is over. The same holds for messages that an earlier session
//! noted and left, and of messages that a session noted and left after this one had begun ([`Outbox::adopt`]): while a session
//! hands over, both take messages.
//!
//! # Guarantees
//!
//! - **No loss.** A message leaves the outbox only as acknowledged, with two exceptions: the conversation was archived
//!   while the message was unacknowledged ([`Outbox::discard_outbound`]), or more than [`QUEUE_LIMIT`] messages are
//!   unacknowledged, of which the oldest then counts as acknowledged.
//! - **Order.** The messages of a conversation arrive in the order in which they were sent, over breaks and crashes; one that is
//!   adopted may come late. [`Outbox::next_timestamp_ms`] gives each message a later timestamp than the one before, so that the order of the stored
//!   notes is the order of sending.
//! - **Duplicates.** A message is sent a second time only if all of these are true: it was handed to a connection that broke,
//!   or to a session that died; no acknowledgement of it was recorded before that; and after the reconnect, the transcripts
//!   either were not read within [`RECONNECT_HOLD`] or did not show it. Both copies have the same identity.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use super::message::{Identity, Message};
use super::token_bucket::{Rate, TokenBucket};

/// Largest number of messages that wait to be sent, and largest number of unacknowledged messages.
pub const QUEUE_LIMIT: usize = 1000;
/// How long sending is held after a reconnect if messages may be delivered already and the transcripts are not read.
pub const RECONNECT_HOLD: Duration = Duration::from_secs(5);

/// The messages of one agent that are not known to have arrived. The module documentation describes the states.
#[derive(Debug)]
pub struct Outbox {
    bucket: TokenBucket,
    waiting: VecDeque<Message>,
    in_flight: VecDeque<Message>,
    unacknowledged: VecDeque<Message>,
    /// Messages that a ping acknowledged and that neither stream nor transcript has shown yet.
    acknowledged_by_ping: VecDeque<Identity>,
    /// Acknowledged messages whose notes are still stored.
    acknowledged: Vec<Message>,
    /// Messages of the outbox that were written to any connection, so that each is counted once.
    written: HashSet<Identity>,
    sent: u64,
    /// Whether waiting messages may be delivered already.
    may_be_delivered: bool,
    held_until: Option<Instant>,
    connection: u64,
    last_timestamp_ms: i64,
}

impl Outbox {
    /// Creates an empty outbox that sends at `rate`.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self {
            bucket: TokenBucket::full(rate),
            waiting: VecDeque::new(),
            in_flight: VecDeque::new(),
            unacknowledged: VecDeque::new(),
            acknowledged_by_ping: VecDeque::new(),
            acknowledged: Vec::new(),
            written: HashSet::new(),
            sent: 0,
            may_be_delivered: false,
            held_until: None,
            connection: 0,
            last_timestamp_ms: i64::MIN,
        }
    }

    /// Adds the messages whose notes an earlier session left, in the order of their timestamps.
    pub fn restore(&mut self, messages: Vec<Message>) {
        for message in messages {
            self.may_be_delivered = true;
            self.enqueue(message);
        }
    }

    /// Adds the messages whose notes another session left after [`Self::restore`], and returns those that were added: messages that
    /// the outbox knows are left out. They may be delivered already, so that the hold begins.
    ///
    /// Nothing is added while a hold is on, because what ends it says nothing about the new messages. Their notes stay, and the caller
    /// comes again.
    #[must_use]
    pub fn adopt(&mut self, noted: Vec<Message>, now: Instant) -> Vec<Message> {
        if self.held_until.is_some() {
            return Vec::new();
        }
        let mut adopted = Vec::new();
        for message in noted {
            let identity = message.identity();
            if self.acknowledged_by_ping.contains(&identity) {
                // It has arrived, and only its note is left.
                self.acknowledged.push(message);
            } else if !self.is_known(&identity) {
                let waiting = &mut self.waiting;
                let at =
                    waiting.partition_point(|other| other.timestamp_ms <= message.timestamp_ms);
                waiting.insert(at, message.clone());
                adopted.push(message);
            }
        }
        if !adopted.is_empty() {
            self.may_be_delivered = true;
            self.held_until = Some(now + RECONNECT_HOLD);
        }
        adopted
    }

    /// Returns whether a message waits here, was handed to the connection, or is known to have arrived.
    #[must_use]
    pub fn is_known(&self, identity: &Identity) -> bool {
        let queues = [&self.waiting, &self.in_flight, &self.unacknowledged];
        let mut known = queues.into_iter().flatten().chain(&self.acknowledged);
        self.acknowledged_by_ping.contains(identity)
            || known.any(|message| message.identity() == *identity)
    }

    /// Returns whether so many messages wait that a further message must be refused.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= QUEUE_LIMIT
    }

    /// Returns a timestamp for the next message: `now_ms`, or the millisecond after the previous message if that is later.
    pub fn next_timestamp_ms(&mut self, now_ms: i64) -> i64 {
        self.last_timestamp_ms = now_ms.max(self.last_timestamp_ms.saturating_add(1));
        self.last_timestamp_ms
    }

    /// Adds a message that has been stored with its note.
    pub fn enqueue(&mut self, message: Message) {
        self.last_timestamp_ms = self.last_timestamp_ms.max(message.timestamp_ms);
        self.waiting.push_back(message);
    }

    /// Notes that a connection is up, and starts the hold if messages may be delivered already.
    ///
    /// `connection` is the number of the connection, which [`Self::on_transcripts_read`] compares.
    pub fn on_connected(&mut self, connection: u64, now: Instant) {
        self.connection = connection;
        let unconfirmed = self
            .unacknowledged
            .drain(..)
            .chain(self.in_flight.drain(..));
        for message in unconfirmed.rev() {
            self.may_be_delivered = true;
            self.waiting.push_front(message);
        }
        self.held_until = self.may_be_delivered.then(|| now + RECONNECT_HOLD);
    }

    /// Notes that the transcripts have been read after `connection` came up: messages that still wait have not arrived.
    ///
    /// The reading for an earlier connection says nothing about the messages that the latest break may have swallowed, and is
    /// ignored.
    pub fn on_transcripts_read(&mut self, connection: u64) {
        if connection == self.connection {
            self.end_hold();
        }
    }

    /// Returns when [`Self::take_due`] has the next message, if the connection takes `room` further messages.
    #[must_use]
    pub fn next_due(&self, now: Instant, room: usize) -> Option<Instant> {
        if self.waiting.is_empty() || room == 0 {
            return None;
        }
        let token_at = self.bucket.ready_at(now);
        Some(self.held_until.map_or(token_at, |hold| hold.max(token_at)))
    }

    /// Returns the messages to send at `now`, at most `room`, which the connection takes without waiting.
    ///
    /// The caller hands them to the connection in this order. They are in flight from here on: if the connection breaks
    /// before it takes them, [`Self::on_connected`] lets them wait again.
    #[must_use]
    pub fn take_due(&mut self, now: Instant, room: usize) -> Vec<Message> {
        let mut due = Vec::new();
        // A hold that is over while there is no connection does not count: the transcripts are read after the next connect.
        if room > 0 && self.held_until.is_some_and(|hold| hold <= now) {
            self.end_hold();
        }
        if self.held_until.is_some() {
            return due;
        }
        while due.len() < room
            && !self.waiting.is_empty()
            && self.bucket.take(now).is_ok()
            && let Some(message) = self.waiting.pop_front()
        {
            self.in_flight.push_back(message.clone());
            due.push(message);
        }
        due
    }

    /// Notes that a message was written to the connection.
    pub fn on_written(&mut self, identity: &Identity) {
        let Some(message) = remove(&mut self.in_flight, identity) else {
            return;
        };
        self.count_written(*identity);
        self.unacknowledged.push_back(message);
        if self.unacknowledged.len() > QUEUE_LIMIT {
            let oldest = self.unacknowledged.pop_front();
            self.acknowledged.extend(oldest);
        }
    }

    /// Notes that the server answered a ping that was written after these messages, and has therefore read them.
    pub fn on_ping_answered(&mut self, identities: &[Identity]) {
        for identity in identities {
            if let Some(message) = remove(&mut self.unacknowledged, identity) {
                self.acknowledged.push(message);
                if self.acknowledged_by_ping.len() >= QUEUE_LIMIT {
                    self.acknowledged_by_ping.pop_front();
                }
                self.acknowledged_by_ping.push_back(*identity);
            }
        }
    }

    /// Notes that the stream or a transcript showed a message.
    ///
    /// Returns whether this is the echo of a message of the outbox: a message that was sent from here and is shown for the
    /// first time.
    pub fn on_received(&mut self, identity: &Identity) -> bool {
        let by_ping = &mut self.acknowledged_by_ping;
        if let Some(at) = by_ping.iter().position(|known| known == identity) {
            by_ping.remove(at);
            return true;
        }
        let queues = [
            &mut self.unacknowledged,
            &mut self.in_flight,
            &mut self.waiting,
        ];
        let Some(message) = queues.into_iter().find_map(|queue| remove(queue, identity)) else {
            return false;
        };
        self.count_written(*identity);
        self.acknowledged.push(message);
        true
    }

    /// Gives up the unacknowledged messages of a conversation that has been archived: they are not sent again.
    pub fn discard_outbound(&mut self, conversation: &str) {
        let (discarded, others): (VecDeque<_>, VecDeque<_>) = self
            .unacknowledged
            .drain(..)
            .partition(|message| message.conversation_id == conversation);
        self.unacknowledged = others;
        self.acknowledged.extend(discarded);
    }

    /// Removes and returns the messages whose notes the session removes from the store, since they have arrived.
    #[must_use]
    pub fn take_acknowledged(&mut self) -> Vec<Message> {
        let acknowledged = std::mem::take(&mut self.acknowledged);
        for message in &acknowledged {
            self.written.remove(&message.identity());
        }
        acknowledged
    }

    /// Returns how many messages were sent, each counted once.
    ///
    /// A message that an earlier session wrote and whose echo this session received counts in both sessions.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    const fn end_hold(&mut self) {
        self.held_until = None;
        self.may_be_delivered = false;
    }

    fn count_written(&mut self, identity: Identity) {
        if self.written.insert(identity) {
            self.sent += 1;
        }
    }
}

fn remove(queue: &mut VecDeque<Message>, identity: &Identity) -> Option<Message> {
    let at = queue
        .iter()
        .position(|message| message.identity() == *identity)?;
    queue.remove(at)
}

#[cfg(test)]
mod tests;

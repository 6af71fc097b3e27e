//! Messages that the agent sends: stored first, at the rate, in order, sent again if the stream went down meanwhile.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use futures::StreamExt;
use insights_core::chat::bucket::{Rate, TokenBucket};
use insights_core::chat::envelope::checked_message;
use insights_core::chat::merge::{Heard, Via};
use insights_core::chat::message::{Identity, Message, Sender};
use jiff::Timestamp;
use store::state::{Expect, StateStore};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Outgoing;
use super::desk::{Desk, Waiting};
use crate::records;

/// Messages that may wait to go out; one more is refused, and its sender is told.
const WAITING: usize = 1000;
/// How long messages that may have arrived wait for the transcripts to say so, before they go again all the same.
const HOLD: Duration = Duration::from_secs(5);
/// Notes of messages removed at once.
const REMOVALS: usize = 16;

/// Messages on their way out.
#[derive(Debug)]
pub(super) struct Outbox {
    bucket: TokenBucket,
    /// The link of the stream that is up, or was last.
    link: Option<mpsc::Sender<Message>>,
    waiting: VecDeque<Message>,
    /// Handed to the link, not known to be out.
    flying: VecDeque<Message>,
    /// Written to the stream and not known to have arrived, in order: what a connection swallows as it breaks is among
    /// them.
    unheard: VecDeque<Message>,
    /// Arrived, and neither stream nor transcript has shown them yet.
    arrived: VecDeque<Identity>,
    /// Those on their way that were written to a stream, this one or one before.
    written: HashSet<Identity>,
    /// How many were sent, once each.
    sent: u64,
    /// Whether some that wait may have arrived: written before the stream broke, or by an earlier session.
    doubtful: bool,
    /// Nothing goes out before, unless the transcripts are read.
    hold: Option<Instant>,
    /// Heard back: their notes are to be removed.
    done: Vec<Message>,
}

impl Outbox {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            bucket: TokenBucket::full(rate),
            link: None,
            waiting: VecDeque::new(),
            flying: VecDeque::new(),
            unheard: VecDeque::new(),
            arrived: VecDeque::new(),
            written: HashSet::new(),
            sent: 0,
            doubtful: false,
            hold: None,
            done: Vec::new(),
        }
    }

    /// Messages that an earlier session did not hear back, in order.
    pub(super) fn resume(&mut self, messages: Vec<Message>) {
        self.doubtful |= !messages.is_empty();
        self.waiting.extend(messages);
    }

    /// When the next message may go out.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let link = self.link.as_ref()?;
        if self.waiting.is_empty() || link.is_closed() || link.capacity() == 0 {
            return None;
        }
        let ready = self.bucket.ready_at(Instant::now().into_std()).into();
        Some(self.hold.map_or(ready, |hold| hold.max(ready)))
    }

    /// Hands what may go out to the link.
    pub(super) fn send(&mut self) {
        let now = Instant::now();
        if self.hold.is_some_and(|hold| hold <= now) {
            self.release();
        }
        let Some(link) = self.link.as_ref().filter(|_| self.hold.is_none()) else {
            return;
        };
        while !self.waiting.is_empty()
            && let Ok(place) = link.try_reserve()
            && self.bucket.take(now.into_std()).is_ok()
            && let Some(message) = self.waiting.pop_front()
        {
            self.flying.push_back(message.clone());
            place.send(message);
        }
    }

    /// The stream is up anew: what was not heard back goes again, before everything else, unless the transcripts show by
    /// then that it had arrived. One that arrives again all the same is the same message by its identity.
    pub(super) fn again(&mut self, link: mpsc::Sender<Message>) {
        self.link = Some(link);
        for message in self.unheard.drain(..).chain(self.flying.drain(..)).rev() {
            self.doubtful = true;
            self.waiting.push_front(message);
        }
        self.hold = self.doubtful.then(|| Instant::now() + HOLD);
    }

    /// The transcripts have been read: what waits still has not arrived.
    pub(super) fn release(&mut self) {
        self.hold = None;
        self.doubtful = false;
    }

    /// How many messages were sent, once each; one that an earlier session wrote and this one hears back counts in both.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// A message was written to the stream. It is out when it is heard back, by stream or transcript: a connection that
    /// breaks, or a process that dies, may swallow what was written.
    pub(super) fn wrote(&mut self, identity: Identity) {
        let Some(message) = remove(&mut self.flying, &identity) else {
            return;
        };
        self.count(identity);
        self.unheard.push_back(message);
        if self.unheard.len() > WAITING {
            let oldest = self.unheard.pop_front();
            self.done.extend(oldest);
        }
    }

    /// Messages have arrived: the stream showed that it was read beyond them.
    pub(super) fn arrived(&mut self, identities: &[Identity]) {
        for identity in identities {
            if let Some(message) = remove(&mut self.unheard, identity) {
                self.done.push(message);
                if self.arrived.len() >= WAITING {
                    self.arrived.pop_front();
                }
                self.arrived.push_back(*identity);
            }
        }
    }

    /// Whether a message is one that was sent from here and comes back for the first time.
    pub(super) fn is_echo(&mut self, identity: &Identity) -> bool {
        if let Some(at) = self.arrived.iter().position(|arrived| arrived == identity) {
            self.arrived.remove(at);
            return true;
        }
        let own = [&mut self.unheard, &mut self.flying, &mut self.waiting]
            .into_iter()
            .find_map(|queue| remove(queue, identity));
        let Some(message) = own else {
            return false;
        };
        self.count(*identity);
        self.done.push(message);
        true
    }

    fn count(&mut self, identity: Identity) {
        if self.written.insert(identity) {
            self.sent += 1;
        }
    }

    /// A conversation is archived: what was written of it is waited for no longer.
    fn give_up(&mut self, conversation: &str) {
        let (of_it, others): (VecDeque<_>, _) = self
            .unheard
            .drain(..)
            .partition(|message| message.conversation_id == conversation);
        self.unheard = others;
        self.done.extend(of_it);
    }
}

fn remove(queue: &mut VecDeque<Message>, identity: &Identity) -> Option<Message> {
    let at = queue
        .iter()
        .position(|message| message.identity() == *identity)?;
    queue.remove(at)
}

impl Desk {
    /// Takes a message that the agent sends.
    pub(super) async fn take_outgoing(&mut self, outgoing: Outgoing) -> anyhow::Result<()> {
        let Outgoing {
            conversation_id,
            text,
            taken,
        } = outgoing;
        let mut message = match self.compose(conversation_id, text) {
            Ok(message) => message,
            Err(reason) => {
                let _ = taken.send(Err(reason));
                return Ok(());
            }
        };
        self.open(&[message.conversation_id.clone()]).await?;
        let Some(chat) = self.chats.get_mut(&message.conversation_id) else {
            return Ok(());
        };
        // The same words twice within a millisecond are two messages.
        while !chat.known.insert(message.identity()) {
            message.timestamp_ms += 1;
        }
        chat.stored += 1;
        chat.touched = Instant::now();
        let arrival = self.next_arrival();
        let heard = Heard {
            message: message.clone(),
            via: Via::Outbound,
            arrival,
            latency_ms: None,
            model_sentiment: None,
        };
        let puts = vec![
            self.put(records::message(&message), &heard)?,
            self.put(records::outbound(&self.agent, &message), &message)?,
        ];
        self.store(puts).await?;
        self.outbox.waiting.push_back(message);
        let _ = taken.send(Ok(()));
        self.turn(Waiting {
            heard,
            latency: None,
            at: None,
        })
        .await
    }

    /// The message, or why it cannot be sent.
    fn compose(&self, conversation_id: String, text: String) -> Result<Message, String> {
        if self.outbox.waiting.len() >= WAITING {
            return Err(format!(
                "{WAITING} messages wait to be sent already: try again later"
            ));
        }
        if text.trim().is_empty() {
            return Err("the message is empty".to_owned());
        }
        let from = Sender {
            kind: "agent".to_owned(),
            id: self.agent.clone(),
        };
        let timestamp_ms = Timestamp::now().as_millisecond();
        checked_message(Message {
            conversation_id,
            from,
            text,
            timestamp_ms,
        })
        .map_err(|error| error.to_string())
    }

    /// A conversation is archived: nothing of it that was written is sent again.
    pub(super) async fn no_more_of(&mut self, conversation: &str) {
        self.outbox.give_up(conversation);
        self.remove_notes().await;
    }

    /// Removes the notes of messages that are out.
    pub(super) async fn remove_notes(&mut self) {
        let done = std::mem::take(&mut self.outbox.done);
        for message in &done {
            self.outbox.written.remove(&message.identity());
        }
        let (agent, state) = (&self.agent, &self.deps.state);
        let removals = done.iter().map(|message| async move {
            let key = records::outbound(agent, message);
            state.delete(&key, Expect::Any, Timestamp::now()).await
        });
        let removals: Vec<_> = removals.collect();
        let removed: Vec<_> = futures::stream::iter(removals)
            .buffer_unordered(REMOVALS)
            .collect()
            .await;
        for error in removed.into_iter().filter_map(Result::err) {
            tracing::warn!(agent = self.agent, error = %error, "a sent message is still noted as unsent: it may go again");
        }
    }
}

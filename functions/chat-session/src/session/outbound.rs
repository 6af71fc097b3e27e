//! Messages that the agent sends: stored first, at the rate, in order, sent again if the stream went down meanwhile.

use std::collections::{HashSet, VecDeque};

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

/// Messages on their way out.
#[derive(Debug)]
pub(super) struct Outbox {
    bucket: TokenBucket,
    /// The link of the stream that is up, or was last.
    link: Option<mpsc::Sender<Message>>,
    waiting: VecDeque<Message>,
    /// Handed to the link, not known to be out.
    flying: Vec<Message>,
    /// Written to the stream and not heard back yet, in order: what a connection swallows as it breaks is among them.
    unheard: VecDeque<Message>,
    /// Those that were written before the stream broke and go again: counted as sent already.
    again: HashSet<Identity>,
}

impl Outbox {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            bucket: TokenBucket::full(rate),
            link: None,
            waiting: VecDeque::new(),
            flying: Vec::new(),
            unheard: VecDeque::new(),
            again: HashSet::new(),
        }
    }

    /// Messages that an earlier session did not see out, in order.
    pub(super) fn resume(&mut self, messages: Vec<Message>) {
        self.waiting.extend(messages);
    }

    /// When the next message may go out.
    pub(super) fn next_due(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then(|| self.bucket.ready_at(Instant::now().into_std()).into())
    }

    /// Hands what may go out to the link.
    pub(super) fn send(&mut self) {
        let Some(link) = &self.link else {
            return;
        };
        while !self.waiting.is_empty()
            && let Ok(place) = link.try_reserve()
            && self.bucket.take(Instant::now().into_std()).is_ok()
            && let Some(message) = self.waiting.pop_front()
        {
            self.flying.push(message.clone());
            place.send(message);
        }
    }

    /// The stream is up anew: what was not heard back goes again, before everything else. What had arrived after all is
    /// the same message by its identity, so nobody has it twice.
    pub(super) fn again(&mut self, link: mpsc::Sender<Message>) {
        self.link = Some(link);
        self.again
            .extend(self.unheard.iter().map(Message::identity));
        for message in self.unheard.drain(..).chain(self.flying.drain(..)).rev() {
            self.waiting.push_front(message);
        }
    }

    /// A message went out; `None` if it had been out before.
    fn sent(&mut self, identity: Identity) -> Option<Message> {
        let at = self
            .flying
            .iter()
            .position(|message| message.identity() == identity)?;
        let message = self.flying.remove(at);
        if self.unheard.len() >= WAITING {
            self.unheard.pop_front();
        }
        self.unheard.push_back(message.clone());
        (!self.again.remove(&identity)).then_some(message)
    }

    /// Whether a message is one that was sent from here and comes back for the first time.
    pub(super) fn is_echo(&mut self, identity: &Identity) -> bool {
        let at = self
            .unheard
            .iter()
            .position(|message| message.identity() == *identity);
        at.and_then(|at| self.unheard.remove(at)).is_some()
    }
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

    /// A message went out: it need not be sent again.
    pub(super) async fn sent(&mut self, identity: Identity) {
        let Some(message) = self.outbox.sent(identity) else {
            return;
        };
        self.counts.sent += 1;
        let key = records::outbound(&self.agent, &message);
        if let Err(error) = self
            .deps
            .state
            .delete(&key, Expect::Any, Timestamp::now())
            .await
        {
            tracing::warn!(agent = self.agent, error = %error, "a sent message is still noted as unsent: it may go again");
        }
    }
}

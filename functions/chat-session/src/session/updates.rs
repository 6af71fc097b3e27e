//! Updates of a session for display.

use insights_core::board::UnknownRules;
use insights_core::chat::escalation::EscalationTrigger;
use insights_core::chat::message::{Identity, Message};
use insights_core::chat::sla::Latency;
use insights_core::chat::stored_message::Via;
use insights_core::lexicon::LexiconScore;
use insights_core::rules::RuleHit;
use runtime::Observer;
use sentiment::SentimentScore;

/// One thing that happened in a session.
#[derive(Debug, Clone)]
pub enum Update {
    /// The stream is up.
    Connected,
    /// The stream is down.
    Disconnected {
        /// Why the stream is down, with all causes.
        reason: String,
        /// Milliseconds until the next attempt to connect.
        wait_ms: u64,
    },
    /// A conversation was assigned to the agent.
    Assigned {
        /// The id of the conversation.
        conversation_id: String,
    },
    /// A message was stored and processed.
    Message {
        /// The message as it was received or sent.
        message: Message,
        /// How the message reached the session.
        via: Via,
        /// Sentiment by the lexicon.
        lexicon: LexiconScore,
        /// Time from sending to receiving, if the message came by stream.
        latency: Option<Latency>,
        /// The escalation that the message raised, if it raised one.
        escalation: Option<EscalationTrigger>,
    },
    /// The model scored a message of an earlier [`Update::Message`].
    Scored {
        /// The id of the conversation of the message.
        conversation_id: String,
        /// The identity of the message.
        identity: Identity,
        /// Sentiment by the model, with its signals.
        sentiment: SentimentScore,
    },
    /// A signal that the model found in a message of an earlier [`Update::Message`] raised an escalation.
    Escalated {
        /// The id of the conversation.
        conversation_id: String,
        /// The trigger, which names the signal.
        trigger: EscalationTrigger,
    },
    /// Rules of the rule file hold for a conversation. A later session may report the same hits again.
    RuleHits {
        /// The id of the conversation.
        conversation_id: String,
        /// The hits in the order of their times.
        hits: Vec<RuleHit>,
    },
    /// Which rules of the rule file cannot be answered for a conversation has changed, or is known for the first time.
    UnknownRules {
        /// The id of the conversation.
        conversation_id: String,
        /// The rules that cannot be answered, and the times in which words may be missing.
        unknown: UnknownRules,
    },
    /// A conversation has ended for the agent.
    Ended {
        /// The id of the conversation.
        conversation_id: String,
    },
    /// A conversation was archived.
    Archived {
        /// The id of the conversation.
        conversation_id: String,
        /// The number of messages in the archive.
        messages: usize,
    },
}

/// The sending end of a session's updates. A slow receiver never holds the session up: updates are dropped and counted.
#[derive(Debug)]
pub(super) struct UpdateFeed {
    observer: Observer<Update>,
    dropped: u64,
}

impl UpdateFeed {
    /// Creates a feed for an observer; where nobody watches, no updates are made.
    pub(super) const fn new(observer: Observer<Update>) -> Self {
        Self {
            observer,
            dropped: 0,
        }
    }

    /// Publishes an update, or drops and counts it if the receiver is too slow.
    pub(super) fn publish(&mut self, update: impl FnOnce() -> Update) {
        self.dropped += u64::from(!self.observer.notify(update));
    }

    /// Returns the number of dropped updates.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }
}

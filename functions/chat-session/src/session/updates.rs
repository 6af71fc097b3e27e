//! What a session shows of what happens.

use insights_core::chat::escalation::EscalationTrigger;
use insights_core::chat::merge::Via;
use insights_core::chat::message::{Identity, Message};
use insights_core::chat::sla::Latency;
use insights_core::lexicon::LexiconScore;
use insights_core::scale::Score;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Update {
    /// The stream is up.
    Connected,
    /// The stream is down, for this reason; the next attempt comes in so many milliseconds.
    Disconnected {
        /// Why.
        reason: String,
        /// When it is tried again.
        wait_ms: u64,
    },
    /// A conversation was given to the agent.
    Assigned {
        /// Which.
        conversation_id: String,
    },
    /// A message, stored and in its turn.
    Message {
        /// The message.
        message: Message,
        /// How it came.
        via: Via,
        /// The lexicon's score.
        lexicon: LexiconScore,
        /// From send to receive, where it came by stream.
        latency: Option<Latency>,
        /// The escalation that it raised.
        escalation: Option<EscalationTrigger>,
    },
    /// The model's score of a message shown before.
    Scored {
        /// The message's conversation.
        conversation_id: String,
        /// The message.
        identity: Identity,
        /// Its score.
        score: Score,
    },
    /// A conversation ended.
    Ended {
        /// Which.
        conversation_id: String,
    },
    /// A conversation was archived.
    Archived {
        /// Which.
        conversation_id: String,
        /// How many messages.
        messages: usize,
    },
}

//! The options of a session, and the messages that its caller lets it send.

use std::time::Duration;

use insights_core::chat::frame::Malformed;
use insights_core::chat::outbox::QUEUE_LIMIT;
use runtime::Observer;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::updates::Update;

/// How a session is run.
#[derive(Debug)]
pub struct Options {
    /// Name of the lease holder, unique for each session: not even a repetition of the same request may bear it.
    pub holder: String,
    /// Moment at which the session must have ended; the session hands over before. `None` sets no limit.
    pub deadline: Option<Instant>,
    /// How long to wait for the lease if another session holds it.
    pub lease_wait: Duration,
    /// Canceling this token ends the session: all conversations are archived, and the agent goes offline.
    pub stop: CancellationToken,
    /// Observer of the session. Updates that the observer does not take are counted.
    pub updates: Observer<Update>,
    /// Source of messages to send for the agent.
    pub outbound: Option<mpsc::Receiver<OutgoingMessage>>,
}

impl Options {
    /// Creates options without a deadline, without waiting for the lease, and without updates or outbound messages.
    #[must_use]
    pub fn new(holder: String) -> Self {
        Self {
            holder,
            deadline: None,
            lease_wait: Duration::ZERO,
            stop: CancellationToken::new(),
            updates: Observer::none(),
            outbound: None,
        }
    }
}

/// A message that the agent asks the session to send.
#[derive(Debug)]
pub struct OutgoingMessage {
    /// The conversation to send the message in.
    pub conversation_id: String,
    /// The text of the message.
    pub text: String,
    /// Is answered when the message has been stored and queued for sending, or when the session refuses the message.
    pub accepted: oneshot::Sender<Result<(), RefusedMessage>>,
}

/// The reason why a session refuses to send a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefusedMessage {
    /// Too many messages wait to be sent.
    QueueFull,
    /// The text is empty.
    Empty,
    /// Conversations of a tenant are watched, and their agents write in an application of their own.
    Watched,
    /// A field of the message exceeds its limits.
    Invalid(Malformed),
}

impl std::fmt::Display for RefusedMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::QueueFull => write!(
                f,
                "{QUEUE_LIMIT} messages wait to be sent already: try again later"
            ),
            Self::Empty => f.write_str("the message is empty"),
            Self::Watched => f.write_str(
                "conversations of a NICE CXone tenant are watched and not written to: answer in the agent's application",
            ),
            Self::Invalid(reason) => write!(f, "the message cannot be sent: {reason}"),
        }
    }
}

impl std::error::Error for RefusedMessage {}

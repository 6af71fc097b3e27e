//! What the tasks of the stream and of the transcripts bring to the event loop.

use std::time::Duration;

use insights_core::chat::archive::Gap;
use insights_core::chat::frame::{ChatEvent, Malformed};
use insights_core::chat::message::{Identity, Message};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// One item that a task brings to the event loop.
#[derive(Debug)]
pub(super) enum Arrival {
    /// An event of the stream, received at these two times: milliseconds since the epoch, and the monotonic clock.
    Event(ChatEvent, i64, Instant),
    /// A malformed frame of the stream.
    Malformed(Malformed),
    /// A message of a transcript that was read after an outage.
    Recovered(Message),
    /// The transcripts have been read after a connection came up.
    TranscriptsRead {
        /// The number of the connection.
        connection: u64,
        /// Whether none of them is refused: of such a transcript nobody knows what it holds.
        is_complete: bool,
    },
    /// A message was written to the stream.
    Written(Identity),
    /// The messages of the agent that are noted as not known to have arrived, whichever session noted them.
    UnsentNotes(Vec<Message>),
    /// The conversations that are noted as ended, whichever session noted that, each with when it ended, in milliseconds since the epoch.
    EndedNotes(Vec<(String, i64)>),
    /// The stream is up.
    Connected {
        /// When the stream was down, if it had been up before.
        gap: Option<Gap>,
        /// Takes messages to send as long as the stream is up. Messages that are still in the channel when the stream goes
        /// down are not sent.
        outbound: mpsc::Sender<Message>,
    },
    /// The stream is down.
    Disconnected {
        /// Why the stream is down, with all causes.
        reason: String,
        /// Time until the next attempt to connect.
        wait: Duration,
    },
    /// The server answered a ping at this time, in milliseconds since the epoch, and has therefore read these messages.
    PingAnswered(i64, Vec<Identity>),
}

impl Arrival {
    /// Returns the message that the arrival brings, if it brings one.
    pub(super) const fn message(&self) -> Option<&Message> {
        match self {
            Self::Event(ChatEvent::Message(message), ..) | Self::Recovered(message) => {
                Some(message)
            }
            _ => None,
        }
    }

    /// Returns the id of the conversation that the arrival is about, if it is about one.
    pub(super) fn conversation_id(&self) -> Option<&str> {
        match self {
            Self::Event(ChatEvent::Message(message), ..) | Self::Recovered(message) => {
                Some(&message.conversation_id)
            }
            Self::Event(
                ChatEvent::Assigned { conversation_id } | ChatEvent::Ended { conversation_id },
                ..,
            ) => Some(conversation_id),
            _ => None,
        }
    }
}

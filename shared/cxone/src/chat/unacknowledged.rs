//! The messages that were written to a connection and are not acknowledged yet.
//!
//! A server reads a connection in order. A server that answers a ping has read everything that was written before that ping,
//! so the payload of a ping says how many messages those are, and its answer acknowledges them.

use std::collections::VecDeque;

use insights_core::chat::message::Identity;

/// Largest number of messages that are remembered, so that a server that answers no ping makes nothing grow.
const MAX_MESSAGES: usize = 1000;

/// The messages written to one connection that are not known to have arrived, oldest first.
#[derive(Debug, Default)]
pub(super) struct UnacknowledgedMessages {
    /// Number of messages that were written before the first of `messages`.
    written_before: u64,
    messages: VecDeque<Identity>,
}

impl UnacknowledgedMessages {
    /// Adds a message that was written.
    pub(super) fn push(&mut self, identity: Identity) {
        if self.messages.len() >= MAX_MESSAGES {
            self.messages.pop_front();
            self.written_before += 1;
        }
        self.messages.push_back(identity);
    }

    /// Returns the payload of a ping that is sent now.
    pub(super) fn ping_payload(&self) -> [u8; 8] {
        (self.written_before + self.messages.len() as u64).to_be_bytes()
    }

    /// Removes and returns the messages that were written before the ping which a pong with this payload answers.
    ///
    /// A pong that answers no ping of this connection acknowledges nothing.
    pub(super) fn acknowledge(&mut self, pong: &[u8]) -> Vec<Identity> {
        let written = <[u8; 8]>::try_from(pong).map_or(0, u64::from_be_bytes);
        let count = written.saturating_sub(self.written_before);
        match usize::try_from(count) {
            Ok(count) if count <= self.messages.len() => {
                self.written_before += count as u64;
                self.messages.drain(..count).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Returns all messages, which the server's closing frame acknowledges, because the server sends it after reading them.
    pub(super) fn into_all(self) -> Vec<Identity> {
        self.messages.into()
    }
}

#[cfg(test)]
mod tests {
    use insights_core::chat::message::{Message, Sender};

    use super::*;

    fn identity(number: i64) -> Identity {
        let from = Sender {
            kind: "agent".to_owned(),
            id: "a".to_owned(),
        };
        let message = Message {
            conversation_id: "c".to_owned(),
            from,
            text: "hello".to_owned(),
            timestamp_ms: number,
        };
        message.identity()
    }

    #[test]
    fn a_pong_acknowledges_what_was_written_before_its_ping() {
        let mut unacknowledged = UnacknowledgedMessages::default();
        assert_eq!(
            unacknowledged.acknowledge(&unacknowledged.ping_payload().clone()),
            []
        );
        unacknowledged.push(identity(0));
        unacknowledged.push(identity(1));
        let payload = unacknowledged.ping_payload();
        unacknowledged.push(identity(2));
        assert_eq!(
            unacknowledged.acknowledge(&payload),
            [identity(0), identity(1)]
        );
        assert_eq!(
            unacknowledged.acknowledge(&payload),
            [],
            "the same pong again"
        );
        assert_eq!(unacknowledged.into_all(), [identity(2)]);
    }

    #[test]
    fn a_pong_to_no_ping_of_ours_acknowledges_nothing() {
        let mut unacknowledged = UnacknowledgedMessages::default();
        unacknowledged.push(identity(0));
        for pong in [&b""[..], b"hello", &9_u64.to_be_bytes(), &[255; 8]] {
            assert_eq!(unacknowledged.acknowledge(pong), []);
        }
        assert_eq!(
            unacknowledged.acknowledge(&1_u64.to_be_bytes()),
            [identity(0)]
        );
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut unacknowledged = UnacknowledgedMessages::default();
        let count = MAX_MESSAGES as i64 + 5;
        (0..count).for_each(|number| unacknowledged.push(identity(number)));
        let arrived = unacknowledged.acknowledge(&unacknowledged.ping_payload().clone());
        assert_eq!(arrived.len(), MAX_MESSAGES);
        assert_eq!(arrived[0], identity(5));
    }
}

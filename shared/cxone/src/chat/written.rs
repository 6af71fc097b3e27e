//! Which of the messages written to a connection have arrived.
//!
//! A connection is read in order. Whoever answers a ping has read everything that was written before it, so a ping
//! carries how many messages that are.

use std::collections::VecDeque;

use insights_core::chat::message::Identity;

/// Messages remembered at most: a server that answers no ping makes nothing grow.
const MOST: usize = 1000;

/// The messages written to one connection that are not known to have arrived.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// How many were written before the first of these.
    before: u64,
    unanswered: VecDeque<Identity>,
}

impl Written {
    /// A message was written.
    pub(super) fn wrote(&mut self, identity: Identity) {
        if self.unanswered.len() >= MOST {
            self.unanswered.pop_front();
            self.before += 1;
        }
        self.unanswered.push_back(identity);
    }

    /// What a ping carries now.
    pub(super) fn mark(&self) -> [u8; 8] {
        (self.before + self.unanswered.len() as u64).to_be_bytes()
    }

    /// What had been written before the ping that this answers. An answer to no ping of ours tells nothing.
    pub(super) fn answered(&mut self, pong: &[u8]) -> Vec<Identity> {
        let mark = <[u8; 8]>::try_from(pong).map_or(0, u64::from_be_bytes);
        let count = mark.saturating_sub(self.before);
        match usize::try_from(count) {
            Ok(count) if count <= self.unanswered.len() => {
                self.before += count as u64;
                self.unanswered.drain(..count).collect()
            }
            _ => Vec::new(),
        }
    }

    /// All of them: the other side has said goodbye behind them.
    pub(super) fn all(self) -> Vec<Identity> {
        self.unanswered.into()
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
    fn an_answer_shows_what_was_written_before_its_ping() {
        let mut written = Written::default();
        assert_eq!(written.answered(&written.mark().clone()), []);
        written.wrote(identity(0));
        written.wrote(identity(1));
        let mark = written.mark();
        written.wrote(identity(2));
        assert_eq!(written.answered(&mark), [identity(0), identity(1)]);
        assert_eq!(written.answered(&mark), [], "the same answer again");
        assert_eq!(written.all(), [identity(2)]);
    }

    #[test]
    fn an_answer_to_no_ping_of_ours_shows_nothing() {
        let mut written = Written::default();
        written.wrote(identity(0));
        for pong in [&b""[..], b"hello", &9_u64.to_be_bytes(), &[255; 8]] {
            assert_eq!(written.answered(pong), []);
        }
        assert_eq!(written.answered(&1_u64.to_be_bytes()), [identity(0)]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut written = Written::default();
        let count = MOST as i64 + 5;
        (0..count).for_each(|number| written.wrote(identity(number)));
        let arrived = written.answered(&written.mark().clone());
        assert_eq!(arrived.len(), MOST);
        assert_eq!(arrived[0], identity(5));
    }
}

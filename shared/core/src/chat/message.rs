//! A chat message, and the identity that tells two messages apart.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One message of a conversation, in the field names of the stream, the transcript and the archive.
///
/// `Debug` shows the text's length only, so that no log line can hold what a customer wrote.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The conversation that the message belongs to.
    #[serde(rename = "conversationId")]
    pub conversation_id: String,
    /// Who wrote the message.
    pub from: Sender,
    /// The text of the message.
    pub text: String,
    /// When the message was sent, in milliseconds since the epoch.
    #[serde(rename = "timestamp")]
    pub timestamp_ms: i64,
}

/// The participant who wrote a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sender {
    /// The kind of participant: `customer`, `agent`, `system`, or another word of the contact center.
    #[serde(rename = "type")]
    pub kind: String,
    /// The participant's id; empty if the contact center names none.
    #[serde(default)]
    pub id: String,
}

impl Sender {
    /// Returns whether the sender is a customer.
    #[must_use]
    pub fn is_customer(&self) -> bool {
        self.kind.eq_ignore_ascii_case("customer")
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("conversation_id", &self.conversation_id)
            .field("from", &self.from)
            .field("text_bytes", &self.text.len())
            .field("timestamp_ms", &self.timestamp_ms)
            .finish()
    }
}

/// The identity of a message: a digest of its conversation, sender, timestamp and text.
///
/// Messages of the chat API carry no id, so two messages are the same exactly if all of these fields are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity([u8; 16]);

impl Message {
    /// Returns the identity of the message.
    ///
    /// Half of a SHA-256 digest is kept: among 10^12 messages the probability of a collision is below 10^-14.
    #[must_use]
    pub fn identity(&self) -> Identity {
        let mut digest = Sha256::new();
        for field in [
            &self.conversation_id,
            &self.from.kind,
            &self.from.id,
            &self.text,
        ] {
            digest.update((field.len() as u64).to_be_bytes());
            digest.update(field.as_bytes());
        }
        digest.update(self.timestamp_ms.to_be_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&digest.finalize()[..16]);
        Identity(half)
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(conversation: &str, id: &str, text: &str, timestamp_ms: i64) -> Message {
        Message {
            conversation_id: conversation.into(),
            from: Sender {
                kind: "customer".into(),
                id: id.into(),
            },
            text: text.into(),
            timestamp_ms,
        }
    }

    #[test]
    fn each_field_is_part_of_the_identity() {
        let one = message("c", "u", "hello", 1);
        assert_eq!(one.identity(), one.clone().identity());
        let mut agent = one.clone();
        agent.from.kind = "agent".into();
        let others = [
            agent,
            message("d", "u", "hello", 1),
            message("c", "v", "hello", 1),
            message("c", "u", "hell", 1),
            message("c", "u", "hello", 2),
        ];
        for other in others {
            assert_ne!(one.identity(), other.identity(), "{other:?}");
        }
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        assert_ne!(
            message("ab", "c", "d", 1).identity(),
            message("a", "bc", "d", 1).identity()
        );
        assert_eq!(message("a", "b", "c", 1).identity().to_string().len(), 32);
    }

    #[test]
    fn debug_never_shows_the_text() {
        let shown = format!("{:?}", message("c", "u", "my card is 4111", 1));
        assert!(
            !shown.contains("4111") && shown.contains("text_bytes: 15"),
            "{shown}"
        );
    }

    #[test]
    fn a_message_reads_and_writes_as_on_the_wire() {
        let wire = r#"{"conversationId":"c","from":{"type":"customer","id":"u"},"text":"hi","timestamp":5}"#;
        let message: Message = serde_json::from_str(wire).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), wire);
    }
}

//! What a frame of the chat stream says, its bounds, and the count of what was none.

use super::message::Message;

/// Largest frame that is read, in bytes: a message of 64 KB with every character escaped.
pub const FRAME_LIMIT: usize = 512 * 1024;
/// Longest text of a message in bytes.
pub const TEXT_LIMIT: usize = 64 * 1024;
/// Longest conversation or sender id in bytes: it becomes a key of the state store and a file name.
pub const ID_LIMIT: usize = 200;
/// The last millisecond of the year 9999.
const LAST_TIMESTAMP_MS: i64 = 253_402_300_799_999;

/// What a frame of the stream says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody wrote something.
    Message(Message),
    /// A conversation was given to the agent.
    Assigned {
        /// The conversation.
        conversation_id: String,
    },
    /// A conversation is over for the agent: closed, or given to somebody else.
    Ended {
        /// The conversation.
        conversation_id: String,
    },
    /// A frame that is well formed and says nothing a session acts on.
    Other,
}

/// Why a frame was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is no JSON text.
    #[error("not JSON")]
    NotJson,
    /// It is JSON, but no object with a `type`.
    #[error("no object with a type")]
    NoType,
    /// A field that its type needs is absent or of another type.
    #[error("field `{0}` is missing or not what it must be")]
    Field(&'static str),
    /// It is larger than a session reads.
    #[error("`{what}` has {size} bytes, at most {limit} are read")]
    TooLarge {
        /// Which part.
        what: &'static str,
        /// Its size in bytes.
        size: usize,
        /// What is allowed.
        limit: usize,
    },
    /// It is binary, or not UTF-8.
    #[error("not text")]
    NotText,
}

/// How many frames were skipped, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct MalformedCounts {
    /// No JSON, or not text.
    pub not_json: u64,
    /// JSON without a type, or with a wrong field.
    pub wrong_shape: u64,
    /// Too large.
    pub too_large: u64,
}

impl MalformedCounts {
    /// Counts a skipped frame.
    pub const fn count(&mut self, reason: &Malformed) {
        match reason {
            Malformed::NotJson | Malformed::NotText => self.not_json += 1,
            Malformed::NoType | Malformed::Field(_) => self.wrong_shape += 1,
            Malformed::TooLarge { .. } => self.too_large += 1,
        }
    }

    /// All skipped frames.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.not_json + self.wrong_shape + self.too_large
    }
}

/// A conversation's id, if it can be one.
///
/// # Errors
/// [`Malformed`] if it is empty, too long, or holds control characters.
pub fn checked_conversation_id(id: String) -> Result<String, Malformed> {
    if id.is_empty() || id.chars().any(char::is_control) {
        return Err(Malformed::Field("conversationId"));
    }
    bounded("conversationId", id.len(), ID_LIMIT)?;
    Ok(id)
}

/// A message, if it is one within bounds.
///
/// # Errors
/// [`Malformed`] names the field that is empty, too long or out of range.
pub fn checked_message(message: Message) -> Result<Message, Malformed> {
    let conversation_id = checked_conversation_id(message.conversation_id)?;
    if message.from.kind.is_empty() {
        return Err(Malformed::Field("from.type"));
    }
    bounded("from.type", message.from.kind.len(), ID_LIMIT)?;
    bounded("from.id", message.from.id.len(), ID_LIMIT)?;
    bounded("text", message.text.len(), TEXT_LIMIT)?;
    if !(0..=LAST_TIMESTAMP_MS).contains(&message.timestamp_ms) {
        return Err(Malformed::Field("timestamp"));
    }
    Ok(Message {
        conversation_id,
        ..message
    })
}

const fn bounded(what: &'static str, size: usize, limit: usize) -> Result<(), Malformed> {
    if size > limit {
        Err(Malformed::TooLarge { what, size, limit })
    } else {
        Ok(())
    }
}

/// Whether a routing or status word says that the conversation is over.
#[must_use]
pub fn says_ended(word: &str) -> bool {
    const ENDED: &[&str] = &[
        "ended",
        "end",
        "closed",
        "close",
        "completed",
        "complete",
        "disconnected",
        "released",
        "unassigned",
        "transferred",
        "terminated",
        "finished",
        "resolved",
        "abandoned",
    ];
    ENDED
        .iter()
        .any(|ended| word.trim().eq_ignore_ascii_case(ended))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::message::Sender;

    fn message(conversation: &str, kind: &str, text: &str, timestamp_ms: i64) -> Message {
        let from = Sender {
            kind: kind.into(),
            id: "u".into(),
        };
        Message {
            conversation_id: conversation.into(),
            from,
            text: text.into(),
            timestamp_ms,
        }
    }

    #[test]
    fn a_message_within_bounds_is_taken_as_it_is() {
        let fine = message("c-1", "customer", "", 1_698_765_432_000);
        assert_eq!(checked_message(fine.clone()), Ok(fine));
    }

    #[test]
    fn each_bound_names_its_field() {
        let long = "x".repeat(TEXT_LIMIT + 1);
        let cases = [
            (message("", "customer", "a", 1), "conversationId"),
            (message("a\nb", "customer", "a", 1), "conversationId"),
            (message(&long, "customer", "a", 1), "conversationId"),
            (message("c", "", "a", 1), "from.type"),
            (message("c", "customer", &long, 1), "text"),
            (message("c", "customer", "a", -1), "timestamp"),
            (message("c", "customer", "a", i64::MAX), "timestamp"),
        ];
        for (case, field) in cases {
            let error = checked_message(case).unwrap_err().to_string();
            assert!(error.contains(field), "{error} should name {field}");
        }
    }

    #[test]
    fn skipped_frames_are_counted_by_reason() {
        let mut counts = MalformedCounts::default();
        let large = Malformed::TooLarge {
            what: "text",
            size: 2,
            limit: 1,
        };
        for reason in [
            Malformed::NotJson,
            Malformed::NotText,
            Malformed::NoType,
            Malformed::Field("text"),
            large,
        ] {
            counts.count(&reason);
        }
        assert_eq!(
            counts,
            MalformedCounts {
                not_json: 2,
                wrong_shape: 2,
                too_large: 1
            }
        );
        assert_eq!(counts.total(), 5);
    }

    #[test]
    fn words_of_ending_are_known_in_any_case() {
        for word in ["closed", "ENDED", " Disconnected "] {
            assert!(says_ended(word), "{word}");
        }
        for word in ["assigned", "connected", "", "available", "unended"] {
            assert!(!says_ended(word), "{word}");
        }
    }
}

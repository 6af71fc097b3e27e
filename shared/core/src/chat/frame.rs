//! The content of a frame of the chat stream, the limits of its fields, and the counts of malformed frames.

use super::message::Message;

/// Size limit of a frame in bytes. A text at [`TEXT_LIMIT`] fits even with every character escaped.
pub const FRAME_LIMIT: usize = 512 * 1024;
/// Size limit of the text of a message in bytes.
pub const TEXT_LIMIT: usize = 64 * 1024;
/// Size limit of a message in bytes as JSON, which is how the message is stored. A character takes up to six bytes there, so that a
/// text far below [`TEXT_LIMIT`] can exceed what an item of the state store holds.
pub const ENCODED_LIMIT: usize = 300 * 1024;
/// Size limit of a conversation id or a sender id in bytes: the id becomes part of a key of the state store and of a file name.
pub const ID_LIMIT: usize = 200;
/// The last millisecond of the year 9999.
const MAX_TIMESTAMP_MS: i64 = 253_402_300_799_999;

/// What one frame of the chat stream reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatEvent {
    /// A participant wrote a message.
    Message(Message),
    /// A conversation was assigned to the agent.
    Assigned {
        /// The id of the conversation.
        conversation_id: String,
    },
    /// A conversation is over for the agent: it was closed or transferred to another agent.
    Ended {
        /// The id of the conversation.
        conversation_id: String,
    },
    /// A well-formed frame that no session acts on.
    Other,
}

/// The reason why a malformed frame was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The frame is not JSON.
    #[error("not JSON")]
    NotJson,
    /// The frame is JSON, but not an object with a `type`.
    #[error("no object with a type")]
    NoType,
    /// A field that the type of the frame requires is absent or has another type.
    #[error("field `{0}` is missing or not what it must be")]
    Field(&'static str),
    /// A part of the frame is larger than its limit.
    #[error("`{what}` has {size} bytes, at most {limit} are read")]
    TooLarge {
        /// The name of the part.
        what: &'static str,
        /// The size of the part in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The frame is binary or not UTF-8.
    #[error("not text")]
    NotText,
}

/// Counts of malformed frames, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct MalformedCounts {
    /// Frames that are not JSON or not text.
    pub not_json: u64,
    /// Frames without a type or with a wrong field.
    pub wrong_shape: u64,
    /// Frames with a part larger than its limit.
    pub too_large: u64,
}

impl MalformedCounts {
    /// Counts one malformed frame.
    pub const fn count(&mut self, reason: &Malformed) {
        match reason {
            Malformed::NotJson | Malformed::NotText => self.not_json += 1,
            Malformed::NoType | Malformed::Field(_) => self.wrong_shape += 1,
            Malformed::TooLarge { .. } => self.too_large += 1,
        }
    }

    /// Returns the number of all malformed frames.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.not_json + self.wrong_shape + self.too_large
    }
}

/// Returns the id of a conversation unchanged if the id is valid.
///
/// # Errors
/// [`Malformed`] if the id is empty, too long, or contains control characters.
pub fn validate_conversation_id(id: String) -> Result<String, Malformed> {
    if id.is_empty() || id.chars().any(char::is_control) {
        return Err(Malformed::Field("conversationId"));
    }
    check_size("conversationId", id.len(), ID_LIMIT)?;
    Ok(id)
}

/// Returns a message unchanged if all of its fields are within their limits.
///
/// # Errors
/// [`Malformed`] names the field that is empty, too long or out of range.
pub fn validate_message(message: Message) -> Result<Message, Malformed> {
    let conversation_id = validate_conversation_id(message.conversation_id)?;
    if message.from.kind.is_empty() {
        return Err(Malformed::Field("from.type"));
    }
    check_size("from.type", message.from.kind.len(), ID_LIMIT)?;
    check_size("from.id", message.from.id.len(), ID_LIMIT)?;
    check_size("text", message.text.len(), TEXT_LIMIT)?;
    if !(0..=MAX_TIMESTAMP_MS).contains(&message.timestamp_ms) {
        return Err(Malformed::Field("timestamp"));
    }
    let message = Message {
        conversation_id,
        ..message
    };
    check_size("message as JSON", encoded_size(&message), ENCODED_LIMIT)?;
    Ok(message)
}

/// Returns the size of a message in bytes as JSON.
fn encoded_size(message: &Message) -> usize {
    let mut counted = CountedBytes(0);
    // Neither the counter nor the fields of a message can fail to be written.
    let _ = serde_json::to_writer(&mut counted, message);
    counted.0
}

/// Counts the bytes that are written, and drops them.
struct CountedBytes(usize);

impl std::io::Write for CountedBytes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const fn check_size(what: &'static str, size: usize, limit: usize) -> Result<(), Malformed> {
    if size > limit {
        Err(Malformed::TooLarge { what, size, limit })
    } else {
        Ok(())
    }
}

/// Returns whether a routing or status word of the chat API means that the conversation is over.
#[must_use]
pub fn is_end_word(word: &str) -> bool {
    const END_WORDS: &[&str] = &[
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
    END_WORDS
        .iter()
        .any(|end_word| word.trim().eq_ignore_ascii_case(end_word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chat::message::Sender;
    use crate::chat::stored_message::{StoredMessage, Via};

    /// The most bytes that the state store takes as the body of an item.
    const LARGEST_ITEM: usize = 350 * 1024;

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
        assert_eq!(validate_message(fine.clone()), Ok(fine));
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
            (
                message("c", "customer", &"\u{1}".repeat(62_000), 1),
                "message as JSON",
            ),
            (message("c", "customer", "a", -1), "timestamp"),
            (message("c", "customer", "a", i64::MAX), "timestamp"),
        ];
        for (case, field) in cases {
            let error = validate_message(case).unwrap_err().to_string();
            assert!(error.contains(field), "{error} should name {field}");
        }
    }

    proptest! {
        #[test]
        fn every_valid_message_fits_an_item_of_the_state_store(
            parts in proptest::collection::vec(("\\PC|[\u{0}-\u{1f}\"\\\\😡]", 1_usize..40_000), 1..4),
            id in "[^\u{0}-\u{1f}\u{7f}-\u{9f}]{1,60}",
        ) {
            let text: String = parts
                .iter()
                .map(|(part, times)| part.repeat(*times))
                .collect();
            if let Ok(message) = validate_message(message(&id, &id, &text, MAX_TIMESTAMP_MS)) {
                let stored = StoredMessage {
                    message,
                    via: Via::Recovered,
                    arrival: u64::MAX,
                    latency_ms: Some(i64::MIN),
                    model_sentiment: Some(0.123_456_789_012_345),
                    signals: crate::signals::Signals::NONE,
                    language: None,
                };
                let body = serde_json::to_string(&stored).unwrap();
                prop_assert!(body.len() <= LARGEST_ITEM, "{} bytes", body.len());
            }
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
            assert!(is_end_word(word), "{word}");
        }
        for word in ["assigned", "connected", "", "available", "unended"] {
            assert!(!is_end_word(word), "{word}");
        }
    }
}

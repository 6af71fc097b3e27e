//! The JSON of the stream's frames.

use insights_core::chat::frame::{
    ChatEvent, FRAME_LIMIT, Malformed, is_end_word, validate_conversation_id, validate_message,
};
use insights_core::chat::message::{Message, Sender};
use insights_core::lenient_json;
use insights_core::moments::parse_milliseconds;
use serde_json::{Map, Value};

/// Parses a text frame of the stream.
///
/// # Errors
/// [`Malformed`] says why the frame is skipped, and never quotes the frame.
pub fn parse_frame(frame: &str) -> Result<ChatEvent, Malformed> {
    if frame.len() > FRAME_LIMIT {
        return Err(Malformed::TooLarge {
            what: "frame",
            size: frame.len(),
            limit: FRAME_LIMIT,
        });
    }
    let Value::Object(mut envelope) =
        lenient_json::from_str(frame).map_err(|_| Malformed::NotJson)?
    else {
        return Err(Malformed::NoType);
    };
    let kind = take_text(&mut envelope, "type").ok_or(Malformed::NoType)?;
    match kind.to_ascii_lowercase().as_str() {
        "message" => parse_message(envelope).map(ChatEvent::Message),
        "routing" => parse_routing(envelope),
        "status" => parse_status(envelope),
        _ => Ok(ChatEvent::Other),
    }
}

/// Parses the message of an envelope or of a page of a transcript.
pub(super) fn parse_message(mut envelope: Map<String, Value>) -> Result<Message, Malformed> {
    let Some(Value::Object(mut from)) = envelope.remove("from") else {
        return Err(Malformed::Field("from"));
    };
    validate_message(Message {
        conversation_id: take_id(&mut envelope, "conversationId")
            .ok_or(Malformed::Field("conversationId"))?,
        from: Sender {
            kind: take_text(&mut from, "type").ok_or(Malformed::Field("from.type"))?,
            id: take_sender_id(&mut from)?,
        },
        text: take_message_text(&mut envelope).ok_or(Malformed::Field("text"))?,
        timestamp_ms: envelope
            .get("timestamp")
            .and_then(parse_milliseconds)
            .ok_or(Malformed::Field("timestamp"))?,
    })
}

/// Returns the text frame that sends a message.
#[must_use]
pub fn encode_message(message: &Message) -> String {
    serde_json::json!({
        "type": "message",
        "conversationId": message.conversation_id,
        "from": {"type": message.from.kind, "id": message.from.id},
        "text": message.text,
        "timestamp": message.timestamp_ms,
    })
    .to_string()
}

/// Parses a routing frame: the conversation was given to the agent, unless the frame says in words that it was taken away.
fn parse_routing(mut envelope: Map<String, Value>) -> Result<ChatEvent, Malformed> {
    let ended = ["status", "event", "action", "state"]
        .iter()
        .any(|field| says_end(&envelope, field));
    let conversation_id =
        take_id(&mut envelope, "conversationId").ok_or(Malformed::Field("conversationId"))?;
    let conversation_id = validate_conversation_id(conversation_id)?;
    Ok(if ended {
        ChatEvent::Ended { conversation_id }
    } else {
        ChatEvent::Assigned { conversation_id }
    })
}

/// Parses a status frame, which matters only if it ends a conversation.
fn parse_status(mut envelope: Map<String, Value>) -> Result<ChatEvent, Malformed> {
    let ended = ["status", "event", "state"]
        .iter()
        .any(|field| says_end(&envelope, field));
    match take_id(&mut envelope, "conversationId") {
        Some(id) if ended => Ok(ChatEvent::Ended {
            conversation_id: validate_conversation_id(id)?,
        }),
        _ => Ok(ChatEvent::Other),
    }
}

fn says_end(envelope: &Map<String, Value>, field: &str) -> bool {
    envelope
        .get(field)
        .and_then(Value::as_str)
        .is_some_and(is_end_word)
}

fn take_text(object: &mut Map<String, Value>, field: &str) -> Option<String> {
    match object.remove(field) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Takes out an id, which some contact centers write as a whole number.
fn take_id(object: &mut Map<String, Value>, field: &str) -> Option<String> {
    match object.remove(field) {
        Some(Value::String(id)) => Some(id),
        Some(Value::Number(id)) if id.is_i64() || id.is_u64() => Some(id.to_string()),
        _ => None,
    }
}

/// Takes out the text of a message. A message without text, such as one that only carries a file, has `null` there, and an empty
/// text here.
fn take_message_text(envelope: &mut Map<String, Value>) -> Option<String> {
    match envelope.remove("text") {
        Some(Value::String(text)) => Some(text),
        Some(Value::Null) => Some(String::new()),
        _ => None,
    }
}

/// Takes out a sender's id, which is empty for a system.
fn take_sender_id(from: &mut Map<String, Value>) -> Result<String, Malformed> {
    match from.remove("id") {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(id)) => Ok(id),
        Some(Value::Number(id)) => Ok(id.to_string()),
        Some(_) => Err(Malformed::Field("from.id")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MESSAGE: &str = r#"{"type":"message","conversationId":"c-1","from":{"type":"customer","id":"u-1"},"text":"I need help","timestamp":1698765432000,"extra":[1]}"#;

    #[test]
    fn a_message_is_read_with_all_its_fields() {
        let Ok(ChatEvent::Message(message)) = parse_frame(MESSAGE) else {
            panic!("it is a message")
        };
        assert_eq!(
            (message.conversation_id.as_str(), message.from.kind.as_str()),
            ("c-1", "customer")
        );
        assert_eq!(
            (message.text.as_str(), message.timestamp_ms),
            ("I need help", 1_698_765_432_000)
        );
        assert_eq!(
            parse_frame(&encode_message(&message)),
            Ok(ChatEvent::Message(message))
        );
    }

    #[test]
    fn routing_assigns_and_ends() {
        let conversation_id = "c-1".to_owned();
        let assigned = ChatEvent::Assigned {
            conversation_id: conversation_id.clone(),
        };
        assert_eq!(
            parse_frame(r#"{"type":"routing","conversationId":"c-1","queue":"billing"}"#),
            Ok(assigned.clone())
        );
        assert_eq!(
            parse_frame(r#"{"type":"routing","conversationId":"c-1","status":"assigned"}"#),
            Ok(assigned)
        );
        let ended = ChatEvent::Ended { conversation_id };
        assert_eq!(
            parse_frame(r#"{"type":"routing","conversationId":"c-1","event":"unassigned"}"#),
            Ok(ended.clone())
        );
        assert_eq!(
            parse_frame(r#"{"type":"status","conversationId":"c-1","status":"closed"}"#),
            Ok(ended)
        );
    }

    #[test]
    fn a_status_of_something_else_and_unknown_types_are_no_errors() {
        for frame in [
            r#"{"type":"status","status":"connected"}"#,
            r#"{"type":"status","conversationId":"c","status":"typing"}"#,
            r#"{"type":"heartbeat"}"#,
        ] {
            assert_eq!(parse_frame(frame), Ok(ChatEvent::Other), "{frame}");
        }
    }

    #[test]
    fn odd_characters_and_numbers_lose_no_message() {
        for (frame, text) in [
            (
                MESSAGE.replace("need help", r"will call my lawyer \ud83d"),
                "I will call my lawyer \u{fffd}",
            ),
            (format!("\u{feff}{MESSAGE}"), "I need help"),
            (MESSAGE.replace("[1]", "1e400"), "I need help"),
            (
                MESSAGE.replace("[1]", r#"{"name": "\ud83d", "rank": -1e999}"#),
                "I need help",
            ),
        ] {
            let Ok(ChatEvent::Message(message)) = parse_frame(&frame) else {
                panic!("{frame} is a message")
            };
            assert_eq!(message.text, text);
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_never_quoted() {
        let cases = [
            ("{\"type\":\"message\", secret", "not JSON"),
            ("[1,2]", "no object"),
            ("{}", "type"),
            (r#"{"type":5}"#, "type"),
            (
                r#"{"type":"message","conversationId":"c","from":{"type":"a"},"text":"secret"}"#,
                "`timestamp`",
            ),
            (
                r#"{"type":"message","conversationId":"c","from":{"type":"a"},"text":"secret","timestamp":"soon"}"#,
                "`timestamp`",
            ),
            (
                r#"{"type":"message","conversationId":"c","from":{"type":"a"},"text":7,"timestamp":1}"#,
                "`text`",
            ),
            (
                r#"{"type":"message","conversationId":"c","from":"secret","text":"a","timestamp":1}"#,
                "`from`",
            ),
            (
                r#"{"type":"message","conversationId":7.5,"from":{"type":"a"},"text":"a","timestamp":1}"#,
                "`conversationId`",
            ),
            (r#"{"type":"routing"}"#, "`conversationId`"),
        ];
        for (frame, expected) in cases {
            let error = parse_frame(frame).unwrap_err().to_string();
            assert!(
                error.contains(expected) && !error.contains("secret"),
                "{frame}: {error}"
            );
        }
    }

    #[test]
    fn a_frame_too_large_is_skipped_unread() {
        let frame = MESSAGE.replace("I need help", &"x".repeat(FRAME_LIMIT));
        assert!(matches!(
            parse_frame(&frame),
            Err(Malformed::TooLarge { what: "frame", .. })
        ));
    }

    #[test]
    fn deep_nesting_is_malformed_and_does_not_overflow() {
        let frame = format!(
            r#"{{"type":"message","from":{}1{}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert_eq!(parse_frame(&frame), Err(Malformed::NotJson));
    }

    #[test]
    fn a_sender_without_id_and_a_time_with_a_point_are_read() {
        let frame = r#"{"type":"message","conversationId":"c","from":{"type":"system"},"text":"","timestamp":1000.0}"#;
        let Ok(ChatEvent::Message(message)) = parse_frame(frame) else {
            panic!("it is a message")
        };
        assert_eq!((message.from.id.as_str(), message.timestamp_ms), ("", 1000));
    }

    fn read(frame: &str) -> Message {
        match parse_frame(frame) {
            Ok(ChatEvent::Message(message)) => message,
            other => panic!("{frame}: {other:?}"),
        }
    }

    #[test]
    fn a_time_is_read_in_every_form_and_unit() {
        for (written, expected) in [
            ("1795690580087.5", 1_795_690_580_087),
            ("1795690580087.999", 1_795_690_580_087),
            ("1.795690580087e12", 1_795_690_580_087),
            (r#""1795690580087""#, 1_795_690_580_087),
            (r#"" 1795690580087.5 ""#, 1_795_690_580_087),
            ("1795690580", 1_795_690_580_000),
            (r#""1795690580.087""#, 1_795_690_580_087),
            ("1795690580087123", 1_795_690_580_087),
            ("1795690580087123456", 1_795_690_580_087),
            (r#""2026-11-26T10:56:20.0871234Z""#, 1_795_690_580_087),
            (r#""2026-11-26T11:56:20.087+0100""#, 1_795_690_580_087),
            (r#""2026-11-26 10:56:20.087""#, 1_795_690_580_087),
            (r#""Thu, 26 Nov 2026 10:56:20 GMT""#, 1_795_690_580_000),
            (r#""/Date(1795690580087)/""#, 1_795_690_580_087),
        ] {
            let frame = MESSAGE.replace("1698765432000", written);
            assert_eq!(read(&frame).timestamp_ms, expected, "{written}");
        }
        for written in [
            r#""""#,
            r#""soon""#,
            r#""1e12""#,
            r#""-5""#,
            "-0.5e3",
            "1e300",
            "null",
            "true",
        ] {
            let frame = MESSAGE.replace("1698765432000", written);
            assert_eq!(
                parse_frame(&frame),
                Err(Malformed::Field("timestamp")),
                "{written}"
            );
        }
    }

    #[test]
    fn ids_may_be_whole_numbers_and_a_message_may_have_no_text() {
        let frame = MESSAGE
            .replace(r#""c-1""#, "123456789012")
            .replace(r#""I need help""#, "null");
        let message = read(&frame);
        assert_eq!(
            (message.conversation_id.as_str(), message.text.as_str()),
            ("123456789012", "")
        );
        for (frame, ended) in [
            (r#"{"type":"routing","conversationId":42}"#, false),
            (
                r#"{"type":"status","conversationId":42,"status":"closed"}"#,
                true,
            ),
        ] {
            let conversation_id = "42".to_owned();
            let expected = if ended {
                ChatEvent::Ended { conversation_id }
            } else {
                ChatEvent::Assigned { conversation_id }
            };
            assert_eq!(parse_frame(frame), Ok(expected));
        }
    }

    proptest! {
        #[test]
        fn a_message_cut_or_changed_anywhere_never_panics(cut in 0usize..160, byte in 0u8..128) {
            let mut bytes = MESSAGE.as_bytes().to_vec();
            let at = cut.min(bytes.len() - 1);
            bytes[at] = byte;
            if let Ok(text) = std::str::from_utf8(&bytes) {
                let _ = parse_frame(text);
                let _ = parse_frame(&text[..at]);
            }
        }
    }
}

//! A conversation in the form in which the webhook sends it.

use insights_core::analytics::{Conversation, Line, Speaker};
use insights_core::webhook::{CONVERSATION_COMPLETED, MAX_BODY_BYTES, MAX_ID_BYTES};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Room for what stands around the lines, in bytes.
const FRAME_BYTES: usize = 8 * 1024;

/// Returns the event of a conversation with these lines. A conversation that is longer than an event may be loses its last lines.
/// `None` for an id that no event may have.
pub(crate) fn event_of(
    conversation: &Conversation,
    lines: &[Line],
    changed_at: Timestamp,
) -> Option<String> {
    let mut left = MAX_BODY_BYTES - FRAME_BYTES;
    let mut turns = Vec::with_capacity(lines.len());
    for line in lines.iter().filter(|line| !line.text.trim().is_empty()) {
        let speaker = match line.speaker {
            Speaker::Agent => "agent",
            Speaker::Customer => "customer",
        };
        let turn = json!({"speaker": speaker, "text": line.text});
        let bytes = turn.to_string().len() + 1;
        if bytes > left {
            tracing::warn!(
                conversation_id = conversation.conversation_id,
                kept = turns.len(),
                lines = lines.len(),
                "the conversation is longer than an event may be, its last lines are left out"
            );
            break;
        }
        left -= bytes;
        turns.push(turn);
    }
    (!turns.is_empty()).then_some(())?;
    event(conversation, changed_at, &turns.into())
}

/// Returns the event that takes back the text of a conversation, because the contact center has removed it.
pub(crate) fn removal_of(conversation: &Conversation, changed_at: Timestamp) -> Option<String> {
    event(conversation, changed_at, &json!([]))
}

fn event(conversation: &Conversation, changed_at: Timestamp, turns: &Value) -> Option<String> {
    let id = &conversation.conversation_id;
    let is_allowed = (1..=MAX_ID_BYTES).contains(&id.len());
    let disposition: String = conversation.disposition.chars().take(200).collect();
    is_allowed.then(|| {
        json!({
            "event": CONVERSATION_COMPLETED,
            "timestamp": changed_at.to_string(),
            "conversationId": id,
            "data": {"transcript": turns, "disposition": disposition},
        })
        .to_string()
    })
}

#[cfg(test)]
mod tests {
    use insights_core::webhook::WebhookEvent;

    use super::*;

    fn conversation() -> Conversation {
        Conversation {
            conversation_id: "480000000001".to_owned(),
            disposition: "Refund granted".to_owned(),
            ..Conversation::default()
        }
    }

    fn line(text: &str) -> Line {
        Line {
            speaker: Speaker::Customer,
            text: text.to_owned(),
            at: None,
        }
    }

    #[test]
    fn an_event_is_one_that_the_writer_reads() {
        let at: Timestamp = "2026-11-20T10:00:00.123Z".parse().expect("a moment");
        let event =
            event_of(&conversation(), &[line(" "), line("It \"broke\"\n")], at).expect("an event");
        let read = WebhookEvent::parse(event.as_bytes(), at).expect("an event");
        assert_eq!(
            (read.conversation_id.as_str(), read.timestamp),
            ("480000000001", at)
        );
        assert_eq!(read.data["transcript"].as_array().map(Vec::len), Some(1));
        let removal = removal_of(&conversation(), at).expect("an event");
        assert!(WebhookEvent::parse(removal.as_bytes(), at).is_ok());
    }

    #[test]
    fn a_long_conversation_is_cut_and_silence_is_no_event() {
        let at = Timestamp::UNIX_EPOCH;
        let lines: Vec<_> = (0..400).map(|_| line(&"ä\"".repeat(500))).collect();
        let event = event_of(&conversation(), &lines, at).expect("an event");
        assert!(event.len() <= MAX_BODY_BYTES, "{}", event.len());
        assert_eq!(event_of(&conversation(), &[line("  ")], at), None);
    }
}

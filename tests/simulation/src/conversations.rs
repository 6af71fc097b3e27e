//! The finished conversations of a run, and what becomes of them: sent, changed, sent again, emptied at their source, erased here.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::json;

use crate::contact_center::wall_ms;

/// One event about a conversation.
#[derive(Debug, Clone)]
pub struct PlannedEvent {
    /// When the contact center begins to send the event, in milliseconds of the run.
    pub sent_ms: u64,
    /// The moment of the event, in milliseconds of the run. Events may be sent in another order.
    pub event_ms: u64,
    /// The text of the conversation; empty if its source has removed it.
    pub text: String,
    /// The body of the webhook.
    pub body: String,
}

/// A conversation of a run.
#[derive(Debug, Clone, Default)]
pub struct PlannedConversation {
    /// The events about the conversation, in no order.
    pub events: Vec<PlannedEvent>,
    /// When somebody asks for the erasure of the conversation, in milliseconds of the run.
    pub erased_ms: Option<u64>,
}

impl PlannedConversation {
    /// Returns the text that must be stored in the end; `None` if the conversation must not be stored.
    #[must_use]
    pub fn final_text(&self) -> Option<&str> {
        let latest = self.events.iter().max_by_key(|event| event.event_ms)?;
        (self.erased_ms.is_none() && !latest.text.is_empty()).then_some(latest.text.as_str())
    }
}

/// The conversations of a run, by their ids.
pub type PlannedConversations = BTreeMap<String, PlannedConversation>;

/// Draws the conversations of a run: their events are sent in a part of it, in milliseconds of the run, and their texts have fewer than
/// `max_sentences` sentences.
#[must_use]
pub fn draw_conversations(
    random: &mut StdRng,
    sent_ms: &Range<u64>,
    max_sentences: usize,
) -> PlannedConversations {
    (0..random.random_range(2..=6))
        .map(|number| {
            let id = format!("conversation-{number}");
            let conversation = draw_conversation(random, &id, sent_ms, max_sentences);
            (id, conversation)
        })
        .collect()
}

fn draw_conversation(
    random: &mut StdRng,
    id: &str,
    sent_ms: &Range<u64>,
    max_sentences: usize,
) -> PlannedConversation {
    let versions = random.random_range(1..=3_u64);
    let events = (0..versions)
        .map(|version| {
            let event_ms = 1000 + version * 1000;
            // Some versions arrive before earlier ones.
            let sent_ms = random.random_range(sent_ms.start.max(event_ms)..sent_ms.end);
            let is_removed = version > 0 && random.random_bool(0.15);
            let text = if is_removed {
                String::new()
            } else {
                let sentences = random.random_range(1..max_sentences);
                format!(
                    "{id} version {version} {}",
                    "the parcel has not come. ".repeat(sentences)
                )
            };
            let body = json!({
                "event": "conversation.completed",
                "timestamp": Timestamp::from_millisecond(wall_ms(event_ms)).unwrap_or_default().to_string(),
                "conversationId": id,
                "data": {"subject": text},
            });
            PlannedEvent {
                sent_ms,
                event_ms,
                text,
                body: body.to_string(),
            }
        })
        .collect();
    PlannedConversation {
        events,
        erased_ms: random
            .random_bool(0.3)
            .then(|| random.random_range(5000..sent_ms.end)),
    }
}

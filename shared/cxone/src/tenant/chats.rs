//! Digital contacts as chats, with their messages in the form of the chat stream, and as live calls, with their messages as segments.

use insights_core::chat::frame::{ID_LIMIT, Malformed, TEXT_LIMIT};
use insights_core::chat::message::{Message, Sender};
use insights_core::live::{Segment, Speaker};
use insights_http::Deadline;

use super::client::TenantClient;
use super::digital::{Author, DigitalMessage, DigitalMessages, read_messages};
use crate::chat::ChatTranscript;
use crate::error::Error;
use crate::live::LiveTranscript;

/// Returns a message of a contact as a message of a chat; `None` for one that says nothing, or whose text was removed.
#[must_use]
pub fn chat_message(contact_id: &str, message: &DigitalMessage) -> Option<Message> {
    let kind = match message.author {
        Author::Customer => "customer",
        Author::Agent => "agent",
        Author::Bot => "system",
    };
    let says_something = !message.text.trim().is_empty();
    let fits = message.text.len() <= TEXT_LIMIT && contact_id.len() <= ID_LIMIT;
    (says_something && fits).then(|| Message {
        conversation_id: contact_id.to_owned(),
        from: Sender {
            kind: kind.to_owned(),
            id: String::new(),
        },
        text: message.text.clone(),
        timestamp_ms: message.at.map_or(0, |at| at.as_millisecond()),
    })
}

/// Returns what customer and agent wrote at or after `from`, in milliseconds since the epoch, as the segments of a live call. What a bot
/// wrote is no part of it.
#[must_use]
pub fn live_transcript(found: DigitalMessages, from: i64) -> LiveTranscript {
    let segments = found.messages.into_iter().filter_map(|message| {
        let speaker = match message.author {
            Author::Customer => Speaker::Customer,
            Author::Agent => Speaker::Agent,
            Author::Bot => return None,
        };
        let at = message.at?.as_millisecond();
        (at >= from && !message.text.trim().is_empty()).then_some(Segment {
            text: message.text,
            start: at,
            end: at,
            speaker,
            is_final: true,
        })
    });
    LiveTranscript {
        segments: segments.collect(),
        malformed: found.unreadable,
    }
}

/// Reads all messages of a contact as the transcript of a live call, which is empty if there is no contact of this number.
///
/// # Errors
/// As [`read_messages`].
pub async fn read_live_transcript(
    client: &TenantClient,
    contact_id: &str,
    deadline: Deadline,
) -> Result<LiveTranscript, Error> {
    let found = read_messages(client, contact_id, deadline).await?;
    Ok(found.map_or_else(LiveTranscript::default, |found| live_transcript(found, 0)))
}

/// Reads all messages of a contact as the transcript of a chat; `None` if there is no contact of this number.
///
/// # Errors
/// As [`read_messages`].
pub async fn read_chat_transcript(
    client: &TenantClient,
    contact_id: &str,
    deadline: Deadline,
) -> Result<Option<ChatTranscript>, Error> {
    let Some(found) = read_messages(client, contact_id, deadline).await? else {
        return Ok(None);
    };
    let mut transcript = ChatTranscript::default();
    for message in &found.messages {
        match chat_message(contact_id, message) {
            Some(message) => transcript.messages.push(message),
            None if message.text.len() > TEXT_LIMIT => {
                transcript.malformed.count(&Malformed::TooLarge {
                    what: "text",
                    size: message.text.len(),
                    limit: TEXT_LIMIT,
                });
            }
            None => {}
        }
    }
    for _ in 0..found.unreadable {
        transcript.malformed.count(&Malformed::NoType);
    }
    Ok(Some(transcript))
}

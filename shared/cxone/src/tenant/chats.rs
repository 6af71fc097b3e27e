//! Digital contacts as chats: their messages in the form of the chat stream.

use insights_core::chat::frame::{ID_LIMIT, Malformed, TEXT_LIMIT};
use insights_core::chat::message::{Message, Sender};
use insights_http::Deadline;

use super::client::TenantClient;
use super::digital::{Author, DigitalMessage, read_messages};
use crate::chat::ChatTranscript;
use crate::error::Error;

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

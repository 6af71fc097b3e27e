//! A chat's transcript, all pages of it.

use insights_core::chat::frame::{Malformed, MalformedCounts};
use insights_core::chat::message::Message;
use insights_http::Deadline;
use serde::Deserialize;
use serde_json::Value;

use super::wire;
use crate::client::CxoneClient;
use crate::endpoints::Route;
use crate::error::Error;
use crate::pages::{Page, PageLimits, Pages, RepeatedLink};
use crate::request::Request;

/// A transcript of more pages than this has no end.
const MAX_PAGES: usize = 10_000;

/// A transcript that goes on after this many messages has no end.
const MAX_MESSAGES: usize = 200_000;

/// The complete transcript of a chat.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChatTranscript {
    /// The messages in the contact center's order.
    pub messages: Vec<Message>,
    /// Number of entries that are not messages, by reason.
    pub malformed: MalformedCounts,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePage {
    conversation_id: Option<Value>,
    messages: Vec<Value>,
    #[serde(default)]
    next_link: Option<String>,
}

impl Page for WirePage {
    fn next_link(&self) -> Option<&str> {
        self.next_link.as_deref()
    }
}

/// Reads the whole transcript of a conversation; `None` if there is none (404 on the first page).
///
/// A transcript that was read in part is an error, not an answer.
///
/// # Errors
/// As [`Pages::next_page`]; [`insights_http::Error::InvalidResponse`] for a page that is missing or belongs to another
/// conversation, and for a transcript without end.
pub async fn read_transcript(
    client: &CxoneClient,
    conversation_id: &str,
    deadline: Deadline,
) -> Result<Option<ChatTranscript>, Error> {
    let first = client
        .site()
        .endpoint(Route::ChatTranscript, &[conversation_id])?;
    let template = first.template();
    let limits = PageLimits {
        max_pages: MAX_PAGES,
        repeated_link: RepeatedLink::IsError,
    };
    let mut pages = Pages::<WirePage>::new(client, Request::get(first), limits);
    let mut transcript = ChatTranscript::default();
    loop {
        let page = match pages.next_page(deadline).await {
            Ok(Some(page)) => page,
            Ok(None) => return Ok(Some(transcript)),
            Err(error) if error.is_not_found() && pages.pages_read() == 0 => return Ok(None),
            Err(error) if error.is_not_found() => {
                let reason = "a page of the transcript is missing";
                return Err(Error::invalid_response(template, reason));
            }
            Err(error) => return Err(error),
        };
        if page
            .conversation_id
            .is_some_and(|id| !names_conversation(&id, conversation_id))
        {
            let reason = "a page belongs to another conversation";
            return Err(Error::invalid_response(template, reason));
        }
        for entry in page.messages {
            match parse_entry(entry, conversation_id) {
                Ok(message) => transcript.messages.push(message),
                Err(reason) => transcript.malformed.count(&reason),
            }
        }
        if pages.has_next() && transcript.messages.len() > MAX_MESSAGES {
            let reason = format!("the transcript has more than {MAX_MESSAGES} messages");
            return Err(Error::invalid_response(template, reason));
        }
    }
}

/// Returns whether the id of a page is that of a conversation; some contact centers write it as a number, or leave it empty.
fn names_conversation(id: &Value, conversation_id: &str) -> bool {
    match id {
        Value::Null => true,
        Value::String(id) => id == conversation_id,
        Value::Number(id) => id.to_string() == conversation_id,
        _ => false,
    }
}

/// Parses an entry of a page. The conversation of the page stands for one that the entry does not repeat.
fn parse_entry(entry: Value, conversation_id: &str) -> Result<Message, Malformed> {
    let Value::Object(mut entry) = entry else {
        return Err(Malformed::NoType);
    };
    entry
        .entry("conversationId")
        .or_insert_with(|| Value::String(conversation_id.to_owned()));
    let message = wire::parse_message(entry)?;
    if message.conversation_id == conversation_id {
        Ok(message)
    } else {
        Err(Malformed::Field("conversationId"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_page_may_be_a_number() {
        for (id, names) in [
            (serde_json::json!("17"), true),
            (serde_json::json!(17), true),
            (Value::Null, true),
            (serde_json::json!(18), false),
            (serde_json::json!("018"), false),
            (serde_json::json!({"id": 17}), false),
        ] {
            assert_eq!(names_conversation(&id, "17"), names, "{id}");
        }
    }

    #[test]
    fn a_page_without_messages_is_no_empty_transcript() {
        assert!(serde_json::from_str::<WirePage>(r#"{"messages": []}"#).is_ok());
        for other in [
            r#"{"error": "limit"}"#,
            r#"{"messages": null}"#,
            r#"{"items": []}"#,
        ] {
            assert!(serde_json::from_str::<WirePage>(other).is_err(), "{other}");
        }
    }
}

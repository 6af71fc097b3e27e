//! A conversation's transcript, all pages of it.

use std::collections::HashSet;

use insights_core::chat::frame::{Malformed, MalformedCounts};
use insights_core::chat::message::Message;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::wire;
use crate::endpoints::Route;
use crate::{CxoneClient, Request};
use insights_http::{Deadline, Error};

/// Most pages that are followed: a server that pages without end is broken.
const PAGES: usize = 10_000;
/// Most messages of a conversation that are kept.
const MESSAGES: usize = 200_000;

/// A conversation's transcript.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Transcript {
    /// Its messages in the contact centre's order.
    pub messages: Vec<Message>,
    /// Entries that were no messages.
    pub malformed: MalformedCounts,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    conversation_id: Option<String>,
    #[serde(default)]
    messages: Vec<Value>,
    #[serde(default)]
    next_link: Option<String>,
}

/// The whole transcript of a conversation; `None` if there is none (404 on the first page).
///
/// # Errors
/// As [`CxoneClient::answer`]; [`Error::InvalidResponse`] for pages that are none, go in circles, never end or belong to another
/// conversation; [`Error::Invalid`] for a link to another host. A transcript that was read in part is an error, not an answer.
pub async fn transcript(
    client: &CxoneClient,
    conversation: &str,
    deadline: Deadline,
) -> Result<Option<Transcript>, Error> {
    let first = client
        .site()
        .endpoint(Route::ChatTranscript, &[conversation])?;
    let name = first.template();
    let mut page: Page = match client.send(Request::get(first.clone()), deadline).await {
        Err(Error::NotFound { .. }) => return Ok(None),
        answer => answer?,
    };
    let mut transcript = Transcript::default();
    let mut seen = HashSet::from([first.url().clone()]);
    let mut endpoint = first;
    loop {
        if page
            .conversation_id
            .as_deref()
            .is_some_and(|id| id != conversation)
        {
            return Err(Error::response(name, "it is of another conversation"));
        }
        for entry in page.messages {
            match entry_of(entry, conversation) {
                Ok(message) => transcript.messages.push(message),
                Err(reason) => transcript.malformed.count(&reason),
            }
        }
        let Some(link) = page.next_link.filter(|link| !link.is_empty()) else {
            return Ok(Some(transcript));
        };
        if seen.len() >= PAGES || transcript.messages.len() > MESSAGES {
            return Err(Error::response(name, "the transcript does not end"));
        }
        endpoint = client.site().link(&endpoint, &link)?;
        if !seen.insert(endpoint.url().clone()) {
            return Err(Error::response(name, "its pages go in a circle"));
        }
        page = client
            .send(Request::get(endpoint.clone()), deadline)
            .await
            .map_err(|error| match error {
                Error::NotFound { .. } => Error::response(name, "a page of it is missing"),
                other => other,
            })?;
    }
}

/// A message of a page; the page's conversation stands for one that it does not repeat.
fn entry_of(entry: Value, conversation: &str) -> Result<Message, Malformed> {
    let Value::Object(mut entry) = entry else {
        return Err(Malformed::NoType);
    };
    named(&mut entry, conversation);
    let message = wire::message(entry)?;
    if message.conversation_id == conversation {
        Ok(message)
    } else {
        Err(Malformed::Field("conversationId"))
    }
}

fn named(entry: &mut Map<String, Value>, conversation: &str) {
    entry
        .entry("conversationId")
        .or_insert_with(|| Value::String(conversation.to_owned()));
}
